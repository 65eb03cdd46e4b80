"""Giving money back: a whole charge that is still only authorized is voided; everything else is refunded."""

from __future__ import annotations

from portal_app.plugin_api import Outcome, OutcomeKind, RefundRequest
from portal_lawpay import errors, transactions
from portal_lawpay.accounts import Route
from portal_lawpay.api import Answer, Api, Told
from portal_lawpay.lookups import find_charge, read, refund_in
from portal_lawpay.transactions import text

NOT_FOUND = "LawPay does not know this payment under these keys. Nothing was given back."
OTHER_CHARGE = "LawPay knows this payment with another amount or currency. Nothing was given back."


def give_back(api: Api, request: RefundRequest) -> Outcome:
    """LawPay has no idempotency keys: the charge is read first, and a refund with our reference is not made twice.

    Raises ``Unclear`` and whatever the wire raises.
    """
    route = Route(request.merchant_account)
    charge = _charge(api, route, request)
    if charge is None:
        return Outcome(kind=OutcomeKind.NOT_SUBMITTED, code="charge_not_found", message=NOT_FOUND)
    known = refund_in(charge, route, request.reference)
    if known is not None:
        return known
    if transactions.cents(charge) != request.charged_minor or text(charge, "currency") != request.currency:
        return Outcome(kind=OutcomeKind.NOT_SUBMITTED, code="other_charge", message=OTHER_CHARGE)
    if request.is_whole and _can_be_voided(charge):
        answer = api.post("transactions", text(charge, "id"), "void", body={"reference": request.reference})
        if not _is_too_late(answer):
            return _voided(answer, route)
    return _refunded(api, charge, route, request)


def _charge(api: Api, route: Route, request: RefundRequest) -> Told | None:
    if request.charge_gateway_reference:
        return read(api, request.charge_gateway_reference)
    return find_charge(api, route, request.charge_reference)


def _can_be_voided(charge: Told) -> bool:
    standing = [each for each in transactions.refunds_of(charge) if text(each, "status") not in {"VOIDED", "FAILED"}]
    return text(charge, "status") == "AUTHORIZED" and not standing


def _is_too_late(answer: Answer) -> bool:
    """The nightly run came between: LawPay says so before it does anything, so that a refund is still the first."""
    codes = [text(each, "code") for each in errors.messages(answer)]
    return 400 <= answer.status < 500 and codes == ["not_valid_for_transaction_status"]


def _voided(answer: Answer, route: Route) -> Outcome:
    return transactions.void(answer.told, route) if answer.is_ok and answer.told else errors.outcome(answer)


def _refunded(api: Api, charge: Told, route: Route, request: RefundRequest) -> Outcome:
    body = {"amount": request.amount_minor, "currency": request.currency, "reference": request.reference}
    answer = api.post("charges", text(charge, "id"), "refund", body=body)
    if answer.is_ok and text(answer.told, "id"):
        method = text(transactions.method_of(charge), "type").lower()
        return transactions.refund(answer.told, route, method)
    return errors.outcome(answer)
