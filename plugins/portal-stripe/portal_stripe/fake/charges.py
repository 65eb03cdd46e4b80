"""Charges, their fees, and balance transactions: the account's own ledger."""

from __future__ import annotations

from typing import Any

from portal_stripe.fake.core import DAY, Fake, Object, Params, Scope, job
from portal_stripe.fake.wire import LISTING, listed, route

DECLINES = {
    "generic_decline": ("card_declined", "Your card was declined."),
    "insufficient_funds": ("card_declined", "Your card has insufficient funds."),
    "lost_card": ("card_declined", "Your card was declined."),
    "expired_card": ("expired_card", "Your card has expired."),
    "incorrect_cvc": ("incorrect_cvc", "Your card's security code is incorrect."),
    "processing_error": (
        "processing_error",
        "An error occurred while processing your card. Try again in a little bit.",
    ),
}
RETURNS = {
    "insufficient_funds": "The customer's account has insufficient funds to cover this payment.",
    "account_closed": "The customer's bank account has been closed.",
    "debit_not_authorized": "The customer has notified their bank that this payment was unauthorized.",
}


def fee_of(type: str, amount: int) -> int:
    """Cents: 2.9 % + 30 for a card, 0.8 % and at most 500 for a bank debit, rounded half up."""
    return (amount * 29 + 500) // 1000 + 30 if type == "card" else min(500, (amount * 8 + 500) // 1000)


def make(fake: Fake, intent: Object, method: Object, status: str, failure: tuple[str, str] = ("", "")) -> Object:
    """A charge of the whole intent: ``succeeded``, ``pending`` or ``failed``."""
    type = method["type"]
    is_taken = status == "succeeded"
    amount = intent["amount"] - (1 if method["_behaviour"] == "less" else 0)
    charge = fake.add(
        fake.scope_of(intent),
        "charge",
        "ch" if type == "card" else "py",
        amount=amount,
        amount_captured=amount if is_taken else 0,
        amount_refunded=0,
        balance_transaction=None,
        billing_details=method["billing_details"],
        captured=is_taken,
        currency=intent["currency"],
        description=intent["description"],
        disputed=False,
        failure_balance_transaction=None,
        failure_code=failure[0] or None,
        failure_message=failure[1] or None,
        metadata=dict(intent["metadata"]),
        paid=is_taken,
        payment_intent=intent["id"],
        payment_method=method["id"],
        payment_method_details={"type": type, type: dict(method[type])},
        receipt_url=None,
        refunded=False,
        status=status,
        _behaviour=method["_behaviour"],
    )
    intent["latest_charge"] = charge["id"]
    fake.emit(charge, f"charge.{status}")
    if is_taken:
        fake.later(fake.balance_delay, book, charge["id"])
        fake.tick()
    return charge


@job
def book(fake: Fake, id: str) -> None:
    """Put a charge that was taken on the balance."""
    charge = fake.object(id)
    type = charge["payment_method_details"]["type"]
    entry = balance(
        fake, charge, "charge" if type == "card" else "payment", charge["amount"], fee_of(type, charge["amount"])
    )
    charge["balance_transaction"] = entry["id"]
    fake.emit(charge, "charge.updated")
    if charge["_behaviour"] == "dispute":
        from portal_stripe.fake.disputes import open_dispute

        open_dispute(fake, id, reason="fraudulent" if type == "card" else "debit_not_authorized")


def balance(fake: Fake, source: Object, type: str, amount: int, fee: int = 0, category: str = "") -> Object:
    """A line of the account's balance; spendable after two days."""
    details = [
        {
            "amount": fee,
            "application": None,
            "currency": source["currency"],
            "description": "Stripe processing fees",
            "type": "stripe_fee",
        }
    ]
    entry = fake.add(
        fake.scope_of(source),
        "balance_transaction",
        "txn",
        amount=amount,
        available_on=fake.now + 2 * DAY,
        currency=source["currency"],
        description=source.get("description"),
        exchange_rate=None,
        fee=fee,
        fee_details=details if fee else [],
        net=amount - fee,
        reporting_category=category or type,
        source=source["id"],
        status="pending",
        type=type,
        _payout=None,
    )
    fake.later(2 * DAY, make_available, entry["id"])
    return entry


@job
def make_available(fake: Fake, id: str) -> None:
    fake.object(id)["status"] = "available"


@route("GET", "/charges/<id>")
def retrieve(fake: Fake, scope: Scope, params: Params, id: str) -> Object:
    return fake.find(scope, "charge", id)


@route("GET", "/charges", f"{LISTING} payment_intent customer")
def list_charges(fake: Fake, scope: Scope, params: Params) -> Object:
    return listed(fake, params, "/v1/charges", of_intent(fake.all("charge", scope), params))


def of_intent(things: list[Object], params: Params) -> list[Object]:
    """Those of the ``payment_intent`` and the ``charge`` that are asked for."""
    wanted = {name: params[name] for name in ("payment_intent", "charge") if name in params}
    return [each for each in things if all(each.get(name) == value for name, value in wanted.items())]


@route("GET", "/balance_transactions/<id>")
def retrieve_entry(fake: Fake, scope: Scope, params: Params, id: str) -> Object:
    return fake.find(scope, "balance_transaction", id)


@route("GET", "/balance_transactions", f"{LISTING} type payout source currency")
def list_entries(fake: Fake, scope: Scope, params: Params) -> Object:
    def fits(entry: Object) -> bool:
        wanted: dict[str, Any] = {name: params[name] for name in ("type", "source", "currency") if name in params}
        is_paid = "payout" not in params or params["payout"] in {entry["_payout"], entry["source"]}
        return is_paid and all(entry[name] == value for name, value in wanted.items())

    found = [each for each in fake.all("balance_transaction", scope) if fits(each)]
    return listed(fake, params, "/v1/balance_transactions", found)
