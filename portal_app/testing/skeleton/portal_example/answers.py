"""Example Pay's JSON read into the portal's values. Whatever is not plainly understood is ``unknown``."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Any

from portal_app.plugin_api import (
    Check,
    DisputeFact,
    DisputeState,
    Event,
    ExternalTransaction,
    Fund,
    Health,
    ListPage,
    MerchantAccount,
    Outcome,
    OutcomeKind,
    Redirect,
    RefundFact,
    Rejected,
    Response,
    Subject,
    TransactionKind,
)

KINDS = {
    "succeeded": OutcomeKind.SUCCEEDED,
    "pending": OutcomeKind.PENDING,
    "requires_action": OutcomeKind.ACTION_REQUIRED,
    "declined": OutcomeKind.DECLINED,
    "canceled": OutcomeKind.CANCELED,
    "returned": OutcomeKind.RETURNED,
}
WORDS = {
    "card_declined": "The bank declined this card. Another card may work.",
    "over_refund": "This is more than what is left of the charge.",
}
REFUSALS = {400, 402, 422}  # Example Pay says these before it has moved any money
EVIDENCE = ("id", "reference", "status", "amount", "currency", "account", "code", "last4", "brand", "charge")
UNKNOWN = Outcome(kind=OutcomeKind.UNKNOWN)


def charge(response: Response) -> Outcome:
    """What became of one charge."""
    return _answer(response, _charge)


def refund(response: Response) -> Outcome:
    """What became of one refund."""
    return _answer(response, _refund)


def _answer(response: Response, read: Any) -> Outcome:
    told = _object(response)
    if response.status in {200, 201}:
        found: Outcome = read(told)
        return found
    error = told.get("error")
    code = _text(error, "code") if isinstance(error, dict) else ""
    if response.status in REFUSALS and code:
        message = WORDS.get(code, "Example Pay refused this. Nothing was moved.")
        return Outcome(kind=OutcomeKind.DECLINED, code=code, message=message, payload={"code": code})
    return Outcome(kind=OutcomeKind.UNKNOWN, code=f"http_{response.status}")


def found_charge(response: Response) -> Outcome:
    """What a search by reference says: the one charge, ``absent``, or ``unknown``."""
    return _found(response, _charge)


def found_refund(response: Response) -> Outcome:
    return _found(response, _refund)


def _found(response: Response, read: Any) -> Outcome:
    rows = _object(response).get("items")
    if response.status != 200 or not isinstance(rows, list) or len(rows) > 1:
        return UNKNOWN
    if not rows:
        return Outcome(kind=OutcomeKind.ABSENT)
    found: Outcome = read(rows[0]) if isinstance(rows[0], dict) else UNKNOWN
    return found


def _charge(told: dict[str, Any]) -> Outcome:
    base = _basics(told)
    if base is None:
        return UNKNOWN
    code = _text(told, "code")
    return Outcome(
        **base, code=code, message=WORDS.get(code, ""), redirect_url=_text(told, "action_url"), payload=told,
        method_summary=f"{_text(told, 'brand')} ending {_text(told, 'last4')}" if told.get("last4") else "",
        refunds=tuple(_refund_fact(row) for row in told.get("refunds", ())),
        disputes=tuple(_dispute(row) for row in told.get("disputes", ())),
    )  # fmt: skip


def _refund(told: dict[str, Any]) -> Outcome:
    base = _basics(told)
    return UNKNOWN if base is None else Outcome(**base, payload=told)


def _basics(told: dict[str, Any]) -> dict[str, Any] | None:
    kind, amount = KINDS.get(_text(told, "status")), told.get("amount")
    if kind is None or type(amount) is not int or not _text(told, "id"):
        return None
    return {
        "kind": kind, "gateway_reference": _text(told, "id"), "amount_minor": amount,
        "currency": _text(told, "currency"), "merchant_account": _text(told, "account"),
    }  # fmt: skip


def _refund_fact(told: dict[str, Any]) -> RefundFact:
    kind = KINDS.get(_text(told, "status"), OutcomeKind.UNKNOWN)
    return RefundFact(
        gateway_reference=told["id"], kind=kind, amount_minor=told["amount"], reference=_text(told, "reference")
    )


def _dispute(told: dict[str, Any]) -> DisputeFact:
    return DisputeFact(
        gateway_reference=told["id"], state=DisputeState(told["state"]), amount_minor=told["amount"],
        currency=told["currency"], reason=_text(told, "reason"),
    )  # fmt: skip


def page(response: Response) -> Redirect:
    """The payment page that was opened. Raises ``ValueError`` when none was."""
    told = _object(response)
    if response.status not in {200, 201} or not _text(told, "url") or not _text(told, "id"):
        raise ValueError(f"no payment page: {response.status}")
    return Redirect(url=told["url"], gateway_reference=told["id"])


def health(response: Response) -> Health:
    """The answer to "Test connection"."""
    told, is_let_in = _object(response), response.status == 200
    reached = Check(label="Reaches Example Pay", is_ok=response.status < 500 and bool(told))
    let_in = Check(label="Secret key is accepted", is_ok=is_let_in, detail="" if is_let_in else "It is not accepted.")
    rows = told.get("accounts", ()) if is_let_in else ()
    accounts = tuple(
        MerchantAccount(id=row["id"], name=row["name"], fund=Fund(row["fund"]), currency=row["currency"])
        for row in rows
    )
    return Health(checks=(reached, let_in), accounts=accounts)


def event(told: Any) -> list[Event] | Rejected:
    """The one event of a delivery. Its own id is the envelope's, never that of what it is about."""
    data = told.get("data") if isinstance(told, dict) else None
    if not isinstance(data, dict) or not _text(told, "id") or not _text(told, "type"):
        return Rejected(reason="not an event")
    subject = Subject.REFUND if told["type"].startswith("refund.") else Subject.CHARGE
    return [
        Event(
            id=told["id"], kind=told["type"], subject=subject, reference=_text(data, "reference"),
            gateway_reference=_text(data, "id"), merchant_account=_text(data, "account"), payload=redacted(data),
        )
    ]  # fmt: skip


def listed(response: Response) -> ListPage:
    """A page of the list. Raises ``ValueError`` or ``KeyError`` on anything else: a short list would be a lie."""
    told = response.json()
    if response.status != 200:
        raise ValueError(f"no list: {response.status}")
    return ListPage(transactions=tuple(_line(row) for row in told["items"]), next_cursor=told["next_cursor"])


def _line(told: dict[str, Any]) -> ExternalTransaction:
    kind = told["kind"] if told["kind"] in set(TransactionKind) else TransactionKind.OTHER
    return ExternalTransaction(
        id=told["id"], kind=TransactionKind(kind), outcome=KINDS.get(told["status"], OutcomeKind.UNKNOWN),
        amount_minor=told["amount"], currency=told["currency"], merchant_account=told["account"],
        occurred_at=dt.datetime.fromisoformat(told["created"]), reference=told["reference"],
        charge_gateway_reference=told["charge"], fee_minor=told["fee"],
    )  # fmt: skip


def redacted(payload: Mapping[str, Any]) -> dict[str, Any]:
    """Ids, statuses, amounts, brand and last four digits; nothing else, and nothing nested."""
    return {name: payload[name] for name in EVIDENCE if isinstance(payload.get(name), str | int)}


def _object(response: Response) -> dict[str, Any]:
    try:
        return response.json()
    except ValueError:
        return {}


def _text(told: Mapping[str, Any], name: str) -> str:
    value = told.get(name)
    return value if isinstance(value, str) else ""
