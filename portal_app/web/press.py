"""Paper is set in a process of its own, started when it is first needed and gone when it is not (decision 28).

Setting a page takes a tenth of a second to many seconds of pure computing: in the process that serves pages it would
stop everybody, and its library takes half a second and 26 MB to load. Here those who wait only wait.
"""

from __future__ import annotations

import atexit
import contextlib
import json
import logging
import os
import selectors
import struct
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import IO, Any

from portal_app import config

log = logging.getLogger(__name__)

CHILD = Path(__file__).with_name("press_child.py")
IDLE_SECONDS = 60
SIZE = struct.Struct(">I")
SAID_BYTES, PAPER_BYTES = 1024 * 1024, 64 * 1024 * 1024
READ_BYTES = 65536


class NotPrinted(Exception):
    """The paper could not be made; nothing else has changed."""


class _Gone(Exception):
    """The process ended before it answered."""


class _Press:
    """One process for each of the portal's own, one paper at a time."""

    def __init__(self) -> None:
        self.turn = threading.Lock()
        self.process: subprocess.Popen[bytes] | None = None
        self.foreign: subprocess.Popen[bytes] | None = None
        self.owner = 0

    def set(self, html: str, style: str, until: float) -> bytes:
        """The paper."""
        asked = json.dumps({"html": html, "style": style}).encode()
        if not self.turn.acquire(timeout=max(until - time.monotonic(), 0)):
            raise NotPrinted("Other papers are being made and take long. Try again in a minute.")
        try:
            said, body = self._answer(asked, until)
        except BaseException:
            self.end()
            raise
        finally:
            self.turn.release()
        for warning in said["warnings"]:
            log.warning("paper: %s", warning)
        if not body:
            log.error("paper: %s", said["problem"])
            raise NotPrinted("This paper could not be made.")
        return body

    def _answer(self, asked: bytes, until: float) -> tuple[dict[str, Any], bytes]:
        """What is said about it, and the paper. A process that was just ending is replaced, once."""
        while True:
            is_fresh = self._start()
            try:
                return self._ask(asked, until)
            except (_Gone, BrokenPipeError):
                self.end()
                if is_fresh:
                    raise NotPrinted("This paper takes more memory than it may.") from None

    def _start(self) -> bool:
        """Have a process; whether it is a new one."""
        if self.owner != os.getpid():  # forked since: the process is the parent's
            self.foreign, self.process, self.owner = self.process, None, os.getpid()
            _close(self.foreign)
        if self.process is not None and self.process.poll() is None:
            return False
        self.end()
        bounds = (config.active().pdf_memory_mb, IDLE_SECONDS, config.active().pdf_seconds)
        command = [sys.executable, "-I", str(CHILD), *map(str, bounds)]
        quiet = {"PATH": "/usr/bin:/bin", "LANG": "C.UTF-8", "HOME": "/nonexistent"}
        self.process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=quiet,
            start_new_session=True,
        )  # fmt: skip
        os.set_blocking(_pipes(self.process)[0].fileno(), False)  # one that does not read keeps nobody
        return True

    def _ask(self, asked: bytes, until: float) -> tuple[dict[str, Any], bytes]:
        target, source = _pipes(self.process)
        _write(target, SIZE.pack(len(asked)) + asked, until)
        said = json.loads(_part(source, SAID_BYTES, until))
        return said, _part(source, PAPER_BYTES, until)

    def end(self) -> None:
        """End the process, whatever it does."""
        process, self.process = self.process, None
        if process is not None and self.owner == os.getpid():
            _close(process)
            process.kill()
            process.wait()


def _pipes(process: subprocess.Popen[bytes] | None) -> tuple[IO[bytes], IO[bytes]]:
    """Its input and its output."""
    if process is None or process.stdin is None or process.stdout is None:
        raise _Gone
    return process.stdin, process.stdout


def _close(process: subprocess.Popen[bytes] | None) -> None:
    for pipe in _pipes(process) if process is not None else ():
        with contextlib.suppress(OSError):
            pipe.close()


def _part(source: IO[bytes], most: int, until: float) -> bytes:
    (size,) = SIZE.unpack(_read(source, SIZE.size, until))
    if size > most:
        raise NotPrinted("This paper is too large.")
    return _read(source, size, until)


def _write(target: IO[bytes], body: bytes, until: float) -> None:
    view = memoryview(body)
    while view:
        _wait(target, selectors.EVENT_WRITE, until)
        view = view[os.write(target.fileno(), view[:READ_BYTES]) :]


def _read(source: IO[bytes], size: int, until: float) -> bytes:
    found = bytearray()
    while len(found) < size:
        _wait(source, selectors.EVENT_READ, until)
        piece = os.read(source.fileno(), min(size - len(found), READ_BYTES))
        if not piece:
            raise _Gone
        found += piece
    return bytes(found)


def _wait(pipe: IO[bytes], event: int, until: float) -> None:
    with selectors.DefaultSelector() as selector:
        selector.register(pipe, event)
        if not selector.select(max(until - time.monotonic(), 0)):
            raise NotPrinted("This paper takes too long to be made.")


_press = _Press()
_waiting = threading.BoundedSemaphore(2)  # of those who wait for paper while they hold a thread that serves pages


def set_paper(html: str, style: str, *, is_awaited: bool = False) -> bytes:
    """The PDF of a document. ``is_awaited``: a person waits for it, and with them one of the threads that serve pages;
    only a few may, so that the others always find one.

    Raises:
        NotPrinted: it takes too long, too much memory, or cannot be set; or too many are waiting.
    """
    until = time.monotonic() + config.active().pdf_seconds
    if not is_awaited:
        return _press.set(html, style, until)
    if not _waiting.acquire(blocking=False):
        raise NotPrinted("Other papers are being made at this moment. Try again in a few seconds.")
    try:
        return _press.set(html, style, until)
    finally:
        _waiting.release()


def stop() -> None:
    """End the process; the next paper starts another."""
    is_mine = _press.turn.acquire(timeout=2)
    _press.end()
    if is_mine:
        _press.turn.release()


atexit.register(stop)
