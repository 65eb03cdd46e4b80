"""What is held in trust, for each client-matter ledger; and that the trust accounts cover it."""

from __future__ import annotations

from typing import Any

from peewee import Case, ModelSelect, fn

from portal_app.db import sum_of
from portal_app.domain.ledger import Account, JournalEntry, Posting, RunningTotal
from portal_app.domain.matters import Matter
from portal_app.domain.people import FirmUser
from portal_app.domain.reports import grouping
from portal_app.domain.reports.definition import Column, Report, Row, Table, Wanted, bars, totals_of

MINE = "The firm’s own"
HELD = Column("held", "Held in trust", "money")
LEDGERS = (Column("account", "Account"), Column("account_name", "Its name"), *grouping.BY["matter"].columns, HELD)


def ledgers() -> list[Account]:
    """The accounts on which trust money is owed to clients, and the firm's own money there."""
    is_ledger = (Account.fund == "trust") & (Account.kind == "liability")
    return list(Account.select().where(is_ledger).order_by(Account.code))


def _balances(kind: str, wanted: Wanted) -> tuple[ModelSelect, Any, Any]:
    """Trust accounts of this kind with what stands on them; the account's column, and the one with the cents."""
    if wanted.until is None:
        on = RunningTotal.account_code == Account.code
        query = RunningTotal.select().join_from(RunningTotal, Account, on=on)
        found, matter = (query, RunningTotal.account_code, RunningTotal.balance_cents), RunningTotal.matter_id
    else:
        query = Posting.select().join_from(Posting, Account).join_from(Posting, JournalEntry)
        query = query.where(JournalEntry.occurred_on <= wanted.until)
        found, matter = (query, Posting.account, Posting.amount_cents), Posting.matter
    query = grouping.joined(found[0], matter).where((Account.fund == "trust") & (Account.kind == kind))
    return query, found[1], found[2]


def build(who: FirmUser | None, wanted: Wanted) -> Table:
    return _by_ledger(who, wanted) if wanted.by == "ledger" else _by_group(who, wanted)


def _by_ledger(who: FirmUser | None, wanted: Wanted) -> Table:
    """One row for each account and matter."""
    query, _, cents = _balances("liability", wanted)
    about: tuple[Any, ...] = (Account.code, Account.name, *grouping.BY["matter"].fields)
    held = fn.SUM(0 - cents)
    found = grouping.narrow(query, who, wanted).select(*about, held).group_by(*about).having(held != 0)
    rows = []
    for code, name, *key, balance in found.order_by(Account.code, Matter.number).tuples():
        first = tuple(key[1:]) if key[0] else (MINE, "", "")
        rows.append(Row((code, name, *first, sum_of(balance)), grouping.link("matter", tuple(key), "")))
    chart = bars("Held in trust", "Held", [(str(row.values[3] or MINE), int(str(row.values[-1]))) for row in rows])
    return Table(LEDGERS, rows, totals_of(LEDGERS, rows), chart, _notes(who, wanted, rows))


def _by_group(who: FirmUser | None, wanted: Wanted) -> Table:
    query, account, cents = _balances("liability", wanted)
    parts = ledgers()
    figures = [fn.SUM(Case(None, [(account == part.code, 0 - cents)], 0)) for part in parts]
    found = grouping.sums(grouping.narrow(query, who, wanted), wanted.by, *figures, fn.SUM(0 - cents))
    found = {key: values for key, values in found.items() if any(values)}
    columns = (
        *grouping.BY[wanted.by].columns,
        *(Column(part.code, part.name, "money") for part in parts if len(parts) > 1),
        HELD,
    )
    rows = [_row(wanted.by, key, values if len(parts) > 1 else values[-1:]) for key, values in found.items()]
    chart = bars("Held in trust", "Held", [(grouping.name_of(wanted.by, key), row[-1]) for key, row in found.items()])
    return Table(columns, rows, totals_of(columns, rows), chart, _notes(who, wanted, rows))


def _row(by: str, key: grouping.Key, values: list[int]) -> Row:
    first: grouping.Key = grouping.label(by, key) if key[0] is not None else (MINE, *[""] * (len(key) - 2))
    return Row((*first, *values), grouping.link(by, key, "matter"))


def _notes(who: FirmUser | None, wanted: Wanted, rows: list[Row]) -> tuple[str, ...]:
    """Whether the trust accounts hold what the ledgers say: for those who see all of it."""
    sees_all = who is None or who.has_role("administrator")
    if not rows or not sees_all or wanted.client_id or wanted.attorney_id or wanted.matter_id:
        return ()
    query, _, cents = _balances("asset", wanted)
    there = sum_of(query.select(fn.SUM(cents)).scalar())
    held = sum(int(str(row.values[-1])) for row in rows)
    if there == held:
        return ("The trust bank accounts, with what is on its way there, hold exactly this sum.",)
    return ("The trust bank accounts do not hold this sum. Run portal verify at once.",)


GROUPS = {"matter": "Matter", "client": "Client", "attorney": "Responsible attorney", "ledger": "Account and matter"}
REPORT = Report("trust", "Trust balances", "What the firm holds in trust, for whom.", GROUPS, build, has_period=False)
