"""What is in a client's ledger, and how much of it may be drawn. Cents; above zero is the client's."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Any

from peewee import JOIN, SQL, Case, ModelSelect, fn

from portal_app.db import sum_of
from portal_app.domain import ledger
from portal_app.domain.banks import BankAccount
from portal_app.domain.matters import Matter
from portal_app.domain.trust.models import TrustBook, TrustClearing, TrustDay, TrustHold, TrustIncident, TrustMovement
from portal_app.prepared import prepared

_END = dt.date.max  # after every day that anything is booked on


@dataclass(frozen=True, slots=True)
class Standing:
    """A client-matter ledger at one trust bank account. ``available``: cleared and not held."""

    bank_account: BankAccount
    balance_cents: int
    uncleared_cents: int
    held_cents: int
    short_cents: int
    is_stopped: bool

    @property
    def cleared_cents(self) -> int:
        return self.balance_cents - self.uncleared_cents

    @property
    def available_cents(self) -> int:
        return 0 if self.is_stopped else max(self.cleared_cents - self.held_cents, 0)


def balance_on(code: str, matter_id: int, day: dt.date | None = None) -> int:
    """What an account came to at the end of ``day`` (now, without one), debit plus; ``matter_id`` 0 for none."""
    found = _last_day.first(code, matter_id, day or _END)
    return int(found.balance_cents) if found is not None else 0


@prepared
def _last_day(code: Any, matter_id: Any, day: Any) -> ModelSelect:
    query = TrustDay.select(TrustDay.day, TrustDay.balance_cents).where(_is_ledger(code, matter_id))
    return query.where(TrustDay.day <= day).order_by(TrustDay.day.desc()).limit(1)


@prepared
def _later(code: Any, matter_id: Any, day: Any) -> ModelSelect:
    most, least = fn.MAX(TrustDay.balance_cents).alias("most"), fn.MIN(TrustDay.balance_cents).alias("least")
    return TrustDay.select(most, least).where(_is_ledger(code, matter_id) & (TrustDay.day > day)).objects()


@prepared
def _later_days(code: Any, matter_id: Any, day: Any) -> ModelSelect:
    return TrustDay.select(TrustDay.day).where(_is_ledger(code, matter_id) & (TrustDay.day > day))


def _is_ledger(code: Any, matter_id: Any) -> Any:
    return (TrustDay.account_code == code) & (TrustDay.matter_id == matter_id)


def lowest_from(code: str, matter_id: int, day: dt.date) -> int:
    """The least that a ledger holds on ``day`` and on any later day in the books: what may leave it then (T02)."""
    now, worst = balance_on(code, matter_id, day), _later.one(code, matter_id, day).most
    return -max(now, now if worst is None else int(worst))


def balance(matter: Matter, account: BankAccount, on: dt.date | None = None) -> int:
    """What a matter has in a trust account, at the end of ``on`` or now."""
    return -balance_on(ledger.client_money(account.id), matter.id, on)


def uncleared(matter: Matter, account: BankAccount, on: dt.date) -> int:
    """How much of it had come by ``on`` and was not collected by the bank yet (T09)."""
    return sum_of(_waiting.one(matter.id, account.id, on).waits)


@prepared
def _waiting(matter_id: Any, account_id: Any, on: Any) -> ModelSelect:
    return _uncleared(matter_id, account_id, on).objects()


def _uncleared(matter_id: Any, account_id: Any, on: Any) -> ModelSelect:
    back = TrustMovement.alias()
    signed = Case(back.kind, [("dispute_won", 0 - back.amount_cents)], back.amount_cents)
    by_then = (back.of == TrustMovement.id) & (back.occurred_on <= on)
    taken = back.select(fn.COALESCE(fn.SUM(signed), 0)).where(by_then)
    left = fn.COALESCE(fn.SUM(TrustMovement.amount_cents - taken), 0)
    return TrustMovement.select(left.alias("waits")).where(
        (TrustMovement.kind == "receipt")
        & (TrustMovement.matter == matter_id)
        & (TrustMovement.bank_account == account_id)
        & (TrustMovement.occurred_on <= on)
        & (TrustMovement.clears_on > on)
        & ~is_settled(on)
    )


def is_settled(on: Any) -> Any:
    """A condition on movements: somebody has noted that the bank had collected it by ``on``."""
    noted = (TrustClearing.movement == TrustMovement.id) & (TrustClearing.cleared_on <= on)
    return fn.EXISTS(TrustClearing.select(SQL("1")).where(noted))


def held(matter: Matter, account: BankAccount) -> int:
    """How much of it is disputed and may not be drawn (T19)."""
    return sum_of(_held.one(matter.id, account.id).cents)


@prepared
def _held(matter_id: Any, account_id: Any) -> ModelSelect:
    is_open = (TrustHold.matter == matter_id) & (TrustHold.bank_account == account_id) & TrustHold.released_at.is_null()
    return TrustHold.select(fn.SUM(TrustHold.amount_cents).alias("cents")).where(is_open).objects()


def cleared_balance(matter: Matter, account: BankAccount, on: dt.date) -> int:
    """What of a matter's money in a trust account is collected on ``on``; below zero when it is short."""
    return balance(matter, account, on) - uncleared(matter, account, on)


def lowest_cleared(matter: Matter, account: BankAccount, on: dt.date) -> int:
    """The least that is collected on ``on`` and on any later day in the books: what may be spent then (T09)."""
    later = _later_days(ledger.client_money(account.id), matter.id, on)
    return min(cleared_balance(matter, account, day) for day in (on, *(row.day for row in later)))


def available(matter: Matter, account: BankAccount, on: dt.date) -> int:
    """What may be drawn on ``on``: there and collected on every day from then on, and not held; nothing while it is
    short."""
    if open_incident(matter, account) is not None:
        return 0
    lowest = min(lowest_from(ledger.client_money(account.id), matter.id, on), lowest_cleared(matter, account, on))
    return max(min(lowest, not_held(matter, account, on)), 0)


def not_held(matter: Matter, account: BankAccount, on: dt.date) -> int:
    """What is collected after all that is in the books, and not held."""
    last = _last_day.first(ledger.client_money(account.id), matter.id, _END)
    latest = on if last is None else max(on, last.day)
    return cleared_balance(matter, account, latest) - held(matter, account)


def open_incident(matter: Matter, account: BankAccount) -> TrustIncident | None:
    """The shortfall of a ledger that the firm has not replenished yet (T10)."""
    found: TrustIncident | None = _open_incident.first(matter.id, account.id)
    return found


@prepared
def _open_incident(matter_id: Any, account_id: Any) -> ModelSelect:
    is_it = (TrustIncident.matter == matter_id) & (TrustIncident.bank_account == account_id)
    return TrustIncident.select().where(is_it & TrustIncident.closed_at.is_null()).limit(1)


def accounts_of(matter: Matter) -> list[BankAccount]:
    """The trust accounts in which a matter has, or had, money; by name."""
    code = TrustBook.account.in_(
        TrustDay.select(TrustDay.account_code).where(TrustDay.matter_id == matter.id).distinct()
    )
    query = BankAccount.select().join(TrustBook, on=(TrustBook.bank_account == BankAccount.id))
    return list(query.where(code & (TrustBook.part == "ledger")).order_by(BankAccount.name))


def standings(matter: Matter, on: dt.date) -> list[Standing]:
    """Where a matter stands at the end of ``on`` in each of the firm's trust accounts, by name; one query."""
    return [_standing(row) for row in _standings(matter.id, on)]


@prepared
def _standings(matter_id: Any, on: Any) -> ModelSelect:
    here = BankAccount.id
    there = TrustDay.select(TrustDay.balance_cents).where(_is_ledger(TrustBook.account, matter_id))
    held_here = TrustHold.select(fn.COALESCE(fn.SUM(TrustHold.amount_cents), 0)).where(
        (TrustHold.matter == matter_id) & (TrustHold.bank_account == here) & TrustHold.released_at.is_null()
    )
    short = TrustIncident.select(fn.COUNT(TrustIncident.id)).where(
        (TrustIncident.matter == matter_id) & (TrustIncident.bank_account == here) & TrustIncident.closed_at.is_null()
    )
    last = there.where(TrustDay.day <= on).order_by(TrustDay.day.desc()).limit(1)
    is_ledger = (TrustBook.bank_account == here) & (TrustBook.part == "ledger")
    query = BankAccount.select(
        BankAccount, fn.COALESCE(last, 0).alias("there"), _uncleared(matter_id, here, on).alias("waits"),
        held_here.alias("is_held"), short.alias("is_short"),
    ).join(TrustBook, JOIN.LEFT_OUTER, on=is_ledger).where(BankAccount.fund == "trust")  # fmt: skip
    return query.order_by(BankAccount.name, BankAccount.id).objects()


def _standing(row: Any) -> Standing:
    cents = -sum_of(row.there)
    short = max(-cents, 0) if row.is_short else 0
    return Standing(row, cents, sum_of(row.waits), sum_of(row.is_held), short, bool(row.is_short))


def in_trust(matter: Matter) -> int:
    """What a matter has in all trust accounts together."""
    return sum(balance(matter, account) for account in accounts_of(matter))


def at_bank_from(account: BankAccount, day: dt.date) -> int:
    """The least that the books have at the bank on ``day`` and later."""
    return -lowest_from_asset(ledger.bank(account.id), day)


def lowest_from_asset(code: str, day: dt.date) -> int:
    """The greatest overdraft of an asset from ``day`` on; below zero when there is money."""
    now, later = balance_on(code, 0, day), _later.one(code, 0, day).least
    return -min(now, now if later is None else int(later))


def firm_float(account: BankAccount) -> int:
    """The firm's own money in a trust account; below zero when the bank took clients' money for its charges."""
    return -balance_on(ledger.firm_float(account.id), 0)
