"""The emulator on a socket, of loopback unless told otherwise, and the thread that lets time pass in it."""

from __future__ import annotations

import contextlib
import logging
import threading
from collections.abc import Iterator
from typing import Any

from flask import Flask
from werkzeug.serving import BaseWSGIServer, WSGIRequestHandler, make_server

from portal_emulator import nights, webhooks
from portal_emulator.app import world_of


class Handler(WSGIRequestHandler):
    """Says nothing of single requests: addresses of the payment page carry names and amounts."""

    protocol_version = "HTTP/1.1"

    def connection_dropped(self, error: BaseException, environ: dict[str, Any] | None = None) -> None:
        self.close_connection = True  # and not kept for another call
        super().connection_dropped(error, environ)

    def log(self, type: str, message: str, *args: Any) -> None:
        if type == "error":
            logging.getLogger("emulator").error(message, *args)


def server(app: Flask, host: str, port: int) -> BaseWSGIServer:
    """Port 0 takes a free one: ``server_port`` says which. A call that faults dropped has its connection closed."""
    return make_server(host, port, app, threaded=True, request_handler=Handler)


class Pump(threading.Thread):
    """Once a second: nights that have come, webhooks that are due."""

    def __init__(self, app: Flask) -> None:
        super().__init__(name="emulator time", daemon=True)
        self._world = world_of(app)
        self._stop_asked = threading.Event()

    def run(self) -> None:
        while not self._stop_asked.wait(1):
            nights.catch_up(self._world)
            webhooks.deliver(self._world)

    def stop(self) -> None:
        self._stop_asked.set()
        self.join()


@contextlib.contextmanager
def running(app: Flask, port: int = 0) -> Iterator[str]:
    """For tests: served on loopback by a thread of its own; gives the base URL without ``/v1``."""
    made = server(app, "127.0.0.1", port)
    thread = threading.Thread(target=made.serve_forever, daemon=True)
    pump = Pump(app)
    thread.start()
    pump.start()
    try:
        yield f"http://127.0.0.1:{made.server_port}"
    finally:
        pump.stop()
        made.shutdown()
        made.server_close()
        thread.join()
