"""The firm's books as a whole: journal, accounts, trial balance.

Pages go on by keys, not by counting rows, so that the last costs what the first does; balances begin at kept totals.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from peewee import JOIN, SQL, ModelSelect, fn

from portal_app.db import rows_of, sum_of
from portal_app.domain.ledger.balances import account_balance
from portal_app.domain.ledger.chaining import ChainLink
from portal_app.domain.ledger.models import Account, AccountTotal, JournalEntry, Posting
from portal_app.domain.ledger.of_clients import posting_sums, since_postings, with_amount
from portal_app.domain.ledger.wanted import Sums, Wanted, narrowed
from portal_app.domain.matters import Matter
from portal_app.prepared import prepared_of_ids

# The journal


def journal(wanted: Wanted, *, before: int | None = None, limit: int = 50) -> list[JournalEntry]:
    """Entries, the newest first; ``before`` is an entry's number and pages on."""
    query = narrowed(JournalEntry.select(), wanted)
    if wanted.matter:
        touched = ChainLink.select(ChainLink.entry_id).join(Matter, on=(Matter.id == ChainLink.matter_id))
        query = query.where(JournalEntry.id.in_(touched.where(Matter.number == wanted.matter)))
    if wanted.cents is not None:
        amounts = Posting.select(Posting.entry).where(Posting.amount_cents.in_([wanted.cents, -wanted.cents]))
        query = query.where(JournalEntry.id.in_(amounts))
    if wanted.fund:
        legs = Posting.select(SQL("1")).join(Account).where(Posting.entry == JournalEntry.id)
        query = query.where(fn.EXISTS(legs.where(Account.fund == wanted.fund)))
    if before is not None:
        query = query.where(JournalEntry.id < before)
    return list(query.order_by(JournalEntry.id.desc()).limit(limit))


def find_entry(entry_id: int) -> JournalEntry:
    """Any entry: for those who may read the firm's books."""
    return JournalEntry.get_by_id(entry_id)


def legs_of(entry_ids: Collection[int]) -> dict[int, list[Posting]]:
    """The legs of each entry with their accounts and matters, by its number; a query for 128 entries."""
    found: dict[int, list[Posting]] = {}
    for row in _legs_of(entry_ids):
        found.setdefault(row.entry_id, []).append(row)
    return found


@prepared_of_ids
def _legs_of(ids: Any) -> ModelSelect:
    query = Posting.select(Posting, Account, Matter).join_from(Posting, Account)
    query = query.join_from(Posting, Matter, JOIN.LEFT_OUTER).where(Posting.entry.in_(ids))
    return query.order_by(Posting.id)


# Accounts


@dataclass(frozen=True, slots=True)
class AccountLine:
    """A posting on an account, and what stood on the account after it."""

    posting: Posting
    balance_cents: int


def accounts() -> list[tuple[Account, int]]:
    """The chart with what stands on each account, in cents, debit plus."""
    total = AccountTotal.select(AccountTotal.account_code, fn.SUM(AccountTotal.balance_cents))
    sums = dict(total.group_by(AccountTotal.account_code).tuples())
    return [(row, sum_of(sums.get(row.code))) for row in Account.select().order_by(Account.fund, Account.code)]


def find_account(code: str) -> Account:
    return Account.get(Account.code == code)


def for_account(
    account: Account, wanted: Wanted, *, before: int | None = None, limit: int | None = 100
) -> list[AccountLine]:
    """The account's postings, the newest first; ``before`` is a posting's number and pages on."""
    query = _on(account, wanted).select(Posting, JournalEntry, Matter)
    query = query.where(Posting.id < before) if before is not None else query
    rows = list(query.order_by(Posting.id.desc()).limit(limit))
    now = account_balance(account.code)
    if wanted.is_open:  # nothing lies between the lines
        balance, lines = now - _since(account.code, before), []
        for row in rows:
            lines.append(AccountLine(row, balance))
            balance -= row.amount_cents
        return lines
    since = since_postings(Posting.account == account.code, [row.id for row in rows])
    return [AccountLine(row, now - since[row.id] + row.amount_cents) for row in rows]


def account_sums(account: Account, wanted: Wanted) -> Sums:
    """What the account's postings come to that the reader asks for."""
    return posting_sums(_on(account, wanted))


def _on(account: Account, wanted: Wanted) -> ModelSelect:
    query = Posting.select().join_from(Posting, JournalEntry).join_from(Posting, Matter, JOIN.LEFT_OUTER)
    query = with_amount(narrowed(query.where(Posting.account == account.code), wanted), wanted)
    return query.where(Matter.number == wanted.matter) if wanted.matter else query


def _since(code: str, posting_id: int | None) -> int:
    """What was posted on the account from this posting on."""
    if posting_id is None:
        return 0
    return sum_of(
        rows_of("SELECT SUM(amount_cents) FROM posting WHERE account_code = ? AND id >= ?", code, posting_id)[0][0]
    )


def trial_balance(on: dt.date | None = None, fund: str = "") -> list[tuple[Account, int]]:
    """What stood on each account (of one fund) at the end of a day, or stands now; accounts with nothing are left out.
    The sum is 0 in each fund."""
    if on is None:
        rows = accounts()
    else:
        sums = _sums_on(on)
        rows = [(row, sums.get(row.code, 0)) for row in Account.select().order_by(Account.fund, Account.code)]
    return [(row, cents) for row, cents in rows if cents and fund in {"", row.fund}]


def balance_on(code: str, day: dt.date) -> int:
    """What stood on an account at the end of a day, in cents, debit plus."""
    return _sums_on(day, code).get(code, 0)


def _sums_on(day: dt.date, code: str = "") -> dict[str, int]:
    """What stood at the end of a day, of each account or of one: months that were over, as they are kept, and the
    postings of its own."""
    before = AccountTotal.select(AccountTotal.account_code, fn.SUM(AccountTotal.balance_cents))
    before = before.where(AccountTotal.month < f"{day:%Y-%m}").group_by(AccountTotal.account_code)
    is_this_month = (JournalEntry.occurred_on >= day.replace(day=1)) & (JournalEntry.occurred_on <= day)
    lately = Posting.select(Posting.account, fn.SUM(Posting.amount_cents)).join(JournalEntry).where(is_this_month)
    lately = lately.group_by(Posting.account)
    if code:
        before, lately = before.where(AccountTotal.account_code == code), lately.where(Posting.account == code)
    sums: dict[str, int] = {}
    for account, cents in (*before.tuples(), *lately.tuples()):
        sums[account] = sums.get(account, 0) + sum_of(cents)
    return sums
