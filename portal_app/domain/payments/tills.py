"""What differs between paying invoices and paying a deposit into trust, as data: one till for each fund."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from peewee import ModelSelect, fn

from portal_app.domain import invoices
from portal_app.domain.deposits import DepositRequest
from portal_app.domain.invoices import Invoice, SharedInvoice
from portal_app.domain.payments.models import IS_UNDER_WAY, Allocation, Payment
from portal_app.domain.payments.requests import open_deposits_for
from portal_app.domain.people import PortalUser
from portal_app.plugin_api import Fund
from portal_app.prepared import prepared_as

Item = SharedInvoice | DepositRequest


@dataclass(frozen=True, slots=True)
class Till:
    """Where money of ``fund`` is taken. ``model`` is what it pays, ``column`` says so of an allocation; ``open_for`` is
    what somebody may pay, each row with what is under way on it (``held``, cents). ``most_items``: how many one payment
    may pay."""

    fund: Fund
    model: type[Invoice | DepositRequest]
    column: Any
    open_for: Callable[[PortalUser], list[Any]]
    too_much: str
    none_takes: str
    most_items: int | None = None

    def ids_of(self, rows: Sequence[Item]) -> list[int]:
        return sorted(row.id for row in rows)


def _open_invoices_for(who: PortalUser) -> list[SharedInvoice]:
    return _open_invoices(who.id)


@prepared_as(SharedInvoice)
def _open_invoices(who_id: Any) -> ModelSelect:
    """What ``who`` may pay, each with what unresolved payments, of whomever, hold on it."""
    held = Allocation.select(fn.COALESCE(fn.SUM(Allocation.amount_cents), 0)).join(Payment)
    under_way = held.where((Allocation.invoice == Invoice.id) & IS_UNDER_WAY)
    return invoices.open_query(who_id, under_way)


TILLS = {
    till.fund: till
    for till in (
        Till(
            fund=Fund.OPERATING, model=Invoice, column=Allocation.invoice, open_for=_open_invoices_for,
            too_much="This is more than your balance. You can pay up to {most}.",
            none_takes="One of the invoices cannot take this amount. Look at the amounts again.",
        ),
        Till(
            fund=Fund.TRUST, model=DepositRequest, column=Allocation.deposit, open_for=open_deposits_for,
            too_much="This is more than the deposit asked for. You can pay up to {most}.",
            none_takes="This deposit cannot take this amount. Look at the amount again.", most_items=1,
        ),
    )
}  # fmt: skip
