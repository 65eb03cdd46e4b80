"""Paying as a client does it: in Chromium, through the real portal, with the fake as Stripe on its own origin."""

from __future__ import annotations

from collections.abc import Callable, Iterator
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
from portal_stripe import gateway as stripe
from portal_stripe.fake import Fake, close_dispute, open_dispute, served
from portal_stripe.fake.core import DAY
from tests.browser.harness import Console, look
from tests.world import PASSWORD, World

# The portal's own fixtures: its filled database, its server, an eye on the browser's console.
HOUSE, BROWSER = import_module("tests.conftest"), import_module("tests.browser.conftest")
sqlite_engine, engine, gateway = HOUSE.sqlite_engine, HOUSE.engine, HOUSE.gateway
settings, world, app = HOUSE.settings, HOUSE.world, HOUSE.own_app
console, live, new_context = BROWSER.console, BROWSER.live, BROWSER.new_context
browser_type_launch_args, browser_context_args = BROWSER.browser_type_launch_args, BROWSER.browser_context_args

NUMBER, ACCOUNT = "4242424242424242", "000123456789"


@dataclass
class Portal:
    """The portal and the fake, served, with every byte that reached the portal."""

    url: str
    heard: list[bytes]
    fake: Fake


@pytest.fixture
def portal(world: World, app: Flask, settings: Config, live: Callable[[Any], str]) -> Iterator[Portal]:
    """The portal with Stripe switched on in place of the fake gateway."""
    registry = plugins.Registry(pluggy.PluginManager(PROJECT))
    registry.manager.add_hookspecs(hookspecs)
    registry.add(stripe, "stripe")
    plugins.use(registry)
    fake, heard = Fake(), list[bytes]()
    app.before_request(lambda: heard.append(f"{request.full_path} {request.headers}".encode() + request.get_data()))
    url = live(app)
    config.use(replace(settings, public_url=url))
    gateway_setup.disable(world.gateway, by=world.carol)
    with served(fake) as at:
        given = {
            "secret_key": "sk_test_firm", "publishable_key": "pk_test_firm", "webhook_secret": "whsec_firm",
            "bank_debits": "yes", "base_url": at, "script_url": f"{at}/v3/",
        }  # fmt: skip
        row = gateway_setup.save("stripe", given, mode=Mode.TEST, by=world.carol)
        bank = BankAccount.get(BankAccount.fund == "operating")
        assert gateway_setup.connect(row, {Fund.OPERATING: ("", bank)}).is_ok
        gateway_setup.enable(row, by=world.carol)
        yield Portal(url, heard, fake)


def sign_in(context: BrowserContext, portal: Portal) -> Page:
    page = context.new_page()
    page.goto(f"{portal.url}/sign-in")
    page.get_by_label("E-mail").fill("alice@example.com")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_url("**/portal")
    page.get_by_role("link", name="Pay Now").click()
    fill_address(page)
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


def fill_address(page: Page) -> None:
    page.get_by_label("Street address").fill("48 Placeholder Lane")
    page.get_by_label("City").fill("Springfield")
    page.get_by_label("State", exact=True).select_option("IL")
    page.get_by_label("ZIP code").fill("62704")


def frame(page: Page) -> FrameLocator:
    return page.frame_locator("[data-gateway-fields] iframe")


@pytest.fixture
def page(portal: Portal, new_context: Callable[..., BrowserContext]) -> Page:
    return sign_in(new_context(), portal)


def test_a_card_is_declined_and_another_one_taken(page: Page, portal: Portal, console: Console) -> None:
    console.allow("status of 422")
    pay = page.get_by_role("button", name="Pay $2,040.00")
    expect(frame(page).locator("#number")).to_be_visible()
    pay.click()
    expect(page.locator("#pay-errors")).to_contain_text("Your card number is incomplete.")
    frame(page).locator("#number").fill("4000000000009995")
    pay.click()
    expect(page.locator("#pay-errors")).to_contain_text("There is not enough money in the account")
    frame(page).locator("#number").fill(NUMBER)
    look(page, "stripe-card")
    pay.click()
    expect(page.get_by_role("heading", name="Paid, thank you")).to_be_visible()
    expect(page.locator("#payment")).to_contain_text("Visa ending 4242")
    assert sorted(row.state for row in Payment.select()) == ["declined", "succeeded"]
    assert [each["status"] for each in portal.fake.all("charge")] == ["failed", "succeeded"]
    heard = b"".join(portal.heard).replace(b"+", b"").replace(b"%20", b"")
    assert b"/portal/pay" in heard
    assert NUMBER.encode() not in heard
    assert b"sk_test_firm" not in heard


def test_a_bank_account_is_on_its_way_and_comes_days_later(page: Page, portal: Portal) -> None:
    page.get_by_label("Bank account").check()
    frame(page).locator("#account").fill(ACCOUNT)
    page.get_by_role("button", name="Pay $2,040.00").click()
    expect(page.get_by_role("heading", name="On its way")).to_be_visible()
    portal.fake.advance(5 * DAY)
    gateways.look_again(Payment.get())
    expect(page.get_by_role("heading", name="Paid, thank you")).to_be_visible()
    expect(page.locator("#payment")).to_contain_text("Bank account ending 6789")
    heard = b"".join(portal.heard)
    assert b"/portal/pay" in heard
    assert ACCOUNT.encode() not in heard


def test_the_bank_asks_whether_it_is_you(page: Page, portal: Portal) -> None:
    frame(page).locator("#number").fill("4000000000003220")
    page.get_by_role("button", name="Pay $2,040.00").click()
    page.get_by_role("link", name="Continue to your bank’s check").click()
    page.get_by_role("button", name="Approve").click()
    expect(page.get_by_role("heading", name="Paid, thank you")).to_be_visible()
    assert [each["status"] for each in portal.fake.all("payment_intent")] == ["succeeded"]


def test_without_scripts_stripes_own_page_takes_the_card(
    portal: Portal, new_context: Callable[..., BrowserContext]
) -> None:
    page = sign_in(new_context(java_script_enabled=False), portal)
    page.locator("#amount").fill("1,500")
    page.get_by_role("button", name="Show what it pays").click()
    page.get_by_role("button", name="Pay $1,500.00").click()
    page.get_by_role("link", name="Continue to the payment page of Stripe").click()
    expect(page.get_by_role("heading")).to_have_text("Pay 150000 usd")
    page.get_by_label("Card number").fill(NUMBER)
    page.get_by_role("button", name="Pay").click()
    expect(page.get_by_role("heading", name="Paid, thank you")).to_be_visible()
    expect(page.locator("#balance-due")).to_contain_text("$540.00")
    assert [(row.state, row.amount_cents) for row in Payment.select()] == [("succeeded", 150_000)]


def test_without_stripes_script_its_own_page_takes_the_card(page: Page, portal: Portal, console: Console) -> None:
    console.allow("ERR_FAILED|net::")
    page.route("**/v3/", lambda route: route.abort())
    page.reload()
    fill_address(page)
    expect(page.locator("[data-gateway-fields] *")).to_have_count(0)
    page.get_by_role("button", name="Pay $2,040.00").click()
    expect(page.get_by_role("link", name="Continue to the payment page of Stripe")).to_be_visible()
    assert [row.state for row in Payment.select()] == ["action_required"]


def test_a_lost_answer_charges_once(page: Page, portal: Portal) -> None:
    portal.fake.fault("lost", path="/v1/payment_intents", times=2)
    frame(page).locator("#number").fill(NUMBER)
    page.get_by_role("button", name="Pay $2,040.00").click()
    expect(page.get_by_role("heading", name="Confirming your payment")).to_be_visible()
    gateways.look_again(Payment.get())
    expect(page.get_by_role("heading", name="Paid, thank you")).to_be_visible()
    assert [each["status"] for each in portal.fake.all("charge")] == ["succeeded"]


def test_a_dispute_is_seen_by_the_client_and_on_the_ledger(
    page: Page, portal: Portal, world: World, new_context: Callable[..., BrowserContext]
) -> None:
    frame(page).locator("#number").fill(NUMBER)
    page.get_by_role("button", name="Pay $2,040.00").click()
    expect(page.get_by_role("heading", name="Paid, thank you")).to_be_visible()
    [charge] = portal.fake.all("charge")
    dispute = open_dispute(portal.fake, charge["id"])
    look_at(gateways.attempt_of(Payment.get()))
    page.reload()
    expect(page.get_by_role("heading", name="Disputed, your bank decides")).to_be_visible()
    expect(page.locator("#balance-due")).to_contain_text("$0.00")
    desk = sign_in_staff(new_context(), portal)
    desk.goto(f"{portal.url}/firm/payments/{Payment.get().id}")
    expect(desk.locator("main")).to_contain_text("It is disputed. Answer the dispute at the gateway")
    look(desk, "stripe-disputed-firm")

    close_dispute(portal.fake, dispute["id"], is_won=False)
    look_at(gateways.attempt_of(Payment.get()))
    page.reload()
    expect(page.get_by_role("heading", name="Taken back by your bank")).to_be_visible()
    expect(page.locator("#balance-due")).to_contain_text("$2,040.00")
    look(page, "stripe-lost-client")
    page.goto(f"{portal.url}/portal/invoices/{world.invoice.public_id}")
    expect(page.get_by_role("link", name="Pay Now")).to_be_visible()  # it is open again
    desk.goto(f"{portal.url}/firm/matters/{world.matter.id}/ledger")
    expect(desk.get_by_role("row").filter(has_text="Dispute lost")).to_contain_text("2,040.00")
