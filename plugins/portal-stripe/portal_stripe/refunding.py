"""Giving money back: exactly what was asked, once."""

from __future__ import annotations

from typing import Any

from portal_app.plugin_api import Context, Outcome, OutcomeKind, RefundRequest
from portal_stripe import reading
from portal_stripe.account import account_of
from portal_stripe.asking import UNKNOWN, Doubt, Refused, once
from portal_stripe.client import client
from portal_stripe.finding import intent_of

_SAID = {
    "charge_already_refunded": "Stripe says that this charge has been given back already.",
    "charge_disputed": "The payer's bank has taken this charge back. It cannot be refunded as well.",
    "insufficient_funds": "The Stripe account does not hold enough for this refund.",
    "balance_insufficient": "The Stripe account does not hold enough for this refund.",
}
_OTHER = "Stripe refused this refund. Nothing was given back."


def refund(ctx: Context, request: RefundRequest) -> Outcome:
    """One refund. What Stripe refuses is declined; what it does not answer is unknown."""
    account = account_of(ctx)
    params: Any = {
        "payment_intent": intent_of(ctx, request.charge_gateway_reference), "amount": request.amount_minor,
        "metadata": {reading.REFERENCE: request.reference},
    }  # fmt: skip
    options: Any = {"idempotency_key": f"{request.reference}:refund"}
    stripe = client(ctx)
    try:
        return reading.refund(once(lambda: stripe.v1.refunds.create(params, options)), account)
    except Refused as problem:
        message = _SAID.get(problem.code, _OTHER)
        return Outcome(
            kind=OutcomeKind.DECLINED, code=problem.code, message=message, payload={"error": dict(problem.error)}
        )
    except Doubt:
        return UNKNOWN
