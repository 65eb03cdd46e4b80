"""Coming in: who knocks from where, by a password or an e-mailed link, and whether a second factor comes next.

Nothing here tells a stranger who has an account: unknown, disabled, unregistered and wrong are one answer, after the
same work.
"""

from __future__ import annotations

import datetime as dt
import secrets
from dataclasses import dataclass

from peewee import CharField, DateTimeField, ForeignKeyField

from portal_app import clock, config
from portal_app.db import BaseModel, transaction
from portal_app.domain import (
    audit,
    devices,
    factors,
    invitations,
    outbox,
    passwords,
    people,
    policy,
    sessions,
    throttles,
)
from portal_app.domain.errors import LinkUnusable
from portal_app.domain.invitations import Invitation, PasswordReset
from portal_app.domain.people import FirmUser, Login, PortalUser, hash_token
from portal_app.domain.sessions import Session
from portal_app.domain.throttles import Pace

KEPT_DAYS = 30  # an old link is remembered so long: who opens it can have a fresh one


@dataclass(frozen=True, slots=True)
class Caller:
    """From where somebody knocks: an address, the network around it, the token of the browser's own cookie (empty: it
    has none), and what the browser says of itself."""

    address: str
    network: str
    device: str = ""
    name: str = ""


class SignInLink(BaseModel):
    """A link that signs one person in, once, for a few minutes. Only its hash is kept."""

    firm_user = ForeignKeyField(FirmUser, null=True, backref="+")
    portal_user = ForeignKeyField(PortalUser, null=True, backref="+")
    token_hash = CharField(max_length=64)
    created_at = DateTimeField()
    expires_at = DateTimeField()
    used_at = DateTimeField(null=True)

    @property
    def login(self) -> FirmUser | PortalUser:
        return self.firm_user or self.portal_user


@dataclass(frozen=True, slots=True)
class Way:
    """A link into the portal that was just made. ``token`` exists only here and in the e-mail."""

    link: SignInLink | PasswordReset | Invitation
    token: str


# By a password


def by_password(email: str, password: str, caller: Caller) -> FirmUser | PortalUser | None:
    """The person, if the password is right and the firm lets them in that way.

    Raises:
        TooSoon: it was tried too often, from here or for this account. Busy: too many sign-ins at this moment.
    """
    email = email.strip().lower()
    is_known = bool(caller.device) and devices.is_known(people.find_by_email(email), caller.device)
    tries = _tries(email, caller, is_known=is_known)
    hits = throttles.count(tries)  # first of all: what comes too soon shall cost next to nothing
    who = people.find_by_email(email)
    is_right = passwords.is_password(who.password_hash if who else None, password)
    if who is None or not is_right or who.disabled_at is not None or not policy.current().allows(who, "password"):
        _note_failure(who, any(hits[name] == pace.free for name, pace in tries.items()))
        return None
    throttles.take_back(*list(tries)[1:])
    throttles.forget(next(iter(tries)))
    if passwords.is_outdated(who.password_hash):
        who.password_hash = passwords.hash_password(password)
        who.save(only=["password_hash"])
    return who


def _note_failure(who: Login | None, is_many: bool) -> None:
    """The same work for a known name and for a made-up one: time tells nothing. What was typed is not kept, since
    people type passwords there. When free tries are used up, of an account or of a place from which many are tried,
    administrators are told."""
    subject, ref = (who.name, f"{who._meta.name}:{who.id}") if who is not None else ("Somebody unknown", "nobody")
    audit.record("many_failures" if is_many else "failed_sign_in", subject=subject, subject_ref=ref)


def _tries(email: str, caller: Caller, *, is_known: bool) -> dict[str, Pace]:
    """What is counted; first what a right password makes forgotten."""
    account = f"sign-in:{email}"
    if is_known:
        return {f"{account}:device:{caller.device}": throttles.DEVICE}
    return {
        f"{account}:{caller.address}": throttles.ACCOUNT_HERE,
        account: throttles.ACCOUNT,
        f"sign-in-from:{caller.address}": throttles.ADDRESS,
        f"sign-in-around:{caller.network}": throttles.NETWORK,
    }


def forgive(email: str, caller: Caller) -> None:
    """Whoever has just proved by e-mail who they are starts anew."""
    throttles.forget(*list(_tries(email.strip().lower(), caller, is_known=False))[:2])


# From the proof to the session


def start(who: FirmUser | PortalUser, caller: Caller, *, has_both: bool = False) -> tuple[str, bool]:
    """A session for whoever has just proved who they are: its token; and whether it is whole. Where it is not, the
    second factor, or setting one up, comes next. ``has_both``: the proof was a passkey, which is two factors at once.
    """
    is_whole = has_both or not (policy.current().needs_factor(who) or factors.has_app(who))
    with transaction():
        device = _note(who, caller) if is_whole else None
        token = sessions.start(who, device=device, address=caller.address, is_whole=is_whole)
        if is_whole:
            audit.record("sign_in", by=who)
    return token, is_whole


def complete(half: Session, caller: Caller) -> str:
    """The second factor was right: the session is whole, under a new token."""
    with transaction():
        device = _note(half.login, caller)
        Session.update(device=device).where(Session.id == half.id).execute()
        audit.record("sign_in", by=half.login)
        return sessions.renew(half)


def _note(who: Login, caller: Caller) -> devices.Device:
    device, is_news = devices.note(who, caller.device, caller.name)
    if is_news:
        outbox.put("new_device", device.id)
    return device


# By an e-mailed link


def ask_link(who: FirmUser | PortalUser) -> Way:
    """A sign-in link; older ones of the same person stop working."""
    token, now = secrets.token_urlsafe(24), clock.now()
    kind = "firm_user" if isinstance(who, FirmUser) else "portal_user"
    with transaction():
        SignInLink.update(used_at=now).where(
            (getattr(SignInLink, kind) == who.id) & SignInLink.used_at.is_null()
        ).execute()
        link = SignInLink.create(
            **{kind: who}, token_hash=hash_token(token), created_at=now,
            expires_at=now + dt.timedelta(minutes=config.active().sign_in_link_minutes),
        )  # fmt: skip
    return Way(link, token)


def find_link(token: str) -> SignInLink:
    """The open link; opening it changes nothing.

    Raises:
        LinkUnusable: unknown, used, replaced or expired; its person is disabled, or may not sign in that way any more.
    """
    link: SignInLink | None = SignInLink.get_or_none(SignInLink.token_hash == hash_token(token))
    if link is None or link.used_at or link.expires_at <= clock.now() or link.login.disabled_at:
        raise LinkUnusable
    if not policy.current().allows(link.login, "link"):
        raise LinkUnusable
    return link


def use_link(token: str) -> FirmUser | PortalUser:
    """Whose it is, once.

    Raises:
        LinkUnusable: as :func:`find_link`, or somebody has used it in the same moment.
    """
    with transaction():
        link = find_link(token)
        is_mine = (SignInLink.id == link.id) & SignInLink.used_at.is_null()
        if not SignInLink.update(used_at=clock.now()).where(is_mine).execute():
            raise LinkUnusable
    return link.login


def owner_of_link(token: str) -> Login | None:
    """To whom a link was sent, usable or not: for sending them a fresh one."""
    link: SignInLink | None = SignInLink.get_or_none(SignInLink.token_hash == hash_token(token))
    return None if link is None else link.login


def fresh_way(who: FirmUser | PortalUser, *, wants: str) -> Way | None:
    """What somebody who cannot get in is sent, as far as the firm allows it: for ``wants`` "link" a sign-in link, for
    "password" a link to choose a new one; their invitation anew while they are not registered; nothing for those whom
    the firm has shut out."""
    allowed = policy.current()
    if who.registered_at is not None and who.disabled_at is None:
        other = "password" if wants == "link" else "link"
        wants = wants if allowed.allows(who, wants) else other
        if wants == "link":
            return ask_link(who)
    sent = invitations.fresh_link(who, days=config.active().invitation_days)
    return None if sent is None else Way(sent.link, sent.token)


def sweep() -> None:
    """Forget links that nobody will open any more."""
    with transaction():
        SignInLink.delete().where(SignInLink.expires_at < clock.now() - dt.timedelta(days=KEPT_DAYS)).execute()
