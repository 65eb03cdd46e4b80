"""The object store in which bytes lie: a folder, or an object store's address. What was put is there after a power
cut, or was never acknowledged.
"""

from __future__ import annotations

import hashlib
import logging
import os
import secrets
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, TypeVar

from portal_app.config import BadSetting
from portal_app.domain.errors import Refused

log = logging.getLogger(__name__)

CHUNK_BYTES = 256 * 1024
PART_BYTES = 5 * 1024 * 1024  # what is held in memory of a file; object stores take no smaller parts
UNKNOWN_TYPE = "application/octet-stream"
Found = TypeVar("Found")


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


class Store(Protocol):
    """Where bytes lie under keys that we made up. Everything that goes wrong is an ``OSError``."""

    def put(self, key: str, chunks: Iterator[bytes]) -> None:
        """All of them, safe when this returns; otherwise nothing. What ``chunks`` raises, this does."""

    def get(self, key: str) -> Iterator[bytes]:
        """Raises ``FileNotFoundError`` at once."""

    def delete(self, key: str) -> None: ...


class Folder:
    """Files in a folder of this machine. A key's file is there whole and on the disk, or not at all."""

    def __init__(self, where: Path) -> None:
        where.mkdir(parents=True, exist_ok=True)
        self.where = where

    def put(self, key: str, chunks: Iterator[bytes]) -> None:
        file = self.where / key
        file.parent.mkdir(exist_ok=True)
        part = file.with_name(f"{file.name}.part")
        try:
            with part.open("xb") as out:
                out.writelines(chunks)
                out.flush()
                os.fsync(out.fileno())
            part.rename(file)
            for folder in (file.parent, self.where):  # the name is on the disk with its folder
                _sync(folder)
        except BaseException:
            for path in (part, file):
                path.unlink(missing_ok=True)
            raise

    def get(self, key: str) -> Iterator[bytes]:
        file = self.where / key
        file.stat()
        return _chunks(file)

    def delete(self, key: str) -> None:
        (self.where / key).unlink()


def _sync(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _chunks(file: Path) -> Iterator[bytes]:
    with file.open("rb") as found:
        while chunk := found.read(CHUNK_BYTES):
            yield chunk


class ObjectStore:
    """Somebody else's object store, by the package ``obstore``."""

    def __init__(self, address: str) -> None:
        try:
            import obstore  # 15 MB that a folder does not need
            from obstore.exceptions import BaseError
            from obstore.store import from_url
        except ImportError:
            raise BadSetting(
                f"documents: for an object store like “{address}”, add its package: pip install 'matter-portal[s3]'"
            ) from None
        self._with, self._at, self._error = obstore, from_url(address), BaseError

    def put(self, key: str, chunks: Iterator[bytes]) -> None:
        self._try(lambda: self._with.put(self._at, key, chunks, chunk_size=PART_BYTES, max_concurrency=1))

    def get(self, key: str) -> Iterator[bytes]:
        found = self._try(lambda: self._with.get(self._at, key))
        return (bytes(chunk) for chunk in found.stream(min_chunk_size=CHUNK_BYTES))

    def delete(self, key: str) -> None:
        self._try(lambda: self._with.delete(self._at, key))

    def _try(self, ask: Callable[[], Found]) -> Found:
        try:
            return ask()
        except FileNotFoundError:
            raise
        except self._error as problem:
            raise OSError(str(problem)) from problem


_store: list[Store] = []


def open_store(where: str | Path) -> None:
    """Keep bytes under ``where``: a folder, or an object store's address.

    Raises:
        BadSetting: it is an address, and what speaks to it is not installed.
    """
    text = str(where)
    _store[:] = [ObjectStore(text) if "://" in text else Folder(Path(text))]


def put_bytes(chunks: Iterable[bytes], *, limit_bytes: int, folder: str = "documents") -> Stored:
    """Stream ``chunks`` into the store under a made-up key.

    Raises:
        TooLarge: past ``limit_bytes``; nothing is kept.
        NotKept: the store did not take them.
    """
    key = f"{folder}/{secrets.token_hex(16)}"
    meter = _Meter(limit_bytes)
    try:
        _store[0].put(key, meter.read(chunks))
    except Exception as problem:
        if meter.is_over:
            raise TooLarge(f"The file is larger than {limit_bytes // (1024 * 1024)} MB.", "file") from None
        if not isinstance(problem, OSError):
            raise
        log.exception("the store did not take %s", key)
        raise NotKept("The portal could not store this: its disk may be full. Tell an administrator.", "file") from None
    return Stored(key, media_type_of(meter.head), meter.size, meter.digest.hexdigest())


def discard(keys: Sequence[str]) -> None:
    """Throw away what nothing points to. What cannot be thrown away only takes room."""
    for key in keys:
        try:
            _store[0].delete(key)
        except OSError:
            log.exception("the store did not discard %s", key)


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
        return _store[0].get(key)
    except FileNotFoundError:
        raise NotStored(key) from None


def read(key: str) -> bytes:
    """All the bytes under ``key``: for small things like a logo."""
    return b"".join(stream(key))
