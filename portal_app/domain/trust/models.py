"""The tables of trust money. What each guard of the database refuses stands in migration 0013."""

from __future__ import annotations

import datetime as dt

from peewee import BigIntegerField, CharField, CompositeKey, DateField, DateTimeField, ForeignKeyField

from portal_app.db import BaseModel
from portal_app.domain.banks import BankAccount
from portal_app.domain.ledger import Account
from portal_app.domain.matters import Matter
from portal_app.domain.people import FirmUser

# What happened to trust money, and the code of its journal entry. "Out" needs a lawyer's authorisation.
CODES = {
    "receipt": "trust_deposit",
    "disbursement": "trust_disbursement",
    "refund": "trust_refund",
    "application": "trust_applied",
    "transfer": "trust_transfer",
    "return": "trust_returned",
    "dispute": "trust_disputed",
    "dispute_won": "dispute_won",
    "replenishment": "trust_shortfall_replenished",
    "float_in": "trust_float",
    "float_out": "trust_float",
    "charge": "trust_bank_charge",
    "reversal": "reversal",
}
OUT = ("disbursement", "refund", "application", "transfer")
METHODS = {
    "check": "Check",
    "wire": "Wire",
    "cash": "Cash",
    "card": "Card",
    "bank": "Bank account",
    "transfer": "Transfer",
    "book": "Book entry",
}


class TrustBook(BaseModel):
    """An account of the chart that belongs to the books of a trust bank account. ``part``: bank, clearing, ledger (the
    clients', by matter) or float (the firm's own)."""

    account = ForeignKeyField(Account, column_name="account_code", primary_key=True, backref="+")
    bank_account = ForeignKeyField(BankAccount, backref="+")
    part = CharField(max_length=10)


class TrustDay(BaseModel):
    """What an account came to at the end of ``day``, debit plus; for a matter's ledger, or 0. Kept by a trigger of the
    database, on the days on which something happened."""

    account_code = CharField(max_length=40)
    matter_id = BigIntegerField()
    day = DateField()
    balance_cents = BigIntegerField()

    class Meta:
        primary_key = CompositeKey("account_code", "matter_id", "day")


class TrustAuthorisation(BaseModel):
    """A lawyer's word that money may leave a ledger: how much, for whom and for what (T12). Used once."""

    key = CharField(max_length=64)
    kind = CharField(max_length=16)
    bank_account = ForeignKeyField(BankAccount, backref="+")
    matter = ForeignKeyField(Matter, backref="+")
    to_matter = ForeignKeyField(Matter, null=True, backref="+")
    invoice_id = BigIntegerField(null=True)
    amount_cents = BigIntegerField()
    payee = CharField(max_length=120)
    purpose = CharField(max_length=200)
    authorised_by = ForeignKeyField(FirmUser, backref="+")
    authorised_at = DateTimeField()
    withdrawn_by = ForeignKeyField(FirmUser, null=True, backref="+")
    withdrawn_at = DateTimeField(null=True)


class TrustMovement(BaseModel):
    """What happened, behind the one journal entry ``source``: ``party`` paid, or was paid (T11). ``of`` is the receipt
    that a bank took back, or the movement that a reversal corrects; ``clears_on`` the day from which a receipt may be
    spent (T09)."""

    source = CharField(max_length=80)
    key = CharField(max_length=64)
    kind = CharField(max_length=16)
    bank_account = ForeignKeyField(BankAccount, backref="+")
    matter = ForeignKeyField(Matter, null=True, backref="+")
    to_matter = ForeignKeyField(Matter, null=True, backref="+")
    invoice_id = BigIntegerField(null=True)
    amount_cents = BigIntegerField()
    occurred_on = DateField()
    party = CharField(max_length=120)
    purpose = CharField(max_length=200)
    method = CharField(max_length=16)
    reference = CharField(max_length=80, default="")
    authorisation = ForeignKeyField(TrustAuthorisation, null=True, backref="+")
    of = ForeignKeyField("self", null=True, backref="+")
    clears_on = DateField(null=True)
    recorded_by = ForeignKeyField(FirmUser, null=True, backref="+")
    created_at = DateTimeField()

    # What the queries of a ledger's lines add to a receipt: from when it may be spent, and whether its client was told.
    cleared_on: dt.date | None = None
    is_told = 0

    @property
    def method_name(self) -> str:
        return METHODS[self.method]


class TrustClearing(BaseModel):
    """A receipt that the bank has settled before the days of the rules were over (T09)."""

    movement = ForeignKeyField(TrustMovement, primary_key=True, backref="+")
    cleared_on = DateField()
    note = CharField(max_length=200)
    recorded_by = ForeignKeyField(FirmUser, null=True, backref="+")
    recorded_at = DateTimeField()


class TrustNotice(BaseModel):
    """The client was told of a receipt (T18)."""

    movement = ForeignKeyField(TrustMovement, primary_key=True, backref="+")
    told_at = DateTimeField()
    how = CharField(max_length=120)
    told_by = ForeignKeyField(FirmUser, null=True, backref="+")


class TrustIncident(BaseModel):
    """A ledger that a bank has taken below zero (T10); without a matter the firm's float. ``shortfall_cents``: by how
    much, when it happened. Open until the firm has replenished it."""

    source = CharField(max_length=80)
    bank_account = ForeignKeyField(BankAccount, backref="+")
    matter = ForeignKeyField(Matter, null=True, backref="+")
    shortfall_cents = BigIntegerField()
    opened_at = DateTimeField()
    closed_at = DateTimeField(null=True)
    closed_by = ForeignKeyField(FirmUser, null=True, backref="+")


class TrustHold(BaseModel):
    """Disputed money that stays where it is until a second person releases it (T19)."""

    key = CharField(max_length=64)
    bank_account = ForeignKeyField(BankAccount, backref="+")
    matter = ForeignKeyField(Matter, backref="+")
    amount_cents = BigIntegerField()
    reason = CharField(max_length=200)
    held_by = ForeignKeyField(FirmUser, backref="+")
    held_at = DateTimeField()
    released_by = ForeignKeyField(FirmUser, null=True, backref="+")
    released_at = DateTimeField(null=True)
    release_note = CharField(max_length=200, default="")


class TrustPolicy(BaseModel):
    """Which rule pack the firm works by; the newest row is in force."""

    pack = CharField(max_length=30)
    float_cap_cents = BigIntegerField()
    chosen_by = ForeignKeyField(FirmUser, null=True, backref="+")
    chosen_at = DateTimeField()


def is_out(movement: TrustMovement) -> bool:
    """Whether money left a client's ledger by the firm's own doing."""
    return movement.kind in OUT
