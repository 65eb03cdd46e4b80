"""Signed-in browsers: rows that sign-out and disabling cut at once; and throttles against guessing.

The cookie holds a random token, the table its hash (OWASP ASVS 7.2, 7.4.1).
"""

from __future__ import annotations

import datetime as dt
import secrets
from typing import Any

from peewee import JOIN, CharField, DateTimeField, ForeignKeyField, IntegerField, ModelSelect

from portal_app import clock
from portal_app.db import BaseModel, transaction
from portal_app.domain.people import FirmUser, Login, PortalUser, hash_token
from portal_app.prepared import prepared

_TOUCH_SECONDS = 60  # writing the last use on each request would turn every page into a durable write


class Session(BaseModel):
    """One signed-in browser."""

    firm_user = ForeignKeyField(FirmUser, null=True, backref="sessions")
    portal_user = ForeignKeyField(PortalUser, null=True, backref="sessions")
    token_hash = CharField(max_length=64)
    created_at = DateTimeField()
    last_seen_at = DateTimeField()

    @property
    def login(self) -> FirmUser | PortalUser:
        return self.firm_user or self.portal_user


class Throttle(BaseModel):
    """How often something was tried since the window opened. ``key`` is hashed: it may come from an address."""

    key = CharField(primary_key=True, max_length=64)
    hits = IntegerField()
    resets_at = DateTimeField()


def start(login: FirmUser | PortalUser, *, is_theirs: bool = True) -> str:
    """Sign in; returns the token for the cookie. Without ``is_theirs`` it is no visit of theirs: the machine looks."""
    token = secrets.token_urlsafe(24)
    now = clock.now()
    column = "firm_user" if isinstance(login, FirmUser) else "portal_user"
    with transaction():
        Session.create(**{column: login}, token_hash=hash_token(token), created_at=now, last_seen_at=now)
        if is_theirs:
            login.last_signed_in_at = now
            login.save(only=["last_signed_in_at"])
    return token


@prepared
def _live(token_hash: Any, seen_after: Any, started_after: Any) -> ModelSelect:
    return (
        Session.select(Session, FirmUser, PortalUser)
        .join_from(Session, FirmUser, JOIN.LEFT_OUTER)
        .join_from(Session, PortalUser, JOIN.LEFT_OUTER)
        .where(
            (Session.token_hash == token_hash)
            & (Session.last_seen_at > seen_after)
            & (Session.created_at > started_after)
        )
    )


def find(token: str, *, idle_minutes: int, hours: int) -> Session | None:
    """The live session of a cookie, with its person, in one query; ``None`` when it ended or was cut."""
    now = clock.now()
    idle, oldest = now - dt.timedelta(minutes=idle_minutes), now - dt.timedelta(hours=hours)
    row: Session | None = _live.first(hash_token(token), idle, oldest)
    if row is None or row.login.disabled_at is not None:
        return None
    if row.last_seen_at < now - dt.timedelta(seconds=_TOUCH_SECONDS):
        with transaction(is_aside=True):
            Session.update(last_seen_at=now).where(Session.id == row.id).execute()
    return row


def end(token: str) -> None:
    """Sign out this browser."""
    with transaction():
        Session.delete().where(Session.token_hash == hash_token(token)).execute()


def end_all(login: Login) -> int:
    """Sign out everywhere. Returns how many browsers that were."""
    column = Session.firm_user if isinstance(login, FirmUser) else Session.portal_user
    with transaction():
        return int(Session.delete().where(column == login.id).execute())


def sweep(hours: int) -> None:
    """Forget sessions and throttles whose time is over."""
    now = clock.now()
    with transaction():
        Session.delete().where(Session.created_at < now - dt.timedelta(hours=hours)).execute()
        Throttle.delete().where(Throttle.resets_at < now).execute()


def is_throttled(what: str, limit: int) -> bool:
    """Whether ``what`` was tried ``limit`` times in its window."""
    row: Throttle | None = Throttle.get_or_none(Throttle.key == hash_token(what))
    return row is not None and row.resets_at > clock.now() and row.hits >= limit


def count_try(what: str, *, window_seconds: int) -> int:
    """Note one more try of ``what``. Returns how many there were in this window."""
    key, now = hash_token(what), clock.now()
    with transaction(is_aside=True):
        Throttle.delete().where((Throttle.key == key) & (Throttle.resets_at <= now)).execute()
        opened = {"key": key, "hits": 0, "resets_at": now + dt.timedelta(seconds=window_seconds)}
        Throttle.insert(**opened).on_conflict_ignore().execute()
        Throttle.update(hits=Throttle.hits + 1).where(Throttle.key == key).execute()
        return int(Throttle.get_by_id(key).hits)


def forget_tries(what: str) -> None:
    with transaction(is_aside=True):
        Throttle.delete().where(Throttle.key == hash_token(what)).execute()
