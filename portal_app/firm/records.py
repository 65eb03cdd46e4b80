"""The audit trail, for administrators: searched, paged, exported."""

from __future__ import annotations

from urllib.parse import urlencode

from flask import Response, request

from portal_app.clock import today
from portal_app.domain import audit, people
from portal_app.domain.audit import AuditEntry, Search
from portal_app.domain.people import PortalUser
from portal_app.firm import csv
from portal_app.firm.blueprint import blueprint
from portal_app.firm.listing import words_of
from portal_app.tables import inert
from portal_app.web.fragments import render
from portal_app.web.login import firm_only, firm_user
from portal_app.web.templates import zone

ROWS = 50
EXPORT_MOST = 100_000
OTHERS = (
    ("machine", "The portal itself"), ("gateway", "A payment service"), ("link", "Whoever holds a link to pay")
)  # fmt: skip


def _asked() -> Search:
    """What the address asks for; what cannot be understood is left out."""
    args = request.args
    before = args.get("before", "")
    return Search(
        text=words_of(), action=args.get("action", "")[:60], person=args.get("person", "")[:30],
        since=csv.day_of("since"), until=csv.day_of("until"),
        before_id=int(before) if before.isascii() and before.isdigit() and len(before) < 18 else None,
    )  # fmt: skip


def _people() -> list[tuple[str, str]]:
    staff = [(f"firm:{who.id}", who.name) for who in people.firm_users()]
    clients = [(f"portal:{who.id}", who.name) for who in PortalUser.select().order_by(PortalUser.name)]
    return [*staff, *clients, *OTHERS]


@blueprint.get("/records")
@firm_only("records.read")
def records() -> Response:
    search = _asked()
    rows = audit.find(search, ROWS + 1)
    kept = {name: value for name, value in request.args.items() if name != "before" and value}
    older = urlencode(kept | {"before": str(rows[ROWS - 1].id)}) if len(rows) > ROWS else ""
    return render(
        "firm/records/index.html", rows=rows[:ROWS], search=search, actions=audit.actions(), people=_people(),
        older=f"/firm/records?{older}" if older else None, export=f"/firm/records.csv?{urlencode(kept)}",
        is_first=search.before_id is None, is_filtered=bool(kept),
    )  # fmt: skip


@blueprint.get("/records.csv")
@firm_only("records.read")
def export_records() -> Response:
    """The same as a table, with hashes. That somebody took it away is a record, too."""
    rows = audit.find(_asked(), EXPORT_MOST)
    if request.method == "GET":
        audit.record("export_records", by=firm_user(), subject="Audit trail", after={"entries": len(rows)})
    return csv.table(f"audit-trail-{today(zone())}.csv", HEAD, (_cells(row) for row in rows))


HEAD = "entry,chain,number,time (UTC),person,action,subject,reference,address,device,before,after,hash"


def _cells(row: AuditEntry) -> list[str]:
    who = row.person.email if row.person is not None else row.actor or "portal"
    values = (
        row.id, row.matter_id, row.sequence, row.happened_at, who, row.action, row.subject, row.subject_ref,
        row.address, row.device, row.before, row.after, row.hash,
    )  # fmt: skip
    return [inert(str(value)) for value in values]
