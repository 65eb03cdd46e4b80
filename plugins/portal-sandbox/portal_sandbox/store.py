"""The sandbox's memory: one SQLite file of its own, safe for threads, across restarts and through a power cut."""

from __future__ import annotations

import dataclasses
import secrets
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any, TypeVar

from portal_sandbox.charges import Charge
from portal_sandbox.disputes import Dispute, Payout
from portal_sandbox.events import Event, about
from portal_sandbox.means import Means
from portal_sandbox.refunds import Refund
from portal_sandbox.schema import prepare
from portal_sandbox.told import Word

Thing = TypeVar("Thing", Charge, Refund, Dispute, Payout, Event, Word)
Changing = TypeVar("Changing", Charge, Refund, Dispute)


class Rows:
    """The tables, inside one transaction."""

    def __init__(self, db: sqlite3.Connection) -> None:
        self._db = db

    def one(self, kind: type[Thing], **equal: str | int) -> Thing | None:
        return next(iter(self.some(kind, **equal)), None)

    def some(self, kind: type[Thing], **equal: str | int) -> list[Thing]:
        """Those whose columns are ``equal``, the oldest first."""
        return self.where(kind, " AND ".join(f"{name} = :{name}" for name in equal), **equal)

    def where(self, kind: type[Thing], condition: str, **values: str | int) -> list[Thing]:
        table = kind.__name__.lower()
        found = self.rows(f"SELECT * FROM {table} WHERE {condition}", **values)  # noqa: S608  never a user's words
        return [kind(**row) for row in found]

    def rows(self, query: str, **values: str | int) -> list[dict[str, Any]]:
        return self._db.execute(query, values).fetchall()

    def put(self, thing: Thing) -> Thing:
        """Write it, new or changed, and nothing more."""
        names = [field.name for field in dataclasses.fields(thing)]
        marks = ", ".join(f":{name}" for name in names)
        table = type(thing).__name__.lower()
        statement = f"INSERT OR REPLACE INTO {table} ({', '.join(names)}) VALUES ({marks})"  # noqa: S608  our own names
        self._db.execute(statement, {name: getattr(thing, name) for name in names})
        return thing

    def change(self, thing: Changing, now: int) -> Changing:
        """Write it, and an event when its status is new."""
        before = self.one(type(thing), id=thing.id)
        self.put(thing)
        if before is None or before.status != thing.status:
            event = about(thing, self._charge_of(thing), now)
            if event:
                self.put(event)
        return thing

    def _charge_of(self, thing: Charge | Refund | Dispute) -> Charge:
        if isinstance(thing, Charge):
            return thing
        return self.some(Charge, id=thing.charge_id)[0]

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


class Store:
    """Opens the file for each transaction, so that threads share nothing."""

    def __init__(self, path: Path) -> None:
        self.path = path
        path.parent.mkdir(parents=True, exist_ok=True)
        with closing(self._connect()) as db:
            prepare(db)

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
        """One state of everything, for as long as the block lasts."""
        with closing(self._connect()) as db:
            db.execute("BEGIN")
            yield Rows(db)
            db.execute("COMMIT")

    def _connect(self) -> sqlite3.Connection:
        db = sqlite3.connect(self.path, timeout=30, isolation_level=None)
        db.execute("PRAGMA synchronous = FULL")
        db.row_factory = _named
        return db


def _named(cursor: sqlite3.Cursor, row: tuple[object, ...]) -> dict[str, object]:
    return {column[0]: value for column, value in zip(cursor.description, row, strict=True)}
