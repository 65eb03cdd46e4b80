"""The ledger: double entry in integer cents, debit plus, credit minus, append-only. Nothing else writes money.

The database refuses what is unbalanced, unsealed, late, edited or deleted (see migration 0004); this module makes
entries by recipe and reads balances, which are running totals that ``verify`` proves again from the postings.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from peewee import (
    JOIN,
    BigIntegerField,
    CharField,
    CompositeKey,
    DateField,
    DateTimeField,
    ForeignKeyField,
    IntegerField,
    IntegrityError,
    ModelSelect,
    Window,
    fn,
)

from portal_app import clock
from portal_app.db import BaseModel, db, sum_of, transaction
from portal_app.domain import matters, outbox
from portal_app.domain.matters import Matter
from portal_app.domain.people import Client, FirmUser, PortalUser
from portal_app.prepared import Prepared, prepared

RECEIVABLE, UNAPPLIED, SUSPENSE, FEES, COSTS = "receivable", "unapplied", "suspense", "fees", "costs"
REFUNDS, SURCHARGES, MERCHANT_FEES, DISPUTED = "refunds", "surcharges", "merchant_fees", "disputed"

# What each kind of entry is called in a matter's ledger.
CODES = {
    "invoice_issued": "Invoice",
    "invoice_voided": "Invoice voided",
    "portal_payment": "Paid from portal",
    "payment_mismatch": "Payment held for review",
    "payment_returned": "Held payment given back",
    "payment_bounced": "Payment returned by the bank",
    "refund": "Refunded",
    "refund_failed": "Refund that did not arrive",
    "dispute_opened": "Payment disputed",
    "dispute_won": "Dispute won",
    "dispute_lost": "Dispute lost",
    "gateway_costs": "Gateway's fees and payouts",
    "trust_deposit": "Trust deposit",
    "trust_disbursement": "Trust disbursement",
    "trust_refund": "Trust money given back",
    "trust_applied": "Paid from trust",
    "trust_transfer": "Trust transfer",
    "trust_returned": "Trust deposit returned",
    "trust_disputed": "Trust deposit disputed",
    "trust_dispute_won": "Trust deposit, dispute won",
    "trust_shortfall_replenished": "Shortfall replenished",
    "trust_float": "Firm's float in trust",
    "trust_bank_charge": "Bank charge on trust",
    "trust_payout": "Trust money paid out by a gateway",
    "trust_reversed": "Trust correction",
}


class AlreadyPosted(Exception):
    """There is an entry for this source fact; posting again changes nothing."""


class Unbalanced(ValueError):
    """The legs do not sum to zero."""


class Account(BaseModel):
    """An account of the chart. ``kind``: asset, liability, equity, income or expense; ``fund``: whose money."""

    code = CharField(primary_key=True, max_length=40)
    name = CharField(max_length=120)
    kind = CharField(max_length=10)
    fund = CharField(max_length=10)


class JournalEntry(BaseModel):
    """One change of money. ``source`` names the fact that it records ("invoice:17:issued"), once and for ever."""

    posted_at = DateTimeField()
    occurred_on = DateField()
    code = CharField(max_length=40)
    description = CharField(max_length=200)
    source = CharField(max_length=80)
    legs = IntegerField()
    reverses = ForeignKeyField("self", null=True, backref="+")
    firm_user = ForeignKeyField(FirmUser, null=True, backref="+")
    portal_user = ForeignKeyField(PortalUser, null=True, backref="+")


class JournalSeal(BaseModel):
    """Lets an entry be committed: its trigger checks the sum and the number of legs."""

    entry_id = BigIntegerField(primary_key=True)
    sealed_at = DateTimeField()


class Posting(BaseModel):
    """One leg: ``amount_cents`` on one account, debit plus, credit minus; for a matter and an invoice, if any."""

    entry = ForeignKeyField(JournalEntry, backref="postings")
    account = ForeignKeyField(Account, column_name="account_code", backref="+")
    matter = ForeignKeyField(Matter, null=True, backref="+")
    invoice_id = BigIntegerField(null=True)
    currency = CharField(max_length=3)
    amount_cents = BigIntegerField()


class RunningTotal(BaseModel):
    """The balance of an account for a matter and an invoice (0: none), kept by a trigger of the database."""

    account_code = CharField(max_length=40)
    matter_id = BigIntegerField()
    invoice_id = BigIntegerField()
    currency = CharField(max_length=3)
    balance_cents = BigIntegerField()

    class Meta:
        primary_key = CompositeKey("account_code", "matter_id", "invoice_id", "currency")


@dataclass(frozen=True, slots=True)
class Leg:
    """A posting to be made: debit plus, credit minus, in cents."""

    account: str
    amount_cents: int
    matter_id: int | None = None
    invoice_id: int | None = None


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a matter's ledger, from the client's side: what was owed more (debit) or less (credit)."""

    entry: JournalEntry
    debit_cents: int
    credit_cents: int
    balance_cents: int
    payer_name: str
    invoice_ids: tuple[int, ...]


def post(
    code: str, legs: Sequence[Leg], *, occurred_on: dt.date, description: str, source: str, currency: str,
    by: FirmUser | PortalUser | None = None, reverses: JournalEntry | None = None,
) -> JournalEntry:  # fmt: skip
    """Write one balanced entry. Joins the caller's transaction, in which the fact itself is written.

    Raises:
        Unbalanced: the legs do not sum to zero (the database would refuse it too).
        AlreadyPosted: there is an entry for ``source``.
    """
    legs = [leg for leg in legs if leg.amount_cents]
    if sum(leg.amount_cents for leg in legs) or len(legs) < 2 or code not in CODES:
        raise Unbalanced(f"{code}: {[(leg.account, leg.amount_cents) for leg in legs]}")
    now = clock.now()
    who = {"firm_user" if isinstance(by, FirmUser) else "portal_user": by} if by is not None else {}
    with transaction():
        if JournalEntry.select().where(JournalEntry.source == source).exists():
            raise AlreadyPosted(source)
        try:
            with db.atomic():
                entry = JournalEntry.create(
                    posted_at=now, occurred_on=occurred_on, code=code, description=description[:200], source=source,
                    legs=len(legs), reverses=reverses, **who,
                )  # fmt: skip
        except IntegrityError:
            raise AlreadyPosted(source) from None
        rows = [(entry.id, leg.account, leg.matter_id, leg.invoice_id, currency, leg.amount_cents) for leg in legs]
        fields = [
            Posting.entry, Posting.account, Posting.matter, Posting.invoice_id, Posting.currency, Posting.amount_cents,
        ]  # fmt: skip
        Posting.insert_many(rows, fields=fields).execute()
        JournalSeal.create(entry_id=entry.id, sealed_at=now, force_insert=True)
        outbox.announce("ledger_posted", entry.id)
    return entry


def reverse(
    entry: JournalEntry, *, code: str, occurred_on: dt.date, description: str, by: FirmUser | None = None
) -> JournalEntry:
    """The linked opposite of ``entry``: how everything is corrected."""
    legs = [Leg(row.account_code, -row.amount_cents, row.matter_id, row.invoice_id) for row in postings_of(entry)]
    currency = postings_of(entry)[0].currency
    return post(
        code, legs, occurred_on=occurred_on, description=description, source=f"{entry.source}:reversed",
        currency=currency, by=by, reverses=entry,
    )  # fmt: skip


def open_account(code: str, *, name: str, kind: str, fund: str) -> None:
    """Make sure that an account exists: the clearing account of a gateway, the books of a bank account."""
    Account.insert(code=code, name=name, kind=kind, fund=fund).on_conflict_ignore().execute()


def clearing(code: str) -> str:
    """The code of the clearing account of the gateway ``code``: taken there, not yet at the bank."""
    return f"clearing:{code}"


def bank(bank_account_id: int) -> str:
    """The code of the books of one of the firm's bank accounts."""
    return f"bank:{bank_account_id}"


def entry_of(source: str) -> JournalEntry:
    return JournalEntry.get(JournalEntry.source == source)


def find(who: FirmUser, entry_id: int) -> JournalEntry:
    """An entry that touches a matter which ``who`` may see."""
    seen = matters.visible_to(who).select(Matter.id)
    touched = Posting.select(Posting.entry).where(Posting.matter.in_(seen))
    return JournalEntry.get((JournalEntry.id == entry_id) & JournalEntry.id.in_(touched))


def reversal_of(entry: JournalEntry) -> JournalEntry | None:
    """The entry that took ``entry`` back, if one did."""
    return JournalEntry.get_or_none(JournalEntry.reverses == entry.id)


def postings_of(entry: JournalEntry) -> list[Posting]:
    """The legs with their accounts and matters, debits first."""
    query = (
        Posting.select(Posting, Account, Matter).join_from(Posting, Account).join_from(Posting, Matter, JOIN.LEFT_OUTER)
    )
    return list(query.where(Posting.entry == entry.id).order_by(Posting.id))


def entries_about(prefix: str) -> list[JournalEntry]:
    """The entries whose source is ``prefix`` and something more ("payment:17"), in order."""
    about = (JournalEntry.source >= f"{prefix}:") & (JournalEntry.source < f"{prefix};")
    return list(JournalEntry.select().where(about).order_by(JournalEntry.id))


def told_about(who: FirmUser, prefix: str) -> list[tuple[JournalEntry, bool]]:
    """The entries about ``prefix``, in order, each with whether ``who`` may open it: it touches a matter they see."""
    rows, seen = entries_about(prefix), matters.visible_to(who).select(Matter.id)
    among = Posting.entry.in_([row.id for row in rows]) & Posting.matter.in_(seen)
    shown = {row.entry_id for row in Posting.select(Posting.entry).where(among).distinct()}
    return [(row, row.id in shown) for row in rows]


def totals_about(prefix: str) -> list[Leg]:
    """What the entries about ``prefix`` come to, by account, matter and invoice, in the order of first booking."""
    about = (JournalEntry.source >= f"{prefix}:") & (JournalEntry.source < f"{prefix};")
    total, first = fn.SUM(Posting.amount_cents), fn.MIN(Posting.id)
    by = (Posting.account, Posting.matter, Posting.invoice_id)
    query = Posting.select(*by, total).join(JournalEntry).where(about).group_by(*by).order_by(first)
    return [Leg(code, sum_of(cents), matter, invoice) for code, matter, invoice, cents in query.tuples()]


# Balances


def _total(*conditions: object) -> int:
    query = RunningTotal.select(fn.SUM(RunningTotal.balance_cents))
    return sum_of(query.where(*conditions).scalar())


def invoice_balance(invoice_id: int) -> int:
    """What is still owed on an invoice, in cents."""
    return _total(RunningTotal.invoice_id == invoice_id, RunningTotal.account_code == RECEIVABLE)


def matter_balances(found: Sequence[Matter]) -> dict[int, int]:
    """What is owed on each of these matters in cents, by its id; one query. Nothing owed is left out."""
    total = RunningTotal.select(RunningTotal.matter_id, fn.SUM(RunningTotal.balance_cents))
    is_one = RunningTotal.matter_id.in_([matter.id for matter in found]) & (RunningTotal.account_code == RECEIVABLE)
    return {row[0]: sum_of(row[1]) for row in total.where(is_one).group_by(RunningTotal.matter_id).tuples()}


def client_balances(who: FirmUser, clients: Sequence[Client]) -> dict[int, int]:
    """What each of these clients owes in cents on the matters that ``who`` may open, by their id; one query."""
    seen = matters.visible_to(who).where(Matter.client.in_([client.id for client in clients])).select(Matter.id)
    total = RunningTotal.select(Matter.client, fn.SUM(RunningTotal.balance_cents))
    owed = total.join(Matter, on=(Matter.id == RunningTotal.matter_id)).where(
        RunningTotal.matter_id.in_(seen) & (RunningTotal.account_code == RECEIVABLE)
    )
    return {row[0]: sum_of(row[1]) for row in owed.group_by(Matter.client).tuples()}


def account_balance(code: str) -> int:
    """What stands on an account, in cents: debit plus, credit minus."""
    return _total(RunningTotal.account_code == code)


# A matter's ledger


def for_matter(
    matter: Matter, *, limit: int | None = 100, before_id: int | None = None, since: dt.date | None = None,
    until: dt.date | None = None, codes: Sequence[str] = (),
) -> list[Line]:  # fmt: skip
    """The matter's entries, newest first, with what the client owed after each. ``before_id`` pages on; days and
    ``codes`` leave lines out, but never change a balance."""
    values = (before_id, since, until, limit)
    rows = _lines(tuple(value is not None for value in values), tuple(codes))(matter.id, *values)
    invoices = _invoices_of(rows, matter)
    return [_line(row, invoices.get(row.id, ())) for row in rows]


@lru_cache(maxsize=64)
def _lines(is_given: tuple[bool, ...], codes: tuple[str, ...]) -> Prepared:
    """The query for those of the conditions that are given."""

    def build(matter_id: Any, before_id: Any, since: Any, until: Any, limit: Any) -> ModelSelect:
        owed = (
            Posting.select(Posting.entry, fn.SUM(Posting.amount_cents).alias("amount"))
            .where((Posting.matter == matter_id) & (Posting.account == RECEIVABLE))
            .group_by(Posting.entry)
            .alias("owed")
        )
        running = fn.SUM(owed.c.amount).over(order_by=[owed.c.entry_id], start=Window.preceding()).alias("balance")
        lines = owed.select_from(owed.c.entry_id, owed.c.amount, running).alias("lines")
        query = (
            JournalEntry.select(JournalEntry, PortalUser.name.alias("payer_name"), lines.c.amount, lines.c.balance)
            .join(lines, on=(lines.c.entry_id == JournalEntry.id))
            .join_from(JournalEntry, PortalUser, JOIN.LEFT_OUTER)
            .order_by(JournalEntry.id.desc())
            .objects()
        )
        days = (JournalEntry.occurred_on >= since, JournalEntry.occurred_on <= until)
        for is_used, condition in zip(is_given, (JournalEntry.id < before_id, *days), strict=False):
            query = query.where(condition) if is_used else query
        query = query.where(JournalEntry.code.in_(codes)) if codes else query
        return query.limit(limit) if is_given[-1] else query

    return prepared(build)


def _line(row: Any, invoice_ids: Iterable[int]) -> Line:
    amount = int(row.amount)
    return Line(row, max(amount, 0), max(-amount, 0), int(row.balance), row.payer_name or "", tuple(invoice_ids))


def _invoices_of(rows: Sequence[JournalEntry], matter: Matter) -> dict[int, list[int]]:
    found: dict[int, list[int]] = {}
    for row in _named(matter.id, rows[-1].id, rows[0].id) if rows else []:
        found.setdefault(row.entry_id, []).append(row.invoice_id)
    return found


@prepared
def _named(matter_id: Any, first_id: Any, last_id: Any) -> ModelSelect:
    """Which invoices the entries from ``first_id`` to ``last_id`` name."""
    query = Posting.select(Posting.entry, Posting.invoice_id).where(
        (Posting.entry >= first_id)
        & (Posting.entry <= last_id)
        & (Posting.matter == matter_id)
        & Posting.invoice_id.is_null(False)
    )
    return query.distinct().order_by(Posting.invoice_id)
