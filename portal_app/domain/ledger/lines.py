"""A matter's ledger, line by line, from the client's side."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from peewee import JOIN, ModelSelect, Window, fn

from portal_app.domain.ledger.chart import RECEIVABLE
from portal_app.domain.ledger.models import JournalEntry, Posting
from portal_app.domain.matters import Matter
from portal_app.domain.people import PortalUser
from portal_app.prepared import Prepared, prepared


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a matter's ledger, from the client's side: what was owed more (debit) or less (credit)."""

    entry: JournalEntry
    debit_cents: int
    credit_cents: int
    balance_cents: int
    payer_name: str
    invoice_ids: tuple[int, ...]


def for_matter(
    matter: Matter, *, limit: int | None = 100, before_id: int | None = None, since: dt.date | None = None,
    until: dt.date | None = None, codes: Sequence[str] = (),
) -> list[Line]:  # fmt: skip
    """The matter's entries, newest first, with what the client owed after each. ``before_id`` pages on; days and
    ``codes`` leave lines out, but never change a balance."""
    values = (before_id, since, until, limit)
    rows = _lines(tuple(value is not None for value in values), tuple(codes))(matter.id, *values)
    invoices = _invoices_of(rows, matter)
    return [_line(row, invoices.get(row.id, ())) for row in rows]


@lru_cache(maxsize=64)
def _lines(is_given: tuple[bool, ...], codes: tuple[str, ...]) -> Prepared:
    """The query for those of the conditions that are given."""

    def build(matter_id: Any, before_id: Any, since: Any, until: Any, limit: Any) -> ModelSelect:
        owed = (
            Posting.select(Posting.entry, fn.SUM(Posting.amount_cents).alias("amount"))
            .where((Posting.matter == matter_id) & (Posting.account == RECEIVABLE))
            .group_by(Posting.entry)
            .alias("owed")
        )
        running = fn.SUM(owed.c.amount).over(order_by=[owed.c.entry_id], start=Window.preceding()).alias("balance")
        lines = owed.select_from(owed.c.entry_id, owed.c.amount, running).alias("lines")
        query = (
            JournalEntry.select(JournalEntry, PortalUser.name.alias("payer_name"), lines.c.amount, lines.c.balance)
            .join(lines, on=(lines.c.entry_id == JournalEntry.id))
            .join_from(JournalEntry, PortalUser, JOIN.LEFT_OUTER)
            .order_by(JournalEntry.id.desc())
            .objects()
        )
        days = (JournalEntry.occurred_on >= since, JournalEntry.occurred_on <= until)
        for is_used, condition in zip(is_given, (JournalEntry.id < before_id, *days), strict=False):
            query = query.where(condition) if is_used else query
        query = query.where(JournalEntry.code.in_(codes)) if codes else query
        return query.limit(limit) if is_given[-1] else query

    return prepared(build)


def _line(row: Any, invoice_ids: Iterable[int]) -> Line:
    amount = int(row.amount)
    return Line(row, max(amount, 0), max(-amount, 0), int(row.balance), row.payer_name or "", tuple(invoice_ids))


def _invoices_of(rows: Sequence[JournalEntry], matter: Matter) -> dict[int, list[int]]:
    found: dict[int, list[int]] = {}
    for row in _named(matter.id, rows[-1].id, rows[0].id) if rows else []:
        found.setdefault(row.entry_id, []).append(row.invoice_id)
    return found


@prepared
def _named(matter_id: Any, first_id: Any, last_id: Any) -> ModelSelect:
    """Which invoices the entries from ``first_id`` to ``last_id`` name."""
    query = Posting.select(Posting.entry, Posting.invoice_id).where(
        (Posting.entry >= first_id)
        & (Posting.entry <= last_id)
        & (Posting.matter == matter_id)
        & Posting.invoice_id.is_null(False)
    )
    return query.distinct().order_by(Posting.invoice_id)
