"""Pay Now on a slow line: people are quicker than files and answers, and what comes late harms nothing."""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest
from playwright.sync_api import Page, Route, expect

from portal_app.domain.payments import Payment
from tests.browser.harness import Console
from tests.browser.test_pay import Portal, card_of, fill_address, fill_card, page, portal

__all__ = ["Portal", "page", "portal"]


@dataclass
class Held:
    """The browser's requests for one address, kept from the portal until they are let go."""

    page: Page
    address: str
    routes: list[Route] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.page.route(f"**{self.address}", self.keep)

    def keep(self, route: Route) -> None:
        self.routes.append(route)

    def wait(self) -> Route:
        """The first that is held, which stays so."""
        for _ in range(100):
            if self.routes:
                return self.routes[0]
            self.page.wait_for_timeout(50)
        raise AssertionError(f"nothing was sent to {self.address}")

    def let_go(self) -> None:
        """The first reaches the portal, and its answer the page."""
        route = self.wait()
        self.routes.remove(route)
        with self.page.expect_event("requestfinished", lambda request: request == route.request):
            route.continue_()
        self.page.wait_for_timeout(50)


@pytest.fixture
def amounts(page: Page) -> Held:
    """Everything is filled in, and $100 is being reckoned while the button still says $2,040."""
    fill_address(page)
    fill_card(card_of(page))
    held = Held(page, "/portal/pay")
    page.locator("#amount").fill("100")
    held.wait()
    return held


def test_what_is_typed_before_the_scripts_have_come_is_reckoned_when_they_have(page: Page) -> None:
    """What they are told to pay must be what they typed."""
    script = Held(page, "/portal.js")
    page.reload(wait_until="commit")
    page.locator("#amount").fill("400.00")
    expect(page.locator("#allocation")).not_to_contain_text("$400.00")
    script.let_go()
    expect(page.locator("#allocation")).to_contain_text("What $400.00 will pay")
    expect(page.get_by_role("button", name="Pay $400.00")).to_be_visible()


def test_a_method_that_is_chosen_before_the_scripts_have_come_shows_its_fields(page: Page) -> None:
    script = Held(page, "/pay.js")
    page.reload(wait_until="commit")
    expect(card_of(page).get_by_label("Card number")).to_be_visible()
    page.get_by_label("Bank account").check()
    script.let_go()
    expect(card_of(page).get_by_label("Routing number")).to_be_visible()


def test_an_amount_that_is_reckoned_late_touches_no_payment_on_its_way(page: Page, amounts: Held) -> None:
    payments = Held(page, "/portal/payments")
    page.get_by_role("button", name="Pay $2,040.00").click()
    paying = page.get_by_role("button", name="Paying…")
    expect(paying).to_be_disabled()
    amounts.let_go()
    expect(paying).to_be_disabled()
    payments.let_go()
    expect(page.locator("#pay-errors")).to_contain_text("Nothing has been charged.")
    page.unroute_all()
    page.get_by_role("button", name="Pay $100.00").click()
    expect(page.get_by_role("heading", name="Paid, thank you")).to_be_visible()
    assert [row.amount_cents for row in Payment.select()] == [10_000]


def test_an_amount_that_is_reckoned_after_a_refusal_says_nothing(page: Page, amounts: Held) -> None:
    """Its field is no longer on the page, which the refusal has drawn anew."""
    card_of(page).locator("#number").fill("4000000000009995")
    page.get_by_role("button", name="Pay $2,040.00").click()
    expect(page.locator("#pay-errors")).to_contain_text("Nothing has been charged.")
    expect(page.get_by_role("button", name="Pay $100.00")).to_be_enabled()
    amounts.let_go()
    expect(page.locator("#allocation")).to_contain_text("$100.00 will pay")


def test_an_amount_that_was_left_for_a_payment_that_got_lost_is_reckoned(
    page: Page, amounts: Held, console: Console
) -> None:
    payments = lose(page, console)
    amounts.let_go()
    payments.wait().abort()
    expect(page.get_by_text("The portal did not answer.")).to_be_visible()
    amounts.let_go()
    expect(page.get_by_role("button", name="Pay $100.00")).to_be_enabled()
    expect(page.get_by_text("The portal did not answer.")).to_be_visible()


def test_a_country_that_was_chosen_while_a_payment_got_lost_is_asked_for(page: Page, console: Console) -> None:
    fill_address(page)
    fill_card(card_of(page))
    payments = lose(page, console)
    page.get_by_label("Country").select_option("CA")
    payments.wait().abort()
    expect(page.get_by_label("Province", exact=True)).to_be_visible()
    expect(page.locator("#allocation")).to_contain_text("$2,040.00 will pay")
    expect(page.get_by_text("The portal did not answer.")).to_be_visible()
    page.get_by_label("Country").select_option("US")
    expect(page.get_by_label("State", exact=True)).to_be_visible()
    expect(page.get_by_text("The portal did not answer.")).to_have_count(0)


def lose(page: Page, console: Console) -> Held:
    """Press Pay; the payment is held, to get lost."""
    console.allow("ERR_FAILED|htmx:(sendError|afterRequest)")
    payments = Held(page, "/portal/payments")
    page.get_by_role("button", name="Pay $2,040.00").click()
    payments.wait()
    return payments
