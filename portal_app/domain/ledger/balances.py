"""Balances: running totals that the database keeps, and that ``verify`` proves again from the postings."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from peewee import ModelSelect, fn

from portal_app.db import sum_of
from portal_app.domain import matters
from portal_app.domain.ledger.chart import RECEIVABLE
from portal_app.domain.ledger.models import AccountTotal, RunningTotal
from portal_app.domain.matters import Listed, Matter
from portal_app.domain.people import Client, FirmUser
from portal_app.domain.readers import prepared_for_ids_as
from portal_app.prepared import prepared_of_ids_as


def _total(*conditions: object) -> int:
    query = RunningTotal.select(fn.SUM(RunningTotal.balance_cents))
    return sum_of(query.where(*conditions).scalar())


def invoice_balance(invoice_id: int) -> int:
    """What is still owed on an invoice, in cents."""
    return _total(RunningTotal.invoice_id == invoice_id, RunningTotal.account_code == RECEIVABLE)


def matter_balances(found: Sequence[Matter | Listed]) -> dict[int, int]:
    """What is owed on each of these matters in cents, by its id; one query. Nothing owed is left out."""
    return {row.of: sum_of(row.cents) for row in _owed_on([matter.id for matter in found])}


class _Sum(NamedTuple):
    of: int
    cents: Any


@prepared_of_ids_as(_Sum)
def _owed_on(ids: Any) -> ModelSelect:
    total = RunningTotal.select(RunningTotal.matter_id, fn.SUM(RunningTotal.balance_cents))
    is_one = RunningTotal.matter_id.in_(ids) & (RunningTotal.account_code == RECEIVABLE)
    return total.where(is_one).group_by(RunningTotal.matter_id)


def client_balances(who: FirmUser, clients: Sequence[Client]) -> dict[int, int]:
    """What each of these clients owes in cents on the matters that ``who`` may open, by their id; one query."""
    return {row.of: sum_of(row.cents) for row in _owed_by(who, [client.id for client in clients])}


@prepared_for_ids_as(_Sum)
def _owed_by(who: Any, ids: Any) -> ModelSelect:
    seen = matters.visible_to(who).where(Matter.client.in_(ids)).select(Matter.id)
    total = RunningTotal.select(Matter.client, fn.SUM(RunningTotal.balance_cents))
    owed = total.join(Matter, on=(Matter.id == RunningTotal.matter_id)).where(
        RunningTotal.matter_id.in_(seen) & (RunningTotal.account_code == RECEIVABLE)
    )
    return owed.group_by(Matter.client)


def account_balance(code: str) -> int:
    """What stands on an account, in cents: debit plus, credit minus."""
    query = AccountTotal.select(fn.SUM(AccountTotal.balance_cents)).where(AccountTotal.account_code == code)
    return sum_of(query.scalar())
