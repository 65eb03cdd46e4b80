"""Giving money back through the gateway that took it, once, and following it up until it is definite."""

from __future__ import annotations

import datetime as dt
import logging

from portal_app import clock, plugins
from portal_app.domain import payments
from portal_app.domain.payments import Payment, Refund
from portal_app.gateways.asking import UNKNOWN, ask, attempt_of, horizon_of, sent_at, was_sent_elsewhere
from portal_app.plugin_api import Capability, Fund, LookupQuery, Method, Outcome, OutcomeKind, RefundRequest, Subject

log = logging.getLogger(__name__)


def can_refund(payment: Payment, *, in_part: bool = False) -> bool:
    """Whether the gateway that took a payment can give it back (or a part of it)."""
    manifest = plugins.registry().manifests.get(payment.gateway.plugin)
    wanted = Capability.PARTIAL_REFUND if in_part else Capability.REFUND
    return manifest is not None and wanted in manifest.capabilities


def refund(refund: Refund) -> Refund:
    """Send a refund that is written down, once. Who comes second gets it as it is."""
    payment = Payment.get_by_id(refund.payment_id)
    before = payments.refunded_on([payment]).get(payment.id, 0) - refund.amount_cents
    if not payments.mark_refund_submitting(refund):
        return Refund.get_by_id(refund.id)
    attempt = attempt_of(payment)
    request = RefundRequest(
        reference=refund.reference, amount_minor=refund.amount_cents, currency=payment.currency,
        charge_reference=attempt.reference, charge_gateway_reference=attempt.gateway_reference,
        merchant_account=attempt.merchant_account, method=Method(payment.method), fund=Fund(payment.fund),
        charged_minor=payment.paid_cents, refunded_minor=before, reason=refund.reason,
        charged_at=(payment.paid_at or clock.now()).replace(tzinfo=dt.UTC),
    )  # fmt: skip
    return _settle(refund, payment, ask(payment.gateway, "gateway_refund", request=request))


def recover_refunds(limit: int = 20) -> int:
    """Ask about every unresolved refund that is due. Returns how many were asked about."""
    asked = 0
    for row in payments.claim_due(Refund, limit):
        asked += 1
        try:
            _follow_up(row)
        except Exception:
            log.exception("refund %s cannot be followed up", row.reference)
    return asked


def look_again_at_refund(refund: Refund) -> Refund:
    """Ask now about one unresolved refund, unless a worker just does."""
    if refund.submitted_at is None or not payments.claim(refund):
        return Refund.get_by_id(refund.id)
    return look_at_refund(refund)


def _follow_up(refund: Refund) -> None:
    if refund.state == "ready":
        payments.give_up_unsent_refund(refund)
    else:
        look_at_refund(refund)


def look_at_refund(refund: Refund, listed_as: str = "") -> Refund:
    """Ask what became of a refund, and write it down. ``listed_as``: what the gateway's own list calls it."""
    payment = Payment.get_by_id(refund.payment_id)
    attempt = attempt_of(payment)
    query = LookupQuery(
        subject=Subject.REFUND, reference=refund.reference,
        gateway_reference=refund.gateway_reference or listed_as,
        merchant_account=attempt.merchant_account, charge_reference=attempt.reference,
        charge_gateway_reference=attempt.gateway_reference, submitted_at=sent_at(refund),
    )  # fmt: skip
    return _settle(refund, payment, ask(payment.gateway, "gateway_lookup", query=query))


def _settle(refund: Refund, payment: Payment, outcome: Outcome) -> Refund:
    if outcome.kind is OutcomeKind.ABSENT and was_sent_elsewhere(refund, payment.gateway_id):
        outcome = UNKNOWN
    return payments.settle_refund(refund.id, outcome, absence_horizon_seconds=horizon_of(payment.gateway))
