"""Documents that the firm shared: the list, one of them, its bytes."""

from __future__ import annotations

from flask import Response, request

from portal_app.client import matters
from portal_app.client.blueprint import blueprint
from portal_app.client.paging import Page
from portal_app.domain import documents, shared_files, sharing
from portal_app.domain.store import NotStored
from portal_app.web import auditing, files
from portal_app.web.fragments import render
from portal_app.web.login import client_only, portal_user


@blueprint.get("/documents")
@client_only
def document_list() -> Response:
    me = portal_user()
    mine = documents.matters_of(me)
    number = matters.chosen(mine)
    page = Page.asked()
    rows = page.cut(shared_files.of(me, matter=number, limit=page.fetch, offset=page.offset))
    return render("client/documents/index.html", "shared", documents=rows, mine=mine, chosen=number, page=page)


@blueprint.get("/documents/<public_id>")
@client_only
def document(public_id: str) -> Response:
    """What it is and who shared it. Opening it is noted."""
    found = documents.find_for(portal_user(), public_id)
    versions = documents.versions_of(found)
    version = documents.open_versions([found]).get(found.id)
    answer = render("client/documents/show.html", document=found, version=version, versions=versions)
    auditing.opened("open", found, portal_user())
    sharing.mark_seen([found.documentshare])
    return answer


@blueprint.get("/documents/<public_id>/file")
@client_only
def document_file(public_id: str) -> Response:
    """The bytes of the newest version that may be opened; ``?view=1`` shows our own invoice paper in the browser."""
    found = documents.find_for(portal_user(), public_id)
    version = documents.open_versions([found]).get(found.id)
    if version is None:
        raise NotStored(public_id)
    answer = files.send(found, version, as_download=request.args.get("view") != "1")
    if request.method == "GET":
        documents.mark_downloaded(found.documentshare)
    return answer
