"""Refunds: whole, in parts, too much, lost on the way; and made at Stripe behind the portal's back."""

from __future__ import annotations

from typing import Any

import pytest

from portal_app.plugin_api import OutcomeKind
from portal_stripe.fake import open_dispute, refunds
from portal_stripe.fake.core import DAY


def test_parts_up_to_the_whole(desk: Any) -> None:
    paid = desk.charge()
    first = desk.refund(paid, 10_000)
    assert (first.kind, first.amount_minor, first.currency) == (OutcomeKind.SUCCEEDED, 10_000, "USD")
    over = desk.refund(paid, 2_346, "refund-2", refunded=10_000)
    assert over.kind is OutcomeKind.DECLINED
    assert desk.refund(paid, 2_345, "refund-3", refunded=10_000).kind is OutcomeKind.SUCCEEDED
    none_left = desk.refund(paid, 1, "refund-4", refunded=12_345)
    assert (none_left.kind, none_left.code) == (OutcomeKind.DECLINED, "charge_already_refunded")
    facts = desk.look(id=paid.gateway_reference).refunds
    assert {(each.reference, each.amount_minor, each.kind) for each in facts} == {
        ("refund-1", 10_000, OutcomeKind.SUCCEEDED), ("refund-3", 2_345, OutcomeKind.SUCCEEDED),
    }  # fmt: skip


def test_pressed_twice_it_is_one_refund(desk: Any) -> None:
    paid = desk.charge()
    first, second = desk.refund(paid, 100), desk.refund(paid, 100)
    assert first.gateway_reference == second.gateway_reference
    assert len(desk.fake.all("refund")) == 1


@pytest.mark.parametrize(("fault", "times", "made"), [("lost", 2, 1), ("error_after", 1, 1), ("error_before", 1, 0)])
def test_a_lost_refund_is_unknown_and_is_found(desk: Any, fault: str, times: int, made: int) -> None:
    paid = desk.charge()
    desk.fake.fault(fault, path="/v1/refunds", times=times)
    assert desk.refund(paid, 100).kind is OutcomeKind.UNKNOWN
    found = desk.look_refund(paid)
    assert found.kind is (OutcomeKind.SUCCEEDED if made else OutcomeKind.ABSENT)
    assert len(desk.fake.all("refund")) == made


def test_one_lost_answer_is_asked_for_again(desk: Any) -> None:
    paid = desk.charge()
    desk.fake.fault("lost", path="/v1/refunds")
    assert desk.refund(paid, 100).kind is OutcomeKind.SUCCEEDED
    assert len(desk.fake.all("refund")) == 1


def test_a_bank_refund_is_on_its_way_and_may_come_back(desk: Any) -> None:
    desk.debit()
    desk.fake.advance(5 * DAY)
    paid = desk.look()
    sent, lost = desk.refund(paid, 100), desk.refund(paid, 200, "refund-2", refunded=100)
    assert {sent.kind, lost.kind} == {OutcomeKind.PENDING}
    refunds.fail(desk.fake, lost.gateway_reference)
    desk.fake.advance(4 * DAY)
    assert desk.look_refund(paid, id=sent.gateway_reference).kind is OutcomeKind.SUCCEEDED
    back = desk.look_refund(paid, "refund-2")
    assert (back.kind, back.code) == (OutcomeKind.DECLINED, "account_closed")


def test_a_disputed_charge_is_not_refunded_as_well(desk: Any) -> None:
    paid = desk.charge()
    open_dispute(desk.fake, desk.fake.object(paid.gateway_reference)["latest_charge"])
    told = desk.refund(paid, 100)
    assert (told.kind, told.code) == (OutcomeKind.DECLINED, "charge_disputed")


def test_a_refund_made_at_stripe_is_told_with_the_charge(desk: Any) -> None:
    paid = desk.charge()
    charge = desk.fake.object(paid.gateway_reference)["latest_charge"]
    from portal_stripe.fake import Scope

    refunds.create(desk.fake, Scope("acct_firm", False), {"charge": charge, "amount": "500"})
    (fact,) = desk.look(id=paid.gateway_reference).refunds
    assert (fact.reference, fact.amount_minor) == ("", 500)


def test_a_charge_made_on_stripes_page_is_refunded_too(desk: Any) -> None:
    from portal_stripe.fake import pay_page

    page = desk.begin()
    pay_page(desk.fake, page.gateway_reference, number="4242424242424242")
    paid = desk.look(id=page.gateway_reference)
    assert desk.refund(paid, 5000).kind is OutcomeKind.SUCCEEDED
