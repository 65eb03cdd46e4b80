"""Passwords: their rules, and Argon2id."""

from __future__ import annotations

import os
import re
import secrets
import sys
import unicodedata
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache
from threading import get_native_id
from typing import TypeVar

from argon2 import PasswordHasher
from argon2.exceptions import Argon2Error, InvalidHashError

from portal_app import config
from portal_app.config import Config
from portal_app.domain.errors import Busy, Refused

T = TypeVar("T")
PASSWORD_MIN, PASSWORD_MAX = 12, 1000
WAIT_SECONDS = 20  # for a turn at hashing
BEHIND = 5  # the priority of who hashes: at 19, a busy machine lets nobody sign in for half a minute
_ROWS = ("abcdefghijklmnopqrstuvwxyz", "01234567890", "qwertyuiop", "asdfghjkl", "zxcvbnm")
_OURS = ("matterportal", "portal", "matter", "password", "invoice", "lawyer", "attorney")
_LEAST_OWN = 8  # characters that are neither a common password nor somebody's name


# Rules (NIST SP 800-63B: length, and not what everybody tries; no kinds of characters, no change by the calendar)


def check_password_rules(password: str, about: Iterable[str] = ()) -> None:
    """Length over rules. ``about``: names that must not make up the password: the firm's and the person's own.

    Raises:
        Refused: with a sentence.
    """
    if len(password) < PASSWORD_MIN:
        raise Refused(f"Use at least {PASSWORD_MIN} characters. Three or four unusual words do well.", "password")
    if len(password) > PASSWORD_MAX:
        raise Refused(f"Use at most {PASSWORD_MAX:,} characters.", "password")
    if len(set(password)) < 4:
        raise Refused("Use more than a few different characters.", "password")
    plain = unicodedata.normalize("NFKC", password).casefold()
    if _is_common(plain):
        raise Refused("Many people use this password, or one much like it. Choose another.", "password")
    if _is_about(plain, [*_OURS, *about]):
        raise Refused("Choose one that is not made of your own name, the firm’s, or words like portal.", "password")


def _is_common(plain: str) -> bool:
    """One of the 30,000 most common; one with a few signs around it; one or a few signs repeated; a row of keys."""
    known = common()
    core = re.sub(r"^[\W\d_]+|[\W\d_]+$", "", plain)
    if plain in known or (core in known and len(plain) - len(core) <= _LEAST_OWN):
        return True
    piece = _piece(plain)
    return len(piece) < 4 or (piece != plain and piece in known) or any(_is_row(plain, row) for row in _ROWS)


def _piece(plain: str) -> str:
    """What ``plain`` repeats, or ``plain``."""
    return plain[: (plain + plain).find(plain, 1)]


def _is_row(plain: str, row: str) -> bool:
    return any(plain in way * 40 for way in (row, row[::-1]))


def _is_about(plain: str, names: Iterable[str]) -> bool:
    rest = plain
    for word in sorted({word for name in names for word in re.findall(r"\w{4,}", name.casefold())}, key=len)[::-1]:
        rest = rest.replace(word, "")
    return rest != plain and len(re.sub(r"[\W\d_]", "", rest)) < _LEAST_OWN


@lru_cache(maxsize=1)
def common() -> frozenset[str]:
    """The most common passwords, from public breaches; read when somebody first chooses one."""
    from zxcvbn.frequency_lists import FREQUENCY_LISTS

    return frozenset(FREQUENCY_LISTS["passwords"])


# Hashes


@lru_cache(maxsize=4)
def _hasher(memory_mb: int, rounds: int, lanes: int) -> PasswordHasher:
    return PasswordHasher(time_cost=rounds, memory_cost=memory_mb * 1024, parallelism=lanes)


def of_settings(now: Config) -> PasswordHasher:
    """Argon2id as the settings say; by default the memory and the rounds of RFC 9106's second recommendation, in one
    thread, so that one of two processors is left to the pages."""
    return _hasher(now.password_hash_memory_mb, now.password_hash_rounds, now.password_hash_lanes)


_chosen: list[PasswordHasher] = []


def use(hasher: PasswordHasher) -> None:
    """Hash at another cost from now on: tests do. Hashes that were made before stay good."""
    _chosen[:] = [hasher]


def _ours() -> PasswordHasher:
    return _chosen[0] if _chosen else of_settings(config.active())


@lru_cache(maxsize=4)
def _behind(at_once: int) -> ThreadPoolExecutor:
    """Few threads, so that sign-ins cannot exhaust memory, that step back behind the others: a hash takes as long as
    ninety pages, and nobody else should wait for it. They cannot step forward again, so they are of their own."""
    return ThreadPoolExecutor(at_once, "portal-hash", _step_back)


def _step_back() -> None:
    if sys.platform == "linux":  # elsewhere a thread has no priority of its own
        os.setpriority(os.PRIO_PROCESS, get_native_id(), BEHIND)


os.register_at_fork(after_in_child=_behind.cache_clear)  # a fork takes no threads along


def _in_turn(work: Callable[[], T]) -> T:
    """Whoever waits too long for a turn is told to come back (``Busy``); what has begun is waited for."""
    turn = _behind(config.active().password_hashes_at_once).submit(work)
    try:
        return turn.result(WAIT_SECONDS)
    except TimeoutError:
        if turn.cancel():
            raise Busy("too many passwords are being checked at this moment") from None
        return turn.result()


def hash_password(password: str) -> str:
    hasher = _ours()
    return _in_turn(lambda: hasher.hash(password))


@lru_cache(maxsize=4)
def _dummy(_hasher: PasswordHasher) -> str:
    """Nobody's hash; made once, since making it for each unknown name would tell by its time."""
    return hash_password(secrets.token_urlsafe())


def is_password(hashed: str | None, password: str) -> bool:
    """Whether ``password`` gave ``hashed``. Without a hash it is wrong, and that takes just as long to say."""
    hasher = _ours()
    dummy = _dummy(hasher)  # in any case: the first one takes longer
    against = hashed or dummy
    try:
        _in_turn(lambda: hasher.verify(against, password[: PASSWORD_MAX + 1]))
    except (Argon2Error, InvalidHashError):
        return False
    return bool(hashed)


def is_outdated(hashed: str) -> bool:
    """Whether it was made with other parameters than those of today."""
    return _ours().check_needs_rehash(hashed)
