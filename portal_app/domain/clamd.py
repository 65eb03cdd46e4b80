"""A file looked through by ClamAV's daemon: clamd's INSTREAM command over its socket.

The libraries for it on PyPI are no longer kept up, and the protocol is this page: each chunk behind its length in four
bytes, an empty one at the end, one line back.
"""

from __future__ import annotations

import socket
from collections.abc import Iterable
from dataclasses import dataclass

SECONDS = 60


class NoAnswer(Exception):
    """The daemon could not be asked, or did not say what it found: the file is neither clean nor infected."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """``found`` is the name of what was found; empty when the file is clean."""

    found: str

    @property
    def is_clean(self) -> bool:
        return not self.found


def scan(address: str, chunks: Iterable[bytes]) -> Verdict:
    """Look ``chunks`` through at ``address``: the path of a socket, or host:port.

    Raises:
        NoAnswer: also for a file above clamd's own limit (StreamMaxLength), which it refuses to look at.
    """
    try:
        with _connected(address) as link:
            link.sendall(b"zINSTREAM\0")
            for chunk in chunks:
                if chunk:
                    link.sendall(len(chunk).to_bytes(4, "big") + chunk)
            link.sendall(bytes(4))
            said = _line(link)
    except OSError as problem:
        raise NoAnswer(str(problem)) from problem
    return _read(said)


def _read(said: str) -> Verdict:
    answer = said.removeprefix("stream: ")
    if answer == "OK":
        return Verdict("")
    if answer.endswith(" FOUND"):
        return Verdict(answer.removesuffix(" FOUND")[:120])
    raise NoAnswer(said or "it hung up")


def problem(address: str) -> str:
    """Why the daemon cannot be asked; empty when it answers."""
    try:
        with _connected(address) as link:
            link.sendall(b"zPING\0")
            said = _line(link)
    except OSError as problem:
        return str(problem)
    return "" if said == "PONG" else f"it says {said!r}"


def _connected(address: str) -> socket.socket:
    if address.startswith("/"):
        link = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        link.settimeout(SECONDS)
        try:
            link.connect(address)
        except OSError:
            link.close()
            raise
        return link
    host, _, port = address.rpartition(":")
    return socket.create_connection((host.strip("[]"), int(port)), timeout=SECONDS)


def _line(link: socket.socket) -> str:
    said = b""
    while not said.endswith(b"\0") and len(said) < 1000 and (piece := link.recv(1000)):
        said += piece
    return said.rstrip(b"\0\n").decode("utf-8", "replace")
