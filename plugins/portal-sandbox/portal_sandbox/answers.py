"""The companion's JSON read into the portal's values. Whatever is not plainly understood is ``unknown``."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Any

from portal_app.plugin_api import (
    Check,
    DisputeFact,
    DisputeState,
    Fund,
    Health,
    MerchantAccount,
    Outcome,
    OutcomeKind,
    RefundFact,
    Response,
)

KINDS = {
    "succeeded": OutcomeKind.SUCCEEDED,
    "pending": OutcomeKind.PENDING,
    "action_required": OutcomeKind.ACTION_REQUIRED,
    "declined": OutcomeKind.DECLINED,
    "canceled": OutcomeKind.CANCELED,
    "returned": OutcomeKind.RETURNED,
}
_EVIDENCE = (
    *("id", "reference", "status", "amount_minor", "currency", "merchant_account"),
    *("method", "brand", "last4", "code", "created_at", "charge"),
    *("kind", "subject", "object"),  # of events
)
# The companion says these only before it has looked at any money.
_REFUSALS = {401, 422}
_NOT_LET_IN = "The payment service does not let the firm in just now. Please call the firm."
_UNKNOWN = Outcome(kind=OutcomeKind.UNKNOWN)


def outcome(response: Response, base_url: str, assurance: str = "Nothing was charged.") -> Outcome:
    """What became of one charge or refund; ``base_url`` makes the payer's next step a full address. ``assurance`` ends
    the message when it was refused outright."""
    told = _object(response)
    if response.status in {200, 201}:
        return _read(told, base_url)
    error = told.get("error")
    if response.status in _REFUSALS and isinstance(error, dict) and _text(error, "code"):
        said = _NOT_LET_IN if response.status == 401 else _text(error, "message")
        code, message = _text(error, "code"), f"{said} {assurance}".strip()
        return Outcome(kind=OutcomeKind.DECLINED, code=code, message=message, payload={"error": error})
    return Outcome(kind=OutcomeKind.UNKNOWN, code=f"http_{response.status}", payload=told)


def found(response: Response, base_url: str, subject: str) -> Outcome:
    """What a search by reference says: the one of ``charges`` or ``refunds``, ``absent``, or ``unknown``."""
    those = _object(response).get(subject)
    if response.status != 200 or not isinstance(those, list) or len(those) > 1:
        return Outcome(kind=OutcomeKind.UNKNOWN, code=f"http_{response.status}")
    if not those:
        return Outcome(kind=OutcomeKind.ABSENT)
    return _read(those[0], base_url) if isinstance(those[0], dict) else _UNKNOWN


def health(response: Response) -> Health:
    """The answer to "Test connection": reached, let in, and an account for each fund."""
    told = _object(response)
    reached = Check(label="Reaches the sandbox", is_ok=response.status < 500 and bool(told))
    is_let_in = response.status == 200
    error = told.get("error")
    key_detail = _text(error, "message") if isinstance(error, dict) else ""
    let_in = Check(label="Secret key is accepted", is_ok=is_let_in, detail=key_detail)
    accounts = tuple(_account(each) for each in told.get("accounts", ())) if is_let_in else ()
    funds = {account.fund for account in accounts}
    has_funds = (Check(label=f"Has an account for {fund} money", is_ok=fund in funds) for fund in Fund if is_let_in)
    return Health(checks=(reached, let_in, *has_funds), accounts=accounts)


def redacted(payload: Mapping[str, Any]) -> dict[str, Any]:
    """Ids, statuses, amounts, brand and last four digits; nothing else."""
    kept = {name: payload[name] for name in _EVIDENCE if name in payload}
    for name in ("refunds", "disputes"):
        if isinstance(those := payload.get(name), list):
            kept[name] = [redacted(each) for each in those if isinstance(each, dict)]
    error = payload.get("error")
    return kept | ({"error": {"code": error.get("code")}} if isinstance(error, dict) else {})


def _read(told: dict[str, Any], base_url: str) -> Outcome:
    amount, id = told.get("amount_minor"), _text(told, "id")
    kind = KINDS.get(_text(told, "status"), OutcomeKind.UNKNOWN)
    if type(amount) is not int or not id or kind is OutcomeKind.UNKNOWN:
        return _UNKNOWN
    path = _text(told, "action_path")
    return Outcome(
        kind=kind,
        gateway_reference=id,
        amount_minor=amount,
        currency=_text(told, "currency"),
        merchant_account=_text(told, "merchant_account"),
        method_summary=f"{_text(told, 'brand')} ending {_text(told, 'last4')}" if told.get("last4") else "",
        code=_text(told, "code"),
        message=_text(told, "message"),
        redirect_url=f"{base_url}{path}" if path.startswith("/") else "",
        refunds=tuple(_refund(each) for each in told.get("refunds", ())),
        disputes=tuple(_dispute(each) for each in told.get("disputes", ())),
        payload=told,
    )


def _refund(told: dict[str, Any]) -> RefundFact:
    return RefundFact(
        gateway_reference=told["id"],
        kind=KINDS[told["status"]],
        amount_minor=told["amount_minor"],
        reference=told["reference"],
    )


def _dispute(told: dict[str, Any]) -> DisputeFact:
    return DisputeFact(
        gateway_reference=told["id"],
        state=DisputeState(told["status"]),
        amount_minor=told["amount_minor"],
        currency=told["currency"],
        reason=told["reason"],
        respond_by=dt.datetime.fromtimestamp(told["respond_by"], dt.UTC),
    )


def _account(told: dict[str, Any]) -> MerchantAccount:
    return MerchantAccount(id=told["id"], name=told["name"], fund=Fund(told["fund"]), currency=told["currency"])


def _object(response: Response) -> dict[str, Any]:
    try:
        return response.json()
    except ValueError:
        return {}


def _text(told: Mapping[str, Any], name: str) -> str:
    value = told.get(name)
    return value if isinstance(value, str) else ""
