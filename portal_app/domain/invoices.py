"""Invoices: a draft changes nothing, issuing writes the ledger, voiding is a reversal."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from peewee import (
    JOIN,
    BigIntegerField,
    Case,
    CharField,
    DateField,
    DateTimeField,
    ForeignKeyField,
    IntegerField,
    ModelSelect,
    TextField,
    fn,
)

from portal_app import clock
from portal_app.db import BaseModel, locked, sum_of, transaction
from portal_app.domain import documents, firms, ledger, matters, outbox, sharing, timekeeping
from portal_app.domain.documents import Document, DocumentShare
from portal_app.domain.errors import Refused
from portal_app.domain.ledger import COSTS, FEES, RECEIVABLE, Leg, RunningTotal
from portal_app.domain.matters import Matter
from portal_app.domain.people import Client, FirmUser, PortalUser, new_public_id
from portal_app.domain.timekeeping import WorkItem


class Invoice(BaseModel):
    """A draft while ``number`` is null. Queries of this module add ``balance_cents`` and ``is_void``."""

    public_id = CharField(max_length=32)
    matter = ForeignKeyField(Matter, backref="invoices")
    number = CharField(max_length=20, null=True)
    note = TextField(default="")
    terms_days = IntegerField(default=30)
    issued_on = DateField(null=True)
    due_on = DateField(null=True)
    total_cents = BigIntegerField(default=0)
    currency = CharField(max_length=3)
    document = ForeignKeyField(Document, null=True, backref="+")
    created_at = DateTimeField()
    created_by = ForeignKeyField(FirmUser, null=True, backref="+")
    issued_at = DateTimeField(null=True)
    issued_by = ForeignKeyField(FirmUser, null=True, backref="+")

    balance_cents = 0
    is_void = False

    @property
    def is_draft(self) -> bool:
        return self.number is None

    def state(self, today: dt.date) -> str:
        """draft, void, paid, overdue or open."""
        if self.is_draft:
            return "draft"
        if self.is_void:
            return "void"
        if self.balance_cents <= 0:
            return "paid"
        return "overdue" if self.due_on < today else "open"


class InvoiceLine(BaseModel):
    """A line as it stood when the invoice was issued; for a draft, as the work stands now."""

    invoice = ForeignKeyField(Invoice, backref="lines")
    position = IntegerField()
    work_item = ForeignKeyField(WorkItem, backref="+")
    kind = CharField(max_length=10)
    worked_on = DateField()
    description = TextField()
    timekeeper_name = CharField(max_length=120)
    quantity_hundredths = BigIntegerField()
    rate_cents = BigIntegerField()
    amount_cents = BigIntegerField()


class InvoiceVoid(BaseModel):
    """The fact that an invoice no longer counts."""

    invoice = ForeignKeyField(Invoice, primary_key=True, backref="void")
    voided_at = DateTimeField()
    voided_by = ForeignKeyField(FirmUser, null=True, backref="+")
    reason = CharField(max_length=200)


@dataclass(frozen=True, slots=True)
class Totals:
    """Sums of an invoice's lines in cents; hours in hundredths."""

    hours_hundredths: int
    time_cents: int
    expense_cents: int
    flat_fee_cents: int

    @property
    def fee_cents(self) -> int:
        return self.time_cents + self.flat_fee_cents

    @property
    def total_cents(self) -> int:
        return self.fee_cents + self.expense_cents


def totals(lines: Sequence[InvoiceLine]) -> Totals:
    def of(kind: str) -> list[InvoiceLine]:
        return [line for line in lines if line.kind == kind]

    return Totals(
        hours_hundredths=sum(line.quantity_hundredths for line in of("time")),
        time_cents=sum(line.amount_cents for line in of("time")),
        expense_cents=sum(line.amount_cents for line in of("expense")),
        flat_fee_cents=sum(line.amount_cents for line in of("flat_fee")),
    )


# Drafts


def lines_from(items: Sequence[WorkItem], invoice: Invoice | None = None) -> list[InvoiceLine]:
    """Lines, not saved, that would bill ``items``."""
    ordered = sorted(items, key=lambda item: (item.worked_on, item.id))
    return [_line(invoice, position, item) for position, item in enumerate(ordered, 1)]


def _line(invoice: Invoice | None, position: int, item: WorkItem) -> InvoiceLine:
    return InvoiceLine(
        invoice=invoice, position=position, work_item=item, kind=item.kind, worked_on=item.worked_on,
        description=item.description, timekeeper_name=item.timekeeper.name, rate_cents=item.rate_cents,
        quantity_hundredths=item.quantity_hundredths, amount_cents=item.amount_cents,
    )  # fmt: skip


def _chosen(matter: Matter, item_ids: Collection[int]) -> list[WorkItem]:
    items = [item for item in timekeeping.unbilled(matter) if item.id in item_ids]
    if len(items) != len(set(item_ids)):
        raise Refused("Some of this work is billed, changed or gone. Choose the lines again.", "lines")
    if not items:
        raise Refused("Choose at least one line.", "lines")
    return items


def preview(matter: Matter, item_ids: Collection[int]) -> list[InvoiceLine]:
    """The lines of an invoice that would bill ``item_ids``. Writes nothing.

    Raises:
        Refused: no lines, or lines that cannot be billed.
    """
    return lines_from(_chosen(matter, item_ids))


def draft(
    matter: Matter, item_ids: Collection[int], *, by: FirmUser, note: str = "", terms_days: int | None = None,
    public_id: str = "",
) -> Invoice:  # fmt: skip
    """Keep a choice of lines as a draft: no number, no ledger entry, the work stays unbilled.

    ``terms_days`` defaults to the firm's. The same ``public_id`` (made with the form) gives the same invoice.
    """
    firm = firms.current()
    with transaction():
        known: Invoice | None = Invoice.get_or_none((Invoice.public_id == public_id) & (Invoice.matter == matter.id))
        if known is not None:
            return known
        invoice: Invoice = Invoice.create(
            public_id=public_id or new_public_id(), matter=matter, note=note, currency=firm.currency,
            terms_days=firm.payment_terms_days if terms_days is None else terms_days,
            created_at=clock.now(), created_by=by,
        )  # fmt: skip
        _write_lines(invoice, _chosen(matter, item_ids))
    return invoice


def change_draft(invoice: Invoice, item_ids: Collection[int], *, note: str) -> None:
    """Choose a draft's lines anew."""
    with transaction():
        _refuse_issued(invoice)
        _write_lines(invoice, _chosen(invoice.matter, item_ids))
        Invoice.update(note=note).where(Invoice.id == invoice.id).execute()


def discard(invoice: Invoice) -> None:
    """Throw a draft away; its work stays unbilled."""
    with transaction():
        _refuse_issued(invoice)
        InvoiceLine.delete().where(InvoiceLine.invoice == invoice.id).execute()
        invoice.delete_instance()


def _refuse_issued(invoice: Invoice) -> None:
    if Invoice.get_by_id(invoice.id).number is not None:
        raise Refused("This invoice is issued and can no longer be changed. Void it to correct it.")


def _write_lines(invoice: Invoice, items: Sequence[WorkItem]) -> list[InvoiceLine]:
    lines = lines_from(items, invoice)
    InvoiceLine.delete().where(InvoiceLine.invoice == invoice.id).execute()
    InvoiceLine.bulk_create(lines, batch_size=50)
    total = totals(lines).total_cents
    Invoice.update(total_cents=total).where(Invoice.id == invoice.id).execute()
    invoice.total_cents = total
    return lines


def lines_of(invoice: Invoice) -> list[InvoiceLine]:
    """An issued invoice's lines as issued; a draft's as its work stands now."""
    rows = list(InvoiceLine.select().where(InvoiceLine.invoice == invoice.id).order_by(InvoiceLine.position))
    if not invoice.is_draft:
        return rows
    chosen = {row.work_item_id for row in rows}
    return lines_from([item for item in timekeeping.unbilled(invoice.matter) if item.id in chosen], invoice)


# Issue and void


def issue(invoice: Invoice, *, issued_on: dt.date, due_on: dt.date, by: FirmUser) -> Invoice:
    """Give the draft its number, bill its work, write the ledger, share it with the matter's recipients and promise
    the PDF; one transaction. Issuing twice changes nothing.

    Raises:
        Refused: nothing to bill, lines billed elsewhere, or dates that do not fit.
    """
    if due_on < issued_on:
        raise Refused("The due date is before the invoice date.", "due_on")
    with transaction():
        fresh: Invoice = locked(Invoice.select().where(Invoice.id == invoice.id)).get()
        if fresh.number is not None:
            return fresh
        items = [line.work_item for line in lines_of(fresh)]
        lines = _write_lines(fresh, _chosen(fresh.matter, [item.id for item in items]))
        if not fresh.total_cents:
            raise Refused("An invoice over nothing cannot be issued.", "lines")
        number = firms.invoice_number(issued_on.year)
        document = documents.create(fresh.matter, name=f"Invoice {number}", kind="invoice", by=by)
        timekeeping.bill([line.work_item_id for line in lines], fresh.id)
        fresh.number, fresh.issued_on, fresh.due_on, fresh.document = number, issued_on, due_on, document
        fresh.issued_at, fresh.issued_by = clock.now(), by
        fresh.save()
        _post(fresh, totals(lines), by)
        recipients = [row.portal_user for row in matters.recipients_of(fresh.matter)]
        sharing.share(DocumentShare, document, recipients, by=by)
        outbox.put("invoice_pdf", fresh.id)
    return fresh


def _post(invoice: Invoice, sums: Totals, by: FirmUser) -> None:
    matter_id = invoice.matter_id
    legs = [
        Leg(RECEIVABLE, sums.total_cents, matter_id, invoice.id),
        Leg(FEES, -sums.fee_cents, matter_id, invoice.id),
        Leg(COSTS, -sums.expense_cents, matter_id, invoice.id),
    ]
    ledger.post(
        "invoice_issued", legs, occurred_on=invoice.issued_on, description=f"Invoice {invoice.number}",
        source=f"invoice:{invoice.id}:issued", currency=invoice.currency, by=by,
    )  # fmt: skip


def void(invoice: Invoice, *, reason: str, on: dt.date, by: FirmUser) -> None:
    """Reverse an unpaid invoice; its work is unbilled again. Voiding twice changes nothing.

    Raises:
        Refused: it is a draft, or something was paid on it.
    """
    with transaction():
        fresh = locked(Invoice.select().where(Invoice.id == invoice.id)).get()
        if fresh.is_draft:
            raise Refused("A draft is not issued yet. Discard it instead.")
        if InvoiceVoid.select().where(InvoiceVoid.invoice == fresh.id).exists():
            return
        if ledger.invoice_balance(fresh.id) != fresh.total_cents:
            raise Refused("Something was paid on this invoice, so it cannot be voided.")
        entry = ledger.entry_of(f"invoice:{fresh.id}:issued")
        description = f"Invoice {fresh.number} voided"
        ledger.reverse(entry, code="invoice_voided", occurred_on=on, description=description, by=by)
        InvoiceVoid.create(invoice=fresh, voided_at=clock.now(), voided_by=by, reason=reason, force_insert=True)
        timekeeping.unbill(fresh.id)


# Reading


def with_balances() -> ModelSelect:
    """Invoices with their matters and clients, ``balance_cents`` and ``is_void``."""
    of_invoice = (RunningTotal.invoice_id == Invoice.id) & (RunningTotal.account_code == RECEIVABLE)
    return (
        Invoice.select(
            Invoice, Matter, Client,
            fn.COALESCE(RunningTotal.balance_cents, 0).alias("balance_cents"),
            Case(None, [(InvoiceVoid.invoice.is_null(), 0)], 1).alias("is_void"),
        )
        .join_from(Invoice, Matter)
        .join(Client)
        .join_from(Invoice, RunningTotal, JOIN.LEFT_OUTER, on=of_invoice)
        .join_from(Invoice, InvoiceVoid, JOIN.LEFT_OUTER)
    )  # fmt: skip


def firm_sees(who: FirmUser) -> ModelSelect:
    """Invoices on matters that ``who`` may see."""
    return with_balances().where(Invoice.matter.in_(matters.visible_to(who).select(Matter.id)))


def find(who: FirmUser, invoice_id: int) -> Invoice:
    return firm_sees(who).where(Invoice.id == invoice_id).get()


def for_matter(matter: Matter) -> list[Invoice]:
    """Drafts first, then the newest."""
    query = with_balances().where(Invoice.matter == matter.id)
    return list(query.order_by(Invoice.number.is_null().desc(), Invoice.issued_on.desc(), Invoice.id.desc()))


def unpaid(matter: Matter) -> list[Invoice]:
    """Issued invoices of the matter on which something is owed, the oldest due first."""
    is_owed = (Invoice.matter == matter.id) & (RunningTotal.balance_cents > 0)
    return list(with_balances().where(is_owed).order_by(Invoice.due_on, Invoice.id))


def search(who: FirmUser, text: str, state: str, *, today: dt.date, limit: int = 50, offset: int = 0) -> list[Invoice]:
    """Invoices in ``state`` (see :meth:`Invoice.state`; "all" for any) whose number, client or matter contains
    ``text``; drafts first, then the newest."""
    words = text.strip()[:80]
    query = firm_sees(who)
    if words:
        named = Client.name.contains(words) | Matter.name.contains(words) | Matter.number.contains(words)
        query = query.where(Invoice.number.contains(words) | named)
    if state != "all":
        query = query.where(_is_in(state, today))
    order = (Invoice.number.is_null().desc(), Invoice.issued_on.desc(), Invoice.id.desc())
    return list(query.order_by(*order).limit(limit).offset(offset))


def _is_in(state: str, today: dt.date) -> object:
    is_issued, is_void = Invoice.number.is_null(False), InvoiceVoid.invoice.is_null(False)
    is_owed = RunningTotal.balance_cents > 0
    return {
        "draft": Invoice.number.is_null(),
        "void": is_void,
        "paid": is_issued & ~is_owed & ~is_void,
        "open": is_owed & (Invoice.due_on >= today),
        "overdue": is_owed & (Invoice.due_on < today),
    }[state]


def numbers(invoice_ids: Collection[int]) -> dict[int, str]:
    """The numbers of issued invoices, by id; one query."""
    rows = Invoice.select(Invoice.id, Invoice.number).where(Invoice.id.in_(list(invoice_ids)))
    return dict(rows.tuples()) if invoice_ids else {}


def drafts(who: FirmUser) -> tuple[int, int]:
    """How many drafts there are, and their sum in cents."""
    seen = matters.visible_to(who).select(Matter.id)
    query = Invoice.select(fn.COUNT(Invoice.id), fn.SUM(Invoice.total_cents))
    count, total = query.where(Invoice.number.is_null() & Invoice.matter.in_(seen)).tuples().get()
    return int(count), sum_of(total)


def overdue(who: FirmUser, today: dt.date) -> list[Invoice]:
    """Open invoices past their due date, the oldest first."""
    is_late = Invoice.number.is_null(False) & (Invoice.due_on < today) & (RunningTotal.balance_cents > 0)
    return list(firm_sees(who).where(is_late).order_by(Invoice.due_on, Invoice.id))


def visible_to(who: PortalUser) -> ModelSelect:
    """Invoices shared with ``who``: the only door of the client's face. Each with its document and share
    (``invoice.document.documentshare``)."""
    return (
        with_balances()
        .select_extend(Document, DocumentShare)
        .join_from(Invoice, Document)
        .join(DocumentShare)
        .where((DocumentShare.portal_user == who.id) & DocumentShare.ended_at.is_null())
    )


def open_for(who: PortalUser) -> list[Invoice]:
    """What ``who`` may pay, the oldest due first."""
    query = visible_to(who).where(RunningTotal.balance_cents > 0)
    return list(query.order_by(Invoice.due_on, Invoice.id))


def shared_with(who: PortalUser, *, matter: str = "", limit: int = 100, offset: int = 0) -> list[Invoice]:
    """Invoices of every state shared with ``who``, the newest first; ``matter`` is a matter's number, or empty."""
    query = visible_to(who).where(Matter.number == matter) if matter else visible_to(who)
    return list(query.order_by(Invoice.issued_on.desc(), Invoice.id.desc()).limit(limit).offset(offset))


def find_for(who: PortalUser, public_id: str) -> Invoice:
    return visible_to(who).where(Invoice.public_id == public_id).get()
