"""The process that sets paper: HTML and a stylesheet in, PDF out, over its standard input and output.

Run by ``press`` as a script of its own, isolated from the portal, its settings and its environment. It ends when nobody
has asked for long, when its owner ends, and when one paper needs more memory or time than it may: also if its owner was
killed meanwhile and cannot end it. Once it is warm it opens no file but
fonts and Python's own, and no connection at all; what a document names is never fetched unless it stands in it.
"""

from __future__ import annotations

import contextlib
import json
import logging
import os
import resource
import select
import struct
import sys
import time
from functools import lru_cache
from typing import Any, BinaryIO

NICENESS = 10  # who waits for a page goes before who waits for paper
SIZE = struct.Struct(">I")
READABLE = ("/usr/share", "/usr/lib", "/usr/local/share", "/usr/local/lib", "/etc/fonts", "/opt", "/dev/null")
FORBIDDEN = ("socket.", "subprocess.", "os.exec", "os.fork", "os.posix_spawn", "os.system", "shutil.", "os.remove",
             "os.rename", "os.mkdir", "os.chmod", "os.link", "os.symlink", "ctypes.dlopen")  # fmt: skip


def main(memory_mb: int, idle_seconds: int, paper_seconds: int) -> None:
    source, target = sys.stdin.buffer, os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # whatever prints goes to the log, not between the papers
    os.chdir("/")
    os.nice(NICENESS)
    resource.setrlimit(resource.RLIMIT_AS, (memory_mb * 1024 * 1024,) * 2)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    _warm_up()
    sys.addaudithook(_watch)
    while select.select([source], [], [], idle_seconds)[0]:
        asked = _read(source)
        if asked is None:
            return
        _bound(paper_seconds)
        for part in _answer(asked):
            target.write(SIZE.pack(len(part)) + part)
        target.flush()


def _bound(seconds: int) -> None:
    """The system ends this process when the next paper takes more of the processor's seconds."""
    spent = time.process_time_ns() // 10**9 + 1
    resource.setrlimit(resource.RLIMIT_CPU, (spent + seconds, resource.RLIM_INFINITY))


def _read(source: BinaryIO) -> dict[str, Any] | None:
    """What is asked for next; ``None`` when nobody asks any more."""
    head = source.read(SIZE.size)
    if len(head) < SIZE.size:
        return None
    found: dict[str, Any] = json.loads(source.read(SIZE.unpack(head)[0]))
    return found


def _answer(asked: dict[str, Any]) -> tuple[bytes, bytes]:
    """What is said about it, as JSON, and the paper; without paper it failed."""
    said: dict[str, Any] = {"warnings": []}
    body = b""
    with _listening(said["warnings"]):
        try:
            body = _set(asked["html"], asked["style"])
        except MemoryError:
            said["problem"] = "it needs more memory than it may have"
        except Exception as problem:
            said["problem"] = f"{type(problem).__name__}: {problem}"[:500]
    return json.dumps(said).encode(), body


class _Listener(logging.Handler):
    def __init__(self, heard: list[str]) -> None:
        super().__init__(logging.ERROR)
        self.heard = heard

    def emit(self, record: logging.LogRecord) -> None:
        self.heard.append(record.getMessage()[:300])


@contextlib.contextmanager
def _listening(heard: list[str]) -> Any:
    log, listener = logging.getLogger("weasyprint"), _Listener(heard)
    log.addHandler(listener)
    try:
        yield
    finally:
        log.removeHandler(listener)


@lru_cache(maxsize=4)
def _press(style: str) -> tuple[Any, Any]:
    """Fonts and a parsed stylesheet, made once."""
    from weasyprint import CSS
    from weasyprint.text.fonts import FontConfiguration

    fonts = FontConfiguration()
    return fonts, CSS(string=style, font_config=fonts)


def _set(html: str, style: str) -> bytes:
    """Tagged PDF (PDF/UA-1). Nothing is fetched: a data: address is all that may stand in it."""
    from weasyprint import HTML
    from weasyprint.urls import URLFetcher

    fonts, sheet = _press(style)
    page = HTML(string=html, url_fetcher=URLFetcher(allowed_protocols=("data",)))
    return bytes(page.write_pdf(stylesheets=[sheet], font_config=fonts, pdf_variant="pdf/ua-1"))


def _warm_up() -> None:
    """Load all that is needed before the doors are closed."""
    logging.basicConfig(level=logging.CRITICAL)
    logging.getLogger("weasyprint").setLevel(logging.ERROR)
    _set('<html lang="en"><title>x</title><p>Warm <b>up</b>, <i>once</i></p></html>', "")


def _watch(event: str, args: tuple[Any, ...]) -> None:
    """Python asks here before it touches anything outside: no connection, no process, no file but fonts and modules."""
    if event.startswith(FORBIDDEN):
        raise PermissionError(f"{event} while setting paper")
    if event == "open":
        path, _, flags = args
        is_read = not flags & (os.O_WRONLY | os.O_RDWR | os.O_CREAT)
        if isinstance(path, int):
            return
        if not is_read or not os.path.realpath(os.fsdecode(path)).startswith(_readable()):
            raise PermissionError(f"{os.fsdecode(path)} is not opened while setting paper")


@lru_cache(maxsize=1)
def _readable() -> tuple[str, ...]:
    own = (sys.prefix, sys.base_prefix, *(path for path in sys.path if path))
    return (*READABLE, *(os.path.realpath(path) for path in own))


if __name__ == "__main__":
    main(*(int(number) for number in sys.argv[1:4]))
    os._exit(0)  # there is nothing to tidy up, and the font libraries do not bear it
