"""Events of a matter: planning, changing, canceling, sharing."""

from __future__ import annotations

import datetime as dt
from typing import Any

from flask import Response, flash, request
from werkzeug.wrappers import Response as AnyResponse
from wtforms import BooleanField
from wtforms.validators import ValidationError

from portal_app import clock
from portal_app.domain import calendar, matters, sharing
from portal_app.domain.calendar import Event, EventShare
from portal_app.domain.errors import Refused
from portal_app.domain.matters import Matter
from portal_app.firm.blueprint import blueprint
from portal_app.firm.once import OnceForm
from portal_app.firm.sharing import Panel, open_panel, read_choice, sentence
from portal_app.web.fields import Choice, Day, Line, Text, TimeOfDay
from portal_app.web.fragments import go, is_fragment_request, render
from portal_app.web.login import firm_only, firm_user
from portal_app.web.templates import current_firm, zone
from portal_app.web.writing import Writing

# What a firm of the United States meets; the firm's and the event's own zone come first.
ZONES = (
    "America/New_York", "America/Chicago", "America/Denver", "America/Phoenix", "America/Los_Angeles",
    "America/Anchorage", "Pacific/Honolulu", "America/Puerto_Rico", "America/Toronto", "America/Mexico_City",
    "America/Sao_Paulo", "Europe/London", "Europe/Paris", "Europe/Berlin", "Asia/Dubai", "Asia/Kolkata",
    "Asia/Singapore", "Asia/Shanghai", "Asia/Tokyo", "Australia/Sydney", "UTC",
)  # fmt: skip


class EventForm(OnceForm):
    title = Line("Title")
    place = Line("Place", most=200, is_required=False)
    day = Day("Date")
    starts = TimeOfDay("Starts", is_required=False)
    ends = TimeOfDay("Ends", is_required=False)
    is_all_day = BooleanField("All day")
    time_zone = Choice("Time zone")
    notes = Text("Notes")

    def __init__(self, *, event: Event | None = None, **kwargs: Any) -> None:
        own = [event.time_zone] if event else []
        super().__init__(data=_typed(event) if event else {"time_zone": current_firm().time_zone}, **kwargs)
        if event is not None:
            del self.key
        names = dict.fromkeys([current_firm().time_zone, *own, zone(), *ZONES])
        self.time_zone.choices = {name: name.replace("_", " ") for name in names}

    def validate_starts(self, field: TimeOfDay) -> None:
        if field.data is None and not field.errors and not self.is_all_day.data:
            raise ValidationError("Enter a time, or tick “All day”.")

    def validate_ends(self, field: TimeOfDay) -> None:
        if field.data and self.starts.data and field.data < self.starts.data and not self.is_all_day.data:
            raise ValidationError("The end is before the start.")

    def values(self) -> dict[str, Any]:
        """What was typed, as :func:`calendar.add` and :func:`calendar.change` take it: moments in UTC."""
        is_all_day = bool(self.is_all_day.data)
        starts, ends = (dt.time(), None) if is_all_day else (self.starts.data, self.ends.data)
        return {
            "title": self.title.data,
            "place": self.place.data,
            "notes": self.notes.data,
            "is_all_day": is_all_day,
            "time_zone": self.time_zone.data,
            "starts_at": self._moment(starts),
            "ends_at": self._moment(ends) if ends else None,
        }

    def _moment(self, time: dt.time) -> dt.datetime:
        return clock.to_utc(dt.datetime.combine(self.day.data, time), self.time_zone.data)


def _typed(event: Event) -> dict[str, Any]:
    """An event as its form has it, in its own zone."""
    starts = clock.local(event.starts_at, event.time_zone)
    ends = clock.local(event.ends_at, event.time_zone) if event.ends_at else None
    return {
        "title": event.title, "place": event.place, "notes": event.notes, "is_all_day": event.is_all_day,
        "time_zone": event.time_zone, "day": starts.date(), "starts": None if event.is_all_day else starts.time(),
        "ends": ends.time() if ends else None,
    }  # fmt: skip


def _home(matter: Matter) -> str:
    return f"/firm/matters/{matter.id}/events"


def _list(
    matter: Matter, *blocks: str, form: EventForm | None = None, editing: Event | None = None,
    panel: Panel | None = None, said: str = "", status: int = 200,
) -> Response:  # fmt: skip
    """The matter's events; beside them the form of a new one, of the one being changed, or the share panel."""
    rows, now = calendar.for_matter(matter), clock.now()
    return render(
        "firm/events/index.html", *blocks, status=status, matter=matter, form=form or EventForm(formdata=None),
        coming=[row for row in rows if row.starts_at >= now], past=[row for row in rows if row.starts_at < now],
        shares=sharing.shares_of(EventShare, rows), editing=editing, sharing=panel, said=said,
        hand=lambda name: Writing(current_firm(), name),
    )  # fmt: skip


@blueprint.get("/matters/<int:matter_id>/events")
@firm_only("firm.read")
def matter_events(matter_id: int) -> Response:
    return _list(matters.find(firm_user(), matter_id), "panel", "events")


@blueprint.post("/matters/<int:matter_id>/events")
@firm_only("events.edit")
def add_event(matter_id: int) -> AnyResponse:
    matter = matters.find(firm_user(), matter_id)
    form = EventForm()
    if not form.validate():
        return _list(matter, "panel", form=form, status=422)
    try:
        event = calendar.add(matter, by=firm_user(), key=form.key.data, **form.values())
    except Refused as problem:
        form.refuse(problem)
        return _list(matter, "panel", form=form, status=422)
    return _done(matter, f"{event.title} is on the calendar. The firm only sees it, until you share it.")


@blueprint.get("/matters/<int:matter_id>/events/<int:event_id>")
@firm_only("firm.read")
def event(matter_id: int, event_id: int) -> Response:
    matter = matters.find(firm_user(), matter_id)
    found = calendar.find(matter, event_id)
    return _list(matter, "panel", "events", form=EventForm(event=found, formdata=None), editing=found)


@blueprint.post("/matters/<int:matter_id>/events/<int:event_id>")
@firm_only("events.edit")
def change_event(matter_id: int, event_id: int) -> AnyResponse:
    matter = matters.find(firm_user(), matter_id)
    found = calendar.find(matter, event_id)
    form = EventForm(event=found)
    if not form.validate():
        return _list(matter, "panel", form=form, editing=found, status=422)
    calendar.change(found, **form.values())
    return _done(matter, f"{found.title} is saved.")


@blueprint.post("/matters/<int:matter_id>/events/<int:event_id>/cancel")
@firm_only("events.edit")
def cancel_event(matter_id: int, event_id: int) -> AnyResponse:
    matter = matters.find(firm_user(), matter_id)
    found = calendar.find(matter, event_id)
    calendar.cancel(found)
    return _done(matter, f"{found.title} is canceled, and no longer in anybody’s portal.")


def _done(matter: Matter, said: str) -> AnyResponse:
    if is_fragment_request():
        return _list(matter, "panel", "events", said=said)
    flash(said, "good")
    return go(_home(matter))


@blueprint.route("/matters/<int:matter_id>/events/<int:event_id>/share", methods=["GET", "POST"])
@firm_only("events.edit")
def share_event(matter_id: int, event_id: int) -> AnyResponse:
    matter = matters.find(firm_user(), matter_id)
    found = calendar.find(matter, event_id)
    try:
        people = read_choice() if request.method == "POST" else None
    except Refused as problem:
        return _list(matter, "panel", panel=_panel(matter, found, str(problem)), status=422)
    if people is None:
        return _list(matter, "panel", "events", panel=_panel(matter, found))
    calendar.share(found, people, by=firm_user())
    return _done(matter, sentence(people, found.title))


def _panel(matter: Matter, found: Event, problem: str = "") -> Panel:
    shares = sharing.shares_of(EventShare, [found]).get(found.id, [])
    base = f"{_home(matter)}/{found.id}"
    return open_panel(
        matter, shares, item_id=found.id, title=found.title, base=base, home=_home(matter), problem=problem
    )
