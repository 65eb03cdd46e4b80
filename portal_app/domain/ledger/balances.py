"""Balances: running totals that the database keeps, and that ``verify`` proves again from the postings."""

from __future__ import annotations

from collections.abc import Sequence

from peewee import fn

from portal_app.db import sum_of
from portal_app.domain import matters
from portal_app.domain.ledger.chart import RECEIVABLE
from portal_app.domain.ledger.models import AccountTotal, RunningTotal
from portal_app.domain.matters import Matter
from portal_app.domain.people import Client, FirmUser


def _total(*conditions: object) -> int:
    query = RunningTotal.select(fn.SUM(RunningTotal.balance_cents))
    return sum_of(query.where(*conditions).scalar())


def invoice_balance(invoice_id: int) -> int:
    """What is still owed on an invoice, in cents."""
    return _total(RunningTotal.invoice_id == invoice_id, RunningTotal.account_code == RECEIVABLE)


def matter_balances(found: Sequence[Matter]) -> dict[int, int]:
    """What is owed on each of these matters in cents, by its id; one query. Nothing owed is left out."""
    total = RunningTotal.select(RunningTotal.matter_id, fn.SUM(RunningTotal.balance_cents))
    is_one = RunningTotal.matter_id.in_([matter.id for matter in found]) & (RunningTotal.account_code == RECEIVABLE)
    return {row[0]: sum_of(row[1]) for row in total.where(is_one).group_by(RunningTotal.matter_id).tuples()}


def client_balances(who: FirmUser, clients: Sequence[Client]) -> dict[int, int]:
    """What each of these clients owes in cents on the matters that ``who`` may open, by their id; one query."""
    seen = matters.visible_to(who).where(Matter.client.in_([client.id for client in clients])).select(Matter.id)
    total = RunningTotal.select(Matter.client, fn.SUM(RunningTotal.balance_cents))
    owed = total.join(Matter, on=(Matter.id == RunningTotal.matter_id)).where(
        RunningTotal.matter_id.in_(seen) & (RunningTotal.account_code == RECEIVABLE)
    )
    return {row[0]: sum_of(row[1]) for row in owed.group_by(Matter.client).tuples()}


def account_balance(code: str) -> int:
    """What stands on an account, in cents: debit plus, credit minus."""
    query = AccountTotal.select(fn.SUM(AccountTotal.balance_cents)).where(AccountTotal.account_code == code)
    return sum_of(query.scalar())
