"""The tables of the ledger. The database refuses what is unbalanced, unsealed, late, edited or deleted (see the
migrations 0004 and 0010)."""

from __future__ import annotations

from dataclasses import dataclass

from peewee import (
    SQL,
    BigIntegerField,
    CharField,
    CompositeKey,
    DateField,
    DateTimeField,
    ForeignKeyField,
    IntegerField,
)

from portal_app.db import BaseModel
from portal_app.domain.matters import Matter
from portal_app.domain.people import FirmUser, PortalUser


class AlreadyPosted(Exception):
    """There is an entry for this source fact; posting again changes nothing."""


class Unbalanced(ValueError):
    """The legs do not sum to zero, or do not fit the recipe of their code."""


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
    """The balance of an account for a matter and an invoice (0: none), kept by a trigger of the database. What names
    no matter is in :class:`AccountTotal` alone."""

    account_code = CharField(max_length=40)
    matter_id = BigIntegerField()
    invoice_id = BigIntegerField()
    currency = CharField(max_length=3)
    balance_cents = BigIntegerField()

    class Meta:
        primary_key = CompositeKey("account_code", "matter_id", "invoice_id", "currency")


# In these very words, since the index of what is open (migration 0036) is for them.
IS_OWED = RunningTotal.balance_cents > SQL("0")


class AccountTotal(BaseModel):
    """What came onto an account in a month ("2026-01", of ``occurred_on``), in one or several rows, kept by a trigger
    of the database: writers at the same moment take different ``slot``s."""

    account_code = CharField(max_length=40)
    currency = CharField(max_length=3)
    month = CharField(max_length=7)
    slot = BigIntegerField()
    balance_cents = BigIntegerField()

    class Meta:
        primary_key = CompositeKey("account_code", "currency", "month", "slot")


@dataclass(frozen=True, slots=True)
class Leg:
    """A posting to be made: debit plus, credit minus, in cents."""

    account: str
    amount_cents: int
    matter_id: int | None = None
    invoice_id: int | None = None
