"""The database handle, the base model and transactions: SQLite by default, PostgreSQL when outgrown."""

from __future__ import annotations

import datetime as dt
import fcntl
import operator
import os
import re
import sqlite3
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import reduce
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from peewee import (
    OP,
    SQL,
    Database,
    DatabaseProxy,
    Expression,
    Model,
    ModelSelect,
    NodeList,
    OperationalError,
    PostgresqlDatabase,
    SqliteDatabase,
    __exception_wrapper__,
)

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


class _Sqlite(SqliteDatabase):
    """Peewee's, without a look for a log and for hooks at each question: nobody here has any."""

    def _execute_cursor(self, sql: str, params: Any, **_options: Any) -> sqlite3.Cursor:
        try:
            cursor: sqlite3.Cursor = self.connection().execute(sql, params or ())
        except sqlite3.Error:
            with __exception_wrapper__:  # the driver's errors become peewee's
                raise
        return cursor


def open_database(url: str) -> Database:
    """Point the application at ``url`` (``sqlite:///path`` or ``postgresql://…``). Connects lazily, per thread."""
    database = _sqlite(url.removeprefix("sqlite:///")) if url.startswith("sqlite") else _postgresql(url)
    let_go()
    if db.obj is not None and not db.is_closed():
        db.close()
    db.initialize(database)
    return database


def _sqlite(path: str) -> Database:
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    return _Sqlite(path, pragmas=SQLITE_PRAGMAS, lock_type="IMMEDIATE")


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


class _Look(threading.local):
    """How this thread reads for a page. ``is_wanted``: as one, from the first question on; ``connection``: the one
    whose read transaction is open; ``state``: which one of an SQLite database that is, ``rows`` what is kept of it."""

    is_wanted = False
    connection: Any = None
    state: Any = None
    rows: dict[Any, list[Any]] | None = None


_look = _Look()


def read_as_one() -> None:
    """What this thread asks from now on is answered from one state of the database, whatever is written meanwhile,
    until it writes itself or lets go: all figures of a page agree. Nobody has to wait for it."""
    _look.is_wanted = True


def let_go(_problem: BaseException | None = None) -> None:
    """Each question is answered from the newest state again."""
    connection, _look.connection, _look.is_wanted = _look.connection, None, False
    if connection is None:
        return
    try:
        connection.execute("COMMIT")
    except Exception:  # whatever the driver says, this connection is of no use any more
        db.close()


def ready() -> Database:
    """This thread's database, connected, as a page's questions need it."""
    if _look.connection is None:
        connect()
        if _look.is_wanted:
            _look_at_one_state()
    database: Database = db.obj
    return database


def _look_at_one_state() -> None:
    _look.is_wanted = False
    if db.in_transaction():
        return
    # Noted before it is opened: however that ends, letting go leaves nothing open.
    connection: Any = db.connection()
    _look.connection = connection
    if is_sqlite():
        try:
            connection.execute("BEGIN")
            state = connection, connection.execute("PRAGMA data_version").fetchone(), connection.total_changes
        except sqlite3.Error as problem:
            raise OperationalError(*problem.args) from problem
        if _look.state != state:
            _look.state, _look.rows = state, {}
    else:
        db.execute_sql("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")
        _look.rows = None


def kept_rows() -> dict[Any, list[Any]] | None:
    """What this thread has kept of the state that it looks at: nobody has written since, here or in another process
    (SQLite: ``PRAGMA data_version`` and ``sqlite3_total_changes``). ``None``: nothing can be kept."""
    return _look.rows if _look.connection is not None else None


@contextmanager
def one_state() -> Iterator[None]:
    """Everything inside is read from one state of the database, whatever is written meanwhile; nobody has to wait."""
    let_go()
    connect()
    with db.atomic("DEFERRED" if is_sqlite() else "REPEATABLE READ"):
        yield


_last_words: list[Callable[[], None]] = []


def before_commit(say: Callable[[], None]) -> None:
    """Run ``say`` at the end of every transaction, inside it."""
    _last_words.append(say)


@contextmanager
def transaction(*, is_aside: bool = False) -> Iterator[None]:
    """One write transaction; nested calls join it. All or nothing, durable when it returns. ``is_aside``: it is not
    what somebody asked for (a session's last use, a counted try), and nothing is said before it commits."""
    if db.in_transaction():
        yield
        return
    let_go()
    connect()
    with _turn(), db.atomic():
        yield
        for say in () if is_aside else _last_words:
            say()


class _Queue:
    """A file to queue at, open for one thread of one process: who shares it would share its lock."""

    def __init__(self, path: str) -> None:
        self.path, self.process = path, os.getpid()
        self.file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)

    def __del__(self) -> None:
        os.close(self.file)


class _Queues(threading.local):
    """Each thread's own. It stays open, since opening it costs more than queueing."""

    kept: _Queue | None = None

    def at(self, path: str) -> _Queue:
        kept = self.kept
        if kept is None or kept.path != path or kept.process != os.getpid():
            kept = self.kept = _Queue(path)
        return kept


_queues = _Queues()


@contextmanager
def _turn() -> Iterator[None]:
    """SQLite lets waiting writers starve each other; a file lock in front of BEGIN serves them in order."""
    if not is_sqlite() or db.obj.database == ":memory:":
        yield
        return
    queue = _queues.at(f"{db.obj.database}.lock").file
    fcntl.flock(queue, fcntl.LOCK_EX)
    try:
        yield
    finally:
        fcntl.flock(queue, fcntl.LOCK_UN)


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


def is_any(column: Any, values: Sequence[str]) -> Any:
    """For a query: ``column`` is one of a few texts. A chain of comparisons, because SQLite makes a table of a list."""
    return reduce(operator.or_, [column == value for value in values])


def pattern(words: str) -> str:
    """For :func:`has`: any text that contains ``words``."""
    escaped = re.sub("([%_!])", r"!\1", words)
    return f"%{escaped}%"


def has(column: Any, words: Any) -> Any:
    """For a prepared query: the column fits a :func:`pattern`, capital or small. (Peewee's ``contains`` needs to know
    what is looked for to write its query.)"""
    return Expression(column, OP.ILIKE, NodeList((words, SQL("ESCAPE '!'"))))


def sum_of(value: object) -> int:
    """What SUM() gave, as whole cents: ``None`` without rows, ``Decimal`` on PostgreSQL."""
    return int(str(value or 0))


def date_of(value: dt.date | str) -> dt.date:
    """What MIN() or MAX() of a day gave: SQLite tells it as text."""
    return value if isinstance(value, dt.date) else dt.date.fromisoformat(value)


# What keeps the ledger and clients' money honest, by table (migrations 0004, 0010, 0012 and 0013).
_APPEND_ONLY = ("journal_entry", "posting", "journal_seal", "chain_link", "checkpoint", "checkpoint_head")
_CLOSINGS = ("reconciliation", "reconciliation_signature", "reconciliation_report", "reconciliation_reopening")
_TRUST_FACTS = ("trust_book", "trust_movement", "trust_clearing", "trust_notice", "trust_policy")
_TRUST_KEPT = ("trust_authorisation", "trust_incident", "trust_hold")
_TRUST_RULES = (
    "books_are_trusts fund_kept t01_books t01_matter t01_sum t02 t05_invoice t05_balance t07 t08 t09 t10_deposit "
    "t10_dispute t10_stop t10_closed t10_kept t11 t12_lawyer t12 t12_used t12_kept t12_target t13 t19 t19_there "
    "t19_kept t20"
).split()
TRIGGERS = frozenset(
    {
        "posting_late", "posting_names_matter", "posting_totals", "seal_checked", "link_late", "link_follows",
        "head_late", "checkpoint_follows", "account_fixed", "account_kept",
        *(f"{table}_no_{event}" for table in _APPEND_ONLY for event in ("update", "delete")),
        "posting_trust_days", "trust_day_no_delete", *(f"trust_{rule}" for rule in _TRUST_RULES),
        *(f"{table}_no_update" for table in _TRUST_FACTS),
        *(f"{table}_no_delete" for table in (*_TRUST_FACTS, *_TRUST_KEPT)),
        # What keeps a closed period closed (migration 0017).
        "posting_period", "line_period_insert", "line_period_update", "line_period_delete", "match_period_insert",
        "match_period_delete", "match_fixed", "match_line_fixed", "match_line_home", "match_line_whole",
        "match_posting_fixed", "match_posting_home", "match_posting_whole", "reconciliation_order",
        "reconciliation_figures", "reconciliation_lines", "reconciliation_matches", "reopening_last",
        # What makes a match of the bank and the books sum (migration 0028).
        "match_sealed", "match_line_late", "match_posting_late", "match_seal_sums", "match_seal_fixed",
        "match_seal_whole",
        *(f"{table}_no_{event}" for table in _CLOSINGS for event in ("update", "delete")),
    }
)  # fmt: skip
# PostgreSQL's alone: it can truncate, and has several writers.
PLURAL = frozenset(
    {
        *(f"{table}_no_truncate" for table in (*_APPEND_ONLY, *_CLOSINGS, *_TRUST_FACTS, *_TRUST_KEPT)),
        "posting_a_turn", "a_turn", "reconciliation_a_alone",
    }
)  # fmt: skip


def self_test() -> None:
    """Refuse a connection on which the ledger's triggers and keys would not hold.

    Raises:
        Unprotected: naming what is missing.
    """
    connect()
    if is_sqlite():
        _test_pragmas()
        query = "SELECT name FROM sqlite_master WHERE type = 'trigger'"
    else:
        if run("SHOW session_replication_role").fetchone()[0] != "origin":
            raise Unprotected("PostgreSQL runs with session_replication_role set; the ledger would not be protected.")
        query = "SELECT tgname FROM pg_trigger WHERE NOT tgisinternal AND tgenabled IN ('O', 'A')"
    wanted = TRIGGERS if is_sqlite() else TRIGGERS | PLURAL
    missing = sorted(wanted - {name for (name,) in rows_of(query)})
    if missing:
        raise Unprotected(
            f"The database has lost what protects the ledger: {', '.join(missing)}. Restore it from a copy, or ask "
            "whoever took it away; nothing is served on it."
        )


def _test_pragmas() -> None:
    for pragma in ("foreign_keys", "recursive_triggers"):
        if db.execute_sql(f"PRAGMA {pragma}").fetchone()[0] != 1:
            raise Unprotected(f"SQLite runs without {pragma}; the ledger would not be protected.")
    if db.execute_sql("PRAGMA synchronous").fetchone()[0] < 2:
        raise Unprotected("SQLite runs without synchronous=FULL; a power cut could lose payments.")


__all__ = [
    "BaseModel",
    "OperationalError",
    "Unprotected",
    "before_commit",
    "connect",
    "date_of",
    "db",
    "hold",
    "is_any",
    "is_sqlite",
    "kept_rows",
    "let_go",
    "locked",
    "one_state",
    "open_database",
    "read_as_one",
    "ready",
    "rows_of",
    "run",
    "self_test",
    "sum_of",
    "transaction",
]
