"""What is held in trust, for each client-matter ledger; and that the trust accounts cover it."""

from __future__ import annotations

from typing import Any

from peewee import Case, ModelSelect, fn

from portal_app.db import sum_of
from portal_app.domain.ledger import Account, AccountTotal, JournalEntry, Posting, RunningTotal
from portal_app.domain.matters import Matter
from portal_app.domain.people import FirmUser
from portal_app.domain.reports import grouping
from portal_app.domain.reports.definition import Column, Link, Report, Row, Table, Wanted, bars, totals_of

MINE = "The firm’s own"
HELD = Column("held", "Held in trust", "money")
LEDGERS = (
    Column("account", "Account", "code"),
    Column("account_name", "Its name"),
    *grouping.BY["matter"].columns,
    HELD,
)
Totals = dict[str, tuple[Account, int]]


def totals(wanted: Wanted) -> Totals:
    """What stands on every account of trust money, in cents, debit plus, with the account, by its code."""
    is_trust = Account.fund == "trust"
    if wanted.until is None:
        cents = fn.SUM(AccountTotal.balance_cents)
        query = AccountTotal.select(AccountTotal.account_code, cents).group_by(AccountTotal.account_code)
        query = query.join(Account, on=(AccountTotal.account_code == Account.code)).where(is_trust)
    else:
        query = Posting.select(Posting.account, fn.SUM(Posting.amount_cents)).group_by(Posting.account)
        query = query.join_from(Posting, Account).join_from(Posting, JournalEntry)
        query = query.where(is_trust & (JournalEntry.occurred_on <= wanted.until))
    found = {code: sum_of(cents) for code, cents in query.tuples()}
    chart = Account.select().where(is_trust).order_by(Account.code)
    return {row.code: (row, found.get(row.code, 0)) for row in chart}


def ledgers(wanted: Wanted) -> tuple[ModelSelect, Any, Any]:
    """What is owed to clients out of trust, by matter; the column with the account, and the one with the cents."""
    is_ledger = (Account.fund == "trust") & (Account.kind == "liability")
    if wanted.until is None:
        on = RunningTotal.account_code == Account.code
        query = RunningTotal.select().join_from(RunningTotal, Account, on=on)
        query = grouping.joined(query, RunningTotal.matter_id)
        return query.where(is_ledger), RunningTotal.account_code, RunningTotal.balance_cents
    query = Posting.select().join_from(Posting, Account).join_from(Posting, JournalEntry)
    query = query.where(is_ledger & Posting.matter.is_null(False) & (JournalEntry.occurred_on <= wanted.until))
    return grouping.joined(query, Posting.matter), Posting.account, Posting.amount_cents


def build(who: FirmUser | None, wanted: Wanted) -> Table:
    return (_by_ledger if wanted.by == "ledger" else _by_group)(who, wanted, totals(wanted))


def _own(wanted: Wanted, all_of_it: Totals) -> list[tuple[Account, int]]:
    """The firm's own money in trust accounts, where nobody's alone is asked for."""
    asked = wanted.client_id or wanted.attorney_id or wanted.matter_id
    rows = [] if asked else [(row, -cents) for row, cents in all_of_it.values() if row.code.startswith("float:")]
    return [(row, cents) for row, cents in rows if cents]


def _by_ledger(who: FirmUser | None, wanted: Wanted, all_of_it: Totals) -> Table:
    """One row for each account and matter."""
    query, _, cents = ledgers(wanted)
    about: tuple[Any, ...] = (Account.code, Account.name, *grouping.BY["matter"].fields)
    held = fn.SUM(0 - cents)
    found = grouping.narrow(query, who, wanted).select(*about, held).group_by(*about).having(held != 0)
    rows = [
        Row((code, name, *key[1:], sum_of(balance)), Link("trust", key[0]))
        for code, name, *key, balance in found.order_by(Account.code, Matter.number).tuples()
    ]
    rows += [Row((row.code, row.name, MINE, "", "", cents)) for row, cents in _own(wanted, all_of_it)]
    return _table(who, wanted, all_of_it, LEDGERS, rows, 3)


def _by_group(who: FirmUser | None, wanted: Wanted, all_of_it: Totals) -> Table:
    query, account, cents = ledgers(wanted)
    parts = [row for row, _ in all_of_it.values() if row.kind == "liability" and row.code.startswith("trust:")]
    parts = parts if len(parts) > 1 else []
    figures = [fn.SUM(Case(None, [(account == part.code, 0 - cents)], 0)) for part in parts]
    found = grouping.sums(grouping.narrow(query, who, wanted), wanted.by, *figures, fn.SUM(0 - cents))
    first = grouping.BY[wanted.by].columns
    columns = (*first, *(Column(part.code, part.name, "money") for part in parts), HELD)
    rows = [
        Row((*grouping.label(wanted.by, key), *values), _link(wanted.by, key))
        for key, values in found.items()
        if any(values)
    ]
    own = sum(cents for _, cents in _own(wanted, all_of_it))
    if own:
        rows.append(Row((MINE, *[""] * (len(first) - 1), *[0] * len(parts), own)))
    return _table(who, wanted, all_of_it, columns, rows, 1 if wanted.by == "matter" else 0)


def _link(by: str, key: grouping.Key) -> Link | None:
    """From a matter to its trust ledger."""
    return Link("trust", key[0]) if by == "matter" else grouping.link(by, key, "matter")


def _table(
    who: FirmUser | None, wanted: Wanted, all_of_it: Totals, columns: tuple[Column, ...], rows: list[Row], name: int
) -> Table:
    chart = bars("Held in trust", "Held", [(str(row.values[name] or MINE), int(str(row.values[-1]))) for row in rows])
    return Table(columns, rows, totals_of(columns, rows), chart, _notes(who, wanted, all_of_it, rows))


def _notes(who: FirmUser | None, wanted: Wanted, all_of_it: Totals, rows: list[Row]) -> tuple[str, ...]:
    """Whether the trust accounts hold what the ledgers say: for those who see all of it."""
    sees_all = who is None or who.has_role("administrator")
    if not rows or not sees_all or wanted.client_id or wanted.attorney_id or wanted.matter_id:
        return ()
    there = sum(cents for row, cents in all_of_it.values() if row.kind == "asset")
    if there == sum(int(str(row.values[-1])) for row in rows):
        return ("The trust bank accounts, with what is on its way there, hold exactly this sum.",)
    return ("The trust bank accounts do not hold this sum. Run portal verify at once.",)


GROUPS = {"matter": "Matter", "client": "Client", "attorney": "Responsible attorney", "ledger": "Account and matter"}
REPORT = Report("trust", "Trust balances", "What the firm holds in trust, for whom.", GROUPS, build, has_period=False)
