"""Charges: every answer of the payment intent and every error, against the fake; and what happens when none comes."""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qs

import pytest
from desk import order

from portal_app.plugin_api import Fund, Method, NeverSent, OutcomeKind
from portal_stripe import gateway, reading
from portal_stripe.fake.core import DAY


def test_a_card_is_charged(desk: Any) -> None:
    paid = desk.charge()
    assert (paid.kind, paid.amount_minor, paid.currency, paid.merchant_account) == (
        OutcomeKind.SUCCEEDED, 12_345, "USD", "acct_firm",
    )  # fmt: skip
    assert paid.method_summary == "Visa ending 4242"
    assert paid.gateway_reference.startswith("pi_")


def test_what_is_sent_is_what_was_asked(desk: Any) -> None:
    desk.charge()
    method, path, body = desk.http.calls[-1]
    sent = {name: values[0] for name, values in parse_qs(body.decode()).items()}
    assert (method, path, sent["amount"], sent["currency"]) == ("POST", "/v1/payment_intents", "12345", "usd")
    assert sent["metadata[portal_reference]"] == "attempt-1"
    headers = desk.fake.requests[-1].headers
    assert headers["Idempotency-Key"] == "attempt-1:charge"
    assert headers["Authorization"] == "Bearer sk_test_firm"
    told = {name.lower() for name in headers}
    assert not told & {"x-stripe-client-user-agent", "x-stripe-client-telemetry"}, "nothing about this machine"


@pytest.mark.parametrize(
    ("token", "code", "says"),
    [
        ("pm_card_chargeDeclined", "generic_decline", "was declined"),
        ("pm_card_chargeDeclinedInsufficientFunds", "insufficient_funds", "not enough money"),
        ("pm_card_chargeDeclinedExpiredCard", "expired_card", "expired"),
        ("pm_card_chargeDeclinedIncorrectCvc", "incorrect_cvc", "not right"),
        ("pm_card_chargeDeclinedProcessingError", "processing_error", "just now"),
        ("pm_card_visa_chargeDeclinedLostCard", "declined", "was declined"),
    ],
)
def test_a_declined_card(desk: Any, token: str, code: str, says: str) -> None:
    told = desk.charge(token)
    assert (told.kind, told.code) == (OutcomeKind.DECLINED, code)
    assert says in told.message
    assert "Nothing was charged" in told.message
    assert desk.look().kind is OutcomeKind.DECLINED


@pytest.mark.parametrize("is_approved", [True, False])
def test_three_d_secure(desk: Any, is_approved: bool) -> None:
    from portal_stripe.fake import approve

    asked = desk.charge("pm_card_authenticationRequired")
    assert asked.kind is OutcomeKind.ACTION_REQUIRED
    assert asked.redirect_url == f"{desk.fake.origin}/3ds/{asked.gateway_reference}"
    approve(desk.fake, asked.gateway_reference, is_approved=is_approved)
    found = gateway.gateway_return(desk.ctx(), _returned(asked.gateway_reference))
    assert found.kind is (OutcomeKind.SUCCEEDED if is_approved else OutcomeKind.DECLINED)
    assert is_approved or "confirm that it was you" in found.message


def _returned(id: str) -> Any:
    from desk import query

    lies = {"redirect_status": "succeeded", "payment_intent": "pi_another"}
    return query("attempt-1", id, args=lies)


@pytest.mark.parametrize(
    ("method", "kind", "code"),
    [
        ("pm_usBankAccount", OutcomeKind.SUCCEEDED, ""),
        ("pm_usBankAccount_insufficientFunds", OutcomeKind.DECLINED, "insufficient_funds"),
        ("pm_usBankAccount_debitNotAuthorized", OutcomeKind.DECLINED, "debit_not_authorized"),
        ("pm_usBankAccount_processing", OutcomeKind.PENDING, ""),
        ("pm_usBankAccount_dispute", OutcomeKind.RETURNED, "debit_not_authorized"),
    ],
)
def test_a_bank_debit_takes_days(desk: Any, method: str, kind: OutcomeKind, code: str) -> None:
    sent = desk.debit(method)
    assert (sent.kind, sent.amount_minor, sent.method_summary[:20]) == (
        OutcomeKind.PENDING,
        12_345,
        "Bank account ending ",
    )
    desk.fake.advance(5 * DAY)
    found = desk.look(id=sent.gateway_reference)
    assert (found.kind, found.code) == (kind, code)
    assert desk.look() == found, "by our reference as by Stripe's"


@pytest.mark.parametrize(
    ("status", "more", "kind"),
    [
        ("succeeded", {}, OutcomeKind.SUCCEEDED),
        ("processing", {}, OutcomeKind.PENDING),
        ("requires_action", {}, OutcomeKind.ACTION_REQUIRED),
        ("canceled", {}, OutcomeKind.CANCELED),
        ("requires_payment_method", {"last_payment_error": {"code": "x"}}, OutcomeKind.DECLINED),
        ("requires_payment_method", {}, OutcomeKind.UNKNOWN),
        ("requires_confirmation", {}, OutcomeKind.UNKNOWN),
        ("requires_capture", {}, OutcomeKind.UNKNOWN),
        ("a_status_of_next_year", {}, OutcomeKind.UNKNOWN),
        ("", {}, OutcomeKind.UNKNOWN),
        ("succeeded", {"amount_received": None}, OutcomeKind.UNKNOWN),
        ("succeeded", {"amount_received": "12345"}, OutcomeKind.UNKNOWN),
        ("succeeded", {"amount_received": True}, OutcomeKind.UNKNOWN),
        ("succeeded", {"id": None}, OutcomeKind.UNKNOWN),
    ],
)
def test_every_status_of_an_intent(status: str, more: dict[str, Any], kind: OutcomeKind) -> None:
    told = {"id": "pi_1", "status": status, "amount": 12_345, "amount_received": 12_345, "currency": "usd"} | more
    assert reading.intent(told, "acct_firm").kind is kind


def test_microdeposits_are_verified_on_stripes_page() -> None:
    action = {
        "type": "verify_with_microdeposits",
        "verify_with_microdeposits": {"hosted_verification_url": "https://p/m"},
    }
    told = {"id": "pi_1", "status": "requires_action", "amount": 1, "currency": "usd", "next_action": action}
    assert reading.intent(told, "acct_firm").redirect_url == "https://p/m"


def test_what_must_not_be_sent_is_not_sent(desk: Any) -> None:
    wrong = [
        desk.charge(fund=Fund.TRUST),
        desk.charge(merchant_account="acct_other"),
        gateway.gateway_charge(desk.ctx(bank_debits="no"), order("attempt-1", "ctoken_1", method=Method.BANK)),
        gateway.gateway_charge(desk.ctx(pays_into="trust"), order("attempt-1", "pm_card_visa")),
        gateway.gateway_charge(desk.ctx(secret_key="sk_test_revoked"), order("attempt-1", "pm_card_visa")),
    ]
    assert {each.kind for each in wrong} == {OutcomeKind.NOT_SUBMITTED}
    assert all("Nothing was charged" in each.message for each in wrong)
    assert not [call for call in desk.http.calls if call[0] == "POST"]


def test_a_trust_account_takes_trust_money(desk: Any) -> None:
    paid = gateway.gateway_charge(desk.ctx(pays_into="trust"), order("a", "pm_card_visa", fund=Fund.TRUST))
    assert paid.kind is OutcomeKind.SUCCEEDED


def test_nobody_answers(desk: Any) -> None:
    desk.charge(reference="attempt-0")
    desk.http.is_down = True
    with pytest.raises(NeverSent):
        desk.charge()


@pytest.mark.parametrize("fault", ["lost", "garbage"])
def test_a_lost_answer_is_asked_for_again(desk: Any, fault: str) -> None:
    desk.fake.fault(fault, path="/v1/payment_intents")
    assert desk.charge().kind is OutcomeKind.SUCCEEDED
    assert len(desk.fake.all("charge")) == 1


@pytest.mark.parametrize(
    ("fault", "times", "taken"), [("lost", 2, 1), ("error_after", 1, 1), ("error_before", 1, 0), ("garbage", 2, 1)]
)
def test_no_clear_answer_twice_is_unknown_and_is_found_later(desk: Any, fault: str, times: int, taken: int) -> None:
    desk.fake.fault(fault, path="/v1/payment_intents", times=times)
    assert desk.charge().kind is OutcomeKind.UNKNOWN
    assert len(desk.fake.all("charge")) == taken
    found = desk.look()
    assert found.kind is (OutcomeKind.SUCCEEDED if taken else OutcomeKind.ABSENT)
    assert len(desk.fake.all("charge")) == taken


def test_a_slow_call_is_not_made_again(desk: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    from portal_stripe import asking

    desk.charge(reference="attempt-0")
    monkeypatch.setattr(asking, "REPLAY_WITHIN_NS", -1)
    desk.fake.fault("lost", path="/v1/payment_intents")
    before = len(desk.http.calls)
    assert desk.charge().kind is OutcomeKind.UNKNOWN
    assert len(desk.http.calls) == before + 1


def test_a_first_call_that_was_lost_makes_a_later_refusal_doubtful(desk: Any) -> None:
    desk.charge(reference="attempt-0")
    desk.fake.fault("lost", path="/v1/payment_intents")
    desk.fake.fault("rate", path="/v1/payment_intents")
    assert desk.charge().kind is OutcomeKind.UNKNOWN
    assert desk.look().kind is OutcomeKind.SUCCEEDED


def test_too_many_requests_is_a_clear_no(desk: Any) -> None:
    desk.fake.fault("rate", path="/v1/payment_intents")
    told = desk.charge()
    assert (told.kind, told.code) == (OutcomeKind.DECLINED, "rate_limit")
    assert desk.charge().kind is OutcomeKind.SUCCEEDED


def test_the_same_key_with_other_money_is_unknown(desk: Any) -> None:
    desk.charge()
    assert desk.charge(amount_minor=99_999).kind is OutcomeKind.UNKNOWN
    assert len(desk.fake.all("charge")) == 1


def test_a_key_that_is_at_work_is_unknown(desk: Any) -> None:
    desk.fake.in_flight.add("acct_firm/test attempt-1:charge")
    assert desk.charge().kind is OutcomeKind.UNKNOWN


def test_a_token_is_good_once(desk: Any) -> None:
    token = desk.token("pm_card_visa")
    assert desk.charge(token).kind is OutcomeKind.SUCCEEDED
    again = desk.charge(token, "attempt-2")
    assert again.kind is OutcomeKind.DECLINED
    assert "used once already" in again.message
    assert len(desk.fake.all("charge")) == 1


def test_too_little_money_is_refused(desk: Any) -> None:
    told = desk.charge(amount_minor=49)
    assert (told.kind, told.code) == (OutcomeKind.DECLINED, "amount_too_small")


@pytest.mark.parametrize("amount", [50, 99, 100, 101, 12_345, 1_000_000, 99_999_999])
def test_cents_stay_cents(desk: Any, amount: int) -> None:
    assert desk.charge(amount_minor=amount).amount_minor == amount


def test_a_hundred_at_once_take_one(desk: Any) -> None:
    from concurrent.futures import ThreadPoolExecutor

    desk.charge(reference="attempt-0")
    with ThreadPoolExecutor(8) as pool:
        told = list(pool.map(lambda _: desk.charge().kind, range(100)))
    assert set(told) <= {OutcomeKind.SUCCEEDED, OutcomeKind.UNKNOWN}
    assert OutcomeKind.SUCCEEDED in told
    assert len(desk.fake.all("charge")) == 2
