"""Giving money back: once, never more than came, and at its own pace."""

from __future__ import annotations

import threading
from dataclasses import replace
from typing import Any

import pytest

from portal_app.plugin_api import NeverSent, OutcomeKind, RefundFact
from portal_sandbox import gateway

CARD = "4242424242424242"
FAILING = "4000000000005126"
LOSING = "4000000000000119"


def test_a_part_is_given_back_to_a_card_at_once(desk: Any) -> None:
    charge = desk.charge(desk.token(CARD))
    outcome = desk.refund(120_000)
    assert (outcome.kind, outcome.amount_minor, outcome.currency) == (OutcomeKind.SUCCEEDED, 120_000, "USD")
    assert outcome.merchant_account == "sandbox-operating"
    assert outcome.gateway_reference.startswith("re_")
    assert desk.find_refund() == outcome
    found = desk.lookup()
    assert found.kind is OutcomeKind.SUCCEEDED
    assert found.amount_minor == charge.amount_minor == 500_000, "the charge stays what it was"
    assert found.refunds == (
        RefundFact(
            gateway_reference=outcome.gateway_reference,
            kind=OutcomeKind.SUCCEEDED,
            amount_minor=120_000,
            reference="refund-1",
        ),
    )


def test_several_parts_never_exceed_the_whole(desk: Any) -> None:
    desk.charge(desk.token(CARD))
    assert desk.refund(200_000, "refund-1").kind is OutcomeKind.SUCCEEDED
    assert desk.refund(200_000, "refund-2", before=200_000).kind is OutcomeKind.SUCCEEDED
    over = desk.refund(100_001, "refund-3", before=400_000)
    assert (over.kind, over.code) == (OutcomeKind.DECLINED, "too_much")
    assert over.message == "This is more than is left of the payment. Nothing was given back."
    assert desk.find_refund("refund-3").kind is OutcomeKind.ABSENT
    assert desk.refund(100_000, "refund-4", before=400_000).kind is OutcomeKind.SUCCEEDED
    assert desk.refund(1, "refund-5", before=500_000).code == "too_much"
    assert sum(fact.amount_minor for fact in desk.lookup().refunds) == 500_000


def test_one_reference_gives_back_once(desk: Any) -> None:
    desk.charge(desk.token(CARD))
    first = desk.refund(1_000)
    assert desk.refund(1_000) == first
    other = desk.refund(2_000)
    assert (other.kind, other.code) == (OutcomeKind.UNKNOWN, "http_409"), "other money is doubt, not refusal"
    assert len(desk.lookup().refunds) == 1
    desk.restart()
    assert desk.refund(1_000) == first


def test_a_reference_belongs_to_one_charge(desk: Any) -> None:
    desk.charge(desk.token(CARD))
    desk.charge(desk.token(CARD), "attempt-2")
    desk.refund(1_000)
    assert desk.refund(1_000, of="attempt-2").kind is OutcomeKind.UNKNOWN
    assert desk.lookup("attempt-2").refunds == ()


def test_a_refund_that_was_made_stays_made_when_it_is_asked_for_again_later(desk: Any) -> None:
    desk.charge(desk.token(CARD))
    whole = desk.refund(500_000, before=0)
    assert desk.refund(500_000, before=0) == whole, "the charge has nothing left, and still this is the same refund"


def test_eight_threads_give_back_no_more_than_came(desk: Any) -> None:
    desk.charge(desk.token(CARD))
    orders = [desk.refund_order(100_000, f"refund-{number}", "attempt-1") for number in range(8)]
    kinds: list[OutcomeKind] = []
    gate = threading.Barrier(8)

    def ask(order: Any) -> None:
        gate.wait()
        kinds.append(gateway.gateway_refund(desk.ctx(), order).kind)

    threads = [threading.Thread(target=ask, args=(order,)) for order in orders]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(kinds) == [OutcomeKind.DECLINED] * 3 + [OutcomeKind.SUCCEEDED] * 5


def test_a_whole_charge_is_voided_while_it_is_young(desk: Any) -> None:
    charge = desk.charge(desk.token(CARD))
    desk.clock.now += 599
    outcome = desk.refund(500_000)
    assert (outcome.kind, outcome.amount_minor) == (OutcomeKind.SUCCEEDED, 500_000)
    assert outcome.gateway_reference == charge.gateway_reference, "a void goes by the charge's id"
    assert desk.find_refund() == outcome
    found = desk.lookup()
    assert (found.kind, found.code) == (OutcomeKind.RETURNED, "voided")
    assert [(fact.reference, fact.amount_minor) for fact in found.refunds] == [("refund-1", 500_000)]


def test_only_a_whole_and_young_charge_is_voided(desk: Any) -> None:
    desk.charge(desk.token(CARD), "old")
    desk.clock.now += 600
    assert desk.refund(500_000, "r-old", "old").gateway_reference.startswith("re_")
    desk.charge(desk.token(CARD), "part")
    assert desk.refund(499_999, "r-part", "part").gateway_reference.startswith("re_")
    assert desk.refund(1, "r-rest", "part", before=499_999).gateway_reference.startswith("re_")
    assert desk.lookup("part").kind is OutcomeKind.SUCCEEDED
    desk.charge(desk.token(CARD), "misjudged")
    desk.refund(1_000, "r-first", "misjudged")
    assert desk.refund(499_000, "r-second", "misjudged", charged=499_000).gateway_reference.startswith("re_")


def test_a_bank_refund_is_on_its_way_for_a_minute(desk: Any) -> None:
    desk.charge(desk.bank_token("000123456789"))
    too_early = desk.refund(500_000)
    assert (too_early.kind, too_early.code) == (OutcomeKind.DECLINED, "not_refundable")
    desk.clock.now += 60
    outcome = desk.refund(500_000, "refund-2")
    assert outcome.kind is OutcomeKind.PENDING
    assert desk.lookup().refunds[0].kind is OutcomeKind.PENDING
    assert desk.refund(1, "refund-3", before=500_000).code == "too_much", "what is on its way counts"
    desk.clock.now += 59
    assert desk.find_refund("refund-2").kind is OutcomeKind.PENDING
    desk.clock.now += 1
    assert desk.find_refund("refund-2").kind is OutcomeKind.SUCCEEDED


def test_a_refund_can_fail_after_it_had_succeeded(desk: Any) -> None:
    desk.charge(desk.token(FAILING))
    assert desk.refund(500_000).kind is OutcomeKind.SUCCEEDED
    desk.clock.now += 60
    late = desk.find_refund()
    assert (late.kind, late.code) == (OutcomeKind.DECLINED, "refund_failed")
    assert desk.lookup().refunds[0].kind is OutcomeKind.DECLINED
    assert desk.refund(500_000, "refund-2").kind is OutcomeKind.SUCCEEDED, "the money is there again"


def test_a_lost_answer_to_a_refund_is_found_by_asking(desk: Any) -> None:
    desk.charge(desk.token(LOSING))
    assert (desk.refund(1_000).kind, desk.refund(1_000).kind) == (OutcomeKind.UNKNOWN, OutcomeKind.SUCCEEDED)
    assert desk.find_refund().kind is OutcomeKind.SUCCEEDED
    assert len(desk.lookup().refunds) == 1


@pytest.mark.parametrize("number", ["4000000000000002", "4000000000003220"])
def test_what_never_came_cannot_be_given_back(desk: Any, number: str) -> None:
    desk.charge(desk.token(number))
    assert (desk.refund(1).kind, desk.refund(1).code) == (OutcomeKind.DECLINED, "not_refundable")


def test_what_is_disputed_cannot_be_given_back(desk: Any) -> None:
    charge = desk.charge(desk.token(CARD))
    desk.press("dispute", charge.gateway_reference)
    assert desk.refund(1).code == "too_much"


def test_a_refund_of_nothing_known_is_doubt(desk: Any) -> None:
    assert desk.refund(1).kind is OutcomeKind.UNKNOWN
    assert desk.find_refund().kind is OutcomeKind.ABSENT


def test_a_refund_that_never_left_is_not_submitted(desk: Any) -> None:
    def unplugged(*_args: Any, **_named: Any) -> Any:
        raise NeverSent

    order = desk.refund_order(1, "refund-1", "attempt-1")
    outcome = gateway.gateway_refund(replace(desk.ctx(), http=unplugged), order)
    assert outcome.kind is OutcomeKind.NOT_SUBMITTED


def test_a_wrong_key_gives_nothing_back(desk: Any) -> None:
    desk.charge(desk.token(CARD))
    order = desk.refund_order(1, "refund-1", "attempt-1")
    outcome = gateway.gateway_refund(desk.ctx(secret_key="sk_live_1"), order)
    assert (outcome.kind, outcome.code) == (OutcomeKind.DECLINED, "bad_key")
    assert desk.find_refund().kind is OutcomeKind.ABSENT


@pytest.mark.parametrize("wrong", [{"amount_minor": 0}, {"amount_minor": True}, {"reference": ""}, {"charge": None}])
def test_a_wrong_order_gives_nothing_back(desk: Any, wrong: dict[str, Any]) -> None:
    charge = desk.charge(desk.token(CARD))
    sent = {"reference": "refund-1", "charge": charge.gateway_reference, "amount_minor": 100} | wrong
    answer = desk.web.post("/v1/refunds", json=sent, headers={"Authorization": "Bearer sk_sandbox_x"})
    assert answer.status_code == 422
    assert desk.lookup().refunds == ()
