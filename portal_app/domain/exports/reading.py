"""The journal read from its beginning to its end, a few hundred entries at a time: a million postings need no more
memory than a thousand."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from peewee import JOIN, ModelSelect, Tuple, fn

from portal_app import money
from portal_app.db import sum_of
from portal_app.domain import matters
from portal_app.domain.invoices import Invoice
from portal_app.domain.ledger import Account, AccountTotal, ChainLink, JournalEntry, Posting
from portal_app.domain.matters import Matter
from portal_app.domain.people import Client, FirmUser

BATCH = 500
HIDDEN = "Restricted matter"
FIRST_DAY = dt.date(1, 1, 1)


def _nothing(_count: int) -> None:
    """Nobody watches."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What an export is asked for: days of the firm, first and last included (``None``: no limit), and for whom.
    Without ``who`` it is for the machine's owner, who sees everything. ``moved`` is told of every batch of entries."""

    since: dt.date | None = None
    until: dt.date | None = None
    who: FirmUser | None = None
    moved: Callable[[int], None] = _nothing


@dataclass(frozen=True, slots=True)
class Leg:
    """A posting with names: debit plus, credit minus, in cents of ``currency``; empty texts where it names none."""

    account: str
    amount_cents: int
    currency: str
    matter: str = ""
    client: str = ""
    invoice: str = ""

    @property
    def amount(self) -> str:
        return money.plain(self.amount_cents, money.currency(self.currency))


@dataclass(frozen=True, slots=True)
class Entry:
    """A journal entry with its legs, and its ``hashes`` in the chains of its matters, each as "matter's id/number in
    the chain/hash". Of an entry that touches a matter which is not to be named, the texts are hidden."""

    id: int
    posted_at: dt.datetime
    occurred_on: dt.date
    code: str
    description: str
    source: str
    reverses: int | None
    legs: list[Leg] = field(default_factory=list)
    hashes: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Names:
    """Numbers of matters and names of their clients, by the matter's id; the books of a person name no matter that
    this person may not open."""

    matters: dict[int, tuple[str, str]]
    hidden: frozenset[int]

    @classmethod
    def for_reader(cls, who: FirmUser | None) -> Names:
        rows = Matter.select(Matter.id, Matter.number, Client.name).join(Client).tuples()
        seen = None if who is None else {row[0] for row in matters.visible_to(who).select(Matter.id).tuples()}
        names = {row[0]: (row[1], row[2]) for row in rows}
        hidden = frozenset() if seen is None else frozenset(names.keys() - seen)
        return cls(names | dict.fromkeys(hidden, (HIDDEN, "")), hidden)

    def leg(self, account: str, cents: int, currency: str, matter_id: int | None, invoice: str | None) -> Leg:
        matter, client = self.matters[matter_id] if matter_id else ("", "")
        shown = "" if invoice is None or matter_id in self.hidden else invoice
        return Leg(account, cents, currency, matter, client, shown)


def count(wanted: Wanted) -> int:
    """How many entries there are, for a progress bar."""
    return int(_in_days(JournalEntry.select(), wanted).count())


def _in_days(query: ModelSelect, wanted: Wanted) -> ModelSelect:
    query = query.where(JournalEntry.occurred_on >= wanted.since) if wanted.since else query
    return query.where(JournalEntry.occurred_on <= wanted.until) if wanted.until else query


def accounts() -> list[Account]:
    """The whole chart, in the order of its codes."""
    return list(Account.select().order_by(Account.code))


def entries(wanted: Wanted) -> Iterator[Entry]:
    """Every entry of these days, by day and number, each with its legs."""
    names, after = Names.for_reader(wanted.who), (FIRST_DAY, 0)
    while True:
        batch = _batch(wanted, after)
        if not batch:
            return
        hidden = _fill(batch, names)
        for entry in batch.values():
            if entry.id in hidden:
                yield Entry(entry.id, entry.posted_at, entry.occurred_on, entry.code, HIDDEN, "", None, entry.legs)
            else:
                yield entry
        after = (entry.occurred_on, entry.id)
        wanted.moved(len(batch))


def _batch(wanted: Wanted, after: tuple[dt.date, int]) -> dict[int, Entry]:
    fields = (
        JournalEntry.id, JournalEntry.posted_at, JournalEntry.occurred_on, JournalEntry.code, JournalEntry.description,
        JournalEntry.source, JournalEntry.reverses,
    )  # fmt: skip
    place = Tuple(JournalEntry.occurred_on, JournalEntry.id)
    query = _in_days(JournalEntry.select(*fields).where(place > Tuple(*after)), wanted)
    rows = query.order_by(JournalEntry.occurred_on, JournalEntry.id).limit(BATCH).tuples()
    return {row[0]: Entry(*row) for row in rows}


def _fill(batch: dict[int, Entry], names: Names) -> set[int]:
    """Put the legs and the hashes in their places. Gives the entries that touch a matter which is not to be named."""
    query = (
        Posting.select(
            Posting.entry, Posting.account, Posting.amount_cents, Posting.currency, Posting.matter, Invoice.number
        )
        .join(Invoice, JOIN.LEFT_OUTER, on=(Posting.invoice_id == Invoice.id))
        .where(Posting.entry.in_(list(batch)))
        .order_by(Posting.id)
    )
    hidden = set()
    for entry_id, account, cents, currency, matter_id, invoice in query.tuples():
        batch[entry_id].legs.append(names.leg(account, cents, currency, matter_id, invoice))
        if matter_id in names.hidden:
            hidden.add(entry_id)
    links = ChainLink.select(ChainLink.entry_id, ChainLink.matter_id, ChainLink.sequence, ChainLink.hash)
    for entry_id, matter_id, sequence, value in links.where(ChainLink.entry_id.in_(list(batch))).tuples():
        batch[entry_id].hashes.append(f"{matter_id}/{sequence}/{value}")
    return hidden


def opening(wanted: Wanted) -> Iterator[Leg]:
    """What stood on each account, for each matter and invoice, when the first of the days began."""
    if wanted.since is None:
        return
    names, total = Names.for_reader(wanted.who), fn.SUM(Posting.amount_cents)
    by: tuple[Any, ...] = (Posting.account, Posting.currency, Posting.matter, Posting.invoice_id, Invoice.number)
    query = (
        Posting.select(*by, total)
        .join_from(Posting, JournalEntry)
        .join_from(Posting, Invoice, JOIN.LEFT_OUTER, on=(Posting.invoice_id == Invoice.id))
        .where(JournalEntry.occurred_on < wanted.since)
        .group_by(*by)
        .having(total != 0)
        .order_by(*by[:4])
    )
    for account, currency, matter_id, _, invoice, cents in query.tuples().iterator():
        yield names.leg(account, sum_of(cents), currency, matter_id, invoice)


def closing(wanted: Wanted) -> list[Leg]:
    """What stands on each account after the last of the days; from the kept totals where there is no last day. Every
    account is there, those on which nothing stands too."""
    if wanted.until is None:
        total = fn.SUM(AccountTotal.balance_cents)
        kept = AccountTotal.select(AccountTotal.account_code, AccountTotal.currency, total)
        query = kept.group_by(AccountTotal.account_code, AccountTotal.currency)
    else:
        total = fn.SUM(Posting.amount_cents)
        summed = Posting.select(Posting.account, Posting.currency, total).join(JournalEntry)
        query = summed.where(JournalEntry.occurred_on <= wanted.until).group_by(Posting.account, Posting.currency)
    return [Leg(code, sum_of(cents), currency) for code, currency, cents in sorted(query.tuples())]


def first_day(wanted: Wanted) -> dt.date | None:
    """The day of the first entry that is exported; ``None`` when there is none."""
    found: dt.date | None = _in_days(JournalEntry.select(fn.MIN(JournalEntry.occurred_on)), wanted).scalar()
    return found


def last_day(wanted: Wanted) -> dt.date | None:
    """The day of the last one."""
    found: dt.date | None = _in_days(JournalEntry.select(fn.MAX(JournalEntry.occurred_on)), wanted).scalar()
    return found
