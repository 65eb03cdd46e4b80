"""What clients owe, by how long it is overdue. The sum is what stands on accounts receivable."""

from __future__ import annotations

import datetime as dt
from typing import Any

from peewee import JOIN, Case, ModelSelect, fn

from portal_app.db import sum_of
from portal_app.domain.invoices import Invoice
from portal_app.domain.ledger import RECEIVABLE, JournalEntry, Posting, RunningTotal
from portal_app.domain.matters import Matter
from portal_app.domain.people import Client, FirmUser
from portal_app.domain.reports import grouping
from portal_app.domain.reports.definition import Chart, Column, Link, Report, Row, Table, Wanted, narrowed, totals_of
from portal_app.domain.today import AGES

AGE_COLUMNS = tuple(
    Column(key, title, "money")
    for key, title in zip(("not_due", "days_1_30", "days_31_60", "days_61_90", "days_over_90"), AGES, strict=True)
)
INVOICES = (
    Column("invoice", "Invoice", "code"), Column("client", "Client"), Column("matter", "Matter", "code"),
    Column("attorney", "Responsible attorney"), Column("issued_on", "Issued", "day"), Column("due_on", "Due", "day"),
    Column("days_overdue", "Days overdue", "count"), Column("age", "Age"), Column("total", "Invoice total", "money"),
    Column("balance", "Owed", "money"),
)  # fmt: skip


def build(who: FirmUser | None, wanted: Wanted) -> Table:
    return _by_invoice(who, wanted) if wanted.by == "invoice" else _by_age(who, wanted)


def _age(day: dt.date) -> Any:
    """The number of the age; an amount without an invoice is not due."""
    limits = [day - dt.timedelta(days=days) for days in (0, 30, 60, 90)]
    steps = [(Invoice.due_on.is_null() | (Invoice.due_on >= limit), at) for at, limit in enumerate(limits)]
    return Case(None, steps, len(limits))


def _owed(who: FirmUser | None, wanted: Wanted) -> tuple[ModelSelect, Any]:
    """What is owed on each invoice, with everything that stands around it; and the column with the cents. From the
    kept totals, or, as of a day that is over, from the postings until then."""
    source: Any = RunningTotal
    if wanted.until is not None:
        total = fn.SUM(Posting.amount_cents).alias("balance_cents")
        summed = Posting.select(Posting.matter, Posting.invoice_id, total).join(JournalEntry)
        is_before = (Posting.account == RECEIVABLE) & (JournalEntry.occurred_on <= wanted.until)
        source = summed.where(is_before).group_by(Posting.matter, Posting.invoice_id).alias("owed")
        query = Matter.select().join_from(Matter, source, on=(source.c.matter_id == Matter.id))
        columns = source.c
    else:
        query = Matter.select().join_from(Matter, source, on=(source.matter_id == Matter.id))
        query, columns = query.where(source.account_code == RECEIVABLE), source
    query = query.join_from(Matter, Invoice, JOIN.LEFT_OUTER, on=(columns.invoice_id == Invoice.id))
    query = query.join_from(Matter, Client).where(columns.balance_cents != 0)
    query = query.join_from(Matter, FirmUser, JOIN.LEFT_OUTER, on=(Matter.responsible_attorney == FirmUser.id))
    query = grouping.narrow(query, who, wanted)
    return (query if wanted.age is None else query.where(_age(wanted.day) == wanted.age)), columns.balance_cents


def _by_age(who: FirmUser | None, wanted: Wanted) -> Table:
    query, cents = _owed(who, wanted)
    age = _age(wanted.day)
    found = grouping.sums(query, wanted.by, *(fn.SUM(Case(None, [(age == at, cents)], 0)) for at in range(len(AGES))))
    columns = (*grouping.BY[wanted.by].columns, *AGE_COLUMNS, Column("owed", "Owed", "money"))
    rows = [_row(wanted.by, key, ages) for key, ages in found.items()]
    ages = [sum(each) for each in zip(*found.values(), strict=True)] or [0] * len(AGES)
    return Table(columns, rows, totals_of(columns, rows), _chart(ages))


def _row(by: str, key: grouping.Key, ages: list[int]) -> Row:
    links = {}
    if key[0] is not None:
        all_of_it = narrowed(by="invoice", **{f"{by}_id": int(key[0])})
        links = {column.key: Link(changes=(*all_of_it.changes, ("age", at))) for at, column in enumerate(AGE_COLUMNS)}
        links["owed"] = all_of_it
    return Row((*grouping.label(by, key), *ages, sum(ages)), grouping.link(by, key, "invoice"), links)


def _chart(ages: list[int]) -> Chart:
    points = tuple((name, (cents,)) for name, cents in zip(AGES, ages, strict=True))
    return Chart("bars", "Owed, by age", ("Owed",), points)


def _by_invoice(who: FirmUser | None, wanted: Wanted) -> Table:
    query, cents = _owed(who, wanted)
    query = query.select(
        Invoice.id, Invoice.number, Client.name, Matter.number, FirmUser.name, Invoice.issued_on, Invoice.due_on,
        Invoice.total_cents, _age(wanted.day), cents,
    )  # fmt: skip
    rows, ages = [], [0] * len(AGES)
    for invoice_id, number, client, matter, attorney, issued, due, total, age, owed in query.order_by(
        Invoice.due_on, Invoice.id
    ).tuples():
        late = max((wanted.day - due).days, 0) if due else 0
        about = (number or "", client, matter, attorney or grouping.NOBODY, issued, due, late, AGES[int(age)])
        ages[int(age)] += sum_of(owed)
        rows.append(Row((*about, total or 0, sum_of(owed)), Link("invoice", invoice_id) if invoice_id else None))
    totals = (None,) * 8 + totals_of(INVOICES, rows)[8:]
    return Table(INVOICES, rows, totals, _chart(ages))


REPORT = Report(
    "receivables", "Receivables by age", "What clients owe on invoices, and how long it is overdue.",
    {"client": "Client", "attorney": "Responsible attorney", "matter": "Matter", "invoice": "Invoice"}, build,
    has_period=False,
)  # fmt: skip
