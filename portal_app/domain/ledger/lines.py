"""A matter's ledger, line by line, from the client's side.

A line is a link of the matter's chain, which keeps what was owed after it: a page costs the same however long the
ledger is.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, NamedTuple

from peewee import JOIN, SQL, ModelSelect

from portal_app.domain.ledger.chaining import ChainLink
from portal_app.domain.ledger.models import JournalEntry, Posting
from portal_app.domain.matters import Matter
from portal_app.domain.people import PortalUser
from portal_app.prepared import Prepared, prepared_as, prepared_of_ids

# Links that stand in a matter's ledger, in the words of their index.
OWES = (ChainLink.debit_cents + ChainLink.credit_cents) != SQL("0")


class Booked(NamedTuple):
    """A journal entry as a matter's ledger shows it, with its link of the matter's chain."""

    id: int
    occurred_on: dt.date
    code: str
    source: str
    description: str
    reverses_id: int | None
    payer_name: str | None
    debit_cents: int
    credit_cents: int
    balance_cents: int
    sequence: int


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a matter's ledger, from the client's side: what was owed more (debit) or less (credit); both, where
    the firm gave money back and the fee up. ``sequence`` is its place in the matter's chain."""

    entry: JournalEntry | Booked
    debit_cents: int
    credit_cents: int
    balance_cents: int
    payer_name: str
    invoice_ids: tuple[int, ...]
    sequence: int


def for_matter(
    matter: Matter, *, limit: int | None = 100, before: int | None = None, since: dt.date | None = None,
    until: dt.date | None = None, codes: Sequence[str] = (),
) -> list[Line]:  # fmt: skip
    """The matter's entries, newest first, with what the client owed after each. ``before`` is a line's ``sequence``
    and pages on; days and ``codes`` leave lines out, but never change a balance."""
    values = (before, since, until, limit)
    rows = _lines(tuple(value is not None for value in values), tuple(codes))(matter.id, *values)
    invoices = _invoices_of([row.id for row in rows], matter)
    return [_line(row, invoices.get(row.id, ())) for row in rows]


def lately(matter: Matter, limit: int) -> list[Booked]:
    """The matter's last entries, the newest first."""
    return _lines((False, False, False, True), ())(matter.id, None, None, None, limit)


@lru_cache(maxsize=64)
def _lines(is_given: tuple[bool, ...], codes: tuple[str, ...]) -> Prepared:
    """The query for those of the conditions that are given."""

    def build(matter_id: Any, before: Any, since: Any, until: Any, limit: Any) -> ModelSelect:
        query = (
            JournalEntry.select(
                JournalEntry.id, JournalEntry.occurred_on, JournalEntry.code, JournalEntry.source,
                JournalEntry.description, JournalEntry.reverses, PortalUser.name, ChainLink.debit_cents,
                ChainLink.credit_cents, ChainLink.balance_cents, ChainLink.sequence,
            )
            .join(ChainLink, on=(ChainLink.entry_id == JournalEntry.id))
            .join_from(JournalEntry, PortalUser, JOIN.LEFT_OUTER)
            .where((ChainLink.matter_id == matter_id) & OWES)
            .order_by(ChainLink.sequence.desc())
        )  # fmt: skip
        days = (JournalEntry.occurred_on >= since, JournalEntry.occurred_on <= until)
        for is_used, condition in zip(is_given, (ChainLink.sequence < before, *days), strict=False):
            query = query.where(condition) if is_used else query
        query = query.where(JournalEntry.code.in_(codes)) if codes else query
        return query.limit(limit) if is_given[-1] else query

    return prepared_as(Booked)(build)


def _line(row: Booked, invoice_ids: Iterable[int]) -> Line:
    cents = row.debit_cents, row.credit_cents, row.balance_cents
    return Line(row, *cents, row.payer_name or "", tuple(invoice_ids), row.sequence)


def _invoices_of(entry_ids: Sequence[int], matter: Matter) -> dict[int, list[int]]:
    """Which of the matter's invoices the entries name."""
    found: dict[int, list[int]] = {}
    for row in _named(entry_ids):
        if row.matter_id == matter.id:
            found.setdefault(row.entry_id, []).append(row.invoice_id)
    return found


@prepared_of_ids
def _named(ids: Any) -> ModelSelect:
    query = Posting.select(Posting.entry, Posting.matter, Posting.invoice_id)
    query = query.where(Posting.entry.in_(ids) & Posting.invoice_id.is_null(False))
    return query.distinct().order_by(Posting.invoice_id)
