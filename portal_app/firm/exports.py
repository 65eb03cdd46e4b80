"""The books for other programs, as downloads."""

from __future__ import annotations

from flask import abort, flash, request
from werkzeug.wrappers import Response as AnyResponse

from portal_app import clock
from portal_app.domain import audit, exports, invoices
from portal_app.domain.errors import Refused
from portal_app.domain.exports import Wanted
from portal_app.firm.blueprint import blueprint
from portal_app.firm.csv import day_of
from portal_app.web import files
from portal_app.web.fragments import go
from portal_app.web.login import firm_only, firm_user
from portal_app.web.templates import current_firm


@blueprint.get("/exports/<export>")
@firm_only("exports.make")
def download_export(export: str) -> AnyResponse:
    """The file. It names no matter that its reader may not open."""
    found = exports.EXPORTS.get(export)
    if found is None:
        abort(404)
    who, today = firm_user(), clock.today(current_firm().time_zone)
    wanted = Wanted(since=day_of("from") if found.has_first_day else None, until=day_of("to"), who=who)
    try:
        answer = files.send_text(
            exports.steady(found.write(wanted, today)), found.file_name(wanted, today), found.media_type
        )
    except Refused as problem:
        flash(str(problem), "bad")
        return go("/firm/reports")
    if request.method != "GET":  # a HEAD takes nothing away
        return answer
    told = {"from": wanted.since or "", "to": wanted.until or ""}
    audit.record(f"export_{export.replace('-', '_')}", by=who, subject=found.title, after=told)
    return answer


@blueprint.get("/invoices/<int:invoice_id>/ledes")
@firm_only("firm.read")
def invoice_ledes(invoice_id: int) -> AnyResponse:
    """One issued invoice as LEDES 1998B."""
    found = invoices.find(firm_user(), invoice_id)
    try:
        text = exports.ledes.invoices_of([found])
    except Refused as problem:
        flash(str(problem), "bad")
        return go(f"/firm/invoices/{found.id}")
    return files.send_text([text], f"ledes-{found.number}.txt", "text/plain")
