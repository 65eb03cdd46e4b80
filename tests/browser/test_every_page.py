"""Every route that draws a page, found in the table of routes itself: no broken accessibility rule, nothing sideways on
a phone or at 400 %, nothing on the console. A new page is looked at here by itself; one whose address cannot be made
up fails."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask
from playwright.sync_api import BrowserContext, Page

from portal_app.domain import access, factors, invitations, pay_links, payments, sign_ins
from portal_app.domain.people import FirmUser
from tests.browser.harness import WIDTHS, Console, axe
from tests.domain.test_payments import order
from tests.routes import Route, alices, routes
from tests.world import PASSWORD, World

# Addresses that answer with something else than a page of their own.
NO_PAGES = {
    "/", "/health", "/health/seen", "/static/<tag>/<path:name>", "/logo/<tag>", "/sign-in/code",
    "/portal/payments/<public_id>/return", "/pay/<token>/payments/<public_id>/return",
    "/firm/invoices/<int:invoice_id>/edit",
}  # fmt: skip
FILES = ("/pdf", "/csv", ".csv", ".pdf", "/file", "/receipt", "/exports/<export>", "/ledes", "/download")
ZOOMED = 320  # a desk of 1280 px at 400 %, where everything must still fit (WCAG 1.4.10)
PARTS = 4  # of the firm's pages, so that no test takes too long
WALKS = [("signed out", 0, 8), ("portal", 0, 17), *(("firm", part, 15) for part in range(PARTS))]


def guests(world: World) -> dict[str, dict[str, Any]]:
    """Tokens that open something, by the beginning of the address."""
    link = pay_links.link_for(world.invoice, world.alice)
    payment = payments.start(world.alice, world.gateway, order(100, "by-link"))
    pay_links.note_payment(pay_links.find(link), payment)
    return {
        "/sign-in/link/": {"token": sign_ins.ask_link(world.bob).token},
        "/password/": {"token": invitations.ask_reset(world.bob).token},
        "/invitation/": {"token": invitations.invite(world.frank, by=world.carol, days=1).token},
        "/pay/": {"token": link, "<token>.public_id": payment.public_id},
    }


def may_see(route: Route, who: str, world: World) -> FirmUser | bool | None:
    """Who looks at it in this walk: somebody of the firm, or just the kind of visitor; ``False``: not in this one."""
    kind = {"public": "signed out", "portal": "portal"}.get(route.action, "firm")
    if kind != who:
        return False
    if kind != "firm":
        return None
    return next((one for one in (world.carol, world.dan, world.erin) if access.may(one, route.action)), False)


def sign_in(page: Page, url: str, email: str) -> None:
    page.goto(f"{url}/sign-in")
    page.get_by_label("E-mail").fill(email)
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    page.get_by_role("button", name="Sign in", exact=True).click()
    page.wait_for_url(lambda found: "/sign-in" not in found)


def problems(page: Page, url: str, path: str) -> str:
    """What is wrong with a page; nothing where it is fine."""
    answer = page.goto(url + path)
    if answer is None or answer.status != 200:
        return f"{path}: {answer and answer.status}"
    for width, height in {**WIDTHS, ZOOMED: 256}.items():
        page.set_viewport_size({"width": width, "height": height})
        wide = page.evaluate("document.documentElement.scrollWidth")
        if wide > width:
            return f"{path}: {wide} px wide on a screen of {width} px"
    page.set_viewport_size({"width": 390, "height": 844})
    try:
        axe(page)
    except AssertionError as broken:
        return str(broken)
    return ""


@pytest.mark.parametrize(("who", "part", "fewest"), WALKS)
def test_every_page(
    world: World, own_app: Flask, live: Callable[[Any], str], new_context: Callable[..., BrowserContext],
    console: Console, who: str, part: int, fewest: int,
) -> None:  # fmt: skip
    console.allow("fake")  # its fields are no script that there is
    values, tokens = alices(world), guests(world)
    url, pages, wrong, seen = live(own_app), {}, [], 0
    for number, route in enumerate(routes(own_app, method="GET")):
        viewer = may_see(route, who, world)
        rule = route.rule.rule
        is_later = who == "firm" and number % PARTS != part
        if is_later or viewer is False or rule in NO_PAGES or rule.endswith(FILES):
            continue
        key = viewer.email if isinstance(viewer, FirmUser) else world.alice.email if who == "portal" else ""
        if key not in pages:
            pages[key] = new_context().new_page()
            if key:
                sign_in(pages[key], url, key)
        given = next((more for start, more in tokens.items() if rule.startswith(f"{start}<")), {})
        if found := problems(pages[key], url, route.address(values | given)):
            wrong.append(found)
        seen += 1
    assert not wrong, "\n".join(wrong)
    assert seen >= fewest


def test_the_second_step(
    world: World, own_app: Flask, live: Callable[[Any], str], new_context: Callable[..., BrowserContext]
) -> None:
    """The page in the middle of signing in, which no address of its own leads to."""
    import pyotp

    secret = factors.new_secret()
    factors.add_app(world.dan, secret, pyotp.TOTP(secret).now())
    page, url = new_context().new_page(), live(own_app)
    page.goto(f"{url}/sign-in")
    page.get_by_label("E-mail").fill(world.dan.email)
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    page.get_by_role("button", name="Sign in", exact=True).click()
    page.wait_for_url("**/sign-in/code*")
    assert problems(page, url, "/sign-in/code") == ""


def test_what_is_no_page_is_none(app: Flask, world: World, as_: Callable[[Any], Any]) -> None:
    """What the walk passes by answers with a file or leads elsewhere."""
    values, tokens = alices(world), guests(world)
    passed = [
        route for route in routes(app, method="GET") if route.rule.rule in NO_PAGES or route.rule.rule.endswith(FILES)
    ]
    who = {"portal": world.alice, "public": None}
    for route in passed:
        given = next((more for start, more in tokens.items() if route.rule.rule.startswith(f"{start}<")), {})
        viewer = who.get(route.action, world.carol)
        answer = as_(viewer).get(route.address(values | given))
        is_page = answer.status_code == 200 and answer.mimetype == "text/html"
        assert not is_page, route.name
