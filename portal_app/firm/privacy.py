"""What the portal holds about one person: handed to them as a file, or erased as far as records may be."""

from __future__ import annotations

import tempfile
from typing import Any

from flask import Response, flash, send_file
from werkzeug.wrappers import Response as AnyResponse
from wtforms.validators import ValidationError

from portal_app import clock
from portal_app.domain import clients, erasing, holdings, person_files
from portal_app.domain.errors import Refused
from portal_app.domain.people import Client, PortalUser
from portal_app.firm.blueprint import blueprint
from portal_app.web.fields import Line
from portal_app.web.forms import Form
from portal_app.web.fragments import go, render
from portal_app.web.login import firm_only, firm_user, fresh
from portal_app.web.templates import current_firm

_IN_MEMORY = 2**20  # bytes of an export that are not worth a file


class ErasureForm(Form):
    """``typed`` must be what is about to go: nobody erases by one wrong press. ``wanted`` is set by the route."""

    reason = Line("Why", most=erasing.REASON_MAX)
    typed = Line("To confirm", most=254)
    wanted = ""

    def validate_typed(self, field: Any) -> None:
        if (field.data or "").strip().lower() != self.wanted.lower():
            raise ValidationError(f"Type {self.wanted} here, if that is who is meant.")


def _portal_user(person_id: int) -> PortalUser:
    found: PortalUser = PortalUser.get_by_id(person_id)
    return found


def _export(who: PortalUser | Client, name: str) -> AnyResponse:
    out = tempfile.SpooledTemporaryFile(max_size=_IN_MEMORY)  # noqa: SIM115 - closed when it has been sent
    person_files.write(out, who, by=firm_user())
    out.seek(0)
    answer = send_file(out, "application/zip", as_attachment=True, download_name=name)
    answer.headers["Cache-Control"] = "private, no-store"
    return answer


# Portal users


def _page(who: PortalUser, form: ErasureForm | None = None, status: int = 200) -> Response:
    held = [(holding, count) for holding, count in holdings.counts(who) if count]
    return render(
        "firm/people/person.html", status=status, who=who, held=held, letters=erasing.letters_to(str(who.email)),
        erasure=erasing.of(who), form=form, obstacle=erasing.obstacle(who),
    )  # fmt: skip


@blueprint.get("/portal-users/<int:person_id>")
@firm_only("people.manage")
def portal_user_page(person_id: int) -> Response:
    return _page(_portal_user(person_id))


@blueprint.post("/portal-users/<int:person_id>/export")
@firm_only("people.manage")
@fresh
def export_portal_user(person_id: int) -> AnyResponse:
    return _export(_portal_user(person_id), f"portal-user-{person_id}.zip")


@blueprint.route("/portal-users/<int:person_id>/erasure", methods=["GET", "POST"])
@firm_only("people.manage")
@fresh
def erase_portal_user(person_id: int) -> AnyResponse:
    """First what goes and what stays, and why; then, with a reason, for good."""
    who, form = _portal_user(person_id), ErasureForm()
    form.wanted = str(who.email)
    if not form.is_sent or erasing.of(who):
        return _page(who, form)
    try:
        if not form.validate():
            return _page(who, form, 422)
        erasing.erase(who, reason=form.reason.data or "", by=firm_user())
    except Refused as problem:
        form.refuse(problem)
        return _page(who, form, 422)
    flash("Erased. What is kept, and why, stands below.", "good")
    return go(f"/firm/portal-users/{person_id}")


# Clients


def _client_page(client: Client, form: ErasureForm, status: int = 200) -> Response:
    today = clock.today(current_firm().time_zone)
    return render(
        "firm/clients/privacy.html", status=status, client=client, form=form, erasure=erasing.of(client),
        kept=list(erasing.kept_because(client, today)), papers=erasing.papers_of(client),
        letters=erasing.letters_to(str(client.email)),
    )  # fmt: skip


@blueprint.post("/clients/<int:client_id>/export")
@firm_only("people.manage")
@fresh
def export_client(client_id: int) -> AnyResponse:
    return _export(clients.find(client_id), f"client-{client_id}.zip")


@blueprint.route("/clients/<int:client_id>/privacy", methods=["GET", "POST"])
@firm_only("people.manage")
@fresh
def erase_client(client_id: int) -> AnyResponse:
    """As :func:`erase_portal_user`, for whom the firm acts for."""
    client, form = clients.find(client_id), ErasureForm()
    form.wanted = str(client.name)
    if not form.is_sent or erasing.of(client):
        return _client_page(client, form)
    try:
        if not form.validate():
            return _client_page(client, form, 422)
        today = clock.today(current_firm().time_zone)
        erasing.erase_client(client, reason=form.reason.data or "", by=firm_user(), on=today)
    except Refused as problem:
        form.refuse(problem)
        return _client_page(client, form, 422)
    flash("Erased. What is kept, and why, stands below.", "good")
    return go(f"/firm/clients/{client_id}/privacy")
