"""Deposits into trust: asked for, paid to the trust account alone, given back, returned, disputed; both databases."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
from peewee import IntegrityError

from portal_app import clock, gateway_setup, gateways
from portal_app.db import transaction
from portal_app.domain import deposits, ledger, matters, payments, sharing
from portal_app.domain.deposits import DepositRequest, DepositShare
from portal_app.domain.errors import Refused
from portal_app.domain.outbox import Outbox
from portal_app.domain.payments import Allocation, Attempt, BankAccount, Payment
from portal_app.plugin_api import Fund, Outcome, OutcomeKind
from portal_app.verify import verify
from tests.deposits import ask, collect, entry, held, open_trust, pay, spend
from tests.domain.test_payments import order
from tests.fake_gateway import FakeGateway
from tests.world import World, today


@pytest.fixture
def bank(world: World) -> BankAccount:
    return open_trust(world)


def test_a_request_is_shared_with_the_recipients_and_promised_on_paper(world: World, bank: BankAccount) -> None:
    request = ask(world, bank, 250_000)
    assert request.number == f"D-{today().year}-0001"
    assert [row.portal_user for row in sharing.shares_of(DepositShare, [request])[request.id]] == [
        world.alice, world.frank,
    ]  # fmt: skip
    topics = [row.topic for row in Outbox.select().order_by(Outbox.id.desc()).limit(3)]
    assert topics == ["deposit_pdf", "deposit_shared", "deposit_shared"]
    assert payments.offer(world.alice, Fund.TRUST).available_cents == 250_000
    assert payments.offer(world.bob, Fund.TRUST).payables == ()
    assert payments.offer(world.alice).balance_cents == 204_000, "a deposit is no debt"


def test_the_same_form_asks_once(world: World, bank: BankAccount) -> None:
    first = ask(world, bank, 5_000, key="one-form-of-twenty-letters")
    assert ask(world, bank, 5_000, key="one-form-of-twenty-letters").id == first.id
    with pytest.raises(Refused, match="sent before"):
        ask(world, bank, 6_000, key="one-form-of-twenty-letters")


@pytest.mark.parametrize("cents", [0, -1, 10**12])
def test_what_cannot_be_asked_is_refused(world: World, bank: BankAccount, cents: int) -> None:
    with pytest.raises(Refused):
        ask(world, bank, cents)
    with pytest.raises(Refused, match="passed"):
        ask(world, bank, 100, due_on=today() - dt.timedelta(days=1))
    matters.close(world.matter, today())
    with pytest.raises(Refused, match="closed"):
        ask(world, bank, 100)
    assert DepositRequest.select().count() == 0


def test_T01_T07_a_deposit_is_booked_gross_on_its_own_ledger(world: World, bank: BankAccount) -> None:
    request = ask(world, bank, 250_000)
    paid = pay(world, 100_000)
    assert (paid.state, paid.fund, bool(paid.receipt_number)) == ("succeeded", "trust", True)
    assert entry(f"payment:{paid.id}:paid") == [
        ("clearing:fake:trust", 100_000, None),
        (f"trust:{bank.id}", -100_000, world.matter.id),
    ]
    assert held(world, bank) == 100_000
    assert ledger.account_balance("clearing:fake") == 0
    again = payments.find_deposit_for(world.alice, request.public_id)
    assert (again.received_cents, again.balance_cents, again.state(today())) == (100_000, 150_000, "part")
    assert payments.offer(world.alice).balance_cents == 204_000
    assert not verify().faults


def test_T06_the_trust_merchant_account_takes_it_and_no_other(
    world: World, bank: BankAccount, gateway: FakeGateway
) -> None:
    ask(world, bank, 1_000)
    pay(world, 1_000)
    invoice = gateways.charge(payments.start(world.alice, world.gateway, order(500)), "ok")
    assert [(row.fund, row.merchant_account) for row in gateway.charges.values()] == [
        (Fund.TRUST, "fake-trust"), (Fund.OPERATING, "fake-operating"),
    ]  # fmt: skip
    assert invoice.fund == "operating"


def test_T06_the_database_refuses_to_mix_funds(world: World, bank: BankAccount) -> None:
    request = ask(world, bank, 1_000)
    deposit = payments.start(world.alice, world.gateway, order(400, "d", fund=Fund.TRUST))
    plain = payments.start(world.alice, world.gateway, order(400, "o"))
    values = {"amount_cents": 1}
    wrong: list[dict[str, Any]] = [
        {"payment": deposit, "invoice": world.invoice},
        {"payment": plain, "deposit": request},
        {"payment": plain},
        {"payment": plain, "deposit": request, "invoice": world.second},
    ]
    for links in wrong:
        with pytest.raises(IntegrityError), transaction():
            Allocation.create(**links, **values)
    with pytest.raises(IntegrityError, match="T06"), transaction():
        Attempt.create(
            reference="x" * 32, payment=deposit, flow="fields", merchant_account="fake-operating",
            created_at=clock.now(),
        )  # fmt: skip
    operating = BankAccount.get(BankAccount.fund == "operating")
    with pytest.raises(IntegrityError, match="T04"), transaction():
        deposits.ask(world.matter, amount_cents=1, purpose="x", due_on=today(), bank_account_id=operating.id, by=None)
    with pytest.raises(IntegrityError, match="T06"), transaction():
        gateway_setup.set_route(world.gateway, Fund.TRUST, "fake-operating", bank)


def test_T06_another_trust_account_than_was_asked_for_takes_nothing(world: World, bank: BankAccount) -> None:
    other = BankAccount.create(name="Second trust account", fund="trust", last4="")
    ask(world, other, 1_000)
    with pytest.raises(Refused, match="cannot be paid online"):
        pay(world, 1_000)
    assert Payment.select().count() == 0


def test_T01_what_a_gateway_has_taken_stays_with_its_trust_account(world: World, bank: BankAccount) -> None:
    other = BankAccount.create(name="Second trust account", fund="trust", last4="")
    with pytest.raises(Refused, match="another trust account"):
        gateway_setup.set_route(world.gateway, Fund.TRUST, "fake-trust", other)


def test_T06_a_merchant_account_that_changed_its_fund_meanwhile_holds_the_money_for_review(
    world: World, bank: BankAccount, gateway: FakeGateway
) -> None:
    ask(world, bank, 1_000)
    started = payments.start(world.alice, world.gateway, order(1_000, fund=Fund.TRUST))
    gateway_setup.set_route(world.gateway, Fund.TRUST, "fake-other", bank)
    operating = BankAccount.get(BankAccount.fund == "operating")
    gateway_setup.set_route(world.gateway, Fund.OPERATING, "fake-trust", operating)
    assert gateways.charge(started, "ok").state == "review"
    assert held(world, bank) == 0
    assert ledger.account_balance("suspense") == -1_000, "where it lies is said"
    with pytest.raises(Refused, match="T06"):
        payments.apply_received(started, note="", by=world.erin)


def test_T23_more_than_asked_for_is_refused(world: World, bank: BankAccount) -> None:
    ask(world, bank, 1_000)
    with pytest.raises(Refused, match="more than the deposit asked for"):
        pay(world, 1_001)
    pay(world, 600, "unknown")
    with pytest.raises(Refused, match="being confirmed"):
        pay(world, 401, key="deposit-2")
    assert payments.offer(world.alice, Fund.TRUST).available_cents == 400


def test_one_payment_is_for_one_request(world: World, bank: BankAccount) -> None:
    first, second = ask(world, bank, 1_000), ask(world, bank, 2_000)
    with pytest.raises(Refused):
        pay(world, 3_000)
    paid = pay(world, 2_000, plan={second.id: 2_000})
    assert [row.item for row in payments.allocations_of(paid)] == [second]
    assert [row.id for row in payments.open_deposits_for(world.alice)] == [first.id]


def test_what_differs_is_the_clients_all_the_same_and_waits(world: World, bank: BankAccount) -> None:
    ask(world, bank, 1_000)
    less = pay(world, 1_000, "less")
    assert less.state == "review"
    assert held(world, bank) == 999
    assert ledger.account_balance("suspense") == 0
    payments.apply_received(less, note="Kept", by=world.erin)
    assert Payment.get_by_id(less.id).state == "succeeded"
    assert held(world, bank) == 999
    assert payments.open_deposits_for(world.alice)[0].balance_cents == 1
    assert not verify().faults


def test_T06_an_invoice_that_was_paid_into_trust_is_client_money_and_never_applied(
    world: World, bank: BankAccount
) -> None:
    strayed = gateways.charge(payments.start(world.alice, world.gateway, order(50_000)), "elsewhere")
    assert strayed.state == "review"
    assert held(world, bank) == 50_000
    assert ledger.account_balance("clearing:fake") == 0
    with pytest.raises(Refused, match="T06"):
        payments.apply_received(strayed, note="", by=world.erin)
    payments.give_back(strayed, note="At the gateway", by=world.erin)
    assert held(world, bank) == 0
    assert not verify().faults


def test_a_request_is_withdrawn_once_and_not_while_it_is_being_paid(world: World, bank: BankAccount) -> None:
    request = ask(world, bank, 1_000)
    waiting = pay(world, 400, "unknown")
    with pytest.raises(Refused, match="being confirmed"):
        payments.withdraw_deposit(request, reason="", by=world.carol)
    payments.settle(gateways.attempt_of(waiting).id, Outcome(kind=OutcomeKind.DECLINED))
    pay(world, 300, key="deposit-2")
    for _ in range(2):
        payments.withdraw_deposit(request, reason="Paid by check", by=world.carol)
    again = payments.find_deposit(world.carol, request.id)
    assert (again.state(today()), again.balance_cents, again.received_cents) == ("withdrawn", 0, 300)
    assert payments.offer(world.alice, Fund.TRUST).payables == ()
    assert held(world, bank) == 300
    with pytest.raises(DepositRequest.DoesNotExist):
        payments.find_deposit_for(world.bob, request.public_id)


def test_T20_nothing_is_paid_on_a_matter_that_is_closed(world: World, bank: BankAccount) -> None:
    ask(world, bank, 1_000)
    matters.close(world.matter, today())
    assert payments.offer(world.alice, Fund.TRUST).payables == ()
    with pytest.raises(Refused):
        pay(world, 1_000)
    matters.reopen(world.matter)
    assert pay(world, 1_000).state == "succeeded"


def test_what_was_asked_for_never_changes(world: World, bank: BankAccount) -> None:
    request = ask(world, bank, 1_000)
    for change in ({"amount_cents": 2}, {"purpose": "other"}, {"due_on": today() + dt.timedelta(days=9)}):
        with pytest.raises(IntegrityError, match="cannot change"), transaction():
            DepositRequest.update(change).where(DepositRequest.id == request.id).execute()
    with pytest.raises(IntegrityError, match="cannot be deleted"), transaction():
        DepositRequest.delete().where(DepositRequest.id == request.id).execute()


def test_an_evergreen_retainer_is_filled_up_once(world: World, bank: BankAccount) -> None:
    rule: dict[str, Any] = {"terms_days": 10, "bank_account_id": bank.id, "by": world.carol}
    deposits.keep_filled(world.matter, threshold_cents=1_000, target_cents=3_000, **rule)
    (first,) = payments.fill_up()
    assert (first.amount_cents, first.created_by_id, first.due_on) == (3_000, None, today() + dt.timedelta(days=10))
    assert payments.fill_up() == [], "not while one is open"
    collect(pay(world, 3_000))
    assert payments.fill_up() == []
    spend(world, bank, 2_400)
    (second,) = payments.fill_up()
    assert second.amount_cents == 2_400
    payments.withdraw_deposit(second, reason="", by=world.carol)
    deposits.stop_filling(world.matter, by=world.carol)
    assert payments.fill_up() == []


@pytest.mark.parametrize(("threshold", "target"), [(0, 10), (10, 9), (10, 10**12)])
def test_a_rule_that_cannot_be_is_refused(world: World, bank: BankAccount, threshold: int, target: int) -> None:
    with pytest.raises(Refused):
        deposits.keep_filled(
            world.matter, threshold_cents=threshold, target_cents=target, terms_days=1, bank_account_id=bank.id,
            by=world.carol,
        )  # fmt: skip
    assert deposits.evergreen_of(world.matter) is None


def test_only_the_client_reads_the_trust_account_until_somebody_says_so(world: World) -> None:
    assert matters.trust_readers(world.matter) == [world.alice]
    assert matters.read_in_trust_by(world.frank) == []
    row = next(row for row in matters.recipients_of(world.matter) if row.portal_user == world.frank)
    matters.change_recipient(row, relation="accountant", reads_trust=True)
    assert matters.read_in_trust_by(world.frank) == [world.matter]
    assert matters.read_in_trust_by(world.bob) == []
