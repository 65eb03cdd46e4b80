"""The object store in which bytes lie: a folder, or an object store's address. What was put is there after a power
cut, or was never acknowledged.
"""

from __future__ import annotations

import hashlib
import logging
import os
import secrets
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import obstore
from obstore.exceptions import BaseError
from obstore.store import LocalStore, from_url

from portal_app.domain.errors import Refused

log = logging.getLogger(__name__)

CHUNK_BYTES = 256 * 1024
PART_BYTES = 5 * 1024 * 1024  # what is held in memory of a file; object stores take no smaller parts
UNKNOWN_TYPE = "application/octet-stream"
_store: list[Any] = []


class TooLarge(Refused):
    """The file is larger than the firm allows."""


class NotStored(LookupError):
    """The bytes are not there (yet)."""


class NotKept(Refused):
    """The store did not take the bytes: its disk is full or it cannot be reached."""


@dataclass(frozen=True, slots=True)
class Stored:
    """What was just written to the store."""

    key: str
    media_type: str
    size_bytes: int
    sha256: str


def open_store(where: str | Path) -> None:
    """Keep bytes under ``where``: a folder, or an object store's address."""
    text = str(where)
    _store[:] = [from_url(text) if "://" in text else LocalStore(text, mkdir=True)]


def put_bytes(chunks: Iterable[bytes], *, limit_bytes: int, folder: str = "documents") -> Stored:
    """Stream ``chunks`` into the store under a made-up key.

    Raises:
        TooLarge: past ``limit_bytes``; nothing is kept.
        NotKept: the store did not take them.
    """
    key = f"{folder}/{secrets.token_hex(16)}"
    meter = _Meter(limit_bytes)
    try:
        obstore.put(_store[0], key, meter.read(chunks), chunk_size=PART_BYTES, max_concurrency=1)
        _sync(key)
    except Exception as problem:
        if meter.is_over:
            raise TooLarge(f"The file is larger than {limit_bytes // (1024 * 1024)} MB.", "file") from None
        if not isinstance(problem, OSError | BaseError):
            raise
        log.exception("the store did not take %s", key)
        raise NotKept("The portal could not store this: its disk may be full. Tell an administrator.", "file") from None
    return Stored(key, media_type_of(meter.head), meter.size, meter.digest.hexdigest())


def _sync(key: str) -> None:
    """To the disk, bytes and name, before a row points to them. A sync that fails is the failure of this write."""
    if not isinstance(_store[0], LocalStore):
        return
    file = Path(str(_store[0].prefix)) / key
    for path in (file, file.parent, file.parent.parent):
        handle = os.open(path, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def discard(keys: Sequence[str]) -> None:
    """Throw away what nothing points to. What cannot be thrown away only takes room."""
    try:
        obstore.delete(_store[0], list(keys))
    except (OSError, BaseError):
        log.exception("the store did not discard %s", ", ".join(keys))


class _Meter:
    """Counts and hashes what passes by, and stops it at the limit."""

    def __init__(self, limit: int) -> None:
        self.limit, self.size, self.head, self.is_over = limit, 0, b"", False
        self.digest = hashlib.sha256()

    def read(self, chunks: Iterable[bytes]) -> Iterator[bytes]:
        for chunk in chunks:
            self.size += len(chunk)
            if self.size > self.limit:
                self.is_over = True
                raise TooLarge("too large", "file")
            self.digest.update(chunk)
            self.head += chunk[: max(0, 4096 - len(self.head))]
            yield chunk


def media_type_of(head: bytes) -> str:
    """The type by content; unknown when no signature matches. What a browser claims is not asked."""
    import puremagic  # knows hundreds of signatures; only an upload needs them

    try:
        found = puremagic.from_string(head, mime=True) if head else ""
    except (puremagic.PureError, ValueError):
        found = ""
    if not found:
        return "text/plain" if _is_text(head) else UNKNOWN_TYPE
    return str(found)


def _is_text(head: bytes) -> bool:
    try:
        return (head != b"" and head[:4000].decode("utf-8", "strict").isprintable()) or (
            b"\n" in head and b"\0" not in head
        )
    except UnicodeDecodeError:
        return False


def stream(key: str) -> Iterator[bytes]:
    """The bytes under ``key``, in chunks.

    Raises:
        NotStored: the store does not have them.
    """
    try:
        found = obstore.get(_store[0], key)
    except FileNotFoundError:
        raise NotStored(key) from None
    return (bytes(chunk) for chunk in found.stream(min_chunk_size=CHUNK_BYTES))


def read(key: str) -> bytes:
    """All the bytes under ``key``: for small things like a logo."""
    try:
        return bytes(obstore.get(_store[0], key).bytes())
    except FileNotFoundError:
        raise NotStored(key) from None


def every() -> Iterator[tuple[str, int]]:
    """The key and the size in bytes of all that is stored."""
    for found in obstore.list(_store[0]):
        yield from ((item["path"], item["size"]) for item in found)


def reader(key: str) -> Any:
    """The bytes under ``key`` as a file that is read.

    Raises:
        NotStored: the store does not have them.
    """
    try:
        return obstore.open_reader(_store[0], key)
    except FileNotFoundError:
        raise NotStored(key) from None


def put_back(key: str, path: Path) -> None:
    """A file under the key that it had."""
    obstore.put(_store[0], key, path, chunk_size=PART_BYTES, max_concurrency=1)
    _sync(key)
