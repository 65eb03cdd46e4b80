"""Reading invoices: for the firm, for a matter, for a portal user."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection
from typing import Any, NamedTuple

from peewee import JOIN, SQL, Case, ModelSelect, Value, fn

from portal_app.db import has, pattern, sum_of
from portal_app.domain import matters, sharing
from portal_app.domain.documents import Document, DocumentShare
from portal_app.domain.invoices.models import Invoice, InvoiceAdjustment, InvoiceLine, InvoiceVoid, state_of_issued
from portal_app.domain.ledger import IS_OWED, RECEIVABLE, RunningTotal
from portal_app.domain.matters import Matter
from portal_app.domain.people import Client, FirmUser, PortalUser
from portal_app.domain.readers import prepared_for
from portal_app.domain.timekeeping import WorkItem
from portal_app.prepared import prepared, prepared_as, prepared_of_ids


def with_balances() -> ModelSelect:
    """Invoices with their matters and clients, ``balance_cents`` and ``is_void``."""
    return _with_balances(Matter, Client).join_from(Matter, Client)


class SharedInvoice(NamedTuple):
    """An issued invoice as its reader's lists, and paying it, show it: with its matter's number and name, when it was
    shared and first seen, and what payments that are being confirmed hold on it (``held``, cents, where that is asked
    for)."""

    id: int
    public_id: str
    number: str
    issued_on: dt.date
    due_on: dt.date
    total_cents: int
    matter_number: str
    matter: str
    shared_at: dt.datetime
    first_seen_at: dt.datetime | None
    balance_cents: int
    is_void: bool
    is_adjusted: bool
    held: int

    def state(self, today: dt.date) -> str:
        return state_of_issued(self, today)


# Of somebody's invoices, or a matter's. In a function the balance is no way in: SQLite would begin with what all the
# firm's clients owe, for which IS_OWED is.
_HAS_BALANCE = fn.COALESCE(RunningTotal.balance_cents, 0) > 0


def _with_balances(*more: Any, columns: tuple[Any, ...] = (Invoice,)) -> ModelSelect:
    of_invoice = (RunningTotal.invoice_id == Invoice.id) & (RunningTotal.account_code == RECEIVABLE)
    return (
        Invoice.select(
            *columns, *more,
            fn.COALESCE(RunningTotal.balance_cents, 0).alias("balance_cents"),
            Case(None, [(InvoiceVoid.invoice.is_null(), 0)], 1).alias("is_void"),
            fn.EXISTS(
                InvoiceAdjustment.select(SQL("1")).where(
                    (InvoiceAdjustment.invoice == Invoice.id) & InvoiceAdjustment.undone_at.is_null()
                )
            ).alias("is_adjusted"),
        )
        .join_from(Invoice, Matter)
        .join_from(Invoice, RunningTotal, JOIN.LEFT_OUTER, on=of_invoice)
        .join_from(Invoice, InvoiceVoid, JOIN.LEFT_OUTER)
    )  # fmt: skip


def firm_sees(who: FirmUser) -> ModelSelect:
    """Invoices on matters that ``who`` may see."""
    return with_balances().where(matters.sees(who, Invoice.matter))


def find(who: FirmUser, invoice_id: int) -> Invoice:
    """With its paper, and who issued it."""
    query = firm_sees(who).select_extend(Document, FirmUser).join_from(Invoice, Document, JOIN.LEFT_OUTER)
    query = query.join_from(Invoice, FirmUser, JOIN.LEFT_OUTER, on=(Invoice.issued_by == FirmUser.id))
    return query.where(Invoice.id == invoice_id).get()


def for_matter(matter: Matter) -> list[Invoice]:
    """Drafts first, then the newest."""
    query = with_balances().where(Invoice.matter == matter.id)
    order = (Invoice.number.is_null().desc(), Invoice.issued_on.desc(), Invoice.id.desc())
    return _with_live_drafts(list(query.order_by(*order)))


class Owed(NamedTuple):
    """What is owed on an issued invoice, and since when or until when."""

    due_on: dt.date
    balance_cents: int


def unpaid(matter: Matter) -> list[Owed]:
    """Issued invoices of the matter on which something is owed, the oldest due first."""
    return _unpaid(matter.id)


@prepared_as(Owed)
def _unpaid(matter_id: Any) -> ModelSelect:
    of_invoice = (RunningTotal.invoice_id == Invoice.id) & (RunningTotal.account_code == RECEIVABLE)
    # An outer join: SQLite would begin with all that is owed in the firm otherwise, and not with the matter's invoices.
    rows = Invoice.select(Invoice.due_on, RunningTotal.balance_cents)
    rows = rows.join(RunningTotal, JOIN.LEFT_OUTER, on=of_invoice)
    return rows.where((Invoice.matter == matter_id) & _HAS_BALANCE).order_by(Invoice.due_on, Invoice.id)


def search(who: FirmUser, text: str, state: str, *, today: dt.date, limit: int = 50, offset: int = 0) -> list[Invoice]:
    """Invoices in ``state`` (see :meth:`Invoice.state`; "all" for any) whose number, client or matter contains
    ``text``; drafts first, then the newest."""
    words = text.strip()[:80]
    rows = _found(who, pattern(words), today, limit, offset, has_words=bool(words), state=state)
    return _with_live_drafts(rows)


@prepared_for
def _found(who: Any, words: Any, today: Any, limit: Any, offset: Any, *, has_words: bool, state: str) -> ModelSelect:
    query = firm_sees(who)
    if has_words:
        named = has(Client.name, words) | has(Matter.name, words) | has(Matter.number, words)
        query = query.where(has(Invoice.number, words) | named)
    if state != "all":
        query = query.where(_is_in(state, today))
    order = (Invoice.number.is_null().desc(), Invoice.issued_on.desc(), Invoice.id.desc())
    return query.order_by(*order).limit(limit).offset(offset)


def _with_live_drafts(rows: list[Invoice]) -> list[Invoice]:
    """A draft comes to what its work comes to now, not when it was kept; one query, if there are drafts."""
    drafted = [row for row in rows if row.is_draft]
    query = (
        InvoiceLine.select(InvoiceLine.invoice, fn.SUM(WorkItem.amount_cents))
        .join(WorkItem)
        .where(InvoiceLine.invoice.in_(drafted) & WorkItem.billed_invoice_id.is_null() & WorkItem.is_billable)
        .group_by(InvoiceLine.invoice)
    )
    sums = dict(query.tuples()) if drafted else {}
    for row in drafted:
        row.total_cents = sum_of(sums.get(row.id))
    return rows


def _is_in(state: str, today: Any) -> object:
    is_issued, is_void = Invoice.number.is_null(False), InvoiceVoid.invoice.is_null(False)
    return {
        "draft": Invoice.number.is_null(),
        "void": is_void,
        "paid": is_issued & ~IS_OWED & ~is_void,
        "open": IS_OWED & (Invoice.due_on >= today),
        "overdue": IS_OWED & (Invoice.due_on < today),
    }[state]


def numbers(invoice_ids: Collection[int]) -> dict[int, str]:
    """The numbers of issued invoices, by id; one query."""
    return {row.id: row.number for row in _numbered(invoice_ids)}


@prepared_of_ids
def _numbered(ids: Any) -> ModelSelect:
    return Invoice.select(Invoice.id, Invoice.number).where(Invoice.id.in_(ids))


def of_document(document: Document) -> Invoice:
    """The invoice whose paper this is."""
    return with_balances().where(Invoice.document == document.id).get()


def drafts_query(who: FirmUser) -> ModelSelect:
    """The query for how many drafts there are, and for their sum in cents: one row."""
    is_billable = WorkItem.billed_invoice_id.is_null() & WorkItem.is_billable
    query = (
        Invoice.select(fn.COUNT(Invoice.id.distinct()), fn.SUM(WorkItem.amount_cents))
        .join(InvoiceLine, JOIN.LEFT_OUTER)
        .join(WorkItem, JOIN.LEFT_OUTER, on=(InvoiceLine.work_item == WorkItem.id) & is_billable)
    )
    return query.where(Invoice.number.is_null() & matters.sees(who, Invoice.matter))


def overdue(who: FirmUser, today: dt.date) -> list[Invoice]:
    """Open invoices past their due date, the oldest first."""
    is_late = Invoice.number.is_null(False) & (Invoice.due_on < today) & IS_OWED
    return list(firm_sees(who).where(is_late).order_by(Invoice.due_on, Invoice.id))


def visible_to(who: PortalUser) -> ModelSelect:
    """Invoices shared with ``who``: the only door of the client's face. Each with its document and share
    (``invoice.document.documentshare``)."""
    return _seen_by(who.id)


def _seen_by(who_id: Any) -> ModelSelect:
    share = sharing.read_by(DocumentShare)
    return (
        _with_balances(Matter.id, Matter.number, Matter.name, *share, columns=(Invoice, Document))
        .join_from(Invoice, Document)
        .join(DocumentShare)
        .where((DocumentShare.portal_user == who_id) & DocumentShare.ended_at.is_null())
    )


_NOTHING = Value(0)


def _listed(who_id: Any, held: Any = _NOTHING) -> ModelSelect:
    """The query for :class:`SharedInvoice`; ``held`` is a query of its own, or nothing."""
    share = DocumentShare
    rows = _with_balances(
        columns=(
            Invoice.id, Invoice.public_id, Invoice.number, Invoice.issued_on, Invoice.due_on, Invoice.total_cents,
            Matter.number, Matter.name, share.shared_at, share.first_seen_at,
        )
    ).select_extend(held)  # fmt: skip
    is_theirs = (share.portal_user == who_id) & share.ended_at.is_null()
    return rows.join_from(Invoice, share, on=(share.item == Invoice.document)).where(is_theirs)


def open_for(who: PortalUser, *, matter: str = "") -> list[SharedInvoice]:
    """What ``who`` may pay, the oldest due first; ``matter`` is a matter's number, empty for all."""
    return _open_for(who.id, matter)


@prepared_as(SharedInvoice)
def _open_for(who_id: Any, matter: Any) -> ModelSelect:
    return open_query(who_id).where(matters.is_asked(matter))


def open_query(who_id: Any, held: Any = _NOTHING) -> ModelSelect:
    """The query for what the portal user of this id may pay, the oldest due first, as :class:`SharedInvoice`."""
    return _listed(who_id, held).where(_HAS_BALANCE).order_by(Invoice.due_on, Invoice.id)


def shared_with(who: PortalUser, *, matter: str = "", limit: int = 100, offset: int = 0) -> list[SharedInvoice]:
    """Invoices of every state shared with ``who``, the newest first; ``matter`` is a matter's number, or empty."""
    return _shared_with(who.id, matter, limit, offset)


@prepared_as(SharedInvoice)
def _shared_with(who_id: Any, matter: Any, limit: Any, offset: Any) -> ModelSelect:
    newest = (Invoice.issued_on.desc(), Invoice.id.desc())
    return _listed(who_id).where(matters.is_asked(matter)).order_by(*newest).limit(limit).offset(offset)


def find_for(who: PortalUser, public_id: str) -> Invoice:
    return _find_for.one(who.id, public_id)


@prepared
def _find_for(who_id: Any, public_id: Any) -> ModelSelect:
    return _seen_by(who_id).where(Invoice.public_id == public_id)
