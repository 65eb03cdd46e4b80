"""The server in front of the application: what it lets through."""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from portal_app import serving
from portal_app.config import Config

SMUGGLED = "POST /second HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\n\r\n"


@contextmanager
def listening(settings: Config) -> Iterator[tuple[int, list[str]]]:
    """The port of a server as `portal serve` opens it, and what reaches the application."""
    heard: list[str] = []

    def app(environ: dict[str, Any], start: Callable[..., Any]) -> Iterable[bytes]:
        heard.append(f"{environ['PATH_INFO']} {environ['wsgi.input'].read().decode()}")
        start("200 OK", [("Content-Length", "2")])
        return [b"ok"]

    server = serving._listen(app, settings, 0, "port")
    beside = serving.Beside(server)
    try:
        yield server.socket.getsockname()[1], heard
    finally:
        beside.stop()


def answer_to(port: int, head: str, body: str) -> str:
    with socket.create_connection(("127.0.0.1", port), timeout=10) as line:
        line.sendall(f"POST /first HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n{head}\r\n\r\n{body}".encode())
        said = b""
        while piece := line.recv(65536):
            said += piece
    return said.decode()


@pytest.mark.parametrize(
    ("head", "body"),
    [
        ("Content-Length: 5\r\nTransfer-Encoding: chunked", f"0\r\n\r\n{SMUGGLED}"),
        ("Transfer-Encoding: chunked\r\nContent-Length: 5", f"0\r\n\r\n{SMUGGLED}"),
        ("Content-Length: 0\r\nContent-Length: 5", f"hello{SMUGGLED}"),
        ("Content-Length: 5\r\nContent-length: 5", "hello"),
        ("Transfer-Encoding: chunked\r\nTransfer-Encoding: identity", f"0\r\n\r\n{SMUGGLED}"),
        ("Transfer-Encoding: xchunked", f"0\r\n\r\n{SMUGGLED}"),
        ("Content-Length: +5", "hello"),
        ("Content-Length: 5, 5", "hello"),
    ],
)
def test_a_body_with_two_lengths_is_refused_unread(settings: Config, head: str, body: str) -> None:
    with listening(settings) as (port, heard):
        said = answer_to(port, head, body)
        assert said.startswith(("HTTP/1.1 400", "HTTP/1.0 400", "HTTP/1.1 501", "HTTP/1.0 501")), said
        assert said.count("HTTP/1.") == 1, "what follows it is not answered"
        assert heard == []


@pytest.mark.parametrize(
    ("head", "body"),
    [("Content-Length: 5", "hello"), ("Transfer-Encoding: chunked", "5\r\nhello\r\n0\r\n\r\n")],
)
def test_a_body_with_one_length_is_read(settings: Config, head: str, body: str) -> None:
    with listening(settings) as (port, heard):
        assert "200 OK" in answer_to(port, head, body)
        assert heard == ["/first hello"]
