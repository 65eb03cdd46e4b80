"""The portal as its users have it: the real commands, in processes of their own."""

from __future__ import annotations

import os
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.test_cli import free_ports

PORTAL = [sys.executable, "-c", "import sys; from portal_app.cli import main; sys.exit(main())"]
PATIENCE_SECONDS = 120


def clean_environment() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if not name.startswith("PORTAL_")}


def run(*words: str) -> None:
    """Run ``portal …`` to its end."""
    done = subprocess.run([*PORTAL, *words], env=clean_environment(), capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


@contextmanager
def serving(command: str, data: Path) -> Iterator[str]:
    """``portal demo`` or ``portal serve`` on free ports; its address. It must end cleanly when told to."""
    port = free_ports()
    words = [*PORTAL, command, "--data", str(data), "--port", str(port)]
    with subprocess.Popen(words, env=clean_environment(), stdout=subprocess.DEVNULL) as process:
        try:
            url = f"http://localhost:{port}"
            here = f"{url}/health"
            wait_for(lambda: process.poll() is not None or answers(here), f"portal {command} does not answer")
            assert process.poll() is None
            yield url
            process.terminate()
            assert process.wait(timeout=40) == 0
        finally:
            process.kill()  # after a failure: otherwise the test would wait for it until the whole run is given up


def wait_for(is_done: Callable[[], bool], complaint: str) -> None:
    until = time.monotonic() + PATIENCE_SECONDS
    while not is_done():
        assert time.monotonic() < until, complaint
        time.sleep(0.1)


def answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=10) as answer:
            return bool(answer.status == 200)
    except OSError:
        return False
