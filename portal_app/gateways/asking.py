"""One addressed call to one gateway, and what its answer is worth."""

from __future__ import annotations

import datetime as dt
import logging
from collections.abc import Callable, Mapping
from typing import Any

from portal_app import config, plugins
from portal_app.db import db
from portal_app.domain import payments
from portal_app.domain.payments import Attempt, Gateway, Payment
from portal_app.gateway_answers import FIRST, checked
from portal_app.gateway_setup import context, is_paused
from portal_app.outbound import CALL_SECONDS
from portal_app.plugin_api import LookupQuery, NeverSent, Outcome, OutcomeKind

log = logging.getLogger(__name__)

UNKNOWN = Outcome(kind=OutcomeKind.UNKNOWN)
UNREACHABLE = "The payment service could not be reached. Nothing has been charged. Please try again in a few minutes."
NOT_SENT = Outcome(kind=OutcomeKind.NOT_SUBMITTED, message=UNREACHABLE)


def ask(gateway: Gateway, hook: str, **arguments: Any) -> Outcome:
    """One addressed call, checked and redacted. Any exception is ``unknown``, but for what was never sent."""
    refuse_open_transaction()
    not_sent = NOT_SENT if hook in FIRST else UNKNOWN
    if is_paused(gateway):
        log.warning("gateway %s, %s: this installation is a copy, so nobody was called", gateway.code, hook)
        return not_sent
    try:
        ctx = context(gateway)
    except Exception:  # its plugin is gone, or its secrets cannot be read: nobody was called
        log.exception("gateway %s, %s: cannot be called", gateway.code, hook)
        return not_sent
    try:
        return checked(hook, plugins.registry().call(gateway.plugin, hook, ctx=ctx, **arguments), redactor(gateway))
    except NeverSent as problem:
        log.warning("gateway %s, %s: not sent: %s", gateway.code, hook, problem)
        return not_sent
    except Exception:
        log.exception("gateway %s, %s", gateway.code, hook)
        return UNKNOWN


def refuse_open_transaction() -> None:
    if db.in_transaction():
        raise RuntimeError("a gateway is never called inside a transaction")


def redactor(gateway: Gateway) -> Callable[[dict[str, Any]], object]:
    return lambda payload: plugins.registry().call(
        gateway.plugin, "gateway_redact", ctx=context(gateway), payload=payload
    )


def horizon_of(gateway: Gateway) -> int:
    """After how many seconds "not found" proves something. A plugin that is gone gives no answers; what it left behind
    must not stop the others from being asked about."""
    manifest = plugins.registry().manifests.get(gateway.plugin)
    return CALL_SECONDS + (manifest.absence_horizon_seconds if manifest else 0)


def query_for(attempt: Attempt, args: Mapping[str, str], listed_as: str = "") -> LookupQuery:
    return LookupQuery(
        reference=attempt.reference, merchant_account=attempt.merchant_account,
        gateway_reference=attempt.gateway_reference or listed_as, submitted_at=sent_at(attempt), args=dict(args),
    )  # fmt: skip


def sent_at(sent: Any) -> dt.datetime | None:
    """When an attempt or a refund was sent, as plugins are told it: aware."""
    return sent.submitted_at.replace(tzinfo=dt.UTC) if sent.submitted_at else None


def settle(payment: Payment, attempt: Attempt, outcome: Outcome) -> Payment:
    if outcome.kind is OutcomeKind.ABSENT and was_sent_elsewhere(attempt, payment.gateway_id):
        outcome = UNKNOWN
    return payments.settle(attempt.id, outcome, absence_horizon_seconds=horizon_of(payment.gateway))


def look(
    payment: Payment, attempt: Attempt, hook: str = "gateway_lookup", args: Mapping[str, str] | None = None,
    listed_as: str = "",
) -> Payment:  # fmt: skip
    """Ask what became of an attempt, and write it down. ``listed_as``: what the gateway's own list calls it."""
    return settle(payment, attempt, ask(payment.gateway, hook, query=query_for(attempt, args or {}, listed_as)))


def was_sent_elsewhere(sent: Any, gateway_id: int) -> bool:
    """Whether the gateway's settings are others now: that it finds nothing with these proves nothing."""
    return sent.submitted_at is not None and sent.submitted_at < Gateway.get_by_id(gateway_id).settings_saved_at


def attempt_of(payment: Payment) -> Attempt:
    return Attempt.get(Attempt.payment == payment.id)


def fresh(payment: Payment) -> Payment:
    return Payment.get_by_id(payment.id)


def return_url(payment: Payment) -> str:
    return f"{config.active().own_url}/portal/payments/{payment.public_id}/return"
