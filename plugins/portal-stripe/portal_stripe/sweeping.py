"""Stripe's own list of what moved: its balance transactions, each with its fee, and how they are booked."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from portal_app.plugin_api import (
    Context,
    ExternalTransaction,
    Fund,
    LedgerFact,
    LedgerLine,
    ListPage,
    ListQuery,
    OutcomeKind,
    Role,
    TransactionKind,
)
from portal_stripe.account import account_of
from portal_stripe.client import client
from portal_stripe.reading import REFERENCE, Object, id_of, inner, moment, refund_kind, text

_PAYOUTS = {
    "paid": OutcomeKind.SUCCEEDED,
    "in_transit": OutcomeKind.PENDING,
    "pending": OutcomeKind.PENDING,
    "failed": OutcomeKind.RETURNED,
    "canceled": OutcomeKind.CANCELED,
}


class OtherAccount(Exception):
    """The key opens another account than the one that is asked about."""


def page(ctx: Context, query: ListQuery) -> ListPage:
    """A page of what moved between two moments, newest first: the balance, then the payouts that arrived at the bank.
    Raises what the client raises."""
    if account_of(ctx) != query.merchant_account:
        raise OtherAccount(f"the key does not open {query.merchant_account}")
    span = {"gte": int(query.since.timestamp()), "lt": int(query.until.timestamp())}
    part, _, after = query.cursor.partition(":")
    more = {"limit": 100} | ({"starting_after": after} if after else {})
    if part == "payouts":
        return _payouts(ctx, {"arrival_date": span} | more, query.merchant_account)
    return _balance(ctx, {"created": span, "expand": ["data.source"]} | more, query.merchant_account)


def _balance(ctx: Context, params: Any, account: str) -> ListPage:
    told = client(ctx).v1.balance_transactions.list(params).to_dict()
    moved = [each for each in told["data"] if each["type"] != "payout"]  # known only when it has arrived
    found = [transaction(each, account) for each in moved]
    found += [_fee_back(each, account) for each in moved if each["fee"] < 0]
    after = f"balance:{told['data'][-1]['id']}" if told["has_more"] else "payouts:"
    return ListPage(transactions=tuple(found), next_cursor=after)


def _payouts(ctx: Context, params: Any, account: str) -> ListPage:
    told = client(ctx).v1.payouts.list(params).to_dict()
    after = f"payouts:{told['data'][-1]['id']}" if told["has_more"] else ""
    return ListPage(transactions=tuple(_payout(each, account) for each in told["data"]), next_cursor=after)


def transaction(told: Object, account: str) -> ExternalTransaction:
    """One balance transaction, its source expanded."""
    kind, id, outcome, charge = _READ.get(text(told, "type"), _other)(told, inner(told, "source"))
    return ExternalTransaction(
        id=id,
        kind=kind,
        outcome=outcome,
        amount_minor=abs(told["amount"]),
        currency=told["currency"].upper(),
        merchant_account=account,
        occurred_at=moment(told["created"]),
        reference=text(inner(inner(told, "source"), "metadata"), REFERENCE),
        charge_gateway_reference=charge,
        fee_minor=max(told["fee"], 0),
        description=f"{text(told, 'reporting_category')} {text(told, 'description')}".strip(),
    )


def _fee_back(told: Object, account: str) -> ExternalTransaction:
    """A fee that came back, as with a dispute that was won: it waits for a person, for fees only ever go one way."""
    return ExternalTransaction(
        id=f"{told['id']}:fee",
        kind=TransactionKind.OTHER,
        outcome=OutcomeKind.SUCCEEDED,
        amount_minor=-told["fee"],
        currency=told["currency"].upper(),
        merchant_account=account,
        occurred_at=moment(told["created"]),
        charge_gateway_reference=id_of(inner(told, "source"), "payment_intent"),
        description="a fee that Stripe gave back",
    )


def _payout(told: Object, account: str) -> ExternalTransaction:
    """What Stripe paid to the bank. What it took from there, when its balance was short, waits for a person."""
    is_out = told["amount"] > 0
    return ExternalTransaction(
        id=told["id"],
        kind=TransactionKind.PAYOUT if is_out else TransactionKind.OTHER,
        outcome=_PAYOUTS.get(text(told, "status"), OutcomeKind.UNKNOWN),
        amount_minor=abs(told["amount"]),
        currency=told["currency"].upper(),
        merchant_account=account,
        occurred_at=moment(told["arrival_date"]),
        description=text(told, "description") or "Paid out to the bank",
    )


Read = tuple[TransactionKind, str, OutcomeKind, str]


def _charge(told: Object, source: Object) -> Read:
    id = id_of(source, "payment_intent") or id_of(told, "source")
    return TransactionKind.CHARGE, id, OutcomeKind.SUCCEEDED, ""


def _refund(told: Object, source: Object) -> Read:
    charge = id_of(source, "payment_intent") or id_of(source, "charge")
    return TransactionKind.REFUND, id_of(told, "source"), refund_kind(source), charge


def _fee(told: Object, _source: Object) -> Read:
    return TransactionKind.FEE, told["id"], OutcomeKind.SUCCEEDED, ""


def _adjustment(told: Object, source: Object) -> Read:
    if source.get("object") != "dispute":
        return _other(told, source)
    charge = id_of(source, "payment_intent") or id_of(source, "charge")
    # Taken away, or given back by a dispute that was won: two lines of one dispute, each with its own id.
    return TransactionKind.DISPUTE, told["id"], OutcomeKind.SUCCEEDED, charge


def _payout_back(told: Object, _source: Object) -> Read:
    """A payout that failed, or was called off: its money is on the balance again, however long ago it was sent."""
    return TransactionKind.PAYOUT, id_of(told, "source"), OutcomeKind.RETURNED, ""


def _other(told: Object, source: Object) -> Read:
    return TransactionKind.OTHER, told["id"], OutcomeKind.UNKNOWN, id_of(source, "payment_intent")


_READ: dict[str, Callable[[Object, Object], Read]] = {
    "charge": _charge, "payment": _charge, "refund": _refund, "payment_refund": _refund, "stripe_fee": _fee,
    "stripe_fx_fee": _fee, "adjustment": _adjustment, "payout_failure": _payout_back,
    "payout_cancel": _payout_back,
}  # fmt: skip


def lines(fact: LedgerFact) -> list[LedgerLine] | None:
    """Fees are the firm's cost, payouts go to its bank. For trust money there is never a line: a person looks at it."""
    done = fact.transaction
    if fact.fund is Fund.TRUST or done.outcome in {OutcomeKind.PENDING, OutcomeKind.UNKNOWN, OutcomeKind.CANCELED}:
        return None
    if done.kind is TransactionKind.FEE:
        return _moved(Role.MERCHANT_FEES, done.amount_minor)
    if done.kind is TransactionKind.PAYOUT and done.outcome is OutcomeKind.SUCCEEDED:
        return _moved(Role.BANK, done.amount_minor)
    has_fee = done.kind in {TransactionKind.CHARGE, TransactionKind.REFUND, TransactionKind.DISPUTE}
    return _moved(Role.MERCHANT_FEES, done.fee_minor) if has_fee and done.fee_minor else None


def _moved(to: Role, amount_minor: int) -> list[LedgerLine]:
    return [LedgerLine(role=to, amount_minor=amount_minor), LedgerLine(role=Role.CLEARING, amount_minor=-amount_minor)]
