"""Firm users with their roles, clients, portal users. How they get in: sessions and invitations."""

from __future__ import annotations

import hashlib
import secrets
from functools import lru_cache
from typing import Any

from peewee import BigIntegerField, CharField, DateTimeField, ForeignKeyField, ModelSelect, TextField

from portal_app import clock
from portal_app.db import BaseModel, has, locked, pattern, transaction
from portal_app.domain.errors import Refused
from portal_app.domain.once import once
from portal_app.prepared import prepared

ROLES = ("administrator", "attorney", "biller", "bookkeeper")
NO_EMAIL = "@no-email.invalid"  # stands in for the address of somebody invited on paper; no letter goes there
ERASED = f".erased{NO_EMAIL}"  # ends what stands in for the address of somebody who was erased
CLIENT_KINDS = ("person", "company")
TIMEKEEPER_CLASSES = {"PT": "Partner", "AS": "Associate", "OC": "Counsel", "LA": "Legal assistant", "OT": "Other"}


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
    def has_email(self) -> bool:
        """Whether letters can reach them: not before somebody invited on paper has given their address."""
        return not str(self.email).endswith(NO_EMAIL)

    @property
    def shown_email(self) -> str:
        return str(self.email) if self.has_email else "no e-mail address known"

    @property
    def initials(self) -> str:
        words = [word for word in self.name.split() if word[0].isalpha()]
        return "".join(word[0] for word in (words[:1] + words[-1:] if len(words) > 1 else words)).upper()

    @property
    def first_name(self) -> str:
        return str(self.name).split()[0]


@lru_cache(maxsize=64)
def _set_of(roles: str) -> frozenset[str]:
    return frozenset(roles.split())


class FirmUser(Login):
    """Somebody who works at the firm. ``roles`` is a set kept as words; ``rate_cents`` is the usual hourly rate;
    ``timekeeper_id`` and ``timekeeper_class`` (one of ``TIMEKEEPER_CLASSES``) stand in LEDES files."""

    title = CharField(max_length=60, default="")
    roles = CharField(max_length=120, default="")
    rate_cents = BigIntegerField(default=0)
    timekeeper_id = CharField(max_length=20, default="")
    timekeeper_class = CharField(max_length=2, default="")

    @property
    def role_set(self) -> frozenset[str]:
        return _set_of(self.roles)

    def has_role(self, *roles: str) -> bool:
        return not self.role_set.isdisjoint(roles)


class PortalUser(Login):
    """Somebody who logs in to see and pay what was shared with them."""

    public_id = CharField(max_length=32)


class Client(BaseModel):
    """Who the firm acts for: a person or a company. Need not log in. ``ledes_id`` is how its own e-billing system knows
    it, in LEDES files."""

    kind = CharField(max_length=10)
    name = CharField(max_length=120)
    email = CharField(max_length=254, default="")
    phone = CharField(max_length=40, default="")
    address = TextField(default="")
    ledes_id = CharField(max_length=20, default="")
    created_at = DateTimeField()
    created_by = ForeignKeyField(FirmUser, null=True, backref="+")
    key = CharField(max_length=32, null=True)

    @property
    def address_lines(self) -> list[str]:
        return [line.strip() for line in str(self.address).splitlines() if line.strip()]


def new_public_id() -> str:
    return secrets.token_urlsafe(16)


def hash_token(token: str) -> str:
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).hexdigest()


# E-mail addresses and names


def clean_email(text: str) -> str:
    """The address in its comparable form: lower case, no surrounding space.

    Raises:
        Refused: with a sentence, when it cannot be an address.
    """
    from email_validator import EmailNotValidError, validate_email  # its patterns are a tenth of a start's imports

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
    if email.endswith(NO_EMAIL):
        raise Refused("Enter an e-mail address, for example name@example.com.", "email")
    taken = find_by_email(email)
    if isinstance(taken, FirmUser):
        raise Refused("This address belongs to somebody at the firm.", "email")
    if taken is not None:
        raise Refused("This address belongs to a portal user.", "email")
    return email


def give_email(who: PortalUser, email: str) -> None:
    """The address that somebody invited on paper has given: they sign in with it. Raises ``Refused``."""
    with transaction():
        who.email = _free(email)
        who.save(only=["email"])


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
            keep_an_administrator(who)
        who.name, who.title, who.rate_cents = name, title, rate_cents
        who.roles = " ".join(sorted(roles))
        who.save()


def change_timekeeper(who: FirmUser, *, timekeeper_id: str, timekeeper_class: str) -> None:
    """How LEDES files name somebody at the firm: an identifier, and one of ``TIMEKEEPER_CLASSES`` or nothing."""
    if timekeeper_class and timekeeper_class not in TIMEKEEPER_CLASSES:
        raise Refused("Choose a classification.", "timekeeper_class")
    with transaction():
        who.timekeeper_id, who.timekeeper_class = timekeeper_id, timekeeper_class
        who.save(only=["timekeeper_id", "timekeeper_class"])


def keep_an_administrator(who: FirmUser) -> None:
    """Refuse to lose the last one, also when two administrators dismiss each other at once. In a transaction."""
    list(locked(FirmUser.select(FirmUser.id).order_by(FirmUser.id)))
    others = [user for user in active_firm_users() if user.id != who.id and user.registered_at]
    if who.has_role("administrator") and not any(user.has_role("administrator") for user in others):
        raise Refused("The firm needs at least one registered administrator.", "roles")


def firm_users() -> list[FirmUser]:
    """Everybody at the firm, by name; those who may not sign in any more come last."""
    return list(FirmUser.select().order_by(FirmUser.disabled_at.is_null(False), FirmUser.name))


def active_firm_users() -> list[FirmUser]:
    return list(FirmUser.select().where(FirmUser.disabled_at.is_null()).order_by(FirmUser.name))


def administrators() -> list[FirmUser]:
    """Those who can sign in now, by name."""
    return [who for who in active_firm_users() if who.registered_at and who.has_role("administrator")]


def add_portal_user(*, email: str, name: str, time_zone: str) -> PortalUser:
    """Somebody new who may log in to the portal; invite them next. Without ``email`` they are invited by a letter."""
    with transaction():
        address = _free(email) if email else f"{secrets.token_hex(8)}{NO_EMAIL}"
        return PortalUser.create(
            public_id=new_public_id(), email=address, name=name, time_zone=time_zone, created_at=clock.now()
        )


def add_client(
    *, kind: str, name: str, created_by: FirmUser | None = None, key: str | None = None, **details: str
) -> Client:
    """A new client. The same ``key`` (made with the form) is the same client."""
    said = {"kind": kind, "name": name, **details}
    return once(
        Client.key, key, said=said,
        make=lambda: Client.create(**said, created_by=created_by, created_at=clock.now(), key=key),
    )  # fmt: skip


def search_portal_users(text: str, limit: int = 8) -> list[PortalUser]:
    """Portal users whose name or address contains ``text``, by name; not those who were erased."""
    return _named(pattern(text.strip()[:80]), limit)


@prepared
def _named(words: Any, limit: Any) -> ModelSelect:
    is_found = has(PortalUser.name, words) | has(PortalUser.email, words)
    query = PortalUser.select().where(is_found & ~PortalUser.email.endswith(ERASED))
    return query.order_by(PortalUser.name).limit(limit)
