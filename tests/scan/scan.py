"""``./dev scan``: bandit over the code, wapiti over a demo on loopback. No finding without a written reason
(accepted.toml).

The demo runs from a throwaway folder, as nobody where this is root: a scanner tries what a path traversal would do.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from http.cookiejar import CookieJar
from pathlib import Path
from typing import Any
from urllib.parse import urlencode, urlsplit

from tests.scan.findings import Finding, accepted, judge

ROOT = Path(__file__).parent.parent.parent
TOOLS = Path(sys.executable).parent
CODE = ("portal_app", "plugins", "migrations", "wsgi.py", "hatch_build.py")
MODULES = (
    "backup,cookieflags,crlf,csp,csrf,exec,file,htaccess,http_headers,methods,permanentxss,redirect,sql,upload,xss,xxe"
)
NOBODY = 65534
ATTACK_SECONDS = 60  # for each kind of attack
TRIES = 3  # its own store locks itself out at times
# Those who sign in come first: a stranger who guesses for minutes has to wait.
WHO = ("alice@example.com", "carol@example.com", "")
FILL_SECONDS = 900  # the demo has a year to make up, on a slow machine too
PASSWORD = "paper-lantern-2026"


def bandit() -> list[Finding]:
    done = subprocess.run(
        [TOOLS / "bandit", "-q", "-r", *CODE, "-x", "*/tests/*", "-f", "json"],
        cwd=ROOT, capture_output=True, text=True, check=False,
    )  # fmt: skip
    rows = json.loads(done.stdout)["results"]
    return [Finding("bandit", row["test_id"], row["filename"].removeprefix("./"), row["issue_text"]) for row in rows]


@contextlib.contextmanager
def demo() -> Iterator[str]:
    """A demo on loopback; its address."""
    with tempfile.TemporaryDirectory() as folder, socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
        free.close()
        Path(folder).chmod(0o777)
        words = [str(ROOT / ".venv/bin/portal"), "demo", "--data", f"{folder}/demo", "--port", str(port)]
        who: dict[str, Any] = {"user": NOBODY, "group": NOBODY, "extra_groups": []} if os.geteuid() == 0 else {}
        server = subprocess.Popen(words, cwd=folder, env={"HOME": folder, "PATH": "/usr/bin:/bin"}, **who)
        try:
            _wait(f"http://127.0.0.1:{port}/health", server)
            yield f"http://localhost:{port}"
        finally:
            server.terminate()
            with contextlib.suppress(subprocess.TimeoutExpired):
                server.wait(60)
            server.kill()
            shutil.rmtree(f"{folder}/demo", ignore_errors=True)


def _wait(address: str, server: subprocess.Popen[bytes]) -> None:
    until = time.monotonic() + FILL_SECONDS
    while time.monotonic() < until:
        if server.poll() is not None:
            raise SystemExit("The demo does not start. As root it runs as nobody, who must be able to read all of it.")
        with contextlib.suppress(OSError), urllib.request.urlopen(address, timeout=1):
            return
        time.sleep(1)
    raise SystemExit("The demo does not answer.")


def wapiti(address: str, who: str, seconds: int) -> list[Finding]:
    """As ``who`` (an e-mail address; empty: signed out), ``seconds`` for each kind of attack."""
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "report.json"
        words: list[str | Path] = [
            TOOLS / "wapiti", "-u", f"{address}/", "-x", f"{address}/sign-out", "-m", MODULES, "--flush-session",
            "--store-session", folder, "--store-config", folder, "--no-bugreport", "-f", "json", "-o", report,
            "--max-attack-time", str(seconds), "--max-scan-time", str(5 * seconds), "--tasks", "4", "-v", "0",
        ]  # fmt: skip
        if who:
            words += ["-H", f"Cookie: {signed_in(address, who)}", "-x", f"{address}/*/account/sessions*"]
        for _ in range(TRIES):
            done = subprocess.run(
                words, check=False, capture_output=True, text=True, env={**os.environ, "HOME": folder}
            )
            if done.returncode == 0 and report.is_file():
                break
            print(done.stderr.strip().rpartition("\n")[2], file=sys.stderr, flush=True)
        else:
            raise SystemExit(f"wapiti, as {who or 'nobody'}, did not come to its end.")
        said = json.loads(report.read_text("utf-8"))
    _tell(said["infos"], who)
    return [
        Finding("wapiti", rule, _page(row["path"]), f"as {who or 'nobody'}: {row['info']}")
        for kind in ("vulnerabilities", "anomalies", "additionals")
        for rule, rows in said[kind].items()
        for row in rows
    ]


def signed_in(address: str, who: str) -> str:
    """The cookies of somebody who has just signed in. Wapiti itself reads every word like "expired" as a refusal."""
    jar = CookieJar()
    browser = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(jar))
    page = browser.open(f"{address}/sign-in", timeout=60).read().decode()
    token = re.search(r'name="csrf_token"[^>]*value="([^"]+)"', page)
    sent = urlencode({"email": who, "password": PASSWORD, "csrf_token": token[1] if token else ""}).encode()
    home = browser.open(f"{address}/sign-in", sent, timeout=60).geturl()
    if "/sign-in" in home:
        raise SystemExit(f"Nobody is let in as {who}.")
    return "; ".join(f"{cookie.name}={cookie.value}" for cookie in jar)


def _tell(infos: dict[str, Any], who: str) -> None:
    """How far it came."""
    print(f"wapiti, as {who or 'nobody'}: {infos['crawled_pages_nbr']} pages", file=sys.stderr, flush=True)


def _page(address: str) -> str:
    """A page's path with its ids made alike."""
    return re.sub(r"/(\d+|[A-Za-z0-9_-]{20,})(?=/|$)", "/*", urlsplit(address).path)


def main() -> int:
    parser = argparse.ArgumentParser(prog="./dev scan")
    parser.add_argument("--seconds", type=int, default=ATTACK_SECONDS, help="for each kind of attack")
    seconds = parser.parse_args().seconds
    found = bandit()
    with demo() as address:
        for who in WHO:
            found += wapiti(address, who, seconds)
    for line in (said := judge(found, accepted(), {"bandit", "wapiti"})):
        print(line)
    print(f"{len(found)} findings, {len(said)} without a reason")
    return 1 if said else 0


if __name__ == "__main__":
    raise SystemExit(main())
