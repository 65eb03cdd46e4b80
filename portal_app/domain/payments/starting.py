"""From "Pay Now" to a payment that is written down and reserved; nothing is sent here."""

from __future__ import annotations

import datetime as dt
import json
import secrets
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from peewee import IntegrityError, ModelSelect

from portal_app import clock
from portal_app.db import locked, transaction
from portal_app.domain import firms, invoices
from portal_app.domain.errors import Refused
from portal_app.domain.invoices import Invoice
from portal_app.domain.payments.models import Allocation, Attempt, Gateway, GatewayRoute, Payment, PaymentChange
from portal_app.domain.payments.offers import check_amount, check_plan, offer, propose
from portal_app.domain.people import PortalUser, new_public_id
from portal_app.plugin_api import BillingAddress, Flow, Fund, Method
from portal_app.prepared import prepared

READY_SECONDS = 15 * 60  # a payment that was not sent within this time was left by the payer


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """What the payer pressed Pay for. ``plan``: cents by invoice id; empty means the oldest due first."""

    key: str
    amount_cents: int
    plan: Mapping[int, int]
    method: Method
    flow: Flow
    billing: BillingAddress


def start(who: PortalUser, gateway: Gateway, order: Order) -> Payment:
    """Write payment and attempt and reserve the amount, in one transaction; nothing is sent yet.

    The same key gives the same payment, whatever else is sent with it.

    Raises:
        Refused: more than can be paid now, or a choice of invoices that does not fit.
    """
    try:
        with transaction():
            return _find_by_key(who, order.key) or _start(who, gateway, order)
    except IntegrityError:
        found = _find_by_key(who, order.key)
        if found is None:
            raise
        return found


def _find_by_key(who: PortalUser, key: str) -> Payment | None:
    return Payment.get_or_none((Payment.portal_user == who.id) & (Payment.key == key))


def _start(who: PortalUser, gateway: Gateway, order: Order) -> Payment:
    ids = sorted(row.id for row in invoices.open_for(who))
    list(locked(Invoice.select(Invoice.id).where(Invoice.id.in_(ids)).order_by(Invoice.id)))
    given = offer(who)
    check_amount(given, order.amount_cents)
    plan = dict(order.plan) or propose(given, order.amount_cents)
    check_plan(given, order.amount_cents, plan)
    route = route_of(gateway, Fund.OPERATING)
    now = clock.now()
    payment: Payment = Payment.create(
        public_id=new_public_id(), portal_user=who, gateway=gateway, key=order.key, fund=Fund.OPERATING.value,
        method=order.method.value, amount_cents=order.amount_cents, currency=firms.current().currency,
        billing=json.dumps(asdict(order.billing)), created_at=now, changed_at=now,
    )  # fmt: skip
    Attempt.create(
        reference=secrets.token_hex(16), payment=payment, flow=order.flow.value, created_at=now,
        merchant_account=route.merchant_account, next_lookup_at=now + dt.timedelta(seconds=READY_SECONDS),
    )  # fmt: skip
    rows = [(payment.id, invoice_id, cents) for invoice_id, cents in plan.items()]
    Allocation.insert_many(rows, fields=[Allocation.payment, Allocation.invoice, Allocation.amount_cents]).execute()
    PaymentChange.create(payment=payment, state="ready", changed_at=now)
    return payment


@prepared
def _route(gateway_id: Any, fund: Any) -> ModelSelect:
    return GatewayRoute.select().where((GatewayRoute.gateway == gateway_id) & (GatewayRoute.fund == fund))


def route_of(gateway: Gateway, fund: Fund) -> GatewayRoute:
    """Where money of ``fund`` goes at this gateway; refused when the administrator has not said it."""
    route: GatewayRoute | None = _route.first(gateway.id, fund.value)
    if route is None:
        raise Refused("The firm cannot take online payments right now. Please call the firm.")
    return route
