"""What a client's page costs in time while papers are made: its slowest answers alone, and beside somebody who fetches
one statement after another."""

from __future__ import annotations

import http.client
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from portal_app import bench

PAGE = "/portal"
WARM = 40


@dataclass(frozen=True, slots=True)
class Times:
    """Microseconds of whole requests: the median and what 95 of 100 stay below; ``papers`` were made meanwhile."""

    median: int
    p95: int
    papers: int


def measure(
    settings: Any, client: str, staff: str, paper: str, requests: int, tick: Callable[[], None]
) -> tuple[Times, Times]:
    """A client's home alone, and while one of the staff fetches the paper at this address again and again."""
    from portal_app import db

    headers, theirs = (
        {"Cookie": bench.cookie_of(email, settings), "Host": "localhost", "Accept-Encoding": "gzip"}
        for email in (client, staff)
    )

    db.db.close()
    with bench.serving(lambda: bench.portal_app(settings)) as server:
        port = server.line.port
        _ask(port, paper, theirs)  # the process that makes them is there
        for _ in range(WARM):
            server.get(PAGE, headers)
        alone = _times(server, headers, requests, tick, [])
        papers: list[int] = []
        stop = threading.Event()
        asking = threading.Thread(target=_keep_asking, args=(port, paper, theirs, papers, stop))
        asking.start()
        beside = _times(server, headers, requests, tick, papers)
        stop.set()
        asking.join()
    return alone, beside


def _times(server: bench.Server, headers: dict[str, str], requests: int, tick: Any, papers: list[int]) -> Times:
    taken, before = [], len(papers)
    for _ in range(requests):
        begun = time.perf_counter_ns()
        server.get(PAGE, headers)
        taken.append((time.perf_counter_ns() - begun) // 1000)
        tick()
        time.sleep(taken[-1] / 10**6)  # as much as it took: people do not press without a pause
    taken.sort()
    return Times(taken[len(taken) // 2], taken[len(taken) * 95 // 100], len(papers) - before)


def _keep_asking(
    port: int, paper: str, headers: dict[str, str], papers: list[int], stop: threading.Event
) -> None:  # fmt: skip
    while not stop.is_set():
        papers.append(_ask(port, paper, headers))


def _ask(port: int, path: str, headers: dict[str, str]) -> int:
    line = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    line.request("GET", path, headers=headers)
    answer = line.getresponse()
    body = answer.read()
    line.close()
    if answer.status != 200 or not body.startswith(b"%PDF-"):
        raise RuntimeError(f"{path} answered {answer.status}")
    return len(body)
