"""Browsers from which somebody has signed in: known by a cookie of their own that outlives the session.

A known device has its own throttle, so that guessing elsewhere never keeps its owner out; an unknown one is told to the
owner by e-mail (OWASP: device cookies; new-device notice).
"""

from __future__ import annotations

import secrets

from peewee import CharField, DateTimeField, ForeignKeyField

from portal_app import clock
from portal_app.db import BaseModel, transaction
from portal_app.domain.people import FirmUser, Login, PortalUser, hash_token


class Device(BaseModel):
    """One browser of one person. ``name`` is what it says of itself, in words: "Firefox on Windows"."""

    firm_user = ForeignKeyField(FirmUser, null=True, backref="+")
    portal_user = ForeignKeyField(PortalUser, null=True, backref="+")
    token_hash = CharField(max_length=64)
    name = CharField(max_length=80)
    first_seen_at = DateTimeField()
    last_seen_at = DateTimeField()

    @property
    def login(self) -> Login:
        return self.firm_user or self.portal_user


def new_token() -> str:
    return secrets.token_urlsafe(24)


def is_known(who: Login | None, token: str) -> bool:
    """Whether ``who`` has signed in from this device. Asks the database as often for nobody."""
    found = Device.select().where(Device.token_hash == hash_token(token))
    column = "firm_user_id" if isinstance(who, FirmUser) else "portal_user_id"
    return any(who is not None and getattr(row, column) == who.id for row in found)


def note(who: Login, token: str, name: str) -> tuple[Device, bool]:
    """The device, seen now; and whether that is news: its owner has used others, and never this one."""
    kind = "firm_user" if isinstance(who, FirmUser) else "portal_user"
    mine = getattr(Device, kind) == who.id
    now, name = clock.now(), name[:80]
    with transaction():
        known: Device | None = Device.get_or_none(mine & (Device.token_hash == hash_token(token)))
        if known is not None:
            Device.update(last_seen_at=now, name=name).where(Device.id == known.id).execute()
            return known, False
        is_news = Device.select().where(mine).exists()
        made = {kind: who, "name": name, "token_hash": hash_token(token), "first_seen_at": now, "last_seen_at": now}
        Device.insert(**made).on_conflict_ignore().execute()
        return Device.get(mine & (Device.token_hash == hash_token(token))), is_news
