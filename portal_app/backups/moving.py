"""From SQLite to PostgreSQL, when one machine is outgrown: every row as it is, or none at all."""

from __future__ import annotations

import datetime as dt
import sqlite3
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

from peewee import PeeweeException, __exception_wrapper__
from psycopg.sql import SQL, Identifier

from portal_app import db, schema
from portal_app.backups.archive import said_by
from portal_app.domain.errors import Refused

# SQLite has text for days and moments, and numbers for yes and no.
_READERS: dict[str, Callable[[Any], Any]] = {
    "boolean": bool, "date": dt.date.fromisoformat, "timestamp without time zone": dt.datetime.fromisoformat,
}  # fmt: skip
_KEYS = """
    SELECT conrelid::regclass::text, quote_ident(conname), pg_get_constraintdef(oid) FROM pg_constraint
    WHERE contype = 'f' AND connamespace = 'public'::regnamespace"""
_NUMBERED = """
    SELECT table_name, column_name, pg_get_serial_sequence(quote_ident(table_name), column_name)
    FROM information_schema.columns
    WHERE table_schema = 'public' AND pg_get_serial_sequence(quote_ident(table_name), column_name) IS NOT NULL"""


def fill_postgresql(copy: Path, url: str) -> None:
    """Put all that ``copy`` holds, an SQLite database that is thrown away afterwards, into the empty PostgreSQL
    database at ``url``. An older copy is brought up to this version first. What arrived is read again and compared.

    Raises:
        Refused: a row that PostgreSQL does not take, or that arrived as another one. Nothing is there then.
    """
    try:
        _bring_up(copy)
        db.open_database(url)
        db.connect()
        with closing(sqlite3.connect(copy)) as source, db.db.atomic(), __exception_wrapper__:
            schema.migrate()
            _move(source)
            db.self_test()
    except (PeeweeException, ValueError) as problem:
        raise Refused(f"The database was not moved: {said_by(problem)}. Nothing was put into PostgreSQL.") from problem


def _bring_up(copy: Path) -> None:
    db.open_database(f"sqlite:///{copy}")
    schema.migrate()
    db.db.close()


def _move(source: sqlite3.Connection) -> None:
    """Into tables that lie there as the migrations left them. The rules that the triggers keep were kept when each row
    was written; here rows come in any order, so keys and triggers are away while they do, and each key is proved when
    it is put back."""
    tables = db.db.get_tables()
    keys = db.rows_of(_KEYS)
    for table in tables:
        db.run(f'ALTER TABLE "{table}" DISABLE TRIGGER USER')
    for table, name, _ in keys:
        db.run(f"ALTER TABLE {table} DROP CONSTRAINT {name}")
    for table in tables:
        _move_table(source, table)
    for table, name, definition in keys:
        db.run(f"ALTER TABLE {table} ADD CONSTRAINT {name} {definition}")
    for table in tables:
        db.run(f'ALTER TABLE "{table}" ENABLE TRIGGER USER')
    _refuse_left_behind(source, tables)
    _go_on_counting(source)


def _refuse_left_behind(source: sqlite3.Connection, tables: Sequence[str]) -> None:
    theirs = {name for (name,) in source.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
    if left := sorted(name for name in theirs - set(tables) if not name.startswith("sqlite_")):
        raise ValueError(f"there are tables that are none of the portal's ({', '.join(left)})")


def _move_table(source: sqlite3.Connection, table: str) -> None:
    kinds = {column.name: column.data_type for column in db.db.get_columns(table)}
    if kinds.keys() != {row[1] for row in source.execute(f'PRAGMA table_info("{table}")')}:
        raise ValueError(f"the table {table} has other columns than the portal's")
    readers = [_READERS.get(kind, _as_it_is) for kind in kinds.values()]
    place, names = Identifier(table), SQL(", ").join(map(Identifier, kinds))
    rows = SQL("SELECT {} FROM {}").format(names, place)
    connection = db.db.connection()
    sent, arrived = _Sum(), _Sum()
    with connection.cursor() as cursor:
        cursor.execute(SQL("DELETE FROM {}").format(place))  # what the migrations have put there comes along, too
        with cursor.copy(SQL("COPY {} ({}) FROM STDIN").format(place, names)) as to:
            for row in source.execute(rows.as_string(connection)):
                values = tuple(None if value is None else read(value) for read, value in zip(readers, row, strict=True))
                sent.add(values)
                to.write_row(values)
    with connection.cursor(name="arrived") as cursor:
        for row in cursor.execute(rows):
            arrived.add(row)
    if arrived != sent:
        raise ValueError(f"the table {table} did not arrive as it was")


def _as_it_is(value: Any) -> Any:
    return value


@dataclass(slots=True)
class _Sum:
    """Of rows in any order: two of the same number and the same sum of hashes hold the same rows."""

    count: int = 0
    sum: int = 0

    def add(self, row: tuple[Any, ...]) -> None:
        self.count += 1
        self.sum += int.from_bytes(sha256(repr(row).encode()).digest())


def _go_on_counting(source: sqlite3.Connection) -> None:
    """No number is given out twice, not even that of a row which is gone."""
    counted = dict(source.execute("SELECT name, seq FROM sqlite_sequence"))
    for table, column, sequence in db.rows_of(_NUMBERED):
        highest = SQL("SELECT COALESCE(MAX({}), 0) FROM {}").format(Identifier(column), Identifier(table))
        (there,) = db.db.connection().execute(highest).fetchone()
        if last := max(there, counted.get(table, 0)):
            db.run("SELECT setval(?, ?)", sequence, last)
