"""Finding a charge again: by id, by reference, on far pages, in lists that lag, break off or lie."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace
from typing import Any

import pytest

from portal_app.plugin_api import Method, OutcomeKind
from portal_lawpay import gateway, lists


def row(id: str, **changes: Any) -> dict[str, Any]:
    return {
        "id": id, "type": "CHARGE", "status": "AUTHORIZED", "auto_capture": True, "amount": 5, "currency": "USD",
        "account_id": "c", "reference": id, "created": "2027-01-15T15:00:00.000Z", "method": {"type": "card"},
    } | changes  # fmt: skip


def page(*rows: Any, number: int = 1, total: int | None = None, **changes: Any) -> tuple[int, Any]:
    found = len(rows) if total is None else total
    return 200, {"page": number, "page_size": lists.PAGE_SIZE, "total_entries": found, "results": list(rows)} | changes


def test_a_charge_is_found_by_its_id_and_by_our_reference(desk: Any) -> None:
    outcome = desk.charge()
    assert desk.look_up() == desk.look_up(gateway_reference=outcome.gateway_reference)
    assert gateway.gateway_return(desk.ctx(), desk.query()).kind is OutcomeKind.SUCCEEDED
    assert desk.look_up("attempt").kind is OutcomeKind.ABSENT
    assert desk.look_up("ATTEMPT-1").kind is OutcomeKind.ABSENT
    assert desk.look_up("attempt-1 ").kind is OutcomeKind.ABSENT


def test_an_id_of_somebody_elses_charge_is_not_believed(desk: Any) -> None:
    outcome = desk.charge()
    assert desk.look_up("attempt-2", gateway_reference=outcome.gateway_reference).kind is OutcomeKind.UNKNOWN


def test_an_id_that_is_not_known_proves_nothing(desk: Any) -> None:
    assert desk.look_up(gateway_reference="nobody-knows").kind is OutcomeKind.UNKNOWN
    desk.charge()
    assert desk.look_up(gateway_reference="nobody-knows").kind is OutcomeKind.SUCCEEDED


def test_what_the_list_does_not_show_yet_is_absent_only_for_the_horizon_to_judge(desk: Any) -> None:
    outcome = desk.charge()
    desk.world.faults.switch_on("lag")
    assert desk.look_up().kind is OutcomeKind.ABSENT
    assert desk.look_up(gateway_reference=outcome.gateway_reference).kind is OutcomeKind.SUCCEEDED
    assert gateway.gateway_manifest().absence_horizon_seconds >= 60
    assert gateway.gateway_cancel(desk.ctx(), desk.query()).kind is OutcomeKind.UNKNOWN


@pytest.mark.parametrize("method", list(Method))
def test_it_is_found_on_a_far_page(desk: Any, monkeypatch: pytest.MonkeyPatch, method: Method) -> None:
    monkeypatch.setattr(lists, "PAGE_SIZE", 3)
    desk.charge(method=method)
    for number in range(8):
        desk.advance(seconds=1)
        desk.charge(method=method, reference=f"other-{number}")
    assert desk.look_up().amount_minor == 204_000
    assert desk.look_up("never-sent").kind is OutcomeKind.ABSENT


def test_money_that_landed_in_another_account_is_found_too(desk: Any) -> None:
    desk.charge()
    outcome = desk.look_up(merchant_account=desk.trust)
    assert (outcome.kind, outcome.merchant_account) == (OutcomeKind.SUCCEEDED, desk.cards["Operating"])


def test_of_several_tries_on_a_payment_page_the_one_that_worked_counts(desk: Any) -> None:
    desk.charge(token=desk.token(number="4000000000000002"))
    assert desk.look_up().kind is OutcomeKind.DECLINED
    desk.charge(method=Method.BANK)
    assert desk.look_up().kind is OutcomeKind.PENDING
    desk.charge(token=desk.token(number="4000000000000044"))
    assert desk.look_up().kind is OutcomeKind.PENDING


def test_a_try_that_failed_was_perhaps_not_the_last_one(desk: Any) -> None:
    failed = desk.charge(token=desk.token(number="4000000000000002"))
    assert desk.look_up(gateway_reference=failed.gateway_reference).kind is OutcomeKind.DECLINED
    paid = desk.charge()
    found = desk.look_up(gateway_reference=failed.gateway_reference)
    assert (found.kind, found.gateway_reference) == (OutcomeKind.SUCCEEDED, paid.gateway_reference)


def test_of_two_payments_on_an_old_page_the_first_is_ours_and_both_are_listed(desk: Any) -> None:
    first = desk.charge()
    desk.advance(minutes=1)
    second = desk.charge()
    assert desk.look_up().gateway_reference == first.gateway_reference
    assert desk.look_up(gateway_reference=second.gateway_reference).gateway_reference == second.gateway_reference
    assert {line.id for line in desk.lines()} == {first.gateway_reference, second.gateway_reference}


def test_a_refund_with_the_same_reference_is_no_charge(desk: Any) -> None:
    other = desk.charge(reference="attempt-2")
    desk.api("POST", f"charges/{other.gateway_reference}/refund", {"amount": 5, "reference": "attempt-1"})
    assert desk.look_up().kind is OutcomeKind.ABSENT


def test_time_turns_success_into_a_return(desk: Any) -> None:
    desk.charge(method=Method.BANK, token=desk.bank_token(account_number="1000000011"))
    desk.advance(days=1)
    assert desk.look_up().kind is OutcomeKind.SUCCEEDED
    desk.advance(days=5)
    outcome = desk.look_up()
    assert outcome.kind is OutcomeKind.RETURNED
    assert "not enough money" in outcome.message


def test_a_chargeback_is_a_return(desk: Any) -> None:
    desk.charge(token=desk.token(number="4000000000000259"))
    desk.advance(days=59)
    assert desk.look_up().kind is OutcomeKind.SUCCEEDED
    desk.advance(days=2)
    assert desk.look_up().kind is OutcomeKind.RETURNED


def test_a_void_at_lawpay_is_a_return(desk: Any) -> None:
    outcome = desk.charge()
    desk.api("POST", f"transactions/{outcome.gateway_reference}/void", {})
    found = desk.look_up()
    assert (found.kind, found.refunds) == (OutcomeKind.RETURNED, ())


def test_a_refund_made_at_lawpay_is_told(desk: Any) -> None:
    outcome = desk.charge()
    desk.api("POST", f"charges/{outcome.gateway_reference}/refund", {"amount": 5})
    [fact] = desk.look_up().refunds
    assert (fact.amount_minor, fact.reference, fact.kind) == (5, "", OutcomeKind.SUCCEEDED)


@pytest.mark.parametrize("fault", ["unavailable", "unauthorized", "rate_limited", "garbage"])
def test_a_list_that_does_not_come_is_unknown(desk: Any, fault: str) -> None:
    desk.charge()
    desk.world.faults.switch_on(fault)
    assert desk.look_up().kind is OutcomeKind.UNKNOWN
    assert desk.look_up(gateway_reference="x").kind is OutcomeKind.UNKNOWN


@pytest.mark.parametrize(
    "answer",
    [
        (200, {}), (200, {"results": None}), page("x"), page(row("x"), number=2), page(row("x"), total_entries="1"),
        (200, {"page": 1, "results": []}), page(total=500), (200, []), (404, {}), page(page_size=0), page(total=True),
    ],
)  # fmt: skip
def test_a_list_that_does_not_add_up_proves_no_absence(canned: Any, desk: Any, answer: Any) -> None:
    ctx = canned({"GET transactions": [answer]})
    query = replace(desk.query(), merchant_account="c+b")
    assert gateway.gateway_lookup(ctx, query).kind is OutcomeKind.UNKNOWN


def test_a_list_without_an_end_proves_no_absence(canned: Any, desk: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lists, "MOST_PAGES", 3)
    answers = [page(row("x"), number=number, total=10**6) for number in (1, 2, 3)]
    assert gateway.gateway_lookup(canned({"GET transactions": answers}), desk.query()).kind is OutcomeKind.UNKNOWN


def test_a_list_is_left_where_it_is_half_a_year_old(canned: Any, desk: Any) -> None:
    old = row("x", created="2026-01-15T15:00:00.000Z")
    ctx = canned({"GET transactions": [page(row("y"), old, total=10**6)]})
    assert gateway.gateway_lookup(ctx, desk.query()).kind is OutcomeKind.ABSENT
    mixed = canned({"GET transactions": [page(old, row("y"), total=2)]})
    assert gateway.gateway_lookup(mixed, desk.query()).kind is OutcomeKind.ABSENT


def test_listed_but_unreadable_is_unknown(canned: Any, desk: Any) -> None:
    ctx = canned({"GET transactions": [page(row("attempt-1"))], "GET transactions/attempt-1": [(404, {})]})
    assert gateway.gateway_lookup(ctx, desk.query()).kind is OutcomeKind.UNKNOWN


def test_what_the_address_says_on_the_way_back_is_not_believed(desk: Any) -> None:
    desk.charge()
    args = {"status": "COMPLETED", "id": "forged", "reference": "attempt-2", "amount": "1"}
    query = replace(desk.query("attempt-2"), args=args)
    assert gateway.gateway_return(desk.ctx(), query).kind is OutcomeKind.ABSENT


def test_the_clock_of_a_rehearsal_may_be_years_behind(desk: Any) -> None:
    desk.charge()
    ctx = replace(desk.ctx(), now=desk.world.now() + dt.timedelta(days=3000))
    assert gateway.gateway_lookup(ctx, desk.query()).kind is OutcomeKind.SUCCEEDED


def test_odd_ids_stay_in_their_path(desk: Any) -> None:
    desk.look_up(gateway_reference="../merchant?x=1#y")
    assert desk.http.calls[0][0] == "GET /v1/transactions/..%2Fmerchant%3Fx%3D1%23y"
