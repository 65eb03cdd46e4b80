"""The line between a plugin and the fake of its gateway: the host's real client on it, with faults to play."""

from __future__ import annotations

import io
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any
from unittest import mock
from urllib.parse import unquote_to_bytes

import httpx

from portal_app.testing.wire import Wire


class Fault(StrEnum):
    """What can become of one request. ``BEFORE``: it did not get to the gateway; ``AFTER``: it did, and was done."""

    REFUSED = "connection refused"
    LOST_BEFORE = "no answer, and never arrived"
    LOST_AFTER = "done, and its answer lost"
    CUT_AFTER = "done, and the connection cut"
    ERROR_BEFORE = "503 before it was done"
    ERROR_AFTER = "502 after it was done"
    EMPTY_ERROR_AFTER = "500 without a body after it was done"
    TIMEOUT_AFTER = "408 after it was done"
    CONFLICT_BEFORE = "409: somebody else is at it"
    GARBAGE_AFTER = "done, and answered with a page of HTML"
    EMPTY_AFTER = "done, and answered with nothing"
    OBJECT_AFTER = "done, and answered with an empty object"
    LIST_AFTER = "done, and answered with a list"
    HALF_AFTER = "done, and half of its answer lost"
    REDIRECT_BEFORE = "302 to somewhere else"
    UNAUTHORIZED = "401: the key is not accepted"
    TOO_MANY = "429: too many requests"


_CUT = {
    Fault.REFUSED: httpx.ConnectError("Connection refused"),
    Fault.LOST_BEFORE: httpx.ReadTimeout("timed out"),
    Fault.LOST_AFTER: httpx.ReadTimeout("timed out"),
    Fault.CUT_AFTER: httpx.RemoteProtocolError("Server disconnected without sending a response."),
}
_ANSWERS: dict[Fault, tuple[int, bytes]] = {
    Fault.ERROR_BEFORE: (503, b"<h1>Service Unavailable</h1>"),
    Fault.ERROR_AFTER: (502, b"<h1>Bad Gateway</h1>"),
    Fault.EMPTY_ERROR_AFTER: (500, b""),
    Fault.TIMEOUT_AFTER: (408, b'{"error": {"code": "timeout", "message": "Timed out"}}'),
    Fault.CONFLICT_BEFORE: (409, b'{"error": {"code": "conflict", "message": "Another request is under way"}}'),
    Fault.GARBAGE_AFTER: (200, b"<html><body>Welcome to the hotel's network</body></html>"),
    Fault.EMPTY_AFTER: (200, b""),
    Fault.OBJECT_AFTER: (200, b"{}"),
    Fault.LIST_AFTER: (200, b"[]"),
    Fault.REDIRECT_BEFORE: (302, b""),
    Fault.TOO_MANY: (429, b'{"error": {"code": "rate_limit", "message": "Too many requests"}}'),
}
_BEFORE = {
    *(Fault.REFUSED, Fault.LOST_BEFORE, Fault.ERROR_BEFORE, Fault.CONFLICT_BEFORE, Fault.REDIRECT_BEFORE),
    *(Fault.UNAUTHORIZED, Fault.TOO_MANY),
}


@dataclass(frozen=True, slots=True)
class Sent:
    """A request as it was on the line; ``has_moved``: the gateway's books were others after it."""

    method: str
    url: str
    headers: dict[str, str]
    body: bytes
    has_moved: bool


@dataclass(slots=True)
class Line:
    """Carries requests to the wire. ``fault`` is played at request number ``at``, counted from :meth:`arm`; when it
    ``lasts``, at all that follow too."""

    wire: Wire
    sent: list[Sent] = field(default_factory=list)
    fault: Fault | None = None
    at: int = 0
    lasts: bool = False
    count: int = 0
    watches: bool = True
    before: Callable[[], object] = lambda: None
    after: Callable[[], object] = lambda: None
    _lock: Any = field(default_factory=threading.RLock)

    def arm(self, fault: Fault | None, at: int = 0, *, lasts: bool = False) -> None:
        self.fault, self.at, self.lasts, self.count = fault, at, lasts, 0

    def carry(self, request: httpx.Request) -> httpx.Response:
        """One request and its answer, or what became of them."""
        with self._lock:
            number, self.count = self.count, self.count + 1
        self.before()
        fault = self._fault_at(number)
        if fault in _BEFORE:
            self._note(request, has_moved=False)
            return self._spoiled(fault, request, b"")
        books = self._books()
        status, headers, body = _answer(self.wire, request)
        self._note(request, has_moved=self._books() != books)
        self.after()
        if fault is None:
            return httpx.Response(status, headers=headers, content=body, request=request)
        return self._spoiled(fault, request, body)

    def _fault_at(self, number: int) -> Fault | None:
        is_hit = number >= self.at if self.lasts else number == self.at
        return self.fault if is_hit else None

    def _spoiled(self, fault: Fault, request: httpx.Request, body: bytes) -> httpx.Response:
        if fault in _CUT:
            problem = _CUT[fault]
            raise type(problem)(str(problem), request=request)
        status, said = _ANSWERS.get(fault, (200, body[: len(body) // 2]))
        if fault is Fault.UNAUTHORIZED:
            status, said = self.wire.unauthorized()
        headers = {"content-type": "application/json" if said[:1] in {b"{", b"["} else "text/html"}
        if fault is Fault.REDIRECT_BEFORE:
            headers["location"] = "https://elsewhere.example.test/"
        return httpx.Response(status, headers=headers, content=said, request=request)

    def _books(self) -> tuple[int, int]:
        if not self.watches:  # parallel calls: whose request moved them cannot be told
            return 0, 0
        has_refunds = type(self.wire).refunds is not Wire.refunds
        return len(self.wire.charges()), len(self.wire.refunds()) if has_refunds else 0

    def _note(self, request: httpx.Request, *, has_moved: bool) -> None:
        self.sent.append(
            Sent(request.method, str(request.url), dict(request.headers.items()), request.read(), has_moved)
        )


def _answer(app: Any, request: httpx.Request) -> tuple[int, list[tuple[str, str]], bytes]:
    told: list[Any] = []

    def start_response(status: str, headers: list[tuple[str, str]], _info: Any = None) -> Callable[[bytes], None]:
        told[:] = [int(status[:3]), list(headers)]
        return lambda _data: None

    pieces = app(_environ(request), start_response)
    try:
        body = b"".join(pieces)
    finally:
        close = getattr(pieces, "close", None)
        if close:
            close()
    kept = [(name, value) for name, value in told[1] if name.lower() not in {"content-length", "content-encoding"}]
    return told[0], kept, body


def _environ(request: httpx.Request) -> dict[str, Any]:
    body, url = request.read(), request.url
    path, _, query = url.raw_path.partition(b"?")
    environ: dict[str, Any] = {
        "REQUEST_METHOD": request.method, "SCRIPT_NAME": "", "PATH_INFO": unquote_to_bytes(path).decode("latin-1"),
        "QUERY_STRING": query.decode("latin-1"), "SERVER_NAME": url.host, "SERVER_PORT": str(url.port or 443),
        "SERVER_PROTOCOL": "HTTP/1.1", "REMOTE_ADDR": "127.0.0.1", "CONTENT_LENGTH": str(len(body)),
        "CONTENT_TYPE": request.headers.get("content-type", ""), "wsgi.version": (1, 0), "wsgi.url_scheme": url.scheme,
        "wsgi.input": io.BytesIO(body), "wsgi.errors": io.StringIO(), "wsgi.multithread": True,
        "wsgi.multiprocess": False, "wsgi.run_once": False,
    }  # fmt: skip
    for name, value in request.headers.items():
        if name not in {"content-type", "content-length"}:
            environ[f"HTTP_{name.upper().replace('-', '_')}"] = value
    return environ


@contextmanager
def plugged_in(line: Line) -> Iterator[None]:
    """The host's own client for gateways, with its limits and rules, ends at ``line`` instead of the network."""
    from portal_app import wire

    def client(*_limits: Any) -> httpx.Client:
        return httpx.Client(transport=httpx.MockTransport(line.carry), follow_redirects=False, trust_env=False)

    with mock.patch.object(wire, "client", client):
        yield
