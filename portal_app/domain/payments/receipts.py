"""What a payment did, as its receipt says it: from the ledger, so that it reads the same at any later time."""

from __future__ import annotations

from dataclasses import dataclass

from peewee import fn

from portal_app.db import sum_of, transaction
from portal_app.domain import ledger
from portal_app.domain.deposits import DepositRequest
from portal_app.domain.invoices import Invoice
from portal_app.domain.ledger import RECEIVABLE, UNAPPLIED, ChainLink, JournalEntry, Posting
from portal_app.domain.payments.models import Payment
from portal_app.domain.payments.reading import allocations_of


@dataclass(frozen=True, slots=True)
class Cleared:
    """One invoice (or the deposit request) that a payment was for: how much of it, and what was still owed right after
    (or what was then held in trust on its matter); cents."""

    item: Invoice | DepositRequest
    amount_cents: int
    left_cents: int


@dataclass(frozen=True, slots=True)
class Receipt:
    """``surplus_cents`` is what the invoices no longer owed: it is kept for the client. ``proof``: the payment's place
    in the chain of each matter, by the matter's number."""

    payment: Payment
    cleared: list[Cleared]
    surplus_cents: int
    proof: list[tuple[str, ChainLink]]


def receipt_of(payment: Payment) -> Receipt:
    """The receipt of a payment that succeeded, with invoices and matters."""
    entry = ledger.entry_of(f"payment:{payment.id}:paid")
    rows = allocations_of(payment)
    if payment.is_deposit:
        request = rows[0].item
        cleared = [Cleared(request, payment.paid_cents, _held_after(request, entry))]
        return Receipt(payment, cleared, 0, _proof(entry, cleared))
    upto = (
        Posting.select(Posting.invoice_id, fn.SUM(Posting.amount_cents))
        .where((Posting.account == RECEIVABLE) & (Posting.entry <= entry.id))
        .where(Posting.invoice_id.in_([row.invoice_id for row in rows]))
        .group_by(Posting.invoice_id)
    )
    left = {invoice_id: sum_of(cents) for invoice_id, cents in upto.tuples()}
    cleared = [Cleared(row.item, row.amount_cents, left.get(row.invoice_id, 0)) for row in rows]
    surplus = -sum(leg.amount_cents for leg in ledger.postings_of(entry) if leg.account_code == UNAPPLIED)
    return Receipt(payment, cleared, surplus, _proof(entry, cleared))


def _proof(entry: JournalEntry, cleared: list[Cleared]) -> list[tuple[str, ChainLink]]:
    numbers = {row.item.matter_id: str(row.item.matter.number) for row in cleared}
    return [(numbers[link.matter_id], link) for link in ledger.links_of(entry) if link.matter_id in numbers]


def _held_after(request: DepositRequest, entry: JournalEntry) -> int:
    """What was held in trust on the matter right after an entry."""
    home = ledger.client_money(DepositRequest.get_by_id(request.id).bank_account_id)
    is_there = (Posting.account == home) & (Posting.matter == request.matter_id) & (Posting.entry <= entry.id)
    return -sum_of(Posting.select(fn.SUM(Posting.amount_cents)).where(is_there).scalar())


def keep(payment: Payment, storage_key: str) -> bool:
    """Note where the receipt's bytes lie, once. ``False``: there is one already."""
    with transaction():
        is_first = (Payment.id == payment.id) & (Payment.receipt_key == "")
        return bool(Payment.update(receipt_key=storage_key).where(is_first).execute())
