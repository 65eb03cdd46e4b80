"""The second factor: codes of an authenticator app (TOTP, RFC 6238), and recovery codes for the day the phone is gone.

A code works once, also in two windows at once: the step that it stands for is written down by whoever comes first.
"""

from __future__ import annotations

import logging
import re
import secrets

import pyotp
from peewee import BigIntegerField, CharField, DateTimeField, ForeignKeyField, TextField

from portal_app import clock, vault
from portal_app.db import BaseModel, transaction
from portal_app.domain import firms, passkeys, throttles
from portal_app.domain.errors import Refused
from portal_app.domain.people import FirmUser, Login, PortalUser, hash_token

log = logging.getLogger(__name__)

STEP_SECONDS = 30
CODES = 8
_GROUPS, _SIGNS = 4, 6
_LETTERS = "abcdefghjkmnpqrstuvwxyz23456789"  # none that reads like another


class Authenticator(BaseModel):
    """The app of one person. ``last_step`` is the 30-second step whose code was used last."""

    firm_user = ForeignKeyField(FirmUser, null=True, backref="+")
    portal_user = ForeignKeyField(PortalUser, null=True, backref="+")
    sealed_secret = TextField()
    last_step = BigIntegerField()
    added_at = DateTimeField()


class RecoveryCode(BaseModel):
    """One code that stands in for the app, once. Random enough (118 bits) that a plain hash keeps it."""

    firm_user = ForeignKeyField(FirmUser, null=True, backref="+")
    portal_user = ForeignKeyField(PortalUser, null=True, backref="+")
    code_hash = CharField(max_length=64)
    made_at = DateTimeField()
    used_at = DateTimeField(null=True)


def _kind(who: Login) -> str:
    return "firm_user" if isinstance(who, FirmUser) else "portal_user"


def app_of(who: Login) -> Authenticator | None:
    found: Authenticator | None = Authenticator.get_or_none(getattr(Authenticator, _kind(who)) == who.id)
    return found


def has_app(who: Login) -> bool:
    return app_of(who) is not None


def has_any(who: Login) -> bool:
    """Whether ``who`` can give a second factor at all."""
    return has_app(who) or bool(passkeys.of(who))


# The app


def new_secret() -> str:
    return pyotp.random_base32()


def address_of(who: Login, secret: str) -> str:
    """The otpauth: address that an app reads from a QR code."""
    return pyotp.TOTP(secret).provisioning_uri(name=who.email, issuer_name=firms.current().name)


def _step_of(secret: str, code: str) -> int | None:
    """The step that ``code`` stands for: now, or one step off, for clocks that differ."""
    now = int(clock.aware().timestamp()) // STEP_SECONDS
    app = pyotp.TOTP(secret)
    steps = (now, now - 1, now + 1)
    return next(
        (step for step in steps if secrets.compare_digest(app.generate_otp(step).encode(), code.encode())), None
    )


def add_app(who: Login, secret: str, code: str) -> list[str]:
    """Set up the app that was shown ``secret``, in place of an older one. Returns fresh recovery codes, to be shown
    once; older ones no longer count.

    Raises:
        Refused: ``code`` is not what the app shows now. TooSoon: too many tries.
    """
    _count(who)
    step = _step_of(secret, _plain(code))
    if step is None:
        raise Refused("This is not the code that the app shows now. Type the newest one.", "code")
    with transaction():
        remove_app(who)
        Authenticator.create(
            **{_kind(who): who}, sealed_secret=vault.seal(secret), last_step=step, added_at=clock.now()
        )
        codes = new_codes(who)
    throttles.forget(_name(who))
    return codes


def remove_app(who: Login) -> None:
    with transaction():
        Authenticator.delete().where(getattr(Authenticator, _kind(who)) == who.id).execute()


# Codes


def _name(who: Login) -> str:
    return f"code:{_kind(who)}:{who.id}"


def _count(who: Login) -> None:
    throttles.count({_name(who): throttles.CODES})


def _plain(typed: str) -> str:
    return re.sub(r"[\s-]", "", typed).lower()


def use_code(who: Login, typed: str) -> bool:
    """Whether ``typed`` is a code of the app that was not used yet, or an unused recovery code; it is used up then.

    Raises:
        TooSoon: too many tries.
    """
    _count(who)
    code = _plain(typed)
    is_right = _use_step(who, code) if re.fullmatch(r"[0-9]{6}", code) else _use_recovery(who, code)
    if is_right:
        throttles.forget(_name(who))
    return is_right


def _use_step(who: Login, code: str) -> bool:
    app = app_of(who)
    try:
        step = None if app is None else _step_of(vault.unseal(app.sealed_secret), code)
    except vault.Unreadable:  # the portal's key was lost: a recovery code still opens, or portal forget-factors
        log.exception("authenticator app %s cannot be used: its secret was sealed under another key", app and app.id)
        return False
    if app is None or step is None:
        return False
    is_unused = (Authenticator.id == app.id) & (Authenticator.last_step < step)
    with transaction():
        return bool(Authenticator.update(last_step=step).where(is_unused).execute())


def _use_recovery(who: Login, code: str) -> bool:
    mine = (getattr(RecoveryCode, _kind(who)) == who.id) & (RecoveryCode.code_hash == hash_token(code))
    with transaction():
        return bool(RecoveryCode.update(used_at=clock.now()).where(mine & RecoveryCode.used_at.is_null()).execute())


def new_codes(who: Login) -> list[str]:
    """Fresh recovery codes, to be shown once; older ones no longer count."""
    size = _GROUPS * _SIGNS
    plain = ["".join(secrets.choice(_LETTERS) for _ in range(size)) for _ in range(CODES)]
    with transaction():
        _remove_codes(who)
        for code in plain:
            RecoveryCode.create(**{_kind(who): who}, code_hash=hash_token(code), made_at=clock.now())
    return ["-".join(code[at : at + _SIGNS] for at in range(0, size, _SIGNS)) for code in plain]


def codes_left(who: Login) -> int:
    mine = getattr(RecoveryCode, _kind(who)) == who.id
    return int(RecoveryCode.select().where(mine & RecoveryCode.used_at.is_null()).count())


def _remove_codes(who: Login) -> None:
    RecoveryCode.delete().where(getattr(RecoveryCode, _kind(who)) == who.id).execute()


def reset(who: Login) -> None:
    """All second factors of ``who`` are gone: an administrator's help for somebody who has lost them."""
    with transaction():
        remove_app(who)
        _remove_codes(who)
        passkeys.remove_all(who)


def reseal() -> int:
    """Seal every app's secret again under the newest key. Returns how many there are. Call it in a transaction."""
    rows = list(Authenticator.select())
    for row in rows:
        sealed = vault.seal(vault.unseal(row.sealed_secret))
        Authenticator.update(sealed_secret=sealed).where(Authenticator.id == row.id).execute()
    return len(rows)
