"""The tables of invoices, and their sums."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from peewee import BigIntegerField, CharField, DateField, DateTimeField, ForeignKeyField, IntegerField, TextField

from portal_app.db import BaseModel
from portal_app.domain.documents import Document
from portal_app.domain.matters import Matter
from portal_app.domain.people import FirmUser
from portal_app.domain.timekeeping import WorkItem


class Invoice(BaseModel):
    """A draft while ``number`` is null. Queries of this module add ``balance_cents``, ``is_void`` and
    ``is_adjusted``."""

    public_id = CharField(max_length=32)
    matter = ForeignKeyField(Matter, backref="invoices")
    number = CharField(max_length=20, null=True)
    note = TextField(default="")
    terms_days = IntegerField(default=30)
    issued_on = DateField(null=True)
    due_on = DateField(null=True)
    total_cents = BigIntegerField(default=0)
    currency = CharField(max_length=3)
    document = ForeignKeyField(Document, null=True, backref="+")
    created_at = DateTimeField()
    created_by = ForeignKeyField(FirmUser, null=True, backref="+")
    issued_at = DateTimeField(null=True)
    issued_by = ForeignKeyField(FirmUser, null=True, backref="+")

    balance_cents = 0
    is_void = False
    is_adjusted = False  # a credit note or write-off stands

    @property
    def is_draft(self) -> bool:
        return self.number is None

    def state(self, today: dt.date) -> str:
        """draft, void, paid, settled (nothing is owed, and not all of it was paid), overdue or open."""
        return "draft" if self.is_draft else state_of_issued(self, today)


def state_of_issued(row: Any, today: dt.date) -> str:
    """The same of an issued one, by its row in any list."""
    if row.is_void:
        return "void"
    if row.balance_cents <= 0:
        return "settled" if row.is_adjusted else "paid"
    return "overdue" if row.due_on < today else "open"


class InvoiceLine(BaseModel):
    """A line as it stood when the invoice was issued; for a draft, as the work stands now."""

    invoice = ForeignKeyField(Invoice, backref="lines")
    position = IntegerField()
    work_item = ForeignKeyField(WorkItem, backref="+")
    kind = CharField(max_length=10)
    worked_on = DateField()
    description = TextField()
    timekeeper_name = CharField(max_length=120)
    quantity_hundredths = BigIntegerField()
    rate_cents = BigIntegerField()
    amount_cents = BigIntegerField()


class InvoiceVoid(BaseModel):
    """The fact that an invoice no longer counts."""

    invoice = ForeignKeyField(Invoice, primary_key=True, backref="void")
    voided_at = DateTimeField()
    voided_by = ForeignKeyField(FirmUser, null=True, backref="+")
    reason = CharField(max_length=200)


class InvoiceAdjustment(BaseModel):
    """Less is owed on an issued invoice: a ``credit_note`` (numbered, with its paper) or ``written_off``; taken back,
    never edited. ``reason`` is for the firm."""

    invoice = ForeignKeyField(Invoice, backref="adjustments")
    kind = CharField(max_length=12)
    number = CharField(max_length=20, null=True)
    amount_cents = BigIntegerField()
    reason = CharField(max_length=200)
    key = CharField(max_length=64)
    made_at = DateTimeField()
    made_by = ForeignKeyField(FirmUser, backref="+")
    undone_at = DateTimeField(null=True)
    undone_by = ForeignKeyField(FirmUser, null=True, backref="+")
    document = ForeignKeyField(Document, null=True, backref="+")


@dataclass(frozen=True, slots=True)
class Totals:
    """Sums of an invoice's lines in cents; hours in hundredths."""

    hours_hundredths: int
    time_cents: int
    expense_cents: int
    flat_fee_cents: int

    @property
    def fee_cents(self) -> int:
        return self.time_cents + self.flat_fee_cents

    @property
    def total_cents(self) -> int:
        return self.fee_cents + self.expense_cents


def totals(lines: Sequence[InvoiceLine]) -> Totals:
    def of(kind: str) -> list[InvoiceLine]:
        return [line for line in lines if line.kind == kind]

    return Totals(
        hours_hundredths=sum(line.quantity_hundredths for line in of("time")),
        time_cents=sum(line.amount_cents for line in of("time")),
        expense_cents=sum(line.amount_cents for line in of("expense")),
        flat_fee_cents=sum(line.amount_cents for line in of("flat_fee")),
    )
