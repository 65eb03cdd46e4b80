"""What only hands find out: the keyboard alone, and names that no page expected."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from flask import Flask
from playwright.sync_api import BrowserContext, expect

from portal_app.domain import clients, matters
from tests.browser.harness import WIDTHS
from tests.browser.test_every_page import sign_in
from tests.world import World

LONG = "Wolfeschlegelsteinhausenbergerdorffwelchevoralternwarengewissenhaftschafers"


def test_escape_leaves_what_was_opened_and_focus_goes_back(
    world: World, own_app: Flask, live: Callable[[Any], str], new_context: Callable[..., BrowserContext]
) -> None:
    page, url = new_context().new_page(), live(own_app)
    sign_in(page, url, world.carol.email)
    page.goto(f"{url}/firm/matters/{world.matter.id}")
    edit = page.get_by_role("link", name="Edit practice area")
    edit.focus()
    page.keyboard.press("Enter")
    expect(page.get_by_label("Practice area")).to_be_focused()
    page.keyboard.press("Escape")
    expect(edit).to_be_focused()
    page.get_by_role("link", name="Edit number").click()
    page.get_by_label("Number", exact=True).fill("typed")
    edit.click()
    page.get_by_label("Practice area").fill("Maritime")
    page.keyboard.press("Enter")
    expect(edit).to_be_focused()
    expect(page.get_by_text("Maritime")).to_be_visible()
    expect(page.get_by_label("Number", exact=True)).to_have_value("typed")
    page.goto(f"{url}/firm/matters/{world.matter.id}/documents")
    share = page.get_by_role("row", name="Engagement letter").get_by_role("link", name="Sharing")
    share.focus()
    page.keyboard.press("Enter")
    expect(page.locator("#panel")).to_be_focused()
    page.keyboard.press("Tab")
    page.keyboard.type("x")
    page.keyboard.press("Escape")  # empties the search, as browsers do
    page.keyboard.press("Escape")
    expect(share).to_be_focused()
    page.goto(f"{url}/firm/matters/{world.matter.id}/time")
    page.get_by_label("Hours").fill("0.5")
    page.get_by_label("Description").fill("Call")
    page.get_by_role("button", name="Add time").press("Enter")
    expect(page.get_by_label("Date")).to_be_focused()
    expect(page.locator("#work-said")).to_contain_text("Time added")
    form, entry = page.locator("#work-form"), page.get_by_role("row", name="Call")
    form.get_by_label("Description").fill("half typed")
    entry.get_by_role("link", name="Edit Call").click()
    editing = page.locator("tr.picked")
    expect(editing.get_by_label("Date")).to_be_focused()
    editing.get_by_label("Description").fill("Longer call")
    editing.get_by_role("button", name="Save").press("Enter")
    expect(page.get_by_role("link", name="Edit Longer call")).to_be_focused()
    expect(page.locator("#work-said")).to_contain_text("Saved.")
    expect(form.get_by_label("Description")).to_have_value("half typed")


def test_a_list_that_changes_keeps_what_is_typed_and_the_keyboards_place(
    world: World, own_app: Flask, live: Callable[[Any], str], new_context: Callable[..., BrowserContext]
) -> None:
    page, url = new_context().new_page(), live(own_app)
    page.on("dialog", lambda dialog: dialog.accept())
    sign_in(page, url, world.carol.email)
    page.goto(f"{url}/firm/matters/{world.matter.id}/time")
    entries = page.locator("#work tbody tr")
    before = entries.count()
    entries.filter(has_text="Unbilled").last.get_by_role("link", name="Edit").click()
    typed = page.locator("tr.picked").get_by_label("Description")
    typed.fill("half corrected")
    for number in (1, 2):
        page.get_by_label("Hours").first.fill("0.5")
        page.locator("#work-form").get_by_label("Description").fill(f"Call {number}")
        page.get_by_role("button", name="Add time").press("Enter")
        expect(entries).to_have_count(before + number)
        expect(entries.first).to_contain_text(f"Call {number}")
    page.get_by_role("button", name="Remove Call 2").press("Enter")
    expect(entries).to_have_count(before + 1)
    expect(page.locator("#work-said")).to_contain_text("Removed.")
    expect(page.get_by_role("link", name="Edit Call 1")).to_be_focused()
    expect(typed).to_have_value("half corrected")

    page.goto(f"{url}/firm/matters/{world.matter.id}/people")
    alices, franks = (page.locator("#recipients li", has_text=f"{name}@example.com") for name in ("alice", "frank"))
    franks.get_by_role("link", name="Edit relation").click()
    expect(franks.get_by_label("Relation")).to_be_focused()
    franks.get_by_label("Relation").fill("bookkeeper")
    alices.get_by_role("link", name="Edit relation").click()
    alices.get_by_label("Relation").fill("half typed")
    franks.get_by_label("Relation").press("Enter")
    expect(franks).to_contain_text("bookkeeper · frank@example.com")
    expect(page.locator("#recipients-said")).to_contain_text("Saved.")
    expect(alices.get_by_label("Relation")).to_have_value("half typed")
    alices.get_by_label("Relation").press("Escape")
    expect(alices.get_by_role("link", name="Edit relation")).to_be_focused()
    alices.get_by_role("button", name="Remove").press("Enter")
    expect(alices).to_have_count(0)
    expect(franks.get_by_role("link", name="Edit relation")).to_be_focused()


def test_names_without_a_space_widen_no_page(
    world: World, own_app: Flask, live: Callable[[Any], str], new_context: Callable[..., BrowserContext]
) -> None:
    clients.change(world.client, name=LONG)
    matters.change(world.matter, name=f"{LONG} v. {LONG[::-1].lower()}"[:120])
    url, wide = live(own_app), []
    home = f"/firm/matters/{world.matter.id}"
    for who, paths in {
        world.carol: ["/firm/matters", "/firm/clients", "/firm/time", home, f"{home}/settings", f"{home}/ledger"],
        world.alice: ["/portal", "/portal/invoices", "/portal/pay"],
    }.items():
        page = new_context().new_page()
        sign_in(page, url, who.email)
        for path in paths:
            page.goto(url + path)
            for width in WIDTHS:
                page.set_viewport_size({"width": width, "height": WIDTHS[width]})
                wide += [f"{path} at {width}"] * page.evaluate("document.documentElement.scrollWidth > innerWidth")
    assert not wide
