"""A report as a table for other programs: its columns' keys, ISO days, exact figures, and no totals among the rows."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator

from portal_app import money, tables
from portal_app.domain.reports.definition import Column, Table, Value
from portal_app.money import Currency


def csv(table: Table, currency: Currency) -> Iterator[str]:
    """The file, in pieces."""
    rows = (
        [_cell(column, value, currency) for column, value in zip(table.columns, row.values, strict=True)]
        for row in table.rows
    )
    return tables.lines([column.key for column in table.columns], rows)


def _cell(column: Column, value: Value, currency: Currency) -> str:
    if value is None:
        return ""
    if isinstance(value, dt.date):
        return f"{value:%Y-%m}" if column.kind == "month" else value.isoformat()
    if isinstance(value, str):
        return tables.inert(value)
    if column.kind == "hours":
        return money.plain(value)
    return money.plain(value, currency) if column.kind == "money" else str(value)
