"""Stripe's objects, as dictionaries, read into the portal's values. What is not plainly understood is ``unknown``."""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections.abc import Iterable, Mapping
from typing import Any

from portal_app.plugin_api import DisputeFact, DisputeState, Outcome, OutcomeKind, RefundFact
from portal_stripe import words

Object = Mapping[str, Any]
REFERENCE = "portal_reference"  # the key in Stripe's metadata under which our reference stands
FLOW = "portal_flow"

_INTENTS = {
    "succeeded": OutcomeKind.SUCCEEDED,
    "processing": OutcomeKind.PENDING,
    "requires_action": OutcomeKind.ACTION_REQUIRED,
    "canceled": OutcomeKind.CANCELED,
}
_REFUNDS = {
    "succeeded": OutcomeKind.SUCCEEDED,
    "pending": OutcomeKind.PENDING,
    "requires_action": OutcomeKind.PENDING,
    "failed": OutcomeKind.DECLINED,
    "canceled": OutcomeKind.CANCELED,
}
_DISPUTES = {
    "warning_needs_response": DisputeState.INQUIRY,
    "warning_under_review": DisputeState.INQUIRY,
    "warning_closed": DisputeState.WON,
    "needs_response": DisputeState.OPEN,
    "under_review": DisputeState.OPEN,
    "appeal_needs_response": DisputeState.OPEN,
    "appeal_under_review": DisputeState.OPEN,
    "won": DisputeState.WON,
    "lost": DisputeState.LOST,
    "prevented": DisputeState.WON,
}


def intent(told: Object, account: str) -> Outcome:
    """What became of a payment intent (its ``latest_charge`` expanded). ``account`` is the Stripe account's id."""
    status, error = text(told, "status"), inner(told, "last_payment_error")
    kind = _INTENTS.get(status, OutcomeKind.UNKNOWN)
    if status == "requires_payment_method" and error:
        kind = OutcomeKind.DECLINED
    amount = told.get("amount_received" if kind is OutcomeKind.SUCCEEDED else "amount")
    code, message = _why(kind, error, status)
    if type(amount) is not int or not text(told, "id"):
        kind = OutcomeKind.UNKNOWN
    return Outcome(
        kind=kind,
        gateway_reference=text(told, "id"),
        amount_minor=amount if type(amount) is int else None,
        currency=text(told, "currency").upper(),
        merchant_account=account,
        method_summary=_summary(inner(told, "latest_charge")),
        code=code,
        message=message,
        redirect_url=_next(inner(told, "next_action")) if kind is OutcomeKind.ACTION_REQUIRED else "",
        payload=dict(told),
    )


def _why(kind: OutcomeKind, error: Object, status: str) -> tuple[str, str]:
    if kind is OutcomeKind.DECLINED:
        code = text(error, "decline_code") or text(error, "code") or "declined"
        return ("declined" if code in words.SILENT else code), words.said(code)
    if kind is OutcomeKind.CANCELED:
        return "canceled", words.ABANDONED
    return (status, "") if kind is OutcomeKind.UNKNOWN else ("", "")


def _next(action: Object) -> str:
    """Where the payer goes on, if there is such a place."""
    deposits = text(inner(action, "verify_with_microdeposits"), "hosted_verification_url")
    return text(inner(action, "redirect_to_url"), "url") or deposits


def _summary(charge: Object) -> str:
    details = inner(charge, "payment_method_details")
    card, bank = inner(details, "card"), inner(details, "us_bank_account")
    if last4 := text(card, "last4"):
        return f"{text(card, 'brand').replace('_', ' ').title() or 'Card'} ending {last4}"
    return f"Bank account ending {text(bank, 'last4')}" if text(bank, "last4") else ""


def session(told: Object, account: str) -> Outcome:
    """What a Checkout page that has no answered intent says: still open, or given up. Otherwise ``unknown``."""
    base = Outcome(
        kind=OutcomeKind.UNKNOWN, gateway_reference=text(told, "id"), merchant_account=account, payload=dict(told)
    )
    if told.get("status") == "open":
        return dataclasses.replace(base, kind=OutcomeKind.ACTION_REQUIRED, redirect_url=text(told, "url"))
    if told.get("status") == "expired":
        return dataclasses.replace(base, kind=OutcomeKind.CANCELED, code="expired", message=words.EXPIRED_PAGE)
    return base


def refund_kind(told: Object) -> OutcomeKind:
    return _REFUNDS.get(text(told, "status"), OutcomeKind.UNKNOWN)


def refund(told: Object, account: str) -> Outcome:
    """What became of a refund."""
    amount, id = told.get("amount"), text(told, "id")
    kind = refund_kind(told)
    is_whole = type(amount) is int and bool(id)
    return Outcome(
        kind=kind if is_whole else OutcomeKind.UNKNOWN,
        gateway_reference=id,
        amount_minor=amount if is_whole else None,
        currency=text(told, "currency").upper(),
        merchant_account=account,
        code=text(told, "failure_reason"),
        payload=dict(told),
    )


def refund_facts(found: Iterable[Object]) -> tuple[RefundFact, ...]:
    return tuple(
        RefundFact(
            gateway_reference=text(each, "id"),
            kind=refund_kind(each),
            amount_minor=each["amount"],
            reference=text(inner(each, "metadata"), REFERENCE),
        )
        for each in found
    )


def dispute_facts(found: Iterable[Object]) -> tuple[DisputeFact, ...]:
    """The disputes, but for one in a state that nobody foresaw: what is left out proves nothing."""
    return tuple(
        DisputeFact(
            gateway_reference=text(each, "id"),
            state=_DISPUTES[text(each, "status")],
            amount_minor=each["amount"],
            currency=text(each, "currency").upper(),
            reason=text(each, "reason"),
            respond_by=_respond_by(inner(each, "evidence_details").get("due_by")),
        )
        for each in found
        if text(each, "status") in _DISPUTES
    )


def _respond_by(seconds: object) -> dt.datetime | None:
    return moment(seconds) if type(seconds) is int else None


def moment(seconds: int) -> dt.datetime:
    """Seconds since 1970 as an aware moment."""
    return dt.datetime.fromtimestamp(seconds, dt.UTC)


def is_bank(told: Object) -> bool:
    """Whether an intent was paid by a bank debit."""
    return inner(inner(told, "latest_charge"), "payment_method_details").get("type") == "us_bank_account"


def text(told: Mapping[str, Any], name: str) -> str:
    value = told.get(name)
    return value if isinstance(value, str) else ""


def inner(told: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    """The object that stands under ``name``; empty when there is none, or only its id."""
    value = told.get(name)
    return value if isinstance(value, dict) else {}


def id_of(told: Mapping[str, Any], name: str) -> str:
    """The id that stands under ``name``, whether the object was expanded or not."""
    return text(told, name) or text(inner(told, name), "id")
