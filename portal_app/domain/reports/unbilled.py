"""Billable work that is on no issued invoice yet."""

from __future__ import annotations

from typing import Any

from peewee import JOIN, Case, ModelSelect, fn

from portal_app.db import date_of, sum_of
from portal_app.domain.people import FirmUser
from portal_app.domain.reports import grouping
from portal_app.domain.reports.definition import Column, Link, Report, Row, Table, Wanted, bars, narrowed, totals_of
from portal_app.domain.timekeeping import WorkItem

FIGURES = (
    Column("hours", "Hours", "hours"), Column("time", "Time", "money"), Column("flat_fees", "Flat fees", "money"),
    Column("expenses", "Expenses", "money"), Column("unbilled", "Unbilled", "money"),
)  # fmt: skip
OLDEST = Column("oldest", "Oldest", "day")
TIMEKEEPER = FirmUser.alias("timekeeper")


def work(who: FirmUser | None, wanted: Wanted) -> ModelSelect:
    """The work itself, done on these days."""
    query = WorkItem.select().where(WorkItem.billed_invoice_id.is_null() & WorkItem.is_billable)
    query = query.where(WorkItem.worked_on >= wanted.since) if wanted.since else query
    query = query.where(WorkItem.worked_on <= wanted.until) if wanted.until else query
    query = query.where(WorkItem.timekeeper == wanted.timekeeper_id) if wanted.timekeeper_id else query
    return grouping.narrow(grouping.joined(query, WorkItem.matter), who, wanted)


def build(who: FirmUser | None, wanted: Wanted) -> Table:
    if wanted.by == "timekeeper":
        fields: Any = (TIMEKEEPER.id, TIMEKEEPER.name)
        order: Any = (TIMEKEEPER.name, TIMEKEEPER.id)
        first: tuple[Column, ...] = (Column("timekeeper", "Timekeeper"),)
    else:
        group = grouping.BY[wanted.by]
        fields, order, first = group.fields, group.order, group.columns
    query = work(who, wanted).join_from(WorkItem, TIMEKEEPER, JOIN.INNER, on=(WorkItem.timekeeper == TIMEKEEPER.id))
    found = query.select(*fields, *_sums(), fn.MIN(WorkItem.worked_on)).group_by(*fields).order_by(*order).tuples()
    columns = (*first, *FIGURES, OLDEST)
    rows, figures = [], []
    for row in found:
        key, cells = tuple(row[: len(fields)]), tuple(sum_of(value) for value in row[len(fields) : -1])
        rows.append(Row((*_label(wanted.by, key), *cells, date_of(row[-1])), _link(wanted.by, key)))
        figures.append((grouping.name_of(wanted.by, key), cells[-1]))
    return Table(columns, rows, totals_of(columns, rows), bars("Unbilled work", "Unbilled", figures))


def _sums() -> tuple[Any, ...]:
    def of(kind: str, value: Any) -> Any:
        return fn.SUM(Case(None, [(WorkItem.kind == kind, value)], 0))

    cents = WorkItem.amount_cents
    return (
        of("time", WorkItem.quantity_hundredths), of("time", cents), of("flat_fee", cents), of("expense", cents),
        fn.SUM(cents),
    )  # fmt: skip


def _label(by: str, key: grouping.Key) -> grouping.Key:
    return (key[1],) if by == "timekeeper" else grouping.label(by, key)


def _link(by: str, key: grouping.Key) -> Link | None:
    """A matter leads to its work."""
    if by == "matter":
        return Link("work", key[0])
    return narrowed(by="matter", **{f"{by}_id": int(key[0])}) if key[0] else None


REPORT = Report(
    "unbilled", "Unbilled work", "Time, flat fees and expenses that no invoice bills yet.",
    {**grouping.GROUPS, "timekeeper": "Timekeeper"}, build, has_timekeepers=True,
)  # fmt: skip
