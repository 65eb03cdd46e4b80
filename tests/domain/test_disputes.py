"""What goes back without the firm's doing: returned checks, disputes; questions for people; invoices whose payment went
back."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest

from portal_app import clock, gateways, verify
from portal_app.domain import invoices, ledger, payments
from portal_app.domain.errors import Refused
from portal_app.domain.payments import Dispute, Payment, Question, Refund
from portal_app.plugin_api import DisputeFact, DisputeState, Outcome, OutcomeKind
from tests.domain.test_payments import pay
from tests.fake_gateway import FakeGateway
from tests.refunds import GONE, dispute, give, look, owed, void
from tests.world import World


@pytest.fixture(autouse=True)
def the_books_hold(world: World) -> Any:
    yield
    assert verify.verify().faults == []


def test_a_returned_check_opens_the_invoices_again_once(world: World) -> None:
    paid = pay(world, 150_000)
    give(world, paid, 10_000)
    for _ in range(2):
        assert look(paid, kind=GONE, amount_minor=140_000).state == "returned"
    assert owed(world) == 204_000
    assert ledger.account_balance("clearing:fake") == 0
    with pytest.raises(Refused, match="succeeded"):
        give(world, paid, 1, key="late")


def test_more_than_is_left_goes_to_suspense(world: World) -> None:
    paid = pay(world, 150_000)
    give(world, paid, 10_000)
    look(paid, kind=GONE, amount_minor=150_000)
    assert owed(world) == 204_000
    assert ledger.account_balance("suspense") == 10_000


def test_a_dispute_that_is_won_leaves_the_invoice_paid(world: World) -> None:
    paid = pay(world, 150_000)
    look(paid, disputes=dispute(DisputeState.INQUIRY))
    assert ledger.account_balance("disputed") == 0
    look(paid, disputes=dispute(DisputeState.OPEN))
    assert ledger.account_balance("disputed") == 150_000
    assert owed(world) == 54_000
    assert payments.refundable_cents(paid) == 0
    with pytest.raises(Refused, match="disputed"):
        give(world, paid, 1, left=0)
    for _ in range(2):
        look(paid, disputes=dispute(DisputeState.WON))
    assert ledger.account_balance("disputed") == 0
    assert ledger.account_balance("clearing:fake") == 150_000
    assert payments.refundable_cents(paid) == 150_000


@pytest.mark.parametrize("way", [["open", "lost"], ["lost"], ["open", "won", "lost"], ["inquiry", "open", "lost"]])
def test_a_dispute_that_is_lost_opens_the_invoices_again(world: World, way: list[str]) -> None:
    paid = pay(world, 150_000)
    for state in way:
        look(paid, disputes=dispute(DisputeState(state)))
    assert ledger.account_balance("disputed") == 0
    assert ledger.account_balance("clearing:fake") == 0
    assert owed(world) == 204_000
    look(paid, disputes=dispute(DisputeState.WON))  # the bank has thought better of it
    assert owed(world) == 54_000
    assert ledger.account_balance("clearing:fake") == 150_000


def test_an_old_word_about_a_dispute_changes_nothing(world: World) -> None:
    paid = pay(world, 150_000)
    look(paid, disputes=dispute(DisputeState.LOST))
    look(paid, disputes=dispute(DisputeState.OPEN))
    assert Dispute.get().state == "lost"


def test_a_dispute_in_another_currency_is_a_question(world: World) -> None:
    paid = pay(world, 150_000)
    told = DisputeFact(gateway_reference="dp", state=DisputeState.OPEN, amount_minor=5, currency="EUR")
    look(paid, disputes=(told,))
    assert (Dispute.select().count(), payments.count_open()) == (0, 1)


@pytest.mark.parametrize("kind", [OutcomeKind.DECLINED, OutcomeKind.CANCELED])
def test_a_gateway_that_contradicts_the_books_is_a_question_once(world: World, kind: OutcomeKind) -> None:
    paid = pay(world, 150_000)
    for _ in range(2):
        assert look(paid, kind=kind).state == "succeeded"
    (asked,) = payments.open_questions()
    with pytest.raises(Refused):
        payments.answer(asked, note=" ", by=world.erin)
    payments.answer(asked, note="Called them: it is there.", by=world.erin)
    assert payments.open_questions() == []
    assert Question.get().closed_by_id == world.erin.id


def test_what_was_kept_for_review_can_be_applied(world: World) -> None:
    held = pay(world, 150_000, token="less")
    payments.apply_received(held, note="The client agrees", by=world.erin)
    payments.apply_received(held, note="again", by=world.erin)
    paid = Payment.get_by_id(held.id)
    assert (paid.state, paid.paid_cents, bool(paid.receipt_number)) == ("succeeded", 149_999, True)
    assert owed(world) == 204_000 - 149_999
    assert ledger.account_balance("suspense") == 0
    assert payments.refundable_cents(paid) == 149_999


@pytest.mark.parametrize("is_paid", [True, False])
def test_what_nobody_can_ask_about_is_resolved_by_hand(world: World, gateway: FakeGateway, is_paid: bool) -> None:
    stuck = pay(world, 150_000, token="unknown")
    with pytest.raises(Refused):
        payments.resolve_by_hand(stuck, is_paid=is_paid, note="too early", by=world.erin)
    with clock.frozen(clock.now() + dt.timedelta(hours=2)):
        for _ in range(2):
            payments.resolve_by_hand(stuck, is_paid=is_paid, note="Seen on their pages", by=world.erin)
        assert gateways.recover() == 0
    assert Payment.get_by_id(stuck.id).state == ("succeeded" if is_paid else "canceled")
    assert owed(world) == (54_000 if is_paid else 204_000)
    assert payments.offer(world.alice).available_cents == (54_000 if is_paid else 204_000)


@pytest.mark.parametrize("how", ["refund", "return", "dispute"])
def test_an_invoice_whose_payment_went_back_whole_can_be_voided(world: World, how: str) -> None:
    paid = pay(world, 124_000)
    with pytest.raises(Refused, match="paid on this invoice"):
        void(world)
    if how == "refund":
        give(world, paid, 24_000)
        with pytest.raises(Refused, match="paid on this invoice"):
            void(world)
        give(world, paid, 100_000, key="r2")
    elif how == "return":
        look(paid, kind=GONE)
    else:
        look(paid, disputes=dispute(DisputeState.OPEN, 124_000))
        with pytest.raises(Refused, match="paid on this invoice"):
            void(world)
        look(paid, disputes=dispute(DisputeState.LOST, 124_000))
    void(world)
    line = ledger.for_matter(world.matter)[0]
    assert (line.entry.code, line.credit_cents, line.balance_cents) == ("invoice_voided", 124_000, 80_000)
    seen = invoices.find_for(world.alice, world.invoice.public_id)
    applied = payments.applied_on(seen)
    assert (seen.is_void, seen.balance_cents) == (True, 0)
    assert (applied, payments.given_back_on(seen, applied)) == (124_000, 124_000)
    assert [row.id for row in invoices.open_for(world.alice)] == [world.second.id]


def test_an_invoice_whose_fee_was_given_up_is_settled_and_not_voided(world: World) -> None:
    give(world, pay(world, 124_000), 124_000, is_owed_again=False)
    with pytest.raises(Refused, match="paid on this invoice"):
        void(world)


def test_money_that_comes_back_on_a_voided_invoice_is_kept_for_the_client(world: World) -> None:
    paid = pay(world, 124_000)
    row = give(world, paid, 124_000)
    void(world)
    payments.settle_refund(row.id, Outcome(kind=OutcomeKind.DECLINED))  # the payer's bank would not take it
    assert (ledger.invoice_balance(world.invoice.id), ledger.account_balance("unapplied")) == (0, -124_000)
    assert (ledger.account_balance("clearing:fake"), owed(world)) == (124_000, 80_000)
    assert payments.refundable_cents(paid) == 124_000
    payments.settle_refund(row.id, Outcome(kind=OutcomeKind.SUCCEEDED))  # and then it did
    assert ledger.account_balance("unapplied") == ledger.account_balance("clearing:fake") == 0
    assert Refund.get_by_id(row.id).state == "succeeded"


def test_a_dispute_won_after_the_client_paid_again_leaves_nothing_owed_to_the_invoice(world: World) -> None:
    first = pay(world, 124_000)
    look(first, disputes=dispute(DisputeState.LOST, 124_000))
    pay(world, 204_000, key="again")
    assert owed(world) == 0
    look(first, disputes=dispute(DisputeState.WON, 124_000))
    assert (owed(world), ledger.invoice_balance(world.invoice.id)) == (0, 0)
    assert ledger.account_balance("unapplied") == -124_000
    assert payments.refundable_cents(first) == 124_000
