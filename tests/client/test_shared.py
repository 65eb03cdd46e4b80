"""Documents, events and help: what was shared, seen once, fetched safely, and nobody else's."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from typing import Any

import pytest
from flask.testing import FlaskClient

from portal_app import clock
from portal_app.domain import calendar, documents
from portal_app.domain.calendar import EventShare
from portal_app.domain.documents import DocumentShare
from portal_app.domain.firms import Firm
from tests.world import World

As = Callable[[Any], FlaskClient]


def test_a_document_says_what_it_is_and_is_fetched(world: World, as_: As) -> None:
    browser, address = as_(world.alice), f"/portal/documents/{world.document.public_id}"
    page = browser.get(address).text
    for words in (world.document.name, "Carol Quillfeather", "Text, 13 B", world.matter.name):
        assert words in page
    file = browser.get(f"{address}/file?view=1")
    assert file.data == b"Dear client,\n"
    assert file.headers["Content-Disposition"].startswith("attachment"), "an upload is never shown in our origin"
    assert "sandbox" in file.headers["Content-Security-Policy"]
    share = DocumentShare.get(DocumentShare.item == world.document.id)
    assert share.first_seen_at is not None
    assert share.first_downloaded_at is not None
    assert "You first downloaded it" in browser.get(address).text


def test_a_document_is_only_where_it_was_shared(world: World, as_: As) -> None:
    address = f"/portal/documents/{world.bobs_document.public_id}"
    for path in (address, f"{address}/file", "/portal/documents/nothing", "/portal/events/nothing"):
        assert as_(world.alice).get(path).status_code == 404
    documents.share(world.bobs_document, [], by=world.carol)
    assert as_(world.bob).get(f"{address}/file").status_code == 404


def test_the_newest_version_is_the_one(world: World, as_: As) -> None:
    documents.add_version(world.document, [b"Dear Alice,\n"], limit_bytes=100, by=world.carol)
    browser, address = as_(world.alice), f"/portal/documents/{world.document.public_id}"
    assert "Version 2" in browser.get(address).text
    assert browser.get(f"{address}/file").data == b"Dear Alice,\n"
    assert "Text, 12 B" in browser.get("/portal/documents").text


@pytest.mark.parametrize("path", ["/portal/documents", "/portal/events", "/portal/invoices"])
def test_lists_lead_by_the_hand_and_their_pieces_are_of_the_page(
    world: World, as_: As, htmx: dict[str, str], path: str
) -> None:
    page, piece = as_(world.alice).get(path).text, as_(world.alice).get(path, headers=htmx).text
    assert piece in page
    assert piece.startswith("<div")
    empty = as_(world.frank).get(path).text
    assert 'class="empty"' in empty or world.invoice.number in empty
    assert world.bobs_document.name not in page


def test_an_event_is_in_their_own_time_and_in_its_own(world: World, as_: As) -> None:
    starts_at = clock.to_utc(dt.datetime.fromisoformat("2031-07-16T10:00"), "America/New_York")
    event = calendar.add(
        world.matter, title="Hearing", starts_at=starts_at, by=world.carol, time_zone="America/New_York",
        notes="Bring the file.", ends_at=starts_at + dt.timedelta(hours=1),
    )  # fmt: skip
    calendar.share(event, [world.alice], by=world.carol)
    text = as_(world.alice).get(f"/portal/events/{event.public_id}").text.replace("\N{NO-BREAK SPACE}", " ")
    assert "9:00 AM to 10:00 AM (Chicago time)" in text
    assert "Wednesday, July 16, 10:00 AM (New York time)" in text
    assert "Bring the file." in text
    assert EventShare.get(EventShare.item == event).first_seen_at is not None
    assert as_(world.bob).get(f"/portal/events/{event.public_id}").status_code == 404


def test_an_all_day_event_is_on_its_day_everywhere(world: World, as_: As) -> None:
    starts_at = clock.to_utc(dt.datetime.fromisoformat("2031-07-16"), "Asia/Tokyo")
    event = calendar.add(
        world.matter, title="Deadline", starts_at=starts_at, by=world.carol, time_zone="Asia/Tokyo", is_all_day=True
    )
    calendar.share(event, [world.alice], by=world.carol)
    assert "Wednesday, July 16, 2031, all day" in as_(world.alice).get(f"/portal/events/{event.public_id}").text
    assert "Wednesday, July 16" in as_(world.alice).get("/portal/events").text


def test_past_and_canceled_events(world: World, as_: As) -> None:
    calendar.change(world.event, starts_at=clock.now() - dt.timedelta(days=2))
    browser = as_(world.alice)
    assert "Past" in browser.get("/portal/events").text
    assert "This event is over." in browser.get(f"/portal/events/{world.event.public_id}").text
    calendar.cancel(world.event)
    assert "Mediation" not in browser.get("/portal/events").text


def test_help_begins_with_the_firms_own_words(world: World, as_: As) -> None:
    Firm.update(help_text="Call Rosalind.\r\n\r\n<b>Never</b> on Sundays.").execute()
    text = as_(world.alice).get("/portal/help").text
    assert "<p>Call Rosalind.</p>" in text
    assert "<p>&lt;b&gt;Never&lt;/b&gt; on Sundays.</p>" in text
    assert text.index("Call Rosalind.") < text.index("How do I pay?")
    assert "(555) 010-0142" in text
