"""Taking a payment through exactly one gateway: between the domain, which writes, and the plugin, which calls.

No transaction is open during a call; the attempt is committed as ``submitting`` before it; any exception is
``unknown``; every answer goes through ``payments.settle``.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from typing import Any

from portal_app import clock, config, plugins
from portal_app.db import db
from portal_app.domain import firms, payments
from portal_app.domain.payments import Attempt, Due, Gateway, Payment
from portal_app.gateway_answers import FIRST, checked
from portal_app.gateway_setup import context, is_paused, manifest_of
from portal_app.outbound import CALL_SECONDS
from portal_app.plugin_api import (
    BeginRequest,
    ChargeRequest,
    Fields,
    Flow,
    Fund,
    LookupQuery,
    Method,
    NeverSent,
    Outcome,
    OutcomeKind,
)

log = logging.getLogger(__name__)

UNKNOWN = Outcome(kind=OutcomeKind.UNKNOWN)
UNREACHABLE = "The payment service could not be reached. Nothing has been charged. Please try again in a few minutes."
CLOSED = frozenset({"succeeded", "review"})  # nothing that a gateway says changes these
NOT_SENT = Outcome(kind=OutcomeKind.NOT_SUBMITTED, message=UNREACHABLE)


def fields_for(gateway: Gateway, method: Method, currency: str) -> Fields | None:
    """The gateway's card fields for the Pay Now page; ``None`` when it has none to show."""
    if Flow.FIELDS not in manifest_of(gateway).flows:
        return None
    try:
        request = BeginRequest(
            flow=Flow.FIELDS, method=method, currency=currency, fund=Fund.OPERATING,
            merchant_account=payments.route_of(gateway, Fund.OPERATING).merchant_account,
            page_origin=config.active().own_url,
        )  # fmt: skip
        found = plugins.registry().call(gateway.plugin, "gateway_begin", ctx=context(gateway), request=request)
    except Exception:
        log.exception("gateway %s cannot draw its fields", gateway.code)
        return None
    return found if isinstance(found, Fields) else None


def charge(payment: Payment, token: str) -> Payment:
    """Send the payment with the token of the gateway's fields, once. Who comes second gets the payment as it is."""
    attempt = payments.mark_submitting(payment)
    if attempt is None:
        return _fresh(payment)
    request = ChargeRequest(
        reference=attempt.reference, amount_minor=payment.amount_cents, currency=payment.currency, token=token,
        method=Method(payment.method), fund=Fund(payment.fund), merchant_account=attempt.merchant_account,
        return_url=return_url(payment), description=_description(payment), billing=payment.billing_address,
    )  # fmt: skip
    return _settle(payment, attempt, _ask(payment.gateway, "gateway_charge", request=request))


def begin_redirect(payment: Payment) -> Payment:
    """Make the gateway's own page for a payment; its address is then on the attempt."""
    attempt = payments.mark_submitting(payment)
    if attempt is None:
        return _fresh(payment)
    request = BeginRequest(
        flow=Flow.REDIRECT, method=Method(payment.method), currency=payment.currency, fund=Fund(payment.fund),
        merchant_account=attempt.merchant_account, page_origin=config.active().own_url,
        amount_minor=payment.amount_cents, reference=attempt.reference, description=_description(payment),
        return_url=return_url(payment), billing=payment.billing_address,
    )  # fmt: skip
    return _settle(payment, attempt, _ask(payment.gateway, "gateway_begin", request=request))


def returned(payment: Payment, args: Mapping[str, str]) -> Payment:
    """The payer's browser came back: ask the gateway what happened."""
    return _look(payment, "gateway_return", args)


def cancel(payment: Payment) -> Payment:
    """The payer gives up an unfinished payment; it is freed only when the gateway says that it cannot succeed."""
    if payments.give_up_unsent(payment):
        return _fresh(payment)
    return _look(payment, "gateway_cancel", {})


def recover(limit: int = 20) -> int:
    """Ask about every unresolved attempt that is due. Returns how many were asked about.

    One that cannot be followed up now is logged and asked about again later; it never keeps others waiting.
    """
    asked = 0
    for item in payments.claim_due(limit):
        asked += 1
        try:
            _follow_up(item)
        except Exception:
            log.exception("attempt %s cannot be followed up", item.attempt.reference)
    return asked


def _follow_up(item: Due) -> None:
    if item.payment.state == "ready":
        payments.give_up_unsent(item.payment)
    else:
        query = _query(item.attempt, {})
        _settle(item.payment, item.attempt, _ask(item.payment.gateway, "gateway_lookup", query=query))


def look_again(payment: Payment) -> Payment:
    """Ask now about one unresolved payment; not while it is just being sent, nor beside a worker that asks."""
    attempt = attempt_of(payment)
    is_being_sent = payment.state == "submitting" and (attempt.next_lookup_at or clock.now()) > clock.now()
    if attempt.submitted_at is None or is_being_sent or not payments.claim(attempt):
        return _fresh(payment)
    return _settle(payment, attempt, _ask(payment.gateway, "gateway_lookup", query=_query(attempt, {})))


def return_url(payment: Payment) -> str:
    return f"{config.active().own_url}/portal/payments/{payment.public_id}/return"


def attempt_of(payment: Payment) -> Attempt:
    return Attempt.get(Attempt.payment == payment.id)


def _look(payment: Payment, hook: str, args: Mapping[str, str]) -> Payment:
    attempt = attempt_of(payment)
    if attempt.submitted_at is None or payment.state in CLOSED:
        return payment
    return _settle(payment, attempt, _ask(payment.gateway, hook, query=_query(attempt, args)))


def _query(attempt: Attempt, args: Mapping[str, str]) -> LookupQuery:
    return LookupQuery(
        reference=attempt.reference, merchant_account=attempt.merchant_account,
        gateway_reference=attempt.gateway_reference, args=dict(args),
    )  # fmt: skip


def _ask(gateway: Gateway, hook: str, **arguments: Any) -> Outcome:
    """One addressed call, checked and redacted. Any exception is ``unknown``, but for what was never sent."""
    if db.in_transaction():
        raise RuntimeError("a gateway is never called inside a transaction")
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
        return checked(hook, plugins.registry().call(gateway.plugin, hook, ctx=ctx, **arguments), _redactor(gateway))
    except NeverSent as problem:
        log.warning("gateway %s, %s: not sent: %s", gateway.code, hook, problem)
        return not_sent
    except Exception:
        log.exception("gateway %s, %s", gateway.code, hook)
        return UNKNOWN


def _redactor(gateway: Gateway) -> Callable[[dict[str, Any]], object]:
    return lambda payload: plugins.registry().call(
        gateway.plugin, "gateway_redact", ctx=context(gateway), payload=payload
    )


def _settle(payment: Payment, attempt: Attempt, outcome: Outcome) -> Payment:
    # A plugin that is gone gives no answers; what it left behind must not stop the others from being asked about.
    manifest = plugins.registry().manifests.get(payment.gateway.plugin)
    horizon = CALL_SECONDS + (manifest.absence_horizon_seconds if manifest else 0)
    if outcome.kind is OutcomeKind.ABSENT and _was_sent_elsewhere(attempt, payment.gateway_id):
        outcome = UNKNOWN
    return payments.settle(attempt.id, outcome, absence_horizon_seconds=horizon)


def _was_sent_elsewhere(attempt: Attempt, gateway_id: int) -> bool:
    """Whether the gateway's settings are others now: that it finds nothing with these proves nothing."""
    return attempt.submitted_at is not None and attempt.submitted_at < Gateway.get_by_id(gateway_id).settings_saved_at


def _fresh(payment: Payment) -> Payment:
    return Payment.get_by_id(payment.id)


def _description(payment: Payment) -> str:
    """Who is paid and for what: the payer reads it on the gateway's page and on the statement."""
    numbers = [row.invoice.number for row in payments.allocations_of(payment)]
    return f"{firms.current().name}, invoice{'s' if len(numbers) > 1 else ''} {', '.join(numbers)}"[:120]
