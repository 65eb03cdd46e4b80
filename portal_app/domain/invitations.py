"""Ways in: invitations and password resets, links that work once; and shutting somebody out.

What takes a way in away also ends the person's sessions, in the same transaction.
"""

from __future__ import annotations

import datetime as dt
import re
import secrets
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, TypeVar

from peewee import CharField, DateTimeField, ForeignKeyField, ModelSelect

from portal_app import clock, config
from portal_app.db import BaseModel, locked, transaction
from portal_app.domain import audit, firms, people, sessions
from portal_app.domain.errors import LinkUnusable, Refused
from portal_app.domain.passwords import check_password_rules, hash_password, is_password
from portal_app.domain.people import FirmUser, Login, PortalUser, hash_token, keep_an_administrator
from portal_app.prepared import prepared_of_ids

CODE_LETTERS, CODE_SIGNS = "abcdefghjkmnpqrstuvwxyz23456789", 15


class Standing(StrEnum):
    """Where somebody stands between being invited and logging in."""

    REGISTERED = "registered"
    PENDING = "pending"
    EXPIRED = "expired"
    REVOKED = "revoked"
    DISABLED = "disabled"
    NEVER_INVITED = "never_invited"


class Invitation(BaseModel):
    """A link that lets one person choose a password, once, until it expires. Only the link's hash is kept."""

    firm_user = ForeignKeyField(FirmUser, null=True, backref="invitations")
    portal_user = ForeignKeyField(PortalUser, null=True, backref="invitations")
    token_hash = CharField(max_length=64)
    sent_by = ForeignKeyField(FirmUser, null=True, backref="+")
    sent_at = DateTimeField()
    expires_at = DateTimeField()
    accepted_at = DateTimeField(null=True)
    revoked_at = DateTimeField(null=True)

    @property
    def login(self) -> Login:
        return self.firm_user or self.portal_user


class PasswordReset(BaseModel):
    """A link that lets one person choose a new password, once, for a short while."""

    firm_user = ForeignKeyField(FirmUser, null=True, backref="+")
    portal_user = ForeignKeyField(PortalUser, null=True, backref="+")
    token_hash = CharField(max_length=64)
    created_at = DateTimeField()
    expires_at = DateTimeField()
    used_at = DateTimeField(null=True)

    @property
    def login(self) -> Login:
        return self.firm_user or self.portal_user


AnyLink = TypeVar("AnyLink", Invitation, PasswordReset)
AnyLogin = TypeVar("AnyLogin", FirmUser, PortalUser)


@dataclass(frozen=True, slots=True)
class Sent:
    """A link that was just made. ``token`` exists only here and in the e-mail."""

    link: Invitation | PasswordReset
    token: str


def _who(login: Login) -> dict[str, Login]:
    return {"firm_user" if isinstance(login, FirmUser) else "portal_user": login}


def _link_of(model: type[AnyLink], login: Login) -> ModelSelect:
    column = model.firm_user if isinstance(login, FirmUser) else model.portal_user
    return model.select().where(column == login.id)


# Invitations


class InvitedAlready(Exception):
    """Somebody has invited the person since: pressing twice must not make the link dead that was just sent."""


def letter_code() -> str:
    """A code to be typed from paper: 15 letters and digits, none that reads like another (74 bits)."""
    return "".join(secrets.choice(CODE_LETTERS) for _ in range(CODE_SIGNS))


def plain_code(typed: str) -> str:
    """What was typed, as :func:`letter_code` made it: no spaces, no dashes, small letters."""
    return re.sub(r"[\s-]", "", typed).lower()


def shown_code(code: str) -> str:
    """In groups of five."""
    return "-".join(code[at : at + 5] for at in range(0, len(code), 5)).upper()


def invite(login: Login, *, by: FirmUser | None, days: int, after: int | None = None, by_letter: bool = False) -> Sent:
    """A fresh invitation; older open ones stop working. ``by_letter``: its token is a code that can be typed.

    Raises:
        Refused: registered or disabled people are not invited.
        InvitedAlready: their newest invitation is no longer ``after`` (its id, 0 for none), where that is given.
    """
    with transaction():
        fresh = _held(login)
        if fresh.registered_at is not None:
            raise Refused(f"{login.name} is registered already.")
        if fresh.disabled_at is not None:
            raise Refused(f"{login.name} is disabled. Enable them first.")
        newest = _link_of(Invitation, login).order_by(Invitation.id.desc()).first()
        if after is not None and after != (newest.id if newest else 0):
            raise InvitedAlready
        revoke_invitations(login)
        token = letter_code() if by_letter else secrets.token_urlsafe(24)
        now = clock.now()
        link = Invitation.create(
            **_who(login), token_hash=hash_token(token), sent_by=by, sent_at=now,
            expires_at=now + dt.timedelta(days=days),
        )  # fmt: skip
    return Sent(link, token)


def _held(login: Login) -> Login:
    """The person as they are now, and nobody else changes their ways in until this transaction ends."""
    model = type(login)
    found: Login = locked(model.select().where(model.id == login.id)).get()
    return found


def revoke_invitations(login: Login) -> int:
    """Close every open invitation of ``login``. Returns how many were open."""
    column = Invitation.firm_user if isinstance(login, FirmUser) else Invitation.portal_user
    is_open = (column == login.id) & Invitation.accepted_at.is_null() & Invitation.revoked_at.is_null()
    with transaction():
        return int(Invitation.update(revoked_at=clock.now()).where(is_open).execute())


def find_invitation(token: str) -> Invitation:
    """The open invitation behind a link.

    Raises:
        LinkUnusable: unknown, used, revoked or expired, without saying which to a stranger.
    """
    link: Invitation | None = Invitation.get_or_none(Invitation.token_hash == hash_token(token))
    if link is None or link.accepted_at or link.revoked_at or link.expires_at <= clock.now():
        raise LinkUnusable
    if link.login.disabled_at or link.login.registered_at:
        raise LinkUnusable
    return link


def accept_invitation(token: str, password: str | None, email: str = "") -> FirmUser | PortalUser:
    """Set the password and register, once. ``None`` is for those who sign in without one; ``email`` for those whom the
    firm knew no address of.

    Raises:
        LinkUnusable: as :func:`find_invitation`. Refused: the password cannot be used.
    """
    hashed = _hashed(find_invitation(token).login, password) if password is not None else None
    with transaction():
        _held(find_invitation(token).login)
        link = find_invitation(token)
        _use(Invitation, link, Invitation.accepted_at)
        login = link.login
        if not login.has_email and isinstance(login, PortalUser):
            people.give_email(login, email)
        login.password_hash, login.registered_at = hashed, clock.now()
        login.save(only=["password_hash", "registered_at"])
        audit.record("accept_invitation", by=login)
    return login


def _hashed(who: Login, password: str) -> str:
    """The hash of a password that ``who`` may have."""
    check_password_rules(password, about=[firms.current().name, who.name, who.email.partition("@")[0]])
    return hash_password(password)


def owner_of_invitation(token: str) -> Login | None:
    """To whom a link was sent, usable or not: for sending them a fresh one."""
    link: Invitation | None = Invitation.get_or_none(Invitation.token_hash == hash_token(token))
    return None if link is None else link.login


def fresh_link(login: FirmUser | PortalUser, *, days: int) -> Sent | None:
    """What somebody who cannot sign in is sent: a reset link, or their open or expired invitation anew. Nothing for
    those whom the firm disabled, or whose invitation it revoked."""
    last = _link_of(Invitation, login).order_by(Invitation.id.desc()).first()
    standing = standing_of(login, last)
    if standing is Standing.REGISTERED:
        return ask_reset(login)
    if standing in {Standing.PENDING, Standing.EXPIRED}:
        return invite(login, by=last.sent_by, days=days)
    return None


def _use(model: type[AnyLink], link: AnyLink, column: DateTimeField) -> None:
    if not model.update({column: clock.now()}).where((model.id == link.id) & column.is_null()).execute():
        raise LinkUnusable


# Password resets


def ask_reset(login: FirmUser | PortalUser) -> Sent:
    """A reset link, good for as long as the settings say."""
    token = secrets.token_urlsafe(24)
    now = clock.now()
    with transaction():
        link = PasswordReset.create(
            **_who(login), token_hash=hash_token(token), created_at=now,
            expires_at=now + dt.timedelta(minutes=config.active().password_reset_minutes),
        )  # fmt: skip
    return Sent(link, token)


def find_reset(token: str) -> PasswordReset:
    """The open reset behind a link.

    Raises:
        LinkUnusable: unknown, used or expired, or its person is disabled.
    """
    link: PasswordReset | None = PasswordReset.get_or_none(PasswordReset.token_hash == hash_token(token))
    if link is None or link.used_at or link.expires_at <= clock.now() or link.login.disabled_at:
        raise LinkUnusable
    return link


def owner_of_reset(token: str) -> Login | None:
    """To whom a link was sent, usable or not."""
    link: PasswordReset | None = PasswordReset.get_or_none(PasswordReset.token_hash == hash_token(token))
    return None if link is None else link.login


def reset_password(token: str, password: str) -> FirmUser | PortalUser:
    """Set a new password, once: the person's other open reset links die with it, and every session ends."""
    hashed = _hashed(find_reset(token).login, password)
    with transaction():
        _held(find_reset(token).login)
        link = find_reset(token)
        _use(PasswordReset, link, PasswordReset.used_at)
        login = link.login
        login.password_hash = hashed
        login.save(only=["password_hash"])
        _close_resets(login)
        sessions.end_all(login)
        audit.record("reset_password", by=login)
    return login


def change_password(who: Login, old: str, new: str) -> None:
    """Their own, with the old one; open links to choose another die.

    Raises:
        Refused: the old one is wrong, or the new one cannot be used.
    """
    if not is_password(who.password_hash, old):
        raise Refused("This is not your password now.", "old")
    hashed = _hashed(who, new)
    with transaction():
        _held(who)
        who.password_hash = hashed
        who.save(only=["password_hash"])
        _close_resets(who)


def _close_resets(login: Login) -> None:
    column = PasswordReset.firm_user if isinstance(login, FirmUser) else PasswordReset.portal_user
    is_open = (column == login.id) & PasswordReset.used_at.is_null()
    PasswordReset.update(used_at=clock.now()).where(is_open).execute()


# Where somebody stands


def standing_of(login: Login, last: Invitation | None) -> Standing:
    """``last`` is the newest invitation, if any."""
    if login.disabled_at:
        return Standing.DISABLED
    if login.registered_at:
        return Standing.REGISTERED
    if last is None:
        return Standing.NEVER_INVITED
    if last.revoked_at:
        return Standing.REVOKED
    return Standing.PENDING if last.expires_at > clock.now() else Standing.EXPIRED


def last_invitations(logins: list[PortalUser] | list[FirmUser]) -> dict[int, Invitation]:
    """The newest invitation of each, by the person's id; one query."""
    if not logins:
        return {}
    is_staff = isinstance(logins[0], FirmUser)
    rows = (_sent_to_staff if is_staff else _sent_to_clients)([login.id for login in logins])
    return {row.firm_user_id if is_staff else row.portal_user_id: row for row in rows}


@prepared_of_ids
def _sent_to_staff(ids: Any) -> ModelSelect:
    return Invitation.select().where(Invitation.firm_user.in_(ids)).order_by(Invitation.id)


@prepared_of_ids
def _sent_to_clients(ids: Any) -> ModelSelect:
    return Invitation.select().where(Invitation.portal_user.in_(ids)).order_by(Invitation.id)


def disable(login: AnyLogin) -> None:
    """No more signing in: open links die, and every session ends."""
    with transaction():
        if isinstance(login, FirmUser):
            keep_an_administrator(login)
        revoke_invitations(login)
        _close_resets(login)
        sessions.end_all(login)
        login.disabled_at = clock.now()
        login.save(only=["disabled_at"])


def enable(login: AnyLogin) -> None:
    with transaction():
        login.disabled_at = None
        login.save(only=["disabled_at"])
