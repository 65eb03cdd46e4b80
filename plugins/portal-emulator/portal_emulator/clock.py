"""The emulator's own time: flows like the machine's, may start elsewhere and can be moved on."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from typing import Final

Source = Callable[[], dt.datetime]

NIGHT: Final = 6  # the hour, UTC, at which the nightly run takes place


def system() -> dt.datetime:
    return dt.datetime.now(dt.UTC)


class Clock:
    """``source`` is any clock with a zone; the emulator's time is it plus ``ahead``."""

    def __init__(self, source: Source = system, *, start: dt.datetime | None = None) -> None:
        self._source = source
        self.ahead = dt.timedelta() if start is None else start - source()

    def now(self) -> dt.datetime:
        """UTC, whole milliseconds."""
        moment = (self._source() + self.ahead).astimezone(dt.UTC)
        return moment.replace(microsecond=moment.microsecond // 1000 * 1000)

    def today(self) -> dt.date:
        return self.now().date()

    def move_to(self, moment: dt.datetime) -> None:
        """Never backwards."""
        self.ahead += max(moment - self.now(), dt.timedelta())


def stamp(moment: dt.datetime) -> str:
    """ISO-8601 with milliseconds and ``Z``, as everywhere on the wire."""
    return moment.astimezone(dt.UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def moment_of(text: str) -> dt.datetime:
    """Raises ``ValueError``; a moment without a zone is UTC."""
    moment = dt.datetime.fromisoformat(text)
    return moment if moment.tzinfo else moment.replace(tzinfo=dt.UTC)


def night_after(moment: dt.datetime) -> dt.datetime:
    tonight = moment.replace(hour=NIGHT, minute=0, second=0, microsecond=0)
    return tonight if tonight > moment else tonight + dt.timedelta(days=1)
