"""Documents of a matter: adding, versions, folders, sharing."""

from __future__ import annotations

from flask import Response, flash, request
from flask_wtf.file import FileField, MultipleFileField
from werkzeug.datastructures import FileStorage
from werkzeug.wrappers import Response as AnyResponse
from wtforms.validators import ValidationError

from portal_app import config
from portal_app.domain import documents, matters, payments, sharing, throttles
from portal_app.domain.documents import Document, DocumentShare
from portal_app.domain.errors import Refused
from portal_app.domain.matters import Matter
from portal_app.domain.once import SentAlready
from portal_app.domain.store import NotStored
from portal_app.firm.blueprint import blueprint
from portal_app.firm.once import OnceForm
from portal_app.firm.sharing import Panel, open_panel, read_choice, sentence
from portal_app.web import auditing, files
from portal_app.web.fields import Line
from portal_app.web.forms import Form
from portal_app.web.fragments import go, is_fragment_request, render
from portal_app.web.login import firm_only, firm_user
from portal_app.web.uploads import chunks_of


class UploadForm(OnceForm):
    files = MultipleFileField("Files")
    folder = Line("Folder", most=60, is_required=False)

    @property
    def chosen(self) -> list[FileStorage]:
        return [file for file in self.files.data or [] if isinstance(file, FileStorage) and file.filename]

    def validate_files(self, _field: MultipleFileField) -> None:
        if not self.chosen:
            raise ValidationError("Choose at least one file.")


class VersionForm(Form):
    file = FileField("Newer version")

    def validate_file(self, field: FileField) -> None:
        if not isinstance(field.data, FileStorage) or not field.data.filename:
            raise ValidationError("Choose a file.")


class NameForm(Form):
    name = Line("Name")
    folder = Line("Folder", most=60, is_required=False)


def _home(matter: Matter) -> str:
    return f"/firm/matters/{matter.id}/documents"


def _list(
    matter: Matter,
    *blocks: str,
    form: UploadForm | None = None,
    panel: Panel | None = None,
    said: str = "",
    status: int = 200,
) -> Response:
    """The matter's documents, and beside them the form for more files or the open share panel."""
    rows = documents.for_matter(matter)
    return render(
        "firm/documents/index.html", *blocks, matter=matter, rows=rows, form=form or UploadForm(), sharing=panel,
        versions=documents.latest_versions(rows), shares=sharing.shares_of(DocumentShare, rows),
        folders=sorted({row.folder for row in rows} - {""}), limit_mb=config.active().upload_limit_mb,
        said=said, status=status,
    )  # fmt: skip


def _one(matter: Matter, document: Document, *, status: int = 200, **forms: Form) -> Response:
    """One document: its versions, name and folder."""
    shares = sharing.shares_of(DocumentShare, [document])
    given: dict[str, Form] = {"name_form": NameForm(formdata=None, obj=document), "version_form": VersionForm()} | forms
    refused = next((form for form in forms.values() if form.errors), None)
    return render(
        "firm/documents/show.html", status=status, matter=matter, document=document, form=refused,
        versions=documents.versions_of(document), shared=shares.get(document.id, []),
        limit_mb=config.active().upload_limit_mb, **given,
    )  # fmt: skip


@blueprint.get("/matters/<int:matter_id>/documents")
@firm_only("firm.read")
def matter_documents(matter_id: int) -> Response:
    return _list(matters.find(firm_user(), matter_id), "panel", "documents")


@blueprint.post("/matters/<int:matter_id>/documents")
@firm_only("documents.edit")
def add_documents(matter_id: int) -> AnyResponse:
    matter = matters.find(firm_user(), matter_id)
    form = UploadForm()
    if not form.validate():
        return _list(matter, form=form, status=422)
    throttles.count({f"upload:{firm_user().id}": throttles.UPLOADS})
    added = [(file.filename or "", chunks_of(file)) for file in form.chosen]
    limit = config.active().upload_limit_bytes
    try:
        documents.add_all(
            matter, added, limit_bytes=limit, by=firm_user(), folder=form.folder.data or "", key=form.key.data
        )
    except Refused as problem:
        form.refuse(problem if isinstance(problem, SentAlready) else Refused(f"{problem} Nothing was added.", "files"))
        return _list(matter, form=form, status=422)
    flash("1 file added." if len(added) == 1 else f"{len(added)} files added.", "good")
    return go(_home(matter))


@blueprint.get("/matters/<int:matter_id>/documents/<int:document_id>")
@firm_only("firm.read")
def document(matter_id: int, document_id: int) -> Response:
    matter = matters.find(firm_user(), matter_id)
    found = documents.find(matter, document_id)
    if request.method == "GET":
        auditing.opened("open", found, firm_user())
    return _one(matter, found)


@blueprint.post("/matters/<int:matter_id>/documents/<int:document_id>")
@firm_only("documents.edit")
def rename_document(matter_id: int, document_id: int) -> AnyResponse:
    matter = matters.find(firm_user(), matter_id)
    found = documents.find(matter, document_id)
    form = NameForm()
    if form.validate():
        try:
            documents.rename(found, name=form.name.data or "", folder=form.folder.data or "")
            flash("Saved.", "good")
            return go(_home(matter))
        except Refused as problem:
            form.refuse(problem)
    return _one(matter, found, name_form=form, status=422)


@blueprint.post("/matters/<int:matter_id>/documents/<int:document_id>/versions")
@firm_only("documents.edit")
def add_version(matter_id: int, document_id: int) -> AnyResponse:
    matter = matters.find(firm_user(), matter_id)
    found = documents.find(matter, document_id)
    form = VersionForm()
    if form.validate():
        throttles.count({f"upload:{firm_user().id}": throttles.UPLOADS})
        limit = config.active().upload_limit_bytes
        try:
            version = documents.add_version(found, chunks_of(form.file.data), limit_bytes=limit, by=firm_user())
            flash(f"Version {version.number} added. Those with whom it is shared see the newest.", "good")
            return go(f"{_home(matter)}/{found.id}")
        except Refused as problem:
            form.refuse(Refused(str(problem), "file"))
    return _one(matter, found, version_form=form, status=422)


@blueprint.get("/matters/<int:matter_id>/documents/<int:document_id>/file")
@firm_only("firm.read")
def document_file(matter_id: int, document_id: int) -> Response:
    """The bytes: of the newest version, or ``?version=``; ``?view`` shows our own invoice paper in the browser."""
    found = documents.find(matters.find(firm_user(), matter_id), document_id)
    wanted = request.args.get("version", "")
    rows = documents.versions_of(found)
    version = next((row for row in rows if wanted in {"", str(row.number)}), None)
    if version is None:
        raise NotStored(f"document {document_id}, version {wanted}")
    return files.send(found, version, as_download="view" not in request.args)


@blueprint.post("/matters/<int:matter_id>/documents/<int:document_id>/remove")
@firm_only("documents.edit")
def remove_document(matter_id: int, document_id: int) -> AnyResponse:
    matter = matters.find(firm_user(), matter_id)
    found = documents.find(matter, document_id)
    try:
        documents.remove(found, by=firm_user())
    except Refused as problem:
        flash(str(problem), "bad")
        return go(f"{_home(matter)}/{found.id}")
    flash(f"{found.name} is removed, and no longer in anybody’s portal.", "good")
    return go(_home(matter))


def _panel(matter: Matter, found: Document, problem: str = "") -> Panel:
    shares = sharing.shares_of(DocumentShare, [found]).get(found.id, [])
    base = f"{_home(matter)}/{found.id}"
    return open_panel(
        matter, shares, item_id=found.id, title=found.name, base=base, home=_home(matter), problem=problem
    )


@blueprint.route("/matters/<int:matter_id>/documents/<int:document_id>/share", methods=["GET", "POST"])
@firm_only("documents.edit")
def share_document(matter_id: int, document_id: int) -> AnyResponse:
    matter = matters.find(firm_user(), matter_id)
    found = documents.find(matter, document_id)
    try:
        people = read_choice() if request.method == "POST" else None
    except Refused as problem:
        return _list(matter, "panel", panel=_panel(matter, found, str(problem)), status=422)
    if people is None:
        return _list(matter, "panel", "documents", panel=_panel(matter, found))
    documents.share(found, people, by=firm_user())
    payments.share_notes(found, by=firm_user())
    if is_fragment_request():
        return _list(matter, "panel", "documents", panel=None, said=sentence(people, found.name))
    flash(sentence(people, found.name), "good")
    return go(_home(matter))
