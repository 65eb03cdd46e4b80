"""Events of a matter: when and where, and with whom they are shared."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import Any, NamedTuple

from peewee import BooleanField, CharField, DateTimeField, ForeignKeyField, ModelSelect, TextField, fn

from portal_app import clock
from portal_app.db import BaseModel, transaction
from portal_app.domain import matters, sharing
from portal_app.domain.errors import Refused
from portal_app.domain.matters import Matter
from portal_app.domain.once import once
from portal_app.domain.people import FirmUser, PortalUser, new_public_id
from portal_app.domain.readers import prepared_for
from portal_app.prepared import prepared_as


class Event(BaseModel):
    """Something at a time and place. ``starts_at`` and ``ends_at`` are UTC, shown in ``time_zone`` to the firm and
    in their own zone to portal users."""

    public_id = CharField(max_length=32)
    matter = ForeignKeyField(Matter, backref="events")
    title = CharField(max_length=120)
    place = CharField(max_length=200, default="")
    notes = TextField(default="")
    starts_at = DateTimeField()
    ends_at = DateTimeField(null=True)
    is_all_day = BooleanField(default=False)
    time_zone = CharField(max_length=64)
    created_at = DateTimeField()
    created_by = ForeignKeyField(FirmUser, null=True, backref="+")
    canceled_at = DateTimeField(null=True)

    @property
    def day(self) -> dt.date:
        return day_of(self.starts_at, self.time_zone)


def day_of(starts_at: dt.datetime, time_zone: str) -> dt.date:
    """The calendar day where it happens: an all-day event is on that day for everyone."""
    return clock.local(starts_at, time_zone).date()


class EventShare(sharing.Share):
    item = ForeignKeyField(Event, column_name="event_id", object_id_name="item_id", backref="shares")


def add(
    matter: Matter, *, title: str, starts_at: dt.datetime, by: FirmUser, key: str | None = None, **details: object
) -> Event:
    """A new event; times in UTC. ``key`` (made with the form) becomes its public id: the same key is the same event."""
    _check_times(starts_at, details.get("ends_at"))
    said = {"matter": matter, "title": title, "starts_at": starts_at, **details}
    return once(
        Event.public_id, key, said=said,
        make=lambda: Event.create(
            **said, created_by=by, created_at=clock.now(), public_id=key or new_public_id()
        ),
    )  # fmt: skip


def _check_times(starts_at: dt.datetime, ends_at: object) -> None:
    if isinstance(ends_at, dt.datetime) and ends_at < starts_at:
        raise Refused("The end is before the start.", "ends_at")


def change(event: Event, **values: object) -> None:
    for name, value in values.items():
        setattr(event, name, value)
    _check_times(event.starts_at, event.ends_at)
    with transaction():
        event.save(only=list(values))


def cancel(event: Event) -> None:
    """The event is off: it leaves every calendar, the fact stays."""
    change(event, canceled_at=clock.now())


def for_matter(matter: Matter) -> list[Event]:
    """Events of the matter that are on, the next first, then the past."""
    rows = list(
        Event.select().where((Event.matter == matter.id) & Event.canceled_at.is_null()).order_by(Event.starts_at)
    )
    now = clock.now()
    return [row for row in rows if row.starts_at >= now] + [row for row in reversed(rows) if row.starts_at < now]


def find(matter: Matter, event_id: int) -> Event:
    return Event.get((Event.id == event_id) & (Event.matter == matter.id) & Event.canceled_at.is_null())


def coming_up(who: FirmUser, *, until: dt.datetime, limit: int = 8) -> list[Event]:
    """What happens from now until ``until`` on the matters that ``who`` may see, each with ``event.shared``: with how
    many people it is shared."""
    return _coming_up(who, clock.now(), until, limit)


@prepared_for
def _coming_up(who: Any, now: Any, until: Any, limit: Any) -> ModelSelect:
    is_open = (EventShare.item == Event.id) & EventShare.ended_at.is_null()
    shared = EventShare.select(fn.COUNT(EventShare.id)).where(is_open).alias("shared")
    query = Event.select(Event, Matter, shared).join(Matter)
    query = query.where(Event.canceled_at.is_null() & matters.sees(who, Event.matter))
    starts = (Event.starts_at >= now) & (Event.starts_at < until)
    return query.where(starts).order_by(Event.starts_at).limit(limit)


def visible_to(who: PortalUser) -> ModelSelect:
    """Events shared with ``who``, each with its share as ``event.eventshare`` and its matter's id, number and name."""
    return _seen_by(who.id)


def _seen_by(who_id: Any) -> ModelSelect:
    return _open_to(who_id, Event, *sharing.read_by(EventShare), Matter.id, Matter.number, Matter.name)


def _open_to(who_id: Any, *columns: Any) -> ModelSelect:
    return (
        Event.select(*columns)
        .join_from(Event, EventShare)
        .join_from(Event, Matter)
        .where((EventShare.portal_user == who_id) & EventShare.ended_at.is_null() & Event.canceled_at.is_null())
    )


class SharedEvent(NamedTuple):
    """An event as its reader's lists show it; ``matter`` is its matter's name, ``matter_number`` its number."""

    public_id: str
    title: str
    place: str
    starts_at: dt.datetime
    is_all_day: bool
    time_zone: str
    matter: str
    matter_number: str
    first_seen_at: dt.datetime | None

    @property
    def day(self) -> dt.date:
        return day_of(self.starts_at, self.time_zone)


def _listed(who_id: Any) -> ModelSelect:
    return _open_to(
        who_id, Event.public_id, Event.title, Event.place, Event.starts_at, Event.is_all_day, Event.time_zone,
        Matter.name, Matter.number, EventShare.first_seen_at,
    )  # fmt: skip


def _just_now() -> dt.datetime:
    """What began later than this is still to come for those who go there."""
    return clock.now() - dt.timedelta(hours=2)


def upcoming(who: PortalUser, limit: int = 20, *, matter: str = "") -> list[SharedEvent]:
    """What is to come, or began in the last two hours, the next first; of one matter, by its number, or of all."""
    return _upcoming(who.id, _just_now(), matter, limit)


@prepared_as(SharedEvent)
def _upcoming(who_id: Any, since: Any, matter: Any, limit: Any) -> ModelSelect:
    is_asked = (Event.starts_at >= since) & matters.is_asked(matter)
    return _listed(who_id).where(is_asked).order_by(Event.starts_at).limit(limit)


def past(who: PortalUser, limit: int = 20) -> list[SharedEvent]:
    """What is over, the latest first."""
    return _past(who.id, _just_now(), limit)


@prepared_as(SharedEvent)
def _past(who_id: Any, until: Any, limit: Any) -> ModelSelect:
    return _listed(who_id).where(Event.starts_at < until).order_by(Event.starts_at.desc()).limit(limit)


def find_for(who: PortalUser, public_id: str) -> Event:
    return visible_to(who).where(Event.public_id == public_id).get()


def share(event: Event, people: Sequence[PortalUser], *, by: FirmUser) -> None:
    """Share with exactly ``people``; those who are new are told by e-mail."""
    sharing.set_people(EventShare, event, people, by=by, topic="event_shared")
