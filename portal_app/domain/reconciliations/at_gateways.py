"""What gateways have of a trust account's money at the end of a day, payment by payment.

A clearing account runs on for ever; what stands on it is told by what is still open of it. An entry and its reversal
cancel each other. What is taken back is taken off its own payment, a payout off the oldest deposits; what was taken
back after it was paid out comes off a later payout. What is left of each posting comes to the account's balance,
whatever happened.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import accumulate
from typing import Any

from peewee import Expression, ModelSelect

from portal_app.domain.ledger import Account, JournalEntry, Posting
from portal_app.domain.payments import BankAccount
from portal_app.domain.reconciliations.open_items import told, words_of

PAYOUT = "trust_payout"


@dataclass(frozen=True, slots=True)
class Held:
    """A posting of which a gateway still has ``cents``: below zero, which it has given out already. ``place`` is the
    clearing account."""

    posting: Posting
    cents: int
    place: Account

    @property
    def text(self) -> str:
        return words_of(self.posting)


def held(account: BankAccount, day: dt.date) -> list[Held]:
    """What is open on the clearing accounts of the trust account at the end of the day, account by account, the oldest
    first; two queries."""
    by_place: dict[str, list[Any]] = {}
    for row in _postings(account, day).namedtuples():
        by_place.setdefault(row.account_code, []).append(row)
    left = {row.posting_id: row.left for rows in by_place.values() for row in open_of(rows)}
    if not left:
        return []
    query = told().select_extend(Account).join_from(Posting, Account).where(Posting.id.in_(list(left)))
    rows = query.order_by(Posting.account, JournalEntry.occurred_on, Posting.id)
    return [Held(row, left[row.id], row.account) for row in rows]


def _postings(account: BankAccount, day: dt.date) -> ModelSelect:
    """The legs, on accounts that are no bank's, of every entry that touches the account's ledgers, in their order."""
    own = [f"{name}:{account.id}" for name in ("bank", "trust", "float")]
    touched = Posting.select(Posting.entry).where(Posting.account.in_(own))
    columns = (
        Posting.id, Posting.account.alias("account_code"), Posting.amount_cents, Posting.entry.alias("entry_id"),
        JournalEntry.source, JournalEntry.reverses.alias("reverses_id"), JournalEntry.code,
    )  # fmt: skip
    query = Posting.select(*columns).join_from(Posting, Account).join_from(Posting, JournalEntry)
    until = Posting.entry.in_(touched) & (Account.fund == "trust") & (JournalEntry.occurred_on <= day)
    return query.where(until & ~_is_of_a_bank()).order_by(JournalEntry.occurred_on, Posting.id)


def _is_of_a_bank() -> Expression:
    """Whether an account is the ledger of a bank account: its books, its clients' money or the firm's float."""
    code = Account.code
    return code.startswith("bank:") | code.startswith("trust:") | code.startswith("float:")


@dataclass(slots=True)
class _Row:
    """A posting on a clearing account, what is left of it, and the payment that it tells of ("payment:17")."""

    posting_id: int
    fact: str
    is_payout: bool
    left: int


def open_of(rows: Iterable[Any]) -> Iterator[_Row]:
    """What is left of a clearing account's postings, given in their order."""
    rows = list(rows)
    entries = {row.entry_id for row in rows}
    undone = {row.reverses_id for row in rows if row.reverses_id in entries}
    found: list[_Row] = []
    for told_of in rows:
        if told_of.entry_id in undone or told_of.reverses_id in undone:
            continue
        fact = ":".join(told_of.source.split(":")[:2])
        row = _Row(told_of.id, fact, told_of.code == PAYOUT, int(told_of.amount_cents))
        if row.left > 0:  # a payout that is dated before what it paid out
            _take_off(row, [other for other in found if other.is_payout and other.left < 0])
        elif row.is_payout:
            _pay_out(row, found)
        else:
            _take_off(row, [other for other in found if other.left > 0 and other.fact == row.fact])
        found = [other for other in (*found, row) if other.left]
    yield from found


def _pay_out(row: _Row, found: list[_Row]) -> None:
    """Unless the payout is exactly the oldest deposits, it came net of what was taken back, as far as deposits go."""
    deposits, back = [other for other in found if other.left > 0], [other for other in found if other.left < 0]
    if -row.left not in accumulate(other.left for other in deposits):
        spare = max(sum(other.left for other in deposits) + row.left, 0)
        for other in back:
            part = min(-other.left, spare)
            other.left, row.left, spare = other.left + part, row.left - part, spare - part
    _take_off(row, deposits)


def _take_off(row: _Row, others: Iterable[_Row]) -> None:
    """Let ``row`` and ``others``, of the opposite sign, settle each other."""
    sign = 1 if row.left > 0 else -1
    for other in others:
        part = sign * min(abs(row.left), abs(other.left))
        row.left, other.left = row.left - part, other.left + part
