"""Asking for deposits, as staff do it: asking, sharing, withdrawing, keeping a retainer filled."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from typing import Any

import pytest
from flask.testing import FlaskClient

from portal_app import clock, gateways, worker
from portal_app.domain import deposits, matters, payments, sharing, trust
from portal_app.domain.deposits import DepositRequest, DepositShare
from portal_app.domain.payments import BankAccount
from portal_app.plugin_api import Fund
from tests.deposits import ask, open_trust
from tests.domain.test_payments import order
from tests.world import World, today

Browser = Callable[[Any], FlaskClient]
KEY = "a-key-of-more-than-twenty"


@pytest.fixture
def bank(world: World) -> BankAccount:
    return open_trust(world)


@pytest.fixture
def home(world: World) -> str:
    return f"/firm/matters/{world.matter.id}/deposits"


def typed(bank: BankAccount, **changes: str) -> dict[str, str]:
    day = (today() + dt.timedelta(days=10)).isoformat()
    form = {"key": KEY, "amount": "1,500.00", "purpose": "Retainer", "due_on": day, "bank_account": str(bank.id)}
    return form | changes


def test_a_deposit_is_asked_for_once_and_shared(as_: Browser, world: World, bank: BankAccount, home: str) -> None:
    browser = as_(world.dan)
    for _ in range(2):
        assert browser.post(home, data=typed(bank)).status_code == 303
    (row,) = DepositRequest.select()
    assert (row.amount_cents, row.purpose, row.created_by_id) == (150_000, "Retainer", world.dan.id)
    page = browser.get(home).get_data(as_text=True)
    for said in (row.number, "$1,500.00", world.alice.name, "not seen yet", "is shared with"):
        assert said in page


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"amount": "0"}, "above zero"),
        ({"amount": "1.005"}, ""),
        ({"purpose": " "}, "Fill in this field."),
        ({"due_on": "2020-01-01"}, "This day has passed"),
        ({"bank_account": "1"}, ""),
    ],
)
def test_what_cannot_be_asked_keeps_what_was_typed(
    as_: Browser, world: World, bank: BankAccount, home: str, wrong: dict[str, str], said: str
) -> None:
    answer = as_(world.dan).post(home, data=typed(bank, **wrong))
    page = answer.get_data(as_text=True)
    assert answer.status_code == 422
    assert said in page
    assert 'aria-invalid="true"' in page
    assert DepositRequest.select().count() == 0


def test_it_is_shared_and_withdrawn(as_: Browser, world: World, bank: BankAccount, home: str) -> None:
    row = ask(world, bank, 70_000)
    browser = as_(world.dan)
    assert "Frank Okonkwo" in browser.get(f"{home}/{row.id}/share").get_data(as_text=True)
    assert browser.post(f"{home}/{row.id}/share", data={"people": [str(world.frank.id)]}).status_code == 303
    assert [one.portal_user for one in sharing.shares_of(DepositShare, [row])[row.id]] == [world.frank]
    assert as_(world.alice).get(f"/portal/deposits/{row.public_id}").status_code == 404
    assert browser.post(f"{home}/{row.id}/withdraw", data={"reason": ""}).status_code == 422
    assert browser.post(f"{home}/{row.id}/withdraw", data={"reason": "Paid by check"}).status_code == 303
    assert "Withdrawn by the firm" in browser.get(home).get_data(as_text=True)


def test_a_request_of_another_matter_is_not_there(as_: Browser, world: World, bank: BankAccount) -> None:
    row = ask(world, bank, 70_000)
    other = f"/firm/matters/{world.bobs_matter.id}/deposits/{row.id}"
    browser = as_(world.dan)
    found = {
        browser.get(f"{other}/share").status_code, browser.post(f"{other}/withdraw", data={"reason": "x"}).status_code,
        browser.get(f"{other}/pdf").status_code,
    }  # fmt: skip
    assert found == {404}


def test_its_paper_is_made_by_the_worker(as_: Browser, world: World, bank: BankAccount, home: str) -> None:
    row = ask(world, bank, 70_000)
    browser = as_(world.dan)
    assert browser.get(f"{home}/{row.id}/pdf").status_code == 404
    while worker.turn():
        pass
    assert browser.get(f"{home}/{row.id}/pdf").data[:5] == b"%PDF-"


def test_a_retainer_is_kept_filled(as_: Browser, world: World, bank: BankAccount, home: str) -> None:
    browser = as_(world.dan)
    rule = f"/firm/matters/{world.matter.id}/evergreen"
    values = {"threshold": "1,000", "target": "500", "terms_days": "10", "bank_account": str(bank.id)}
    answer = browser.post(rule, data=values)
    assert answer.status_code == 422
    assert "Fill it up to at least" in answer.get_data(as_text=True)
    assert browser.post(rule, data=values | {"terms_days": "ten"}).status_code == 422
    assert browser.post(rule, data=values | {"target": "2,500"}).status_code == 303
    assert "When less than" in browser.get(home).get_data(as_text=True)
    worker.housekeeping()
    worker.housekeeping()
    assert "Retainer is low" in as_(world.carol).get("/firm").get_data(as_text=True)
    assert [row.amount_cents for row in DepositRequest.select()] == [250_000]
    assert "by itself." in browser.get(home).get_data(as_text=True)
    assert browser.post(f"{rule}/stop").status_code == 303
    assert deposits.evergreen_of(world.matter) is None


def test_today_says_what_was_not_paid_in_time(as_: Browser, world: World, bank: BankAccount) -> None:
    with clock.frozen(clock.now() - dt.timedelta(days=9)):
        ask(world, bank, 70_000, due_on=today() + dt.timedelta(days=3))
    assert "Deposit not paid in time" in as_(world.carol).get("/firm").get_data(as_text=True)
    gateways.charge(payments.start(world.alice, world.gateway, order(70_000, fund=Fund.TRUST)), "ok")
    assert "Deposit not paid in time" not in as_(world.carol).get("/firm").get_data(as_text=True)


def test_who_may_read_the_trust_account_is_said_beside_the_relation(as_: Browser, world: World) -> None:
    row = next(row for row in matters.recipients_of(world.matter) if row.portal_user == world.frank)
    here = f"/firm/matters/{world.matter.id}/recipients/{row.id}/relation"
    browser = as_(world.carol)
    assert "May read the trust account" in browser.get(here).get_data(as_text=True)
    assert browser.post(here, data={"relation": "executor", "reads_trust": "y"}).status_code == 303
    assert matters.trust_readers(world.matter) == [world.alice, world.frank]


def test_a_deposit_stands_among_the_payments_and_is_given_back_by_a_lawyer(
    as_: Browser, world: World, bank: BankAccount
) -> None:
    ask(world, bank, 70_000)
    paid = gateways.charge(payments.start(world.alice, world.gateway, order(70_000, fund=Fund.TRUST)), "ok")
    receipt = trust.receipt_of(f"payment:{paid.id}:paid")
    assert receipt is not None
    trust.clear(receipt, on=today(), note="Settled")
    assert "D-" in as_(world.erin).get("/firm/payments").get_data(as_text=True)
    page = as_(world.erin).get(f"/firm/payments/{paid.id}").get_data(as_text=True)
    assert "Deposit request" in page
    assert "It leaves the client’s trust ledger" in page
    form = {"key": KEY, "amount": "100.00", "left": "70000", "reason": "Unearned", "way": "owed"}
    refused = as_(world.erin).post(f"/firm/payments/{paid.id}/refunds", data=form)
    assert refused.status_code == 422
    assert "lawyer" in refused.get_data(as_text=True)
    assert as_(world.carol).post(f"/firm/payments/{paid.id}/refunds", data=form).status_code == 303
    assert trust.balance(world.matter, bank) == 60_000


def test_T11_a_check_that_was_entered_has_a_receipt_to_print(as_: Browser, world: World, bank: BankAccount) -> None:
    row = trust.receive(
        world.matter, bank, amount_cents=40_000, received_on=today(), payer="Aunt Agatha", purpose="Retainer",
        method="check", reference="1041", by=world.erin,
    )  # fmt: skip
    here = f"/firm/trust/movements/{row.id}"
    assert as_(world.erin).get(f"{here}/receipt").status_code == 404
    while worker.turn():
        pass
    assert f"{here}/receipt" in as_(world.erin).get(here).get_data(as_text=True)
    assert as_(world.erin).get(f"{here}/receipt").data[:5] == b"%PDF-"
