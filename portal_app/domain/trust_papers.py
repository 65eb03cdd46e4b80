"""What a client gets to read about their money in trust: a receipt for every one that came (T11, T18), and a statement
of a matter's ledger that says what covers it (T17)."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from peewee import SQL, Case, CharField, DateTimeField, ForeignKeyField, ModelSelect, Select, fn

from portal_app import clock
from portal_app.db import BaseModel, sum_of, transaction
from portal_app.domain import documents, firms, ledger, matters, trust
from portal_app.domain.banks import BankAccount
from portal_app.domain.documents import SeenMatter
from portal_app.domain.ledger import AccountTotal, Head, Posting
from portal_app.domain.matters import InvoiceRecipient, Matter
from portal_app.domain.people import PortalUser, new_public_id
from portal_app.domain.trust import TrustBook, TrustDay, TrustMovement
from portal_app.domain.trust.books import turn
from portal_app.prepared import prepared_as

OUTSIDE = "trust:"  # how the sources of receipts begin that staff have entered


class TrustReceipt(BaseModel):
    """The receipt of money that staff have entered; what came through the portal has its payment's. ``paper_key`` names
    its stored bytes."""

    movement = ForeignKeyField(TrustMovement, primary_key=True, backref="+")
    public_id = CharField(max_length=32)
    number = CharField(max_length=20)
    paper_key = CharField(max_length=120, default="")
    made_at = DateTimeField()


def receipt_for(movement: TrustMovement) -> TrustReceipt | None:
    """The receipt of what staff have entered, with its number; made when it is first asked for. ``None`` for anything
    else."""
    if movement.kind != "receipt" or not str(movement.source).startswith(OUTSIDE):
        return None
    with transaction():
        turn(movement.bank_account)
        found: TrustReceipt | None = TrustReceipt.get_or_none(TrustReceipt.movement == movement.id)
        if found is not None:
            return found
        number = firms.trust_receipt_number(clock.today(firms.current().time_zone).year)
        return TrustReceipt.create(
            movement=movement, public_id=new_public_id(), number=number, made_at=clock.now(), force_insert=True
        )


def keep_paper(receipt: TrustReceipt, storage_key: str) -> bool:
    """Note where the receipt's bytes lie, once. ``False``: there is one already."""
    with transaction():
        is_first = (TrustReceipt.movement == receipt.movement_id) & (TrustReceipt.paper_key == "")
        return bool(TrustReceipt.update(paper_key=storage_key).where(is_first).execute())


def find_receipt_for(who: PortalUser, public_id: str) -> TrustReceipt:
    """A receipt on a matter whose trust account ``who`` may read."""
    mine = [matter.id for matter in matters.read_in_trust_by(who)]
    query = TrustReceipt.select(TrustReceipt, TrustMovement).join(TrustMovement)
    return query.where((TrustReceipt.public_id == public_id) & TrustMovement.matter.in_(mine)).get()


def receipts_of(movement_ids: Collection[int]) -> dict[int, TrustReceipt]:
    """The receipts of these movements, by the movement's id; one query."""
    query = TrustReceipt.select().where(TrustReceipt.movement.in_(list(movement_ids)))
    return {row.movement_id: row for row in query} if movement_ids else {}


def held_after(movement: TrustMovement) -> int:
    """What was held on the matter in that trust account right after a movement, in cents."""
    code, entry = ledger.client_money(movement.bank_account_id), trust.entry_of(movement)
    upto = (Posting.account == code) & (Posting.matter == movement.matter_id) & (Posting.entry <= entry.id)
    return -sum_of(Posting.select(fn.SUM(Posting.amount_cents)).where(upto).scalar())


class HeldMatter(NamedTuple):
    """A matter on which something is held in trust."""

    name: str
    held_cents: int


def matters_of(who: PortalUser, on: dt.date) -> tuple[tuple[SeenMatter, ...], list[HeldMatter]]:
    """The matters of which ``who`` can see something now; and those whose trust account they may read and on which
    something is held at the end of ``on``. Both by name; one query."""
    rows = _matters_of(who.id, on)
    seen = tuple(SeenMatter(row.number, row.name) for row in rows if row.is_seen)
    held = [HeldMatter(row.name, -sum_of(row.there)) for row in rows]
    return seen, [row for row in held if row.held_cents > 0]


class _Reading(NamedTuple):
    """``there`` is the sum of the ledger accounts of the money that is held, a credit."""

    number: str
    name: str
    is_seen: int
    there: Any


@prepared_as(_Reading)
def _matters_of(who_id: Any, on: Any) -> ModelSelect:
    yes, no = SQL("1"), SQL("0")
    papers, events = documents.seen_by(who_id, yes.alias("seen"), no.alias("read"))
    reads = (InvoiceRecipient.portal_user == who_id) & InvoiceRecipient.reads_trust
    every = papers + events + InvoiceRecipient.select(InvoiceRecipient.matter, no, yes).where(reads)
    every = every.alias("every")
    one = (every.c.matter_id, fn.MAX(every.c.seen).alias("is_seen"), fn.MAX(every.c.read).alias("is_read"))
    theirs = Select([every], one).group_by(every.c.matter_id).alias("theirs")
    later = TrustDay.alias()
    is_later = (later.account_code == TrustDay.account_code) & (later.matter_id == TrustDay.matter_id)
    is_later &= (later.day > TrustDay.day) & (later.day <= on)
    is_last = (TrustBook.part == "ledger") & (TrustDay.matter_id == Matter.id) & (TrustDay.day <= on)
    is_last &= ~fn.EXISTS(later.select(later.day).where(is_later))
    lines = TrustDay.select(fn.SUM(TrustDay.balance_cents))
    there = lines.join(TrustBook, on=(TrustBook.account == TrustDay.account_code)).where(is_last)
    query = Matter.select(
        Matter.number, Matter.name, theirs.c.is_seen,
        Case(None, [(theirs.c.is_read == 1, there)], 0).alias("there"),
    ).join(theirs, on=(theirs.c.matter_id == Matter.id))  # fmt: skip
    return query.order_by(Matter.name, Matter.id)


# Statements


@dataclass(frozen=True, slots=True)
class Cover:
    """What covers a client's line: all clients' ledgers of a trust account and the firm's own money there are what the
    books have at the bank and at gateways. Cents."""

    ledgers_cents: int
    float_cents: int
    bank_cents: int
    clearing_cents: int

    @property
    def book_cents(self) -> int:
        return self.bank_cents + self.clearing_cents

    @property
    def is_whole(self) -> bool:
        return self.ledgers_cents + self.float_cents == self.book_cents


@dataclass(frozen=True, slots=True)
class Statement:
    """A matter's money in one trust account over a period, where it stands now, and what covers it. ``head``: the last
    link of the matter's chain, by which its paper proves the books."""

    matter: Matter
    accounting: trust.Accounting
    standing: trust.Standing
    cover: Cover
    receipts: dict[int, TrustReceipt]
    head: Head

    @property
    def account(self) -> BankAccount:
        return self.accounting.bank_account


def cover_of(account: BankAccount) -> Cover:
    """Where a trust account stands as a whole, from the books."""
    query = (
        AccountTotal.select(TrustBook.part, fn.SUM(AccountTotal.balance_cents))
        .join(TrustBook, on=(TrustBook.account == AccountTotal.account_code))
        .where(TrustBook.bank_account == account.id)
        .group_by(TrustBook.part)
    )
    sums = {part: sum_of(cents) for part, cents in query.tuples()}
    return Cover(-sums.get("ledger", 0), -sums.get("float", 0), sums.get("bank", 0), sums.get("clearing", 0))


def statements(mine: Sequence[Matter], since: dt.date, until: dt.date) -> list[Statement]:
    """A statement of each trust account in which these matters have, or had, money."""
    today, found = clock.today(firms.current().time_zone), []
    for matter in mine:
        used, head = {row.id for row in trust.accounts_of(matter)}, ledger.head_of(matter)
        for standing in (row for row in trust.standings(matter, today) if row.bank_account.id in used):
            accounting = trust.accounting(matter, standing.bank_account, since, until)
            receipts = receipts_of([line.movement.id for line in accounting.lines])
            found.append(Statement(matter, accounting, standing, cover_of(standing.bank_account), receipts, head))
    return found
