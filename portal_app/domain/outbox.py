"""What must happen after a commit, at least once: written in the same transaction as its cause.

A worker claims a due row by a lease, runs the handler of its topic outside any transaction, and marks it done. A crash
in between only means that it is run again, so handlers must bear repetition.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping

from peewee import SQL, BigIntegerField, CharField, DateTimeField, IntegerField

from portal_app import clock
from portal_app.db import BaseModel, db, transaction

LEASE_SECONDS = 300
BACKOFF_SECONDS = (5, 30, 120, 600, 3600, 6 * 3600)

Handler = Callable[[int], None]


class Outbox(BaseModel):
    """One thing to do: ``topic`` names the handler, ``subject_id`` the row that it is about."""

    topic = CharField()
    subject_id = BigIntegerField()
    created_at = DateTimeField()
    run_at = DateTimeField()
    attempts = IntegerField(default=0)
    leased_until = DateTimeField(null=True)
    done_at = DateTimeField(null=True)
    last_error = CharField(default="", max_length=300)


def put(topic: str, subject_id: int, *, delay_seconds: int = 0) -> None:
    """Promise that ``topic``'s handler runs for ``subject_id``. Call it inside the transaction of the cause."""
    now = clock.now()
    Outbox.create(topic=topic, subject_id=subject_id, created_at=now, run_at=now + dt.timedelta(seconds=delay_seconds))


_listens: list[Callable[[str], bool]] = []


def listen(listens: Callable[[str], bool]) -> None:
    """Say who knows whether anybody listens to a topic that is only announced."""
    _listens[:] = [listens]


def announce(topic: str, subject_id: int) -> None:
    """Like :func:`put`, for what nothing depends on: only when somebody listens."""
    if any(listens(topic) for listens in _listens):
        put(topic, subject_id)


def run_due(handlers: Mapping[str, Handler], limit: int = 20) -> int:
    """Run what is due, oldest first. Returns how many were tried; 0 means that there is nothing to do now."""
    tried = 0
    while tried < limit and (row := _claim()) is not None:
        _run(row, handlers)
        tried += 1
    return tried


def _is_due() -> object:
    now = clock.now()
    return (
        Outbox.done_at.is_null()
        & (Outbox.run_at <= now)
        & (Outbox.leased_until.is_null() | (Outbox.leased_until < now))
    )


def _claim() -> Outbox | None:
    row: Outbox | None = Outbox.select().where(_is_due()).order_by(Outbox.run_at, Outbox.id).first()
    if row is None:
        return None
    lease = clock.in_seconds(LEASE_SECONDS)
    with transaction():
        won = (
            Outbox.update(leased_until=lease, attempts=Outbox.attempts + 1)
            .where((Outbox.id == row.id) & _is_due())
            .execute()
        )
    row.attempts += 1
    return row if won else _claim()


def _run(row: Outbox, handlers: Mapping[str, Handler]) -> None:
    try:
        handlers[row.topic](row.subject_id)
    except Exception as problem:  # the row is kept and tried again, whatever went wrong
        wait = BACKOFF_SECONDS[min(row.attempts, len(BACKOFF_SECONDS)) - 1]
        change = {
            Outbox.run_at: clock.in_seconds(wait),
            Outbox.leased_until: None,
            Outbox.last_error: f"{type(problem).__name__}: {problem}"[:300],
        }
    else:
        change = {Outbox.done_at: clock.now(), Outbox.leased_until: None, Outbox.last_error: ""}
    if db.in_transaction():
        raise RuntimeError(f"the handler of {row.topic} left a transaction open")
    with transaction():
        Outbox.update(change).where(Outbox.id == row.id).execute()


def late(seconds: int) -> int:
    """How many promises have waited for longer than ``seconds`` without being tried: nobody is working."""
    is_waiting = Outbox.done_at.is_null() & (Outbox.run_at < clock.in_seconds(-seconds)) & (Outbox.last_error == "")
    return int(Outbox.select().where(is_waiting).count())


def troubles(*, but: str = "") -> int:
    """How many promises (but those of one topic) have failed at least once and are still to be kept."""
    # In these very words, since the index of what fails (migration 0036) is for them.
    is_failing = Outbox.done_at.is_null() & (Outbox.last_error != SQL("''")) & (Outbox.topic != but)
    return int(Outbox.select().where(is_failing).count())
