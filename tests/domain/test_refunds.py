"""Refunds, returns and disputes: never more than was paid, booked once; the books hold after each, on both engines."""

from __future__ import annotations

import datetime as dt
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from portal_app import clock, gateways, verify
from portal_app.db import db
from portal_app.domain import invoices, ledger, payments
from portal_app.domain import today as desk
from portal_app.domain.errors import Refused
from portal_app.domain.payments import Dispute, Payment, Question, Refund
from portal_app.plugin_api import DisputeFact, DisputeState, NeverSent, Outcome, OutcomeKind, RefundFact
from tests.domain.test_payments import pay
from tests.fake_gateway import FakeGateway
from tests.world import World

GONE = OutcomeKind.RETURNED


@pytest.fixture(autouse=True)
def the_books_hold(world: World) -> Any:
    yield
    assert verify.verify().faults == []


def owed(world: World) -> int:
    return ledger.matter_balances([world.matter]).get(world.matter.id, 0)


def give(
    world: World, payment: Payment, cents: int, *, key: str = "r1", left: int = -1, is_owed_again: bool = True
) -> Refund:
    expected = payments.refundable_cents(payment) if left < 0 else left
    row = payments.start_refund(
        payment, amount_cents=cents, expected_left_cents=expected, is_owed_again=is_owed_again, reason="Asked for it",
        key=key, by=world.erin,
    )  # fmt: skip
    return gateways.refund(row)


def look(payment: Payment, **changes: Any) -> Payment:
    """The gateway says something about the charge."""
    attempt = gateways.attempt_of(payment)
    values = {
        "kind": OutcomeKind.SUCCEEDED, "gateway_reference": attempt.gateway_reference, "currency": "USD",
        "amount_minor": payment.amount_cents, "merchant_account": attempt.merchant_account,
    }  # fmt: skip
    return payments.settle(attempt.id, Outcome(**(values | changes)), absence_horizon_seconds=60)


def dispute(state: DisputeState, cents: int = 150_000) -> tuple[DisputeFact, ...]:
    return (DisputeFact(gateway_reference="dp_1", state=state, amount_minor=cents, currency="USD", reason="fraud"),)


def test_a_refund_opens_the_invoices_again_the_last_first(world: World, gateway: FakeGateway) -> None:
    paid = pay(world, 150_000)  # 1,240.00 of the first, 260.00 of the second
    row = give(world, paid, 30_000)

    assert (row.state, row.gateway_reference) == ("succeeded", f"re_{row.reference[:8]}")
    assert ledger.invoice_balance(world.second.id) == 80_000
    assert ledger.invoice_balance(world.invoice.id) == 4_000
    assert ledger.account_balance("clearing:fake") == 120_000
    assert payments.refundable_cents(paid) == 120_000
    asked = gateway.refunds[row.reference]
    assert (asked.charged_minor, asked.refunded_minor, asked.is_whole) == (150_000, 0, False)
    line = ledger.for_matter(world.matter)[0]
    assert (line.entry.description, line.debit_cents) == ("Refunded", 30_000)


def test_a_fee_that_is_given_up_is_not_owed_again(world: World) -> None:
    paid = pay(world, 100_000)
    give(world, paid, 100_000, is_owed_again=False)
    assert ledger.invoice_balance(world.invoice.id) == 24_000
    assert ledger.account_balance("refunds") == 100_000


def test_several_refunds_never_come_to_more_than_was_paid(world: World, gateway: FakeGateway) -> None:
    paid = pay(world, 100_000)
    give(world, paid, 60_000, key="a")
    with pytest.raises(Refused, match="up to"):
        give(world, paid, 40_001, key="b")
    give(world, paid, 40_000, key="c")
    assert payments.refundable_cents(paid) == 0
    assert [each.refunded_minor for each in gateway.refunds.values()] == [0, 60_000]
    with pytest.raises(Refused):
        give(world, paid, 1, key="d", left=0)


def test_two_people_do_not_refund_the_same_money(world: World, gateway: FakeGateway) -> None:
    paid = pay(world, 100_000)
    give(world, paid, 50_000, key="a", left=100_000)
    with pytest.raises(Refused, match="changed meanwhile"):
        give(world, paid, 50_000, key="b", left=100_000)
    assert len(gateway.refunds) == 1


def test_one_form_is_one_refund(world: World, gateway: FakeGateway) -> None:
    paid = pay(world, 100_000)
    first, again = give(world, paid, 50_000), give(world, paid, 50_000, left=100_000)
    assert first.id == again.id
    assert gateway.asked.count("refund") == 1


def test_eight_people_at_once_refund_it_once(world: World, gateway: FakeGateway) -> None:
    paid = pay(world, 100_000)

    def one(number: int) -> str:
        try:
            return str(give(world, paid, 100_000, key=f"k{number}", left=100_000).state)
        except Refused:
            return "refused"
        finally:
            db.close()

    with ThreadPoolExecutor(8) as threads:
        said = sorted(threads.map(one, range(8)))
    assert said == ["refused"] * 7 + ["succeeded"]
    assert len(gateway.refunds) == 1


def test_a_lost_answer_is_found_and_booked_once(world: World, gateway: FakeGateway) -> None:
    paid = pay(world, 100_000)
    gateway.instead["refund"] = lambda: 1 // 0
    row = give(world, paid, 100_000)
    assert row.state == "unknown"
    assert payments.refundable_cents(paid) == 0  # it may have gone
    asked = {"reference": row.reference, "amount_minor": 100_000, "currency": "USD"}
    gateway.refunds[row.reference] = type("Taken", (), asked)()  # it had arrived after all
    with clock.frozen(clock.in_seconds(60)):
        assert gateways.recover_refunds() == 1
        assert gateways.recover_refunds() == 0
    assert Refund.get_by_id(row.id).state == "succeeded"
    assert ledger.invoice_balance(world.invoice.id) == 124_000


def test_what_was_never_sent_is_free_again(world: World, gateway: FakeGateway) -> None:
    paid = pay(world, 100_000)

    def refuse() -> None:
        raise NeverSent("connection refused")

    gateway.instead["refund"] = refuse
    assert give(world, paid, 100_000).state == "not_submitted"
    assert payments.refundable_cents(paid) == 100_000


def test_absence_counts_only_after_the_horizon(world: World, gateway: FakeGateway) -> None:
    paid = pay(world, 100_000)
    gateway.instead["refund"] = lambda: 1 // 0
    row = give(world, paid, 100_000)
    with clock.frozen(clock.in_seconds(40)):
        gateways.recover_refunds()
        assert Refund.get_by_id(row.id).state == "unknown"
    with clock.frozen(clock.in_seconds(3600)):
        gateways.recover_refunds()
        assert Refund.get_by_id(row.id).state == "not_submitted"


def test_a_refund_that_comes_back_is_reversed_and_may_arrive_after_all(world: World) -> None:
    paid = pay(world, 100_000)
    row = give(world, paid, 100_000)
    for kind, left in ((OutcomeKind.DECLINED, 24_000), (OutcomeKind.SUCCEEDED, 124_000)):
        payments.settle_refund(row.id, Outcome(kind=kind, gateway_reference="re_1", amount_minor=100_000))
        assert ledger.invoice_balance(world.invoice.id) == left
    assert payments.refundable_cents(paid) == 0


def test_another_amount_is_booked_as_it_was_and_asked_about(world: World, gateway: FakeGateway) -> None:
    paid = pay(world, 100_000)
    other = Outcome(kind=OutcomeKind.SUCCEEDED, gateway_reference="re_9", amount_minor=99_000, currency="USD")
    gateway.instead["refund"] = lambda: other
    assert give(world, paid, 100_000).amount_cents == 99_000
    assert payments.refundable_cents(paid) == 1_000
    assert [each.kind for each in payments.open_questions()] == ["refund_differs"]


def test_a_refund_made_at_the_gateway_becomes_known_once(world: World) -> None:
    paid = pay(world, 100_000)
    fact = RefundFact(gateway_reference="re_7", kind=OutcomeKind.SUCCEEDED, amount_minor=25_000)
    for _ in range(3):
        look(paid, refunds=(fact,))
    assert [(row.amount_cents, row.made_by_id) for row in payments.refunds_of(paid)] == [(25_000, None)]
    assert ledger.invoice_balance(world.invoice.id) == 49_000


def test_our_own_refund_without_an_answer_is_recognized(world: World, gateway: FakeGateway) -> None:
    paid = pay(world, 100_000)
    gateway.instead["refund"] = lambda: 1 // 0
    row = give(world, paid, 25_000)
    look(paid, refunds=(RefundFact(gateway_reference="re_7", kind=OutcomeKind.SUCCEEDED, amount_minor=25_000),))
    assert [(each.id, each.state) for each in payments.refunds_of(paid)] == [(row.id, "succeeded")]


def test_a_void_of_ours_is_no_return(world: World, gateway: FakeGateway) -> None:
    paid = pay(world, 100_000)
    gateway.instead["refund"] = lambda: 1 // 0
    row = give(world, paid, 100_000)
    assert look(paid, kind=GONE).state == "succeeded"
    assert Refund.get_by_id(row.id).state == "succeeded"
    assert look(paid, kind=GONE).state == "succeeded"


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


def test_what_went_back_is_read_with_the_payments(world: World) -> None:
    row = pay(world, 124_000)
    payments.ask("unknown_charge", "x", "A charge", gateway=world.gateway)
    give(world, row, 10_000)
    (shown,) = payments.recent(world.alice)
    assert (shown.back_cents, shown.lost_cents) == (10_000, None)
    invoice = invoices.find_for(world.alice, world.invoice.public_id)
    applied = payments.applied_on(invoice)
    assert (applied, payments.given_back_on(invoice, applied)) == (124_000, 10_000)
    assert [each.id for each in payments.search(world.erin, group="back")] == [row.id]
    assert [is_seen for _, is_seen in ledger.told_about(world.erin, f"payment:{row.id}")] == [True, True]
    assert desk.payments_since(world.erin, clock.now()).questions == 1


# The fee given up


def test_a_fee_given_up_stands_in_the_matter_s_ledger_and_changes_nothing_owed(world: World) -> None:
    paid = pay(world, 124_000)
    give(world, paid, 30_000, is_owed_again=False)
    line = ledger.for_matter(world.matter)[0]
    assert line.entry.description == "Refunded, fee given up"
    assert (line.debit_cents, line.credit_cents, line.balance_cents) == (30_000, 30_000, 80_000)
    assert (ledger.account_balance("refunds"), owed(world)) == (30_000, 80_000)
    assert ledger.account_balance("clearing:fake") == 94_000
    invoice = invoices.find_for(world.alice, world.invoice.public_id)
    assert (payments.given_up_on(invoice), payments.given_back_on(invoice, 124_000)) == (30_000, 0)
    assert payments.refundable_cents(paid) == 94_000


def test_a_given_up_fee_whose_refund_did_not_arrive_is_as_before(world: World) -> None:
    row = give(world, pay(world, 124_000), 30_000, is_owed_again=False)
    payments.settle_refund(row.id, Outcome(kind=OutcomeKind.DECLINED))
    line = ledger.for_matter(world.matter)[0]
    assert (line.debit_cents, line.credit_cents, line.balance_cents) == (30_000, 30_000, 80_000)
    assert (ledger.account_balance("refunds"), owed(world)) == (0, 80_000)
    assert ledger.account_balance("clearing:fake") == 124_000


# Voiding what was paid and went back


def void(world: World) -> None:
    payments.void_invoice(world.invoice, reason="Wrong client", on=clock.today("UTC"), by=world.carol)


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
