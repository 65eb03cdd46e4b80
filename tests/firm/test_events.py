"""Events of a matter: planning, changing, canceling, sharing; each in its own time zone."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from typing import Any

import pytest
from flask.testing import FlaskClient

from portal_app import clock
from portal_app.domain import calendar, matters, sharing
from portal_app.domain.calendar import Event, EventShare
from tests.firm.pages import without_token
from tests.world import ZONE, World, today

As = Callable[[Any], FlaskClient]
DAY = today() + dt.timedelta(days=3)
TYPED = {
    "title": "Deposition", "place": "12 Sample Row", "day": DAY.isoformat(), "starts": "09:30", "ends": "11:00",
    "time_zone": ZONE, "notes": "Bring the exhibits.",
}  # fmt: skip


def home(world: World) -> str:
    return f"/firm/matters/{world.matter.id}/events"


def newest() -> Event:
    return Event.select().order_by(Event.id.desc()).get()


def test_an_event_is_planned_in_its_own_zone(world: World, as_: As) -> None:
    browser = as_(world.dan)
    answer = browser.post(home(world), data=TYPED | {"time_zone": "America/New_York"})
    assert (answer.status_code, answer.location) == (303, home(world))
    event = newest()
    assert event.starts_at == clock.to_utc(dt.datetime.combine(DAY, dt.time(9, 30)), "America/New_York")
    page = browser.get(home(world)).text
    assert "9:30\N{NO-BREAK SPACE}AM – 11:00\N{NO-BREAK SPACE}AM" in page
    assert "America/New York" in page
    assert "Firm only" in page


def test_a_whole_day_needs_no_times(world: World, as_: As) -> None:
    as_(world.dan).post(home(world), data=TYPED | {"is_all_day": "y", "starts": "", "ends": ""})
    event = newest()
    assert event.is_all_day
    assert event.ends_at is None
    assert clock.local(event.starts_at, ZONE).time() == dt.time()
    assert "All day" in as_(world.dan).get(home(world)).text


@pytest.mark.parametrize(
    ("field", "value", "sentence"),
    [
        ("title", "", "Fill in this field."),
        ("title", "x" * 121, "Use at most 120 characters."),
        ("day", "2026-13-01", "There is no such day."),
        ("starts", "", "Enter a time, or tick"),
        ("starts", "25:00", "Enter a time, for example 14:30."),
        ("ends", "09:29", "The end is before the start."),
        ("time_zone", "Moon/Base", "Choose from the list."),
    ],
)
def test_what_does_not_fit_is_kept_and_marked(
    world: World, as_: As, htmx: dict[str, str], field: str, value: str, sentence: str
) -> None:
    before = Event.select().count()
    for headers in ({}, htmx):
        answer = as_(world.dan).post(home(world), data=TYPED | {field: value}, headers=headers)
        assert answer.status_code == 422
        assert sentence in answer.text
        assert 'aria-invalid="true"' in answer.text
        assert "Bring the exhibits." in answer.text
    assert Event.select().count() == before


def test_an_event_is_changed_beside_the_list(world: World, as_: As, htmx: dict[str, str]) -> None:
    browser, url = as_(world.dan), f"{home(world)}/{world.event.id}"
    piece = browser.get(url, headers=htmx).text.split("<hx-partial")[0].strip()
    assert 'value="Mediation"' in piece
    assert without_token(piece) in without_token(browser.get(url).text)
    assert browser.post(url, data=TYPED | {"ends": "01:00"}, headers=htmx).status_code == 422
    answer = browser.post(url, data=TYPED, headers=htmx)
    assert "Deposition is saved." in answer.text
    assert 'hx-target="#events"' in answer.text
    assert world.refresh("event").place == "12 Sample Row"


def test_a_canceled_event_is_gone_for_all(world: World, as_: As) -> None:
    browser, url = as_(world.dan), f"{home(world)}/{world.event.id}"
    assert browser.post(f"{url}/cancel").location == home(world)
    assert browser.post(f"{url}/cancel").status_code == 404
    assert calendar.upcoming(world.alice) == []
    assert "No events yet" in browser.get(home(world)).text


def test_an_event_is_shared_by_the_same_panel(world: World, as_: As, htmx: dict[str, str]) -> None:
    browser, url = as_(world.dan), f"{home(world)}/{world.event.id}/share"
    piece = browser.get(url, headers=htmx).text.split("<hx-partial")[0].strip()
    assert f'value="{world.alice.id}" checked' in piece
    assert without_token(piece) in without_token(browser.get(url).text)
    answer = browser.post(url, data={"people": [world.alice.id, world.frank.id]}, headers=htmx)
    assert "Shared with 2, not seen" in answer.text
    browser.post(url, data={"stop": "1"})
    assert sharing.shares_of(EventShare, [world.event]) == {}
    assert browser.post(url, data={"people": ["0"]}).status_code == 422


def test_what_was_stands_below_what_comes(world: World, as_: As) -> None:
    calendar.add(
        world.matter, title="First call", starts_at=clock.now() - dt.timedelta(days=9), by=world.dan, time_zone=ZONE
    )
    page = as_(world.erin).get(home(world)).text
    assert page.index("Coming") < page.index("Mediation") < page.index("Past") < page.index("First call")
    assert "Add event" not in page


def test_others_events_are_not_there(world: World, as_: As) -> None:
    url = f"/firm/matters/{world.bobs_matter.id}/events/{world.event.id}"
    assert as_(world.carol).get(url).status_code == 404
    assert as_(world.carol).post(f"{url}/cancel").status_code == 404
    assert as_(world.erin).post(f"{home(world)}/{world.event.id}/cancel").status_code == 403
    matters.set_access(world.matter, is_restricted=True, staff=[])
    assert as_(world.dan).get(home(world)).status_code == 404
