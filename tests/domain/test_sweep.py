"""Webhooks and the sweep: kept once, asked about, matched both ways; fees and payouts booked once; on both engines."""

from __future__ import annotations

import datetime as dt
import json
from dataclasses import replace
from typing import Any

import pytest

from portal_app import clock, gateway_setup, gateways, verify
from portal_app.domain import firms, ledger, outbox, payments, trust
from portal_app.domain.ledger import JournalEntry
from portal_app.domain.payments import GatewayEvent, GatewayTransaction, Payment
from portal_app.plugin_api import (
    ExternalTransaction,
    Fund,
    LedgerLine,
    OutcomeKind,
    Role,
    TransactionKind,
)
from portal_app.worker import handlers
from tests.deposits import ask, open_trust
from tests.domain.test_payments import order, pay
from tests.fake_gateway import FakeGateway
from tests.world import World, today

GOOD = {"fake-signature": "good"}
CHARGE, REFUND, FEE, PAYOUT = (TransactionKind(name) for name in ("charge", "refund", "fee", "payout"))


def deliver(world: World, *told: dict[str, Any], headers: dict[str, str] = GOOD) -> int:
    return gateways.hear(world.gateway, json.dumps(told).encode(), headers)


def run() -> None:
    outbox.run_due(handlers(), 50)


def line(world: World, id: str, kind: TransactionKind = CHARGE, **changes: Any) -> ExternalTransaction:
    values: dict[str, Any] = {
        "id": id, "kind": kind, "outcome": OutcomeKind.SUCCEEDED, "amount_minor": 150_000, "currency": "USD",
        "merchant_account": "fake-operating", "occurred_at": clock.aware(),
    }  # fmt: skip
    return ExternalTransaction(**(values | changes))


# Webhooks


def test_an_event_settles_an_unresolved_payment_once(world: World, gateway: FakeGateway) -> None:
    lost = pay(world, 150_000, token="lost")
    event = {"id": "ev_1", "kind": "charge.succeeded", "reference": gateways.attempt_of(lost).reference}
    assert (deliver(world, event), deliver(world, event)) == (1, 0)
    assert Payment.get_by_id(lost.id).state == "unknown"  # answered first, looked into afterwards
    run()
    assert Payment.get_by_id(lost.id).state == "succeeded"
    assert ledger.account_balance("clearing:fake") == 150_000
    event_row = GatewayEvent.get()
    assert (event_row.result, event_row.processed_at is not None) == (f"payment {lost.id}: succeeded", True)
    assert len(gateway.charges) == 1


@pytest.mark.parametrize("headers", [{}, {"fake-signature": "bad"}])
def test_what_the_gateway_did_not_send_is_not_kept(world: World, headers: dict[str, str]) -> None:
    with pytest.raises(gateways.NotOurs):
        deliver(world, {"id": "ev_1", "kind": "x"}, headers=headers)
    with pytest.raises(gateways.NotOurs):
        gateways.hear(world.gateway, b"\xff not json", GOOD)
    with pytest.raises(gateways.NotOurs):
        deliver(world, {"id": "", "kind": "x"})
    assert GatewayEvent.select().count() == 0


def test_an_event_is_believed_nothing(world: World, gateway: FakeGateway) -> None:
    unsent = pay(world, 150_000, token="unknown")
    reference = gateways.attempt_of(unsent).reference
    deliver(world, {"id": "ev_1", "kind": "charge.succeeded", "reference": reference})
    run()
    assert Payment.get_by_id(unsent.id).state == "unknown"


def test_an_event_that_comes_before_its_charge_is_tried_again_then_shown(world: World) -> None:
    deliver(world, {"id": "ev_1", "kind": "charge.succeeded", "gateway_reference": "ch_unheard"})
    run()
    assert GatewayEvent.get().processed_at is None
    with clock.frozen(clock.now()) as advance:
        for _ in range(6):
            advance(dt.timedelta(hours=7))
            run()
    assert GatewayEvent.get().processed_at is not None
    assert [each.kind for each in payments.open_questions()] == ["unknown_event"]


def test_an_event_of_another_gateway_account_is_not_ours(world: World) -> None:
    """References are looked for at the gateway that speaks, and at no other."""
    paid = pay(world, 150_000)
    attempt = gateways.attempt_of(paid)
    other = type(world.gateway).create(plugin="fake", code="fake-2", settings_saved_at=clock.now())
    gateways.hear(other, json.dumps([{"id": "ev", "kind": "x", "reference": attempt.reference}]).encode(), GOOD)
    run()
    assert GatewayEvent.get().result == "not known here yet"


# The sweep


def test_a_sweep_finds_what_was_lost_and_asks_about_strangers_once(world: World, gateway: FakeGateway) -> None:
    lost = pay(world, 150_000, token="lost")
    reference = gateways.attempt_of(lost).reference
    gateway.listed = [line(world, f"ch_{reference[:8]}", reference=reference), line(world, "ch_stranger")]
    for _ in range(2):
        assert gateways.sweep(world.gateway) == 2
    assert Payment.get_by_id(lost.id).state == "succeeded"
    (asked,) = payments.open_questions()
    assert (asked.kind, "ch_stranger" in asked.detail) == ("unknown_charge", True)
    day = firms.day(clock.now())
    assert asked.detail.startswith("$"), "as the firm writes money"
    assert f" on {day}, " in asked.detail, "and days"
    assert GatewayTransaction.select().count() == 2
    assert verify.verify().faults == []


def test_a_payment_that_was_taken_twice_is_asked_about_once(world: World, gateway: FakeGateway) -> None:
    reference = gateways.attempt_of(pay(world, 150_000)).reference
    both = (f"ch_{reference[:8]}", "ch_again")
    gateway.listed = [line(world, name, reference=reference) for name in both]
    for _ in range(2):
        gateways.sweep(world.gateway)
    (asked,) = payments.open_questions()
    assert (asked.kind, "ch_again" in asked.detail) == ("second_charge", True)
    assert ledger.account_balance("clearing:fake") == 150_000


def test_what_is_booked_and_not_listed_is_asked_about(world: World, gateway: FakeGateway) -> None:
    paid = pay(world, 150_000)
    gateway.charges.clear()  # the gateway knows nothing of it
    with clock.frozen(clock.now() + dt.timedelta(days=1)):
        gateways.sweep(world.gateway)
    (asked,) = payments.open_questions()
    assert (asked.kind, asked.payment_id) == ("not_listed", paid.id)
    assert Payment.get_by_id(paid.id).state == "succeeded"


def test_fees_and_payouts_are_booked_once(world: World, gateway: FakeGateway) -> None:
    pay(world, 150_000)
    gateway.listed = [line(world, "fee_1", FEE, amount_minor=4_380), line(world, "po_1", PAYOUT, amount_minor=145_620)]
    roles = {FEE: Role.MERCHANT_FEES, PAYOUT: Role.BANK}

    def lines(fact: Any) -> list[LedgerLine]:
        cents = fact.transaction.amount_minor
        role = roles[fact.transaction.kind]
        return [LedgerLine(role=role, amount_minor=cents), LedgerLine(role=Role.CLEARING, amount_minor=-cents)]

    gateway.lines = lines
    for _ in range(2):
        gateways.sweep(world.gateway)
    assert ledger.account_balance("clearing:fake") == 0
    assert ledger.account_balance("merchant_fees") == 4_380
    bank = next(row for row in payments.bank_accounts() if row.fund == "operating")
    assert ledger.account_balance(f"bank:{bank.id}") == 145_620
    assert verify.verify().faults == []


def trust_route(world: World) -> None:
    bank = next((row for row in payments.bank_accounts() if row.fund == "trust"), None)
    bank = bank or payments.add_bank_account(name="Trust", fund="trust", last4="1111")
    gateway_setup.set_route(world.gateway, Fund.TRUST, "fake-trust", bank)


def test_T09_a_payout_of_deposits_is_booked_whole_and_collects_them(world: World, gateway: FakeGateway) -> None:
    bank = open_trust(world)
    ask(world, bank, 100_000)
    with clock.frozen(clock.now() - dt.timedelta(minutes=1)):
        paid = gateways.charge(payments.start(world.alice, world.gateway, order(60_000, "d", fund=Fund.TRUST)), "ok")
    assert trust.uncleared(world.matter, bank, today()) == 60_000
    assert payments.refundable_cents(paid) == 0
    gateway.listed = [line(world, "po_1", PAYOUT, amount_minor=60_000, merchant_account="fake-trust")]
    for _ in range(2):
        gateways.sweep(world.gateway)
    assert ledger.account_balance("clearing:fake:trust") == 0
    assert ledger.account_balance(f"bank:{bank.id}") == 60_000
    assert trust.uncleared(world.matter, bank, today()) == 0
    assert payments.refundable_cents(paid) == 60_000
    assert payments.open_questions() == []
    assert verify.verify().faults == []


@pytest.mark.parametrize("kind", [FEE, PAYOUT])
def test_trust_money_is_never_booked_by_a_plugin(world: World, gateway: FakeGateway, kind: TransactionKind) -> None:
    trust_route(world)
    gateway.listed = [line(world, "t_1", kind, amount_minor=4_380, merchant_account="fake-trust")]
    gateway.lines = lambda _fact: 1 // 0
    gateways.sweep(world.gateway)
    assert [each.kind for each in payments.open_questions()] == ["trust"]
    assert ledger.account_balance("merchant_fees") == 0


@pytest.mark.parametrize(("account", "booked_cents"), [("fake-operating", -2_500), ("fake-trust", 0)])
def test_a_surcharge_is_income_of_the_firm_and_never_touches_trust(
    world: World, gateway: FakeGateway, account: str, booked_cents: int
) -> None:
    trust_route(world)
    gateway.listed = [line(world, "fee_1", FEE, amount_minor=2_500, merchant_account=account)]
    gateway.lines = lambda fact: [
        LedgerLine(role=Role.CLEARING, amount_minor=fact.transaction.amount_minor),
        LedgerLine(role=Role.SURCHARGE, amount_minor=-fact.transaction.amount_minor),
    ]
    pay(world, 150_000)
    gateways.sweep(world.gateway)
    assert ledger.account_balance("surcharges") == booked_cents
    assert ledger.account_balance("clearing:fake") == 150_000 - booked_cents
    assert [row.kind for row in payments.open_questions()] == ([] if booked_cents else ["trust"])
    assert verify.verify().faults == []


def test_an_account_that_took_trust_money_is_no_operating_account_once_it_is_mapped_no_more(
    world: World, gateway: FakeGateway
) -> None:
    ask(world, open_trust(world), 150_000)
    gateways.charge(payments.start(world.alice, world.gateway, order(150_000, "d", fund=Fund.TRUST)), "canceled")
    gateway_setup.connect(world.gateway, {Fund.TRUST: ("", None)})
    gateway.listed = [line(world, "fee_1", FEE, amount_minor=4_380, merchant_account="fake-trust")]
    gateway.lines = lambda _fact: 1 // 0
    gateways.sweep(world.gateway)
    assert [row.kind for row in payments.open_questions()] == ["trust"]
    assert ledger.account_balance("merchant_fees") == 0


NO_ROLE: Any = "trust"
BAD_LINES: dict[str, list[Any]] = {
    "do not balance": [LedgerLine(role=Role.MERCHANT_FEES, amount_minor=1)],
    "more than the transaction": [
        LedgerLine(role=Role.MERCHANT_FEES, amount_minor=9_999),
        LedgerLine(role=Role.CLEARING, amount_minor=-9_999),
    ],
    "no lines": ["money"],
    "a fraction": [
        LedgerLine(role=Role.MERCHANT_FEES, amount_minor=True),
        LedgerLine(role=Role.CLEARING, amount_minor=-1),
    ],
    "no role": [LedgerLine(role=NO_ROLE, amount_minor=5), LedgerLine(role=Role.CLEARING, amount_minor=-5)],
}


@pytest.mark.parametrize("what", BAD_LINES)
def test_lines_that_cannot_be_are_not_booked_and_asked_about(world: World, gateway: FakeGateway, what: str) -> None:
    gateway.listed = [line(world, "fee_1", FEE, amount_minor=4_380)]
    gateway.lines = lambda _fact: BAD_LINES[what]
    pay(world, 150_000)
    gateways.sweep(world.gateway)
    assert ledger.account_balance("merchant_fees") == 0
    assert [each.kind for each in payments.open_questions()] == ["not_booked"]


def test_a_list_that_fails_is_kept_and_read_again_from_the_same_day(world: World, gateway: FakeGateway) -> None:
    pay(world, 150_000)
    gateway.listed = [line(world, "a", kind=FEE), line(world, "b", kind=FEE, currency="")]
    gateways.sweep(world.gateway)
    first = payments.last_sweep(world.gateway)
    assert first is not None
    assert "currency is missing" in first.error
    assert payments.last_sweep(world.gateway, is_whole=True) is None
    assert gateways.sweep_due() == 0  # not again at once
    gateway.listed.pop()
    with clock.frozen(clock.now() + dt.timedelta(hours=2)):
        assert gateways.sweep_due() == 1
        assert gateways.sweep_due() == 0
    again = payments.last_sweep(world.gateway, is_whole=True)
    assert again is not None
    assert again.since == first.since


# Payouts that come back


def booked(world: World, gateway: FakeGateway, **changes: Any) -> ExternalTransaction:
    """A payout of 1,000.00 that is booked; what has become of it since is listed."""
    sent = line(world, "po_1", PAYOUT, amount_minor=100_000)
    gateway.lines = lambda fact: [
        LedgerLine(role=Role.BANK, amount_minor=fact.transaction.amount_minor),
        LedgerLine(role=Role.CLEARING, amount_minor=-fact.transaction.amount_minor),
    ]
    gateway.listed = [sent]
    pay(world, 150_000)
    gateways.sweep(world.gateway)
    assert ledger.account_balance("clearing:fake") == 50_000
    gateway.listed = [replace(sent, **changes)]
    return sent


def test_a_payout_that_did_not_arrive_is_taken_back_once_and_asked_about(world: World, gateway: FakeGateway) -> None:
    booked(world, gateway, outcome=OutcomeKind.RETURNED)
    for _ in range(2):
        gateways.sweep(world.gateway)
        assert ledger.account_balance("clearing:fake") == 150_000
    back = JournalEntry.get(JournalEntry.reverses.is_null(False))
    assert (back.description, back.code) == ("Payout that did not arrive", "payout_failed")
    (asked,) = payments.open_questions()
    assert (asked.kind, "$1,000.00 of " in asked.detail, "taken back" in asked.detail) == ("payout_failed", True, True)
    assert verify.verify().faults == []


def test_a_payout_that_the_firm_called_off_before_it_was_booked_is_no_question(
    world: World, gateway: FakeGateway
) -> None:
    gateway.listed = [
        line(world, "po_1", PAYOUT, outcome=OutcomeKind.CANCELED),
        line(world, "po_2", PAYOUT, outcome=OutcomeKind.RETURNED),
    ]  # fmt: skip
    pay(world, 150_000)
    gateways.sweep(world.gateway)
    (asked,) = payments.open_questions()
    assert ("po_2" in asked.detail, "It was not booked." in asked.detail) == (True, True)
    assert ledger.account_balance("clearing:fake") == 150_000


def test_a_payout_whose_booking_was_interrupted_is_taken_back_too(world: World, gateway: FakeGateway) -> None:
    """Its entry was written, and the process died before the line knew of it."""
    booked(world, gateway, outcome=OutcomeKind.RETURNED)
    GatewayTransaction.update(entry=None).execute()
    gateways.sweep(world.gateway)
    assert ledger.account_balance("clearing:fake") == 150_000
    assert verify.verify().faults == []


def test_the_books_are_checked_against_what_became_of_a_payout(world: World, gateway: FakeGateway) -> None:
    booked(world, gateway)
    GatewayTransaction.update(outcome="returned").execute()
    (fault,) = verify.verify().faults
    assert fault == "Payout po_1 of 1,000.00 is returned, but took 1,000.00 out of clearing."


# Observers


def test_plugins_that_listen_are_told_after_the_commit(world: World, gateway: FakeGateway) -> None:
    paid = pay(world, 150_000)
    gateway.instead["told"] = lambda: 1 // 0  # a failure is only logged
    run()
    told = dict(gateway.told)
    assert (told["payment"].id, told["payment"].state, told["payment"].amount_minor) == (paid.id, "succeeded", 150_000)
    assert (told["ledger"].state, told["ledger"].reference) == ("portal_payment", f"payment:{paid.id}:paid")
