"""Paying as a client does it: in Chromium, through the real sandbox on its own origin, with scripts and without."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pluggy
import pytest
from flask import Flask, request
from playwright.sync_api import BrowserContext, FrameLocator, Page, Route, expect

from portal_app import config, gateway_setup, hookspecs, plugins
from portal_app.config import Config
from portal_app.domain.payments import BankAccount, Payment
from portal_app.plugin_api import PROJECT, Fund, Method, Mode
from portal_app.worker import Worker
from portal_sandbox import gateway
from portal_sandbox.companion import create
from tests.browser.harness import Console, axe, look
from tests.world import PASSWORD, World

NUMBER = "4242424242424242"


@dataclass
class Portal:
    """The portal, served, with every byte that reached it."""

    url: str
    heard: list[bytes]


@pytest.fixture
def portal(
    world: World, own_app: Flask, settings: Config, live: Callable[[Any], str], tmp_path: Path
) -> Iterator[Portal]:
    """The portal with the sandbox switched on in place of the fake gateway, and its worker."""
    manager = pluggy.PluginManager(PROJECT)
    manager.add_hookspecs(hookspecs)
    registry = plugins.Registry(manager)
    registry.add(gateway, "sandbox")
    plugins.use(registry)
    companion = live(create(str(tmp_path), slow_seconds=2, settle_seconds=2))
    heard: list[bytes] = []
    own_app.before_request(lambda: heard.append(f"{request.full_path} {request.headers}".encode() + request.get_data()))
    url = live(own_app)
    config.use(replace(settings, public_url=url))
    gateway_setup.disable(world.gateway, by=world.carol)
    row = gateway_setup.save("sandbox", {"base_url": companion}, mode=Mode.TEST, by=world.carol)
    gateway_setup.set_route(row, Fund.OPERATING, "sandbox-operating", BankAccount.get(BankAccount.fund == "operating"))
    assert gateway_setup.test_connection(row).is_ok
    gateway_setup.enable(row, by=world.carol)
    worker = Worker()
    worker.start()
    yield Portal(url, heard)
    worker.stop()


def sign_in(context: BrowserContext, portal: Portal) -> Page:
    page = context.new_page()
    page.goto(f"{portal.url}/sign-in")
    page.get_by_label("E-mail").fill("alice@example.com")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_url("**/portal")
    return page


def fill_address(page: Page) -> None:
    page.get_by_label("Street address").fill("48 Placeholder Lane")
    page.get_by_label("City").fill("Springfield")
    page.get_by_label("State", exact=True).select_option("IL")
    page.get_by_label("ZIP code").fill("62704")


def fill_card(place: Page | FrameLocator, number: str = NUMBER) -> None:
    place.locator("#number").fill(number)
    place.locator("#expires").fill("12/34")
    place.locator("#code").fill("987")


@pytest.fixture
def page(portal: Portal, context: BrowserContext, console: Console) -> Page:
    """Alice on the Pay Now page."""
    console.allow("status of 422")
    page = sign_in(context, portal)
    page.get_by_role("link", name="Pay Now").click()
    page.wait_for_url("**/portal/pay")  # whole: none of its files is still to come
    return page


def card_of(page: Page) -> FrameLocator:
    return page.frame_locator("iframe.gateway-frame")


def test_a_part_is_paid_from_the_portal(page: Page, portal: Portal, world: World) -> None:
    expect(page.locator("#amount")).to_have_value("2,040.00")
    page.locator("#amount").fill("1,500")
    expect(page.locator("#allocation")).to_contain_text("Leaves $540.00")
    expect(page.locator("#confirm")).to_contain_text("one thousand five hundred dollars and 00/100")
    fill_address(page)
    fill_card(card_of(page))
    page.get_by_role("button", name="Pay $1,500.00").click()
    expect(page.get_by_role("heading", name="Paid, thank you")).to_be_visible()
    expect(page.locator("#balance-due")).to_contain_text("$540.00")
    expect(page.locator("#payment")).to_contain_text(f"Invoice {world.second.number}, leaves $540.00")
    with page.expect_download() as download:
        page.get_by_role("link", name="Download receipt").click()
    assert download.value.suggested_filename == f"Receipt {Payment.get().receipt_number}.pdf"
    page.get_by_role("link", name="Back to home").click()
    expect(page.locator("#balance-due")).to_contain_text("$540.00")
    assert any(b"/portal/pay" in part for part in portal.heard)
    assert not any(NUMBER in part.decode("latin1").replace(" ", "").replace("+", "") for part in portal.heard)


def test_a_declined_card_keeps_everything_typed_and_the_next_one_pays(page: Page) -> None:
    fill_address(page)
    page.locator("#amount").fill("$1000")
    page.get_by_role("button", name="Pay $1,000.00").click()
    expect(page.locator("#pay-errors")).to_contain_text("Enter the card number.")
    assert not Payment.select().exists()
    fill_card(card_of(page), "4000000000009995")
    page.get_by_role("button", name="Pay $1,000.00").click()
    expect(page.locator("#pay-errors")).to_contain_text("Nothing has been charged. There is not enough money")
    expect(page.locator("#errors")).to_be_focused()
    expect(page.get_by_label("ZIP code")).to_have_value("62704")
    axe(page)
    card_of(page).locator("#number").fill(NUMBER)
    page.get_by_role("button", name="Pay $1,000.00").click()
    expect(page.get_by_role("heading", name="Paid, thank you")).to_be_visible()
    assert sorted(row.state for row in Payment.select()) == ["declined", "succeeded"]


def test_an_amount_that_cannot_be_is_marked_before_anything_is_sent(page: Page) -> None:
    """Also while the card is empty: the payer is not sent from one thing that is wrong to the next."""
    amount = page.locator("#amount")
    amount.fill("10.005")
    expect(amount).to_have_attribute("aria-invalid", "true")
    page.get_by_role("button", name="Pay", exact=True).click()
    expect(page.locator("#pay-errors")).to_contain_text("at most 2 digits")
    axe(page)
    amount.fill("100.05")
    expect(page.get_by_role("button", name="Pay $100.05")).to_be_visible()
    expect(amount).not_to_have_attribute("aria-invalid", "true")
    page.get_by_role("button", name="Pay $100.05").click()
    expect(page.locator("#pay-errors")).to_contain_text("Enter the card number.")
    assert not Payment.select().exists()


def test_two_presses_and_the_back_button_charge_once(page: Page) -> None:
    fill_address(page)
    fill_card(card_of(page), "4000000000000259")
    page.evaluate("() => { const b = document.querySelector('#confirm button'); b.click(); b.click(); }")
    expect(page.locator("#confirm button")).to_have_text("Paying…")
    expect(page.get_by_role("heading", name="Paid, thank you")).to_be_visible()
    page.go_back()
    expect(page.locator("main")).to_contain_text("There is nothing to pay right now")
    assert [row.state for row in Payment.select()] == ["succeeded"]


def test_a_lost_answer_on_the_way_back_charges_once(page: Page, console: Console) -> None:
    console.allow("ERR_FAILED|htmx:(sendError|afterRequest)")
    fill_address(page)
    fill_card(card_of(page))

    def lose(route: Route) -> None:
        route.fetch()
        route.abort()

    page.route("**/portal/payments", lose, times=1)
    page.get_by_role("button", name="Pay $2,040.00").click()
    expect(page.locator("#flash")).to_contain_text("The portal did not answer.")
    assert [row.state for row in Payment.select()] == ["succeeded"]
    page.get_by_role("button", name="Pay $2,040.00").click()
    expect(page.get_by_role("heading", name="Paid, thank you")).to_be_visible()
    assert [row.state for row in Payment.select()] == ["succeeded"]


def test_the_invoices_are_chosen_without_losing_the_card(page: Page, world: World) -> None:
    fill_address(page)
    fill_card(card_of(page))
    page.get_by_role("link", name="Choose invoices myself").click()
    page.get_by_label(f"Invoice {world.invoice.number}").fill("40")
    page.get_by_label(f"Invoice {world.second.number}").fill("60.50")
    expect(page.locator("#allocation")).to_contain_text("What $100.50 will pay")
    page.get_by_label("Country").select_option("CA")
    page.get_by_label("Province").select_option("ON")
    page.get_by_label("Postal code").fill("K1A 0B1")
    page.get_by_role("button", name="Pay $100.50").click()
    expect(page.get_by_role("heading", name="Paid, thank you")).to_be_visible()
    expect(page.locator("#payment")).to_contain_text(f"Invoice {world.invoice.number}, leaves $1,200.00")


def test_the_banks_check_and_a_lost_answer_end_as_paid(
    page: Page, portal: Portal, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("portal_app.domain.payments.following.LOOKUP_SECONDS", (10, 10, 10, 10))
    fill_address(page)
    page.locator("#amount").fill("100")
    fill_card(card_of(page), "4000000000003220")
    page.get_by_role("button", name="Pay $100.00").click()
    page.get_by_role("link", name="Continue to your bank’s check").click()
    page.get_by_role("button", name="Approve").click()
    expect(page.get_by_role("heading", name="Paid, thank you")).to_be_visible()
    page.goto(f"{portal.url}/portal/pay")
    page.locator("#amount").fill("50")
    fill_card(card_of(page), "4000000000000119")
    page.get_by_role("button", name="Pay $50.00").click()
    expect(page.get_by_role("heading", name="Confirming your payment")).to_be_visible()
    expect(page.locator("#balance-due")).to_contain_text("$50.00 is being confirmed")
    look(page, "client-payment-confirming")
    expect(page.get_by_role("heading", name="Paid, thank you")).to_be_visible(timeout=30_000)
    expect(page.locator("#balance-due")).to_contain_text("$1,890.00")


def test_a_bank_account_settles_later(page: Page) -> None:
    fill_address(page)
    page.locator("#amount").fill("100")
    page.get_by_label("Bank account").check()
    card_of(page).locator("#routing").fill("110000000")
    card_of(page).locator("#account").fill("000123456789")
    page.get_by_role("button", name="Pay $100.00").click()
    expect(page.get_by_role("heading", name="On its way")).to_be_visible()
    look(page, "client-payment-pending")


def test_another_gateway_for_bank_accounts_draws_its_own_fields(page: Page, portal: Portal, world: World) -> None:
    first = gateway_setup.find("sandbox")
    assert first is not None
    settings = gateway_setup.settings_of(first)
    second = gateway_setup.save("sandbox-2", settings, mode=Mode.TEST, by=world.carol, name="Springfield")
    operating = BankAccount.get(BankAccount.fund == "operating")
    gateway_setup.set_route(second, Fund.OPERATING, "sandbox-operating", operating)
    assert gateway_setup.test_connection(second).is_ok
    gateway_setup.set_roads({(Fund.OPERATING, Method.BANK): second}, by=world.carol)
    page.reload()
    fill_address(page)
    page.locator("#amount").fill("100")
    with page.expect_navigation():
        page.get_by_label("Bank account").check()
    expect(page.locator("#amount")).to_have_value("100")
    expect(page.get_by_label("ZIP code")).to_have_value("62704")
    card_of(page).locator("#routing").fill("110000000")
    card_of(page).locator("#account").fill("000123456789")
    page.get_by_role("button", name="Pay $100.00").click()
    expect(page.get_by_role("heading", name="On its way")).to_be_visible()
    assert [row.gateway.code for row in Payment.select()] == ["sandbox-2"]


def test_it_works_without_scripts(portal: Portal, new_context: Callable[..., BrowserContext], console: Console) -> None:
    console.allow("status of 422")
    page = sign_in(new_context(java_script_enabled=False), portal)
    page.get_by_role("link", name="Pay Now").click()
    page.locator("#amount").fill("abc")
    page.get_by_role("button", name="Show what it pays").click()
    expect(page.locator("#how-much .error")).to_contain_text("Enter an amount in figures")
    page.locator("#amount").fill("1,500")
    fill_address(page)
    page.get_by_role("button", name="Show what it pays").click()
    expect(page.locator("#allocation")).to_contain_text("Leaves $540.00")
    page.get_by_role("button", name="Pay $1,500.00").click()
    page.get_by_role("link", name="Continue to the payment page of Sandbox").click()
    fill_card(page)
    page.get_by_role("button", name="Pay $1,500.00").click()
    expect(page.get_by_role("heading", name="Paid, thank you")).to_be_visible()
    expect(page.locator("#balance-due")).to_contain_text("$540.00")


def test_the_pages_that_a_tour_of_the_demo_does_not_visit(page: Page, portal: Portal, world: World) -> None:
    paths = {
        "client-document": f"documents/{world.document.public_id}", "client-event": f"events/{world.event.public_id}",
        "pay-now-each": "pay?choose=1",
    }  # fmt: skip
    for name, path in paths.items():
        page.goto(f"{portal.url}/portal/{path}")
        look(page, name)


TOLD = """([mine, right, data]) => dispatchEvent(new MessageEvent("message", {
  source: mine ? document.querySelector("iframe").contentWindow : window,
  origin: right ? new URL(document.querySelector("iframe").src).origin : "https://evil.example", data}))"""


def test_what_others_say_in_the_frames_name_is_not_heard(
    portal: Portal, new_context: Callable[..., BrowserContext]
) -> None:
    """Messages to the page count from its own frame of its own origin alone, and the other way round."""
    page = sign_in(new_context(), portal)
    page.goto(f"{portal.url}/portal/pay")
    frame = page.locator("iframe.gateway-frame")
    page.frame_locator("iframe.gateway-frame").locator("#number").wait_for()
    before = str(page.frame_locator("iframe.gateway-frame").locator("#fields").evaluate("all => all.scrollHeight"))
    expect(frame).to_have_attribute("height", before)
    tall = {"sandbox": True, "kind": "height", "height": 777}
    page.evaluate("data => postMessage(data, '*')", tall)  # as another window, or a script of the page, would
    for said in ([False, True, tall], [True, False, tall], [True, True, {**tall, "sandbox": 1}]):
        page.evaluate(TOLD, said)
    page.wait_for_timeout(100)
    assert frame.get_attribute("height") == before
    page.evaluate(TOLD, [True, True, tall])
    assert frame.get_attribute("height") == "777", "the right one is heard"

    inside = next(found for found in page.frames if found != page.main_frame)
    told = """([mine, right]) => dispatchEvent(new MessageEvent("message", {source: mine ? parent : window,
      origin: right ? document.body.dataset.origin : "https://evil.example",
      data: {sandbox: true, kind: "method", method: "bank"}}))"""
    card = page.frame_locator("iframe.gateway-frame").locator("#number")
    for who in ([False, True], [True, False]):
        inside.evaluate(told, who)
        expect(card).to_be_visible()
    inside.evaluate(told, [True, True])
    expect(card).to_be_hidden()
