"""The server in front of the application: what it lets through."""

from __future__ import annotations

import os
import socket
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from waitress.task import Task

from portal_app import serving
from portal_app.config import Config

SMUGGLED = "POST /second HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\n\r\n"


@contextmanager
def served(settings: Config, app: Callable[..., Any]) -> Iterator[tuple[str, int]]:
    """The address of a server as `portal serve` opens it."""
    server = serving._listen(app, settings, 0, "port")
    beside = serving.Beside(server)
    try:
        yield server.socket.getsockname()
    finally:
        beside.stop()


@contextmanager
def listening(settings: Config) -> Iterator[tuple[int, list[str]]]:
    """The port of a server, and what reaches its application."""
    heard: list[str] = []

    def app(environ: dict[str, Any], start: Callable[..., Any]) -> Iterable[bytes]:
        heard.append(f"{environ['PATH_INFO']} {environ['wsgi.input'].read().decode()}")
        start("200 OK", [("Content-Length", "2")])
        return [b"ok"]

    with served(settings, app) as (_, port):
        yield port, heard


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


class _Job(Task):
    """Something to do that says who did it, and waits until it may end."""

    def __init__(self) -> None:
        self.by = ""
        self.begun, self.may_end = threading.Event(), threading.Event()

    def service(self) -> None:
        self.by = threading.current_thread().name
        self.begun.set()
        self.may_end.wait(10)


@pytest.fixture
def hands() -> Iterator[serving._Hands]:
    found = serving._Hands(4)
    yield found
    found.shutdown()


def waiting(hands: serving._Hands) -> int:
    return len(hands.queue_cv._waiters)  # type: ignore[attr-defined]  # what threading keeps to itself


def idle(hands: serving._Hands, count: int) -> bool:
    """Whether this many threads wait, looked at for at most ten seconds."""
    end = time.monotonic() + 10
    while waiting(hands) != count and time.monotonic() < end:
        time.sleep(0.001)
    return waiting(hands) == count


def test_who_answered_last_answers_next(hands: serving._Hands) -> None:
    names = set()
    for _ in range(12):
        assert idle(hands, 4)
        job = _Job()
        job.may_end.set()
        hands.add_task(job)
        assert job.begun.wait(10)
        names.add(job.by)
    assert len(names) == 1


def test_all_answer_when_all_are_needed(hands: serving._Hands) -> None:
    assert idle(hands, 4)
    jobs = [_Job() for _ in range(5)]
    for job in jobs:
        hands.add_task(job)
    assert all(job.begun.wait(10) for job in jobs[:4])
    assert len({job.by for job in jobs[:4]}) == 4
    assert not jobs[4].begun.is_set()
    jobs[1].may_end.set()
    assert jobs[4].begun.wait(10)
    assert jobs[4].by == jobs[1].by
    for job in jobs:
        job.may_end.set()


HEAD = [
    ("Content-Type", "text/html; charset=utf-8"), ("vary", "Cookie"), ("Vary", "HX-Request"), ("Set-Cookie", "a=1"),
    ("Set-Cookie", "b=2"), ("Content-Security-Policy", "default-src 'none'"), ("x-own", "yes"),
]  # fmt: skip


@contextmanager
def line_to(settings: Config, headers: list[tuple[str, str]], *pieces: bytes) -> Iterator[socket.socket]:
    """A line to an application that always answers so."""

    def app(_environ: dict[str, Any], start: Callable[..., Any]) -> Iterable[bytes]:
        start("200 OK", list(headers))
        return list(pieces)

    with served(settings, app) as address, socket.create_connection(address, timeout=10) as line:
        yield line


def ask(line: socket.socket, method: str = "GET", version: str = "1.1") -> None:
    line.sendall(f"{method} / HTTP/{version}\r\nHost: localhost\r\n\r\n".encode())


def read(line: socket.socket, ending: bytes) -> bytes:
    said = b""
    while not said.endswith(ending):
        piece = line.recv(65536)
        assert piece, said
        said += piece
    return said


def test_every_header_is_told_once_and_as_it_was_given(settings: Config) -> None:
    """Those that waitress writes, and those that are written once for all answers."""
    with line_to(settings, [*HEAD, ("Content-Length", "4")], b"body") as line:
        for _ in range(2):
            ask(line)
            head, _, body = read(line, b"body").partition(b"\r\n\r\n")
            status, *told = head.decode().split("\r\n")
            assert (status, body) == ("HTTP/1.1 200 OK", b"body")
            names = [pair.partition(": ")[0] for pair in told]
            assert sorted(names) == sorted([
                "Content-Length", "Content-Security-Policy", "Content-Type", "Date", "Set-Cookie", "Set-Cookie",
                "Vary", "Vary", "X-Own",
            ])  # fmt: skip
            assert {"Set-Cookie: a=1", "Set-Cookie: b=2", "Content-Length: 4", "X-Own: yes"} < set(told)
            assert "Content-Security-Policy: default-src 'none'" in told


def test_head_and_body_are_sent_together(settings: Config) -> None:
    """In two, the second may have to wait until the first has been heard of."""
    with line_to(settings, [*HEAD, ("Content-Length", "4")], b"body") as line:
        ask(line)
        assert line.recv(65536).endswith(b"\r\n\r\nbody")


@pytest.mark.parametrize("pieces", [(b"", b"bo", b"dy"), (b"body",), (b"bo", b"", b"dy")])
@pytest.mark.parametrize("length", ["4", None])
def test_pieces_arrive_whole(settings: Config, pieces: tuple[bytes, ...], length: str | None) -> None:
    headers = [*HEAD, *([("Content-Length", length)] if length else [])]
    with line_to(settings, headers, *pieces) as line:
        ask(line)
        said = read(line, b"body" if length or len(pieces) == 1 else b"0\r\n\r\n")
        head, _, body = said.partition(b"\r\n\r\n")
        assert b"Content-Type: text/html" in head
        whole = body if b"chunked" not in head else b"".join(body.split(b"\r\n")[1::2])
        assert whole == b"body"


def test_head_tells_the_length_and_sends_nothing(settings: Config) -> None:
    with line_to(settings, [*HEAD, ("Content-Length", "4")]) as line:
        ask(line, "HEAD")
        assert b"Content-Length: 4\r\n" in read(line, b"\r\n\r\n")


def test_an_old_browser_is_told_that_the_line_ends(settings: Config) -> None:
    with line_to(settings, [*HEAD, ("Content-Length", "4")], b"body") as line:
        ask(line, version="1.0")
        assert b"Connection: close\r\n" in read(line, b"body")
        assert line.recv(1) == b""


def test_a_server_beside_is_not_closed_before_it_was_told(settings: Config, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its thread may be awake already, by a request that has just ended: the trigger's file is not to be gone then."""
    server = serving._listen(lambda _environ, _start: [], settings, 0, "port")
    beside = serving.Beside(server)
    write, was_there = os.write, []

    def slowly(number: int, data: bytes) -> int:
        if number == server.trigger.trigger and threading.current_thread() is not beside.thread:
            write(number, data)  # somebody else was quicker: the thread wakes now
            beside.thread.join(timeout=0.5)
            was_there.append(beside.thread.is_alive())
        return write(number, data)

    monkeypatch.setattr(os, "write", slowly)
    beside.stop()
    assert was_there == [True]
    assert not beside.thread.is_alive()
    assert server.task_dispatcher.threads == set()


def test_an_open_line_does_not_keep_a_server_that_is_told_to_stop(settings: Config) -> None:
    """A browser keeps its line for minutes; what was answered has arrived all the same."""

    def app(_environ: dict[str, Any], start: Callable[..., Any]) -> Iterable[bytes]:
        start("200 OK", [("Content-Length", "4")])
        return [b"body"]

    server = serving._listen(app, settings, 0, "port")
    beside = serving.Beside(server)
    with socket.create_connection(server.socket.getsockname(), timeout=10) as line:
        ask(line)
        assert read(line, b"body")
        beside.stop()
        assert not beside.thread.is_alive()
        assert line.recv(1) == b""
