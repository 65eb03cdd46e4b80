"""A real browser for each test: Debian's Chromium where there is one, otherwise Playwright's own."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

import pytest
from playwright.sync_api import BrowserContext, expect

from tests.browser.harness import Console, serve

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication

expect.set_options(timeout=20_000)  # a busy machine takes its time; only what fails waits for all of it
PROGRAMS = ("chromium", "chromium-browser", "google-chrome")
FLAGS = [
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    # A browser that talks to nobody but the portal.
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


@pytest.fixture(scope="session")
def browser_type_launch_args(browser_type_launch_args: dict[str, Any]) -> dict[str, Any]:
    program = next(filter(None, map(shutil.which, PROGRAMS)), None)
    flags = [*FLAGS, "--no-sandbox"] if os.geteuid() == 0 else FLAGS
    return browser_type_launch_args | {"executable_path": program, "args": flags}


@pytest.fixture(scope="session")
def browser_context_args(browser_context_args: dict[str, Any]) -> dict[str, Any]:
    return browser_context_args | {
        "locale": "en-US",
        "timezone_id": "America/New_York",
        "reduced_motion": "reduce",
        "viewport": {"width": 1280, "height": 800},
    }


@pytest.fixture(autouse=True)
def console() -> Iterator[Console]:
    """Fails the test when a page of it complained; `console.allow(pattern)` accepts what is expected."""
    watcher = Console()
    yield watcher
    watcher.check()


@pytest.fixture
def new_context(new_context: Callable[..., BrowserContext], console: Console) -> Callable[..., BrowserContext]:
    """Another browser profile: a second person, or one without scripts (`java_script_enabled=False`)."""

    def make(**options: Any) -> BrowserContext:
        context = new_context(**options)
        context.set_default_timeout(30_000)
        console.watch(context)
        return context

    return make


@pytest.fixture
def live() -> Iterator[Callable[[WSGIApplication], str]]:
    """Serve an application for the length of the test: `base_url = live(app)`."""
    with ExitStack() as servers:
        yield lambda app: servers.enter_context(serve(app))
