"""Throttles against guessing. They are rows, so that they hold in every process and after a restart.

After some free tries each further one has to wait, twice as long as the one before, up to a limit: nobody is shut out
for good. A try that comes too soon is refused without being counted, so that hammering makes no wait longer.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from peewee import CharField, DateTimeField, IntegerField, ModelSelect

from portal_app import clock
from portal_app.db import BaseModel, locked, transaction
from portal_app.domain.people import hash_token
from portal_app.prepared import prepared_of_ids


@dataclass(frozen=True, slots=True)
class Pace:
    """How often something may be tried: ``free`` times at once, then after ``first_seconds``, then after twice that, at
    most after ``most_seconds``; all is forgotten when nothing was tried for ``rest_seconds``."""

    free: int
    first_seconds: int
    most_seconds: int
    rest_seconds: int = 24 * 3600

    def wait_after(self, hits: int) -> int:
        """Seconds between the try number ``hits`` and the next one."""
        over = hits - self.free
        return 0 if over < 0 else min(self.first_seconds << min(over, 20), self.most_seconds)


# Signing in. One account from one place; one account from unknown devices anywhere; anything from one address, and from
# the network around it. The right person is never behind more than their own: a device that they have signed in from
# counts for itself, and a link that is e-mailed goes past all of them.
ACCOUNT_HERE = Pace(10, 30, 15 * 60)
ACCOUNT = Pace(50, 1, 5 * 60)
DEVICE = Pace(10, 30, 15 * 60)
ADDRESS = Pace(50, 5, 15 * 60)
NETWORK = Pace(200, 5, 15 * 60)

# Letters with a link: to one person; asked for from one address.
LINKS = Pace(5, 60, 15 * 60, rest_seconds=3600)
LINKS_FROM = Pace(25, 60, 15 * 60, rest_seconds=3600)

CODES = Pace(5, 30, 15 * 60)  # a second factor's six digits, for one person
LETTER_CODES = Pace(10, 30, 15 * 60)  # codes of paper invitations, from one address
PAPERS = Pace(20, 15, 10 * 60, rest_seconds=1800)  # paper that is set while somebody waits, for one person
UPLOADS = Pace(100, 5, 10 * 60, rest_seconds=1800)  # forms with files, for one of the firm
PAYMENTS = Pace(20, 15, 10 * 60, rest_seconds=1800)  # presses of Pay, and asking a gateway again, for one payer


class TooSoon(Exception):
    """It was tried too often; ``seconds`` until the next try is looked at."""

    def __init__(self, seconds: int) -> None:
        super().__init__(f"try again in {seconds} seconds")
        self.seconds = seconds


class Throttle(BaseModel):
    """How often something was tried. ``key`` is hashed: it may come from an address."""

    key = CharField(primary_key=True, max_length=64)
    hits = IntegerField()
    open_at = DateTimeField()
    forget_at = DateTimeField()


def count(tries: Mapping[str, Pace]) -> dict[str, int]:
    """Count one more try of each; before anything is looked at, so that tries at the same moment count, too. Returns
    how many there were of each.

    Raises:
        TooSoon: one of them has to wait; then none is counted.
    """
    paces = {hash_token(what): pace for what, pace in tries.items()}
    _refuse(_known(list(paces)))
    now = clock.now()
    with transaction(is_aside=True):
        for key in sorted(paces):
            Throttle.insert(key=key, hits=0, open_at=now, forget_at=now).on_conflict_ignore().execute()
        rows = list(locked(Throttle.select().where(Throttle.key.in_(sorted(paces))).order_by(Throttle.key)))
        _refuse(rows)
        counted = {}
        for row in rows:
            pace = paces[row.key]
            hits = counted[row.key] = 1 if row.forget_at <= now else row.hits + 1
            _write(row.key, hits, now + dt.timedelta(seconds=pace.wait_after(hits)), pace.rest_seconds)
    return {what: counted[hash_token(what)] for what in tries}


@prepared_of_ids
def _known(keys: Any) -> ModelSelect:
    return Throttle.select().where(Throttle.key.in_(keys))


def _write(key: str, hits: int, open_at: dt.datetime, rest_seconds: int) -> None:
    change = {"hits": hits, "open_at": open_at, "forget_at": max(open_at, clock.in_seconds(rest_seconds))}
    Throttle.update(**change).where(Throttle.key == key).execute()


def _refuse(rows: Collection[Throttle]) -> None:
    now = clock.now()
    waits = [(row.open_at - now).total_seconds() for row in rows if row.open_at > now]
    if waits:
        raise TooSoon(int(max(waits)) + 1)


def take_back(*tries: str) -> None:
    """The tries that were counted just now were right: as if they had not been."""
    keys = [hash_token(what) for what in tries]
    with transaction(is_aside=True):
        Throttle.update(hits=Throttle.hits - 1, open_at=clock.now()).where(
            Throttle.key.in_(keys) & (Throttle.hits > 0)
        ).execute()


def forget(*tries: str) -> None:
    """All earlier tries of these no longer count."""
    with transaction(is_aside=True):
        Throttle.delete().where(Throttle.key.in_([hash_token(what) for what in tries])).execute()


def sweep() -> None:
    """Forget what nobody has tried for long."""
    with transaction(is_aside=True):
        Throttle.delete().where(Throttle.forget_at < clock.now()).execute()
