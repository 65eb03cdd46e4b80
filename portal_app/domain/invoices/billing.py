"""Drafts, issuing and voiding."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Sequence
from typing import Any

from peewee import IntegrityError, ModelSelect

from portal_app import clock, money
from portal_app.db import db, locked, transaction
from portal_app.domain import documents, firms, ledger, matters, outbox, sharing, timekeeping
from portal_app.domain.documents import DocumentShare
from portal_app.domain.errors import Refused
from portal_app.domain.invoices.models import Invoice, InvoiceLine, InvoiceVoid, Totals, totals
from portal_app.domain.ledger import COSTS, FEES, RECEIVABLE, Leg
from portal_app.domain.matters import Matter
from portal_app.domain.people import FirmUser, new_public_id
from portal_app.domain.timekeeping import WorkItem
from portal_app.prepared import prepared

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

    ``terms_days`` defaults to the firm's. The same ``public_id`` (made with the form) gives the same invoice, with what
    is chosen now while it is a draft.
    """
    terms_days = firms.current().payment_terms_days if terms_days is None else terms_days
    with transaction():
        known: Invoice | None = Invoice.get_or_none(Invoice.public_id == public_id)
        if known is None:
            try:
                with db.atomic():
                    return _new(matter, item_ids, by=by, note=note, terms_days=terms_days, public_id=public_id)
            except IntegrityError:  # the same form, pressed twice at the same moment
                known = Invoice.get(Invoice.public_id == public_id)
        if known.matter_id != matter.id:
            raise Refused("This form belongs to another matter. Open it again, then choose the lines.")
        if known.is_draft:
            change_draft(known, item_ids, note=note, terms_days=terms_days)
        return known


def _new(
    matter: Matter, item_ids: Collection[int], *, by: FirmUser, note: str, terms_days: int, public_id: str
) -> Invoice:
    invoice: Invoice = Invoice.create(
        public_id=public_id or new_public_id(), matter=matter, note=note, currency=firms.current().currency,
        terms_days=terms_days, created_at=clock.now(), created_by=by,
    )  # fmt: skip
    _write_lines(invoice, _chosen(matter, item_ids))
    return invoice


def change_draft(invoice: Invoice, item_ids: Collection[int], *, note: str, terms_days: int) -> None:
    """Choose a draft's lines anew."""
    with transaction():
        _refuse_issued(invoice)
        _write_lines(invoice, _chosen(invoice.matter, item_ids))
        Invoice.update(note=note, terms_days=terms_days).where(Invoice.id == invoice.id).execute()


def discard(invoice: Invoice) -> None:
    """Throw a draft away; its work stays unbilled."""
    with transaction():
        _refuse_issued(invoice)
        InvoiceLine.delete().where(InvoiceLine.invoice == invoice.id).execute()
        invoice.delete_instance()


def _refuse_issued(invoice: Invoice) -> None:
    if locked(Invoice.select().where(Invoice.id == invoice.id)).get().number is not None:
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
    rows: list[InvoiceLine] = _lines_of(invoice.id)
    if not invoice.is_draft:
        return rows
    chosen = {row.work_item_id for row in rows}
    return lines_from([item for item in timekeeping.unbilled(invoice.matter) if item.id in chosen], invoice)


@prepared
def _lines_of(invoice_id: Any) -> ModelSelect:
    return InvoiceLine.select().where(InvoiceLine.invoice == invoice_id).order_by(InvoiceLine.position)


# Issue and void


def issue(
    invoice: Invoice, *, issued_on: dt.date, due_on: dt.date, by: FirmUser, seen_cents: int | None = None
) -> Invoice:
    """Give the draft its number, bill its work, write the ledger, share it with the matter's recipients and promise
    the PDF; one transaction. Issuing twice changes nothing. ``seen_cents`` is the total that the issuer looked at.

    Raises:
        Refused: nothing to bill, lines billed elsewhere, another total than was seen, or dates that do not fit.
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
        if seen_cents is not None and fresh.total_cents != seen_cents:
            now = money.show(fresh.total_cents, firms.current().money)
            raise Refused(f"Its work has changed meanwhile: it comes to {now} now. Look at it again, then issue it.")
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
