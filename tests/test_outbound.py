"""The wire to a gateway: what got away, what did not, and answers that never end."""

from __future__ import annotations

import contextlib
import socket
from collections.abc import Iterator
from threading import Thread

import httpx
import pytest

from portal_app import outbound
from portal_app.outbound import Outbound, hosts_of
from portal_app.plugin_api import NeverSent

HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nConnection: close\r\n\r\n"


@contextlib.contextmanager
def answering(body: bytes) -> Iterator[str]:
    """A gateway that answers one call and then is gone; its address."""
    listener = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        connection, _ = listener.accept()
        listener.close()
        with connection, contextlib.suppress(OSError):
            connection.recv(65536)
            connection.sendall(HEAD + body)

    thread = Thread(target=serve, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    thread.join(timeout=5)


def test_what_did_not_get_away_was_never_sent() -> None:
    with answering(b"{}") as url:
        wire = Outbound(hosts_of(url))
        assert wire("GET", url).json() == {}
    first = Outbound(hosts_of(url))
    for _ in range(2):
        with pytest.raises(NeverSent):
            first("POST", url)


def test_after_one_call_nobody_can_say_that_nothing_was_sent() -> None:
    """A charge of two calls whose second one finds the gateway gone: the first may have moved money."""
    with answering(b"{}") as url:
        wire = Outbound(hosts_of(url))
        wire("POST", url)
    with pytest.raises(httpx.ConnectError):
        wire("POST", url)
    with pytest.raises(RuntimeError) as problem:
        wire("POST", "http://elsewhere.example.com")
    assert not isinstance(problem.value, NeverSent)


@pytest.mark.parametrize(("setting", "most"), [("MAX_BYTES", 10), ("CALL_SECONDS", 0)])
def test_an_answer_that_does_not_end_is_cut(monkeypatch: pytest.MonkeyPatch, setting: str, most: int) -> None:
    monkeypatch.setattr(outbound, setting, most)
    with answering(b"{" + b" " * 100) as url:
        wire = Outbound(hosts_of(url))
        with pytest.raises((ValueError, TimeoutError)):
            wire("GET", url)
        assert wire.has_sent
