"""What a reader of the books asks for: the same filters on every page of them."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from peewee import ModelSelect, fn

from portal_app.domain.ledger.models import JournalEntry
from portal_app.domain.people import PortalUser


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is empty leaves nothing out. ``codes`` are kinds of entries, ``matter`` a matter's number; ``text`` is part
    of what an entry says or of its payer's name; ``cents`` an amount, on either side; ``fund`` whose money."""

    since: dt.date | None = None
    until: dt.date | None = None
    codes: tuple[str, ...] = ()
    matter: str = ""
    text: str = ""
    cents: int | None = None
    fund: str = ""

    @property
    def is_open(self) -> bool:
        """Whether it leaves nothing out."""
        return self == Wanted()


@dataclass(frozen=True, slots=True)
class Sums:
    """What lines come to: how many, and both sides in cents."""

    count: int
    debit_cents: int
    credit_cents: int


def narrowed(query: ModelSelect, wanted: Wanted) -> ModelSelect:
    """``query`` over entries with the reader's days, kinds and text. Amounts are of the lines: their query's affair."""
    if wanted.since:
        query = query.where(JournalEntry.occurred_on >= wanted.since)
    if wanted.until:
        query = query.where(JournalEntry.occurred_on <= wanted.until)
    if wanted.codes:
        query = query.where(JournalEntry.code.in_(wanted.codes))
    if wanted.text:
        payers = PortalUser.select(PortalUser.id).where(fn.LOWER(PortalUser.name).contains(wanted.text.lower()))
        query = query.where(
            JournalEntry.description.contains(wanted.text) | JournalEntry.portal_user.in_(payers)
        )  # fmt: skip
    return query
