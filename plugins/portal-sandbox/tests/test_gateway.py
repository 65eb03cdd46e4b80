"""The gateway's hooks, each answer of the companion, and what they make of a bad line."""

from __future__ import annotations

from dataclasses import replace
from importlib.metadata import version
from typing import Any

import pluggy
import pytest

from portal_app import hookspecs
from portal_app.plugin_api import (
    PROJECT,
    BeginRequest,
    Context,
    Fields,
    Flow,
    Fund,
    LookupQuery,
    Method,
    Mode,
    NeverSent,
    OutcomeKind,
    Redirect,
    Response,
)
from portal_sandbox import gateway, running
from portal_sandbox.scenarios import CARDS

ORIGIN = "http://portal.test:8000"
BASE = "http://sandbox.test:8001"

ASK = BeginRequest(
    flow=Flow.FIELDS,
    method=Method.CARD,
    currency="USD",
    fund=Fund.OPERATING,
    merchant_account="sandbox-operating",
    page_origin=ORIGIN,
)


def test_every_hook_is_one_that_the_portal_calls() -> None:
    manager = pluggy.PluginManager(PROJECT)
    manager.add_hookspecs(hookspecs)
    manager.register(gateway, "sandbox")
    manager.check_pending()
    implemented = {hook.name for hook in manager.get_hookcallers(gateway) or ()}
    assert {"gateway_charge", "gateway_lookup", "gateway_companion"} <= implemented <= set(vars(hookspecs))


def test_the_manifest_names_itself_a_rehearsal_and_lists_every_number() -> None:
    manifest = gateway.gateway_manifest()
    assert manifest.is_rehearsal
    assert manifest.version == version("portal-sandbox")
    shown = {test.number for test in manifest.test_methods}
    assert {card.number for card in CARDS} < shown
    assert "110000000 000123456789" in shown


@pytest.mark.parametrize(
    ("number", "kind", "code"),
    [
        ("4242424242424242", OutcomeKind.SUCCEEDED, ""),
        ("5555555555554444", OutcomeKind.SUCCEEDED, ""),
        ("4000000000000002", OutcomeKind.DECLINED, "card_declined"),
        ("4000000000009995", OutcomeKind.DECLINED, "insufficient_funds"),
        ("4000000000000069", OutcomeKind.DECLINED, "expired_card"),
        ("4000000000000127", OutcomeKind.DECLINED, "incorrect_code"),
        ("4000000000003220", OutcomeKind.ACTION_REQUIRED, ""),
        ("4000000000000119", OutcomeKind.UNKNOWN, "http_504"),
        ("4000000000000259", OutcomeKind.SUCCEEDED, ""),
        ("4111111111111111", OutcomeKind.DECLINED, "not_a_test_card"),
    ],
)
def test_each_card_does_what_it_says(desk: Any, number: str, kind: OutcomeKind, code: str) -> None:
    outcome = desk.charge(desk.token(number))
    assert (outcome.kind, outcome.code) == (kind, code)
    if kind is OutcomeKind.DECLINED:
        assert outcome.message


def test_a_success_says_what_was_really_taken(desk: Any) -> None:
    outcome = desk.charge(desk.token("5555 5555 5555 4444"), amount_minor=123_456)
    assert (outcome.amount_minor, outcome.currency) == (123_456, "USD")
    assert outcome.merchant_account == "sandbox-operating"
    assert outcome.method_summary == "Mastercard ending 4444"
    assert desk.lookup() == outcome


def test_a_lost_answer_is_found_by_asking(desk: Any) -> None:
    assert desk.charge(desk.token("4000000000000119")).kind is OutcomeKind.UNKNOWN
    assert desk.lookup().kind is OutcomeKind.SUCCEEDED


def test_a_slow_answer_is_waited_for_after_the_charge(desk: Any) -> None:
    assert desk.charge(desk.token("4000000000000259")).kind is OutcomeKind.SUCCEEDED
    assert desk.slept == [6]
    desk.charge("tok_whatever")
    assert desk.slept == [6], "the same charge is not slow twice"


@pytest.mark.parametrize(
    ("account", "kind", "code"),
    [
        ("000123456789", OutcomeKind.SUCCEEDED, ""),
        ("000111111116", OutcomeKind.DECLINED, "insufficient_funds"),
    ],
)
def test_a_bank_account_settles_a_minute_later(desk: Any, account: str, kind: OutcomeKind, code: str) -> None:
    outcome = desk.charge(desk.bank_token(account))
    assert outcome.kind is OutcomeKind.PENDING
    assert outcome.method_summary == f"Bank account ending {account[-4:]}"
    desk.clock.now += 59
    assert desk.lookup().kind is OutcomeKind.PENDING
    desk.clock.now += 1
    assert (desk.lookup().kind, desk.lookup().code) == (kind, code)


def test_an_unknown_bank_account_is_declined(desk: Any) -> None:
    assert desk.charge(desk.bank_token("000999999999")).code == "not_a_test_account"
    assert desk.charge(desk.bank_token("000123456789", "021000021"), "attempt-2").code == "not_a_test_account"


def test_nobody_knows_a_reference_that_was_never_sent(desk: Any) -> None:
    assert desk.lookup("never").kind is OutcomeKind.ABSENT


def test_odd_references_are_found_again(desk: Any) -> None:
    desk.charge(desk.token("4242424242424242"), "a&b=c/d?#%20+1")
    assert desk.lookup("a&b=c/d?#%20+1").kind is OutcomeKind.SUCCEEDED
    assert desk.lookup("a").kind is OutcomeKind.ABSENT


def test_other_money_under_one_reference_is_doubt_not_refusal(desk: Any) -> None:
    desk.charge(desk.token("4242424242424242"), amount_minor=100)
    outcome = desk.charge(desk.token("4242424242424242"), amount_minor=200)
    assert (outcome.kind, outcome.code) == (OutcomeKind.UNKNOWN, "http_409")
    assert desk.lookup().amount_minor == 100


def test_a_wrong_key_takes_nothing(desk: Any, make_order: Any) -> None:
    order = make_order("attempt-1", 100, desk.token("4242424242424242"))
    outcome = gateway.gateway_charge(desk.ctx(secret_key="sk_live_1"), order)
    assert (outcome.kind, outcome.code) == (OutcomeKind.DECLINED, "bad_key")
    assert desk.lookup().kind is OutcomeKind.ABSENT


def test_pending_money_can_be_called_back_and_settled_money_cannot(desk: Any) -> None:
    desk.charge(desk.bank_token("000123456789"))
    assert desk.cancel().kind is OutcomeKind.CANCELED
    desk.clock.now += 3600
    assert desk.lookup().kind is OutcomeKind.CANCELED
    desk.charge(desk.token("4242424242424242"), "attempt-2")
    assert desk.cancel("attempt-2").kind is OutcomeKind.SUCCEEDED
    assert desk.cancel("attempt-3").kind is OutcomeKind.UNKNOWN


def test_health_names_an_account_for_each_fund(desk: Any) -> None:
    health = gateway.gateway_health(desk.ctx())
    assert health.is_ok
    assert {(each.id, each.fund) for each in health.accounts} == {
        ("sandbox-operating", Fund.OPERATING),
        ("sandbox-trust", Fund.TRUST),
    }


def test_it_rehearses_in_the_currency_of_the_books(desk: Any) -> None:
    """Otherwise a firm that bills in euros could rehearse nothing."""
    assert {each.currency for each in gateway.gateway_health(desk.ctx()).accounts} == {"USD"}
    assert {each.currency for each in gateway.gateway_health(desk.ctx(currency=" eur")).accounts} == {"EUR"}
    assert not gateway.gateway_validate_settings(desk.ctx(currency="EUR"))
    assert [each.field for each in gateway.gateway_validate_settings(desk.ctx(currency="euros"))] == ["currency"]


def test_health_can_be_seen_to_fail(desk: Any) -> None:
    health = gateway.gateway_health(desk.ctx(secret_key="wrong"))
    assert [check.is_ok for check in health.checks] == [True, False]
    assert "sk_sandbox_" in health.checks[1].detail
    assert not gateway.gateway_health(replace(desk.ctx(), http=unplugged)).is_ok


def test_fields_are_drawn_without_the_network(desk: Any) -> None:
    fields = gateway.gateway_begin(desk.ctx(), ASK)
    assert isinstance(fields, Fields)
    assert fields.frame_origins == (BASE,)
    assert fields.config["url"] == f"{BASE}/fields?origin=http%3A%2F%2Fportal.test%3A8000"
    assert desk.http.calls == []


def test_the_redirect_page_waits_for_its_payer(desk: Any) -> None:
    ask = replace(ASK, flow=Flow.REDIRECT, reference="attempt-9", amount_minor=700, return_url=f"{ORIGIN}/back")
    page = gateway.gateway_begin(desk.ctx(), ask)
    assert isinstance(page, Redirect)
    assert page.url == f"{BASE}/pay/{page.gateway_reference}"
    assert gateway.gateway_begin(desk.ctx(), ask) == page
    found = gateway.gateway_return(desk.ctx(), LookupQuery(reference="attempt-9", merchant_account="x"))
    assert (found.kind, found.redirect_url) == (OutcomeKind.ACTION_REQUIRED, page.url)
    with pytest.raises(RuntimeError):
        gateway.gateway_begin(desk.ctx(), replace(ask, amount_minor=701))


def test_settings_are_judged_without_the_network(desk: Any) -> None:
    assert gateway.gateway_validate_settings(desk.ctx()) == []
    bad = gateway.gateway_validate_settings(replace(desk.ctx(base_url="ftp://x"), mode=Mode.LIVE))
    assert [problem.field for problem in bad] == ["base_url", "mode"]


def unplugged(*_args: Any, **_named: Any) -> Response:
    raise NeverSent


def test_a_request_that_never_left_is_not_submitted(desk: Any, make_order: Any) -> None:
    ctx = replace(desk.ctx(), http=unplugged)
    assert gateway.gateway_charge(ctx, make_order("a", 1, "t")).kind is OutcomeKind.NOT_SUBMITTED


@pytest.mark.parametrize(
    ("status", "answer"),
    [
        (200, None),
        (200, {}),
        (200, {"id": "ch_1", "status": "succeeded", "amount_minor": "100"}),
        (200, {"id": "ch_1", "status": "succeeded", "amount_minor": True}),
        (200, {"id": "ch_1", "status": "splendid", "amount_minor": 100}),
        (200, {"charges": [{"status": "succeeded"}]}),
        (200, {"charges": ["x"]}),
        (200, {"charges": "none"}),
        (500, {"charges": []}),
        (302, {"charges": []}),
        (422, {"error": "no"}),
        (503, None),
    ],
)
def test_anything_odd_is_unknown(desk: Any, make_order: Any, status: int, answer: Any) -> None:
    def odd(*_args: Any, **_named: Any) -> Response:
        def json() -> dict[str, Any]:
            if answer is None:
                raise ValueError("not JSON")
            return answer

        return Response(status=status, body=b"", json=json)

    ctx: Context = replace(desk.ctx(), http=odd)
    assert gateway.gateway_charge(ctx, make_order("a", 1, "t")).kind is OutcomeKind.UNKNOWN
    query = LookupQuery(reference="a", merchant_account="x")
    assert gateway.gateway_lookup(ctx, query).kind is OutcomeKind.UNKNOWN
    assert gateway.gateway_cancel(ctx, query).kind is OutcomeKind.UNKNOWN
    assert not gateway.gateway_health(ctx).is_ok


def test_a_broken_line_is_left_to_the_portal(desk: Any, make_order: Any) -> None:
    def broken(*_args: Any, **_named: Any) -> Response:
        raise TimeoutError

    with pytest.raises(TimeoutError):
        gateway.gateway_charge(replace(desk.ctx(), http=broken), make_order("a", 1, "t"))


def test_evidence_is_short(desk: Any) -> None:
    payload = desk.charge(desk.token("4242424242424242")).payload | {"billing": "Alice", "token": "t"}
    kept = gateway.gateway_redact(payload)
    assert kept["status"] == "succeeded"
    assert kept["last4"] == "4242"
    assert not {"billing", "token", "message", "action_path"} & set(kept)
    assert gateway.gateway_redact({"error": {"code": "x", "message": "Alice"}}) == {"error": {"code": "x"}}


def test_the_companion_is_served_when_there_is_a_folder(desk: Any, tmp_path: Any) -> None:
    assert gateway.gateway_companion(desk.ctx()) is None
    companion: Any = gateway.gateway_companion(replace(desk.ctx(), data_dir=str(tmp_path / "new")))
    assert callable(companion)
    companion.close()
    running.stop()
