"""What a browser fetches: two files for a reading page, small, kept for ever; forms and the firm's side one more."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import brotli
import pytest
from flask.testing import FlaskClient

from portal_app.web.assets import FOLDER
from tests.world import World

As = Callable[[Any], FlaskClient]

BROWSER = {"Accept-Encoding": "br"}
FIRST_VISIT_BYTES = 22_000
PAGE_BYTES = 3_250  # of a client's home, compressed, with much on it


def files_of(page: str) -> list[str]:
    return re.findall(r'(?:stylesheet" href|src)="(/static/[^"]+)"', page)


def test_a_clients_first_page_is_small(world: World, as_: As) -> None:
    alice = as_(world.alice)
    files = files_of(alice.get("/portal").text)
    assert [name.rpartition("/")[2] for name in files] == ["portal.css", "portal.js"]
    answers = [alice.get(name, headers=BROWSER) for name in files]
    assert all("immutable" in answer.headers["Cache-Control"] for answer in answers)
    assert sum(len(answer.data) for answer in answers) < FIRST_VISIT_BYTES - PAGE_BYTES


def test_htmx_comes_first_and_unchanged_and_then_obeys_our_rules(world: World, as_: As) -> None:
    client = as_(world.alice)
    script = brotli.decompress(client.get(files_of(client.get("/portal").text)[1], headers=BROWSER).data)
    htmx = (FOLDER / "vendor" / "htmx.min.js").read_bytes()
    assert script.startswith(htmx)
    ours = script.removeprefix(htmx).decode()
    assert "allowEval: false" in ours
    assert "//" not in ours


@pytest.mark.parametrize(("who", "path"), [("alice", "/portal/pay"), ("carol", "/firm"), ("", "/sign-in")])
def test_pages_with_forms_and_the_firms_side_add_the_desk(world: World, as_: As, who: str, path: str) -> None:
    client = as_(getattr(world, who, None))
    sheets = [name for name in files_of(client.get(path).text) if name.endswith(".css")]
    assert [name.rpartition("/")[2] for name in sheets] == ["portal.css", "desk.css"]
    body = client.get(sheets[1]).text
    assert "legend" in body
    assert "/*" not in body
