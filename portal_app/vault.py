"""Sealing secrets for the database: authenticated encryption under the installation's keys, which are not in it."""

from __future__ import annotations

import base64
import logging
from collections import OrderedDict
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from portal_app import config

if TYPE_CHECKING:  # 7 MB of memory, for those who open a box
    from cryptography.fernet import Fernet, MultiFernet

SHORTEST = 10  # a shorter word is no key, and stands in too many texts
_REMEMBERED = 200
_seen: OrderedDict[str, None] = OrderedDict()


class Unreadable(RuntimeError):
    """A sealed secret cannot be opened with this installation's keys."""


@lru_cache(maxsize=4)
def _fernet(key: str) -> Fernet:
    from cryptography.fernet import Fernet
    from cryptography.hazmat.primitives.hashes import SHA256
    from cryptography.hazmat.primitives.kdf.hkdf import HKDF

    derived = HKDF(algorithm=SHA256(), length=32, salt=None, info=b"matter-portal secrets").derive(key.encode())
    return Fernet(base64.urlsafe_b64encode(derived))


def _box() -> MultiFernet:
    from cryptography.fernet import MultiFernet

    return MultiFernet([_fernet(key) for key in config.secret_keys(config.active())])


def seal(text: str) -> str:
    """Under the newest key."""
    return _box().encrypt(remember(text).encode()).decode("ascii")


def unseal(sealed: str) -> str:
    """The text that was sealed, under whichever of the keys.

    Raises:
        Unreadable: the key is another one.
    """
    from cryptography.fernet import InvalidToken

    try:
        return remember(_box().decrypt(sealed.encode()).decode())
    except InvalidToken:
        raise Unreadable("The secret key of this installation is not the one that sealed this setting.") from None


def is_sealed(text: str) -> bool:
    """Whether it is something that :func:`seal` made."""
    from cryptography.fernet import InvalidToken

    try:
        _box().extract_timestamp(text.encode())
    except InvalidToken:
        return False
    return True


def remember(secret: str) -> str:
    """Have :func:`hush` know this secret; gives it back."""
    if len(secret) >= SHORTEST:
        _seen[secret] = None
        _seen.move_to_end(secret)
        if len(_seen) > _REMEMBERED:
            _seen.popitem(last=False)
    return secret


class _Hushed(logging.LogRecord):
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if self.exc_info:
            self.exc_text = hush(logging.Formatter().formatException(self.exc_info))

    def getMessage(self) -> str:  # noqa: N802 - logging's name
        return hush(super().getMessage())


def hush_logs() -> None:
    """From now on no log of this process has them, whoever writes it and whatever prints it."""
    logging.setLogRecordFactory(_Hushed)


def hush(text: str) -> str:
    """``text`` without any secret that this process has used: for the log, and for what is said to people."""
    for secret in tuple(_seen):
        if secret in text:
            text = text.replace(secret, "…")
    return text
