"""What browser tests share: a real server, an eye on the console, accessibility, pictures."""

from __future__ import annotations

import itertools
import os
import re
import threading
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import BrowserContext, ConsoleMessage, Page, WebError
from werkzeug.serving import WSGIRequestHandler, make_server

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication

WIDTHS = {390: 844, 1280: 800}  # a phone and a desk
SCHEMES = ("light", "dark")
RULES = ("wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22a", "wcag22aa", "best-practice")


class _Quiet(WSGIRequestHandler):
    def log(self, type: str, message: str, *args: Any) -> None:
        """Requests are the test's business, not the terminal's."""


@contextmanager
def serve(app: WSGIApplication) -> Iterator[str]:
    """Serve an application on a free port of this machine; its base URL, without a slash at the end.

    The name is localhost: browsers grant it what they otherwise grant to https alone.
    """
    server = make_server("127.0.0.1", 0, app, threaded=True, request_handler=_Quiet)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://localhost:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


class Console:
    """Collects what pages complain about: script errors, warnings, blocked or missing resources."""

    def __init__(self) -> None:
        self.complaints: list[str] = []
        self._allowed: list[str] = []

    def allow(self, pattern: str) -> None:
        """Accept messages that contain this regular expression: `console.allow("status of 422")`."""
        self._allowed.append(pattern)

    def watch(self, context: BrowserContext) -> None:
        """Listen to every page of a context, also to those that it opens later."""
        context.on("console", self._message)
        context.on("weberror", self._error)

    def check(self) -> None:
        """Raise AssertionError when anything was said that the test did not allow."""
        said = [text for text in self.complaints if not any(re.search(a, text) for a in self._allowed)]
        assert not said, "the browser complained:\n" + "\n".join(said)

    def _message(self, message: ConsoleMessage) -> None:
        if message.type in ("error", "warning", "assert"):
            self.complaints.append(f"{message.type}: {message.text} ({message.location.get('url', '')})")

    def _error(self, error: WebError) -> None:
        self.complaints.append(f"exception: {error.error}")


def axe(page: Page) -> None:
    """Assert that the page, as it stands, breaks no accessibility rule (WCAG 2.2 AA and best practice)."""
    # A link that was pressed has begun its page, which may not have a single element yet.
    page.wait_for_load_state()
    # Not into frames: a gateway's fields are another origin's page, and calling there would complain on the console.
    options = {"runOnly": {"type": "tag", "values": list(RULES)}, "resultTypes": ["violations"], "iframes": False}
    found = Axe().run(page, options=options).response["violations"]
    lines = [
        f"{rule['id']}: {rule['help']}\n    {node['html']}\n    {node['failureSummary']}"
        for rule in found
        for node in rule["nodes"]
    ]
    assert not lines, f"{page.url} at {page.viewport_size}:\n" + "\n".join(lines)


def look(page: Page, name: str, *, judged: Collection[str] = SCHEMES) -> None:
    """See the page at both widths, in light and dark: no broken rule (in the schemes that are to be ``judged``),
    nothing sideways; pictures if asked for.

    PORTAL_SCREENSHOTS names the folder that NAME-WIDTH-SCHEME.png are written into; without it a phone in light and a
    desk in dark are enough.
    """
    page.wait_for_load_state()  # as in axe()
    before = page.viewport_size
    folder = os.environ.get("PORTAL_SCREENSHOTS")
    for width, scheme in itertools.product(WIDTHS, SCHEMES) if folder else ((390, "light"), (1280, "dark")):
        page.set_viewport_size({"width": width, "height": WIDTHS[width]})
        page.emulate_media(color_scheme="dark" if scheme == "dark" else "light")
        _assert_fits(page, width)
        if scheme in judged:
            axe(page)
        if folder:
            _picture(page, Path(folder) / f"{name}-{width}-{scheme}.png")
    page.emulate_media(color_scheme="null")
    if before:
        page.set_viewport_size(before)


def _picture(page: Page, path: Path) -> None:
    """The whole page. A frame of another origin is only painted once it has been in view."""
    size = page.viewport_size
    if len(page.frames) > 1 and size:
        page.set_viewport_size({"width": size["width"], "height": page.evaluate("document.body.scrollHeight")})
        page.wait_for_timeout(200)
    page.screenshot(path=path, full_page=True)


def _assert_fits(page: Page, width: int) -> None:
    wide = page.evaluate("document.documentElement.scrollWidth")
    assert wide <= width, f"{page.url} is {wide} px wide on a screen of {width} px"
