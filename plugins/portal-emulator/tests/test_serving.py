"""Over a socket, as `portal emulator` serves it: the command, dropped connections, webhooks that really go out."""

from __future__ import annotations

import http.client
import json
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from portal_emulator.app import create, world_of
from portal_emulator.command import emulator
from portal_emulator.serving import running
from portal_emulator.testing import CARD

# A shell may have started the tests in the background, where an interrupt is ignored.
RUN = (
    "import signal; signal.signal(signal.SIGINT, signal.default_int_handler); "
    "from portal_emulator.command import emulator; emulator()"
)
BASIC = {"Authorization": "Basic ZW11bGF0b3Jfc2VjcmV0X2tleTo=", "Content-Type": "application/json"}
BODY = json.dumps({"amount": 5, "method": CARD | {"exp_year": 2099}})


def call(base: str, method: str, path: str, body: str | None = None) -> tuple[int, Any]:
    host = base.removeprefix("http://")
    connection = http.client.HTTPConnection(host, timeout=60)
    try:
        connection.request(method, path, body, BASIC)
        answer = connection.getresponse()
        return answer.status, json.loads(answer.read() or b"null")
    finally:
        connection.close()


@pytest.fixture
def heard() -> Iterator[tuple[str, list[dict[str, Any]]]]:
    got: list[dict[str, Any]] = []

    class Portal(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            got.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(200)
            self.end_headers()

        def log_message(self, format: str, *args: Any) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Portal)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/hook", got
    server.shutdown()
    thread.join()
    server.server_close()


def test_calls_are_answered_and_dropped_connections_close() -> None:
    app = create()
    with running(app) as base:
        assert call(base, "POST", "/v1/charges", BODY)[0] == 200
        for fault in ("lost_answer", "down"):
            world_of(app).faults.switch_on(fault, calls=1)
            with pytest.raises(http.client.RemoteDisconnected):
                call(base, "POST", "/v1/charges", BODY)
        status, page = call(base, "GET", "/v1/transactions")
        assert (status, page["total_entries"]) == (200, 2)


def test_many_calls_at_once_are_all_taken() -> None:
    with running(create()) as base:
        threads = [threading.Thread(target=call, args=(base, "POST", "/v1/charges", BODY)) for _ in range(20)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert call(base, "GET", "/v1/transactions")[1]["total_entries"] == 20


def test_webhooks_go_out_by_themselves(heard: tuple[str, list[dict[str, Any]]]) -> None:
    address, got = heard
    with running(create(webhook_addresses=[address])) as base:
        charge = call(base, "POST", "/v1/charges", BODY)[1]
        for _ in range(200):
            if got:
                break
            threading.Event().wait(1)
        assert [(e["type"], e["data"]["id"]) for e in got] == [("transaction.authorized", charge["id"])]


def test_the_command_serves_until_it_is_interrupted(tmp_path: Path) -> None:
    code = RUN
    options = ["--port", "0", "--clock", "2019-06-01", "--secret-key", "sk", "--state", str(tmp_path / "state")]
    process = subprocess.Popen(
        [sys.executable, "-u", "-c", code, *options], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    said = [process.stdout.readline().split() for _ in range(4)]
    assert [line[:2] for line in said] == [["Control", "page"], ["Base", "URL"], ["Secret", "key"], ["Public", "key"]]
    assert said[2][-1] == "sk"
    base = said[0][-1].rstrip("/")
    assert base.startswith("http://127.0.0.1:")
    assert call(base, "GET", "/control/state")[1]["now"].startswith("2019-06-01T00:00")
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=60)
    assert (process.returncode, errors) == (0, "")
    assert (tmp_path / "state").exists()


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--clock", "soon"], "a date such as 2019-06-01"),
        (["--webhook", "nonsense"], "is no http or https address"),
        (["--port", "70000"], "70000 is not in the range"),
    ],
)
def test_options_that_are_none(options: list[str], words: str) -> None:
    result = CliRunner().invoke(emulator, options)
    assert result.exit_code == 2
    assert words in result.output


def test_a_port_in_use_is_said() -> None:
    with running(create()) as base:
        result = CliRunner().invoke(emulator, ["--port", base.rpartition(":")[2]])
    assert result.exit_code == 1
    assert "cannot be used" in result.output


def test_help_names_every_option() -> None:
    shown = CliRunner().invoke(emulator, ["--help"]).output
    for option in ("--port", "--host", "--secret-key", "--public-key", "--clock", "--state", "--webhook"):
        assert option in shown
    assert "127.0.0.1" in shown
