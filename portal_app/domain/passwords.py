"""Passwords: their rules, and Argon2id."""

from __future__ import annotations

import secrets
from threading import BoundedSemaphore

from argon2 import PasswordHasher
from argon2.exceptions import Argon2Error, InvalidHashError

from portal_app.domain.errors import Refused

PASSWORD_MIN, PASSWORD_MAX = 12, 1000

# Argon2id as RFC 9106's second recommendation; few at a time, so that sign-ins cannot exhaust memory.
STANDARD = PasswordHasher()
_hashing = BoundedSemaphore(2)
_hasher = [STANDARD]
_DUMMY: list[str] = []


def use(hasher: PasswordHasher) -> None:
    """Hash at another cost from now on: tests do. Hashes that were made before stay good."""
    _hasher[0] = hasher
    _DUMMY.clear()


def check_password_rules(password: str) -> None:
    """Length over rules (NIST SP 800-63B).

    Raises:
        Refused: with a sentence.
    """
    if len(password) < PASSWORD_MIN:
        raise Refused(f"Use at least {PASSWORD_MIN} characters. Three or four unusual words do well.", "password")
    if len(password) > PASSWORD_MAX:
        raise Refused(f"Use at most {PASSWORD_MAX} characters.", "password")
    if len(set(password)) < 4:
        raise Refused("Use more than a few different characters.", "password")


def hash_password(password: str) -> str:
    with _hashing:
        return _hasher[0].hash(password)


def is_password(hashed: str | None, password: str) -> bool:
    """Whether ``password`` gave ``hashed``. Without a hash it is wrong, and that takes just as long to say."""
    if not _DUMMY:
        _DUMMY.append(hash_password(secrets.token_urlsafe()))
    try:
        with _hashing:
            _hasher[0].verify(hashed or _DUMMY[0], password[: PASSWORD_MAX + 1])
    except (Argon2Error, InvalidHashError):
        return False
    return bool(hashed)
