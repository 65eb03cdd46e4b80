"""What a portal user may pay now, and what an amount clears: open invoices, or deposit requests."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from peewee import fn

from portal_app import money
from portal_app.db import sum_of
from portal_app.domain import firms
from portal_app.domain.errors import Refused
from portal_app.domain.payments.models import IS_HOLDING, Allocation, Payment
from portal_app.domain.payments.tills import TILLS, Item
from portal_app.domain.people import PortalUser
from portal_app.plugin_api import Fund


@dataclass(frozen=True, slots=True)
class Payable:
    """An open invoice or deposit request and how much of it may be paid now; ``held_cents`` is under way in other
    payments."""

    item: Item
    held_cents: int

    @property
    def available_cents(self) -> int:
        return int(max(self.item.balance_cents - self.held_cents, 0))


@dataclass(frozen=True, slots=True)
class Offer:
    """What a portal user may pay now, of one fund; and the sums of what is owed, and of what may be paid."""

    payables: tuple[Payable, ...]
    fund: Fund = Fund.OPERATING
    balance_cents: int = field(init=False)
    available_cents: int = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "balance_cents", sum(each.item.balance_cents for each in self.payables))
        object.__setattr__(self, "available_cents", sum(each.available_cents for each in self.payables))

    @property
    def held_cents(self) -> int:
        return self.balance_cents - self.available_cents

    def only(self, public_id: str) -> Offer:
        """The same, of one invoice or deposit request; empty when it is not open."""
        return Offer(tuple(each for each in self.payables if each.item.public_id == public_id), self.fund)

    def due_lines(self, today: dt.date) -> list[tuple[dt.date | None, int]]:
        """What is owed in cents by each due date, in order; ``None`` stands for all that is past due."""
        found: dict[dt.date | None, int] = {}
        for each in self.payables:
            due_on = each.item.due_on if each.item.due_on >= today else None
            found[due_on] = found.get(due_on, 0) + each.item.balance_cents
        return list(found.items())


def offer(who: PortalUser, fund: Fund = Fund.OPERATING) -> Offer:
    """What is open for ``who``, the oldest due first, less what is being confirmed: invoices, or deposits for trust."""
    rows = TILLS[fund].open_for(who)
    return Offer(tuple(Payable(row, int(row.held)) for row in rows), fund)


def held_on(invoice_ids: Sequence[int]) -> dict[int, int]:
    """Cents of each invoice that unresolved payments hold."""
    query = (
        Allocation.select(Allocation.invoice, fn.SUM(Allocation.amount_cents))
        .join(Payment)
        .where(Allocation.invoice.in_(list(invoice_ids)) & IS_HOLDING)
        .group_by(Allocation.invoice)
    )
    return {row[0]: sum_of(row[1]) for row in query.tuples()} if invoice_ids else {}


def propose(given: Offer, amount_cents: int) -> dict[int, int]:
    """What an amount clears, in cents by the id of the invoice (or deposit request): the oldest due first."""
    left, plan = amount_cents, {}
    for each in given.payables:
        part = min(left, each.available_cents)
        if part:
            plan[each.item.id] = part
        left -= part
    return plan


def check_amount(given: Offer, amount_cents: int) -> None:
    """Refuse what cannot be paid now, with the sentence for the payer (T23)."""
    if amount_cents <= given.available_cents:
        return
    written = firms.current().money
    most = money.show(given.available_cents, written)
    if given.held_cents:
        held = money.show(given.held_cents, written)
        raise Refused(f"{held} is being confirmed already. You can pay up to {most} now.", "amount")
    raise Refused(TILLS[given.fund].too_much.format(most=most), "amount")


def check_plan(given: Offer, amount_cents: int, plan: Mapping[int, int]) -> None:
    """Refuse a choice that does not fit the amount or the balances."""
    limits = {each.item.id: each for each in given.payables}
    till = TILLS[given.fund]
    for item_id, cents in plan.items():
        each = limits.get(item_id)
        if each is None or cents > each.available_cents or cents <= 0:
            raise Refused(till.none_takes, "plan")
    if till.most_items is not None and len(plan) > till.most_items:
        raise Refused(till.none_takes, "plan")
    if sum(plan.values()) != amount_cents:
        raise Refused("The amounts for the invoices do not add up to the amount you pay.", "plan")
