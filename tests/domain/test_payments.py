"""From "Pay Now" to "paid": states, reservations, faults; on both databases."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest

from portal_app import clock, gateways
from portal_app.domain import ledger, payments
from portal_app.domain.errors import Refused
from portal_app.domain.payments import Attempt, Payment
from portal_app.plugin_api import BillingAddress, Flow, Method, Outcome, OutcomeKind
from tests.fake_gateway import FakeGateway
from tests.world import World, today

BILLING = BillingAddress(
    name="Alice Vasquez-Thornbury", address1="48 Placeholder Lane", city="Springfield", state="IL", postal_code="62704"
)


def order(cents: int, key: str = "key-1", **changes: Any) -> payments.Order:
    values: dict[str, Any] = {"plan": {}, "method": Method.CARD, "flow": Flow.FIELDS, "billing": BILLING} | changes
    return payments.Order(key=key, amount_cents=cents, **values)


def pay(world: World, cents: int, token: str = "ok", key: str = "key-1") -> Payment:
    payment = payments.start(world.alice, world.gateway, order(cents, key))
    return gateways.charge(payment, token)


def test_a_part_payment_clears_the_oldest_invoice_first(world: World) -> None:
    assert payments.offer(world.alice).balance_cents == 204_000  # 1,240.00 + 800.00

    paid = pay(world, 150_000)

    assert paid.state == "succeeded"
    assert paid.receipt_number
    assert ledger.invoice_balance(world.invoice.id) == 0
    assert ledger.invoice_balance(world.second.id) == 54_000
    assert ledger.matter_balances([world.matter]).get(world.matter.id, 0) == 54_000
    assert ledger.account_balance("clearing:fake") == 150_000
    line = ledger.for_matter(world.matter)[0]
    assert (line.entry.description, line.credit_cents, line.balance_cents) == ("Paid from portal", 150_000, 54_000)
    assert line.payer_name == world.alice.name
    assert set(line.invoice_ids) == {world.invoice.id, world.second.id}


def test_the_same_key_is_the_same_payment(world: World, gateway: FakeGateway) -> None:
    first = pay(world, 10_000)
    again = pay(world, 99_999)
    assert again.id == first.id
    assert again.amount_cents == 10_000
    assert len(gateway.charges) == 1


def test_more_than_the_balance_is_refused_and_nothing_is_written(world: World) -> None:
    with pytest.raises(Refused, match="more than your balance"):
        pay(world, 204_001)
    assert Payment.select().count() == 0


@pytest.mark.parametrize("token", ["declined", "canceled", "not_submitted", "unsent"])
def test_a_definite_no_frees_the_amount(world: World, token: str) -> None:
    payment = pay(world, 204_000, token)
    assert payment.state in payments.FREEING
    assert payment.message
    assert payments.offer(world.alice).available_cents == 204_000
    assert ledger.account_balance("clearing:fake") == 0


@pytest.mark.parametrize("token", ["lost", "garbage", "unknown", "pending", "action_required"])
def test_unknown_is_never_failed_and_holds_the_amount(world: World, token: str) -> None:
    payment = pay(world, 200_000, token)
    assert payment.state in {"unknown", "pending", "action_required"}
    assert payments.offer(world.alice).available_cents == 4_000
    with pytest.raises(Refused, match="being confirmed"):
        pay(world, 4_001, key="key-2")


def test_a_lost_answer_is_found_and_charged_once(world: World, gateway: FakeGateway) -> None:
    with clock.frozen(clock.now()) as advance:
        payment = pay(world, 50_000, "lost")
        assert gateways.recover() == 0  # not before half a minute has passed
        advance(dt.timedelta(seconds=31))
        assert gateways.recover() == 1
        assert gateways.recover() == 0
    assert Payment.get_by_id(payment.id).state == "succeeded"
    assert ledger.account_balance("clearing:fake") == 50_000
    assert len(gateway.charges) == 1


def test_absence_counts_only_after_the_horizon(world: World) -> None:
    with clock.frozen(clock.now()) as advance:
        payment = pay(world, 50_000, "unknown")
        advance(dt.timedelta(seconds=31))  # the fake gateway's horizon is a minute
        gateways.recover()
        assert Payment.get_by_id(payment.id).state == "unknown"
        advance(dt.timedelta(minutes=5))
        gateways.recover()
    assert Payment.get_by_id(payment.id).state == "not_submitted"
    assert payments.offer(world.alice).available_cents == 204_000


def test_a_payment_that_was_never_sent_is_given_up(world: World, gateway: FakeGateway) -> None:
    with clock.frozen(clock.now()) as advance:
        payment = payments.start(world.alice, world.gateway, order(50_000))
        advance(dt.timedelta(minutes=16))
        gateways.recover()
    assert Payment.get_by_id(payment.id).state == "not_submitted"
    assert gateway.asked == []


def test_a_late_proof_of_success_wins_and_the_surplus_is_kept(world: World, gateway: FakeGateway) -> None:
    late = pay(world, 204_000, "declined")
    pay(world, 204_000, key="key-2")
    outcome = Outcome(
        kind=OutcomeKind.SUCCEEDED, amount_minor=204_000, currency="usd", merchant_account="fake-operating"
    )
    payments.settle(gateways.attempt_of(late).id, outcome)
    assert Payment.get_by_id(late.id).state == "succeeded"
    assert ledger.matter_balances([world.matter]).get(world.matter.id, 0) == 0
    assert ledger.account_balance("unapplied") == -204_000


@pytest.mark.parametrize("token", ["less", "elsewhere"])
def test_what_differs_from_the_order_goes_to_suspense(world: World, token: str) -> None:
    payment = pay(world, 50_000, token)
    assert payment.state == "review"
    assert ledger.matter_balances([world.matter]).get(world.matter.id, 0) == 204_000
    assert ledger.account_balance("suspense") == (-49_999 if token == "less" else -50_000)


def test_settling_twice_posts_once(world: World, gateway: FakeGateway) -> None:
    payment = pay(world, 50_000)
    attempt = gateways.attempt_of(payment)
    payments.settle(attempt.id, gateway.succeeded(attempt.reference))
    gateways.returned(payment, {})
    assert ledger.account_balance("clearing:fake") == 50_000


def test_secrets_in_an_answer_are_not_kept(world: World) -> None:
    payment = pay(world, 50_000)
    assert (
        Attempt.get(Attempt.payment == payment.id).evidence
        == f'{{"id": "{gateways.attempt_of(payment).reference[:8]}"}}'
    )


def test_an_invoice_with_a_payment_under_way_cannot_be_voided(world: World) -> None:
    pay(world, 204_000, "pending")
    with pytest.raises(Refused, match="being confirmed"):
        payments.void_invoice(world.invoice, reason="wrong", on=today(), by=world.carol)
