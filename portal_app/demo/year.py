"""The demo's year: acts at their own time, and what they have made so far."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable

from portal_app import clock
from portal_app.demo.story import ZONE
from portal_app.domain.deposits import DepositRequest
from portal_app.domain.invoices import Invoice
from portal_app.domain.matters import Matter
from portal_app.domain.people import Client, FirmUser, PortalUser

Act = Callable[[], object]


class Year:
    """Rows by the keys of the story; ``issued`` by matter and how many invoices of it are newer."""

    def __init__(self) -> None:
        self.today = clock.today(ZONE)
        self.staff: dict[str, FirmUser] = {}
        self.portal_users: dict[str, PortalUser] = {}
        self.clients: dict[str, Client] = {}
        self.matters: dict[str, Matter] = {}
        self.issued: dict[tuple[str, int], Invoice] = {}
        self.deposits: dict[int, DepositRequest] = {}
        self._acts: list[tuple[dt.datetime, int, Act]] = []

    def day(self, offset: int) -> dt.date:
        """The firm's day, ``offset`` days from today."""
        return self.today + dt.timedelta(days=offset)

    def moment(self, offset: int, hour: int) -> dt.datetime:
        """That hour of that day at the firm, in UTC."""
        return clock.to_utc(dt.datetime.combine(self.day(offset), dt.time(hour)), ZONE)

    def at(self, offset: int, hour: int, act: Act) -> None:
        """Let ``act`` happen then; what is planned for later today happens now."""
        self._acts.append((min(self.moment(offset, hour), clock.now()), len(self._acts), act))

    def live(self, after_each: Act) -> None:
        """Let everything happen, in order."""
        for moment, _, act in sorted(self._acts, key=lambda item: item[:2]):
            with clock.frozen(moment):
                act()
                after_each()
