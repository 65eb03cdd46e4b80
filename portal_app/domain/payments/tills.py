"""What differs between paying invoices and paying a deposit into trust, as data: one till for each fund."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from peewee import ModelSelect, fn

from portal_app.db import sum_of
from portal_app.domain import invoices
from portal_app.domain.deposits import DepositRequest
from portal_app.domain.documents import DocumentShare
from portal_app.domain.invoices import Invoice
from portal_app.domain.payments.models import HOLDING, Allocation, Payment
from portal_app.domain.payments.requests import open_deposits_for
from portal_app.domain.people import PortalUser
from portal_app.plugin_api import Fund
from portal_app.prepared import prepared

Item = Invoice | DepositRequest


@dataclass(frozen=True, slots=True)
class Till:
    """Where money of ``fund`` is taken. ``model`` is what it pays, ``column`` says so of an allocation; ``open_for`` is
    what somebody may pay, ``held_on`` what is under way on these rows, cents by their ids. ``most_items``: how many
    one payment may pay."""

    fund: Fund
    model: type[Item]
    column: Any
    open_for: Callable[[PortalUser], list[Any]]
    held_on: Callable[[PortalUser, Sequence[Any]], dict[int, int]]
    too_much: str
    none_takes: str
    most_items: int | None = None

    def ids_of(self, rows: Sequence[Item]) -> list[int]:
        return sorted(row.id for row in rows)


def _of_invoices(who: PortalUser, _rows: Sequence[Any]) -> dict[int, int]:
    return {row.invoice_id: sum_of(row.held) for row in _held_on_invoices(who.id)}


def _of_deposits(_who: PortalUser, rows: Sequence[Any]) -> dict[int, int]:
    """Read with the rows themselves."""
    return {row.id: sum_of(row.held) for row in rows}


@prepared
def _held_on_invoices(who_id: Any) -> ModelSelect:
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


TILLS = {
    till.fund: till
    for till in (
        Till(
            fund=Fund.OPERATING, model=Invoice, column=Allocation.invoice, open_for=invoices.open_for,
            held_on=_of_invoices, too_much="This is more than your balance. You can pay up to {most}.",
            none_takes="One of the invoices cannot take this amount. Look at the amounts again.",
        ),
        Till(
            fund=Fund.TRUST, model=DepositRequest, column=Allocation.deposit, open_for=open_deposits_for,
            held_on=_of_deposits, too_much="This is more than the deposit asked for. You can pay up to {most}.",
            none_takes="This deposit cannot take this amount. Look at the amount again.", most_items=1,
        ),
    )
}  # fmt: skip
