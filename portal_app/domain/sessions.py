"""Signed-in browsers: rows that sign-out, disabling and time cut at once.

The cookie holds a random token, the table its hash (OWASP ASVS 7.2, 7.4.1).
"""

from __future__ import annotations

import datetime as dt
import secrets
from typing import Any

from peewee import JOIN, CharField, DateTimeField, ForeignKeyField, ModelSelect

from portal_app import clock, config
from portal_app.db import BaseModel, transaction
from portal_app.domain.devices import Device
from portal_app.domain.people import FirmUser, Login, PortalUser, hash_token
from portal_app.prepared import prepared_and_kept

HALF_MINUTES = 10  # between the password and the second factor
_TOUCH_SECONDS = 60  # writing the last use on each request would turn every page into a durable write


class Session(BaseModel):
    """One signed-in browser. ``proved_at`` is when its person last proved who they are; null while the second factor is
    still to come, and then it opens nothing. ``address``: where it signed in from."""

    firm_user = ForeignKeyField(FirmUser, null=True, backref="sessions")
    portal_user = ForeignKeyField(PortalUser, null=True, backref="sessions")
    token_hash = CharField(max_length=64)
    device = ForeignKeyField(Device, null=True, backref="+")
    address = CharField(max_length=64, default="")
    created_at = DateTimeField()
    last_seen_at = DateTimeField()
    proved_at = DateTimeField(null=True)

    @property
    def login(self) -> FirmUser | PortalUser:
        return self.portal_user if self.firm_user_id is None else self.firm_user

    def is_fresh(self, minutes: int) -> bool:
        """Whether its person proved who they are within the last ``minutes``."""
        return self.proved_at is not None and self.proved_at > clock.now() - dt.timedelta(minutes=minutes)


def start(
    login: FirmUser | PortalUser, *, device: Device | None = None, address: str = "", is_whole: bool = True,
    is_theirs: bool = True,
) -> str:  # fmt: skip
    """Sign in; returns the token for the cookie. Not ``is_whole``: the second factor comes next (:func:`complete`).
    Without ``is_theirs`` it is no visit of theirs: the machine looks."""
    token = secrets.token_urlsafe(24)
    now = clock.now()
    column = "firm_user" if isinstance(login, FirmUser) else "portal_user"
    with transaction():
        Session.create(
            **{column: login}, token_hash=hash_token(token), device=device, address=address[:64], created_at=now,
            last_seen_at=now, proved_at=now if is_whole else None,
        )  # fmt: skip
        if is_whole and is_theirs:
            _signed_in(login)
    return token


def _signed_in(login: Login) -> None:
    login.last_signed_in_at = clock.now()
    login.save(only=["last_signed_in_at"])


def limits_of(login: Login) -> tuple[int, int]:
    """Minutes without a request, and hours in any case, after which ``login`` is signed out."""
    now = config.active()
    if not isinstance(login, FirmUser):
        return now.session_idle_minutes, now.session_hours
    if login.has_role("administrator"):
        return now.administrator_session_idle_minutes, now.administrator_session_hours
    return now.staff_session_idle_minutes, now.staff_session_hours


@prepared_and_kept
def _by_token(token_hash: Any) -> ModelSelect:
    return (
        Session.select(Session, FirmUser, PortalUser)
        .join_from(Session, FirmUser, JOIN.LEFT_OUTER)
        .join_from(Session, PortalUser, JOIN.LEFT_OUTER)
        .where(Session.token_hash == token_hash)
    )


def find(token: str) -> Session | None:
    """The live session of a cookie, with its person, in one query; ``None`` when it ended or was cut."""
    row: Session | None = _by_token.first(hash_token(token))
    if row is None or row.proved_at is None or not is_live(row):
        return None
    now = clock.now()
    if row.last_seen_at < now - dt.timedelta(seconds=_TOUCH_SECONDS):
        with transaction(is_aside=True):
            Session.update(last_seen_at=now).where(Session.id == row.id).execute()
    return row


def is_live(row: Session) -> bool:
    """Whether its person may still sign in, and neither limit of time has passed."""
    login, now = row.login, clock.now()
    minutes, hours = limits_of(login)
    is_in_use = row.last_seen_at > now - dt.timedelta(minutes=minutes)
    return is_in_use and row.created_at > now - dt.timedelta(hours=hours) and login.disabled_at is None


def find_half(token: str) -> Session | None:
    """The session that waits for its second factor, for ten minutes."""
    row: Session | None = _by_token.first(hash_token(token)) if token else None
    if row is None or row.proved_at is not None or row.login.disabled_at is not None:
        return None
    return row if row.created_at > clock.now() - dt.timedelta(minutes=HALF_MINUTES) else None


def renew(row: Session) -> str:
    """Its person has proved anew who they are: a new token, the old one opens nothing (ASVS 7.2.4). A half session is
    whole from now on."""
    token = secrets.token_urlsafe(24)
    now = clock.now()
    with transaction():
        if row.proved_at is None:
            _signed_in(row.login)
        change = {"token_hash": hash_token(token), "proved_at": now, "last_seen_at": now}
        Session.update(**change).where(Session.id == row.id).execute()
    return token


def of(login: Login) -> list[Session]:
    """Where ``login`` is signed in, the last used first, with devices."""
    rows = Session.select(Session, Device).join(Device, JOIN.LEFT_OUTER).where(_mine(login))
    whole = rows.where(Session.proved_at.is_null(False)).order_by(Session.last_seen_at.desc(), Session.id.desc())
    minutes, hours = limits_of(login)
    now = clock.now()
    idle, oldest = now - dt.timedelta(minutes=minutes), now - dt.timedelta(hours=hours)
    return list(whole.where((Session.last_seen_at > idle) & (Session.created_at > oldest)))


def _mine(login: Login) -> Any:
    return (Session.firm_user if isinstance(login, FirmUser) else Session.portal_user) == login.id


def end(token: str) -> None:
    """Sign out this browser."""
    with transaction():
        Session.delete().where(Session.token_hash == hash_token(token)).execute()


def end_one(login: Login, session_id: int) -> int:
    """Sign out one browser of ``login``. Returns how many that were: none, when it is another person's."""
    with transaction():
        return int(Session.delete().where(_mine(login) & (Session.id == session_id)).execute())


def end_all(login: Login, *, but: int = 0) -> int:
    """Sign out everywhere, but the session ``but``. Returns how many browsers that were."""
    with transaction():
        return int(Session.delete().where(_mine(login) & (Session.id != but)).execute())


def sweep() -> None:
    """Forget sessions whose time is over."""
    now = config.active()
    hours = max(now.session_hours, now.staff_session_hours, now.administrator_session_hours)
    with transaction():
        Session.delete().where(Session.created_at < clock.now() - dt.timedelta(hours=hours)).execute()
