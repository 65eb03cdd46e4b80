"""What a client's page costs in time while others keep the portal busy: its slowest answers alone, beside somebody who
fetches one statement after another, and while people sign in."""

from __future__ import annotations

import http.client
import re
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from portal_app import bench

PAGE = "/portal"
WARM = 40
SIGN_INS = 5  # a second


@dataclass(frozen=True, slots=True)
class Who:
    """E-mail addresses: whose home is asked for, who fetches the ``paper`` at that address, who signs in, and how."""

    client: str
    staff: str
    paper: str
    other: str
    password: str


@dataclass(frozen=True, slots=True)
class Times:
    """Microseconds of whole requests: the median and what 95 of 100 stay below; how much others did ``meanwhile``."""

    beside: str
    median: int
    p95: int
    meanwhile: int


def measure(settings: Any, who: Who, requests: int, tick: Callable[[], None]) -> list[Times]:
    """A client's home alone, while PDFs are made, and at five sign-ins a second."""
    from portal_app import db

    headers, theirs = (
        {"Cookie": bench.cookie_of(email, settings), "Host": "localhost", "Accept-Encoding": "gzip"}
        for email in (who.client, who.staff)
    )
    db.db.close()
    with bench.serving(lambda: bench.portal_app(settings)) as server:
        port = server.port
        _ask(port, who.paper, theirs)  # the process that makes them is there
        sign_in = _door(port, who)
        for _ in range(WARM):
            server.get(PAGE, headers)
        neighbours: dict[str, tuple[Callable[[], object], int]] = {
            "alone": (lambda: None, 1),
            "while PDFs are made": (lambda: _ask(port, who.paper, theirs), 0),
            f"at {SIGN_INS} sign-ins a second": (sign_in, SIGN_INS),
        }
        found = []
        for name, (disturb, a_second) in neighbours.items():
            with _keeping(disturb, a_second) as done:
                found.append(_times(server, headers, requests, tick, name, done))
        return found


def _times(
    server: bench.Server, headers: dict[str, str], requests: int, tick: Callable[[], None], name: str, done: list[int]
) -> Times:  # fmt: skip
    taken, before = [], len(done)
    for _ in range(requests):
        begun = time.perf_counter_ns()
        server.get(PAGE, headers)
        taken.append((time.perf_counter_ns() - begun) // 1000)
        tick()
        time.sleep(taken[-1] / 10**6)  # as much as it took: people do not press without a pause
    taken.sort()
    return Times(name, taken[len(taken) // 2], taken[len(taken) * 95 // 100], len(done) - before)


@contextmanager
def _keeping(disturb: Callable[[], object], a_second: int) -> Iterator[list[int]]:
    """Do it again and again in a thread so many times ``a_second`` or (0) without a pause; what was done is counted."""
    done: list[int] = []
    stop = threading.Event()

    def keep() -> None:
        due = time.monotonic()
        while not stop.is_set():
            disturb()
            done.append(1)
            due += 1 / a_second if a_second else 0
            stop.wait(due - time.monotonic())

    thread = threading.Thread(target=keep)
    thread.start()
    try:
        yield done
    finally:
        stop.set()
        thread.join()


def _ask(port: int, path: str, headers: dict[str, str]) -> None:
    line = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    line.request("GET", path, headers=headers)
    answer = line.getresponse()
    body = answer.read()
    line.close()
    if answer.status != 200 or not body.startswith(b"%PDF-"):
        raise RuntimeError(f"{path} answered {answer.status}")


def _door(port: int, who: Who) -> Callable[[], None]:
    """What signs somebody in, each time anew."""
    line = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    line.request("GET", "/sign-in", headers={"Host": "localhost"})
    answer = line.getresponse()
    token = re.findall(r'name="csrf_token" value="([^"]+)"', answer.read().decode())[0]
    body = urlencode({"csrf_token": token, "email": who.other, "password": who.password})
    cookie = (answer.getheader("Set-Cookie") or "").split(";")[0]
    headers = {"Host": "localhost", "Cookie": cookie, "Content-Type": "application/x-www-form-urlencoded"}

    def sign_in() -> None:
        line.request("POST", "/sign-in", body, headers)
        answer = line.getresponse()
        answer.read()
        if answer.status != 303:
            raise RuntimeError(f"signing in answered {answer.status}")

    return sign_in
