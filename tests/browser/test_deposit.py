"""Paying a deposit into trust as a client does it: by card, from a bank account, and without scripts."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import BrowserContext, Page, expect

from portal_app import gateway_setup
from portal_app.domain import trust
from portal_app.domain.deposits import DepositRequest
from portal_app.domain.payments import BankAccount, Payment
from portal_app.plugin_api import Fund, Method
from tests.browser.harness import Console, axe, look
from tests.browser.test_pay import Portal, card_of, fill_address, fill_card, portal, sign_in
from tests.deposits import ask
from tests.world import World

__all__ = ["portal"]


@pytest.fixture
def bank(world: World, portal: Portal) -> BankAccount:
    """The sandbox takes deposits, too."""
    account = BankAccount.get(BankAccount.fund == "trust")
    row = gateway_setup.find("sandbox")
    assert row is not None
    gateway_setup.set_route(row, Fund.TRUST, "sandbox-trust", account)
    assert gateway_setup.test_connection(row).is_ok
    gateway_setup.set_roads({(Fund.TRUST, method): row for method in Method}, by=world.carol)
    return account


@pytest.fixture
def deposit(world: World, bank: BankAccount) -> DepositRequest:
    return ask(world, bank, 250_000, purpose="Retainer for the appeal")


@pytest.fixture
def page(portal: Portal, deposit: DepositRequest, context: BrowserContext, console: Console) -> Page:
    """Alice on the page of the deposit request."""
    console.allow("status of 422")
    page = sign_in(context, portal)
    expect(page.get_by_role("heading", name="Deposit requested")).to_be_visible()
    page.get_by_role("link", name="Retainer for the appeal").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("Deposit request")
    return page


def test_a_deposit_is_paid_by_card_and_is_in_the_statement(page: Page, world: World, bank: BankAccount) -> None:
    look(page, "client-deposit")
    page.get_by_role("link", name="Pay into trust").click()
    page.locator("#amount").fill("2,500.01")
    fill_address(page)
    fill_card(card_of(page))
    page.locator("#confirm button").click()
    expect(page.locator("#pay-errors")).to_contain_text("more than the deposit asked for")
    page.locator("#amount").fill("1,000")
    expect(page.locator("#allocation")).to_contain_text("Leaves $1,500.00 to be paid")
    axe(page)
    card_of(page).locator("#number").fill("4242424242424242")
    page.get_by_role("button", name="Deposit $1,000.00").click()
    expect(page.get_by_role("heading", name="Deposited, thank you")).to_be_visible()
    look(page, "client-deposit-paid")
    assert trust.balance(world.matter, bank) == 100_000
    with page.expect_download() as download:
        page.get_by_role("link", name="Download receipt").click()
    assert download.value.suggested_filename == f"Receipt {Payment.get().receipt_number}.pdf"
    page.get_by_role("link", name="Trust", exact=True).click()
    expect(page.locator("main")).to_contain_text("Deposit from portal")
    page.get_by_text("It is covered: how we know").click()
    expect(page.locator("main")).to_contain_text("Books and lines are equal")
    look(page, "client-trust")


def test_a_deposit_is_paid_from_a_bank_account_and_settles_later(page: Page, world: World, bank: BankAccount) -> None:
    page.get_by_role("link", name="Pay into trust").click()
    fill_address(page)
    page.get_by_label("Bank account").check()
    card_of(page).locator("#routing").fill("110000000")
    card_of(page).locator("#account").fill("000123456789")
    page.get_by_role("button", name="Deposit $2,500.00").click()
    expect(page.get_by_role("heading", name="On its way")).to_be_visible()
    assert trust.balance(world.matter, bank) == 0
    page.goto(page.url.partition("/portal/")[0] + "/portal")
    expect(page.locator("main")).to_contain_text("$2,500.00 is being confirmed")


def test_a_deposit_is_paid_without_scripts(
    portal: Portal, deposit: DepositRequest, new_context: Callable[..., BrowserContext], console: Console,
    world: World, bank: BankAccount,
) -> None:  # fmt: skip
    console.allow("status of 422")
    page = sign_in(new_context(java_script_enabled=False), portal)
    page.get_by_role("link", name="Retainer for the appeal").click()
    page.get_by_role("link", name="Pay into trust").click()
    page.locator("#amount").fill("3,000")
    fill_address(page)
    page.get_by_role("button", name="Show what it pays").click()
    expect(page.locator("#how-much .error")).to_contain_text("more than the deposit asked for")
    page.locator("#amount").fill("2,500")
    page.get_by_role("button", name="Show what it pays").click()
    expect(page.locator("#allocation")).to_contain_text("The whole deposit")
    page.get_by_role("button", name="Deposit $2,500.00").click()
    page.get_by_role("link", name="Continue to the payment page of Sandbox").click()
    fill_card(page)
    page.get_by_role("button", name="Pay $2,500.00").click()
    expect(page.get_by_role("heading", name="Deposited, thank you")).to_be_visible()
    assert trust.balance(world.matter, bank) == 250_000
