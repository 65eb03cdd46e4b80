"""Stripe's side of the wire, as the conformance kit and the proof want it: the fake."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from typing import Any

from portal_app.plugin_api import Delivery, Method
from portal_app.testing import Given, Says, Taken, Wire
from portal_stripe.fake import (
    Fake,
    Scope,
    approve,
    close_dispute,
    create,
    deliver,
    fail_payout,
    intents,
    means,
    open_dispute,
    pay_out,
    pay_page,
    refunds,
    signature,
)
from portal_stripe.fake.core import ApiError, Object
from portal_stripe.manifest import API, SCRIPT

HERE = Scope("acct_kit", livemode=False)
SECRET = "whsec_of_the_kit"
ADDRESS = "https://stripe.example.test"
CARDS = {
    Says.APPROVED: "pm_card_visa",
    Says.DECLINED: "pm_card_chargeDeclinedInsufficientFunds",
    Says.ACTION_REQUIRED: "pm_card_authenticationRequired",
    Says.UNMAPPED: "pm_card_oddStatus",
    Says.LESS: "pm_card_takesLess",
}
BANKS = {Says.PENDING: "pm_usBankAccount", Says.APPROVED: "pm_usBankAccount"}
MOVED = {"succeeded", "processing"}


class StripeWire(Wire):
    def __init__(self) -> None:
        # Stripe takes no less than fifty cents; what is tried here is that cents stay cents.
        self.fake = Fake(clock=lambda: 1_900_000_000, origin=ADDRESS, least_minor=1, balance_delay=0)
        self.fake.listen("https://portal.example.test/hook", [SECRET], HERE.account)
        self.app = create(self.fake)
        self.posts: list[Delivery] = []

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        return self.app(environ, start_response)

    def settings(self) -> Mapping[str, str]:
        return {
            "secret_key": "sk_test_kit", "publishable_key": "pk_test_kit", "webhook_secret": SECRET,
            "pays_into": "operating", "bank_debits": "yes", "base_url": ADDRESS, "script_url": f"{ADDRESS}/v3/",
        }  # fmt: skip

    def live_settings(self) -> Mapping[str, str]:
        own = {"base_url": API, "script_url": SCRIPT}
        return {**self.settings(), **own, "secret_key": "sk_live_kit", "publishable_key": "pk_live_kit"}

    def token(self, says: Says, method: Method) -> str:
        name = (CARDS if method is Method.CARD else BANKS).get(says)
        if name is None:
            return super().token(says, method)
        with self.fake.lock:
            return str(means.create_token(self.fake, HERE, {"payment_method": name})["id"])

    def charges(self) -> Sequence[Taken]:
        found = (each for each in self.fake.all("payment_intent") if each["status"] in MOVED or self._came_back(each))
        return [
            Taken(
                reference=each["metadata"].get("portal_reference", ""),
                gateway_reference=each["id"],
                amount_minor=each["amount_received"] or each["amount"],
                currency=each["currency"],
                merchant_account=self.fake.scope_of(each).account,
            )
            for each in found
        ]

    def _came_back(self, intent: Object) -> bool:
        charge = intent["latest_charge"]
        return bool(charge and self.fake.object(charge)["amount_captured"])

    def refunds(self) -> Sequence[Given]:
        return [
            Given(
                reference=each["metadata"].get("portal_reference", ""),
                gateway_reference=each["id"],
                charge_gateway_reference=each["payment_intent"],
                amount_minor=each["amount"],
            )
            for each in self.fake.all("refund")
            if each["status"] in {"succeeded", "pending"}
        ]

    def deliveries(self) -> Sequence[Delivery]:
        def post(_url: str, headers: Mapping[str, str], body: bytes) -> None:
            lower = {name.lower(): value for name, value in headers.items()}
            lower["stripe-signature"] = signature(body, SECRET, at=self.fake.now)
            self.posts.append(Delivery(body=body, headers=lower, received_at=self.now()))

        deliver(self.fake, post)
        return list(self.posts)

    def sign(self, body: bytes, at: dt.datetime, *, is_forged: bool = False) -> Mapping[str, str]:
        secret = "whsec_of_somebody_else" if is_forged else SECRET
        return {"Stripe-Signature": signature(body, secret, at=int(at.timestamp()))}

    def now(self) -> dt.datetime:
        return dt.datetime.fromtimestamp(self.fake.now, dt.UTC)

    def advance(self, by: dt.timedelta) -> None:
        self.fake.advance(int(by.total_seconds()))

    def lag(self, is_lagging: bool) -> None:
        self.fake.lag(is_lagging)

    def approve(self, gateway_reference: str) -> None:
        approve(self.fake, gateway_reference)

    def pay_page(self, url: str) -> None:
        with suppress(ApiError):
            pay_page(self.fake, url.rpartition("/")[2], number="4242424242424242")

    def settle(self, gateway_reference: str) -> None:
        if gateway_reference.startswith("pi_"):
            intents.settle(self.fake, self.fake.object(gateway_reference)["latest_charge"])
        else:
            refunds.arrive(self.fake, gateway_reference)

    def give_back_debit(self, gateway_reference: str) -> None:
        intent = self.fake.object(gateway_reference)
        if intent["status"] == "processing":
            self.fake.object(intent["latest_charge"])["_behaviour"] = "insufficient_funds"
            self.settle(gateway_reference)
        else:
            open_dispute(self.fake, intent["latest_charge"], reason="insufficient_funds")

    def open_dispute(self, gateway_reference: str) -> None:
        open_dispute(self.fake, self.fake.object(gateway_reference)["latest_charge"])

    def decide_dispute(self, gateway_reference: str, *, is_won: bool) -> None:
        (found,) = (each for each in self.fake.all("dispute") if each["payment_intent"] == gateway_reference)
        close_dispute(self.fake, found["id"], is_won=is_won)

    def take_elsewhere(self, merchant_account: str, amount_minor: int) -> str:
        asked = {"amount": str(amount_minor), "currency": "usd", "confirm": "true", "payment_method": "pm_card_visa",
                 "allowed_payment_method_types": ["card"]}  # fmt: skip
        return str(intents.create(self.fake, Scope(merchant_account, livemode=False), asked)["id"])

    def pay_out(self) -> None:
        for each in self.fake.all("balance_transaction"):
            each["status"] = "available"
        pay_out(self.fake, HERE.account)

    def fail_payout(self) -> None:
        fail_payout(self.fake, self.fake.all("payout")[-1]["id"])
