"""The firm's books as a whole: journal, accounts, trial balance, a client's ledger over all matters.

Pages go on by keys, not by counting rows, so that the last costs what the first does; balances begin at kept totals.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

from peewee import JOIN, ModelSelect, fn

from portal_app.db import rows_of, sum_of
from portal_app.domain.ledger.balances import account_balance
from portal_app.domain.ledger.chaining import ChainLink
from portal_app.domain.ledger.lines import OWES, Line
from portal_app.domain.ledger.models import Account, AccountTotal, JournalEntry, Posting
from portal_app.domain.matters import Matter
from portal_app.domain.people import PortalUser
from portal_app.prepared import prepared_of_ids


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a reader of the books asks for; what is empty leaves nothing out."""

    since: dt.date | None = None
    until: dt.date | None = None
    code: str = ""
    matter: str = ""
    text: str = ""

    @property
    def is_open(self) -> bool:
        """Whether it leaves nothing out."""
        return self == Wanted()


def _narrowed(query: ModelSelect, wanted: Wanted) -> ModelSelect:
    """``query`` over entries (and postings with their matters, where it has them) with the reader's conditions."""
    if wanted.since:
        query = query.where(JournalEntry.occurred_on >= wanted.since)
    if wanted.until:
        query = query.where(JournalEntry.occurred_on <= wanted.until)
    if wanted.code:
        query = query.where(JournalEntry.code == wanted.code)
    if wanted.text:
        query = query.where(JournalEntry.description.contains(wanted.text))
    return query


# The journal


def journal(wanted: Wanted, *, before: int | None = None, limit: int = 50) -> list[JournalEntry]:
    """Entries, the newest first; ``before`` is an entry's number and pages on."""
    query = _narrowed(JournalEntry.select(), wanted)
    if wanted.matter:
        touched = ChainLink.select(ChainLink.entry_id).join(Matter, on=(Matter.id == ChainLink.matter_id))
        query = query.where(JournalEntry.id.in_(touched.where(Matter.number == wanted.matter)))
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
    """A posting on an account; ``balance_cents`` after it is known when no line is left out."""

    posting: Posting
    balance_cents: int | None


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
    query = (
        Posting.select(Posting, JournalEntry, Matter)
        .join_from(Posting, JournalEntry)
        .join_from(Posting, Matter, JOIN.LEFT_OUTER)
        .where(Posting.account == account.code)
    )
    query = _narrowed(query, wanted)
    query = query.where(Matter.number == wanted.matter) if wanted.matter else query
    query = query.where(Posting.id < before) if before is not None else query
    rows = list(query.order_by(Posting.id.desc()).limit(limit))
    if not wanted.is_open:
        return [AccountLine(row, None) for row in rows]
    balance, lines = account_balance(account.code) - _since(account.code, before), []
    for row in rows:
        lines.append(AccountLine(row, balance))
        balance -= row.amount_cents
    return lines


def _since(code: str, posting_id: int | None) -> int:
    """What was posted on the account from this posting on."""
    if posting_id is None:
        return 0
    return sum_of(
        rows_of("SELECT SUM(amount_cents) FROM posting WHERE account_code = ? AND id >= ?", code, posting_id)[0][0]
    )


def trial_balance(on: dt.date | None = None) -> list[tuple[Account, int]]:
    """What stood on each account at the end of a day, or stands now; accounts with nothing are left out. The sum is 0
    in each fund."""
    if on is None:
        return [(account, cents) for account, cents in accounts() if cents]
    month = f"{on:%Y-%m}"
    total = AccountTotal.select(AccountTotal.account_code, fn.SUM(AccountTotal.balance_cents))
    sums = {
        code: sum_of(cents)
        for code, cents in total.where(AccountTotal.month < month).group_by(AccountTotal.account_code).tuples()
    }
    is_this_month = (JournalEntry.occurred_on >= on.replace(day=1)) & (JournalEntry.occurred_on <= on)
    lately = Posting.select(Posting.account, fn.SUM(Posting.amount_cents)).join(JournalEntry).where(is_this_month)
    for code, cents in lately.group_by(Posting.account).tuples():
        sums[code] = sums.get(code, 0) + sum_of(cents)
    return [
        (row, sums[row.code]) for row in Account.select().order_by(Account.fund, Account.code) if sums.get(row.code)
    ]


# A client's ledger over several matters


def for_matters(
    found: Sequence[Matter], *, before: int | None = None, limit: int | None = 100
) -> list[tuple[Line, int]]:
    """What happened on these matters, the newest first, with what is owed on all of them after each line; and the
    matter's id. ``before`` is an entry's number and pages on."""
    ids = [matter.id for matter in found]
    query = (
        JournalEntry.select(
            JournalEntry, PortalUser.name.alias("payer_name"), ChainLink.debit_cents,
            ChainLink.credit_cents, ChainLink.sequence,
            ChainLink.matter_id.alias("of_matter"),
        )
        .join(ChainLink, on=(ChainLink.entry_id == JournalEntry.id))
        .join_from(JournalEntry, PortalUser, JOIN.LEFT_OUTER)
        .where(ChainLink.matter_id.in_(ids) & OWES)
        .order_by(JournalEntry.id.desc(), ChainLink.matter_id.desc())
        .objects()
    )  # fmt: skip
    query = query.where(JournalEntry.id < before) if before is not None else query
    balance, lines = _owed_before(ids, before), []
    for row in query.limit(limit):
        debit, credit = int(row.debit_cents), int(row.credit_cents)
        line = Line(row, debit, credit, balance, row.payer_name or "", (), int(row.sequence))
        lines.append((line, int(row.of_matter)))
        balance -= debit - credit
    return lines


def _owed_before(matter_ids: Sequence[int], entry_id: int | None) -> int:
    """What was owed on these matters before this entry; now, without one."""
    query = ChainLink.select(fn.SUM(ChainLink.debit_cents - ChainLink.credit_cents))
    query = query.where(ChainLink.matter_id.in_(matter_ids) & OWES)
    return sum_of((query.where(ChainLink.entry_id < entry_id) if entry_id is not None else query).scalar())
