"""Tables of the bank's side: statements, their lines, and how each account's files are to be read."""

from __future__ import annotations

from peewee import BigIntegerField, CharField, DateField, DateTimeField, ForeignKeyField, IntegerField, TextField

from portal_app.db import BaseModel
from portal_app.domain.payments import BankAccount
from portal_app.domain.people import FirmUser

# What a line of the bank can be that the books need not have; the key is kept with the line.
EXPLANATIONS = {"bank_error": "The bank’s error, to be put right by the bank"}


class BankStatement(BaseModel):
    """A bank's file. Until it is imported only the file is there; then its days, balances and new lines are too."""

    bank_account = ForeignKeyField(BankAccount, backref="+")
    key = CharField(max_length=64)
    file_name = CharField(max_length=120)
    storage_key = CharField(max_length=120)
    size_bytes = BigIntegerField()
    sha256 = CharField(max_length=64)
    format = CharField(max_length=10)
    uploaded_at = DateTimeField()
    uploaded_by = ForeignKeyField(FirmUser, null=True, backref="+")
    starts_on = DateField(null=True)
    ends_on = DateField(null=True)
    opening_cents = BigIntegerField(null=True)
    closing_cents = BigIntegerField(null=True)
    imported_at = DateTimeField(null=True)
    imported_by = ForeignKeyField(FirmUser, null=True, backref="+")

    @property
    def is_imported(self) -> bool:
        return self.imported_at is not None


class StatementLine(BaseModel):
    """One movement at the bank, plus into the account. ``kind`` is ``opening`` for the balance that the first
    statement of an account brings along. ``identity`` is the bank's own id or a hash of what the line says."""

    statement = ForeignKeyField(BankStatement, backref="+")
    bank_account = ForeignKeyField(BankAccount, backref="+")
    position = IntegerField()
    kind = CharField(max_length=10, default="line")
    booked_on = DateField()
    description = CharField(max_length=300)
    reference = CharField(max_length=80, default="")
    amount_cents = BigIntegerField()
    identity = CharField(max_length=80)
    explanation = CharField(max_length=20, default="")
    note = CharField(max_length=200, default="")
    explained_at = DateTimeField(null=True)
    explained_by = ForeignKeyField(FirmUser, null=True, backref="+")


class StatementMapping(BaseModel):
    """How the tables of one bank account are read, as JSON (see :class:`tables.Mapping`); the last import's."""

    bank_account = ForeignKeyField(BankAccount, primary_key=True, backref="+")
    mapping = TextField()
    saved_at = DateTimeField()
    saved_by = ForeignKeyField(FirmUser, null=True, backref="+")
