"""Events that the firm shared: what is next, what was, and one of them."""

from __future__ import annotations

from flask import Response

from portal_app import clock
from portal_app.client import matters
from portal_app.client.blueprint import blueprint
from portal_app.domain import calendar, documents, sharing
from portal_app.domain.calendar import Event, SharedEvent
from portal_app.web import auditing
from portal_app.web.fragments import render
from portal_app.web.login import client_only, portal_user
from portal_app.web.templates import current_firm, zone
from portal_app.web.writing import Writing

MOST = 100


@blueprint.get("/events")
@client_only
def event_list() -> Response:
    me = portal_user()
    mine = documents.matters_of(me)
    number = matters.chosen(mine)

    def asked(rows: list[SharedEvent]) -> list[SharedEvent]:
        return [row for row in rows if number in {"", row.matter_number}]

    coming, past = asked(calendar.upcoming(me, MOST)), asked(calendar.past(me, MOST))
    return render("client/events/index.html", "shared", coming=coming, past=past, mine=mine, chosen=number)


@blueprint.get("/events/<public_id>")
@client_only
def event(public_id: str) -> Response:
    """When in the viewer's zone, and in the event's own where that differs. Opening it is noted."""
    found = calendar.find_for(portal_user(), public_id)
    starts, here = (clock.local(found.starts_at, name) for name in (found.time_zone, zone()))
    is_elsewhere = not found.is_all_day and starts.utcoffset() != here.utcoffset()
    answer = render(
        "client/events/show.html", event=found, place_here=place_of(zone()), place_there=place_of(found.time_zone),
        there=on_its_own_clock(found) if is_elsewhere else "", is_over=(found.ends_at or found.starts_at) < clock.now(),
    )  # fmt: skip
    auditing.opened("open", found, portal_user())
    sharing.mark_seen([found.eventshare])
    return answer


def place_of(zone: str) -> str:
    """America/New_York → New York."""
    return zone.rpartition("/")[2].replace("_", " ")


def on_its_own_clock(event: Event) -> str:
    """Thursday, July 16, 10:00 AM, where the event happens."""
    there = Writing(current_firm(), event.time_zone)
    return f"{there.long_day(there.local_day(event.starts_at))}, {there.time_of(event.starts_at)}"
