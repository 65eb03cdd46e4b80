"""A thread serves many people one after the other; a signed-in browser's cookie."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from tests.world import World

As = Callable[[Any], FlaskClient]


def test_an_early_refusal_shows_nobody_elses_name(app: Flask, as_: As, world: World) -> None:
    assert world.alice.name in as_(world.alice).get("/portal").text
    app.config["WTF_CSRF_ENABLED"] = True
    answer = app.test_client().post("/sign-in")  # refused before anything else looks at it
    assert answer.status_code == 400
    assert "Sign in" in answer.text
    assert world.alice.name not in answer.text


@pytest.mark.parametrize("who", ["alice", "carol"])
def test_pages_opened_side_by_side_agree(app: Flask, as_: As, world: World, who: str) -> None:
    """No page sets the cookie anew, and the forms of each stay good."""
    browser, app.config["WTF_CSRF_ENABLED"] = as_(getattr(world, who)), True
    home = "/portal" if who == "alice" else "/firm"
    answers = [browser.get(home) for _ in range(2)]
    assert not any("Set-Cookie" in answer.headers for answer in answers)
    for answer in answers:
        assert "Cookie" in answer.headers["Vary"]
    token = re.findall(r'name="csrf_token" value="([^"]+)"', answers[0].text)[0]
    strangers = as_(world.dan).get("/firm").text
    other = re.findall(r'name="csrf_token" value="([^"]+)"', strangers)[0]
    assert browser.post("/sign-out", data={"csrf_token": other}).status_code == 400
    assert browser.post("/sign-out", data={"csrf_token": token}).status_code == 303
