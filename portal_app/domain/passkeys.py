"""Passkeys (WebAuthn): a key pair in the person's device; the portal keeps the public half.

Each is asked to verify its user, so that it stands for two factors at once. A challenge is answered once, within five
minutes, for the purpose that it was made for.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import json
import secrets
from typing import Any
from urllib.parse import urlsplit

from peewee import BigIntegerField, CharField, DateTimeField, ForeignKeyField, TextField

from portal_app import clock, config
from portal_app.db import BaseModel, transaction
from portal_app.domain import firms
from portal_app.domain.errors import Refused
from portal_app.domain.people import FirmUser, Login, PortalUser, hash_token, new_public_id

CHALLENGE_MINUTES = 5
MOST = 20
SIGN_IN = "sign-in"
NOT_ACCEPTED = "This passkey was not accepted. Try again, or use another way."


class Passkey(BaseModel):
    """One key of one person, named by them. ``credential_id`` and ``public_key`` are base64url."""

    public_id = CharField(max_length=32)
    firm_user = ForeignKeyField(FirmUser, null=True, backref="+")
    portal_user = ForeignKeyField(PortalUser, null=True, backref="+")
    credential_id = CharField(max_length=1400)
    public_key = TextField()
    sign_count = BigIntegerField()
    name = CharField(max_length=60)
    added_at = DateTimeField()
    last_used_at = DateTimeField(null=True)

    @property
    def login(self) -> FirmUser | PortalUser:
        return self.firm_user or self.portal_user


class Challenge(BaseModel):
    """What a key has to sign. ``purpose`` says for what and for whom."""

    challenge_hash = CharField(primary_key=True, max_length=64)
    purpose = CharField(max_length=60)
    expires_at = DateTimeField()


def _kind(who: Login) -> str:
    return "firm_user" if isinstance(who, FirmUser) else "portal_user"


def of(who: Login) -> list[Passkey]:
    """The passkeys of ``who``, the newest first."""
    return list(Passkey.select().where(getattr(Passkey, _kind(who)) == who.id).order_by(Passkey.id.desc()))


def _purpose(what: str, who: Login | None) -> str:
    return what if who is None else f"{what}:{_kind(who)}:{who.id}"


def _rp_id() -> str:
    return str(urlsplit(config.active().own_url).hostname)


# Asking


def _challenge(purpose: str) -> bytes:
    made = secrets.token_bytes(32)
    with transaction():
        Challenge.create(
            force_insert=True, challenge_hash=hash_token(made.hex()), purpose=purpose,
            expires_at=clock.now() + dt.timedelta(minutes=CHALLENGE_MINUTES),
        )  # fmt: skip
    return made


def ask_to_register(who: Login) -> str:
    """What the browser needs to make a new key for ``who``; JSON."""
    import webauthn
    from webauthn.helpers import structs

    # An opaque handle: it says nothing to whoever reads it from a lost device.
    handle = hashlib.sha256(f"passkey {_kind(who)} {who.id}".encode()).digest()
    options = webauthn.generate_registration_options(
        rp_id=_rp_id(), rp_name=firms.current().name, user_id=handle, user_name=who.email, user_display_name=who.name,
        challenge=_challenge(_purpose("register", who)), exclude_credentials=_descriptors(who),
        authenticator_selection=structs.AuthenticatorSelectionCriteria(
            resident_key=structs.ResidentKeyRequirement.REQUIRED,
            user_verification=structs.UserVerificationRequirement.REQUIRED,
        ),
    )  # fmt: skip
    return webauthn.options_to_json(options)


def ask_to_prove(who: Login | None) -> str:
    """What the browser needs to sign with a key: of ``who``, or of anybody whose device has one; JSON."""
    import webauthn
    from webauthn.helpers import structs

    options = webauthn.generate_authentication_options(
        rp_id=_rp_id(), challenge=_challenge(_purpose(SIGN_IN, who)), allow_credentials=_descriptors(who) or None,
        user_verification=structs.UserVerificationRequirement.REQUIRED,
    )  # fmt: skip
    return webauthn.options_to_json(options)


def _descriptors(who: Login | None) -> list[Any]:
    from webauthn import base64url_to_bytes
    from webauthn.helpers.structs import PublicKeyCredentialDescriptor

    return [PublicKeyCredentialDescriptor(id=base64url_to_bytes(row.credential_id)) for row in (of(who) if who else [])]


# Hearing


def _parsed(answer: str) -> tuple[dict[str, Any], bytes]:
    """The browser's answer, and the challenge that it says it signed."""
    from webauthn import base64url_to_bytes
    from webauthn.helpers import parse_client_data_json

    try:
        found = json.loads(answer)
        data = parse_client_data_json(base64url_to_bytes(found["response"]["clientDataJSON"]))
    except Exception:  # whatever a stranger sends
        raise Refused(NOT_ACCEPTED, "answer") from None
    return found, data.challenge


def _take(challenge: bytes, purpose: str) -> None:
    """The challenge was ours, for this purpose, and is used up now."""
    is_open = (Challenge.challenge_hash == hash_token(challenge.hex())) & (Challenge.purpose == purpose)
    with transaction():
        if not Challenge.delete().where(is_open & (Challenge.expires_at > clock.now())).execute():
            raise Refused("This took too long. Try again.", "answer")


def register(who: Login, answer: str, name: str) -> Passkey:
    """Keep the new key of ``who``.

    Raises:
        Refused: the answer is not one to our question, or there are ``MOST`` keys already.
    """
    import webauthn
    from webauthn.helpers import bytes_to_base64url

    found, challenge = _parsed(answer)
    _take(challenge, _purpose("register", who))
    if len(of(who)) >= MOST:
        raise Refused(f"There are {MOST} passkeys already. Remove one first.", "answer")
    try:
        done = webauthn.verify_registration_response(
            credential=found, expected_challenge=challenge, expected_rp_id=_rp_id(),
            expected_origin=config.active().own_url, require_user_verification=True,
        )  # fmt: skip
    except Exception:  # a library's many ways to say no
        raise Refused(NOT_ACCEPTED, "answer") from None
    with transaction():
        made: Passkey = Passkey.create(
            **{_kind(who): who}, public_id=new_public_id(), credential_id=bytes_to_base64url(done.credential_id),
            public_key=bytes_to_base64url(done.credential_public_key), sign_count=done.sign_count,
            name=name.strip()[:60] or "Passkey", added_at=clock.now(),
        )  # fmt: skip
    return made


def prove(answer: str, who: Login | None) -> FirmUser | PortalUser:
    """Whose key has signed; of ``who`` alone, where somebody is given.

    Raises:
        Refused: the answer is not one to our question, or the key is unknown, copied or somebody else's.
    """
    import webauthn
    from webauthn import base64url_to_bytes

    found, challenge = _parsed(answer)
    _take(challenge, _purpose(SIGN_IN, who))
    key: Passkey | None = Passkey.get_or_none(Passkey.credential_id == str(found.get("id", ""))[:1400])
    if key is None or (who is not None and key.login != who) or key.login.disabled_at is not None:
        raise Refused(NOT_ACCEPTED, "answer")
    try:
        done = webauthn.verify_authentication_response(
            credential=found, expected_challenge=challenge, expected_rp_id=_rp_id(),
            expected_origin=config.active().own_url, require_user_verification=True,
            credential_public_key=base64url_to_bytes(key.public_key), credential_current_sign_count=key.sign_count,
        )  # fmt: skip
    except Exception:
        raise Refused(NOT_ACCEPTED, "answer") from None
    with transaction():
        change = {"sign_count": done.new_sign_count, "last_used_at": clock.now()}
        Passkey.update(**change).where(Passkey.id == key.id).execute()
    return key.login


def rename(who: Login, public_id: str, name: str) -> int:
    """Returns how many were renamed: none, when it is another person's."""
    with transaction():
        return int(Passkey.update(name=name[:60]).where(_one(who, public_id)).execute())


def remove(who: Login, public_id: str) -> int:
    with transaction():
        return int(Passkey.delete().where(_one(who, public_id)).execute())


def _one(who: Login, public_id: str) -> Any:
    return (getattr(Passkey, _kind(who)) == who.id) & (Passkey.public_id == public_id)


def remove_all(who: Login) -> None:
    with transaction():
        Passkey.delete().where(getattr(Passkey, _kind(who)) == who.id).execute()


def sweep() -> None:
    """Forget questions that nobody has answered."""
    with transaction():
        Challenge.delete().where(Challenge.expires_at < clock.now()).execute()
