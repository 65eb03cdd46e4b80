"""The harness itself: what it must notice, it notices."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from flask import Flask, Response
from playwright.sync_api import Page

from tests.browser.harness import Console, axe, look

PAGE = """<!doctype html><html lang="en"><head><title>A page</title><link rel="icon" href="data:,">
<meta name="viewport" content="width=device-width"></head><body><main><h1>A page</h1>{}</main></body></html>"""


@pytest.fixture
def show(page: Page, live: Callable[[Flask], str]) -> Callable[[str], None]:
    """Draws a body, under a policy that allows nothing inline."""

    def draw(body: str) -> None:
        app = Flask("harness")
        policy = {"Content-Security-Policy": "default-src 'self'; img-src data:"}
        app.add_url_rule("/", view_func=lambda: Response(PAGE.format(body), headers=policy))
        page.goto(live(app))

    return draw


def test_a_blocked_script_fails_the_test(show: Callable[[str], None], console: Console) -> None:
    show("<script>document.title = 'changed'</script>")
    with pytest.raises(AssertionError, match="inline script"):
        console.check()
    console.allow("inline script")


def test_a_picture_without_words_fails_the_test(show: Callable[[str], None], page: Page) -> None:
    show("<img src='data:,'>")
    with pytest.raises(AssertionError, match="image-alt"):
        axe(page)


def test_a_page_wider_than_a_phone_fails_the_test(show: Callable[[str], None], page: Page) -> None:
    show("<table width='900'><tr><td>wide</table>")
    with pytest.raises(AssertionError, match="px wide"):
        look(page, "wide")
