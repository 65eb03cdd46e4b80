"""Saying which lines of the bank are which postings; taking it back while the period is open."""

from __future__ import annotations

import datetime as dt
import secrets
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from peewee import IntegrityError

from portal_app import clock, money
from portal_app.db import db, locked, transaction
from portal_app.domain import firms, ledger
from portal_app.domain.errors import Refused
from portal_app.domain.ledger import JournalEntry, Posting
from portal_app.domain.payments import BankAccount
from portal_app.domain.people import FirmUser
from portal_app.domain.reconciliations.models import BankMatch, BankMatchLine, BankMatchPosting, BankMatchSeal
from portal_app.domain.reconciliations.open_items import open_lines, open_postings, told, words_of
from portal_app.domain.reconciliations.reading import locked_until
from portal_app.domain.reconciliations.suggesting import Item, Suggestion, suggest
from portal_app.domain.statements import EXPLANATIONS, BankStatement, StatementLine

CLOSED = "That day is reconciled and closed."


def match(
    account: BankAccount, line_ids: Sequence[int], posting_ids: Sequence[int], *, by: FirmUser | None
) -> BankMatch:
    """These lines are these postings. The same again changes nothing.

    Raises:
        Refused: the sums differ, something is matched already or belongs elsewhere, or the period is closed.
    """
    wanted = set(line_ids), set(posting_ids)
    with transaction():
        locked(BankAccount.select().where(BankAccount.id == account.id)).get()
        lines, postings = _lines(account, wanted[0]), _postings(account, wanted[1])
        if len(lines) != len(wanted[0]) or len(postings) != len(wanted[1]) or len(lines) + len(postings) < 2:
            raise Refused("Choose at least two things that belong together, of this account.")
        standing = _standing(*wanted)
        if len(standing) == 1 and _holds(standing[0], *wanted):
            return standing[0]
        if standing:
            raise Refused("One of them is matched already. Take that match back first.")
        _check_sums(sum(row.amount_cents for row in lines), sum(row.amount_cents for row in postings))
        return _make(account, lines, postings, by)


def _lines(account: BankAccount, ids: Iterable[int]) -> list[StatementLine]:
    mine = (StatementLine.bank_account == account.id) & StatementLine.id.in_(list(ids))
    return list(StatementLine.select().where(mine))


def _postings(account: BankAccount, ids: Iterable[int]) -> list[Posting]:
    mine = (Posting.account == ledger.bank(account.id)) & Posting.id.in_(list(ids))
    return list(Posting.select(Posting, JournalEntry).join(JournalEntry).where(mine))


def _standing(line_ids: Iterable[int], posting_ids: Iterable[int]) -> list[BankMatch]:
    by_line = BankMatchLine.select(BankMatchLine.match).where(BankMatchLine.line.in_(list(line_ids)))
    by_posting = BankMatchPosting.select(BankMatchPosting.match).where(BankMatchPosting.posting.in_(list(posting_ids)))
    return list(BankMatch.select().where(BankMatch.id.in_(by_line) | BankMatch.id.in_(by_posting)))


def _holds(found: BankMatch, line_ids: set[int], posting_ids: set[int]) -> bool:
    lines = {row.line_id for row in BankMatchLine.select().where(BankMatchLine.match == found.id)}
    postings = {row.posting_id for row in BankMatchPosting.select().where(BankMatchPosting.match == found.id)}
    return lines == line_ids and postings == posting_ids


def _check_sums(at_bank: int, in_books: int) -> None:
    if at_bank != in_books:
        hand = firms.current().money
        bank, books, off = (money.bare(cents, hand) for cents in (at_bank, in_books, at_bank - in_books))
        raise Refused(f"At the bank they come to {bank}, in the books to {books}: {off} apart.")


def _make(
    account: BankAccount, lines: Sequence[StatementLine], postings: Sequence[Posting], by: FirmUser | None
) -> BankMatch:
    """``cleared_on`` is the latest of all days; what only cancels itself out is settled once it is seen, never in a
    period that is closed."""
    days = [row.booked_on for row in lines] + [row.entry.occurred_on for row in postings]
    until = locked_until(account)
    if until is not None and not (lines and postings):
        days.append(until + dt.timedelta(days=1))
    try:
        with db.atomic():
            token = secrets.token_hex(16)
            made = BankMatch.create(
                bank_account=account, cleared_on=max(days), made_at=clock.now(), made_by=by, seal=token
            )  # fmt: skip
            for line in lines:
                BankMatchLine.create(force_insert=True, line=line, match=made)
            for posting in postings:
                BankMatchPosting.create(force_insert=True, posting=posting, match=made)
            BankMatchSeal.create(force_insert=True, token=token, match=made)
    except IntegrityError:
        raise Refused(CLOSED) from None
    _unexplain(lines)
    return made


def _unexplain(lines: Sequence[StatementLine]) -> None:
    until = {"explanation": "", "note": "", "explained_at": None, "explained_by": None}
    open_ones = [row.id for row in lines if row.explanation]
    if open_ones:
        try:
            with db.atomic():
                StatementLine.update(until).where(StatementLine.id.in_(open_ones)).execute()
        except IntegrityError:  # it was explained in a period that is closed, and its report says so
            return


def find_match(match_id: int) -> BankMatch:
    return BankMatch.select(BankMatch, BankAccount).join(BankAccount).where(BankMatch.id == match_id).get()


def unmatch(found: BankMatch) -> None:
    """Take a match back whole.

    Raises:
        Refused: its period is closed.
    """
    try:
        with transaction(), db.atomic():
            BankMatch.delete().where(BankMatch.id == found.id).execute()
    except IntegrityError:
        raise Refused(CLOSED) from None


def explain(line: StatementLine, *, explanation: str, note: str, by: FirmUser | None) -> None:
    """Say that the books need nothing for a line, and why; an empty ``explanation`` takes that back. It books nothing.

    Raises:
        Refused: no reason is given, the line is matched, or its period is closed.
    """
    if explanation and explanation not in EXPLANATIONS:
        raise Refused("Choose one of the reasons.", "explanation")
    if explanation and not note.strip():
        raise Refused("Say in a few words what the bank did.", "note")
    if explanation and _standing([line.id], []):
        raise Refused("The line is matched. Take the match back first.")
    values = {
        "explanation": explanation, "note": note.strip()[:200] if explanation else "",
        "explained_at": clock.now() if explanation else None, "explained_by": by if explanation else None,
    }  # fmt: skip
    try:
        with transaction(), db.atomic():
            StatementLine.update(values).where(StatementLine.id == line.id).execute()
    except IntegrityError:
        raise Refused(CLOSED) from None


# What is suggested


def line_item(line: StatementLine) -> Item:
    return Item(line.id, line.booked_on, line.amount_cents, f"{line.reference} {line.description}")


def posting_item(posting: Posting) -> Item:
    entry = posting.entry
    return Item(posting.id, entry.occurred_on, posting.amount_cents, f"{words_of(posting)} {entry.source}")


@dataclass(frozen=True, slots=True)
class Proposal:
    """What lines of a statement probably are: the suggestion, with its lines and postings."""

    suggestion: Suggestion
    lines: list[StatementLine]
    postings: list[Posting]


def suggestions(statement: BankStatement) -> dict[int, Proposal]:
    """For each line of the statement that is open: what it probably is; lines that belong together have one."""
    account = statement.bank_account
    lines = {
        row.id: row for row in open_lines(account) if row.statement_id == statement.id and not row.explanation
    }  # fmt: skip
    rows = {row.id: row for row in open_postings(account)} if lines else {}
    found = suggest([line_item(row) for row in lines.values()], [posting_item(row) for row in rows.values()])
    proposals = [
        Proposal(item, [lines[id] for id in item.line_ids], [rows[id] for id in item.posting_ids]) for item in found
    ]
    return {line.id: row for row in proposals for line in row.lines}


def accept_all(statement: BankStatement, line_ids: Sequence[int], *, by: FirmUser | None) -> int:
    """Match these lines with what is suggested for them now; lines that belong together only when all of them are
    named. Returns how many were."""
    named, done = set(line_ids), 0
    with transaction():
        for item in dict.fromkeys(row.suggestion for row in suggestions(statement).values()):
            if named.issuperset(item.line_ids):
                match(statement.bank_account, item.line_ids, item.posting_ids, by=by)
                done += len(item.line_ids)
    return done


# What a line is


@dataclass(frozen=True, slots=True)
class Standing:
    """What a line is matched with: the match, its postings, and other lines in it."""

    match: BankMatch
    postings: list[Posting]
    others: list[StatementLine]


def standings(lines: Sequence[StatementLine]) -> dict[int, Standing]:
    """For each line that is matched, with what; three queries."""
    ids = [row.id for row in lines]
    links = list(BankMatchLine.select(BankMatchLine, BankMatch).join(BankMatch).where(BankMatchLine.line.in_(ids)))
    wanted = [row.match_id for row in links]
    postings: dict[int, list[Posting]] = {}
    query = told().select_extend(BankMatchPosting.match.alias("match_id"))
    query = query.join_from(Posting, BankMatchPosting, on=(BankMatchPosting.posting == Posting.id), attr="link")
    for row in query.where(BankMatchPosting.match.in_(wanted)).order_by(Posting.id):
        postings.setdefault(row.link.match_id, []).append(row)
    others: dict[int, list[StatementLine]] = {}
    both = BankMatchLine.select(BankMatchLine, StatementLine).join(StatementLine)
    for row in both.where(BankMatchLine.match.in_(wanted)).order_by(BankMatchLine.line):
        others.setdefault(row.match_id, []).append(row.line)
    return {
        row.line_id: Standing(
            row.match, postings.get(row.match_id, []),
            [line for line in others[row.match_id] if line.id != row.line_id],
        )
        for row in links
    }  # fmt: skip
