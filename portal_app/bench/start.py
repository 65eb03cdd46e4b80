"""What a start costs: from the command to the first answered request, and the memory after some more, beside a bare
Flask page that is started in the same way."""

from __future__ import annotations

import http.client
import inspect
import os
import resource
import socket
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from portal_app import bench

ROUNDS = 5
REQUESTS = 20
PATIENCE = 60 * 10**9  # nanoseconds until a server that does not answer is given up
FLOOR = """\
from __future__ import annotations
import pathlib, sys
from typing import Any
{source}
from waitress import serve
serve(floor_app(pathlib.Path(sys.argv[1])), host="127.0.0.1", port=int(sys.argv[2]), threads=4)
"""
PORTAL = "from portal_app.cli import main; main()"


@dataclass(frozen=True, slots=True)
class Start:
    """Milliseconds until the first answer; KiB of memory then and after ``REQUESTS`` more."""

    cpu_ms: int
    wall_ms: int
    first_kib: int
    warm_kib: int


@dataclass(frozen=True, slots=True)
class Page:
    """What is asked for: first by somebody who is not signed in, then by whoever has the cookie."""

    first: str
    later: str
    cookie: str = ""


def measure(settings: Any, who: str, folder: Path, tick: Callable[[], None]) -> tuple[Start, Start]:
    """The floor and the portal, in turn; each figure is the median of its rounds."""
    from portal_app import db, worker

    pages = (Page("/", "/"), Page("/sign-in", "/portal", bench.cookie_of(who, settings)))
    while worker.turn():  # what a new installation has promised is done before, not beside
        continue
    db.db.close()
    # A process that knows nothing but what it needs: importing it from here would bring more.
    floor = FLOOR.format(source=inspect.getsource(bench.floor_app))
    rounds = []
    for _ in range(ROUNDS + 1):
        rounds.append((_start([floor, str(folder)], pages[0]), _start(_command(settings), pages[1])))
        tick()
    bare, portal = zip(*(rounds[1:] or rounds), strict=True)  # the first reads from the disk, and writes .pyc files
    return _median(bare), _median(portal)


def _command(settings: Any) -> list[str]:
    return [PORTAL, "serve", "--data", str(settings.data_dir), "--port"]


def _start(command: list[str], page: Page) -> Start:
    port = _free_port()
    begun = time.perf_counter_ns()
    with _running([sys.executable, "-c", *command, str(port)]) as process:
        _await(process, port, page.first, begun)
        wall, cpu, first = time.perf_counter_ns() - begun, _cpu(process.pid), _memory(process.pid)
        for _ in range(REQUESTS):
            _ask(port, page.later, {"Cookie": page.cookie} if page.cookie else {})
        return Start(cpu // 10**6, wall // 10**6, first, _memory(process.pid))


@contextmanager
def _running(command: list[str]) -> Iterator[subprocess.Popen[bytes]]:
    surroundings = os.environ | {"PORTAL_COMPANION_PORT": str(_free_port())}
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, env=surroundings)
    try:
        yield process
    finally:
        process.terminate()
        process.communicate(timeout=30)


def _await(process: subprocess.Popen[bytes], port: int, path: str, begun: int) -> None:
    while True:
        try:
            return _ask(port, path, {})
        except ConnectionError:
            if process.poll() is not None or time.perf_counter_ns() - begun > PATIENCE:
                said = process.stderr.read().decode() if process.poll() is not None and process.stderr else "no answer"
                raise RuntimeError(f"the server did not start: {said}") from None
            time.sleep(1 / 200)


def _ask(port: int, path: str, headers: dict[str, str]) -> None:
    line = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    try:
        line.request("GET", path, headers={"Host": "localhost", "Accept-Encoding": "gzip"} | headers)
        answer = line.getresponse()
        answer.read()
    finally:
        line.close()
    if answer.status != 200:
        raise RuntimeError(f"{path} answered {answer.status}")


def _free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


# What Linux counts


def _cpu(process: int) -> int:
    """Nanoseconds of CPU that a process has had, with all its threads that are still there."""
    tasks = Path(f"/proc/{process}/task").iterdir()
    return sum(int((task / "schedstat").read_text().split()[0]) for task in tasks)


def _memory(process: int) -> int:
    """KiB that are resident, whoever else has some of them too."""
    pages = int(Path(f"/proc/{process}/statm").read_text().split()[1])
    return pages * resource.getpagesize() // 1024


def _median(starts: tuple[Start, ...]) -> Start:
    rows = [asdict(start) for start in starts]
    return Start(**{name: int(statistics.median(row[name] for row in rows)) for name in rows[0]})


def as_json(floor: Start, portal: Start) -> dict[str, dict[str, int]]:
    """Both, and how many hundredths of the floor the portal needs."""
    bare, ours = asdict(floor), asdict(portal)
    return {"floor": bare, "portal": ours, "ratio_hundredths": {name: ours[name] * 100 // bare[name] for name in bare}}


def is_possible() -> bool:
    """Whether this system tells what is measured here: Linux does."""
    return os.access("/proc/self/statm", os.R_OK) and os.access("/proc/self/schedstat", os.R_OK)
