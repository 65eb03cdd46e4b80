"""The ladder, walked on every route: signed out, the wrong face, the wrong role, somebody else's, nothing there,
the wrong method; and what every page and fragment owes."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from portal_app.db import db
from portal_app.domain import access, matters
from portal_app.domain.people import FirmUser
from tests.routes import Route, alices, routes, strangers
from tests.world import World

Browser = Callable[[Any], FlaskClient]
TOKENS = re.compile(r'name="csrf_token" value="[^"]+"|name="key"[^>]*value="[^"]+"|name="once"[^>]*value="[^"]+"')
# These pages may differ by nature: the moment is in them, or they answer without a body.
MAY_REDIRECT = {"/", "/firm/invoices/<int:invoice_id>/edit", "/portal/payments/<public_id>/return"}
NOT_MADE_YET = ("/receipt", "/pdf")  # paper that the worker has not set yet
TABLES_THAT_MAY_CHANGE = {
    "session", "document_share", "event_share", "deposit_share", "throttle", "audit_entry", "sqlite_sequence",
}  # fmt: skip
# To take the books away is an alarm, and so is to read a link that lets somebody in.
TELLS_OTHERS = {"/firm/records.csv", "/firm/exports/<export>", "/firm/mail/<int:email_id>"}


@pytest.fixture
def values(world: World) -> dict[str, Any]:
    return alices(world)


def guarded(app: Flask, method: str = "") -> list[Route]:
    return [route for route in routes(app, method=method) if route.action != "public"]


def wrong(found: dict[str, int], *expected: int) -> dict[str, int]:
    return {name: status for name, status in found.items() if status not in expected}


def send(browser: FlaskClient, route: Route, address: str, **kwargs: Any) -> int:
    return browser.open(address, method=route.method, **kwargs).status_code


def test_every_route_says_who_may_use_it(app: Flask) -> None:
    known = {"public", "portal", *access.ACTIONS}
    assert {route.name: route.action for route in routes(app) if route.action not in known} == {}


def test_signed_out_people_are_asked_to_sign_in(app: Flask, as_: Browser, values: dict[str, Any]) -> None:
    browser = as_(None)
    for route in guarded(app):
        answer = browser.open(route.address(values), method=route.method)
        assert answer.status_code == 303, route.name
        assert answer.headers["Location"].startswith("/sign-in"), route.name
        told = browser.open(route.address(values), method=route.method, headers={"HX-Request": "true"})
        assert (told.status_code, told.headers["HX-Redirect"][:8]) == (401, "/sign-in"), route.name


def test_the_other_face_is_not_there(app: Flask, as_: Browser, world: World, values: dict[str, Any]) -> None:
    alice, carol = as_(world.alice), as_(world.carol)
    found = {
        route.name: send(carol if route.action == "portal" else alice, route, route.address(values))
        for route in guarded(app)
    }
    assert wrong(found, 404) == {}


@pytest.mark.parametrize("who", ["dan", "erin"])
def test_the_wrong_role_is_refused(app: Flask, as_: Browser, world: World, values: dict[str, Any], who: str) -> None:
    person: FirmUser = getattr(world, who)
    browser = as_(person)
    denied = [route for route in guarded(app) if route.action != "portal" and not access.may(person, route.action)]
    assert denied
    assert wrong({route.name: send(browser, route, route.address(values)) for route in denied}, 403) == {}


@pytest.mark.parametrize("number", [987_654, 2**70])
def test_what_does_not_exist_is_not_found(
    app: Flask, as_: Browser, world: World, values: dict[str, Any], number: int
) -> None:
    carol, alice = as_(world.carol), as_(world.alice)
    nothing = strangers(values, number)
    found = {
        route.name: send(alice if route.action == "portal" else carol, route, route.address(nothing))
        for route in guarded(app)
        if route.rule.arguments
    }
    # An id past 2^63 matches no rule; where another method shares the path, that reads as 405.
    assert wrong(found, *((404,) if number < 2**63 else (404, 405))) == {}


def test_what_is_alices_is_not_there_for_bob(app: Flask, as_: Browser, world: World, values: dict[str, Any]) -> None:
    browser = as_(world.bob)
    found = {
        route.name: send(browser, route, route.address(values))
        for route in guarded(app)
        if route.action == "portal" and route.rule.arguments
    }
    assert len(found) >= 6
    assert wrong(found, 404) == {}


def test_a_restricted_matter_is_not_there_for_others(
    app: Flask, as_: Browser, world: World, values: dict[str, Any]
) -> None:
    matters.set_access(world.matter, is_restricted=True, staff=[world.erin])
    browser = as_(world.dan)
    inside = {
        "matter_id", "invoice_id", "entry_id", "payment_id", "movement_id", "authorisation_id", "hold_id",
        "adjustment_id", "deposit_id", "document_id", "event_id", "item_id",
    }  # fmt: skip
    found = {
        route.name: send(browser, route, route.address(values))
        for route in guarded(app)
        if route.rule.arguments & inside and access.may(world.dan, route.action)
    }
    assert len(found) >= 20
    assert wrong(found, 404) == {}


def test_a_wrong_method_is_refused(app: Flask, as_: Browser, world: World, values: dict[str, Any]) -> None:
    browser = as_(world.carol)
    found = {route.name: browser.put(route.address(values)).status_code for route in routes(app)}
    assert wrong(found, 405) == {}
    traced = browser.open("/sign-in", method="TRACE").status_code
    assert traced == 405


def readable(app: Flask, world: World, as_: Browser, values: dict[str, Any]) -> list[tuple[Route, FlaskClient, str]]:
    carol, alice = as_(world.carol), as_(world.alice)
    nobody = {"token", "tag", "name"}
    return [
        (route, alice if route.action == "portal" else carol, route.address(values))
        for route in guarded(app, "GET")
        if not route.rule.arguments & nobody
    ]


def test_every_page_opens_and_changes_nothing(app: Flask, as_: Browser, world: World, values: dict[str, Any]) -> None:
    pages = readable(app, world, as_, values)
    assert len(pages) > 40
    before = _rows()
    for route, browser, address in pages:
        if route.rule.rule in TELLS_OTHERS:
            continue
        answer = browser.get(address)
        expected = (
            {302, 303} if route.rule.rule in MAY_REDIRECT else {200, 404 if address.endswith(NOT_MADE_YET) else 200}
        )
        assert answer.status_code in expected, route.name
        assert browser.head(address).status_code == answer.status_code, route.name
    assert _rows() == before


def _rows() -> dict[str, list[Any]]:
    tables = set(db.get_tables()) - TABLES_THAT_MAY_CHANGE
    return {name: db.execute_sql(f'SELECT * FROM "{name}"').fetchall() for name in sorted(tables)}


def test_a_fragment_is_a_piece_of_its_page(
    app: Flask, as_: Browser, world: World, values: dict[str, Any], htmx: dict[str, str]
) -> None:
    pieces = 0
    for route, browser, address in readable(app, world, as_, values):
        page, piece = browser.get(address), browser.get(address, headers=htmx)
        if page.mimetype != "text/html" or page.status_code != 200 or page.data == piece.data:
            continue
        assert "HX-Request" in page.headers["Vary"], route.name
        if b"<html" in piece.data:
            continue
        pieces += 1
        for part in re.split(r"<hx-partial[^>]*>|</hx-partial>", TOKENS.sub("", piece.get_data(as_text=True))):
            assert part.strip() in TOKENS.sub("", page.get_data(as_text=True)), route.name
    assert pieces >= 8


def test_every_answer_is_armoured(app: Flask, as_: Browser, world: World, values: dict[str, Any]) -> None:
    answers = {route.name: browser.get(address) for route, browser, address in readable(app, world, as_, values)}
    answers["missing"] = as_(None).get("/nothing/here")
    answers["sign-in"] = as_(None).get("/sign-in")
    for name, answer in answers.items():
        policy = answer.headers["Content-Security-Policy"]
        assert "default-src 'none'" in policy, name
        assert "unsafe" not in policy, name
        assert "frame-ancestors 'none'" in policy, name
        assert answer.headers["X-Content-Type-Options"] == "nosniff", name
        assert answer.headers["Referrer-Policy"] == "same-origin", name
        assert "no-store" in answer.headers["Cache-Control"], name
        assert answer.headers["Content-Type"].count("charset") == (answer.mimetype or "").startswith("text/"), name


@pytest.mark.parametrize(
    "headers",
    [
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Origin": "https://evil.example.com"},
        {"Origin": "null"},
    ],
)
def test_a_change_from_another_site_is_refused(
    app: Flask, as_: Browser, world: World, values: dict[str, Any], headers: dict[str, str]
) -> None:
    carol, alice = as_(world.carol), as_(world.alice)
    before = _rows()
    found = {
        route.name: send(alice if route.action == "portal" else carol, route, route.address(values), headers=headers)
        for route in routes(app, method="POST")
    }
    assert wrong(found, 403) == {}
    assert _rows() == before


def test_a_post_without_its_token_is_refused(app: Flask, as_: Browser, world: World, values: dict[str, Any]) -> None:
    app.config["WTF_CSRF_ENABLED"] = True
    carol, alice = as_(world.carol), as_(world.alice)
    found = {
        route.name: send(alice if route.action == "portal" else carol, route, route.address(values))
        for route in routes(app, method="POST")
    }
    heard = {"POST /webhooks/<code>/<secret>": 404}  # machines send no token: there the address carries the secret
    assert wrong(found, 400) == heard
