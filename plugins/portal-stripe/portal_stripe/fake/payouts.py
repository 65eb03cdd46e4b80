"""Payouts: what is available goes to the bank."""

from __future__ import annotations

from portal_stripe.fake import charges
from portal_stripe.fake.core import Fake, Object, Params, Scope
from portal_stripe.fake.wire import LISTING, fits, listed, route


def pay_out(fake: Fake, account: str = "acct_firm", *, livemode: bool = False, currency: str = "usd") -> Object | None:
    """Send all that is available to the bank; ``None`` when there is nothing."""
    with fake.lock:
        scope = Scope(account, livemode)
        ready = [
            each
            for each in fake.all("balance_transaction", scope)
            if each["status"] == "available"
            and each["_payout"] is None
            and each["currency"] == currency
            and each["type"] != "payout"
        ]
        amount = sum(each["net"] for each in ready)
        if amount <= 0:
            return None
        payout = fake.add(
            scope, "payout", "po",
            amount=amount,
            arrival_date=fake.now,
            automatic=True,
            balance_transaction=None,
            currency=currency,
            description="STRIPE PAYOUT",
            destination="ba_fake",
            failure_balance_transaction=None,
            failure_code=None,
            metadata={},
            method="standard",
            reconciliation_status="completed",
            status="paid",
            type="bank_account",
        )  # fmt: skip
        entry = charges.balance(fake, payout, "payout", -amount)
        entry.update(status="available", _payout=payout["id"])
        payout["balance_transaction"] = entry["id"]
        for each in ready:
            each["_payout"] = payout["id"]
        fake.emit(payout, "payout.created", "payout.paid", "payout.reconciliation_completed")
        fake.save()
        return payout


def fail_payout(fake: Fake, id: str, *, code: str = "account_closed") -> Object:
    """The bank sends a payout back: it is on the balance again, and goes with the next one."""
    with fake.lock:
        payout = fake.object(id)
        if payout["status"] != "failed":
            entry = charges.balance(fake, payout, "payout_failure", payout["amount"])
            entry["status"] = "available"
            payout.update(status="failed", failure_code=code, failure_balance_transaction=entry["id"])
            fake.emit(payout, "payout.failed")
            fake.save()
        return payout


@route("GET", "/payouts/<id>")
def retrieve(fake: Fake, scope: Scope, params: Params, id: str) -> Object:
    return fake.find(scope, "payout", id)


@route("GET", "/payouts", f"{LISTING} status arrival_date destination")
def list_payouts(fake: Fake, scope: Scope, params: Params) -> Object:
    arrived = params.get("arrival_date", {})
    found = [each for each in fake.all("payout", scope) if params.get("status") in {None, each["status"]}]
    found = [each for each in found if fits(each["arrival_date"], arrived)]
    return listed(fake, params, "/v1/payouts", found)
