"""LawPay's transactions read into the portal's values: one table of states. A state not listed is ``unknown``."""

from __future__ import annotations

import datetime as dt

from portal_app.plugin_api import Outcome, OutcomeKind, RefundFact
from portal_lawpay import words
from portal_lawpay.accounts import Route
from portal_lawpay.api import Told
from portal_lawpay.redaction import redacted

# A refusal is said within seconds; what changed later than this had been accepted before.
LATE_SECONDS = 600
_CHARGES = {
    ("card", "AUTHORIZED"): OutcomeKind.SUCCEEDED,  # taken: the nightly run only completes it
    ("card", "COMPLETED"): OutcomeKind.SUCCEEDED,
    ("card", "PENDING"): OutcomeKind.PENDING,
    ("card", "VOIDED"): OutcomeKind.RETURNED,
    ("card", "FAILED"): OutcomeKind.DECLINED,
    ("bank", "AUTHORIZED"): OutcomeKind.PENDING,  # accepted: the payer's bank has days to send it back
    ("bank", "COMPLETED"): OutcomeKind.SUCCEEDED,
    ("bank", "PENDING"): OutcomeKind.PENDING,
    ("bank", "VOIDED"): OutcomeKind.RETURNED,
    ("bank", "FAILED"): OutcomeKind.DECLINED,
}
_REFUNDS = {
    ("card", "AUTHORIZED"): OutcomeKind.SUCCEEDED,
    ("card", "COMPLETED"): OutcomeKind.SUCCEEDED,
    ("card", "PENDING"): OutcomeKind.PENDING,
    ("card", "VOIDED"): OutcomeKind.DECLINED,  # taken back: the payer keeps nothing of it
    ("card", "FAILED"): OutcomeKind.DECLINED,
    ("bank", "AUTHORIZED"): OutcomeKind.PENDING,
    ("bank", "COMPLETED"): OutcomeKind.SUCCEEDED,
    ("bank", "PENDING"): OutcomeKind.PENDING,
    ("bank", "VOIDED"): OutcomeKind.DECLINED,
    ("bank", "FAILED"): OutcomeKind.DECLINED,
}


def text(told: Told, name: str) -> str:
    value = told.get(name)
    return value if isinstance(value, str) else ""


def cents(told: Told, name: str = "amount") -> int | None:
    """A whole number of cents above nothing; None when it is anything else."""
    value = told.get(name)
    return value if type(value) is int and value > 0 else None


def moment(told: Told, name: str) -> dt.datetime | None:
    """One of LawPay's moments, aware."""
    try:
        found = dt.datetime.fromisoformat(text(told, name))
    except ValueError:
        return None
    return found if found.tzinfo else None


def method_of(told: Told) -> Told:
    method = told.get("method")
    return method if isinstance(method, dict) else {}


def is_late(told: Told) -> bool:
    """Whether it was accepted before it became what it is now: what LawPay has itself said yes to carries the bank's
    authorization, or changed long after it was made."""
    made, changed = moment(told, "created"), moment(told, "modified")
    took = changed - made if made and changed else dt.timedelta(0)
    return bool(text(told, "authorization_code")) or took > dt.timedelta(seconds=LATE_SECONDS)


def charge_kind(told: Told) -> OutcomeKind:
    """What became of a charge. A hold that nobody has captured is no money."""
    type = text(method_of(told), "type").lower()
    kind = _CHARGES.get((type, text(told, "status")), OutcomeKind.UNKNOWN)
    is_hold = text(told, "status") == "AUTHORIZED" and told.get("auto_capture") is not True
    if text(told, "type") != "CHARGE" or is_hold:
        return OutcomeKind.UNKNOWN
    return OutcomeKind.RETURNED if kind is OutcomeKind.DECLINED and is_late(told) else kind


def refund_kind(told: Told, method_type: str) -> OutcomeKind:
    return _REFUNDS.get((method_type, text(told, "status")), OutcomeKind.UNKNOWN)


def charge(told: Told, route: Route) -> Outcome:
    """A charge, with its refunds where the answer has them. One voided by the portal is a charge given back whole."""
    kind, amount, id = charge_kind(told), cents(told), text(told, "id")
    if amount is None or not id or not text(told, "currency") or not text(told, "account_id"):
        kind, amount = OutcomeKind.UNKNOWN, None
    facts = refund_facts(told)
    if kind is OutcomeKind.RETURNED and facts and is_voided_card(told):
        kind = OutcomeKind.SUCCEEDED
    method = method_of(told)
    number = text(method, "account_number") or text(method, "number")
    return Outcome(
        kind=kind, gateway_reference=id, amount_minor=amount, currency=text(told, "currency"),
        merchant_account=route.seen_as(text(told, "account_id")), code=text(told, "failure_code"),
        method_summary=words.method_summary(text(method, "type").lower(), text(method, "card_type"), number),
        message=_message(kind, told), refunds=facts, payload=redacted(told),
    )  # fmt: skip


def _message(kind: OutcomeKind, told: Told) -> str:
    code = text(told, "failure_code")
    if kind is OutcomeKind.DECLINED:
        return words.decline(code)
    if kind is OutcomeKind.RETURNED:
        return words.VOIDED if text(told, "status") == "VOIDED" else words.LATE.get(code, words.RETURNED)
    return ""


def is_voided_card(told: Told) -> bool:
    return text(told, "status") == "VOIDED" and text(method_of(told), "type").lower() == "card"


def refunds_of(told: Told) -> list[Told]:
    found = told.get("refunds")
    return [each for each in found if isinstance(each, dict)] if isinstance(found, list) else []


def refund_facts(told: Told) -> tuple[RefundFact, ...]:
    """The refunds of a charge, and its void when somebody gave that a reference."""
    type = text(method_of(told), "type").lower()
    facts = [
        RefundFact(
            gateway_reference=text(each, "id"), kind=refund_kind(each, type), amount_minor=cents(each) or 0,
            reference=text(each, "reference"),
        )
        for each in refunds_of(told) if text(each, "id") and cents(each)
    ]  # fmt: skip
    void = text(told, "void_reference")
    if is_voided_card(told) and void and (amount := cents(told)):
        facts.append(
            RefundFact(
                gateway_reference=text(told, "id"), kind=OutcomeKind.SUCCEEDED, amount_minor=amount, reference=void
            )
        )
    return tuple(facts)


def refund(told: Told, route: Route, method_type: str) -> Outcome:
    """A refund by itself. ``method_type`` is its charge's: card or bank."""
    kind, amount, id = refund_kind(told, method_type), cents(told), text(told, "id")
    if amount is None or not id or text(told, "type") != "REFUND":
        kind = OutcomeKind.UNKNOWN
    return Outcome(
        kind=kind, gateway_reference=id, amount_minor=amount, currency=text(told, "currency"),
        merchant_account=route.seen_as(text(told, "account_id")), code=text(told, "failure_code"),
        message=words.REFUND_FAILED if kind is OutcomeKind.DECLINED else "", payload=redacted(told),
    )  # fmt: skip


def void(told: Told, route: Route) -> Outcome:
    """A void as a refund of the whole: it has the charge's id and amount."""
    is_done = text(told, "status") == "VOIDED" and cents(told) is not None and bool(text(told, "id"))
    return Outcome(
        kind=OutcomeKind.SUCCEEDED if is_done else OutcomeKind.UNKNOWN, gateway_reference=text(told, "id"),
        amount_minor=cents(told), currency=text(told, "currency"), payload=redacted(told),
        merchant_account=route.seen_as(text(told, "account_id")),
    )  # fmt: skip
