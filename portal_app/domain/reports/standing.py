"""How the firm stands with each client, and what each attorney's matters bring: billed, received, owed, unbilled, and
held in trust."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from peewee import ModelSelect, fn

from portal_app.domain.ledger import RECEIVABLE, REFUNDS, Account, Posting, RunningTotal
from portal_app.domain.people import FirmUser
from portal_app.domain.reports import cash, grouping, unbilled
from portal_app.domain.reports.definition import Chart, Column, Report, Row, Table, Wanted, bars, totals_of
from portal_app.domain.timekeeping import WorkItem

FIGURES = (
    Column("billed", "Billed", "money"), Column("received", "Received", "money"), Column("owed", "Owed now", "money"),
    Column("unbilled", "Unbilled now", "money"), Column("trust", "In trust now", "money"),
)  # fmt: skip
NOTE = "Billed and received are of the period; what was voided, credited and given back is taken off."


def build(who: FirmUser | None, wanted: Wanted) -> Table:
    now = replace(wanted, since=None, until=None)
    parts: tuple[Callable[[], dict[grouping.Key, list[int]]], ...] = (
        lambda: grouping.sums(_income(who, wanted), wanted.by, fn.SUM(0 - Posting.amount_cents)),
        lambda: grouping.sums(_received(who, wanted), wanted.by, fn.SUM(0 - Posting.amount_cents)),
        lambda: grouping.sums(_kept(who, now, is_trust=False), wanted.by, fn.SUM(RunningTotal.balance_cents)),
        lambda: grouping.sums(unbilled.work(who, now), wanted.by, fn.SUM(WorkItem.amount_cents)),
        lambda: grouping.sums(_kept(who, now, is_trust=True), wanted.by, fn.SUM(0 - RunningTotal.balance_cents)),
    )
    found: dict[grouping.Key, list[int]] = {}
    for at, part in enumerate(parts):
        for key, (cents,) in part().items():
            found.setdefault(key, [0] * len(parts))[at] = cents
    order = sorted((key for key in found if any(found[key])), key=lambda key: (key[0] is None, str(key[1]), key))
    columns = (*grouping.BY[wanted.by].columns, *FIGURES)
    rows = [
        Row((*grouping.label(wanted.by, key), *found[key]), grouping.link(wanted.by, key, "matter")) for key in order
    ]
    return Table(columns, rows, totals_of(columns, rows), _chart(wanted.by, found), (NOTE,), "received")


def _chart(by: str, found: dict[grouping.Key, list[int]]) -> Chart:
    return bars("Received", "Received", [(grouping.name_of(by, key), cells[1]) for key, cells in found.items()])


def _income(who: FirmUser | None, wanted: Wanted) -> ModelSelect:
    """What was billed: income of matters, without fees that were given up after they were paid."""
    is_income = (Account.kind == "income") & (Account.code != REFUNDS) & Posting.matter.is_null(False)
    query = grouping.booked(wanted).where(is_income)
    return grouping.narrow(grouping.joined(query, Posting.matter), who, wanted)


def _received(who: FirmUser | None, wanted: Wanted) -> ModelSelect:
    return cash.movements(who, wanted).where((Account.fund == "operating") & Posting.matter.is_null(False))


def _kept(who: FirmUser | None, wanted: Wanted, *, is_trust: bool) -> ModelSelect:
    query = RunningTotal.select().join_from(RunningTotal, Account, on=(RunningTotal.account_code == Account.code))
    of_trust = (Account.fund == "trust") & (Account.kind == "liability") & (RunningTotal.matter_id != 0)
    query = query.where(of_trust if is_trust else (Account.code == RECEIVABLE))
    return grouping.narrow(grouping.joined(query, RunningTotal.matter_id), who, wanted)


REPORT = Report(
    "standing", "By attorney and client", "Billed, received, owed, unbilled and held in trust, side by side.",
    {"attorney": "Responsible attorney", "client": "Client", "matter": "Matter"}, build,
    months=12,
)  # fmt: skip
