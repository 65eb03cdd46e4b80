"""What is kept of Stripe's answers: ids, states, amounts, reasons. No secret, no address, no name."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from portal_stripe.reading import FLOW, REFERENCE, inner

_PLAIN = (
    "id", "object", "status", "amount", "amount_received", "amount_total", "amount_refunded", "currency", "created",
    "livemode", "payment_intent", "charge", "payment_status", "capture_method", "cancellation_reason", "canceled_at",
    "balance_transaction", "code", "decline_code", "type", "param", "failure_code", "failure_reason", "disputed",
)  # fmt: skip
_INSIDE = ("last_payment_error", "latest_charge", "error", "outcome", "payment_intent")
_OUTCOME = ("network_status", "network_decline_code", "advice_code", "reason", "risk_level", "type")


def kept(payload: Mapping[str, Any]) -> dict[str, Any]:
    """The part of ``payload`` that proves something."""
    found = {name: payload[name] for name in _PLAIN if isinstance(payload.get(name), str | int)}
    for name in _INSIDE:
        if inside := inner(payload, name):
            found[name] = _of(inside, _OUTCOME) if name == "outcome" else kept(inside)
    if isinstance(payload.get("latest_charge"), str):
        found["latest_charge"] = payload["latest_charge"]
    ours = _of(inner(payload, "metadata"), (REFERENCE, FLOW))
    return found | ({"metadata": ours} if ours else {})


def _of(told: Mapping[str, Any], names: tuple[str, ...]) -> dict[str, Any]:
    return {name: told[name] for name in names if isinstance(told.get(name), str | int)}
