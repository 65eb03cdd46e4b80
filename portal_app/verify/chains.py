"""The hash chains and the checkpoints, as they are in the database."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from itertools import groupby
from operator import itemgetter
from typing import Any

from portal_app import chain
from portal_app.db import db, rows_of, sum_of
from portal_app.money import bare
from portal_app.verify.asking import rows
from portal_app.verify.walking import Entry, Link, Walk, name_of

BATCH = 4000

_ENTRIES = f"""SELECT id, posted_at, occurred_on, code, description, source, reverses_id, firm_user_id, portal_user_id
    FROM journal_entry WHERE id > ? ORDER BY id LIMIT {BATCH}"""  # noqa: S608  a number of our own
_LEGS = """SELECT entry_id, account_code, matter_id, invoice_id, currency, amount_cents FROM posting
    WHERE entry_id > ? AND entry_id <= ? ORDER BY entry_id, id"""
_LINKS = """SELECT entry_id, matter_id, sequence, previous, hash FROM chain_link
    WHERE entry_id > ? AND entry_id <= ? ORDER BY entry_id, matter_id"""
_first = itemgetter(0)


def entries() -> Iterator[Entry]:
    """All entries in the order of their numbers, a batch at a time."""
    last = -1
    while batch := _read(_ENTRIES, last):
        span = (last, batch[-1][0])
        legs, links = _read(_LEGS, *span), _read(_LINKS, *span)
        legs_of = {number: [row[1:] for row in group] for number, group in groupby(legs, key=_first)}
        links_of = {number: [Link(*row[1:]) for row in group] for number, group in groupby(links, key=_first)}
        for row in batch:
            values = (row[0], str(row[1]), str(row[2]), *row[3:])
            yield Entry(values, legs_of.get(row[0], ()), links_of.get(row[0], ()))
        last = span[1]


def _walk() -> Iterator[str]:
    walk = Walk()
    for entry in entries():
        yield from walk.step(entry)
    yield from walk.end()


def _read(sql: str, *values: int) -> list[tuple[Any, ...]]:
    """Rows, even when a damaged SQLite file holds texts that are no UTF-8: bytes that are none are kept as they are."""
    try:
        return rows_of(sql, *values)
    except sqlite3.OperationalError:  # from reading the rows, not from the query: no peewee around it
        pass
    connection: Any = db.connection()
    kept, connection.text_factory = connection.text_factory, lambda raw: raw.decode("utf-8", "surrogateescape")
    try:
        return rows_of(sql, *values)
    finally:
        connection.text_factory = kept


def _moments() -> Iterator[str]:
    """An entry's seal was set at the moment at which it was written."""
    sql = """SELECT e.id FROM journal_entry e JOIN journal_seal s ON s.entry_id = e.id
        WHERE s.sealed_at <> e.posted_at ORDER BY e.id"""
    for (entry,) in rows(sql):
        yield f"Journal entry {entry} was not sealed at the moment at which it says that it was written."


def _kept_balances() -> Iterator[str]:
    """What a link keeps of what is owed is what was posted, added to the link before."""
    sql = """SELECT matter_id, sequence, entry_id, kept, posted, balance, before FROM (
        SELECT l.matter_id, l.sequence, l.entry_id, l.debit_cents - l.credit_cents AS kept, COALESCE((
            SELECT SUM(p.amount_cents) FROM posting p WHERE p.entry_id = l.entry_id AND p.matter_id = l.matter_id
            AND p.account_code = 'receivable'), 0) AS posted, l.balance_cents AS balance,
            COALESCE(LAG(l.balance_cents) OVER (PARTITION BY l.matter_id ORDER BY l.sequence), 0) AS before
        FROM chain_link l) AS links
        WHERE balance <> kept + before OR kept <> posted ORDER BY matter_id, sequence"""
    for matter, sequence, entry, kept, posted, balance, before in rows(sql):
        yield (
            f"Number {sequence} in {name_of(matter)} (journal entry {entry}) keeps {bare(sum_of(kept))} and a balance "
            f"of {bare(balance)}: {bare(sum_of(posted))} was posted, after {bare(before)}."
        )


def _checkpoints() -> Iterator[str]:
    """Each checkpoint is the hash of its heads and of the one before; each head is still there."""
    sql = """SELECT h.checkpoint_number, h.matter_id, h.sequence, h.hash, l.hash FROM checkpoint_head h
        LEFT JOIN chain_link l ON l.matter_id = h.matter_id AND l.sequence = h.sequence
        WHERE l.hash IS NULL OR l.hash <> h.hash ORDER BY h.checkpoint_number, h.matter_id"""
    for number, matter, sequence, written, found in rows(sql):
        yield (
            f"Checkpoint {number} saw {written} as number {sequence} in {name_of(matter)}; "
            f"{f'it is {found} now' if found else 'it is gone'}."
        )
    before = (0, chain.START)
    for number, made_at, previous, written in rows("SELECT number, made_at, previous, hash FROM checkpoint ORDER BY 1"):
        heads = rows_of("SELECT matter_id, sequence, hash FROM checkpoint_head WHERE checkpoint_number = ?", number)
        yield from checkpoint_faults((number, str(made_at), previous, written), heads, before)
        before = (number, written)


def checkpoint_faults(found: tuple[int, str, str, str], heads: list[Any], before: tuple[int, str]) -> Iterator[str]:
    """What is wrong with a checkpoint (number, moment, hash before, hash) after ``before`` (number, hash)."""
    number, made_at, previous, written = found
    if number != before[0] + 1:
        yield f"Checkpoint {before[0] + 1} is missing."
    elif previous != before[1]:
        yield f"Checkpoint {number} follows {previous}, but the hash before it is {before[1]}."
    made = chain.checkpoint(number, made_at, previous, [tuple(head) for head in heads])
    if made != written:
        yield f"Checkpoint {number} has changed since it was made: its hash is {made}, and {written} was written."


CHECKS = (_walk, _moments, _kept_balances, _checkpoints)
