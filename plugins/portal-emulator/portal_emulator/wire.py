"""The line between the caller and the interface, where the faults strike: nothing behind it knows of them."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from typing import Any, Final

from werkzeug.test import run_wsgi_app

from portal_emulator.faults import Dropped
from portal_emulator.refusal import refuse
from portal_emulator.world import Call, World

Environ = dict[str, Any]
StartResponse = Callable[..., Any]
Application = Callable[[Environ, StartResponse], Iterable[bytes]]

JSON: Final = "application/json"
HTML: Final = "text/html"
SHUT: Final = b"<html><body><h1>503 Service Unavailable</h1></body></html>"
GARBAGE: Final = b'{"id":"\xff\x00tru'


class Wire:
    """WSGI around the application. Calls to ``/v1`` enter the world one at a time; faults may wait outside it."""

    def __init__(self, application: Application, world: World, sleep: Callable[[int], None]) -> None:
        self._application = application
        self._world = world
        self._sleep = sleep

    def __call__(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        path = environ.get("PATH_INFO", "")
        if not path.startswith("/v1/"):
            return self._application(environ, start_response)
        call = f"{environ['REQUEST_METHOD']} {path}"
        slow = self._world.faults.strike("slow", call)
        if slow:
            self._sleep(slow.seconds)
        early = self._instead(call)
        if early is not None:
            return _respond(start_response, *early)
        lost, silent, broken, garbage = (
            self._world.faults.strike(name, call) for name in ("lost_answer", "no_answer", "error_after", "garbage")
        )
        with self._world:
            body, status, headers = run_wsgi_app(self._application, environ, buffered=True)
        content = b"".join(body)
        note = next((f.kind.name for f in (lost, silent, broken, garbage) if f), "slow" if slow else "")
        self._log(call, int(status.split()[0]), note)
        if silent:
            self._sleep(silent.seconds)
        if lost or silent:
            raise Dropped(note)
        if broken:
            return _respond(start_response, "500 Internal Server Error", JSON, _error("server_error"))
        if garbage:
            return _respond(start_response, "200 OK", JSON, GARBAGE)
        start_response(status, list(headers))
        return [content]

    def _instead(self, call: str) -> tuple[str, str, bytes] | None:
        """The answer to a call that is not taken at all; raises ``Dropped`` where there is none."""
        faults = self._world.faults
        if faults.strike("down", call):
            self._log(call, 0, "down")
            raise Dropped("down")
        answers = {
            "unavailable": ("503 Service Unavailable", HTML, SHUT),
            "unauthorized": ("401 Unauthorized", JSON, _error("not_authorized")),
            "rate_limited": ("429 Too Many Requests", HTML, b"Too many requests"),
            "error_before": ("500 Internal Server Error", JSON, _error("server_error")),
        }
        for name, answer in answers.items():
            if faults.strike(name, call):
                self._log(call, int(answer[0].split()[0]), name)
                return answer
        return None

    def _log(self, call: str, status: int, note: str) -> None:
        method, _, path = call.partition(" ")
        with self._world:
            self._world.calls.append(Call(self._world.stamp(), method, path, status, note))


def _respond(start_response: StartResponse, status: str, kind: str, content: bytes) -> list[bytes]:
    headers = [("Content-Type", kind), ("Content-Length", str(len(content)))]
    if status.startswith("429"):
        headers.append(("Retry-After", "1"))
    start_response(status, headers)
    return [content]


def _error(code: str) -> bytes:
    return json.dumps({"messages": refuse(code).messages}).encode()
