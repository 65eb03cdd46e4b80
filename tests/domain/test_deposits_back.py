"""Deposits that go back: by the firm's word, by the payer's bank, by a dispute. On both databases."""

from __future__ import annotations

from typing import Any

import pytest

from portal_app import gateways
from portal_app.domain import ledger, payments, trust
from portal_app.domain.errors import Refused
from portal_app.domain.payments import BankAccount, Payment
from portal_app.plugin_api import DisputeFact, DisputeState, Fund, Outcome, OutcomeKind
from portal_app.verify import verify
from tests.deposits import ask, collect, entry, held, open_trust, pay, spend
from tests.fake_gateway import FakeGateway
from tests.world import World, today


@pytest.fixture
def bank(world: World) -> BankAccount:
    return open_trust(world)


def refund(world: World, payment: Payment, cents: int, key: str = "refund-1", by: Any = None) -> payments.Refund:
    left = payments.refundable_cents(payment)
    started = payments.start_refund(
        payment, amount_cents=cents, expected_left_cents=left, is_owed_again=True, reason="", key=key,
        by=by or world.carol,
    )  # fmt: skip
    return gateways.refund(started)


def dispute(world: World, gateway: FakeGateway, payment: Payment, state: DisputeState) -> None:
    fact = DisputeFact(gateway_reference="dp_1", amount_minor=payment.amount_cents, currency="USD", state=state)
    attempt = gateways.attempt_of(payment)
    payments.settle(attempt.id, gateway.succeeded(attempt.reference, disputes=(fact,)))


def test_what_differs_can_be_given_back(world: World, bank: BankAccount) -> None:
    ask(world, bank, 1_000)
    less = pay(world, 1_000, "less")
    payments.give_back(less, note="At the gateway", by=world.erin)
    assert held(world, bank) == 0
    assert ledger.account_balance("clearing:fake:trust") == 0
    assert payments.offer(world.alice, Fund.TRUST).available_cents == 1_000
    assert not verify().faults


def test_T09_a_deposit_may_be_given_back_once_it_is_collected(world: World, bank: BankAccount) -> None:
    ask(world, bank, 1_000)
    paid = pay(world, 1_000)
    assert payments.refundable_cents(paid) == 0
    collect(paid)
    assert payments.refundable_cents(paid) == 1_000


def test_T12_a_deposit_is_given_back_by_a_lawyers_word(world: World, bank: BankAccount) -> None:
    request = ask(world, bank, 1_000)
    paid = pay(world, 1_000)
    collect(paid)
    with pytest.raises(Refused, match="lawyer"):
        refund(world, paid, 300, by=world.erin)
    assert refund(world, paid, 300).state == "succeeded"
    assert held(world, bank) == 700
    assert ledger.account_balance("clearing:fake:trust") == 700
    assert payments.refundable_cents(paid) == 700
    assert payments.find_deposit_for(world.alice, request.public_id).state(today()) == "paid"
    trust.authorise(
        world.matter, bank, kind="refund", amount_cents=200, payee=world.alice.name, purpose="Unearned", by=world.dan
    )
    assert refund(world, paid, 200, "refund-2", by=world.erin).state == "succeeded"
    assert held(world, bank) == 500
    assert not verify().faults
    assert not trust.problems()


def test_T02_no_more_is_given_back_than_the_ledger_still_has(world: World, bank: BankAccount) -> None:
    ask(world, bank, 1_000)
    paid = pay(world, 1_000)
    collect(paid)
    spend(world, bank, 800)
    assert payments.refundable_cents(paid) == 200
    with pytest.raises(Refused, match="up to"):
        refund(world, paid, 201)
    assert refund(world, paid, 200).state == "succeeded"
    assert held(world, bank) == 0


def test_T10_a_refund_whose_money_was_drawn_meanwhile_is_booked_all_the_same(world: World, bank: BankAccount) -> None:
    ask(world, bank, 1_000)
    paid = pay(world, 1_000)
    collect(paid)
    started = payments.start_refund(
        paid, amount_cents=900, expected_left_cents=1_000, is_owed_again=True, reason="", key="r", by=world.carol
    )
    spend(world, bank, 800)
    assert gateways.refund(started).state == "succeeded"
    assert held(world, bank) == -700
    assert [row.shortfall_cents for row in trust.open_incidents()] == [700]
    assert not verify().faults


def test_T10_a_return_of_money_that_was_spent_opens_a_shortfall(world: World, bank: BankAccount) -> None:
    ask(world, bank, 1_000)
    paid = pay(world, 1_000)
    collect(paid)
    spend(world, bank, 600)
    payments.settle(gateways.attempt_of(paid).id, Outcome(kind=OutcomeKind.RETURNED, amount_minor=1_000))
    assert held(world, bank) == -600
    (incident,) = trust.open_incidents()
    assert (incident.shortfall_cents, trust.to_replenish(incident)) == (600, 600)
    assert not verify().faults
    assert not trust.problems()


def test_T10_a_return_takes_exactly_the_deposit_back(world: World, bank: BankAccount) -> None:
    request = ask(world, bank, 1_500)
    first = pay(world, 1_000, plan={request.id: 1_000})
    second = pay(world, 500, key="deposit-2")
    attempt = gateways.attempt_of(first)
    payments.settle(attempt.id, Outcome(kind=OutcomeKind.RETURNED, amount_minor=1_000))
    assert entry(f"payment:{first.id}:returned") == [
        (f"trust:{bank.id}", 1_000, world.matter.id), ("clearing:fake:trust", -1_000, None),
    ]  # fmt: skip
    assert held(world, bank) == 500
    assert payments.find_deposit_for(world.alice, request.public_id).balance_cents == 1_000
    assert payments.left_cents(second) == 500
    assert not verify().faults


def test_T10_a_dispute_takes_the_deposit_off_its_ledger_until_it_is_won(
    world: World, bank: BankAccount, gateway: FakeGateway
) -> None:
    request = ask(world, bank, 1_000)
    paid = pay(world, 1_000)
    dispute(world, gateway, paid, DisputeState.OPEN)
    assert held(world, bank) == 0
    assert payments.find_deposit_for(world.alice, request.public_id).balance_cents == 1_000
    assert payments.refundable_cents(paid) == 0
    assert not verify().faults
    dispute(world, gateway, paid, DisputeState.WON)
    assert held(world, bank) == 1_000
    dispute(world, gateway, paid, DisputeState.LOST)
    assert held(world, bank) == 0
    assert ledger.account_balance("disputed") == 0
    assert not verify().faults
