"""What people do in a browser, for the audit trail: every unsafe request of somebody signed in is recorded with what it
changed, whatever route it is; nothing has to be said by the route itself."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from functools import partial
from typing import Any

from flask import Flask, Request, request
from peewee import Model

from portal_app.domain import audit, firms
from portal_app.domain.audit import Origin, Pending, Who
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
from portal_app.web import once

_SAFE = {"GET", "HEAD", "OPTIONS"}
# They change nothing that anybody asked for.
_NOT_TOLD = {"preview", "redraw", "guest_redraw", "look_again", "look_at_refunds"}
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
_PAID = ("amount", "method", "invoice", "deposit")  # not the payer's name and address, which can be erased elsewhere
_ENOUGH = {"take": _PAID, "guest_take": _PAID}


def init_app(app: Flask) -> None:
    app.before_request(_origin)


def _origin() -> None:
    audit.come_from(partial(_origin_of, once.asked()))


def _origin_of(asked: Request) -> Origin:
    return Origin(asked.remote_addr or "", asked.headers.get("User-Agent", ""))


def expecting(view: Callable[..., Any], who: Who, row: Model | None = None) -> AbstractContextManager[None]:
    """Around a view: what it commits is recorded with it; as done to ``row``, or to what the address names."""
    asked = once.asked()
    if asked.method in _SAFE or view.__name__ in _NOT_TOLD | _TOLD_ELSEWHERE:
        return nullcontext()
    found = of(row) if row is not None else subject(asked.view_args or {})
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
    return Subject(called or kind, f"{kind}:{row.get_id()}", int(matter_id), row)


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
    if (few := _ENOUGH.get(str(request.endpoint).rpartition(".")[2])) is not None:
        return {name: value for name in few if (value := ", ".join(request.form.getlist(name)))}
    known = {*_BY_ID, "person_id", "code", "public_id", "kind", "token"}
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


def refused(view: Callable[..., Any], who: FirmUser) -> None:
    """Somebody's role does not let them do this; told once an hour of each route, however often it is tried."""
    audit.record_seldom(
        "refused", within=dt.timedelta(hours=1), by=who, subject=view.__name__.replace("_", " "),
        subject_ref=f"route:{view.__name__}", after={"address": request.path},
    )  # fmt: skip


def opened(action: str, row: Model, who: Who, *, called: str = "") -> None:
    """Somebody has read something: "open", told once a day of each, or "view" or "download". A HEAD reads nothing."""
    if request.method != "GET":
        return
    found = of(row)
    within = dt.timedelta(days=1 if action in {"open", "read_link"} else 0)
    audit.record_seldom(
        action, by=who, subject=called or found.name, subject_ref=found.ref, matter_id=found.matter_id, within=within
    )
