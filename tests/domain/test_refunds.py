"""Refunds: booked once, never more than was paid, owed again or given up; what a gateway tells of them later."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from portal_app import clock, gateways, verify
from portal_app.db import db
from portal_app.domain import invoices, ledger, payments
from portal_app.domain import today as desk
from portal_app.domain.errors import Refused
from portal_app.domain.payments import Refund
from portal_app.plugin_api import NeverSent, Outcome, OutcomeKind, RefundFact
from tests.domain.test_payments import pay
from tests.fake_gateway import FakeGateway
from tests.refunds import GONE, give, look, owed
from tests.world import World


@pytest.fixture(autouse=True)
def the_books_hold(world: World) -> Any:
    yield
    assert verify.verify().faults == []


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
