"""Payments from the portal as a table: one row for each invoice that a payment is for."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from typing import Any

from peewee import ModelSelect, fn

from portal_app import clock, money, tables
from portal_app.domain import firms, matters
from portal_app.domain.exports.reading import BATCH, Wanted
from portal_app.domain.invoices import Invoice
from portal_app.domain.matters import Matter
from portal_app.domain.payments import REFUND_SHOWN, Allocation, Gateway, Payment, Refund
from portal_app.domain.people import Client, PortalUser
from portal_app.tables import inert

HEAD = (
    "payment", "paid_on", "state", "payer", "method", "gateway", "receipt", "invoice", "matter", "client", "currency",
    "for_invoice", "payment_amount", "payment_refunded",
)  # fmt: skip
NAMES = (
    PortalUser.name.alias("payer"), Gateway.code.alias("gateway_code"), Invoice.number.alias("invoice"),
    Matter.number.alias("matter"), Client.name.alias("client"), Allocation.amount_cents.alias("for_invoice"),
    Allocation.invoice.alias("invoice_id"),
)  # fmt: skip


def payments(wanted: Wanted) -> Iterator[str]:
    """Payments that were paid on these days (days of the firm), whatever became of them later, oldest first."""
    return tables.lines(HEAD, _rows(wanted))


def _rows(wanted: Wanted) -> Iterator[list[str]]:
    firm, after = firms.current(), (0, 0)
    while True:
        batch = list(_after(_paid(wanted, firm.time_zone), after).limit(BATCH).objects())
        for row in batch:
            yield _row(row, firm.time_zone)
        if len(batch) < BATCH:
            return
        after = (batch[-1].id, batch[-1].invoice_id)


def _paid(wanted: Wanted, zone: str) -> ModelSelect:
    refunded = Refund.select(fn.COALESCE(fn.SUM(Refund.amount_cents), 0)).where(
        (Refund.payment == Payment.id) & Refund.state.in_(sorted(REFUND_SHOWN))
    )
    query = (
        Payment.select(Payment, *NAMES, refunded.alias("refunded_cents"))
        .join_from(Payment, PortalUser)
        .join_from(Payment, Gateway)
        .join_from(Payment, Allocation)
        .join(Invoice)
        .join(Matter)
        .join(Client)
        .where(Payment.paid_at.is_null(False))
        .order_by(Payment.id, Allocation.invoice)
    )
    if wanted.who is not None:
        query = query.where(matters.sees(wanted.who, Invoice.matter))
    if wanted.since:
        query = query.where(Payment.paid_at >= _midnight(wanted.since, zone))
    return query.where(Payment.paid_at < _midnight(wanted.until + dt.timedelta(1), zone)) if wanted.until else query


def _midnight(day: dt.date, zone: str) -> dt.datetime:
    return clock.to_utc(dt.datetime.combine(day, dt.time.min), zone)


def _after(query: ModelSelect, after: tuple[int, int]) -> ModelSelect:
    payment_id, invoice_id = after
    is_later = (Payment.id > payment_id) | ((Payment.id == payment_id) & (Allocation.invoice > invoice_id))
    return query.where((Payment.id >= payment_id) & is_later)


def _row(row: Any, zone: str) -> list[str]:
    cents = (int(value) for value in (row.for_invoice, row.paid_cents, row.refunded_cents))
    texts = (row.payer, row.method_summary or row.method, row.gateway_code, row.receipt_number or "", row.invoice)
    return [
        str(row.id), clock.local(row.paid_at, zone).date().isoformat(), row.state, *map(inert, texts),
        inert(row.matter), inert(row.client), row.currency,
        *(money.plain(value, money.currency(row.currency)) for value in cents),
    ]  # fmt: skip
