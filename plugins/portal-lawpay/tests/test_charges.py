"""Taking money from the emulator: what is sent, what comes back, and what a bad line makes of it."""

from __future__ import annotations

import threading
from typing import Any

import pytest

from portal_app.plugin_api import Context, Fund, Method, OutcomeKind
from portal_emulator import cards
from portal_emulator.faults import Dropped
from portal_lawpay import gateway, words


def test_a_card_is_charged_to_the_account_of_the_fund(desk: Any) -> None:
    outcome = desk.charge(amount_minor=123_457)
    assert (outcome.kind, outcome.amount_minor, outcome.currency) == (OutcomeKind.SUCCEEDED, 123_457, "USD")
    assert outcome.merchant_account == desk.operating
    assert outcome.method_summary == "Visa ending 4242"
    [(call, body)] = desk.http.posts()
    assert call == "POST /v1/charges"
    assert body["account_id"] == desk.cards["Operating"]
    assert (body["reference"], body["amount"], body["auto_capture"]) == ("attempt-1", 123_457, True)
    [kept] = desk.charges()
    assert kept["id"] == outcome.gateway_reference


def test_an_echeck_is_pending_until_it_is_completed(desk: Any) -> None:
    outcome = desk.charge(method=Method.BANK)
    assert (outcome.kind, outcome.method_summary) == (OutcomeKind.PENDING, "Bank account ending 7890")
    assert outcome.merchant_account == desk.operating
    assert desk.http.posts()[0][1]["account_id"] == desk.banks["Operating eCheck"]
    assert desk.look_up().kind is OutcomeKind.PENDING
    desk.advance(days=1)
    assert desk.look_up().kind is OutcomeKind.SUCCEEDED


def test_trust_money_goes_to_the_trust_account(desk: Any) -> None:
    outcome = desk.charge(fund=Fund.TRUST, merchant_account=desk.trust)
    assert (outcome.kind, outcome.merchant_account) == (OutcomeKind.SUCCEEDED, desk.trust)
    assert desk.charges()[0]["account_id"] == desk.cards["Trust"]


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"merchant_account": ""}, "no_account"),
        ({"merchant_account": "+"}, "no_account"),
        ({"merchant_account": "somewhere+else"}, "account_unknown"),
        ({"fund": Fund.TRUST}, "account_of_other_fund"),
        ({"currency": "CAD"}, "account_of_other_currency"),
    ],
)
@pytest.mark.parametrize("method", list(Method))
def test_money_that_does_not_belong_there_is_never_sent(desk: Any, change: Any, code: str, method: Method) -> None:
    outcome = desk.charge(method=method, **change)
    assert (outcome.kind, outcome.code) == (OutcomeKind.NOT_SUBMITTED, code)
    assert desk.http.posts() == []
    assert desk.charges() == []


def test_an_account_is_used_for_its_own_method_alone(desk: Any) -> None:
    cards_only = f"{desk.cards['Operating']}+"
    assert desk.charge(method=Method.BANK, merchant_account=cards_only).code == "no_account"
    assert desk.charge(method=Method.BANK, merchant_account=desk.cards["Operating"]).code == "account_of_other_method"
    assert desk.charge(merchant_account=desk.cards["Operating"]).kind is OutcomeKind.SUCCEEDED


def test_trust_money_is_refused_when_the_account_has_turned_operating(desk: Any) -> None:
    with desk.world:
        merchant = desk.world.merchant
        for account in merchant["merchant_accounts"]:
            account["trust_account"] = False
        desk.world.store.put("merchant", merchant)
    outcome = desk.charge(fund=Fund.TRUST, merchant_account=desk.trust)
    assert (outcome.kind, outcome.code) == (OutcomeKind.NOT_SUBMITTED, "account_of_other_fund")


@pytest.mark.parametrize(("number", "code"), sorted(cards.FAILING.items()))
def test_every_failing_card_is_declined_in_our_words(desk: Any, number: str, code: str) -> None:
    outcome = desk.charge(token=desk.token(number=number))
    assert (outcome.kind, outcome.code) == (OutcomeKind.DECLINED, code)
    assert outcome.message == words.DECLINES[code]
    assert desk.look_up(gateway_reference=outcome.gateway_reference).kind is OutcomeKind.DECLINED
    assert desk.look_up().kind is OutcomeKind.DECLINED


BANK_FAILING = {account: code for account, code in cards.BANK_FAILING.items() if code != "ach_processing_error"}


@pytest.mark.parametrize(("account", "code"), sorted(BANK_FAILING.items()))
def test_every_failing_echeck_is_declined_in_our_words(desk: Any, account: str, code: str) -> None:
    outcome = desk.charge(method=Method.BANK, token=desk.bank_token(account_number=account))
    assert (outcome.kind, outcome.code, outcome.message) == (OutcomeKind.DECLINED, code, words.DECLINES[code])
    assert desk.look_up().kind is OutcomeKind.DECLINED


def test_an_invalid_routing_number_is_declined(desk: Any) -> None:
    outcome = desk.charge(method=Method.BANK, token=desk.bank_token(routing_number="000000001"))
    assert (outcome.kind, outcome.code) == (OutcomeKind.DECLINED, "ach_invalid_routing_number")


def test_a_failure_behind_a_5xx_is_read_by_the_id_in_it(desk: Any) -> None:
    outcome = desk.charge(method=Method.BANK, token=desk.bank_token(account_number="1000000010"))
    assert (outcome.kind, outcome.code) == (OutcomeKind.DECLINED, "ach_processing_error")
    assert outcome.gateway_reference == desk.charges()[0]["id"]


def test_a_card_of_the_wrong_year_is_declined_with_its_field(desk: Any) -> None:
    outcome = desk.charge(token=desk.token(exp_month=13))
    assert (outcome.kind, outcome.code) == (OutcomeKind.DECLINED, "invalid_data")
    assert "the expiry date" in outcome.message


@pytest.mark.parametrize("fault", ["lost_answer", "no_answer"])
def test_a_lost_answer_is_left_to_the_portal_and_found_by_asking(desk: Any, fault: str) -> None:
    desk.world.faults.switch_on(fault, calls=1)
    with pytest.raises(Dropped):
        desk.charge()
    found = desk.look_up()
    assert (found.kind, found.amount_minor) == (OutcomeKind.SUCCEEDED, 204_000)
    assert len(desk.charges()) == 1


@pytest.mark.parametrize("fault", ["error_after", "garbage"])
def test_an_unreadable_answer_is_unknown(desk: Any, fault: str) -> None:
    desk.world.faults.switch_on(fault, calls=1, only="POST /v1/charges")
    outcome = desk.charge()
    assert outcome.kind is OutcomeKind.UNKNOWN
    assert desk.look_up().kind is OutcomeKind.SUCCEEDED


@pytest.mark.parametrize("fault", ["error_before", "unavailable", "unauthorized", "rate_limited"])
def test_an_error_at_the_charge_is_unknown_whatever_it_means(desk: Any, fault: str) -> None:
    desk.world.faults.switch_on(fault, calls=1, only="POST /v1/charges")
    assert desk.charge().kind is OutcomeKind.UNKNOWN
    assert desk.charges() == []
    assert desk.look_up().kind is OutcomeKind.ABSENT


@pytest.mark.parametrize("fault", ["down", "unavailable", "unauthorized", "rate_limited", "garbage"])
def test_before_the_charge_nothing_was_sent(desk: Any, fault: str) -> None:
    desk.world.faults.switch_on(fault, only="GET /v1/merchant")
    assert desk.charge().kind is OutcomeKind.NOT_SUBMITTED
    assert desk.http.posts() == []


def test_a_wrong_key_takes_nothing_and_says_whom_to_call(desk: Any) -> None:
    outcome = gateway.gateway_charge(desk.ctx(secret_key="wrong"), desk.order())
    assert (outcome.kind, outcome.code) == (OutcomeKind.NOT_SUBMITTED, "http_401")
    assert "call the firm" in outcome.message
    assert desk.charges() == []


def test_a_request_that_never_left_is_not_submitted(desk: Any, unplugged: Context) -> None:
    assert gateway.gateway_charge(unplugged, desk.order()).kind is OutcomeKind.NOT_SUBMITTED
    assert gateway.gateway_lookup(unplugged, desk.query()).kind is OutcomeKind.UNKNOWN


def test_the_same_charge_again_is_the_same_charge(desk: Any) -> None:
    order = desk.order()
    first = gateway.gateway_charge(desk.ctx(), order)
    again = gateway.gateway_charge(desk.ctx(), order)
    assert (again.kind, again.gateway_reference) == (first.kind, first.gateway_reference)
    assert len(desk.charges()) == 1


def test_a_token_that_is_used_up_is_doubt_while_lists_lag(desk: Any) -> None:
    order = desk.order()
    gateway.gateway_charge(desk.ctx(), order)
    desk.world.faults.switch_on("lag")
    assert gateway.gateway_charge(desk.ctx(), order).kind is OutcomeKind.UNKNOWN


def test_a_hundred_at_once_charge_once(desk: Any) -> None:
    order, outcomes = desk.order(), []
    threads = [
        threading.Thread(target=lambda: outcomes.append(gateway.gateway_charge(desk.ctx(), order))) for _ in range(100)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert {outcome.kind for outcome in outcomes} <= {OutcomeKind.SUCCEEDED, OutcomeKind.UNKNOWN}
    assert len({outcome.gateway_reference for outcome in outcomes if outcome.gateway_reference}) == 1
    assert len(desk.charges()) == 1


def test_two_accounts_of_two_firms_never_mix(desk: Any) -> None:
    other = type(desk)()
    first, second = desk.order(), other.order(amount_minor=5)
    outcomes = [
        gateway.gateway_charge(desk.ctx(), first), gateway.gateway_charge(other.ctx(), second),
        gateway.gateway_lookup(desk.ctx(), desk.query()), gateway.gateway_lookup(other.ctx(), other.query()),
    ]  # fmt: skip
    assert [outcome.amount_minor for outcome in outcomes] == [204_000, 5, 204_000, 5]
    assert [outcome.merchant_account for outcome in outcomes[:2]] == [desk.operating, other.operating]


@pytest.mark.parametrize("cents", [1, 7, 29, 57, 113, 1_003_07, 2_675, 99_999_999_999])
def test_amounts_are_exact(desk: Any, cents: int) -> None:
    assert desk.charge(amount_minor=cents).amount_minor == cents
    assert desk.charges()[0]["amount"] == cents


def test_nothing_of_the_payer_is_sent_but_the_token(desk: Any) -> None:
    desk.charge()
    sent = str(desk.http.calls)
    assert "Alice" not in sent
    assert "62704" not in sent
    assert "sk_for_tests_only" not in sent
