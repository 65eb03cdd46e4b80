"""The hash chain of each matter: every entry is linked to the one before it, in the transaction that writes it.

The format is :mod:`portal_app.chain`. The database refuses an entry without its links, and a link that does not follow
the last one of its chain; what it cannot compute, the hashes, ``portal verify`` proves.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from peewee import BigIntegerField, CharField, CompositeKey, ModelSelect

from portal_app import chain
from portal_app.db import BaseModel, is_sqlite, rows_of, run
from portal_app.domain.ledger.chart import RECEIVABLE
from portal_app.domain.ledger.models import JournalEntry, Leg
from portal_app.domain.matters import Matter
from portal_app.prepared import prepared

_LOCK = 7_246_302  # any constant: the advisory locks of chains on PostgreSQL
_LAST = "SELECT sequence, hash, balance_cents FROM chain_link WHERE matter_id = ? ORDER BY sequence DESC LIMIT 1"
_LINK = """INSERT INTO chain_link (matter_id, sequence, entry_id, previous, hash, debit_cents, credit_cents,
    balance_cents) VALUES (?, ?, ?, ?, ?, ?, ?, ?)"""


class ChainLink(BaseModel):
    """An entry's place in the chain of a matter (0: of no matter). ``debit_cents`` and ``credit_cents``: what
    it added to what the client owes on the matter, and what it took off; ``balance_cents``: what was owed then."""

    matter_id = BigIntegerField()
    sequence = BigIntegerField()
    entry_id = BigIntegerField()
    previous = CharField(max_length=64)
    hash = CharField(max_length=64)
    debit_cents = BigIntegerField()
    credit_cents = BigIntegerField()
    balance_cents = BigIntegerField()

    class Meta:
        primary_key = CompositeKey("matter_id", "sequence")


@dataclass(frozen=True, slots=True)
class Head:
    """The last link of a chain: its number, and the hash that stands for everything before it."""

    sequence: int
    hash: str
    balance_cents: int


NO_HEAD = Head(0, chain.START, 0)


def matters_of(legs: Iterable[Leg]) -> list[int]:
    """The chains that an entry belongs to: its matters', or 0."""
    return sorted({leg.matter_id for leg in legs if leg.matter_id is not None}) or [0]


def heads_to_follow(matter_ids: Sequence[int]) -> dict[int, Head]:
    """The last links, which nobody else may follow until this transaction ends. Writers on other matters do not wait;
    those on the same matters queue here, always in the same order."""
    if not is_sqlite():
        for matter in matter_ids:
            run("SELECT pg_advisory_xact_lock(?, ?)", _LOCK, matter % 2**31)
    return {matter: _last(matter) for matter in matter_ids}


def _last(matter_id: int) -> Head:
    rows = rows_of(_LAST, matter_id)
    return Head(*rows[0]) if rows else NO_HEAD


def follow(entry: JournalEntry, legs: Sequence[Leg], currency: str, heads: dict[int, Head]) -> None:
    """Write the entry's links behind ``heads``."""
    values = (
        entry.id, str(entry.posted_at), str(entry.occurred_on), entry.code, entry.description, entry.source,
        entry.reverses_id, entry.firm_user_id, entry.portal_user_id,
    )  # fmt: skip
    rows = [(leg.account, leg.matter_id, leg.invoice_id, currency, leg.amount_cents) for leg in legs]
    digest = chain.digest(chain.line_of(values, rows))
    for matter, head in heads.items():
        owed = [leg.amount_cents for leg in legs if leg.matter_id == matter and leg.account == RECEIVABLE]
        debit, credit = sum(cents for cents in owed if cents > 0), -sum(cents for cents in owed if cents < 0)
        made = chain.link(matter, head.sequence + 1, head.hash, digest)
        run(
            _LINK,
            matter,
            head.sequence + 1,
            entry.id,
            head.hash,
            made,
            debit,
            credit,
            head.balance_cents + debit - credit,
        )


def head_of(matter: Matter) -> Head:
    """The head of the matter's chain, for papers: whoever keeps it can prove that nothing before it has changed."""
    return _last(matter.id)


def links_of(entry: JournalEntry) -> list[ChainLink]:
    """The entry's place in each of its chains, by matter."""
    rows: list[ChainLink] = _links_of(entry.id)
    return rows


@prepared
def _links_of(entry_id: Any) -> ModelSelect:
    return ChainLink.select().where(ChainLink.entry_id == entry_id).order_by(ChainLink.matter_id)


def with_hash(text: str) -> list[ChainLink]:
    """The links whose hash begins with ``text`` (at least 8 of its digits), as a paper gives it."""
    wanted = text.strip().lower()
    if len(wanted) < 8 or not set(wanted) <= set("0123456789abcdef"):
        return []
    among = (ChainLink.hash >= wanted) & (ChainLink.hash <= wanted + "f" * (64 - len(wanted)))
    return list(ChainLink.select().where(among))
