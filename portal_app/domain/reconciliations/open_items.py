"""What is open of an account: lines of the bank and postings of the books that are not matched, and how one looks for
them."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from functools import reduce
from operator import or_

from peewee import JOIN, Case, ModelSelect, fn

from portal_app import money
from portal_app.domain import firms, ledger
from portal_app.domain.ledger import JournalEntry, Posting
from portal_app.domain.matters import Matter
from portal_app.domain.payments import BankAccount
from portal_app.domain.reconciliations.models import BankMatchLine, BankMatchPosting
from portal_app.domain.reconciliations.suggesting import AHEAD, RUN_BACK
from portal_app.domain.statements import StatementLine
from portal_app.domain.trust import TrustMovement

MOST = 2000  # open postings that suggestions are looked for among
FOUND_MOST = 40


def open_lines(account: BankAccount, until: dt.date | None = None) -> list[StatementLine]:
    """Lines of the bank that are not matched, to the end of ``until``, in order."""
    query = _open_lines(account)
    query = query.where(StatementLine.booked_on <= until) if until else query
    return list(query.order_by(StatementLine.booked_on, StatementLine.id))


def _open_lines(account: BankAccount) -> ModelSelect:
    query = StatementLine.select(StatementLine).join(
        BankMatchLine, JOIN.LEFT_OUTER, on=(BankMatchLine.line == StatementLine.id)
    )
    return query.where((StatementLine.bank_account == account.id) & BankMatchLine.line.is_null())


def open_postings(account: BankAccount, until: dt.date | None = None, *, most: int = MOST) -> list[Posting]:
    """Postings on the account's bank ledger that are not matched, with their entries and matters, the oldest first."""
    query = _unmatched(account)
    query = query.where(JournalEntry.occurred_on <= until) if until else query
    return list(query.order_by(JournalEntry.occurred_on, Posting.id).limit(most))


_NOTED = (TrustMovement.id, TrustMovement.party, TrustMovement.purpose, TrustMovement.reference)


def told() -> ModelSelect:
    """Postings with their entries, and as ``movement`` what trust has noted of each: who, what for, which check."""
    return (
        Posting.select(Posting, JournalEntry, *_NOTED, Matter)
        .join_from(Posting, JournalEntry)
        .join_from(
            JournalEntry, TrustMovement, JOIN.LEFT_OUTER, on=(TrustMovement.source == JournalEntry.source),
            attr="movement",
        )
        .join_from(TrustMovement, Matter, JOIN.LEFT_OUTER, on=(TrustMovement.matter == Matter.id), attr="matter")
    )  # fmt: skip


def words_of(posting: Posting) -> str:
    """What a posting on a bank's ledger is, in a line: what was booked, who, which check, for which matter."""
    entry = posting.entry
    movement = getattr(entry, "movement", None)
    if movement is None:
        return str(entry.description)
    matter = getattr(movement, "matter", None)
    parts = (movement.party, movement.reference, matter.number if matter else "")
    return " · ".join([entry.description, *(part for part in parts if part and part not in entry.description)])


def _unmatched(account: BankAccount) -> ModelSelect:
    query = told().join_from(
        Posting, BankMatchPosting, JOIN.LEFT_OUTER, on=(BankMatchPosting.posting == Posting.id)
    )  # fmt: skip
    return query.where((Posting.account == ledger.bank(account.id)) & BankMatchPosting.posting.is_null())


# Looking for it


def candidates(line: StatementLine, words: str = "") -> list[Posting]:
    """Open postings that the line might be: those that say one of ``words`` or come to such an amount; without words
    the same amount first, then what may be a part of it: of the same direction, and near in time."""
    query = _unmatched(line.bank_account)
    text = words.strip()[:100]
    if text:
        said = (JournalEntry.description, TrustMovement.party, TrustMovement.purpose, Matter.name)
        exact = (
            (TrustMovement.reference == text) | (Matter.number == text) | (fn.ABS(Posting.amount_cents) == _cents(text))
        )
        query = query.where(reduce(or_, [fn.LOWER(field).contains(text.lower()) for field in said], exact))
    apart = fn.ABS(Posting.amount_cents - line.amount_cents)
    is_near = JournalEntry.occurred_on.between(line.booked_on - RUN_BACK, line.booked_on + AHEAD)
    is_part = (Posting.amount_cents > 0) if line.amount_cents > 0 else (Posting.amount_cents < 0)
    rank = Case(None, [(apart == 0, 0), (is_near & is_part, 1)], 2)
    return list(query.order_by(rank, apart, JournalEntry.occurred_on.desc(), Posting.id).limit(FOUND_MOST))


def other_lines(line: StatementLine, words: str = "") -> list[StatementLine]:
    """Open lines of the bank that may belong to the same thing: those that say ``words`` or come to such an amount;
    without words the nearest by day."""
    query = _open_lines(line.bank_account).where(StatementLine.id != line.id)
    text = words.strip()[:100].lower()
    if text:
        said = (fn.LOWER(field).contains(text) for field in (StatementLine.description, StatementLine.reference))
        query = query.where(reduce(or_, said, fn.ABS(StatementLine.amount_cents) == _cents(text)))
    rows = list(query.order_by(StatementLine.booked_on.desc(), StatementLine.id).limit(MOST))
    rows.sort(key=lambda row: abs((row.booked_on - line.booked_on).days))
    return rows[:FOUND_MOST]


@dataclass(frozen=True, slots=True)
class Sums:
    """What is chosen so far for one match: the bank's lines and the books' postings, and what they come to."""

    lines: list[StatementLine]
    postings: list[Posting]

    @property
    def bank_cents(self) -> int:
        return sum(row.amount_cents for row in self.lines)

    @property
    def books_cents(self) -> int:
        return sum(row.amount_cents for row in self.postings)

    @property
    def apart_cents(self) -> int:
        return self.bank_cents - self.books_cents


def chosen(account: BankAccount, line_ids: Sequence[int], posting_ids: Sequence[int]) -> Sums:
    """What of the account is chosen and open, in the order of its days. Changes nothing."""
    lines = _open_lines(account).where(StatementLine.id.in_(list(line_ids)))
    postings = _unmatched(account).where(Posting.id.in_(list(posting_ids)))
    return Sums(
        list(lines.order_by(StatementLine.booked_on, StatementLine.id)) if line_ids else [],
        list(postings.order_by(JournalEntry.occurred_on, Posting.id)) if posting_ids else [],
    )


def _cents(text: str) -> int:
    """The amount that somebody has typed; -1, which is nobody's, when it is none."""
    try:
        return money.parse(text.lstrip("-−"), firms.current().money) or -1
    except money.BadAmount:
        return -1
