"""Paying without an account, on a phone's width: by the gateway's fields, and without scripts on its own page."""

from __future__ import annotations

from collections.abc import Callable

from playwright.sync_api import BrowserContext, Page, expect

from portal_app.domain import pay_links
from portal_app.domain.payments import Payment
from tests.browser.harness import Console, axe, look
from tests.browser.test_pay import Portal, card_of, fill_address, fill_card
from tests.browser.test_pay import portal as portal  # noqa: PLC0414 - the fixture
from tests.world import World


def fill_form(page: Page, amount: str) -> None:
    page.locator("#amount").fill(amount)
    page.get_by_label("Name on the card or account").fill("Alice Vasquez-Thornbury")
    fill_address(page)


def test_a_guest_pays_one_invoice(
    portal: Portal, world: World, new_context: Callable[..., BrowserContext], console: Console
) -> None:
    page = new_context().new_page()
    page.set_viewport_size({"width": 390, "height": 844})
    page.goto(f"{portal.url}/pay/{pay_links.link_for(world.invoice, world.alice)}")
    look(page, "guest-invoice")
    page.get_by_role("link", name="Pay Now").click()
    expect(page.get_by_role("heading", name="Pay Now")).to_be_visible()
    fill_form(page, "240.00")
    axe(page)
    fill_card(card_of(page))
    page.get_by_role("button", name="Pay $240.00").click()
    expect(page.get_by_role("heading", name="Paid, thank you")).to_be_visible()
    axe(page)
    page.get_by_role("link", name="Back to the invoice").click()
    expect(page.locator(".figure")).to_contain_text("$1,000.00")
    row = Payment.get()
    assert (row.portal_user, row.state) == (world.alice, "succeeded")


def test_a_guest_pays_without_scripts(portal: Portal, world: World, new_context: Callable[..., BrowserContext]) -> None:
    page = new_context(java_script_enabled=False).new_page()
    link = f"/pay/{pay_links.link_for(world.invoice, world.alice)}"
    page.goto(portal.url + link)
    page.get_by_role("link", name="Pay Now").click()
    fill_form(page, "500")
    page.get_by_role("button", name="Show what it pays").click()
    expect(page.locator("#allocation")).to_contain_text("Leaves $740.00")
    page.get_by_role("button", name="Pay $500.00").click()
    page.get_by_role("link", name="Continue to the payment page of Sandbox").click()
    fill_card(page)
    page.get_by_role("button", name="Pay $500.00").click()
    expect(page.get_by_role("heading", name="Paid, thank you")).to_be_visible()
    assert link in page.url, "back to where only the link leads"
