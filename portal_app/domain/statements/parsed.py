"""What a bank's file says, before anything is kept."""

from __future__ import annotations

import datetime as dt
import hashlib
import re
from collections.abc import Iterable
from dataclasses import dataclass, field

MOST_BYTES = 5 * 1024 * 1024
MOST_LINES = 20_000
DESCRIPTION_MOST, REFERENCE_MOST = 300, 80

# Control characters, and those that turn the direction of writing: a line must read as it is stored.
_UNSEEN = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]+")


@dataclass(frozen=True, slots=True)
class Row:
    """A movement: cents, plus into the account. ``line`` is where it stands in the file, ``bank_id`` the bank's own id
    for it, if it gives one."""

    line: int
    booked_on: dt.date
    description: str
    reference: str
    amount_cents: int
    bank_id: str = ""


@dataclass(frozen=True, slots=True)
class Problem:
    """Why a line of the file cannot be read; line 0 is the whole file."""

    line: int
    message: str

    def __str__(self) -> str:
        return f"Line {self.line}: {self.message}" if self.line else self.message


@dataclass(slots=True)
class Parsed:
    """The rows of a file in its order, what cannot be read, what is worth knowing, and the balances that it names."""

    rows: list[Row] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    opening_cents: int | None = None
    closing_cents: int | None = None

    @property
    def sum_cents(self) -> int:
        return sum(row.amount_cents for row in self.rows)

    @property
    def first_on(self) -> dt.date | None:
        return min((row.booked_on for row in self.rows), default=None)

    @property
    def last_on(self) -> dt.date | None:
        return max((row.booked_on for row in self.rows), default=None)


def clean(text: str, most: int) -> str:
    """One line of text without control characters, at most ``most`` long."""
    return " ".join(_UNSEEN.sub(" ", text).split())[:most].rstrip()


def identities(rows: Iterable[Row]) -> list[str]:
    """What tells each row from every other one of its account, in order: the bank's own id, or a hash of day, amount,
    text and how many just like it came before on that day. The same file read again gives the same."""
    seen: dict[str, int] = {}
    found = []
    for row in rows:
        if row.bank_id:
            says = f"id|{row.bank_id}|{row.amount_cents}"
        else:
            says = f"{row.booked_on}|{row.amount_cents}|{row.reference.casefold()}|{row.description.casefold()}"
        seen[says] = count = seen.get(says, 0) + 1
        found.append(hashlib.sha256(f"{says}|{1 if row.bank_id else count}".encode()).hexdigest())
    return found
