"""A naive model of trust money: lists, and loops over every day. It shares no code with the portal, and is slow."""

from __future__ import annotations

import copy
import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass, field

NOBODY = -1  # whose ledger an entry touches that moves money between the gateway and the bank
FLOAT = -2  # the firm's own money
CAP = 50_000


@dataclass
class Change:
    """What one accepted step did: cents on a matter's ledger on a day; what of it was at the bank."""

    day: dt.date
    matter: int
    cents: int
    bank_cents: int


@dataclass
class Receipt:
    day: dt.date
    matter: int
    cents: int
    clears_on: dt.date
    at_bank: bool
    is_cleared: bool = False
    back: list[tuple[dt.date, int]] = field(default_factory=list)

    def waits(self, day: dt.date) -> int:
        if not self.day <= day < self.clears_on:
            return 0
        return self.cents - sum(cents for on, cents in self.back if on <= day)

    @property
    def left(self) -> int:
        return self.cents - sum(cents for _, cents in self.back)


@dataclass
class Bill:
    """An issued, shared invoice."""

    matter: int
    cents: int
    paid: int = 0
    is_void: bool = False

    @property
    def owed(self) -> int:
        return 0 if self.is_void else self.cents - self.paid


@dataclass
class Model:
    """One trust account, its matters' ledgers and the firm's float."""

    changes: list[Change] = field(default_factory=list)
    receipts: dict[int, Receipt] = field(default_factory=dict)
    bills: dict[int, Bill] = field(default_factory=dict)
    held: dict[int, tuple[int, int]] = field(default_factory=dict)
    short: set[int] = field(default_factory=set)
    used: set[int] = field(default_factory=set)
    undone: set[int] = field(default_factory=set)
    closed: dt.date = dt.date.min

    def copy(self) -> Model:
        return copy.deepcopy(self)

    def add(self, day: dt.date, matter: int, cents: int, bank_cents: int) -> None:
        self.changes.append(Change(day, matter, cents, bank_cents))

    def balance(self, matter: int, day: dt.date) -> int:
        return sum(change.cents for change in self.changes if change.matter == matter and change.day <= day)

    def bank(self, day: dt.date) -> int:
        return sum(change.bank_cents for change in self.changes if change.day <= day)

    @property
    def at_gateway(self) -> int:
        return sum(change.cents - change.bank_cents for change in self.changes)

    def waits(self, matter: int, day: dt.date) -> int:
        return sum(row.waits(day) for row in self.receipts.values() if row.matter == matter)

    def holds(self, matter: int) -> int:
        return sum(cents for owner, cents in self.held.values() if owner == matter)

    def days(self, since: dt.date) -> list[dt.date]:
        last = max([since, *(change.day for change in self.changes)])
        return [since + dt.timedelta(days=more) for more in range((last - since).days + 1)]

    def is_open(self, day: dt.date) -> bool:
        return day > self.closed

    def would_be_short(self, matter: int, cents: int, day: dt.date) -> bool:
        return any(self.balance(matter, later) < cents for later in self.days(day))

    def lets_go(self, matter: int, cents: int, on: dt.date, *, of_bank: bool) -> bool:
        """Whether ``cents`` may leave the ledger on a day, and every later one bears it."""
        days, held = self.days(on), self.holds(matter)
        return (
            all(self.balance(matter, day) - self.waits(matter, day) >= cents for day in days)
            and (not of_bank or all(self.bank(day) >= cents for day in days))
            and self.balance(matter, days[-1]) - self.waits(matter, days[-1]) - held >= (cents if held else 0)
        )

    def may_draw(self, matter: int, cents: int, on: dt.date, *, of_bank: bool) -> bool:
        return matter not in self.short and self.lets_go(matter, cents, on, of_bank=of_bank)

    def may_undo(self, key: int, kind: str, owner: int, cents: int, day: dt.date) -> bool:
        """Whether a movement may be taken back: twice is once; what it brought must still be there."""
        if key in self.undone:
            return True
        receipt = self.receipts.get(key)
        if not self.is_open(day) or (receipt and receipt.back):
            return False
        if kind == "transfer":
            return self.lets_go(1 - owner, cents, day, of_bank=False)
        if receipt is None:
            return True
        receipt.back.append((day, cents))
        goes = self.lets_go(owner, cents, day, of_bank=receipt.at_bank)
        receipt.back.pop()
        return goes

    def undo(self, key: int, kind: str, owner: int, cents: int, day: dt.date, bill: int | None) -> None:
        self.undone.add(key)
        receipt = self.receipts.get(key)
        if kind == "transfer":
            self.add(day, 1 - owner, -cents, 0)
            self.add(day, owner, cents, 0)
        elif receipt is not None:
            receipt.back.append((day, cents))
            self.add(day, owner, -cents, -cents if receipt.at_bank else 0)
        else:
            self.add(day, owner, cents, cents)
        if bill is not None:
            self.bills[bill].paid -= cents

    def totals(self, matters: Iterable[int]) -> dict[int, int]:
        """What each ledger came to in the end."""
        return {matter: self.balance(matter, dt.date.max) for matter in (*matters, FLOAT)}
