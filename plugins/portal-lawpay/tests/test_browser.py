"""Paying as a client does it: in Chromium, through the real portal, with the emulator as LawPay on its own origin."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass, replace
from importlib import import_module
from typing import Any

import pluggy
import pytest
from flask import Flask, request
from playwright.sync_api import BrowserContext, FrameLocator, Page, expect

from portal_app import config, gateway_setup, gateways, hookspecs, plugins
from portal_app.config import Config
from portal_app.domain.payments import BankAccount, Payment
from portal_app.gateways.hearing import look_at
from portal_app.plugin_api import PROJECT, Fund, Mode
from portal_emulator import nights
from portal_emulator.app import create, world_of
from portal_emulator.world import PUBLIC_KEY, SECRET_KEY
from portal_emulator.world import World as Emulator
from portal_lawpay import gateway as lawpay
from tests.browser.harness import Console, look
from tests.world import PASSWORD, World

# The portal's own fixtures: its filled database, its server, an eye on the browser's console.
HOUSE, BROWSER = import_module("tests.conftest"), import_module("tests.browser.conftest")
sqlite_engine, engine, gateway = HOUSE.sqlite_engine, HOUSE.engine, HOUSE.gateway
settings, world, app = HOUSE.settings, HOUSE.world, HOUSE.own_app
console, live, new_context = BROWSER.console, BROWSER.live, BROWSER.new_context
browser_type_launch_args, browser_context_args = BROWSER.browser_type_launch_args, BROWSER.browser_context_args

NUMBER, ACCOUNT, CODE = "4242424242424242", "1234567890", "987"


@dataclass
class Portal:
    """The portal and the emulator, served, with every byte that reached the portal."""

    url: str
    heard: list[bytes]
    emulator: Emulator


@pytest.fixture
def portal(
    world: World,
    app: Flask,
    settings: Config,
    live: Callable[[Any], str],
) -> Portal:
    """The portal with LawPay switched on in place of the fake gateway."""
    registry = plugins.Registry(pluggy.PluginManager(PROJECT))
    registry.manager.add_hookspecs(hookspecs)
    registry.add(lawpay, "lawpay")
    plugins.use(registry)
    emulator = create()
    at = live(emulator)
    heard: list[bytes] = []
    app.before_request(lambda: heard.append(f"{request.full_path} {request.headers}".encode() + request.get_data()))
    url = live(app)
    config.use(replace(settings, public_url=url))
    gateway_setup.disable(world.gateway, by=world.carol)
    given = {
        "base_url": f"{at}/v1", "secret_key": SECRET_KEY, "public_key": PUBLIC_KEY, "page_url": at, "surcharge": "on",
        "fields_url": f"{at}/hostedfields/1.5.3/fieldGen_1.5.3.js", "page_merchant": "rehearsal",
    }  # fmt: skip
    row = gateway_setup.save("lawpay", given, mode=Mode.TEST, by=world.carol)
    bank = BankAccount.get(BankAccount.fund == "operating")
    assert gateway_setup.connect(row, {Fund.OPERATING: ("", bank)}).is_ok
    gateway_setup.enable(row, by=world.carol)
    return Portal(url, heard, world_of(emulator))


def sign_in(context: BrowserContext, portal: Portal) -> Page:
    page = context.new_page()
    page.goto(f"{portal.url}/sign-in")
    page.get_by_label("E-mail").fill("alice@example.com")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_url("**/portal")
    page.get_by_role("link", name="Pay Now").click()
    page.get_by_label("Street address").fill("48 Placeholder Lane")
    page.get_by_label("City").fill("Springfield")
    page.get_by_label("State", exact=True).select_option("IL")
    page.get_by_label("ZIP code").fill("62704")
    return page


def sign_in_staff(context: BrowserContext, portal: Portal) -> Page:
    """Erin, the bookkeeper."""
    page = context.new_page()
    page.goto(f"{portal.url}/sign-in")
    page.get_by_label("E-mail").fill("erin@example.com")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_url("**/firm**")
    return page


def frame(page: Page, name: str) -> FrameLocator:
    return page.frame_locator(f"#lawpay-{name} iframe")


def fill_card(page: Page, number: str = NUMBER) -> None:
    frame(page, "credit-card-number").locator("input").fill(number)
    frame(page, "cvv").locator("input").fill(CODE)
    page.get_by_label("Expires, month").select_option("12")
    page.get_by_label("Expires, year").select_option(index=8)


@pytest.fixture
def page(portal: Portal, new_context: Callable[..., BrowserContext]) -> Page:
    return sign_in(new_context(), portal)


def test_a_card_is_declined_and_another_one_taken(page: Page, portal: Portal, console: Console) -> None:
    console.allow("status of 422|net::ERR|status of 503")
    pay = page.get_by_role("button", name="Pay $2,040.00")
    expect(frame(page, "credit-card-number").locator("input")).to_be_visible()
    pay.click()
    expect(page.locator("#pay-errors")).to_contain_text("Choose the month and year in which the card expires.")
    fill_card(page, "4242424242424241")
    page.get_by_label("Expires, month").focus()
    expect(page.locator("#lawpay-credit-card-number-error")).to_contain_text("not valid")
    fill_card(page, "4000000000000002")
    expect(page.locator("#lawpay-credit-card-number-error")).to_be_hidden()
    expect(page.locator(".lawpay")).to_contain_text("may add a surcharge")
    pay.click()
    expect(page.locator("#pay-errors")).to_contain_text("The bank declined this card. It does not say why.")
    fill_card(page)
    portal.emulator.faults.switch_on("unavailable", only="/v1/tokens")
    pay.click()
    expect(page.locator("#pay-errors")).to_contain_text("Nothing has been charged. LawPay did not answer.")
    portal.emulator.faults.clear()
    look(page, "lawpay-card")
    pay.click()
    expect(page.get_by_role("heading", name="Paid, thank you")).to_be_visible()
    expect(page.locator("#payment")).to_contain_text("Visa ending 4242")
    assert sorted(row.state for row in Payment.select()) == ["declined", "succeeded"]
    heard = b"".join(portal.heard).replace(b"+", b"").replace(b"%20", b"")
    assert b"/portal/pay" in heard
    assert NUMBER.encode() not in heard
    assert b"cvv" not in heard


def test_an_echeck_is_on_its_way_and_comes_in_the_night(page: Page, portal: Portal) -> None:
    page.get_by_label("Bank account").check()
    frame(page, "routing-number").locator("input").fill("000000013")
    frame(page, "bank-account-number").locator("input").fill(ACCOUNT)
    page.get_by_label("Kind of account").select_option("SAVINGS")
    look(page, "lawpay-echeck")
    page.get_by_role("button", name="Pay $2,040.00").click()
    expect(page.get_by_role("heading", name="On its way")).to_be_visible()
    [charge] = portal.emulator.store.all("transaction")
    assert charge["details"]["account_type"] == "SAVINGS"
    nights.advance(portal.emulator, portal.emulator.next_night())
    gateways.look_again(Payment.get())
    expect(page.get_by_role("heading", name="Paid, thank you")).to_be_visible()
    expect(page.locator("#payment")).to_contain_text("Bank account ending 7890")
    heard = b"".join(portal.heard)
    assert b"/portal/pay" in heard
    assert ACCOUNT.encode() not in heard


def test_without_scripts_lawpays_own_page_takes_the_card(
    portal: Portal,
    new_context: Callable[..., BrowserContext],
) -> None:
    page = sign_in(new_context(java_script_enabled=False), portal)
    page.locator("#amount").fill("1,500")
    page.get_by_role("button", name="Show what it pays").click()
    page.get_by_role("button", name="Pay $1,500.00").click()
    page.get_by_role("link", name="Continue to the payment page of LawPay").click()
    expect(page.locator("p#amount")).to_have_text("$1,500.00")  # nobody can type another one
    for name, typed in {"name": "Alice", "number": NUMBER, "exp_month": "12", "exp_year": "2034", "cvv": CODE}.items():
        page.locator(f"#{name}").fill(typed)
    page.get_by_role("button", name="Pay").click()
    expect(page.get_by_role("heading", name="Paid, thank you")).to_be_visible()
    expect(page.locator("#balance-due")).to_contain_text("$540.00")
    assert [(row.state, row.amount_cents) for row in Payment.select()] == [("succeeded", 150_000)]


def test_without_lawpays_script_its_own_page_takes_the_card(page: Page, portal: Portal, console: Console) -> None:
    console.allow("ERR_FAILED|net::")
    page.route("**/fieldGen_*.js", lambda route: route.abort())
    page.reload()
    page.get_by_label("Street address").fill("48 Placeholder Lane")
    page.get_by_label("City").fill("Springfield")
    page.get_by_label("State", exact=True).select_option("IL")
    page.get_by_label("ZIP code").fill("62704")
    expect(page.locator("[data-gateway-fields] *")).to_have_count(0)
    page.get_by_role("button", name="Pay $2,040.00").click()
    expect(page.get_by_role("link", name="Continue to the payment page of LawPay")).to_be_visible()
    assert [row.state for row in Payment.select()] == ["action_required"]


def test_a_refund_is_seen_by_the_client_and_on_the_ledger(
    page: Page, portal: Portal, world: World, new_context: Callable[..., BrowserContext]
) -> None:
    fill_card(page)
    page.get_by_role("button", name="Pay $2,040.00").click()
    expect(page.get_by_role("heading", name="Paid, thank you")).to_be_visible()
    payment = Payment.get()
    desk = sign_in_staff(new_context(), portal)
    desk.goto(f"{portal.url}/firm/payments/{payment.id}")
    for amount, way in (("300", "The invoice is owed again"), ("150", "The firm gives the fee up")):
        desk.get_by_text("Give money back", exact=True).click()
        desk.get_by_label("Amount").fill(amount)
        desk.get_by_label(way).check()
        desk.get_by_label("Why is it given back?").fill("The wrong card was used")
        desk.get_by_role("button", name="Give it back").click()
        expect(desk.locator("main")).to_contain_text(f"{amount}.00")
    look(desk, "lawpay-refunded-firm")
    assert [row["amount"] for row in portal.emulator.store.all("transaction") if row["type"] == "REFUND"] == [
        30_000, 15_000,
    ]  # fmt: skip

    page.reload()
    expect(page.locator("#payment")).to_contain_text("Given back")
    expect(page.locator("#balance-due")).to_contain_text("$300.00")
    look(page, "lawpay-refunded-client")
    page.goto(f"{portal.url}/portal/invoices/{world.second.public_id}")
    expect(page.locator("main")).to_contain_text("Given back, or returned by a bank")
    expect(page.locator("main")).to_contain_text("You do not owe this again")
    expect(page.get_by_role("link", name="Pay Now")).to_be_visible()  # it is open again
    look(page, "lawpay-refunded-invoice")

    desk.goto(f"{portal.url}/firm/matters/{world.matter.id}/ledger")
    line = desk.get_by_role("row").filter(has_text="Refunded, fee given up")
    expect(line.locator("td")).to_contain_text(["150.00", "150.00", "300.00"])  # debit, credit, what is owed
    look(desk, "lawpay-refunded-ledger")


def test_an_echeck_that_comes_back_opens_the_invoice_again(
    page: Page, portal: Portal, world: World, new_context: Callable[..., BrowserContext]
) -> None:
    page.get_by_label("Bank account").check()
    frame(page, "routing-number").locator("input").fill("000000013")
    frame(page, "bank-account-number").locator("input").fill("1000000011")
    page.get_by_role("button", name="Pay $2,040.00").click()
    expect(page.get_by_role("heading", name="On its way")).to_be_visible()
    nights.advance(portal.emulator, portal.emulator.next_night())
    gateways.look_again(Payment.get())
    expect(page.get_by_role("heading", name="Paid, thank you")).to_be_visible()
    nights.advance(portal.emulator, portal.emulator.now() + dt.timedelta(days=6))
    look_at(gateways.attempt_of(Payment.get()))
    page.reload()
    expect(page.get_by_role("heading", name="Returned by your bank")).to_be_visible()
    expect(page.locator("#balance-due")).to_contain_text("$2,040.00")
    look(page, "lawpay-returned-client")
    desk = sign_in_staff(new_context(), portal)
    desk.goto(f"{portal.url}/firm/matters/{world.matter.id}/ledger")
    line = desk.get_by_role("row").filter(has_text="Payment returned by the bank")
    expect(line).to_contain_text("2,040.00")
