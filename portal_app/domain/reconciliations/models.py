"""Tables of reconciliation: which lines of the bank are which postings of the books, and what was closed."""

from __future__ import annotations

import datetime as dt
import json
from functools import cached_property
from typing import Any

from peewee import BigIntegerField, CharField, DateField, DateTimeField, ForeignKeyField, TextField

from portal_app.db import BaseModel
from portal_app.domain.ledger import Posting
from portal_app.domain.payments import BankAccount
from portal_app.domain.people import FirmUser
from portal_app.domain.statements import BankStatement, StatementLine


class BankMatch(BaseModel):
    """Lines of the bank and postings of the books that are the same money: both sides have one sum. Without lines,
    postings that cancel each other; without postings, lines that do. ``cleared_on``: the day from which on it is
    settled. ``seal`` names the row that lets it be committed (see :class:`BankMatchSeal`)."""

    bank_account = ForeignKeyField(BankAccount, backref="+")
    cleared_on = DateField()
    made_at = DateTimeField()
    made_by = ForeignKeyField(FirmUser, null=True, backref="+")
    seal = CharField(max_length=40, null=True)


class BankMatchLine(BaseModel):
    line = ForeignKeyField(StatementLine, primary_key=True, backref="+")
    match = ForeignKeyField(BankMatch, backref="+")


class BankMatchPosting(BaseModel):
    posting = ForeignKeyField(Posting, primary_key=True, backref="+")
    match = ForeignKeyField(BankMatch, backref="+")


class BankMatchSeal(BaseModel):
    """Lets a match be committed: its trigger compares the two sums. From then on nothing joins it."""

    token = CharField(primary_key=True, max_length=40)
    match = ForeignKeyField(BankMatch, unique=True, backref="+")


class ReconciliationSignature(BaseModel):
    """Somebody has prepared a reconciliation and stands for exactly these figures, named by their hash."""

    statement = ForeignKeyField(BankStatement, backref="+")
    snapshot_sha256 = CharField(max_length=64)
    signed_by = ForeignKeyField(FirmUser, null=True, backref="+")
    signed_at = DateTimeField()


class Reconciliation(BaseModel):
    """A closed reconciliation: its figures in cents, which the database has compared with postings and lines, and
    ``snapshot``, everything its report says, as JSON. Never changed, never deleted."""

    bank_account = ForeignKeyField(BankAccount, backref="+")
    statement = ForeignKeyField(BankStatement, backref="+")
    fund = CharField(max_length=10)
    currency = CharField(max_length=3)
    starts_on = DateField()
    ends_on = DateField()
    statement_cents = BigIntegerField()
    in_transit_cents = BigIntegerField()
    outstanding_cents = BigIntegerField()
    at_gateways_cents = BigIntegerField()
    other_cents = BigIntegerField()
    adjusted_cents = BigIntegerField()
    book_cents = BigIntegerField()
    clients_cents = BigIntegerField()
    float_cents = BigIntegerField()
    snapshot = TextField()
    snapshot_sha256 = CharField(max_length=64)
    prepared_by = ForeignKeyField(FirmUser, null=True, backref="+")
    prepared_at = DateTimeField()
    closed_by = ForeignKeyField(FirmUser, null=True, backref="+")
    closed_at = DateTimeField()

    @cached_property
    def facts(self) -> dict[str, Any]:
        """The snapshot, read; days are days again."""
        found: dict[str, Any] = json.loads(self.snapshot)
        for name in ("in_transit", "outstanding", "gateways", "other", "clients"):
            for item in found[name]:
                key = "last_on" if name == "clients" else "day"
                item[key] = dt.date.fromisoformat(item[key])
                for later in ("place", "account", "of_cents"):  # version 1 had one sum for each gateway
                    item.setdefault(later, None)
        return found


class ReconciliationReport(BaseModel):
    """The report of a closed reconciliation as it was printed, once; ``sha256`` is of its bytes."""

    reconciliation = ForeignKeyField(Reconciliation, primary_key=True, backref="+")
    storage_key = CharField(max_length=120)
    size_bytes = BigIntegerField()
    sha256 = CharField(max_length=64)
    stored_at = DateTimeField()


class ReconciliationReopening(BaseModel):
    """An administrator has opened a closed period again, and why. The closing stays on record."""

    reconciliation = ForeignKeyField(Reconciliation, primary_key=True, backref="+")
    reason = CharField(max_length=200)
    reopened_by = ForeignKeyField(FirmUser, backref="+")
    reopened_at = DateTimeField()
