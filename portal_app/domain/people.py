"""Firm users with their roles, clients, portal users, invitations and passwords."""

from __future__ import annotations

import datetime as dt
import hashlib
import secrets
from dataclasses import dataclass
from enum import StrEnum
from typing import TypeVar

from email_validator import EmailNotValidError, validate_email
from peewee import BigIntegerField, CharField, DateTimeField, ForeignKeyField, ModelSelect, TextField

from portal_app import clock
from portal_app.db import BaseModel, transaction
from portal_app.domain.errors import LinkUnusable, Refused
from portal_app.domain.passwords import check_password_rules, hash_password

ROLES = ("administrator", "attorney", "biller", "bookkeeper")
CLIENT_KINDS = ("person", "company")


class Standing(StrEnum):
    """Where somebody stands between being invited and logging in."""

    REGISTERED = "registered"
    PENDING = "pending"
    EXPIRED = "expired"
    REVOKED = "revoked"
    DISABLED = "disabled"
    NEVER_INVITED = "never_invited"


class Login(BaseModel):
    """What firm users and portal users have in common: they sign in."""

    email = CharField(max_length=254)
    name = CharField(max_length=120)
    time_zone = CharField(max_length=64)
    password_hash = CharField(null=True)
    created_at = DateTimeField()
    registered_at = DateTimeField(null=True)
    disabled_at = DateTimeField(null=True)
    last_signed_in_at = DateTimeField(null=True)

    @property
    def initials(self) -> str:
        words = [word for word in self.name.split() if word[0].isalpha()]
        return "".join(word[0] for word in (words[:1] + words[-1:] if len(words) > 1 else words)).upper()

    @property
    def first_name(self) -> str:
        return str(self.name).split()[0]


class FirmUser(Login):
    """Somebody who works at the firm. ``roles`` is a set kept as words; ``rate_cents`` is the usual hourly rate."""

    title = CharField(max_length=60, default="")
    roles = CharField(max_length=120, default="")
    rate_cents = BigIntegerField(default=0)

    @property
    def role_set(self) -> frozenset[str]:
        return frozenset(str(self.roles).split())

    def has_role(self, *roles: str) -> bool:
        return not self.role_set.isdisjoint(roles)


class PortalUser(Login):
    """Somebody who logs in to see and pay what was shared with them."""

    public_id = CharField(max_length=32)


class Client(BaseModel):
    """Who the firm acts for: a person or a company. Need not log in."""

    kind = CharField(max_length=10)
    name = CharField(max_length=120)
    email = CharField(max_length=254, default="")
    phone = CharField(max_length=40, default="")
    address = TextField(default="")
    created_at = DateTimeField()
    created_by = ForeignKeyField(FirmUser, null=True, backref="+")

    @property
    def address_lines(self) -> list[str]:
        return [line.strip() for line in str(self.address).splitlines() if line.strip()]


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
    """A link that lets one person choose a new password, once, for an hour."""

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


def new_public_id() -> str:
    return secrets.token_urlsafe(16)


def hash_token(token: str) -> str:
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).hexdigest()


def _who(login: Login) -> dict[str, Login]:
    return {"firm_user" if isinstance(login, FirmUser) else "portal_user": login}


def _link_of(model: type[AnyLink], login: Login) -> ModelSelect:
    column = model.firm_user if isinstance(login, FirmUser) else model.portal_user
    return model.select().where(column == login.id)


# E-mail addresses and names


def clean_email(text: str) -> str:
    """The address in its comparable form: lower case, no surrounding space.

    Raises:
        Refused: with a sentence, when it cannot be an address.
    """
    try:
        found = validate_email(text.strip(), check_deliverability=False, allow_smtputf8=False)
    except EmailNotValidError:
        raise Refused("Enter an e-mail address, for example name@example.com.", "email") from None
    return found.normalized.lower()


def find_by_email(email: str) -> FirmUser | PortalUser | None:
    """Who signs in with this address. An address belongs to one person only."""
    email = email.strip().lower()
    who: FirmUser | None = FirmUser.get_or_none(FirmUser.email == email)
    return who or PortalUser.get_or_none(PortalUser.email == email)


def _free(email: str) -> str:
    email = clean_email(email)
    taken = find_by_email(email)
    if isinstance(taken, FirmUser):
        raise Refused("This address belongs to somebody at the firm.", "email")
    if taken is not None:
        raise Refused("This address belongs to a portal user.", "email")
    return email


# Firm users, portal users, clients


def add_firm_user(
    *, email: str, name: str, roles: list[str], time_zone: str, title: str = "", rate_cents: int = 0
) -> FirmUser:
    """Somebody new at the firm; invite them next."""
    if not set(roles) <= set(ROLES) or not roles:
        raise Refused("Choose at least one role.", "roles")
    with transaction():
        return FirmUser.create(
            email=_free(email), name=name, roles=" ".join(sorted(roles)), time_zone=time_zone, title=title,
            rate_cents=rate_cents, created_at=clock.now(),
        )  # fmt: skip


def change_firm_user(who: FirmUser, *, name: str, roles: list[str], title: str, rate_cents: int) -> None:
    """New details. The last administrator cannot stop being one."""
    if not set(roles) <= set(ROLES) or not roles:
        raise Refused("Choose at least one role.", "roles")
    with transaction():
        if "administrator" not in roles:
            _keep_an_administrator(who)
        who.name, who.title, who.rate_cents = name, title, rate_cents
        who.roles = " ".join(sorted(roles))
        who.save()


def _keep_an_administrator(who: FirmUser) -> None:
    others = [user for user in active_firm_users() if user.id != who.id and user.registered_at]
    if who.has_role("administrator") and not any(user.has_role("administrator") for user in others):
        raise Refused("The firm needs at least one registered administrator.", "roles")


def firm_users() -> list[FirmUser]:
    """Everybody at the firm, by name; those who may not sign in any more come last."""
    return list(FirmUser.select().order_by(FirmUser.disabled_at.is_null(False), FirmUser.name))


def active_firm_users() -> list[FirmUser]:
    return list(FirmUser.select().where(FirmUser.disabled_at.is_null()).order_by(FirmUser.name))


def add_portal_user(*, email: str, name: str, time_zone: str) -> PortalUser:
    """Somebody new who may log in to the portal; invite them next."""
    with transaction():
        return PortalUser.create(
            public_id=new_public_id(), email=_free(email), name=name, time_zone=time_zone, created_at=clock.now()
        )


def add_client(*, kind: str, name: str, created_by: FirmUser | None = None, **details: str) -> Client:
    with transaction():
        return Client.create(kind=kind, name=name, created_by=created_by, created_at=clock.now(), **details)


def search_portal_users(text: str, limit: int = 8) -> list[PortalUser]:
    """Portal users whose name or address contains ``text``, by name."""
    words = text.strip()[:80]
    query = PortalUser.select().where(PortalUser.name.contains(words) | PortalUser.email.contains(words.lower()))
    return list(query.order_by(PortalUser.name).limit(limit))


# Invitations and resets


def invite(login: Login, *, by: FirmUser | None, days: int) -> Sent:
    """A fresh invitation; older open ones stop working."""
    if login.registered_at is not None:
        raise Refused(f"{login.name} is registered already.")
    if login.disabled_at is not None:
        raise Refused(f"{login.name} is disabled. Enable them first.")
    with transaction():
        revoke_invitations(login)
        token = secrets.token_urlsafe(24)
        now = clock.now()
        link = Invitation.create(
            **_who(login), token_hash=hash_token(token), sent_by=by, sent_at=now,
            expires_at=now + dt.timedelta(days=days),
        )  # fmt: skip
    return Sent(link, token)


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
    if link.login.disabled_at:
        raise LinkUnusable
    return link


def accept_invitation(token: str, password: str) -> FirmUser | PortalUser:
    """Set the password and register, once."""
    check_password_rules(password)
    hashed = hash_password(password)
    with transaction():
        link = find_invitation(token)
        _use(Invitation, link, Invitation.accepted_at)
        login = link.login
        login.password_hash, login.registered_at = hashed, clock.now()
        login.save(only=["password_hash", "registered_at"])
    return login


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


def ask_reset(login: FirmUser | PortalUser) -> Sent:
    """A reset link, good for an hour."""
    token = secrets.token_urlsafe(24)
    now = clock.now()
    with transaction():
        link = PasswordReset.create(
            **_who(login), token_hash=hash_token(token), created_at=now, expires_at=now + dt.timedelta(hours=1)
        )
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


def reset_password(token: str, password: str) -> FirmUser | PortalUser:
    """Set a new password, once. The caller ends the person's sessions."""
    check_password_rules(password)
    hashed = hash_password(password)
    with transaction():
        link = find_reset(token)
        _use(PasswordReset, link, PasswordReset.used_at)
        login = link.login
        login.password_hash = hashed
        login.save(only=["password_hash"])
    return login


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
    column = Invitation.firm_user if isinstance(logins[0], FirmUser) else Invitation.portal_user
    rows = Invitation.select().where(column.in_([login.id for login in logins])).order_by(Invitation.id)
    return {getattr(row, f"{column.name}_id"): row for row in rows}


def disable(login: AnyLogin) -> None:
    """No more signing in; open invitations die. The caller ends the sessions."""
    with transaction():
        if isinstance(login, FirmUser):
            _keep_an_administrator(login)
        revoke_invitations(login)
        login.disabled_at = clock.now()
        login.save(only=["disabled_at"])


def enable(login: AnyLogin) -> None:
    with transaction():
        login.disabled_at = None
        login.save(only=["disabled_at"])
