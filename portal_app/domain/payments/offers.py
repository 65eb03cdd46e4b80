"""What a portal user may pay now, and which invoices an amount clears."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from peewee import ModelSelect, fn

from portal_app import money
from portal_app.db import sum_of
from portal_app.domain import firms, invoices
from portal_app.domain.documents import DocumentShare
from portal_app.domain.errors import Refused
from portal_app.domain.invoices import Invoice
from portal_app.domain.payments.models import HOLDING, Allocation, Payment
from portal_app.domain.people import PortalUser
from portal_app.prepared import prepared


@dataclass(frozen=True, slots=True)
class Payable:
    """An open invoice and how much of it may be paid now; ``held_cents`` is under way in other payments."""

    invoice: Invoice
    held_cents: int

    @property
    def available_cents(self) -> int:
        return int(max(self.invoice.balance_cents - self.held_cents, 0))


@dataclass(frozen=True, slots=True)
class Offer:
    """What a portal user may pay now."""

    payables: tuple[Payable, ...]

    @property
    def balance_cents(self) -> int:
        return sum(item.invoice.balance_cents for item in self.payables)

    @property
    def held_cents(self) -> int:
        return self.balance_cents - self.available_cents

    @property
    def available_cents(self) -> int:
        return sum(item.available_cents for item in self.payables)

    def only(self, public_id: str) -> Offer:
        """The same, of one invoice; empty when it is not open."""
        return Offer(tuple(item for item in self.payables if item.invoice.public_id == public_id))

    def due_lines(self, today: dt.date) -> list[tuple[dt.date | None, int]]:
        """What is owed in cents by each due date, in order; ``None`` stands for all that is past due."""
        found: dict[dt.date | None, int] = {}
        for item in self.payables:
            due_on = item.invoice.due_on if item.invoice.due_on >= today else None
            found[due_on] = found.get(due_on, 0) + item.invoice.balance_cents
        return list(found.items())


def offer(who: PortalUser) -> Offer:
    """The open invoices of ``who``, the oldest due first, less what is being confirmed."""
    rows = invoices.open_for(who)
    held = {row.invoice_id: sum_of(row.held) for row in _held_for(who.id)}
    return Offer(tuple(Payable(row, held.get(row.id, 0)) for row in rows))


@prepared
def _held_for(who_id: Any) -> ModelSelect:
    """What unresolved payments, of whomever, hold on the invoices that ``who`` can see."""
    return (
        Allocation.select(Allocation.invoice, fn.SUM(Allocation.amount_cents).alias("held"))
        .join_from(Allocation, Payment)
        .join_from(Allocation, Invoice)
        .join(DocumentShare, on=(DocumentShare.item == Invoice.document))
        .where(
            (DocumentShare.portal_user == who_id)
            & DocumentShare.ended_at.is_null()
            & Payment.state.in_(sorted(HOLDING))
        )
        .group_by(Allocation.invoice)
        .objects()
    )


def held_on(invoice_ids: Sequence[int]) -> dict[int, int]:
    """Cents of each invoice that unresolved payments hold."""
    query = (
        Allocation.select(Allocation.invoice, fn.SUM(Allocation.amount_cents))
        .join(Payment)
        .where(Allocation.invoice.in_(list(invoice_ids)) & Payment.state.in_(HOLDING))
        .group_by(Allocation.invoice)
    )
    return {row[0]: sum_of(row[1]) for row in query.tuples()} if invoice_ids else {}


def propose(given: Offer, amount_cents: int) -> dict[int, int]:
    """Which invoices an amount clears, by invoice id in cents: the oldest due first."""
    left, plan = amount_cents, {}
    for item in given.payables:
        part = min(left, item.available_cents)
        if part:
            plan[item.invoice.id] = part
        left -= part
    return plan


def check_amount(given: Offer, amount_cents: int) -> None:
    """Refuse what cannot be paid now, with the sentence for the payer."""
    if amount_cents <= given.available_cents:
        return
    written = firms.current().money
    most = money.show(given.available_cents, written)
    if given.held_cents:
        held = money.show(given.held_cents, written)
        raise Refused(f"{held} is being confirmed already. You can pay up to {most} now.", "amount")
    raise Refused(f"This is more than your balance. You can pay up to {most}.", "amount")


def check_plan(given: Offer, amount_cents: int, plan: Mapping[int, int]) -> None:
    """Refuse a choice of invoices that does not fit the amount or their balances."""
    limits = {item.invoice.id: item for item in given.payables}
    for invoice_id, cents in plan.items():
        item = limits.get(invoice_id)
        if item is None or cents > item.available_cents or cents <= 0:
            raise Refused("One of the invoices cannot take this amount. Look at the amounts again.", "plan")
    if sum(plan.values()) != amount_cents:
        raise Refused("The amounts for the invoices do not add up to the amount you pay.", "plan")
