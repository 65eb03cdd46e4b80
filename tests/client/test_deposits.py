"""Deposits in the client's browser: asked for apart from Balance Due, paid into trust alone, and their statement."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from flask.testing import FlaskClient

from portal_app import gateways, worker
from portal_app.domain import matters, payments, trust, trust_papers
from portal_app.domain.deposits import DepositRequest
from portal_app.domain.mail import Email
from portal_app.domain.payments import BankAccount, Payment
from portal_app.domain.trust import TrustNotice
from portal_app.plugin_api import Fund
from tests.client.test_payments import typed as filled
from tests.deposits import ask, open_trust
from tests.domain.test_payments import order
from tests.fake_gateway import FakeGateway
from tests.world import World, today

Browser = Callable[[Any], FlaskClient]


@pytest.fixture
def bank(world: World) -> BankAccount:
    return open_trust(world)


@pytest.fixture
def request_(world: World, bank: BankAccount) -> DepositRequest:
    return ask(world, bank, 250_000, purpose="Retainer for the appeal")


def text_of(browser: FlaskClient, address: str) -> str:
    answer = browser.get(address)
    assert answer.status_code == 200, address
    return answer.get_data(as_text=True)


def press(browser: FlaskClient, request: DepositRequest, **changes: str) -> Any:
    typed = filled(**{"deposit": request.public_id, "amount": "1,000.00", **changes})
    return browser.post("/portal/payments", data=typed)


def test_home_asks_for_it_apart_from_the_balance(as_: Browser, world: World, request_: DepositRequest) -> None:
    home = text_of(as_(world.alice), "/portal")
    assert "Deposit requested" in home
    assert "it stays yours, in trust, until it is used" in home
    assert "$2,500.00" in home
    assert home.index("$2,040.00") < home.index("Deposit requested"), "the Balance Due is without it"
    assert "Deposit requested" not in text_of(as_(world.bob), "/portal")


def test_it_is_read_once_and_only_by_those_it_is_shared_with(
    as_: Browser, world: World, request_: DepositRequest
) -> None:
    here = f"/portal/deposits/{request_.public_id}"
    page = text_of(as_(world.alice), here)
    assert "Retainer for the appeal" in page
    assert "A deposit is not a bill" in page
    assert f"/portal/pay?deposit={request_.public_id}" in page
    assert as_(world.bob).get(here).status_code == 404
    assert "new</strong>" not in text_of(as_(world.alice), "/portal").split("invoices-h")[0].split("deposits-h")[-1]


def test_it_is_paid_to_the_trust_account(
    as_: Browser, world: World, request_: DepositRequest, bank: BankAccount, gateway: FakeGateway
) -> None:
    browser = as_(world.alice)
    form = text_of(browser, f"/portal/pay?deposit={request_.public_id}")
    assert "Pay a deposit into trust" in form
    assert 'value="2,500.00"' in form
    assert "into its trust account" in form
    answer = press(browser, request_)
    assert answer.status_code == 303
    payment = Payment.get()
    assert (payment.fund, payment.state, payment.amount_cents) == ("trust", "succeeded", 100_000)
    assert [row.merchant_account for row in gateway.charges.values()] == ["fake-trust"]
    page = text_of(browser, answer.headers["Location"])
    assert "Deposited, thank you" in page
    assert "holds it in trust for you" in page
    assert "$1,500.00 still asked for" in page
    assert trust.balance(world.matter, bank) == 100_000
    assert "$1,500.00" in text_of(browser, "/portal").split("invoices-h")[0].split("deposits-h")[-1]


@pytest.mark.parametrize(
    ("amount", "said"),
    [("2,500.01", "more than the deposit asked for"), ("0", "above zero"), ("-5", ""), ("1.005", ""), ("", "")],
)
def test_T23_an_amount_that_cannot_be_is_refused_with_what_was_typed(
    as_: Browser, world: World, request_: DepositRequest, amount: str, said: str
) -> None:
    answer = press(as_(world.alice), request_, amount=amount)
    page = answer.get_data(as_text=True)
    assert answer.status_code == 422
    assert "Nothing has been charged" in page
    assert f'value="{amount}"' in page
    assert said in page
    assert Payment.select().count() == 0


def test_somebody_elses_deposit_is_not_there(as_: Browser, world: World, request_: DepositRequest) -> None:
    assert as_(world.bob).get(f"/portal/pay?deposit={request_.public_id}").status_code == 404
    assert press(as_(world.bob), request_).status_code == 404
    assert Payment.select().count() == 0


def test_twice_is_once(as_: Browser, world: World, request_: DepositRequest, gateway: FakeGateway) -> None:
    browser = as_(world.alice)
    assert {press(browser, request_).status_code for _ in range(2)} == {303}
    assert len(gateway.charges) == 1


def test_without_a_trust_road_it_cannot_be_paid_online(as_: Browser, world: World) -> None:
    bank = BankAccount.get(BankAccount.fund == "trust")
    request = ask(world, bank, 1_000)
    browser = as_(world.alice)
    assert "cannot be paid online" in text_of(browser, f"/portal/deposits/{request.public_id}")
    assert browser.get(f"/portal/pay?deposit={request.public_id}").status_code == 303
    assert press(browser, request).status_code == 303
    assert Payment.select().count() == 0


def run_worker() -> None:
    while worker.turn():
        pass


def test_papers_and_letters_are_made(as_: Browser, world: World, request_: DepositRequest) -> None:
    press(as_(world.alice), request_)
    run_worker()
    browser = as_(world.alice)
    paper = browser.get(f"/portal/deposits/{request_.public_id}/pdf")
    assert (paper.status_code, paper.data[:5]) == (200, b"%PDF-")
    receipt = browser.get(f"/portal/payments/{Payment.get().public_id}/receipt")
    assert receipt.data[:5] == b"%PDF-"
    letters = {(row.kind, row.to_address): row for row in Email.select()}
    shared = letters["deposit_shared", "alice@example.com"]
    assert "Deposit requested by" in shared.subject
    assert "It is not a bill" in shared.text
    assert "holds it in trust for you" in letters["payment_succeeded", "alice@example.com"].text
    assert ("trust_receipt", "alice@example.com") not in letters, "the payer has the payment's receipt"
    assert "Deposit into trust" in letters["payment_succeeded_firm", "billing@example.com"].subject


def test_T11_T18_a_check_that_staff_entered_has_its_receipt_and_the_client_is_told(
    as_: Browser, world: World, bank: BankAccount, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("portal_app.web.letters.server", object)
    row = trust.receive(
        world.matter, bank, amount_cents=40_000, received_on=today(), payer="Aunt Agatha", purpose="Retainer",
        method="check", reference="1041", by=world.erin,
    )  # fmt: skip
    worker.trust_received(row.id)
    worker.trust_received(row.id)
    (letter,) = Email.select().where(Email.kind == "trust_receipt")
    assert letter.to_address == "alice@example.com"
    assert "Aunt Agatha" in letter.text
    assert TrustNotice.get().movement_id == row.id
    receipt = trust_papers.receipt_for(row)
    assert receipt is not None
    assert receipt.number == f"T-{today().year}-0001"
    here = f"/portal/trust/receipts/{receipt.public_id}/pdf"
    assert as_(world.alice).get(here).data[:5] == b"%PDF-"
    assert as_(world.bob).get(here).status_code == 404
    assert as_(world.frank).get(here).status_code in {303, 404}


def test_T17_the_statement_has_every_line_and_what_covers_it(
    as_: Browser, world: World, bank: BankAccount, request_: DepositRequest
) -> None:
    browser = as_(world.alice)
    press(browser, request_)
    trust.receive(
        world.bobs_matter, bank, amount_cents=77_700, received_on=today(), payer="Bob", purpose="Retainer",
        method="wire", by=world.erin,
    )  # fmt: skip
    page = text_of(browser, "/portal/trust")
    wanted = ["$1,000.00", "Opening balance", "Deposit from portal", "not yet collected", "Books and lines are equal"]
    assert [said for said in [*wanted, "Not yet reconciled", "$1,777.00"] if said not in page] == []
    assert "Bob" not in page
    book = browser.get("/portal/trust/statement.csv")
    lines = book.get_data(as_text=True).splitlines()
    assert lines[-1].endswith(",Closing balance,,,1000.00")
    assert browser.get("/portal/trust/statement.pdf").data[:5] == b"%PDF-"
    assert browser.get("/portal/trust?since=2026-02-30&until=x").status_code == 422
    assert browser.get("/portal/trust?since=2026-02-02&until=2026-01-01").status_code == 422
    early = browser.get("/portal/trust?since=2020-01-01&until=2020-02-01").get_data(as_text=True)
    assert "Deposit from portal" not in early


def test_who_may_not_read_the_trust_account_sees_none_of_it(
    as_: Browser, world: World, bank: BankAccount, request_: DepositRequest
) -> None:
    press(as_(world.alice), request_)
    row = next(row for row in matters.recipients_of(world.matter) if row.portal_user == world.alice)
    matters.change_recipient(row, relation="accountant", reads_trust=False)
    page = text_of(as_(world.alice), "/portal/trust")
    assert "Opening balance" not in page
    assert as_(world.alice).get("/portal/trust/statement.pdf").status_code == 404
    assert as_(world.alice).get("/portal/trust/statement.csv").status_code == 404


def test_a_deposit_being_confirmed_is_not_offered_again(as_: Browser, world: World, request_: DepositRequest) -> None:
    started = payments.start(world.alice, world.gateway, order(250_000, fund=Fund.TRUST))
    gateways.charge(started, "unknown")
    browser = as_(world.alice)
    assert "is being confirmed" in text_of(browser, "/portal")
    page = text_of(browser, f"/portal/deposits/{request_.public_id}")
    assert "/portal/pay?deposit=" not in page
