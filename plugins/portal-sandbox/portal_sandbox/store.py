"""The sandbox's memory: one SQLite file of its own, safe for threads, across restarts and through a power cut."""

from __future__ import annotations

import dataclasses
import secrets
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from portal_sandbox.charges import Charge
from portal_sandbox.means import Means

_COLUMNS = tuple(field.name for field in dataclasses.fields(Charge))
_SCHEMA = """
CREATE TABLE IF NOT EXISTS token (
    id TEXT PRIMARY KEY, method TEXT NOT NULL, brand TEXT NOT NULL, last4 TEXT NOT NULL, scenario TEXT NOT NULL,
    expires_at INTEGER NOT NULL
);
CREATE TABLE IF NOT EXISTS charge (
    id TEXT PRIMARY KEY, reference TEXT NOT NULL UNIQUE, amount_minor INTEGER NOT NULL CHECK (amount_minor > 0),
    currency TEXT NOT NULL, merchant_account TEXT NOT NULL, description TEXT NOT NULL, return_url TEXT NOT NULL,
    status TEXT NOT NULL, step TEXT NOT NULL, has_page INTEGER NOT NULL, method TEXT NOT NULL, brand TEXT NOT NULL,
    last4 TEXT NOT NULL, scenario TEXT NOT NULL, code TEXT NOT NULL, message TEXT NOT NULL,
    created_at INTEGER NOT NULL, due_at INTEGER NOT NULL
);
"""


class Rows:
    """The two tables, inside one transaction."""

    def __init__(self, db: sqlite3.Connection) -> None:
        self._db = db

    def charge(self, id: str) -> Charge | None:
        return self._one("SELECT * FROM charge WHERE id = ?", id)

    def charge_for(self, reference: str) -> Charge | None:
        return self._one("SELECT * FROM charge WHERE reference = ?", reference)

    def put(self, charge: Charge) -> Charge:
        """Write a charge, new or changed."""
        names, marks = ", ".join(_COLUMNS), ", ".join(f":{name}" for name in _COLUMNS)
        statement = f"INSERT OR REPLACE INTO charge ({names}) VALUES ({marks})"  # noqa: S608  our own column names
        self._db.execute(statement, dataclasses.asdict(charge))
        return charge

    def issue(self, means: Means, expires_at: int) -> str:
        """Keep ``means`` for one charge; returns the token that stands for them."""
        token = f"tok_{secrets.token_hex(16)}"
        self._db.execute(
            "INSERT INTO token VALUES (?, ?, ?, ?, ?, ?)", (token, *dataclasses.astuple(means), expires_at)
        )
        return token

    def spend(self, token: str, now: int) -> Means | None:
        """What ``token`` stands for, once: ``None`` when it is unknown, spent or too old."""
        self._db.execute("DELETE FROM token WHERE expires_at <= ?", (now,))
        found = self._db.execute(
            "DELETE FROM token WHERE id = ? RETURNING method, brand, last4, scenario", (token,)
        ).fetchone()
        return Means(**found) if found else None

    def _one(self, query: str, value: str) -> Charge | None:
        row = self._db.execute(query, (value,)).fetchone()
        return Charge(**row) if row else None


class Store:
    """Opens the file for each transaction, so that threads share nothing."""

    def __init__(self, path: Path) -> None:
        self._path = path
        path.parent.mkdir(parents=True, exist_ok=True)
        with closing(self._connect()) as db:
            db.execute("PRAGMA journal_mode = WAL")
            db.executescript(_SCHEMA)

    @contextmanager
    def transaction(self) -> Iterator[Rows]:
        """One writer at a time; committed when the block ends, undone when it raises."""
        with closing(self._connect()) as db:
            db.execute("BEGIN IMMEDIATE")
            try:
                yield Rows(db)
            except BaseException:
                db.execute("ROLLBACK")
                raise
            db.execute("COMMIT")

    @contextmanager
    def reading(self) -> Iterator[Rows]:
        with closing(self._connect()) as db:
            yield Rows(db)

    def _connect(self) -> sqlite3.Connection:
        db = sqlite3.connect(self._path, timeout=30, isolation_level=None)
        db.execute("PRAGMA synchronous = FULL")
        db.row_factory = _named
        return db


def _named(cursor: sqlite3.Cursor, row: tuple[object, ...]) -> dict[str, object]:
    return {column[0]: value for column, value in zip(cursor.description, row, strict=True)}
