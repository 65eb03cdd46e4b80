"""Ledgers from the client's side, over one matter or several, narrowed as the reader asks: what is owed, and what is
held in trust. A filter leaves lines out and never changes the balance beside a line.

Pages go on by the key of their last line; the balance of a line is what stands now, less what came after it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from peewee import JOIN, Case, Expression, ModelSelect, fn

from portal_app.db import sum_of
from portal_app.domain.ledger.balances import matter_balances
from portal_app.domain.ledger.chaining import ChainLink
from portal_app.domain.ledger.lines import OWES, Line
from portal_app.domain.ledger.models import Account, JournalEntry, Posting, RunningTotal
from portal_app.domain.ledger.wanted import Sums, Wanted, narrowed
from portal_app.domain.matters import Matter
from portal_app.domain.people import PortalUser

Key = tuple[int, int]  # an entry and a matter, or a posting and its matter
Lines = list[tuple[Line, int]]

_OWED = ChainLink.debit_cents - ChainLink.credit_cents


# What is owed


def owed(found: Sequence[Matter], wanted: Wanted, *, before: Key | None = None, limit: int | None = 100) -> Lines:
    """What happened on these matters, the newest first, with what is owed on all of them after each line; and the
    matter's id. ``before``, an entry's and a matter's number, pages on."""
    ids = [matter.id for matter in found]
    query = _links(ids, wanted).select(
        JournalEntry, PortalUser.name.alias("payer_name"), ChainLink.debit_cents, ChainLink.credit_cents,
        ChainLink.sequence, ChainLink.matter_id.alias("of_matter"),
    )  # fmt: skip
    query = query.join_from(JournalEntry, PortalUser, JOIN.LEFT_OUTER)
    if before is not None:
        entry, matter = before
        is_older = (JournalEntry.id == entry) & (ChainLink.matter_id < matter)
        query = query.where((JournalEntry.id < entry) | is_older)
    query = query.order_by(JournalEntry.id.desc(), ChainLink.matter_id.desc()).limit(limit)
    rows = list(query.objects())
    invoices = _invoices_of([row.id for row in rows], ids)
    now = sum(matter_balances(found).values())
    since = _since_links(ids, [(row.id, row.of_matter) for row in rows])
    return [_line(row, invoices, now, since) for row in rows]


def _line(row: Any, invoices: dict[Key, list[int]], now: int, since: dict[Key, int]) -> tuple[Line, int]:
    debit, credit, matter = int(row.debit_cents), int(row.credit_cents), int(row.of_matter)
    named = tuple(invoices.get((row.id, matter), ()))
    balance = now - since[row.id, matter] + debit - credit
    return Line(row, debit, credit, balance, row.payer_name or "", named, int(row.sequence)), matter


def owed_sums(found: Sequence[Matter], wanted: Wanted) -> Sums:
    """What all lines come to that the reader asks for."""
    sides = fn.SUM(ChainLink.debit_cents), fn.SUM(ChainLink.credit_cents)
    query = _links([matter.id for matter in found], wanted).select(fn.COUNT(ChainLink.entry_id), *sides)
    ((count, debit, credit),) = query.tuples()
    return Sums(int(count), sum_of(debit), sum_of(credit))


def _links(ids: Sequence[int], wanted: Wanted) -> ModelSelect:
    query = JournalEntry.select().join(ChainLink, on=(ChainLink.entry_id == JournalEntry.id))
    query = narrowed(query.where(ChainLink.matter_id.in_(ids) & OWES), wanted)
    if wanted.cents is not None:
        query = query.where((ChainLink.debit_cents == wanted.cents) | (ChainLink.credit_cents == wanted.cents))
    return query


def _since_links(ids: Sequence[int], keys: Sequence[Key]) -> dict[Key, int]:
    """What was added to what is owed by each of these lines and all that came after it."""
    if not keys:
        return {}
    order = [ChainLink.entry_id.desc(), ChainLink.matter_id.desc()]
    inner = ChainLink.select(
        ChainLink.entry_id.alias("entry"), ChainLink.matter_id.alias("matter"),
        fn.SUM(_OWED).over(order_by=order).alias("since"),
    ).where(ChainLink.matter_id.in_(ids) & OWES & (ChainLink.entry_id >= keys[-1][0]))  # fmt: skip
    query = inner.select_from(inner.c.entry, inner.c.matter, inner.c.since)
    rows = query.where(inner.c.entry.in_([entry for entry, _ in keys])).tuples()
    return {(int(entry), int(matter)): sum_of(since) for entry, matter, since in rows}


def _invoices_of(entry_ids: Sequence[int], matter_ids: Sequence[int]) -> dict[Key, list[int]]:
    found: dict[Key, list[int]] = {}
    query = Posting.select(Posting.entry, Posting.matter, Posting.invoice_id).where(
        Posting.entry.in_(entry_ids) & Posting.matter.in_(matter_ids) & Posting.invoice_id.is_null(False)
    )
    for row in query.distinct().order_by(Posting.invoice_id):
        found.setdefault((row.entry_id, row.matter_id), []).append(row.invoice_id)
    return found


# What is held in trust


def held(found: Sequence[Matter], wanted: Wanted, *, before: Key | None = None, limit: int | None = 100) -> Lines:
    """What came into trust for these matters (credit) and went out (debit), the newest first, with what is held on all
    of them after each line; and the matter's id. A line's ``sequence`` is its posting's number; ``before`` pages on."""
    ids, codes = [matter.id for matter in found], _trust_codes()
    query = _held(ids, codes, wanted).select(
        JournalEntry, PortalUser.name.alias("payer_name"), Posting.id.alias("posting"), Posting.amount_cents,
        Posting.matter.alias("of_matter"),
    )  # fmt: skip
    query = query.join_from(JournalEntry, PortalUser, JOIN.LEFT_OUTER)
    query = query.where(Posting.id < before[0]) if before is not None else query
    rows = list(query.order_by(Posting.id.desc()).limit(limit).objects())
    total = RunningTotal.select(fn.SUM(RunningTotal.balance_cents))
    total = total.where(RunningTotal.matter_id.in_(ids) & RunningTotal.account_code.in_(codes))
    now, mine = -sum_of(total.scalar()), _is_held(ids, codes)
    since, lines = since_postings(mine, [row.posting for row in rows]), []
    for row in rows:
        cents = int(row.amount_cents)
        sides = max(cents, 0), max(-cents, 0)
        balance = now + since[row.posting] - cents
        line = Line(row, *sides, balance, row.payer_name or "", (), int(row.posting))
        lines.append((line, int(row.of_matter)))
    return lines


def held_sums(found: Sequence[Matter], wanted: Wanted) -> Sums:
    """What all lines come to that the reader asks for."""
    return posting_sums(_held([matter.id for matter in found], _trust_codes(), wanted))


def _trust_codes() -> list[str]:
    """The accounts of clients' money, one for each trust bank account."""
    return [row.code for row in Account.select(Account.code).where(Account.code.startswith("trust:"))]


def _is_held(ids: Sequence[int], codes: Sequence[str]) -> Expression:
    return Posting.matter.in_(ids) & Posting.account.in_(codes)


def _held(ids: Sequence[int], codes: Sequence[str], wanted: Wanted) -> ModelSelect:
    query = JournalEntry.select().join(Posting, on=(Posting.entry == JournalEntry.id))
    return with_amount(narrowed(query.where(_is_held(ids, codes)), wanted), wanted)


# Postings


def with_amount(query: ModelSelect, wanted: Wanted) -> ModelSelect:
    """``query`` over postings with the amount that the reader asks for, on either side."""
    if wanted.cents is None:
        return query
    return query.where(Posting.amount_cents.in_([wanted.cents, -wanted.cents]))


def posting_sums(query: ModelSelect) -> Sums:
    """What the postings of ``query`` come to."""
    amount = Posting.amount_cents
    sides = fn.SUM(Case(None, [(amount > 0, amount)], 0)), fn.SUM(Case(None, [(amount < 0, amount)], 0))
    ((count, debit, credit),) = query.select(fn.COUNT(Posting.id), *sides).tuples()
    return Sums(int(count), sum_of(debit), -sum_of(credit))


def since_postings(mine: Expression, ids: Sequence[int]) -> dict[int, int]:
    """What came with each of these postings and all after it that are ``mine``, in cents, debit plus."""
    if not ids:
        return {}
    total = fn.SUM(Posting.amount_cents)
    after = sum_of(Posting.select(total).where(mine & (Posting.id > ids[0])).scalar())
    running = total.over(order_by=[Posting.id.desc()]).alias("since")
    inner = Posting.select(Posting.id.alias("posting"), running).where(mine & Posting.id.between(ids[-1], ids[0]))
    query = inner.select_from(inner.c.posting, inner.c.since).where(inner.c.posting.in_(ids))
    return {int(posting): after + sum_of(since) for posting, since in query.tuples()}
