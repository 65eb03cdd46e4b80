"""Reading entries and their legs."""

from __future__ import annotations

from typing import Any

from peewee import JOIN, SQL, ModelSelect, fn

from portal_app.db import sum_of
from portal_app.domain import matters
from portal_app.domain.ledger.models import Account, JournalEntry, Leg, Posting
from portal_app.domain.matters import Matter
from portal_app.domain.people import FirmUser
from portal_app.prepared import prepared


def entry_of(source: str) -> JournalEntry:
    found: JournalEntry = _entry.one(source)
    return found


@prepared
def _entry(source: Any) -> ModelSelect:
    return JournalEntry.select().where(JournalEntry.source == source)


def find(who: FirmUser, entry_id: int) -> JournalEntry:
    """An entry that touches a matter which ``who`` may see."""
    on_it = (Posting.entry == entry_id) & matters.sees(who, Posting.matter)
    return JournalEntry.get((JournalEntry.id == entry_id) & fn.EXISTS(Posting.select(SQL("1")).where(on_it)))


def reversal_of(entry: JournalEntry) -> JournalEntry | None:
    """The entry that took ``entry`` back, if one did."""
    return JournalEntry.get_or_none(JournalEntry.reverses == entry.id)


def postings_of(entry: JournalEntry) -> list[Posting]:
    """The legs with their accounts and matters, debits first."""
    rows: list[Posting] = _postings(entry.id)
    return rows


@prepared
def _postings(entry_id: Any) -> ModelSelect:
    query = Posting.select(Posting, Account, Matter).join_from(Posting, Account)
    query = query.join_from(Posting, Matter, JOIN.LEFT_OUTER).where(Posting.entry == entry_id)
    return query.order_by(Posting.id)


def entries_about(prefix: str) -> list[JournalEntry]:
    """The entries whose source is ``prefix`` and something more ("payment:17"), in order."""
    about = (JournalEntry.source >= f"{prefix}:") & (JournalEntry.source < f"{prefix};")
    return list(JournalEntry.select().where(about).order_by(JournalEntry.id))


def told_about(who: FirmUser, prefix: str) -> list[tuple[JournalEntry, bool]]:
    """The entries about ``prefix``, in order, each with whether ``who`` may open it: it touches a matter they see."""
    rows = entries_about(prefix)
    among = Posting.entry.in_([row.id for row in rows]) & matters.sees(who, Posting.matter)
    shown = {row.entry_id for row in Posting.select(Posting.entry).where(among).distinct()}
    return [(row, row.id in shown) for row in rows]


def totals_about(prefix: str) -> list[Leg]:
    """What the entries about ``prefix`` come to, by account, matter and invoice, in the order of first booking."""
    about = (JournalEntry.source >= f"{prefix}:") & (JournalEntry.source < f"{prefix};")
    total, first = fn.SUM(Posting.amount_cents), fn.MIN(Posting.id)
    by = (Posting.account, Posting.matter, Posting.invoice_id)
    query = Posting.select(*by, total).join(JournalEntry).where(about).group_by(*by).order_by(first)
    return [Leg(code, sum_of(cents), matter, invoice) for code, matter, invoice, cents in query.tuples()]
