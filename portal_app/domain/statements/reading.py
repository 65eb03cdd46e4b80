"""Statements and their lines, found again."""

from __future__ import annotations

import datetime as dt

from peewee import JOIN, fn

from portal_app.db import sum_of
from portal_app.domain.payments import BankAccount
from portal_app.domain.people import FirmUser
from portal_app.domain.statements.models import BankStatement, StatementLine


def account(bank_account_id: int) -> BankAccount:
    return BankAccount.get_by_id(bank_account_id)


def find(statement_id: int) -> BankStatement:
    """A statement with its account and who brought it."""
    query = BankStatement.select(BankStatement, BankAccount, FirmUser)
    query = query.join_from(BankStatement, BankAccount).join_from(
        BankStatement, FirmUser, JOIN.LEFT_OUTER, on=(BankStatement.uploaded_by == FirmUser.id)
    )
    return query.where(BankStatement.id == statement_id).get()


def of_account(found: BankAccount) -> list[BankStatement]:
    """An account's statements, the newest first; files not imported yet come before all."""
    query = BankStatement.select().where(BankStatement.bank_account == found.id)
    order = (BankStatement.imported_at.is_null(False), BankStatement.ends_on.desc(), BankStatement.id.desc())
    return list(query.order_by(*order))


def lines_of(statement: BankStatement) -> list[StatementLine]:
    """What a statement brought, in order."""
    query = StatementLine.select().where(StatementLine.statement == statement.id)
    return list(query.order_by(StatementLine.booked_on, StatementLine.position))


def find_line(line_id: int) -> StatementLine:
    """A line with its account and statement."""
    query = StatementLine.select(StatementLine, BankAccount, BankStatement)
    query = query.join_from(StatementLine, BankAccount).join_from(StatementLine, BankStatement)
    return query.where(StatementLine.id == line_id).get()


def balance_on(bank_account_id: int, day: dt.date | None = None) -> int:
    """What the bank says was on the account at the end of ``day`` (none: at the end of all lines), in cents."""
    query = StatementLine.select(fn.SUM(StatementLine.amount_cents)).where(
        StatementLine.bank_account == bank_account_id
    )
    return sum_of((query.where(StatementLine.booked_on <= day) if day else query).scalar())
