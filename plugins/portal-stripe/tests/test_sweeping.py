"""The sweep: everything that moved, with its fee; and the lines that are proposed for it."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest

from portal_app.plugin_api import (
    ExternalTransaction,
    Fund,
    LedgerFact,
    OutcomeKind,
    Role,
    TransactionKind,
)
from portal_stripe import gateway
from portal_stripe.fake import close_dispute, fail_payout, open_dispute, pay_out
from portal_stripe.fake.core import DAY
from portal_stripe.sweeping import OtherAccount, transaction


def of(found: list[ExternalTransaction], kind: TransactionKind) -> list[ExternalTransaction]:
    return [each for each in found if each.kind is kind]


def lines(found: ExternalTransaction, fund: Fund = Fund.OPERATING) -> dict[Role, int] | None:
    proposed = gateway.gateway_ledger_lines(LedgerFact(transaction=found, fund=fund))
    return {each.role: each.amount_minor for each in proposed} if proposed else None


def test_a_month(desk: Any) -> None:
    paid, debit = desk.charge(), desk.debit(reference="attempt-2")
    desk.fake.advance(5 * DAY)
    disputed = open_dispute(
        desk.fake, desk.fake.object(desk.charge(reference="attempt-3").payload["latest_charge"]["id"])["id"]
    )
    refund = desk.refund(paid, 345)
    close_dispute(desk.fake, disputed["id"], is_won=True)
    desk.fake.advance(3 * DAY)
    payout = pay_out(desk.fake)
    assert payout
    found = desk.swept()
    charges = {each.reference: each for each in of(found, TransactionKind.CHARGE)}
    assert charges["attempt-1"].id == paid.gateway_reference
    assert (charges["attempt-1"].amount_minor, charges["attempt-1"].fee_minor) == (12_345, 388)
    assert (charges["attempt-2"].id, charges["attempt-2"].fee_minor) == (debit.gateway_reference, 99)
    (back,) = of(found, TransactionKind.REFUND)
    assert (back.id, back.reference, back.amount_minor) == (refund.gateway_reference, "refund-1", 345)
    assert back.charge_gateway_reference == paid.gateway_reference
    assert [each.fee_minor for each in of(found, TransactionKind.DISPUTE)] == [0, 1500]
    (given_back,) = of(found, TransactionKind.OTHER)
    assert (given_back.amount_minor, given_back.description) == (1500, "a fee that Stripe gave back")
    (sent,) = of(found, TransactionKind.PAYOUT)
    assert (sent.id, sent.amount_minor, sent.outcome) == (payout["id"], payout["amount"], OutcomeKind.SUCCEEDED)
    assert all(each.occurred_at.tzinfo for each in found)
    assert len({(each.kind, each.id) for each in found}) == len(found)


def test_what_was_not_made_through_the_portal_is_listed_too(desk: Any) -> None:
    from portal_stripe.fake import Scope, intents

    params = {"amount": "700", "currency": "usd", "confirm": "true", "payment_method": "pm_card_visa",
              "allowed_payment_method_types": ["card"]}  # fmt: skip
    made = intents.create(desk.fake, Scope("acct_firm", False), params)
    desk.fake.advance(5)
    (found,) = desk.swept()
    assert (found.id, found.reference, found.amount_minor) == (made["id"], "", 700)


def test_the_list_goes_on_page_by_page(desk: Any) -> None:
    for number in range(105):
        desk.charge(reference=f"attempt-{number}")
    desk.fake.advance(5)
    first = desk.listed()
    second = desk.listed(first.next_cursor)
    assert (len(first.transactions), len(second.transactions)) == (100, 5)
    assert len({each.id for each in desk.swept()}) == 105


def test_a_payout_is_listed_when_it_has_arrived(desk: Any) -> None:
    desk.charge()
    desk.fake.advance(3 * DAY)
    made = pay_out(desk.fake)
    assert made
    made.update(status="in_transit", arrival_date=desk.fake.now + 4 * DAY)
    assert not of(desk.swept(), TransactionKind.PAYOUT), "it is on its way"
    desk.fake.advance(4 * DAY + 1)
    (pending,) = of(desk.swept(), TransactionKind.PAYOUT)
    assert (pending.outcome, lines(pending)) == (OutcomeKind.PENDING, None)
    made["status"] = "paid"
    (arrived,) = of(desk.swept(), TransactionKind.PAYOUT)
    assert lines(arrived) == {BANK: 11_957, CLEARING: -11_957}
    made.update(status="failed")
    (failed,) = of(desk.swept(), TransactionKind.PAYOUT)
    assert (failed.outcome, lines(failed)) == (OutcomeKind.RETURNED, None)
    made.update(status="paid", amount=-500)
    (taken,) = (each for each in desk.swept() if each.id == made["id"])
    assert (taken.kind, taken.amount_minor, lines(taken)) == (TransactionKind.OTHER, 500, None)


def test_a_payout_that_failed_is_listed_again_however_late(desk: Any) -> None:
    desk.charge()
    desk.fake.advance(3 * DAY)
    made = pay_out(desk.fake)
    assert made
    desk.fake.advance(30 * DAY)
    fail_payout(desk.fake, made["id"])
    fail_payout(desk.fake, made["id"])
    desk.fake.advance(1)
    lately = [each for each in desk.swept() if each.kind is TransactionKind.PAYOUT]
    assert {(each.id, each.outcome, each.amount_minor) for each in lately} == {
        (made["id"], OutcomeKind.RETURNED, made["amount"])
    }
    again = pay_out(desk.fake)
    assert again
    assert again["amount"] == made["amount"]


def test_only_the_own_account_is_listed(desk: Any) -> None:
    with pytest.raises(OtherAccount):
        desk.listed(account="acct_other")


def external(kind: TransactionKind, **more: Any) -> ExternalTransaction:
    given: dict[str, Any] = {
        "id": "x", "kind": kind, "outcome": OutcomeKind.SUCCEEDED, "amount_minor": 1000, "currency": "USD",
        "merchant_account": "acct_firm", "occurred_at": dt.datetime(2030, 1, 1, tzinfo=dt.UTC), "fee_minor": 59,
    }  # fmt: skip
    return ExternalTransaction(**(given | more))


FEES, CLEARING, BANK = Role.MERCHANT_FEES, Role.CLEARING, Role.BANK


@pytest.mark.parametrize(
    ("found", "fund", "wanted"),
    [
        (external(TransactionKind.CHARGE), Fund.OPERATING, {FEES: 59, CLEARING: -59}),
        (external(TransactionKind.CHARGE, fee_minor=0), Fund.OPERATING, None),
        (external(TransactionKind.REFUND, fee_minor=0), Fund.OPERATING, None),
        (external(TransactionKind.DISPUTE), Fund.OPERATING, {FEES: 59, CLEARING: -59}),
        (external(TransactionKind.FEE), Fund.OPERATING, {FEES: 1000, CLEARING: -1000}),
        (external(TransactionKind.PAYOUT), Fund.OPERATING, {BANK: 1000, CLEARING: -1000}),
        (external(TransactionKind.PAYOUT, outcome=OutcomeKind.PENDING), Fund.OPERATING, None),
        (external(TransactionKind.PAYOUT, outcome=OutcomeKind.RETURNED), Fund.OPERATING, None),
        (external(TransactionKind.PAYOUT), Fund.TRUST, None),
        (external(TransactionKind.OTHER), Fund.OPERATING, None),
        (external(TransactionKind.CHARGE), Fund.TRUST, None),
        (external(TransactionKind.FEE), Fund.TRUST, None),
    ],
)
def test_lines(found: ExternalTransaction, fund: Fund, wanted: dict[Role, int] | None) -> None:
    proposed = lines(found, fund)
    assert proposed == wanted
    assert sum((proposed or {}).values()) == 0


@pytest.mark.parametrize(
    ("type", "source", "kind"),
    [
        ("stripe_fee", None, TransactionKind.FEE),
        ("refund_failure", {"object": "refund", "id": "re_1"}, TransactionKind.OTHER),
        ("adjustment", {"object": "charge", "id": "ch_1"}, TransactionKind.OTHER),
        ("a_type_of_next_year", None, TransactionKind.OTHER),
    ],
)
def test_what_is_not_plainly_understood_waits_for_a_person(type: str, source: Any, kind: TransactionKind) -> None:
    told = {"id": "txn_1", "type": type, "source": source, "amount": -700, "currency": "usd", "created": 1, "fee": 0}
    found = transaction(told, "acct_firm")
    assert (found.kind, found.id, found.amount_minor) == (kind, "txn_1", 700)
