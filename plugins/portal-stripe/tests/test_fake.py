"""The fake, driven by the maker's own client: what it must get right for the tests of the plugin to mean something."""

from __future__ import annotations

import json
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import stripe

from portal_app.plugin_api import Context, Mode
from portal_stripe.client import client
from portal_stripe.fake import (
    Fake,
    approve,
    close_dispute,
    create,
    deliver,
    open_dispute,
    pay_out,
    pay_page,
    refunds,
    served,
    signature,
)
from portal_stripe.fake.core import DAY

CARD: dict[str, Any] = {
    "amount": 12_345, "currency": "usd", "confirm": True, "allowed_payment_method_types": ["card"],
    "payment_method": "pm_card_visa", "metadata": {"attempt": "a1"},
}  # fmt: skip
MANDATE = {"customer_acceptance": {"type": "offline"}}
BANK = CARD | {
    "payment_method": "pm_usBankAccount",
    "allowed_payment_method_types": ["us_bank_account"],
    "mandate_data": MANDATE,
}
PAGE: dict[str, Any] = {
    "mode": "payment", "success_url": "http://portal.test/back?s={CHECKOUT_SESSION_ID}", "client_reference_id": "a1",
    "line_items": [
        {"price_data": {"currency": "usd", "unit_amount": 5000, "product_data": {"name": "Invoice"}}, "quantity": 1}
    ],
    "payment_intent_data": {"metadata": {"attempt": "a1"}},
}  # fmt: skip


@pytest.fixture
def api(wire: Any) -> Any:
    """The maker's client on the fake."""
    import datetime as dt

    settings = {"base_url": wire.fake.origin, "secret_key": "sk_test_firm"}
    ctx = Context(settings=settings, mode=Mode.TEST, http=wire, now=dt.datetime.fromtimestamp(wire.fake.now, dt.UTC))
    return client(ctx).v1


def keyed(key: str) -> Any:
    return {"idempotency_key": key}


def kinds(fake: Fake) -> list[str]:
    return [each["type"] for each in fake.all("event")]


def test_a_card_is_charged_and_its_fee_follows(api: Any, fake: Fake) -> None:
    made = api.payment_intents.create(CARD | {"expand": ["latest_charge"]}).to_dict()
    assert (made["status"], made["amount_received"]) == ("succeeded", 12_345)
    assert made["latest_charge"]["payment_method_details"]["card"]["last4"] == "4242"
    assert made["latest_charge"]["balance_transaction"] is None, "captured asynchronously"
    fake.advance(5)
    wish = {"expand": ["latest_charge.balance_transaction"]}
    entry = api.payment_intents.retrieve(made["id"], wish).to_dict()["latest_charge"]["balance_transaction"]
    assert (entry["amount"], entry["fee"], entry["net"]) == (12_345, 388, 11_957)
    assert "payment_intent.succeeded" in kinds(fake)


@pytest.mark.parametrize(
    ("method", "code", "decline"),
    [
        ("pm_card_chargeDeclined", "card_declined", "generic_decline"),
        ("pm_card_chargeDeclinedInsufficientFunds", "card_declined", "insufficient_funds"),
        ("pm_card_chargeDeclinedExpiredCard", "expired_card", None),
        ("pm_card_chargeDeclinedIncorrectCvc", "incorrect_cvc", None),
        ("pm_card_chargeDeclinedProcessingError", "processing_error", None),
    ],
)
def test_a_declined_card_says_why(api: Any, method: str, code: str, decline: str | None) -> None:
    with pytest.raises(stripe.CardError) as caught:
        api.payment_intents.create(CARD | {"payment_method": method})
    body: Any = caught.value.json_body
    error = body["error"]
    assert (caught.value.code, error["decline_code"] if decline else None) == (code, decline)
    assert error["payment_intent"]["status"] == "requires_payment_method"


def test_three_d_secure_is_a_page_of_its_own(api: Any, fake: Fake) -> None:
    asked = CARD | {"payment_method": "pm_card_authenticationRequired", "return_url": "http://portal.test/back?a=1"}
    made = api.payment_intents.create(asked).to_dict()
    assert made["status"] == "requires_action"
    path = made["next_action"]["redirect_to_url"]["url"].removeprefix(fake.origin)
    web = create(fake).test_client()
    assert b"is this you?" in web.get(path).get_data()
    back = web.post(path, data={"decision": "approve"})
    assert back.headers["Location"].startswith("http://portal.test/back?a=1&payment_intent=pi_")
    assert api.payment_intents.retrieve(made["id"]).status == "succeeded"
    other = api.payment_intents.create(asked)
    approve(fake, other.id, is_approved=False)
    found = api.payment_intents.retrieve(other.id).to_dict()
    assert found["last_payment_error"]["code"] == "payment_intent_authentication_failure"


@pytest.mark.parametrize(
    ("method", "status", "code"),
    [
        ("pm_usBankAccount", "succeeded", None),
        ("pm_usBankAccount_insufficientFunds", "requires_payment_method", "insufficient_funds"),
        ("pm_usBankAccount_processing", "processing", None),
    ],
)
def test_a_bank_debit_is_answered_days_later(api: Any, fake: Fake, method: str, status: str, code: str | None) -> None:
    made = api.payment_intents.create(BANK | {"payment_method": method})
    assert made.status == "processing"
    fake.advance(3 * DAY)
    assert api.payment_intents.retrieve(made.id).status == "processing"
    fake.advance(2 * DAY)
    found = api.payment_intents.retrieve(made.id).to_dict()
    assert found["status"] == status
    assert (found["last_payment_error"] or {}).get("code") == code


def test_one_key_one_answer(api: Any, fake: Fake) -> None:
    first = api.payment_intents.create(CARD, keyed("k1"))
    again = api.payment_intents.create(CARD, keyed("k1"))
    assert first.id == again.id
    assert again.last_response.headers["idempotent-replayed"] == "true"
    with pytest.raises(stripe.IdempotencyError):
        api.payment_intents.create(CARD | {"amount": 1}, keyed("k1"))
    fake.advance(DAY)
    assert api.payment_intents.create(CARD, keyed("k1")).id != first.id, "a day later the key is forgotten"


def test_a_key_remembers_a_server_error_but_not_a_bad_request(api: Any, fake: Fake) -> None:
    fake.fault("error_after")
    for _ in range(2):
        with pytest.raises(stripe.APIError):
            api.payment_intents.create(CARD, keyed("k1"))
    assert [each["status"] for each in fake.all("payment_intent")] == ["succeeded"]
    with pytest.raises(stripe.InvalidRequestError) as caught:
        api.payment_intents.create(CARD | {"amount": 1}, keyed("k2"))
    assert caught.value.code == "amount_too_small"
    assert api.payment_intents.create(CARD, keyed("k2")).status == "succeeded"
    assert len(fake.all("payment_intent")) == 2


def test_the_same_key_at_the_same_moment_is_a_conflict(api: Any, fake: Fake) -> None:
    fake.fault("slow", seconds=1)
    statuses: list[int] = []

    def pay() -> None:
        try:
            api.payment_intents.create(CARD, keyed("k1"))
            statuses.append(200)
        except stripe.StripeError as problem:
            statuses.append(problem.http_status or 0)

    threads = [threading.Thread(target=pay) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(statuses) == [200, 409, 409, 409]
    assert len(fake.all("charge")) == 1


@pytest.mark.parametrize("kind", ["lost", "garbage", "rate", "error_before"])
def test_faults_on_the_way(api: Any, fake: Fake, kind: str) -> None:
    fake.fault(kind)
    with pytest.raises((TimeoutError, stripe.StripeError)):
        api.payment_intents.create(CARD, keyed("k1"))
    assert len(fake.all("charge")) == (1 if kind in {"lost", "garbage"} else 0)
    if kind != "error_before":
        assert api.payment_intents.create(CARD, keyed("k1")).status == "succeeded"
        assert len(fake.all("charge")) == 1


def test_refunds_never_exceed_the_charge(api: Any, fake: Fake) -> None:
    made = api.payment_intents.create(CARD)
    part = api.refunds.create({"payment_intent": made.id, "amount": 10_000, "metadata": {"refund": "r1"}})
    assert part.status == "succeeded"
    with pytest.raises(stripe.InvalidRequestError, match="greater than unrefunded amount"):
        api.refunds.create({"payment_intent": made.id, "amount": 2_346})
    api.refunds.create({"payment_intent": made.id})
    with pytest.raises(stripe.InvalidRequestError) as caught:
        api.refunds.create({"payment_intent": made.id})
    assert caught.value.code == "charge_already_refunded"
    amounts = [each.amount for each in api.refunds.list({"payment_intent": made.id}).data]
    assert amounts == [2_345, 10_000]


def test_a_bank_refund_is_on_its_way_and_may_come_back(api: Any, fake: Fake) -> None:
    made = api.payment_intents.create(BANK)
    fake.advance(5 * DAY)
    first, second = (api.refunds.create({"payment_intent": made.id, "amount": 100}) for _ in range(2))
    assert first.status == "pending"
    refunds.fail(fake, second.id)
    fake.advance(4 * DAY)
    assert [api.refunds.retrieve(each.id).status for each in (first, second)] == ["succeeded", "failed"]


def test_disputes_and_payouts_move_the_balance(api: Any, fake: Fake) -> None:
    made = api.payment_intents.create(CARD).to_dict()
    fake.advance(5)
    dispute = open_dispute(fake, made["latest_charge"])
    with pytest.raises(stripe.InvalidRequestError):
        api.refunds.create({"payment_intent": made["id"]})
    close_dispute(fake, dispute["id"], is_won=True)
    assert api.disputes.list({"payment_intent": made["id"]}).data[0].status == "won"
    assert pay_out(fake) is None, "not available yet"
    fake.advance(3 * DAY)
    payout = pay_out(fake)
    assert payout is not None
    entries = api.balance_transactions.list({"payout": payout["id"], "expand": ["data.source"]}).to_dict()["data"]
    assert {each["type"] for each in entries} == {"charge", "adjustment", "payout"}
    assert sum(each["net"] for each in entries) == 0
    assert payout["amount"] == 12_345 - 388


def test_lists_page_and_expand(api: Any, fake: Fake) -> None:
    ids = [api.payment_intents.create(CARD).id for _ in range(5)]
    seen = [each.id for each in api.payment_intents.list({"limit": 2}).auto_paging_iter()]
    assert seen == ids[::-1]
    page = api.payment_intents.list({"limit": 1, "created": {"gte": fake.now}, "expand": ["data.latest_charge"]})
    assert page.to_dict()["data"][0]["latest_charge"]["object"] == "charge"
    fake.list_lag_seconds = 60
    assert not api.payment_intents.list().data


def test_checkout_makes_its_intent_when_somebody_pays(api: Any, fake: Fake) -> None:
    made = api.checkout.sessions.create(PAGE)
    assert (made.payment_intent, made.status) == (None, "open")
    web = create(fake).test_client()
    path = made.url.removeprefix(fake.origin)
    assert b"Your card was declined" in web.post(path, data={"number": "4000000000000002"}).get_data()
    back = web.post(path, data={"number": "4242424242424242"})
    assert back.headers["Location"] == f"http://portal.test/back?s={made.id}"
    found = api.checkout.sessions.retrieve(made.id, {"expand": ["payment_intent"]}).to_dict()
    assert (found["status"], found["payment_status"]) == ("complete", "paid")
    assert found["payment_intent"]["metadata"] == {"attempt": "a1"}
    assert web.get(path).status_code == 410


def test_checkout_by_bank_and_checkout_that_expires(api: Any, fake: Fake) -> None:
    slow = api.checkout.sessions.create(PAGE)
    pay_page(fake, slow.id, account="000222222227")
    left, closed = api.checkout.sessions.create(PAGE), api.checkout.sessions.create(PAGE)
    assert api.checkout.sessions.expire(closed.id).status == "expired"
    with pytest.raises(stripe.InvalidRequestError):
        api.checkout.sessions.expire(closed.id)
    fake.advance(5 * DAY)
    assert api.checkout.sessions.retrieve(left.id).status == "expired"
    assert api.checkout.sessions.retrieve(slow.id).payment_status == "unpaid"
    assert "checkout.session.async_payment_failed" in kinds(fake)


def test_what_is_done_cannot_be_confirmed_or_canceled(api: Any) -> None:
    made = api.payment_intents.create(CARD)
    for verb in (api.payment_intents.confirm, api.payment_intents.cancel):
        with pytest.raises(stripe.InvalidRequestError) as caught:
            verb(made.id)
        assert caught.value.code == "payment_intent_unexpected_state"
    idle = api.payment_intents.create(
        {"amount": 100, "currency": "usd", "automatic_payment_methods": {"enabled": True}}
    )
    assert api.payment_intents.cancel(idle.id).status == "canceled"


def test_keys_open_only_their_own_account_and_mode(fake: Fake, wire: Any, api: Any) -> None:
    mine = api.payment_intents.create(CARD)
    address: Any = {"api": fake.origin}
    for key in ("sk_test_other", "sk_live_firm"):
        stranger = stripe.StripeClient(key, http_client=api._requestor._client, base_addresses=address).v1
        with pytest.raises(stripe.InvalidRequestError, match="No such payment_intent"):
            stranger.payment_intents.retrieve(mine.id)
    for key, kind in (("sk_test_revoked", stripe.AuthenticationError), ("rk_test_firm_narrow", stripe.PermissionError)):
        refused = stripe.StripeClient(key, http_client=api._requestor._client, base_addresses=address).v1
        with pytest.raises(kind):
            refused.accounts.retrieve_current()
    assert api.accounts.retrieve_current().id == "acct_firm"
    with pytest.raises(stripe.InvalidRequestError, match="unknown parameter"):
        api.payment_intents.create(CARD | {"amuont": 1})


def test_webhooks_are_signed_and_come_as_they_like(api: Any, fake: Fake) -> None:
    fake.listen("http://portal.test/hook", ["whsec_new", "whsec_old"])
    for _ in range(3):
        api.payment_intents.create(CARD)
    heard: list[str] = []

    def send(url: str, headers: Mapping[str, str], body: bytes) -> None:
        event = stripe.Webhook.construct_event(body, headers["Stripe-Signature"], "whsec_new")
        stripe.Webhook.construct_event(body, headers["Stripe-Signature"], "whsec_old")
        with pytest.raises(stripe.SignatureVerificationError):
            stripe.Webhook.construct_event(body, headers["Stripe-Signature"], "whsec_other")
        heard.append(event.id)

    sent = deliver(fake, send, times=2, order="shuffled")
    assert len(heard) == sent == 2 * len(set(heard))
    assert heard != sorted(heard)
    assert deliver(fake, send) == 0
    stale = signature(b"{}", "whsec_new", at=1)
    with pytest.raises(stripe.SignatureVerificationError, match="tolerance"):
        stripe.Webhook.construct_event(b"{}", stale, "whsec_new")
    assert {each.id for each in api.events.list({"limit": 100}).data} >= set(heard)


def test_a_restart_forgets_nothing(api: Any, fake: Fake, wire: Any, tmp_path: Path) -> None:
    fake.path = tmp_path / "stripe.json"
    paid, debit = api.payment_intents.create(CARD, keyed("k1")), api.payment_intents.create(BANK, keyed("k2"))
    wire.fake = Fake(path=tmp_path / "stripe.json", clock=fake.clock)
    assert api.payment_intents.create(CARD, keyed("k1")).id == paid.id
    wire.fake.advance(5 * DAY)
    assert api.payment_intents.retrieve(debit.id).status == "succeeded"


def test_no_number_is_ever_written_down(fake: Fake, tmp_path: Path) -> None:
    fake.path = tmp_path / "stripe.json"
    web = create(fake).test_client()
    sent = {"type": "card", "card[number]": "4242424242424242"}
    public = {"Authorization": "Bearer pk_test_firm"}
    assert web.post("/v1/payment_methods", data=sent, headers=public).status_code == 200
    assert web.get("/v1/payment_intents", headers=public).status_code == 401
    kept = (tmp_path / "stripe.json").read_text("utf-8")
    assert "pm_fake" in kept
    assert "424242424242" not in kept


def test_the_same_over_a_real_connection(fake: Fake) -> None:
    with served(fake) as origin:
        address: Any = {"api": origin}
        remote: Any = stripe.StripeClient("sk_test_firm", base_addresses=address, max_network_retries=0).v1
        fake.fault("lost")
        with pytest.raises(stripe.APIConnectionError):
            remote.payment_intents.create(CARD, keyed("k1"))
        found = remote.payment_intents.create(CARD, keyed("k1"))
        assert found.last_response.headers["idempotent-replayed"] == "true"
        assert json.loads(found.last_response.body)["status"] == "succeeded"
    assert len(fake.all("charge")) == 1
