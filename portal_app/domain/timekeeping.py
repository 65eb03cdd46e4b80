"""Work done for a matter: time entries, expenses and flat fees; and what of it is unbilled."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection
from typing import Any

from peewee import (
    BigIntegerField,
    BooleanField,
    CharField,
    DateField,
    DateTimeField,
    ForeignKeyField,
    IntegrityError,
    ModelSelect,
    TextField,
    fn,
)

from portal_app import clock
from portal_app.db import BaseModel, db, sum_of, transaction
from portal_app.domain import matters
from portal_app.domain.errors import Refused
from portal_app.domain.matters import Matter
from portal_app.domain.once import once
from portal_app.domain.people import FirmUser
from portal_app.domain.readers import prepared_for
from portal_app.prepared import prepared

KINDS = {"time": "Time", "expense": "Expense", "flat_fee": "Flat fee"}


class WorkItem(BaseModel):
    """A time entry, an expense or a flat fee.

    ``quantity_hundredths`` are hundredths of an hour, or of a unit; ``rate_cents`` is for one hour or unit;
    ``billed_invoice_id`` is the issued invoice that bills it, and nothing can bill it twice; the codes are UTBMS's.
    """

    matter = ForeignKeyField(Matter, backref="work")
    kind = CharField(max_length=10)
    timekeeper = ForeignKeyField(FirmUser, backref="+")
    worked_on = DateField()
    description = TextField()
    quantity_hundredths = BigIntegerField()
    rate_cents = BigIntegerField()
    amount_cents = BigIntegerField()
    is_billable = BooleanField(default=True)
    billed_invoice_id = BigIntegerField(null=True)
    task_code = CharField(max_length=5, default="")
    activity_code = CharField(max_length=5, default="")
    expense_code = CharField(max_length=5, default="")
    created_at = DateTimeField()
    created_by = ForeignKeyField(FirmUser, null=True, backref="+")
    key = CharField(max_length=32, null=True)

    @property
    def is_billed(self) -> bool:
        return self.billed_invoice_id is not None


def amount_of(quantity_hundredths: int, rate_cents: int) -> int:
    """Hundredths times cents, to whole cents, half up: what a client would compute."""
    return (quantity_hundredths * rate_cents + 50) // 100


def record(
    matter: Matter, *, kind: str, timekeeper: FirmUser, worked_on: dt.date, description: str,
    quantity_hundredths: int = 100, rate_cents: int, is_billable: bool = True, by: FirmUser, key: str | None = None,
    **codes: str,
) -> WorkItem:  # fmt: skip
    """Write down work. ``not_billable`` matters take none that is to be billed. The same ``key`` (made with the form)
    is the same item. ``codes``: ``task_code``, ``activity_code``, ``expense_code``, each of which may be left out."""
    if not matter.is_open:
        raise Refused("This matter is closed. Reopen it to record work.")
    said = {
        "matter": matter, "kind": kind, "timekeeper": timekeeper, "worked_on": worked_on, "description": description,
        "quantity_hundredths": quantity_hundredths, "rate_cents": rate_cents,
        "is_billable": is_billable and matter.billing_method != "not_billable", **codes,
    }  # fmt: skip
    return once(
        WorkItem.key, key, said=said,
        make=lambda: WorkItem.create(
            **said, amount_cents=amount_of(quantity_hundredths, rate_cents), created_by=by, created_at=clock.now(),
            key=key,
        ),
    )  # fmt: skip


def change(item: WorkItem, **values: object) -> None:
    """Correct an unbilled item.

    Raises:
        Refused: it is on an issued invoice, which never changes.
    """
    with transaction():
        _refuse_billed(item)
        for name, value in values.items():
            setattr(item, name, value)
        item.amount_cents = amount_of(item.quantity_hundredths, item.rate_cents)
        item.save(only=[*values, "amount_cents"])


def remove(item: WorkItem) -> None:
    """Take back an unbilled item.

    Raises:
        Refused: it stands on an issued invoice, which never changes, also when it was voided.
    """
    with transaction():
        _refuse_billed(item)
        try:
            with db.atomic():
                item.delete_instance()
        except IntegrityError:  # the database keeps the lines of an issued invoice, and what they are of
            raise Refused(
                "This stood on an invoice that was voided, and stays with it. To keep it off the next invoice, "
                "edit it and take the mark off “Bill this to the client”."
            ) from None


def _refuse_billed(item: WorkItem) -> None:
    fresh = WorkItem.get_by_id(item.id)
    if fresh.is_billed:
        raise Refused("This is on an issued invoice and can no longer be changed. Void the invoice to correct it.")


def for_matter(matter: Matter, limit: int = 200, offset: int = 0) -> list[WorkItem]:
    """Work of the matter, the newest first, with timekeepers."""
    return _of_matter(matter.id, limit, offset)


@prepared
def _of_matter(matter_id: Any, limit: Any, offset: Any) -> ModelSelect:
    query = WorkItem.select(WorkItem, FirmUser).join(FirmUser, on=(WorkItem.timekeeper == FirmUser.id))
    order = (WorkItem.worked_on.desc(), WorkItem.id.desc())
    return query.where(WorkItem.matter == matter_id).order_by(*order).limit(limit).offset(offset)


def recent(who: FirmUser, limit: int = 50, offset: int = 0) -> list[WorkItem]:
    """The latest work on the matters that ``who`` may see, with timekeepers and matters."""
    return _recent(who, limit, offset)


@prepared_for
def _recent(who: Any, limit: Any, offset: Any) -> ModelSelect:
    query = (
        WorkItem.select(WorkItem, FirmUser, Matter)
        .join_from(WorkItem, FirmUser, on=(WorkItem.timekeeper == FirmUser.id))
        .join_from(WorkItem, Matter)
        .where(matters.sees(who, WorkItem.matter))
    )
    return query.order_by(WorkItem.worked_on.desc(), WorkItem.id.desc()).limit(limit).offset(offset)


def find(matter: Matter, item_id: int) -> WorkItem:
    return WorkItem.get((WorkItem.id == item_id) & (WorkItem.matter == matter.id))


def _is_unbilled() -> object:
    return WorkItem.billed_invoice_id.is_null() & WorkItem.is_billable


def unbilled(matter: Matter) -> list[WorkItem]:
    """Billable work of the matter that is on no issued invoice, oldest first, with timekeepers."""
    query = WorkItem.select(WorkItem, FirmUser).join(FirmUser, on=(WorkItem.timekeeper == FirmUser.id))
    return list(query.where((WorkItem.matter == matter.id) & _is_unbilled()).order_by(WorkItem.worked_on, WorkItem.id))


def unbilled_cents(matter: Matter) -> int:
    """What unbilled work of the matter comes to."""
    return sum_of(_unbilled_sum.first(matter.id).total)


@prepared
def _unbilled_sum(matter_id: Any) -> ModelSelect:
    total = WorkItem.select(fn.SUM(WorkItem.amount_cents).alias("total"))
    return total.where((WorkItem.matter == matter_id) & _is_unbilled())


def unbilled_summary(who: FirmUser) -> tuple[int, int]:
    """How many matters (that ``who`` may see) have unbilled work, and its sum in cents."""
    count, total = unbilled_query(who).tuples().get()
    return int(count), sum_of(total)


def unbilled_query(who: FirmUser) -> ModelSelect:
    """The query for that: one row."""
    query = WorkItem.select(fn.COUNT(WorkItem.matter.distinct()), fn.SUM(WorkItem.amount_cents))
    return query.where(_is_unbilled() & matters.sees(who, WorkItem.matter))


def bill(item_ids: Collection[int], invoice_id: int) -> None:
    """Mark work as billed by an invoice that is being issued, all or nothing.

    Raises:
        Refused: some of it was billed in the meantime.
    """
    free = WorkItem.id.in_(list(item_ids)) & WorkItem.billed_invoice_id.is_null()
    if WorkItem.update(billed_invoice_id=invoice_id).where(free).execute() != len(item_ids):
        raise Refused("Some of this work is on another invoice already. Choose the lines again.", "lines")


def unbill(invoice_id: int) -> None:
    """A voided invoice's work can be billed again."""
    WorkItem.update(billed_invoice_id=None).where(WorkItem.billed_invoice_id == invoice_id).execute()
