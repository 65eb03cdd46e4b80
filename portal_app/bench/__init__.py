"""What a page costs: CPU as a ratio to a bare Flask page under the same server in the same run, steps, queries, bytes.

CPU per request is steadier on a busy machine than seconds are. The floor is a page of some 6 kB with Jinja and two
queries on SQLite (WAL). The server is that of `portal serve`. Server and callers are two processes; only the server's
CPU is counted. Steps of Python are the same on every machine: a change that saves some shows there, however busy the
machine is. Several callers at once show what a page costs when the server's threads have to share one interpreter.
"""

from __future__ import annotations

import gzip
import http.client
import re
import socket
import statistics
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from multiprocessing import get_context
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import brotli
from werkzeug.test import EnvironBuilder

ROUNDS = 60
REQUESTS = 10
WARM_UP = 25


@dataclass(frozen=True, slots=True)
class Target:
    """A page to measure: ``who`` is the cast's e-mail address, or empty for the floor."""

    name: str
    path: str
    who: str = ""
    is_fragment: bool = False


@dataclass(frozen=True, slots=True)
class Result:
    """``ratio_hundredths``: CPU of one request against the floor's in the same round, times 100, the median of all
    rounds; ``steps`` its bytecode instructions. Bytes are as compressed on the wire; ``first_visit_bytes`` and
    ``requests`` count the page with everything that it loads."""

    name: str
    cpu_microseconds: int
    ratio_hundredths: int
    steps: int
    requests_per_second: int
    queries: int
    page_bytes: int
    first_visit_bytes: int
    requests: int


# The server's process


def _serve(pipe: Connection, make: Callable[[], Any]) -> None:
    from threading import Thread

    from portal_app import config, starting
    from portal_app.serving import server_for

    with starting():
        app = make()
    count = [0]
    _count_queries(count)
    listening = socket.create_server(("127.0.0.1", 0))
    server = server_for(app, listening, threads=config.active().threads)
    Thread(target=server.run, daemon=True).start()
    pipe.send(listening.getsockname()[1])
    while (word := pipe.recv()) != "stop":
        match word:
            case "cpu":
                pipe.send(time.process_time_ns())
            case "queries":
                pipe.send(count[0])
            case path, headers:
                pipe.send(_steps(app, path, headers))


def _steps(app: Any, path: str, headers: dict[str, str]) -> int:
    """The bytecode instructions of one request, asked for in this thread; the first two fill what is kept."""
    taken = 0

    def step(_frame: Any, event: str, _argument: Any) -> Any:
        nonlocal taken
        taken += event == "opcode"
        return step

    def enter(frame: Any, _event: str, _argument: Any) -> Any:
        frame.f_trace_opcodes, frame.f_trace_lines = True, False
        return step

    for is_counted in (False, False, True):
        environ = EnvironBuilder(path, headers=[*headers.items()]).get_environ()
        sys.settrace(enter if is_counted else None)
        try:
            b"".join(app(environ, lambda *_: None))
        finally:
            sys.settrace(None)
    return taken


def _count_queries(count: list[int]) -> None:
    from peewee import Database

    execute = Database.execute_sql

    def counted(self: Database, sql: str, *args: Any, **kwargs: Any) -> Any:
        count[0] += not sql.startswith(("BEGIN", "COMMIT"))
        return execute(self, sql, *args, **kwargs)

    Database.execute_sql = counted


class Server:
    """A page's server in a process of its own, and the lines of those who call it."""

    def __init__(self, port: int, pipe: Connection, callers: int = 1) -> None:
        self.lines = [http.client.HTTPConnection("127.0.0.1", port, timeout=60) for _ in range(callers)]
        self.pipe = pipe

    def ask(self, word: str | tuple[str, dict[str, str]]) -> int:
        """``cpu`` (nanoseconds), ``queries`` (so far), or the steps of a path with headers."""
        self.pipe.send(word)
        return int(self.pipe.recv())

    @property
    def port(self) -> int:
        return self.lines[0].port

    def get(self, path: str, headers: dict[str, str], caller: int = 0) -> tuple[http.client.HTTPResponse, bytes]:
        line = self.lines[caller]
        line.request("GET", path, headers=headers)
        answer = line.getresponse()
        body = answer.read()
        if answer.status != 200:
            raise RuntimeError(f"{path} answered {answer.status}")
        return answer, body


@contextmanager
def serving(make: Callable[[], Any], callers: int = 1) -> Iterator[Server]:
    context = get_context("fork")
    ours, theirs = context.Pipe()
    process = context.Process(target=_serve, args=(theirs, make), daemon=True)
    process.start()
    try:
        yield Server(ours.recv(), ours, callers)
    finally:
        ours.send("stop")
        process.join(10)


# The two applications


def floor_app(folder: Path) -> Any:
    """A bare Flask page: two queries, a template of thirty rows, nothing else."""
    from flask import Flask, render_template
    from jinja2 import DictLoader
    from peewee import IntegerField, Model, SqliteDatabase, TextField

    database = SqliteDatabase(str(folder / "floor.sqlite3"), pragmas={"journal_mode": "wal"})

    class Row(Model):
        name = TextField()
        amount = IntegerField()

        class Meta:
            pass

    Row.bind(database)
    database.create_tables([Row])
    Row.insert_many([(f"Row number {number} of this bare page", number * 12_345) for number in range(30)]).execute()
    page = (
        "<!DOCTYPE html><title>{{ one.name }}</title><h1>{{ one.name }}</h1><table>{% for row in rows %}<tr>"
        '<td class="lead">{{ row.id }}</td><th scope="row"><a href="/rows/{{ row.id }}">{{ row.name }}</a>'
        '<br><span class="sub">Something about it that takes room on the page</span></th>'
        '<td class="num money">{{ row.amount }}</td></tr>{% endfor %}</table>'
    )
    app = Flask(__name__)
    app.jinja_loader = DictLoader({"page.html": page})  # compiled once, as everybody's templates are

    @app.get("/")
    def show() -> str:
        database.connect(reuse_if_open=True)
        return render_template("page.html", one=Row.get_by_id(1), rows=list(Row.select()))

    return app


def portal_app(settings: Any) -> Any:
    from portal_app import create_app

    return create_app(settings)


def cookie_of(email: str, settings: Any) -> str:
    """A signed-in browser's cookie."""
    from portal_app import create_app
    from portal_app.domain import people, sessions

    app = create_app(settings)
    who = people.find_by_email(email)
    if who is None:
        raise RuntimeError(f"the demo has nobody called {email}")
    signer: Any = app.session_interface
    value = signer.get_signing_serializer(app).dumps({"_user_id": sessions.start(who), "_fresh": True})
    return f"{app.config['SESSION_COOKIE_NAME']}={value}"


# Measuring


def measure(
    settings: Any, targets: list[Target], folder: Path, tick: Callable[[], None], callers: int = 1
) -> list[Result]:  # fmt: skip
    """Each target in turn with the floor, round by round, so that both meet the same machine; the medians count.
    ``callers`` ask at the same time."""
    from portal_app import db

    people = sorted({target.who for target in targets})
    cookies = {who: cookie_of(who, settings) for who in people}
    db.db.close()
    with serving(lambda: floor_app(folder), callers) as floor, serving(lambda: portal_app(settings), callers) as portal:
        found = [_measure(target, floor, portal, cookies[target.who], tick) for target in targets]
        return [_bare(floor), *found]


def _bare(floor: Server) -> Result:
    before = floor.ask("queries")
    body = floor.get("/", {})[1]
    queries = floor.ask("queries") - before
    cpu, nanoseconds = _cost(floor, "/", {})
    return Result(
        name="bare page", cpu_microseconds=cpu // 1000, ratio_hundredths=100, steps=floor.ask(("/", {})),
        requests_per_second=10**9 // nanoseconds, queries=queries, page_bytes=len(body), first_visit_bytes=len(body),
        requests=1,
    )  # fmt: skip


def _headers(target: Target, cookie: str) -> dict[str, str]:
    found = {"Cookie": cookie, "Accept-Encoding": "gzip, br", "Host": "localhost"}
    return found | ({"HX-Request": "true"} if target.is_fragment else {})


def _measure(target: Target, floor: Server, portal: Server, cookie: str, tick: Callable[[], None]) -> Result:
    headers = _headers(target, cookie)
    for _ in range(WARM_UP):
        floor.get("/", {})
        portal.get(target.path, headers)
    before = portal.ask("queries")
    answer, body = portal.get(target.path, headers)
    queries = portal.ask("queries") - before
    rounds = []
    for _ in range(ROUNDS):
        base, _seconds = _cost(floor, "/", {})
        rounds.append((base, *_cost(portal, target.path, headers)))
        tick()
    ratio = statistics.median(cpu * 100 // base for base, cpu, _ in rounds)
    cpu, nanoseconds = (int(statistics.median(item[at] for item in rounds)) for at in (1, 2))
    extra = [] if target.is_fragment else _loads(portal, _plain(answer, body))
    return Result(
        name=target.name, cpu_microseconds=cpu // 1000, ratio_hundredths=int(ratio),
        steps=portal.ask((target.path, headers)),
        requests_per_second=10**9 // nanoseconds, queries=queries, page_bytes=len(body),
        first_visit_bytes=len(body) + sum(extra), requests=1 + len(extra),
    )  # fmt: skip


def _cost(server: Server, path: str, headers: dict[str, str]) -> tuple[int, int]:
    """Nanoseconds of the server's CPU, and of time, for one request."""
    callers = len(server.lines)

    def call(caller: int) -> None:
        for _ in range(REQUESTS):
            server.get(path, headers, caller)

    cpu, began = server.ask("cpu"), time.perf_counter_ns()
    with ThreadPoolExecutor(callers) as pool:
        list(pool.map(call, range(callers)))
    ended = time.perf_counter_ns()
    count = REQUESTS * callers
    return (server.ask("cpu") - cpu) // count, (ended - began) // count


def _plain(answer: http.client.HTTPResponse, body: bytes) -> str:
    coding = answer.getheader("Content-Encoding")
    if coding == "gzip":
        return gzip.decompress(body).decode()
    return (brotli.decompress(body) if coding == "br" else body).decode()


def _loads(portal: Server, page: str) -> list[int]:
    """Bytes on the wire of each file that a browser fetches for the page."""
    found = re.findall(r'<(?:link rel="stylesheet" href|script[^>]* src|img[^>]* src)="(/[^"]+)"', page)
    return [len(portal.get(path, {"Accept-Encoding": "br", "Host": "localhost"})[1]) for path in found]


def as_json(results: list[Result]) -> list[dict[str, Any]]:
    return [asdict(result) for result in results]
