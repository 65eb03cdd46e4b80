"""Refunds: never more than was taken; a bank debit's refund is on its way for days."""

from __future__ import annotations

from portal_stripe.fake import charges
from portal_stripe.fake.core import DAY, ApiError, Fake, Object, Params, Scope, job
from portal_stripe.fake.wire import LISTING, invalid, listed, pick, route, whole

ARRIVES = 3 * DAY


@route("POST", "/refunds", "charge payment_intent amount metadata reason")
def create(fake: Fake, scope: Scope, params: Params) -> Object:
    charge = _charge(fake, scope, params)
    left = charge["amount_captured"] - charge["amount_refunded"]
    amount = whole(params, "amount", left)
    if charge["disputed"]:
        raise ApiError(
            400, f"Charge {charge['id']} has been charged back; cannot issue a refund.", code="charge_disputed"
        )
    if left == 0:
        raise ApiError(400, f"Charge {charge['id']} has already been refunded.", code="charge_already_refunded")
    if amount < 1:
        raise invalid("Invalid positive integer", "amount", "parameter_invalid_integer")
    if amount > left:
        message = f"Refund amount ({amount}) is greater than unrefunded amount on charge ({left})"
        raise ApiError(400, message, param="amount")
    return _make(fake, charge, amount, params)


def _charge(fake: Fake, scope: Scope, params: Params) -> Object:
    if "charge" in params:
        return fake.find(scope, "charge", params["charge"])
    intent = fake.find(scope, "payment_intent", params.get("payment_intent", ""))
    if intent["status"] != "succeeded":
        message = f"This PaymentIntent ({intent['id']}) does not have a successful charge to refund."
        raise ApiError(400, message, param="payment_intent")
    return fake.object(intent["latest_charge"])


def _make(fake: Fake, charge: Object, amount: int, params: Params) -> Object:
    is_card = charge["payment_method_details"]["type"] == "card"
    refund = fake.add(
        fake.scope_of(charge),
        "refund",
        "re" if is_card else "pyr",
        amount=amount,
        balance_transaction=None,
        charge=charge["id"],
        currency=charge["currency"],
        destination_details={"type": "card" if is_card else "us_bank_transfer"},
        metadata=pick(params, "metadata", dict, {}),
        payment_intent=charge["payment_intent"],
        reason=params.get("reason"),
        receipt_number=None,
        status="succeeded" if is_card else "pending",
    )
    entry = charges.balance(fake, refund, "refund" if is_card else "payment_refund", -amount, category="refund")
    refund["balance_transaction"] = entry["id"]
    charge["amount_refunded"] += amount
    charge["refunded"] = charge["amount_refunded"] == charge["amount"]
    if not is_card:
        fake.later(ARRIVES, arrive, refund["id"])
    fake.emit(refund, "refund.created")
    fake.emit(charge, "charge.refunded")
    return refund


@job
def arrive(fake: Fake, id: str) -> None:
    """A bank refund arrives, unless it was made to fail meanwhile."""
    refund = fake.object(id)
    if refund["status"] == "pending":
        refund["status"] = "succeeded"
        fake.emit(refund, "refund.updated", "charge.refund.updated")


def fail(fake: Fake, id: str, reason: str = "account_closed") -> Object:
    """The bank sends a refund back: the money is the account's again."""
    with fake.lock:
        refund = fake.object(id)
        charge = fake.object(refund["charge"])
        entry = charges.balance(fake, refund, "payment_failure_refund", refund["amount"], category="refund_failure")
        refund.update(status="failed", failure_reason=reason, failure_balance_transaction=entry["id"])
        charge["amount_refunded"] -= refund["amount"]
        charge["refunded"] = False
        fake.emit(refund, "refund.failed", "refund.updated", "charge.refund.updated")
        fake.save()
        return refund


@route("GET", "/refunds/<id>")
def retrieve(fake: Fake, scope: Scope, params: Params, id: str) -> Object:
    return fake.find(scope, "refund", id)


@route("GET", "/refunds", f"{LISTING} charge payment_intent")
def list_refunds(fake: Fake, scope: Scope, params: Params) -> Object:
    return listed(fake, params, "/v1/refunds", charges.of_intent(fake.all("refund", scope), params))
