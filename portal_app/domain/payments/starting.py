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
from portal_app.domain import firms
from portal_app.domain.deposits import DepositRequest
from portal_app.domain.errors import Refused
from portal_app.domain.payments.models import Allocation, Attempt, Gateway, GatewayRoute, Payment, PaymentChange
from portal_app.domain.payments.offers import Offer, check_amount, check_plan, offer, propose
from portal_app.domain.payments.tills import TILLS
from portal_app.domain.people import PortalUser, new_public_id
from portal_app.plugin_api import BillingAddress, Flow, Fund, Method
from portal_app.prepared import prepared_and_kept

READY_SECONDS = 15 * 60  # a payment that was not sent within this time was left by the payer


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """What the payer pressed Pay for. ``plan``: cents by invoice id (of a deposit: by the id of its request); empty
    means the oldest due first."""

    key: str
    amount_cents: int
    plan: Mapping[int, int]
    method: Method
    flow: Flow
    billing: BillingAddress
    fund: Fund = Fund.OPERATING


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
    till = TILLS[order.fund]
    ids = till.ids_of(till.open_for(who))
    list(locked(till.model.select(till.model.id).where(till.model.id.in_(ids)).order_by(till.model.id)))
    given = offer(who, order.fund)
    check_amount(given, order.amount_cents)
    plan = dict(order.plan) or propose(given, order.amount_cents)
    check_plan(given, order.amount_cents, plan)
    route = route_of(gateway, order.fund)
    _refuse_other_bank(given, plan, route)
    now = clock.now()
    payment: Payment = Payment.create(
        public_id=new_public_id(), portal_user=who, gateway=gateway, key=order.key, fund=order.fund.value,
        method=order.method.value, amount_cents=order.amount_cents, currency=firms.current().currency,
        billing=json.dumps(asdict(order.billing)), created_at=now, changed_at=now,
    )  # fmt: skip
    Attempt.create(
        reference=secrets.token_hex(16), payment=payment, flow=order.flow.value, created_at=now,
        merchant_account=route.merchant_account, next_lookup_at=now + dt.timedelta(seconds=READY_SECONDS),
    )  # fmt: skip
    rows = [(payment.id, item_id, cents) for item_id, cents in plan.items()]
    Allocation.insert_many(rows, fields=[Allocation.payment, till.column, Allocation.amount_cents]).execute()
    PaymentChange.create(payment=payment, state="ready", changed_at=now)
    return payment


def _refuse_other_bank(given: Offer, plan: Mapping[int, int], route: GatewayRoute) -> None:
    """A deposit goes into the trust account that it was asked for, and into no other (T06)."""
    for item in (each.item for each in given.payables):
        if isinstance(item, DepositRequest) and item.id in plan and item.bank_account_id != route.bank_account_id:
            raise Refused("This deposit cannot be paid online. Please call the firm.")


@prepared_and_kept
def _route(gateway_id: Any, fund: Any) -> ModelSelect:
    return GatewayRoute.select().where((GatewayRoute.gateway == gateway_id) & (GatewayRoute.fund == fund))


def route_of(gateway: Gateway, fund: Fund) -> GatewayRoute:
    """Where money of ``fund`` goes at this gateway; refused when the administrator has not said it."""
    route: GatewayRoute | None = _route.first(gateway.id, fund.value)
    if route is None:
        raise Refused("The firm cannot take online payments right now. Please call the firm.")
    return route
