"""What a request need not find out anew is what Flask would have found."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import nullcontext
from typing import Any

import pytest
from flask import Blueprint, Flask, after_this_request, request_tearing_down
from flask.testing import FlaskClient
from werkzeug.exceptions import BadHost

from portal_app.domain.people import Client
from portal_app.web.application import Portal
from portal_app.web.uploads import FORM_BYTES
from tests.world import World

As = Callable[[Any], FlaskClient]
ADDRESSES: list[dict[str, Any]] = [
    {"HTTP_HOST": "Portal.Example.COM:8080"},
    {"HTTP_HOST": "portal.example.com:80"},
    {"HTTP_HOST": "portal.example.com:443", "wsgi.url_scheme": "https"},
    {"HTTP_HOST": "[::1]:5000"},
    {"HTTP_HOST": "evil<script>"},
    {"HTTP_HOST": ""},
    {"HTTP_HOST": f"{'a.' * 200}example.com"},
    {"SERVER_NAME": "localhost", "SERVER_PORT": "80"},
    {"SERVER_NAME": "/run/portal.sock", "SERVER_PORT": ""},
    {"HTTP_HOST": "localhost", "PATH_INFO": "//firm//matters"},
    {"HTTP_HOST": "localhost", "PATH_INFO": ""},
    {"HTTP_HOST": "localhost", "PATH_INFO": "/\xc3\xbc\xff", "QUERY_STRING": "q=\xc3\xbc&a=%FF", "SCRIPT_NAME": "/a/"},
]


@pytest.mark.parametrize("address", ADDRESSES, ids=str)
def test_an_address_is_read_as_flask_reads_it(app: Flask, address: dict[str, Any]) -> None:
    environ = app.test_request_context("/portal").request.environ
    del environ["HTTP_HOST"]
    ours, theirs = app.request_class({**environ, **address}), app.request_class({**environ, **address})
    found, expected = app.create_url_adapter(ours), Flask.create_url_adapter(app, theirs)
    assert found is not None
    assert expected is not None
    for name in ("server_name", "script_name", "subdomain", "url_scheme", "default_method", "query_args"):
        assert getattr(found, name) == getattr(expected, name), name
    assert found.path_info.lstrip("/") == expected.path_info.lstrip("/")
    assert bool(found.path_info) == bool(expected.path_info)
    assert (ours.host, ours.url) == (theirs.host, theirs.url)


def test_a_name_that_cannot_be_a_hosts_is_refused_each_time(app: Flask) -> None:
    for _ in range(2):
        answer = app.test_client().get("/sign-in", headers={"Host": f"{'a' * 70}.example.com"})
        assert answer.status_code == 400
        assert "try again" in answer.text.lower() or "sign in" in answer.text.lower()
    request = app.request_class({**app.test_request_context("/").request.environ, "HTTP_HOST": f"{'a' * 70}.test"})
    with pytest.raises(BadHost):
        Flask.create_url_adapter(app, request)


def test_who_brings_many_cookies_is_still_signed_in(as_: As, world: World) -> None:
    browser = as_(world.alice)
    for number in range(9):
        browser.set_cookie(f"other{number}", "x" * 900)
    for _ in range(2):
        assert world.alice.name in browser.get("/portal").text


def test_a_cookie_that_was_changed_opens_nothing(as_: As, world: World, app: Flask) -> None:
    browser = as_(world.alice)
    assert browser.get("/portal").status_code == 200
    name = app.config["SESSION_COOKIE_NAME"]
    cookie = browser.get_cookie(name)
    assert cookie is not None
    browser.set_cookie(name, cookie.value[:-2] + ("AA" if cookie.value[-2:] != "AA" else "BB"))
    assert browser.get("/portal").status_code == 303
    browser.set_cookie(name, cookie.value)
    assert browser.get("/portal").status_code == 200


def test_a_body_is_limited_whatever_asks_with_it(as_: As, world: World) -> None:
    for method in ("GET", "POST"):
        answer = as_(world.alice).open("/portal", method=method, data=b"x" * (FORM_BYTES + 1))
        assert answer.status_code == 413, method


def test_what_a_request_left_over_is_not_taken_for_the_next(
    as_: As, world: World, app: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A page whose end goes wrong must lend neither its method nor its person to whom the thread answers next."""
    browser, app.config["WTF_CSRF_ENABLED"] = as_(world.carol), True

    def fails(_problem: BaseException | None) -> None:
        raise OSError("the disk is full")

    def page_that_ends_badly() -> None:
        with monkeypatch.context() as broken:
            broken.setitem(app.teardown_request_funcs, None, [*app.teardown_request_funcs[None], fails])
            broken.setattr(app, "_steps", {})
            with pytest.raises(OSError, match="the disk is full"):
                browser.get("/firm")

    page_that_ends_badly()
    assert browser.post("/firm/clients", data={"kind": "person", "name": "Forged"}).status_code == 400
    assert not Client.select().where(Client.name == "Forged").exists()
    page_that_ends_badly()
    assert "/sign-in" in app.test_client().get("/firm").headers["Location"]


def _steps_taken(app: Flask, path: str) -> list[str]:
    """What runs around a view, in this order: of the application, of a blueprint and of one inside it."""
    taken: list[str] = []
    outer, inner = Blueprint("outer", __name__), Blueprint("inner", __name__, url_prefix="/in")

    def step(name: str, answer: Any = None) -> Any:
        def take(*given: Any) -> Any:
            taken.append(name)
            return given[-1] if name.startswith("after") else answer

        return take

    for at, one in (("app", app), ("outer", outer), ("inner", inner)):
        for which in "ab":
            one.url_value_preprocessor(step(f"look {at} {which}"))
            one.before_request(step(f"before {at} {which}", "stop" if path == f"/stop/{at}" and which == "a" else None))
            one.after_request(step(f"after {at} {which}"))
            one.teardown_request(step(f"teardown {at} {which}"))

    def view(**_values: Any) -> str:
        @after_this_request
        def last(answer: Any) -> Any:
            taken.append("after this one")
            return answer

        return "view"

    outer.add_url_rule("/out", view_func=view)
    outer.add_url_rule("/stop/<at>", view_func=view, endpoint="stop")
    inner.add_url_rule("/view", view_func=view)
    outer.register_blueprint(inner)
    app.register_blueprint(outer)
    app.add_url_rule("/alone", view_func=view)
    app.secret_key = "for tests"
    with app.test_client() as browser:
        taken += [browser.get(path).text, browser.get(path).text]
    return taken


@pytest.mark.parametrize("is_heard", [False, True])
@pytest.mark.parametrize("path", ["/alone", "/out", "/in/view", "/stop/app", "/stop/outer", "/nowhere"])
def test_what_runs_around_a_view_is_what_flask_runs(path: str, is_heard: bool) -> None:
    def hears(_app: Flask, **_about: Any) -> None:
        heard.append(path)

    counts = []
    for kind in (Portal, Flask):
        heard: list[str] = []
        with request_tearing_down.connected_to(hears) if is_heard else nullcontext():
            counts.append((_steps_taken(kind("steps"), path), len(heard)))
    assert counts[0] == counts[1]
    assert (counts[0][1] > 0) is is_heard
