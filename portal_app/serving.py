"""``portal serve``: the portal, the pages of rehearsal gateways on a port of their own, and the worker; one process."""

from __future__ import annotations

import datetime as dt
import errno
import json
import logging
import signal
import socket
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from types import FrameType
from typing import Any

from waitress.channel import HTTPChannel
from waitress.parser import HTTPRequestParser, ParsingError
from waitress.server import create_server
from waitress.task import ThreadedTaskDispatcher, WSGITask

from portal_app import create_app, db, gateway_setup, plugins, worker
from portal_app.config import Config
from portal_app.plugin_api import WsgiApp
from portal_app.web.headers import USUAL

log = logging.getLogger(__name__)

# What is larger is refused before it is read; up to here the portal's own page says what the limit is.
BODY_BYTES = 256 * 1024 * 1024


class PortTaken(RuntimeError):
    """The port cannot be listened on; the message says why and what to do."""


class _Line(logging.Formatter):
    """One JSON object a line, so that nothing that is logged can forge a line, or steer the terminal that shows it."""

    def format(self, record: logging.LogRecord) -> str:
        found = {
            "at": dt.datetime.fromtimestamp(record.created, dt.UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "from": record.name,
            "text": record.getMessage(),
        }
        if record.exc_info:
            found["trace"] = record.exc_text or self.formatException(record.exc_info)
        text = json.dumps(found, ensure_ascii=False)
        return text if text.isprintable() else "".join(_seen(sign) for sign in text)


def _seen(sign: str) -> str:
    """A sign that can be printed; JSON's escape of one that cannot. By itself JSON lets U+2028 and U+009B be."""
    return sign if sign.isprintable() else json.dumps(sign)[1:-1]


def log_to_stderr(level: int = logging.INFO) -> None:
    """The portal's own log from ``level`` on, and the warnings of everybody else."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_Line())
    logging.basicConfig(level=logging.WARNING, handlers=[handler], force=True)
    logging.getLogger("portal_app").setLevel(level)
    for noisy in ("waitress.queue",):
        logging.getLogger(noisy).setLevel(logging.ERROR)


def open_servers(settings: Config) -> list[Any]:
    """Listen for the portal, and for each plugin's companion application; nothing is answered yet.

    Raises:
        PortTaken: a port is in use or not allowed.
    """
    app = create_app(settings)
    db.self_test()
    servers = [_listen(app, settings, settings.port, "port")]
    try:
        return [*servers, *open_companions(settings)]
    except PortTaken:
        servers[0].close()
        raise


def open_companions(settings: Config) -> list[Any]:
    """Listen for the plugins' companion applications: one at most, since there is one port, and rehearsal gateways take
    turns. Raises ``PortTaken``."""
    opened = (open_companion(settings, plugin) for plugin in plugins.registry().manifests)
    first = next(filter(None, opened), None)
    return [first] if first else []


def open_companion(settings: Config, plugin: str) -> Any | None:
    """Listen for a plugin's companion application; ``None`` when it has none. Raises ``PortTaken``."""
    app = _companion(plugin)
    return None if app is None else _listen(app, settings, settings.own_companion_port, "companion port")


def _companion(plugin: str) -> WsgiApp | None:
    context = gateway_setup.companion_context(plugin)
    try:
        found: WsgiApp | None = plugins.registry().call(plugin, "gateway_companion", ctx=context)
    except Exception:
        log.exception("the companion of gateway %s does not start; the portal goes on without it", plugin)
        return None
    return found


class _Parser(HTTPRequestParser):
    """A body has one length. Where two are given a proxy could believe the other one, and take the rest of the body
    for the next person's request: nothing of it is read."""

    def parse_header(self, header_plus: bytes) -> None:
        names = [line.partition(b":")[0].strip().lower() for line in header_plus.split(b"\r\n")[1:]]
        if sum(names.count(name) for name in (b"content-length", b"transfer-encoding")) > 1:
            raise ParsingError("The length of the body is given twice")
        super().parse_header(header_plus)


class _Task(WSGITask):
    """An answer. What waitress would take apart and put together again for each of them, header by header, is written
    once; and head and body are sent together where the body is one text."""

    def build_response_header(self) -> bytes:
        given, lines = self.response_headers, []
        self.response_headers = []
        for name, value in given:
            if name in _SAME:
                lines.append(_line(name, value))
            else:
                self.response_headers.append((name, value))
        head: bytes = super().build_response_header()
        return b"".join((head[:-2], *lines, b"\r\n"))

    def write(self, data: bytes) -> None:
        if self.wrote_header or not self.complete or not self.has_body or len(data) != self.content_length:
            super().write(data)
            return
        self.channel.write_soon(self.build_response_header() + data)
        self.wrote_header = True
        self.content_bytes_written = len(data)


# Headers that have few values, and nothing to do with how long an answer is or whether another one follows.
_OFTEN = "Content-Security-Policy", "Strict-Transport-Security", "Content-Type", "Content-Encoding", "Vary"
_SAME = frozenset((*USUAL, *_OFTEN))


@lru_cache(maxsize=256)
def _line(name: str, value: str) -> bytes:
    return f"{name}: {value}\r\n".encode("latin-1")


class _Channel(HTTPChannel):
    parser_class = _Parser
    task_class = _Task


class _Newest(threading.Condition):
    """Wakes who has waited for the shortest time."""

    def notify(self, n: int = 1) -> None:
        self._waiters.rotate(n)  # type: ignore[attr-defined]  # a deque, woken from the left
        super().notify(n)


class _Hands(ThreadedTaskDispatcher):
    """The threads that answer. Who has just answered takes the next request, too: what it needs is still at hand, in
    the processor's cache and in its own connection to the database; as many connections are opened as are needed."""

    def __init__(self, threads: int) -> None:
        super().__init__()
        self.queue_cv = _Newest(self.lock)
        self.set_thread_count(threads)


def server_for(
    app: WsgiApp, listening: socket.socket, *, threads: int, most_bytes: int = BODY_BYTES, is_behind_proxy: bool = False
) -> Any:  # fmt: skip
    """The server in front of an application; its ``run`` answers what comes to the socket."""
    server: Any = create_server(
        app, sockets=[listening], ident="", max_request_body_size=most_bytes,
        # The portal itself decides which proxies it believes.
        clear_untrusted_proxy_headers=not is_behind_proxy, _dispatcher=_Hands(threads),
    )  # fmt: skip
    server.channel_class = _Channel
    server.served = app  # waitress keeps it wrapped
    return server


def _listen(app: WsgiApp, settings: Config, port: int, what: str) -> Any:
    return server_for(
        app, _bound(settings.host, port, what), threads=settings.threads,
        most_bytes=max(BODY_BYTES, 2 * settings.upload_limit_bytes), is_behind_proxy=settings.trusted_proxies > 0,
    )  # fmt: skip


def _bound(host: str, port: int, what: str) -> socket.socket:
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
    except OSError:
        raise PortTaken(f"“{host}” is not an address of this machine. See the setting “host”.") from None
    found = socket.socket(family, kind, protocol)
    found.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        found.bind(address)
        found.listen(1)  # two programs can bind a port; only one can listen on it
    except OSError as problem:
        found.close()
        where = f"The {what} {port} on {host}"
        if problem.errno == errno.EADDRINUSE:
            raise PortTaken(f"{where} is in use by another program. Choose another one with --port.") from None
        raise PortTaken(f"{where} cannot be listened on: {problem.strerror}.") from None
    return found


class Beside:
    """A plugin's server that runs in a thread of its own from now until it is stopped."""

    def __init__(self, server: Any) -> None:
        self.server = server
        self.thread = threading.Thread(target=server.run, name="portal-companion", daemon=True)
        self.thread.start()

    def stop(self) -> None:
        # Closed by its own thread: a socket that is closed under a waiting select() fails there. The lock keeps that
        # thread from it until the trigger is pulled: then its file is closed, and the number may be another file's.
        trigger = self.server.trigger
        with trigger.lock:
            trigger.thunks.append(self._end)
            trigger._physical_pull()
        self.thread.join(timeout=10)
        close = getattr(self.server.served, "close", None)
        if close is not None:
            try:
                close()
            except Exception:
                log.exception("a gateway's companion does not stop as it should; the portal goes on without it")

    def _end(self) -> None:
        self.server.task_dispatcher.shutdown()  # who is answering pulls the trigger, too
        self.server.close()
        for channel in self.server.active_channels.values():
            channel.close_when_flushed = True  # nobody would answer what still comes on an open line


def run(servers: list[Any]) -> None:
    """Serve until SIGTERM or SIGINT, with the worker beside; then finish what is being done, and return."""
    with _working(servers[1:]):
        try:
            servers[0].run()  # returns when _stop raises inside it
        finally:
            servers[0].close()


def run_worker(settings: Config) -> None:
    """The worker, and the companion applications, for when the web is served by other processes."""
    try:
        companions = open_companions(settings)
    except PortTaken as problem:  # by a second worker: what is to be done must be done all the same
        log.warning("no rehearsal gateway is served from here: %s", problem)
        companions = []
    with _working(companions) as background:
        background.join()


@contextmanager
def _working(companions: list[Any]) -> Iterator[worker.Worker]:
    """The worker and the companion applications run until SIGTERM, SIGINT or the end; then they finish what they do."""
    background = worker.Worker()
    signal.signal(signal.SIGTERM, _stop)
    signal.signal(signal.SIGINT, _stop)
    beside = [Beside(server) for server in companions]
    background.start()
    try:
        yield background
    except SystemExit:
        log.debug("stopped by a signal")
    finally:
        for companion in beside:
            companion.stop()
        background.stop()


def _stop(number: int, _frame: FrameType | None) -> None:
    # A second signal, while the first is being obeyed, ends the process at once.
    signal.signal(number, signal.SIG_DFL)
    raise SystemExit(0)
