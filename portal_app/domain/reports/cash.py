"""What came from clients and what went back, by the day it was booked: every entry that moves a bank's or a gateway's
account, told by the matters that it was for. Gateways' fees and payouts are for no matter, and are left out."""

from __future__ import annotations

import datetime as dt
from typing import Any

from peewee import SQL, Case, ModelSelect, fn

from portal_app.db import sum_of
from portal_app.domain.ledger import DISPUTED, SUSPENSE, Account, JournalEntry, Posting
from portal_app.domain.matters import Matter
from portal_app.domain.people import Client, FirmUser
from portal_app.domain.reports import grouping
from portal_app.domain.reports.definition import Chart, Column, Link, Report, Row, Table, Wanted, bars, totals_of

FIGURES = (
    Column("received", "Received", "money"), Column("given_back", "Given back", "money"), Column("net", "Net", "money"),
    Column("trust_in", "Into trust", "money"), Column("trust_out", "Out of trust", "money"),
)  # fmt: skip
MONTHS = (Column("month", "Month", "month"), *FIGURES)
ENTRIES = (
    Column("occurred_on", "Date", "day"), Column("description", "Entry"), Column("matter", "Matter", "code"),
    Column("client", "Client"), *FIGURES,
)  # fmt: skip
NOTE = "Before gateways’ fees. Money that is held for review is for no matter yet."


def cash_accounts() -> list[str]:
    """Where money is: banks, gateways, and what a bank has taken until a dispute is decided."""
    codes = [str(code) for (code,) in Account.select(Account.code).tuples()]
    return [code for code in codes if code.startswith(("bank:", "clearing:")) or code == DISPUTED]


def movements(who: FirmUser | None, wanted: Wanted) -> ModelSelect:
    """The postings that say for whom money moved."""
    cash, other = cash_accounts(), Posting.alias()
    moves = fn.EXISTS(other.select(1).where((other.entry == JournalEntry.id) & other.account.in_(cash)))
    is_for = Posting.matter.is_null(False) | (Posting.account == SUSPENSE)
    query = grouping.booked(wanted).where(is_for & Posting.account.not_in(cash) & moves)
    return grouping.narrow(grouping.joined(query, Posting.matter), who, wanted)


def _figures() -> tuple[Any, ...]:
    """Received, given back, into and out of trust: a credit is what came for somebody, a debit what went."""

    def total(fund: str, is_that: Any, cents: Any) -> Any:
        return fn.SUM(Case(None, [((Account.fund == fund) & is_that, cents)], 0))

    cents = Posting.amount_cents
    came, went = (cents < 0, 0 - cents), (cents > 0, cents)
    return total("operating", *came), total("operating", *went), total("trust", *came), total("trust", *went)


def _cells(figures: list[int]) -> tuple[int, ...]:
    received, given_back, trust_in, trust_out = figures
    return received, given_back, received - given_back, trust_in, trust_out


def build(who: FirmUser | None, wanted: Wanted) -> Table:
    query = movements(who, wanted)
    if wanted.by == "month":
        return _by_month(query, wanted)
    return _by_entry(query) if wanted.by == "entry" else _by_group(query, wanted.by)


def _by_month(query: ModelSelect, wanted: Wanted) -> Table:
    month = fn.SUBSTR(JournalEntry.occurred_on.cast("text"), 1, 7).alias("month")
    rows = query.select(month, *_figures()).group_by(SQL("month")).tuples()
    found = {name: [sum_of(value) for value in figures] for name, *figures in rows}
    months = _months(found, wanted)
    lines = [_month(name, _cells(found.get(name, [0] * 4)), wanted) for name in months]
    points = tuple((_first(name), _cells(found.get(name, [0] * 4))[:2]) for name in months)
    chart = Chart("columns", "Received and given back, by month", ("Received", "Given back"), points)
    return Table(MONTHS, lines, totals_of(MONTHS, lines), chart, (NOTE,), "net")


def _months(found: dict[str, list[int]], wanted: Wanted) -> list[str]:
    """Every month from the first to the last, those in which nothing moved too."""
    if not found:
        return []
    first = f"{wanted.since:%Y-%m}" if wanted.since else min(found)
    last = max(f"{wanted.day:%Y-%m}", *found)
    at, names = _first(first), []
    while f"{at:%Y-%m}" <= last:
        names.append(f"{at:%Y-%m}")
        at = (at + dt.timedelta(days=32)).replace(day=1)
    return names


def _first(month: str) -> dt.date:
    return dt.date.fromisoformat(f"{month}-01")


def _month(name: str, cells: tuple[int, ...], wanted: Wanted) -> Row:
    first = _first(name)
    last = (first + dt.timedelta(days=32)).replace(day=1) - dt.timedelta(days=1)
    since = max(first, wanted.since) if wanted.since else first
    until = min(last, wanted.until) if wanted.until else last
    days = (("since", since.isoformat()), ("until", until.isoformat()))
    entries = Link(changes=(("by", "entry"), *days))
    return Row((first, *cells), Link(changes=(("by", "client"), *days)), {column.key: entries for column in FIGURES})


def _by_group(query: ModelSelect, by: str) -> Table:
    columns = (*grouping.BY[by].columns, *FIGURES)
    found = grouping.sums(query, by, *_figures())
    rows = [_group(by, key, _cells(figures)) for key, figures in found.items()]
    chart = bars("Received", "Received", [(grouping.name_of(by, key), row[0]) for key, row in found.items()])
    return Table(columns, rows, totals_of(columns, rows), chart, (NOTE,), "net")


def _group(by: str, key: grouping.Key, cells: tuple[int, ...]) -> Row:
    link = grouping.link(by, key, "entry")
    entries = None if key[0] is None else Link(changes=(("by", "entry"), (f"{by}_id", int(key[0]))))
    return Row((*grouping.label(by, key), *cells), link, {c.key: entries for c in FIGURES} if entries else {})


def _by_entry(query: ModelSelect) -> Table:
    about = (JournalEntry.id, JournalEntry.occurred_on, JournalEntry.description, Matter.number, Client.name)
    rows = [
        Row(
            (day, description, matter or grouping.NO_MATTER, client or "", *_cells([sum_of(value) for value in cents])),
            Link("entry", entry_id) if matter else None,
        )
        for entry_id, day, description, matter, client, *cents in query.select(*about, *_figures())
        .group_by(*about)
        .order_by(JournalEntry.occurred_on.desc(), JournalEntry.id.desc())
        .tuples()
    ]
    totals = totals_of(ENTRIES, rows)
    points = tuple((column.title, (int(str(cents)),)) for column, cents in zip(FIGURES, totals[4:], strict=True))
    return Table(ENTRIES, rows, totals, Chart("bars", "What moved", ("Sum",), points), (NOTE,), "net")


REPORT = Report(
    "cash", "Cash", "What came from clients, what went back to them, and what went through trust.",
    {"month": "Month", **grouping.GROUPS, "entry": "Journal entry"}, build, months=12,
)  # fmt: skip
