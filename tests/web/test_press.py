"""Paper is set in a process of its own: bounded, out of reach of files and network, gone when nobody needs it."""

from __future__ import annotations

import base64
import json
import os
import signal
import struct
import subprocess
import sys
import threading
import time
import zlib
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest
from flask.testing import FlaskClient

from portal_app import config
from portal_app.web import press, press_child
from portal_app.web.press import NotPrinted
from tests.banks import deposit
from tests.world import World, today

PLAIN = '<html lang="en"><title>A title</title><p>Some words</p></html>'
LONG = '<html lang="en"><title>Long</title>' + "<p>Word</p>" * 60_000


@pytest.fixture
def fresh(settings: config.Config) -> Iterator[None]:
    """A process of this test's own, started with its settings."""
    press.stop()
    yield
    press.stop()


def pid() -> int:
    assert press._press.process is not None
    return press._press.process.pid


@pytest.mark.usefixtures("settings")
def test_the_same_input_is_the_same_paper_and_the_library_stays_outside() -> None:
    one, two = press.set_paper(PLAIN, "p { color: red }"), press.set_paper(PLAIN, "p { color: red }")
    assert one == two
    assert one.startswith(b"%PDF-")
    assert press.set_paper(PLAIN, "p { color: blue }") != one
    assert pid() != os.getpid()
    code = "import sys, portal_app.web.paper; sys.exit('weasyprint' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False, timeout=60).returncode == 0


@pytest.mark.usefixtures("settings")
@pytest.mark.parametrize("address", ["file:///etc/hostname", "http://127.0.0.1:9/x.png", "/etc/hostname"])
def test_nothing_that_a_document_names_is_fetched(caplog: pytest.LogCaptureFixture, address: str) -> None:
    html = f'<html lang="en"><title>x</title><img alt="x" src="{address}"><p>Words</p>'
    assert press.set_paper(html, "").startswith(b"%PDF-")
    assert address in caplog.text


REACHES = {
    "a file of the machine": "open('/etc/passwd')",
    "a file of the portal": "open('/var/lib/portal/portal.sqlite3')",
    "a file by another name": "os.open('/proc/self/environ', os.O_RDONLY)",
    "a file to write": "open('/usr/share/x', 'w')",
    "a connection": "socket.create_connection(('127.0.0.1', 9))",
    "a name": "socket.getaddrinfo('example.com', 80)",
    "a process": "subprocess.run(['true'])",
    "a shell": "os.system('true')",
}


@pytest.mark.parametrize("what", REACHES)
def test_a_process_that_sets_paper_reaches_nothing_else(what: str) -> None:
    """Even if the library were made to run what a document says."""
    code = f"""
import os, runpy, socket, subprocess, sys
child = runpy.run_path({press_child.__file__!r})
sys.addaudithook(child["_watch"])
try:
    {REACHES[what]}
except PermissionError as problem:
    sys.exit(0 if "setting paper" in str(problem) else 2)
sys.exit(1)
"""
    found = subprocess.run([sys.executable, "-I", "-c", code], check=False, timeout=60)
    assert found.returncode == 0


@pytest.mark.usefixtures("fresh")
def test_it_may_take_so_long_and_no_longer(settings: config.Config) -> None:
    press.set_paper(PLAIN, "")
    old = pid()
    config.use(replace(settings, pdf_seconds=1))
    with pytest.raises(NotPrinted, match="too long"):
        press.set_paper(LONG, "")
    with pytest.raises(ProcessLookupError):
        os.kill(old, 0)
    config.use(settings)
    assert press.set_paper(PLAIN, "").startswith(b"%PDF-")


def test_it_ends_by_itself_when_its_owner_is_gone_in_the_middle_of_a_paper() -> None:
    """Whoever is killed ends nobody; without a bound of its own it would go on for many minutes."""
    command = [sys.executable, "-I", str(press.CHILD), "1024", "60", "1"]
    asked = json.dumps({"html": LONG, "style": ""}).encode()
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL) as child:
        assert child.stdin is not None
        child.stdin.write(struct.pack(">I", len(asked)) + asked)
        child.stdin.close()
        assert child.wait(timeout=60) == -signal.SIGXCPU


def transparent(side: int) -> bytes:
    """A square PNG of nothing, four bytes for each point."""
    packing = zlib.compressobj(1)
    rows = b"".join(packing.compress(bytes(1 + 4 * side)) for _ in range(side)) + packing.flush()
    parts = ((b"IHDR", struct.pack(">IIBBBBB", side, side, 8, 6, 0, 0, 0)), (b"IDAT", rows), (b"IEND", b""))
    packed = (
        struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body)) for kind, body in parts
    )
    return b"\x89PNG\r\n\x1a\n" + b"".join(packed)


@pytest.mark.usefixtures("fresh")
def test_it_may_take_so_much_memory_and_no_more(settings: config.Config, caplog: pytest.LogCaptureFixture) -> None:
    """A small picture, of 324 MB when it is unpacked."""
    picture = base64.b64encode(transparent(9_000)).decode()
    config.use(replace(settings, pdf_memory_mb=420))
    with pytest.raises(NotPrinted):
        press.set_paper(f'<html lang="en"><title>x</title><img alt="x" src="data:image/png;base64,{picture}">', "")
    assert "more memory than it may have" in caplog.text
    assert press.set_paper(PLAIN, "").startswith(b"%PDF-")


@pytest.mark.usefixtures("fresh")
def test_it_ends_when_nobody_asks_and_the_next_paper_starts_another(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(press, "IDLE_SECONDS", 1)
    press.set_paper(PLAIN, "")
    first = press._press.process
    assert first is not None
    assert first.wait(20) == 0
    assert press.set_paper(PLAIN, "").startswith(b"%PDF-")
    assert pid() != first.pid


@pytest.mark.usefixtures("fresh")
def test_one_that_died_is_replaced(settings: config.Config) -> None:
    press.set_paper(PLAIN, "")
    os.kill(pid(), 9)
    assert press.set_paper(PLAIN, "").startswith(b"%PDF-")


@pytest.mark.usefixtures("fresh")
def test_threads_that_serve_pages_go_on_while_paper_is_set_and_only_a_few_may_wait(settings: config.Config) -> None:
    """Two wait for paper; a third is told so at once, and this thread computes meanwhile."""
    press.set_paper(PLAIN, "")
    config.use(replace(settings, pdf_seconds=300))
    long = LONG[:33_000]
    made: list[int] = []
    threads = [
        threading.Thread(target=lambda: made.append(len(press.set_paper(long, "", is_awaited=True)))) for _ in range(2)
    ]  # fmt: skip
    for thread in threads:
        thread.start()
    deadline = time.monotonic() + 20
    while press._waiting._value and time.monotonic() < deadline:
        time.sleep(0.01)
    with pytest.raises(NotPrinted, match="at this moment"):
        press.set_paper(PLAIN, "", is_awaited=True)
    assert made == []
    for thread in threads:
        thread.join()
    assert len(made) == 2


def test_a_paper_that_cannot_be_made_is_said_on_a_page(
    world: World, as_: Callable[[Any], FlaskClient], monkeypatch: pytest.MonkeyPatch
) -> None:
    deposit(world, "03-03", 50_000)
    monkeypatch.setattr(press, "_waiting", threading.BoundedSemaphore(1))
    assert press._waiting.acquire(blocking=False)
    answer = as_(world.erin).get(f"/firm/matters/{world.matter.id}/trust.pdf?from=2026-01-01&to={today()}")
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "10")
    assert "Other papers are being made at this moment" in answer.text
    press._waiting.release()
    answer = as_(world.erin).get(f"/firm/matters/{world.matter.id}/trust.pdf?from=2026-01-01&to={today()}")
    assert answer.data[:5] == b"%PDF-"
