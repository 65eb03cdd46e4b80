"""Taking a payment through exactly one gateway, and following it up until it is definite."""

from __future__ import annotations

import logging
from collections.abc import Mapping

from portal_app import clock, config, plugins
from portal_app.domain import firms, payments
from portal_app.domain.payments import Attempt, Gateway, Payment
from portal_app.gateway_setup import context, manifest_of
from portal_app.gateways.asking import ask, attempt_of, fresh, look, return_url, settle
from portal_app.plugin_api import BeginRequest, ChargeRequest, Fields, Flow, Fund, Method

log = logging.getLogger(__name__)

CLOSED = frozenset({"succeeded", "returned", "review"})  # nothing that a gateway says changes these


def fields_for(gateway: Gateway, method: Method, currency: str, fund: Fund = Fund.OPERATING) -> Fields | None:
    """The gateway's card fields for the Pay Now page; ``None`` when it has none to show."""
    if Flow.FIELDS not in manifest_of(gateway).flows:
        return None
    try:
        request = BeginRequest(
            flow=Flow.FIELDS, method=method, currency=currency, fund=fund,
            merchant_account=payments.route_of(gateway, fund).merchant_account,
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
        return fresh(payment)
    request = ChargeRequest(
        reference=attempt.reference, amount_minor=payment.amount_cents, currency=payment.currency, token=token,
        method=Method(payment.method), fund=Fund(payment.fund), merchant_account=attempt.merchant_account,
        return_url=return_url(payment), description=_description(payment), billing=payment.billing_address,
    )  # fmt: skip
    return settle(payment, attempt, ask(payment.gateway, "gateway_charge", request=request))


def begin_redirect(payment: Payment) -> Payment:
    """Make the gateway's own page for a payment; its address is then on the attempt."""
    attempt = payments.mark_submitting(payment)
    if attempt is None:
        return fresh(payment)
    request = BeginRequest(
        flow=Flow.REDIRECT, method=Method(payment.method), currency=payment.currency, fund=Fund(payment.fund),
        merchant_account=attempt.merchant_account, page_origin=config.active().own_url,
        amount_minor=payment.amount_cents, reference=attempt.reference, description=_description(payment),
        return_url=return_url(payment), billing=payment.billing_address,
    )  # fmt: skip
    return settle(payment, attempt, ask(payment.gateway, "gateway_begin", request=request))


def returned(payment: Payment, args: Mapping[str, str]) -> Payment:
    """The payer's browser came back: ask the gateway what happened."""
    return _look(payment, "gateway_return", args)


def cancel(payment: Payment) -> Payment:
    """The payer gives up an unfinished payment; it is freed only when the gateway says that it cannot succeed."""
    if payments.give_up_unsent(payment):
        return fresh(payment)
    return _look(payment, "gateway_cancel", {})


def recover(limit: int = 20) -> int:
    """Ask about every unresolved attempt that is due. Returns how many were asked about.

    One that cannot be followed up now is logged and asked about again later; it never keeps others waiting.
    """
    asked = 0
    for attempt in payments.claim_due(Attempt, limit):
        asked += 1
        try:
            _follow_up(attempt)
        except Exception:
            log.exception("attempt %s cannot be followed up", attempt.reference)
    return asked


def _follow_up(attempt: Attempt) -> None:
    if attempt.payment.state == "ready":
        payments.give_up_unsent(attempt.payment)
    else:
        look(attempt.payment, attempt)


def look_again(payment: Payment) -> Payment:
    """Ask now about one unresolved payment; not while it is just being sent, nor beside a worker that asks."""
    attempt = attempt_of(payment)
    is_being_sent = payment.state == "submitting" and (attempt.next_lookup_at or clock.now()) > clock.now()
    if attempt.submitted_at is None or is_being_sent or not payments.claim(attempt):
        return fresh(payment)
    return look(payment, attempt)


def _look(payment: Payment, hook: str, args: Mapping[str, str]) -> Payment:
    attempt = attempt_of(payment)
    if attempt.submitted_at is None or payment.state in CLOSED:
        return payment
    return look(payment, attempt, hook, args)


def _description(payment: Payment) -> str:
    """Who is paid and for what: the payer reads it on the gateway's page and on the statement."""
    numbers = [row.item.number for row in payments.allocations_of(payment)]
    what = "deposit in trust" if payment.is_deposit else "invoices" if len(numbers) > 1 else "invoice"
    return f"{firms.current().name}, {what} {', '.join(numbers)}"[:120]
