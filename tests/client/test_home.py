"""The client's first page: what is owed, and everything that is theirs."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable
from typing import Any

import pytest

from portal_app import clock, gateway_setup
from portal_app.domain import calendar, documents, invoices, matters, payments, timekeeping
from portal_app.domain.matters import InvoiceRecipient
from portal_app.domain.payments import Order
from portal_app.plugin_api import BillingAddress, Flow, Method
from tests import trust as trusts
from tests.firm.pages import queries
from tests.world import World, today

As = Callable[[Any], Any]
ADDRESS = BillingAddress(
    name="Alice", address1="48 Placeholder Lane", city="Springfield", state="IL", postal_code="62704"
)


def start(world: World, cents: int, key: str = "k") -> payments.Payment:
    order = Order(key=key, amount_cents=cents, plan={}, method=Method.CARD, flow=Flow.FIELDS, billing=ADDRESS)
    return payments.start(world.alice, world.gateway, order)


def test_home_shows_what_is_theirs_and_nothing_else(world: World, as_: As) -> None:
    text = as_(world.alice).get("/portal").text
    assert "$2,040.00" in text
    assert "Two invoices are open. One is past its due date." in text
    assert "Past due" in text
    assert "$1,240.00" in text
    assert text.index("$2,040.00") < text.index("Pay Now</a>") < text.index("Past due")
    for mine in (world.invoice.number, world.document.name, "Mediation", "Sample County Courthouse"):
        assert mine in text
    for others in (world.bobs_invoice.number, world.bobs_document.name, world.bobs_matter.name):
        assert others not in text


def test_a_client_who_owes_nothing_has_nothing_to_pay(world: World, as_: As) -> None:
    documents.share(world.bobs_document, [world.bob], by=world.carol)
    payment = payments.start(
        world.bob, world.gateway,
        Order(key="b", amount_cents=40_000, plan={}, method=Method.CARD, flow=Flow.FIELDS, billing=ADDRESS),
    )  # fmt: skip
    text = as_(world.bob).get("/portal").text
    assert "$400.00 is being confirmed" in text
    assert ">Pay Now</a>" not in text
    payments.give_up_unsent(payment)
    assert ">Pay Now</a>" in as_(world.bob).get("/portal").text
    invoices.void(world.bobs_invoice, reason="mistake", on=today(), by=world.carol)
    text = as_(world.bob).get("/portal").text
    assert "You owe nothing right now." in text
    assert ">Pay Now</a>" not in text


def test_money_under_way_is_told_and_the_rest_offered(world: World, as_: As) -> None:
    start(world, 100_000)
    text = as_(world.alice).get("/portal").text
    assert "$1,000.00 is being confirmed" in text
    assert "Pay Now offers the rest, $1,040.00" in text


def test_what_is_held_in_trust_stands_apart_from_what_is_owed(world: World, as_: As) -> None:
    """Only for whoever may read the matter's trust account; what comes tomorrow is not there yet."""
    InvoiceRecipient.update(reads_trust=True).where(InvoiceRecipient.portal_user == world.alice).execute()
    browser = as_(world.alice)
    assert "Held in trust for you" not in browser.get("/portal").text
    trusts.deposit(world, 350_000, ago=3)
    trusts.draw(world, 1_25)
    text = browser.get("/portal").text
    assert re.search(rf"Held in trust for you.*<dt>{re.escape(world.matter.name)}</dt>.*\$3,498\.75", text, re.DOTALL)
    assert "$2,040.00" in text
    assert "Held in trust for you" not in as_(world.bob).get("/portal").text
    InvoiceRecipient.update(reads_trust=False).execute()
    assert "3,498.75" not in browser.get("/portal").text


def test_a_matter_of_which_only_trust_is_read_is_no_choice_of_the_filter(world: World, as_: As) -> None:
    quiet = matters.open_matter(number="", name="Quiet", client=world.client, opened_on=today(), by=world.carol)
    matters.add_recipient(quiet, world.alice, relation="client", by=world.carol)
    InvoiceRecipient.update(reads_trust=True).where(InvoiceRecipient.matter == quiet).execute()
    trusts.deposit(world, 100_00, matter=quiet)
    browser = as_(world.alice)
    text = browser.get("/portal").text
    assert "<dt>Quiet</dt>" in text
    assert f"matter={quiet.number}" not in text
    assert browser.get(f"/portal?matter={quiet.number}").status_code == 404


def test_without_a_gateway_the_figure_stands_and_says_whom_to_call(world: World, as_: As) -> None:
    gateway_setup.disable(world.gateway, by=world.carol)
    text = as_(world.alice).get("/portal").text
    assert "$2,040.00" in text
    assert "(555) 010-0142" in text
    assert ">Pay Now</a>" not in text


def test_several_matters_are_filtered_by_one(world: World, as_: As, htmx: dict[str, str]) -> None:
    matters.add_recipient(world.bobs_matter, world.alice, by=world.carol, relation="owner")
    documents.share(world.bobs_document, [world.alice], by=world.carol)
    browser = as_(world.alice)
    page = browser.get("/portal").text
    assert world.bobs_document.name in page
    assert world.document.name in page
    path = f"/portal?matter={world.bobs_matter.number}"
    page, piece = browser.get(path).text, browser.get(path, headers=htmx).text
    assert world.bobs_document.name in page
    assert world.document.name not in page
    assert piece.split("<hx-partial")[0].strip() in page
    assert "<html" not in piece
    assert "$2,040.00" in page, "the balance is the whole one"
    assert browser.get("/portal?matter=2031-9999").status_code == 404


def test_one_matter_needs_no_filter(world: World, as_: As) -> None:
    assert 'aria-label="Matters"' not in as_(world.alice).get("/portal").text


@pytest.mark.parametrize(
    ("hour", "words"), [(3, "Good evening"), (8, "Good morning"), (13, "Good afternoon"), (21, "Good evening")]
)
def test_the_greeting_goes_by_their_own_clock(world: World, as_: As, hour: int, words: str) -> None:
    here = clock.local(clock.now(), world.alice.time_zone).replace(hour=hour, tzinfo=None)
    with clock.frozen(clock.to_utc(here, world.alice.time_zone)):
        assert f"{words}, Alice" in as_(world.alice).get("/portal").text


def test_the_number_of_queries_does_not_grow(world: World, as_: As) -> None:
    browser = as_(world.alice)
    browser.get("/portal")
    few = queries(browser, "/portal")
    assert few <= 8
    for day in range(6):
        _more(world, day)
    assert queries(browser, "/portal") == few
    text = browser.get("/portal").text
    assert "Letter 5" in text
    assert "Call 5" not in text


def _more(world: World, day: int) -> None:
    item = timekeeping.record(
        world.matter, kind="time", timekeeper=world.carol, worked_on=today(), description="Call", rate_cents=10_000,
        by=world.carol,
    )  # fmt: skip
    due_on = today() + dt.timedelta(days=day)
    invoices.issue(
        invoices.draft(world.matter, [item.id], by=world.carol), issued_on=today(), due_on=due_on, by=world.carol
    )
    letter = documents.add(world.matter, name=f"Letter {day}.txt", chunks=[b"x"], limit_bytes=9, by=world.carol)
    documents.share(letter, [world.alice], by=world.carol)
    starts_at = clock.now() + dt.timedelta(days=10 + day)
    event = calendar.add(world.matter, title=f"Call {day}", starts_at=starts_at, by=world.carol, time_zone="UTC")
    calendar.share(event, [world.alice], by=world.carol)
    start(world, 100, f"key{day}")


@pytest.mark.parametrize("path", ["/portal", "/portal/invoices", "/portal/documents", "/portal/events", "/portal/help"])
def test_the_doors_of_the_portal(world: World, as_: As, path: str) -> None:
    assert as_(None).get(path).headers["Location"].startswith("/sign-in?next=")
    assert as_(world.carol).get(path).status_code == 404, "staff have a face of their own"
    assert as_(world.alice).post(path).status_code == 405
    assert as_(world.alice).get(path).status_code == 200
