"""Everything about one person as one ZIP: a JSON file, and the documents that are shared with them (GDPR articles 15
and 20). No secrets, and nobody else's data: rows are theirs, staff and other payers are left out.
"""

from __future__ import annotations

import datetime as dt
import json
import re
import zipfile
from collections.abc import Iterator
from typing import IO, Any

from portal_app import clock
from portal_app.domain import audit, deposits, documents, erasing, firms, holdings, invoices
from portal_app.domain.calendar import Event
from portal_app.domain.documents import Document
from portal_app.domain.mail import Email
from portal_app.domain.matters import Matter
from portal_app.domain.payments import Allocation
from portal_app.domain.people import Client, FirmUser, PortalUser

FORMAT = "matter-portal-person-1"
# Columns that are keys to something, or say who at the firm did it.
_LEFT_OUT = re.compile(
    r"hash|token|secret|nonce|sealed|^key$|_key$|public_key|credential|counter|^previous$|^before$|^after$"
    r"|portal_user_id|gateway_id|firm_user_id|_by_id$|^evidence$|^code$|receipt_key"
)
_NAMES: dict[str, tuple[type[Any], str]] = {
    "document_id": (Document, "name"), "event_id": (Event, "title"), "matter_id": (Matter, "name"),
    "invoice_id": (invoices.Invoice, "number"), "deposit_id": (deposits.DepositRequest, "number"),
}  # fmt: skip


def about(who: PortalUser) -> dict[str, Any]:
    """What the portal holds about a portal user, as JSON can carry it; money in minor units (cents), times in UTC."""
    return {
        "format": FORMAT,
        "made_at": str(clock.now()),
        "firm": firms.current().name,
        "person": _plain(who.__data__),
        "held": {held.holding.table: [_row(row) for row in held.rows()] for held in holdings.of(who)},
        "invoices": [_invoice(invoice) for invoice in invoices.shared_with(who, limit=10_000)],
        "payments_are_for": _allocations(who),
        "emails": _emails(str(who.email)),
        "kept_when_erased": {
            held.holding.table: held.holding.why for held in holdings.of(who) if held.holding.fate != "removed"
        },
    }


def about_client(client: Client) -> dict[str, Any]:
    """What the portal holds about a client: who they are, their matters and what was billed."""
    matters = list(Matter.select().where(Matter.client == client.id).order_by(Matter.id))
    return {
        "format": FORMAT,
        "made_at": str(clock.now()),
        "firm": firms.current().name,
        "client": _plain(client.__data__),
        "matters": [_plain(matter.__data__) for matter in matters],
        "invoices": [_invoice(invoice) for matter in matters for invoice in invoices.for_matter(matter)],
        "documents_in_their_matters": erasing.papers_of(client),
        "emails": _emails(str(client.email)),
    }


def write(out: IO[bytes], who: PortalUser | Client, *, by: FirmUser | None = None) -> int:
    """The ZIP. Returns how many documents are in it. That it was made is recorded; without ``by`` on the machine."""
    kind = "portal_user" if isinstance(who, PortalUser) else "client"
    called = f"{kind.replace('_', ' ').capitalize()} {who.id}"  # no name: the trail outlives an erasure
    audit.record(f"export_{kind}", by=by, subject=called, subject_ref=f"{who._meta.name}:{who.id}")
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        found = about(who) if isinstance(who, PortalUser) else about_client(who)
        archive.writestr("person.json", json.dumps(found, indent=1, ensure_ascii=False))
        count = 0
        for name, version in _documents(who) if isinstance(who, PortalUser) else ():
            count += 1
            with archive.open(f"documents/{count:04d} {name}", "w") as file:
                for chunk in documents.stream(version):
                    file.write(chunk)
    return count


def _documents(who: PortalUser) -> Iterator[tuple[str, documents.DocumentVersion]]:
    """The newest version of each document that is shared with them now, and not held back."""
    shared = list(documents.visible_to(who))
    versions = documents.open_versions(shared)
    for document in shared:
        version = versions.get(document.id)
        if version is not None and not version.is_held:
            name = re.sub(r'[\\/:*?"<>|]', "_", str(document.name))
            is_bare = version.media_type == "application/pdf" and not name.lower().endswith(".pdf")
            yield f"{name}.pdf" if is_bare else name, version


def _plain(values: dict[str, Any]) -> dict[str, Any]:
    kept = {name: value for name, value in values.items() if not _LEFT_OUT.search(name)}
    return {
        name: str(value) if isinstance(value, dt.date | dt.datetime) else value
        for name, value in kept.items()
        if name not in {"created_by", "responsible_attorney", "key"}
    }


def _row(row: dict[str, Any]) -> dict[str, Any]:
    """A row of theirs; what it points to is called by its name."""
    found = _plain(row)
    for column, (model, name) in _NAMES.items():
        if row.get(column):
            pointed = model.get_or_none(id=row[column])
            found[column.removesuffix("_id")] = getattr(pointed, name) if pointed is not None else None
    return found


def _invoice(invoice: Any) -> dict[str, Any]:
    names = ("number", "issued_on", "due_on", "total_cents", "balance_cents")
    return {name: str(value) if isinstance(value, dt.date) else value for name in names
            if (value := getattr(invoice, name, None)) is not None}  # fmt: skip


def _allocations(who: PortalUser) -> list[dict[str, Any]]:
    query = Allocation.select(Allocation).where(Allocation.payment.in_([row.id for row in who.payments]))
    return [_row({"payment": row.payment_id, **_columns(row)}) for row in query.order_by(Allocation.payment)]


def _columns(row: Any) -> dict[str, Any]:
    return {field.column_name: row.__data__[field.name] for field in row._meta.sorted_fields}


def _emails(address: str) -> list[dict[str, Any]]:
    """What was written to them, and when; not the words, in which there can be a link that signs somebody in."""
    rows = Email.select().where(Email.to_address == address).order_by(Email.id) if address else ()
    return [
        {"subject": row.subject, "written_at": str(row.created_at), "sent_at": str(row.sent_at or "")} for row in rows
    ]
