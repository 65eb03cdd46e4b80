"""Closed reconciliations, found again: the last one of an account, what it covers, what is due."""

from __future__ import annotations

import calendar
import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from peewee import JOIN, ModelSelect, fn

from portal_app.db import date_of
from portal_app.domain.payments import BankAccount
from portal_app.domain.people import FirmUser
from portal_app.domain.reconciliations.models import (
    BankMatchLine,
    Reconciliation,
    ReconciliationReopening,
    ReconciliationReport,
    ReconciliationSignature,
)
from portal_app.domain.reconciliations.rules import rules
from portal_app.domain.statements import BankStatement, StatementLine
from portal_app.domain.trust import TrustBook, TrustDay, TrustPolicy

Closer = FirmUser.alias()


@dataclass(frozen=True, slots=True)
class Covered:
    """What the last closed reconciliation of a trust account proves, in cents: on ``day`` the bank, the books and the
    sum of the clients' ledgers (with the firm's own float) were one."""

    day: dt.date
    bank_cents: int
    book_cents: int
    clients_cents: int
    float_cents: int
    reconciliation_id: int


@dataclass(frozen=True, slots=True)
class Due:
    """The next reconciliation of an account: to the end of which day, by when. ``is_late``: that is over."""

    account: BankAccount
    ends_on: dt.date
    due_on: dt.date
    is_late: bool


def standing(*conditions: object) -> ModelSelect:
    """Reconciliations that are closed and have not been reopened."""
    query = Reconciliation.select(Reconciliation).join(
        ReconciliationReopening, JOIN.LEFT_OUTER, on=(ReconciliationReopening.reconciliation == Reconciliation.id)
    )
    return query.where(ReconciliationReopening.reconciliation.is_null(), *conditions)


def last_of(account: BankAccount) -> Reconciliation | None:
    """The last closed reconciliation of an account that stands."""
    mine = standing(Reconciliation.bank_account == account.id)
    found: Reconciliation | None = mine.order_by(Reconciliation.ends_on.desc()).first()
    return found


def locked_until(account: BankAccount) -> dt.date | None:
    """The last day that is closed; ``None`` when none is."""
    last = last_of(account)
    return last.ends_on if last else None


def first_open_day(bank_account_id: int, day: dt.date) -> dt.date:
    """``day``, or the day after the last closed one when that is later: where a correction may be dated."""
    query = standing(Reconciliation.bank_account == bank_account_id).select(fn.MAX(Reconciliation.ends_on))
    last = query.scalar()
    if last is None:
        return day
    return max(day, date_of(last) + dt.timedelta(days=1))


def last_covered(account: BankAccount) -> Covered | None:
    """Until when, and over how much, the account is proved to hold what it owes; ``None`` before the first closing."""
    last = last_of(account)
    if last is None:
        return None
    return Covered(
        last.ends_on, last.adjusted_cents, last.book_cents, last.clients_cents, last.float_cents, last.id
    )  # fmt: skip


def _with_people() -> ModelSelect:
    query = Reconciliation.select(
        Reconciliation, BankAccount, BankStatement, FirmUser, Closer, ReconciliationReport, ReconciliationReopening
    )
    prepared_on, closed_on = Reconciliation.prepared_by == FirmUser.id, Reconciliation.closed_by == Closer.id
    report_on = ReconciliationReport.reconciliation == Reconciliation.id
    reopened_on = ReconciliationReopening.reconciliation == Reconciliation.id
    return (
        query.join_from(Reconciliation, BankAccount)
        .join_from(Reconciliation, BankStatement)
        .join_from(Reconciliation, FirmUser, JOIN.LEFT_OUTER, on=prepared_on, attr="preparer")
        .join_from(Reconciliation, Closer, JOIN.LEFT_OUTER, on=closed_on, attr="closer")
        .join_from(Reconciliation, ReconciliationReport, JOIN.LEFT_OUTER, on=report_on, attr="report")
        .join_from(Reconciliation, ReconciliationReopening, JOIN.LEFT_OUTER, on=reopened_on, attr="reopening")
    )


def find(reconciliation_id: int) -> Reconciliation:
    """A closed reconciliation with its account, ``preparer``, ``closer``, ``report`` and ``reopening`` (each ``None``
    when missing)."""
    return _tidied([_with_people().where(Reconciliation.id == reconciliation_id).get()])[0]


def of_account(account: BankAccount, *, limit: int = 60) -> list[Reconciliation]:
    """Every closing of an account, the newest first, reopened ones too."""
    query = _with_people().where(Reconciliation.bank_account == account.id)
    return _tidied(list(query.order_by(Reconciliation.ends_on.desc(), Reconciliation.id.desc()).limit(limit)))


def _tidied(rows: Sequence[Reconciliation]) -> list[Reconciliation]:
    for row in rows:
        for name in ("preparer", "closer", "report", "reopening"):
            setattr(row, name, getattr(row, name, None))
    return list(rows)


def replaced_by(closed: Reconciliation) -> Reconciliation | None:
    """The closing of the same account that was opened again before this one, over the same days."""
    mine = (Reconciliation.bank_account == closed.bank_account_id) & (Reconciliation.starts_on <= closed.ends_on)
    is_before = (Reconciliation.id < closed.id) & (Reconciliation.ends_on >= closed.starts_on)
    query = _with_people().where(mine & is_before & ReconciliationReopening.reconciliation.is_null(False))
    return next(iter(_tidied(list(query.order_by(Reconciliation.id.desc()).limit(1)))), None)


def signatures(statement: BankStatement) -> list[ReconciliationSignature]:
    """Who has prepared the reconciliation to the end of a statement, the newest first."""
    query = ReconciliationSignature.select(ReconciliationSignature, FirmUser).join(FirmUser, JOIN.LEFT_OUTER)
    return list(
        query.where(ReconciliationSignature.statement == statement.id).order_by(ReconciliationSignature.id.desc())
    )


# What is due


def month_end(day: dt.date, months: int = 0) -> dt.date:
    """The last day of the month that is ``months`` after that of ``day``."""
    at = day.year * 12 + day.month - 1 + months
    year, month = divmod(at, 12)
    return dt.date(year, month + 1, calendar.monthrange(year, month + 1)[1])


def due_of(account: BankAccount, today: dt.date) -> Due | None:
    """When the account's next reconciliation is due; ``None`` while nothing is on its books, and for an operating
    account that was never reconciled: no rule asks for that."""
    return next((row for row in due(today) if row.account.id == account.id), None)


def due(today: dt.date) -> list[Due]:
    """What is due of the firm's bank accounts, by its day; one query."""
    last = standing(Reconciliation.bank_account == BankAccount.id).select(fn.MAX(Reconciliation.ends_on))
    books = TrustDay.select(fn.MIN(TrustDay.day)).join(TrustBook, on=(TrustBook.account == TrustDay.account_code))
    first = books.where(TrustBook.bank_account == BankAccount.id)
    policy = TrustPolicy.select(TrustPolicy.pack).order_by(TrustPolicy.id.desc()).limit(1)
    query = BankAccount.select(BankAccount, last.alias("last"), first.alias("first"), policy.alias("pack")).objects()
    rows = [_due(row, today) for row in query]
    return sorted((row for row in rows if row is not None), key=lambda row: (row.due_on, row.account.id))


def _due(row: Any, today: dt.date) -> Due | None:
    if row.last is not None:
        begins = date_of(row.last) + dt.timedelta(days=1)
    elif row.fund == "trust" and row.first is not None:
        begins = date_of(row.first)
    else:
        return None
    found = rules(row.pack)
    ends_on = month_end(begins, found.months - 1)
    due_on = ends_on + dt.timedelta(days=found.within_days)
    return Due(row, ends_on, due_on, today > due_on)


def last_ones() -> dict[int, Reconciliation]:
    """The last closed reconciliation that stands, by account."""
    return {row.bank_account_id: row for row in standing().order_by(Reconciliation.ends_on)}


@dataclass(frozen=True, slots=True)
class Overview:
    """Where an account stands: its last closing, what is due, how many lines of the bank nobody has accounted for,
    and its newest imported statement."""

    account: BankAccount
    last: Reconciliation | None
    due: Due | None
    open_lines: int
    statement: BankStatement | None


def overview(accounts: Sequence[BankAccount], today: dt.date) -> list[Overview]:
    """Where each account stands."""
    lines, newest, lasts = open_counts(), _newest_statements(), last_ones()
    dues = {row.account.id: row for row in due(today)}
    return [
        Overview(row, lasts.get(row.id), dues.get(row.id), lines.get(row.id, 0), newest.get(row.id))
        for row in accounts
    ]  # fmt: skip


def _newest_statements() -> dict[int, BankStatement]:
    rows = BankStatement.select().where(BankStatement.imported_at.is_null(False)).order_by(BankStatement.ends_on)
    return {row.bank_account_id: row for row in rows}


def open_counts() -> dict[int, int]:
    """How many lines of the bank nobody has accounted for, by account."""
    query = StatementLine.select(StatementLine.bank_account, fn.COUNT(StatementLine.id)).join(
        BankMatchLine, JOIN.LEFT_OUTER, on=(BankMatchLine.line == StatementLine.id)
    )
    loose = query.where(BankMatchLine.line.is_null() & (StatementLine.explanation == ""))
    return {account: int(count) for account, count in loose.group_by(StatementLine.bank_account).tuples()}


def covering(statement: BankStatement) -> Reconciliation:
    """The closing in which a statement's last day is; the database's own "does not exist" when it is open."""
    mine = (Reconciliation.bank_account == statement.bank_account_id) & (Reconciliation.ends_on >= statement.ends_on)
    return standing(mine).order_by(Reconciliation.ends_on).get()
