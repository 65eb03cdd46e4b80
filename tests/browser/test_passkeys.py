"""Passkeys in Chromium, with a virtual authenticator; and what is there without scripts."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from flask import Flask
from playwright.sync_api import BrowserContext, Page, expect

from portal_app import config
from portal_app.config import Config
from portal_app.domain import factors, invitations, sign_ins
from portal_app.domain.passkeys import Passkey
from portal_app.domain.sessions import Session
from tests.browser.harness import Console, look
from tests.domain.test_factors import set_up
from tests.world import PASSWORD, World


@pytest.fixture
def url(app: Flask, settings: Config, live: Callable[[Any], str]) -> str:
    found = live(app)
    config.use(replace(settings, public_url=found))
    return found


def with_key(page: Page) -> None:
    """The device has a platform authenticator that knows its user."""
    device = page.context.new_cdp_session(page)
    device.send("WebAuthn.enable")
    options = {
        "protocol": "ctap2", "transport": "internal", "hasResidentKey": True, "hasUserVerification": True,
        "isUserVerified": True, "automaticPresenceSimulation": True,
    }  # fmt: skip
    device.send("WebAuthn.addVirtualAuthenticator", {"options": options})


def sign_in(page: Page, url: str, email: str = "alice@example.com") -> None:
    page.goto(f"{url}/sign-in")
    page.get_by_label("E-mail").fill(email)
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    page.get_by_role("button", name="Sign in", exact=True).click()


def test_a_passkey_is_added_signs_in_and_is_removed(
    url: str, world: World, new_context: Callable[..., BrowserContext], console: Console
) -> None:
    page = new_context().new_page()
    with_key(page)
    sign_in(page, url)
    page.wait_for_url("**/portal")
    page.get_by_role("link", name="Account").click()
    look(page, "account")
    page.get_by_label("Name of the passkey").fill("My phone")
    page.get_by_role("button", name="Add a passkey").click()
    expect(page.get_by_text("The passkey is saved.")).to_be_visible()
    look(page, "account-passkey")
    page.get_by_role("button", name="Sign out", exact=True).first.click()
    page.wait_for_url("**/sign-in")
    page.get_by_role("button", name="Use a passkey").click()
    page.wait_for_url("**/portal")
    row = Passkey.get()
    assert (row.portal_user, row.name, row.last_used_at is not None) == (world.alice, "My phone", True)

    Session.update(proved_at=row.added_at.replace(year=2020)).execute()  # long ago
    page.goto(f"{url}/portal/account")
    page.get_by_role("button", name="Remove My phone").click()
    page.wait_for_url("**/account/confirm*")
    look(page, "confirm")
    page.get_by_role("button", name="Use a passkey").click()
    page.wait_for_url("**/portal/account")
    page.get_by_role("button", name="Remove My phone").click()
    expect(page.get_by_text("The passkey is removed.")).to_be_visible()
    assert not Passkey.select().exists()
    page.get_by_role("button", name="Sign out", exact=True).first.click()
    console.allow("status of 422")
    page.get_by_role("button", name="Use a passkey").click()
    expect(page.get_by_text("This passkey was not accepted.")).to_be_visible()


def test_a_passkey_is_the_second_factor(url: str, world: World, new_context: Callable[..., BrowserContext]) -> None:
    page = new_context().new_page()
    with_key(page)
    sign_in(page, url)
    page.wait_for_url("**/portal")
    page.goto(f"{url}/portal/account")
    page.get_by_role("button", name="Add a passkey").click()
    expect(page.get_by_text("The passkey is saved.")).to_be_visible()
    set_up(world.alice)
    page.get_by_role("button", name="Sign out", exact=True).first.click()
    sign_in(page, url)
    page.wait_for_url("**/sign-in/code")
    look(page, "second-step")
    page.get_by_role("button", name="Use a passkey").click()
    page.wait_for_url("**/portal")


def test_without_scripts_the_other_ways_are_there(
    url: str, world: World, new_context: Callable[..., BrowserContext]
) -> None:
    page = new_context(java_script_enabled=False).new_page()
    page.set_viewport_size({"width": 390, "height": 844})
    _, codes = set_up(world.alice)
    page.goto(f"{url}/sign-in")
    assert not page.get_by_role("button", name="Use a passkey").is_visible()
    page.get_by_label("E-mail").fill("alice@example.com")
    page.get_by_role("button", name="E-mail me a sign-in link instead").click()
    expect(page.get_by_text("a link is on its way there")).to_be_visible()
    sign_in(page, url)
    page.get_by_label("Code").fill(codes[0])
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_url("**/portal")
    page.goto(f"{url}/portal/account")
    expect(page.locator("noscript p")).to_have_text("Adding a passkey needs JavaScript.")
    assert factors.codes_left(world.alice) == factors.CODES - 1


def test_setting_up_an_app_looks_right(url: str, world: World, new_context: Callable[..., BrowserContext]) -> None:
    page = new_context().new_page()
    sign_in(page, url)
    page.wait_for_url("**/portal")
    page.goto(f"{url}/portal/account/app")
    expect(page.get_by_role("img", name="The QR code of your secret")).to_be_visible()
    look(page, "account-app")
    page.goto(f"{url}/portal/account/password")
    look(page, "account-password")


def test_every_link_and_code_lets_in_on_a_phone_without_scripts(
    url: str, world: World, new_context: Callable[..., BrowserContext]
) -> None:
    """The invitation of an e-mail and that of a letter, a link to sign in, and one to choose a password."""

    def phone() -> Page:
        page = new_context(java_script_enabled=False).new_page()
        page.set_viewport_size({"width": 390, "height": 844})
        return page

    def choose(page: Page, button: str) -> None:
        page.get_by_label("Choose a password").fill("seven tall grey herons")
        page.get_by_label("Type it again").fill("seven tall grey herons")
        page.get_by_role("button", name=button).click()

    page = phone()
    code = invitations.invite(world.frank, by=world.carol, days=1, by_letter=True).token
    page.goto(f"{url}/invitation")
    page.get_by_label("Code").fill(invitations.shown_code(code))
    page.get_by_role("button", name="Go on").click()
    choose(page, "Accept the invitation")
    page.wait_for_url("**/portal")

    page = phone()
    page.goto(f"{url}/sign-in/link/{sign_ins.ask_link(world.bob).token}")
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_url("**/portal")

    page = phone()
    page.goto(f"{url}/password/{invitations.ask_reset(world.alice).token}")
    choose(page, "Set the password")
    page.wait_for_url("**/sign-in")
    page.get_by_label("E-mail").fill(world.alice.email)
    page.get_by_label("Password", exact=True).fill("seven tall grey herons")
    page.get_by_role("button", name="Sign in", exact=True).click()
    page.wait_for_url("**/portal")
    page.get_by_role("button", name="Sign out").click()
    page.wait_for_url("**/sign-in*")
