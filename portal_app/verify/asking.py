"""One question to the database, for checks that are written in SQL."""

from __future__ import annotations

from typing import Any

from portal_app.db import db


def rows(sql: str) -> list[tuple[Any, ...]]:
    return list(db.execute_sql(sql).fetchall())


def count(table: str) -> int:
    return int(rows(f"SELECT COUNT(*) FROM {table}")[0][0])  # noqa: S608  a name of our own
