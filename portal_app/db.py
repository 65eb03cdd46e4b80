"""The database handle, the base model and transactions: SQLite by default, PostgreSQL when outgrown."""

from __future__ import annotations

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from peewee import Database, DatabaseProxy, Model, ModelSelect, OperationalError, PostgresqlDatabase, SqliteDatabase

db = DatabaseProxy()

# synchronous=FULL: with NORMAL a power cut loses acknowledged payments. recursive_triggers: without it INSERT OR
# REPLACE would delete ledger rows past their triggers.
SQLITE_PRAGMAS = {
    "journal_mode": "wal",
    "synchronous": "full",
    "foreign_keys": 1,
    "recursive_triggers": 1,
    "busy_timeout": 15_000,
    "cache_size": -8_000,
    "temp_store": "memory",
}


class Unprotected(RuntimeError):
    """A connection lacks the settings that protect the books; nothing may be served on it."""


class BaseModel(Model):
    """Every table. Models name columns; the migrations hold constraints, indexes and triggers."""

    class Meta:
        database = db
        legacy_table_names = False


def open_database(url: str) -> Database:
    """Point the application at ``url`` (``sqlite:///path`` or ``postgresql://…``). Connects lazily, per thread."""
    database = _sqlite(url.removeprefix("sqlite:///")) if url.startswith("sqlite") else _postgresql(url)
    if db.obj is not None and not db.is_closed():
        db.close()
    db.initialize(database)
    return database


def _sqlite(path: str) -> Database:
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    return SqliteDatabase(path, pragmas=SQLITE_PRAGMAS, lock_type="IMMEDIATE")


def _postgresql(url: str) -> Database:
    parts = urlsplit(url)
    database = PostgresqlDatabase(url, prefer_psycopg3=True, options="-c timezone=UTC -c synchronous_commit=on")
    if not parts.path.strip("/"):
        raise ValueError("the PostgreSQL address names no database")
    return database


def is_sqlite() -> bool:
    return isinstance(db.obj, SqliteDatabase)


def connect() -> None:
    """Make sure that this thread has a usable connection. It is kept: opening one costs a third of a page."""
    database: Database = db.obj
    if not database.is_closed():
        if is_sqlite() or database.is_connection_usable():
            return
        database.close()
    database.connect(reuse_if_open=True)


@contextmanager
def transaction() -> Iterator[None]:
    """One write transaction; nested calls join it. All or nothing, durable when it returns."""
    if db.in_transaction():
        yield
        return
    connect()
    with _turn(), db.atomic():
        yield


@contextmanager
def _turn() -> Iterator[None]:
    """SQLite lets waiting writers starve each other; a file lock in front of BEGIN serves them in order."""
    if not is_sqlite() or db.obj.database == ":memory:":
        yield
        return
    with Path(f"{db.obj.database}.lock").open("w") as turn:
        fcntl.flock(turn, fcntl.LOCK_EX)
        yield


def locked(query: ModelSelect) -> ModelSelect:
    """Rows that nobody else may change until this transaction ends. On SQLite BEGIN IMMEDIATE already holds all."""
    return query if is_sqlite() else query.for_update()


def hold(*tables: str) -> None:
    """Nobody else writes to ``tables`` (names of our own) until this transaction ends, and whoever is at it is waited
    for: call it first. On SQLite BEGIN IMMEDIATE already holds all."""
    if not is_sqlite():
        db.execute_sql(f"LOCK TABLE {', '.join(tables)} IN SHARE ROW EXCLUSIVE MODE")


def rows_of(sql: str, *values: object) -> list[tuple[Any, ...]]:
    """The rows that a statement of our own gives; each ``?`` is one of ``values``. For what is written very often."""
    return list(run(sql, *values).fetchall())


def run(sql: str, *values: object) -> Any:
    """Execute a statement of our own; each ``?`` is one of ``values``. Returns the cursor."""
    return db.execute_sql(sql if is_sqlite() else sql.replace("?", "%s"), values)


def sum_of(value: object) -> int:
    """What SUM() gave, as whole cents: ``None`` without rows, ``Decimal`` on PostgreSQL."""
    return int(str(value or 0))


def self_test() -> None:
    """Refuse a connection on which the ledger's triggers and keys would not hold.

    Raises:
        Unprotected: naming what is missing.
    """
    connect()
    if not is_sqlite():
        return
    for pragma in ("foreign_keys", "recursive_triggers"):
        if db.execute_sql(f"PRAGMA {pragma}").fetchone()[0] != 1:
            raise Unprotected(f"SQLite runs without {pragma}; the ledger would not be protected.")
    if db.execute_sql("PRAGMA synchronous").fetchone()[0] < 2:
        raise Unprotected("SQLite runs without synchronous=FULL; a power cut could lose payments.")


__all__ = [
    "BaseModel",
    "OperationalError",
    "Unprotected",
    "connect",
    "db",
    "hold",
    "is_sqlite",
    "locked",
    "open_database",
    "rows_of",
    "run",
    "self_test",
    "sum_of",
    "transaction",
]
