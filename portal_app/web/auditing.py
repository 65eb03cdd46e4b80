"""What people do in a browser, for the audit trail: every unsafe request of somebody signed in is recorded with what it
changed, whatever route it is; nothing has to be said by the route itself."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from functools import partial
from typing import Any

from flask import Flask, request
from peewee import Model

from portal_app import clock
from portal_app.domain import audit, firms
from portal_app.domain.audit import AuditEntry, Origin, Pending
from portal_app.domain.calendar import Event
from portal_app.domain.deposits import DepositRequest
from portal_app.domain.documents import Document
from portal_app.domain.invoices import Invoice
from portal_app.domain.mail import Email
from portal_app.domain.matters import InvoiceRecipient, Matter
from portal_app.domain.payments import BankAccount, Gateway, Payment, Question
from portal_app.domain.people import Client, FirmUser, PortalUser
from portal_app.domain.reconciliations import Reconciliation
from portal_app.domain.statements import BankStatement, StatementLine
from portal_app.domain.timekeeping import WorkItem
from portal_app.domain.trust import TrustAuthorisation, TrustHold, TrustIncident, TrustMovement

_SAFE = {"GET", "HEAD", "OPTIONS"}
_NOT_TOLD = {"preview", "redraw", "look_again", "look_at_refunds"}  # they change nothing that anybody asked for
# Recorded by the domain, in its own words: an erasure must not write the name that it takes away into the trail.
_TOLD_ELSEWHERE = {"erase_portal_user", "erase_client", "export_portal_user", "export_client"}
_BY_ID: dict[str, type[Model]] = {
    "matter_id": Matter, "client_id": Client, "invoice_id": Invoice, "document_id": Document, "event_id": Event,
    "item_id": WorkItem, "payment_id": Payment, "recipient_id": InvoiceRecipient, "bank_account_id": BankAccount,
    "question_id": Question, "email_id": Email, "deposit_id": DepositRequest, "movement_id": TrustMovement,
    "authorisation_id": TrustAuthorisation, "hold_id": TrustHold, "incident_id": TrustIncident,
    "statement_id": BankStatement, "line_id": StatementLine, "reconciliation_id": Reconciliation,
}  # fmt: skip
_BY_PUBLIC_ID: dict[str, type[Model]] = {
    "invoices": Invoice,
    "documents": Document,
    "events": Event,
    "payments": Payment,
    "deposits": DepositRequest,
}
_NAMES = ("name", "number", "title", "subject", "description", "email")
_SILENT = {"text", "html", "public_id", "last_signed_in_at", "password_hash", "webhook_secret", "changed_at"}
_MOST_TYPED = 40


def init_app(app: Flask) -> None:
    app.before_request(_origin)


def _origin() -> None:
    asked = request._get_current_object()  # type: ignore[attr-defined]
    audit.come_from(Origin(asked.remote_addr or "", asked.headers.get("User-Agent", "")))


def expecting(view: Callable[..., Any], who: FirmUser | PortalUser) -> AbstractContextManager[None]:
    """Around a view: what it commits is recorded with it."""
    if request.method in _SAFE or view.__name__ in _NOT_TOLD | _TOLD_ELSEWHERE:
        return nullcontext()
    found = subject(request.view_args or {})
    pending = Pending(view.__name__, who, found.name, found.ref, found.matter_id)
    pending.compare = partial(_compare, found, _typed())
    return audit.expect(pending)


@dataclass(frozen=True, slots=True)
class Subject:
    """The row that a request is about, as it was before."""

    name: str = ""
    ref: str = ""
    matter_id: int = 0
    row: Model | None = None


def subject(args: Mapping[str, Any]) -> Subject:
    """The last of a route's arguments that names a row; the firm itself where none does."""
    row = next((row for name in reversed(list(args)) if (row := _row(name, args[name])) is not None), None)
    if row is None:
        row = firms.current() if request.path.startswith("/firm/settings") else None
    return of(row) if row is not None else Subject()


def of(row: Model) -> Subject:
    """How a row is named, and the chain that it belongs to."""
    kind = row._meta.name
    matter_id = row.id if isinstance(row, Matter) else row.__data__.get("matter") or 0
    called = next((str(row.__data__[name]) for name in _NAMES if row.__data__.get(name)), "")
    return Subject(called or kind, f"{kind}:{row.id}", int(matter_id), row)


def _row(name: str, value: Any) -> Model | None:
    if name in _BY_ID:
        return _BY_ID[name].get_or_none(id=value)
    if name == "person_id":
        kind = FirmUser if "/portal-users/" not in request.path else PortalUser
        return kind.get_or_none(id=value)
    if name == "code":
        return Gateway.get_or_none(code=value)
    noun = request.path.split("/")[2] if request.path.count("/") > 2 else ""
    return _BY_PUBLIC_ID[noun].get_or_none(public_id=value) if name == "public_id" and noun in _BY_PUBLIC_ID else None


def _typed() -> dict[str, str]:
    """What was sent; of files their names, of the address its words."""
    known = {*_BY_ID, "person_id", "code", "public_id", "kind"}
    words = {name: value for name, value in (request.view_args or {}).items() if name not in known}
    found = {name: ", ".join(request.form.getlist(name)) for name in list(request.form)[:_MOST_TYPED]}
    files = {name: ", ".join(file.filename or "" for file in request.files.getlist(name)) for name in request.files}
    return {name: value for name, value in (words | found | files).items() if value}


def _compare(found: Subject, typed: dict[str, str]) -> tuple[dict[str, Any], dict[str, Any]]:
    """What changed of the row; what was sent, where its row is the same as before (something was added to it)."""
    if found.row is None:
        return {}, typed
    kind = type(found.row)
    now = kind.get_or_none(id=found.row.id)
    was, is_now = found.row.__data__, now.__data__ if now is not None else {}
    names = [name for name in was if name not in _SILENT and was[name] != is_now.get(name)]
    if not names:
        return {}, typed
    return {name: was[name] for name in names}, {name: is_now.get(name, "gone") for name in names}


def opened(action: str, row: Model, who: FirmUser | PortalUser, *, once_a_day: bool = False) -> None:
    """Somebody has read something: "open" or "download"."""
    found = of(row)
    if once_a_day and _is_told_today(action, found.ref, who):
        return
    audit.record(action, by=who, subject=found.name, subject_ref=found.ref, matter_id=found.matter_id)


def _is_told_today(action: str, ref: str, who: FirmUser | PortalUser) -> bool:
    is_theirs = AuditEntry.firm_user == who.id if isinstance(who, FirmUser) else AuditEntry.portal_user == who.id
    since = clock.now() - dt.timedelta(days=1)
    told = (AuditEntry.subject_ref == ref) & (AuditEntry.action == action) & (AuditEntry.happened_at > since)
    return bool(AuditEntry.select().where(told & is_theirs).exists())
