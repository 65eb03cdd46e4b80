"""What browsers refused to load or run on our pages, as they report it: an attack, an add-on, or a mistake of ours.

Anybody can send a report, so little of one is believed or kept: the page by its route, where something came from by
its origin, never an address with an id or a token in it; equal ones are one row; and there are never many.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from peewee import BigIntegerField, CharField, DateTimeField

from portal_app import clock
from portal_app.db import BaseModel, transaction

MOST = 300
KEEP = dt.timedelta(days=90)
_LONGEST = 120


class PolicyReport(BaseModel):
    """One thing that was refused on one page, and how often. ``page`` is a route, ``blocked`` and ``source`` are
    origins, or a browser's words ("inline")."""

    page = CharField(max_length=_LONGEST)
    directive = CharField(max_length=40)
    blocked = CharField(max_length=_LONGEST)
    source = CharField(max_length=_LONGEST)
    count = BigIntegerField()
    first_at = DateTimeField()
    last_at = DateTimeField()


@dataclass(frozen=True, slots=True)
class Refusal:
    """What a browser says that it refused."""

    page: str
    directive: str
    blocked: str
    source: str


def note(refusal: Refusal) -> bool:
    """Keep or count it. ``False``: there are too many different ones already, and it is left out."""
    now = clock.now()
    values = {
        "page": refusal.page[:_LONGEST], "directive": refusal.directive[:40],
        "blocked": refusal.blocked[:_LONGEST], "source": refusal.source[:_LONGEST],
    }  # fmt: skip
    is_it = [getattr(PolicyReport, name) == value for name, value in values.items()]
    with transaction():
        if PolicyReport.update(count=PolicyReport.count + 1, last_at=now).where(*is_it).execute():
            return True
        if PolicyReport.select().count() >= MOST:
            return False
        row = PolicyReport.insert(**values, count=1, first_at=now, last_at=now)
        row.on_conflict_ignore().execute()
    return True


def latest() -> list[PolicyReport]:
    """Those of the last ninety days, the latest first."""
    recent = PolicyReport.select().where(PolicyReport.last_at > clock.now() - KEEP)
    return list(recent.order_by(PolicyReport.last_at.desc(), PolicyReport.id))


def forget_old() -> None:
    with transaction():
        PolicyReport.delete().where(PolicyReport.last_at <= clock.now() - KEEP).execute()


def clear() -> None:
    """Begin afresh: what comes back after a change is news."""
    with transaction():
        PolicyReport.delete().execute()
