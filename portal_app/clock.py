"""The one seam for time. Everything stored is naive UTC; everything shown is in a person's zone."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import lru_cache
from zoneinfo import ZoneInfo, available_timezones

_source: list[Callable[[], dt.datetime]] = [lambda: dt.datetime.now(dt.UTC)]


def now() -> dt.datetime:
    """The present moment, naive UTC, whole microseconds."""
    moment = _source[0]()
    return (moment if moment.tzinfo is dt.UTC else moment.astimezone(dt.UTC)).replace(tzinfo=None)


def aware() -> dt.datetime:
    """The present moment with its zone (UTC), for values that leave the portal."""
    return now().replace(tzinfo=dt.UTC)


def in_seconds(seconds: int) -> dt.datetime:
    return now() + dt.timedelta(seconds=seconds)


def today(zone: str) -> dt.date:
    """The calendar day in ``zone`` (an IANA name): due dates and ledger dates are days of the firm."""
    return local(now(), zone).date()


@lru_cache(maxsize=64)
def _zone(name: str) -> ZoneInfo:
    return ZoneInfo(name)


def local(moment: dt.datetime, zone: str) -> dt.datetime:
    """Naive UTC to aware local time."""
    place = _zone(zone)
    return place.fromutc(moment.replace(tzinfo=place))


def to_utc(wall: dt.datetime, zone: str) -> dt.datetime:
    """A wall-clock time in ``zone`` (naive) to naive UTC. In a repeated hour the first is meant."""
    return wall.replace(tzinfo=_zone(zone)).astimezone(dt.UTC).replace(tzinfo=None)


def is_zone(name: str) -> bool:
    return name in zones()


@lru_cache(maxsize=1)
def zones() -> frozenset[str]:
    return frozenset(available_timezones())


@contextmanager
def frozen(moment: dt.datetime) -> Iterator[Callable[[dt.timedelta], None]]:
    """Stop the clock at ``moment`` (naive UTC); the yielded function moves it on. For demos and tests."""
    held = [moment.replace(tzinfo=dt.UTC)]
    before = _source[0]
    _source[0] = lambda: held[0]

    def advance(by: dt.timedelta) -> None:
        held[0] += by

    try:
        yield advance
    finally:
        _source[0] = before
