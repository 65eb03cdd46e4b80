"""A perfect score under Mozilla Observatory's published rules (version 5), counted here because a scan needs a public
host. 100 to begin with; what is wrong costs, what is better than needed adds."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from portal_app import config, create_app
from portal_app.config import Config
from tests.world import World

HTTPS = {"base_url": "https://portal.example.com"}
HIGHEST = 140  # of a host that browsers do not carry in their preload list


def policy_of(answer: Any) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for directive in answer.headers["Content-Security-Policy"].split(";"):
        name, *values = directive.split()
        assert name not in found, f"{name} twice makes a policy invalid"
        found[name] = values
    return found


def csp_points(policy: dict[str, list[str]]) -> int:
    words = " ".join(" ".join(values) for values in policy.values())
    loose = {"'unsafe-inline'", "'unsafe-eval'", "http:", "https:", "*", "data:"}
    for name in ("script-src", "object-src", "style-src"):
        if loose & set(policy.get(name, policy["default-src"])):
            return -20
    return 10 if policy["default-src"] == ["'none'"] and "unsafe" not in words else 5


def cookie_points(cookies: list[str]) -> int:
    flags = [{part.strip().lower().partition("=")[0] for part in cookie.split(";")[1:]} for cookie in cookies]
    if not all({"secure", "httponly"} <= each for each in flags):
        return -20
    return 5 if all("samesite" in each for each in flags) else 0


def script_points(page: str) -> int:
    scripts = re.findall(r"<script[^>]*>", page)
    assert scripts
    return 5 if all(re.search(r'integrity="sha(256|384|512)-', tag) for tag in scripts) else 0


def score(answer: Any) -> int:
    headers = answer.headers
    points = 100 + csp_points(policy_of(answer)) + cookie_points(headers.getlist("Set-Cookie"))
    points += script_points(answer.text)
    points += 5 if headers["Referrer-Policy"] in {"no-referrer", "same-origin", "strict-origin"} else 0
    points += 10 if headers["Cross-Origin-Resource-Policy"] == "same-origin" else 0
    points += 5 if policy_of(answer)["frame-ancestors"] == ["'none'"] else -20
    points += 0 if headers["X-Content-Type-Options"] == "nosniff" else -5
    age = re.search(r"max-age=(\d+)", headers["Strict-Transport-Security"])
    points += 0 if age and int(age[1]) >= 15_768_000 else -10
    return points


@pytest.fixture
def https(world: World, settings: Config) -> Flask:
    url = config.load({}, data=settings.data, database=settings.database, secret_key=settings.secret_key,
                      public_url=HTTPS["base_url"], compress="false")  # fmt: skip
    return create_app(url, WTF_CSRF_ENABLED=True)


def test_the_first_page_has_the_highest_score(https: Flask) -> None:
    answer = https.test_client().get("/sign-in", **HTTPS)
    assert answer.status_code == 200
    assert [cookie.partition("=")[0] for cookie in answer.headers.getlist("Set-Cookie")] == ["__Host-portal"]
    assert score(answer) == HIGHEST


def test_the_counting_notices_what_is_missing(https: Flask) -> None:
    answer = https.test_client().get("/sign-in", **HTTPS)
    answer.headers["Referrer-Policy"] = "unsafe-url"
    answer.headers["Content-Security-Policy"] += "; script-src-attr 'unsafe-inline'"
    assert score(answer) == HIGHEST - 10


def test_every_script_of_a_page_is_known_by_its_digest(
    app: Flask, as_: Callable[[Any], FlaskClient], world: World
) -> None:
    for who, path in ((world.alice, "/portal/pay"), (world.alice, "/portal"), (world.carol, "/firm")):
        assert script_points(as_(who).get(path).text) == 5, path
