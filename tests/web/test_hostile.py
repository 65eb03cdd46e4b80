"""Input that nobody types: each has a clear answer, and none is an error of ours."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from flask.testing import FlaskClient

from portal_app.domain.people import Client
from tests.conftest import Engine
from tests.world import PASSWORD, World

As = Callable[[Any], FlaskClient]
WORDS = [
    "\0",
    "a\0b",
    "9" * 30,
    "-1",
    "٣",
    "%",
    "\u202egpj.exe",
    "\r\nX-Evil: 1",
    "'; DROP TABLE matter; --",
    "x" * 5000,
]


@pytest.fixture(params=["sqlite", "postgresql"])
def engine(request: pytest.FixtureRequest) -> Engine:
    found: Engine = request.getfixturevalue(f"{request.param}_engine")
    return found


@pytest.mark.parametrize("path", ["/firm/matters", "/firm/invoices", "/firm/time", "/firm/clients", "/firm/people"])
def test_every_search_bears_every_word(world: World, as_: As, path: str) -> None:
    browser = as_(world.carol)
    found = {word[:20]: browser.get(path, query_string={"q": word}).status_code for word in WORDS}
    assert set(found.values()) == {200}, found


def test_the_share_panel_bears_every_word(world: World, as_: As) -> None:
    path = f"/firm/matters/{world.matter.id}/documents/{world.document.id}/share"
    for word in WORDS:
        answer = as_(world.carol).post(path, data={"find": "1", "q": word, "people": str(world.alice.id)})
        assert answer.status_code == 200, word[:20]


def test_a_kind_of_work_that_there_is_not_is_time(world: World, as_: As) -> None:
    for word in WORDS:
        answer = as_(world.dan).post(f"/firm/matters/{world.matter.id}/time", data={"kind": word})
        assert (answer.status_code, "Add time" in answer.text) == (422, True), word[:20]


@pytest.mark.parametrize(
    "name", ["%00", "a%00b.css", "x" * 5000, "..%2f..%2fwsgi.py", "vendor/%2e%2e/portal.css", ".hidden", "ü.css"]
)
def test_static_names_that_there_are_not(world: World, as_: As, name: str) -> None:
    assert as_(None).get(f"/static/0/{name}").status_code == 404


@pytest.mark.parametrize(
    "address", ["http://[::1", "//evil.example.com/x", "javascript:alert(1)", "\xff", "http:///\\x"]
)
def test_a_crooked_address_in_a_header_leads_nowhere_else(world: World, as_: As, address: str) -> None:
    answer = as_(None).get("/portal", headers={"HX-Request": "true", "HX-Current-URL": address})
    assert answer.status_code == 401
    target = answer.headers["HX-Redirect"]
    assert target.startswith("/sign-in")
    wanted = parse_qs(urlsplit(target).query).get("next", [""])[0]
    data = {"email": world.alice.email, "password": PASSWORD, "next": wanted}
    assert as_(None).post("/sign-in", data=data).headers["Location"] == "/portal"


def test_an_invoice_that_cannot_be_one(world: World, as_: As) -> None:
    for word in WORDS:
        answer = as_(world.alice).get("/portal/pay", query_string={"invoice": word})
        assert answer.status_code in {400, 404}, word[:20]


@pytest.mark.parametrize("origin", ["http://[::1", "null", "", "https://evil.example.com", "localhost"])
def test_a_form_from_elsewhere_is_refused(world: World, as_: As, origin: str) -> None:
    assert as_(world.alice).post("/sign-out", headers={"Origin": origin}).status_code == 403
    assert as_(world.alice).post("/sign-out", headers={"Origin": "http://localhost"}).status_code == 303


def test_words_that_turn_the_direction_of_writing_are_straightened(world: World, as_: As) -> None:
    data = {
        "kind": "person",
        "name": "Anna\u202e\u2066 Llib\x9f\u2028",
        "email": "",
        "phone": "",
        "address": "1 Elm\u202e",
    }
    assert as_(world.carol).post("/firm/clients", data=data).status_code == 303
    client = Client.select().order_by(Client.id.desc()).first()
    assert (client.name, client.address) == ("Anna Llib", "1 Elm")


@pytest.mark.parametrize("word", ["a\r\nSet-Cookie: x=y", "../../sign-out", "?next=//evil.example.com", "\u2028", "\0"])
def test_a_word_of_the_address_leads_nowhere_else(world: World, as_: As, word: str) -> None:
    """The journal sends whoever asks for one account to its page: what was asked for stays one step of the path."""
    answer = as_(world.carol).get("/firm/books", query_string={"account": word})
    assert answer.status_code in {303, 400}
    if answer.status_code == 303:
        path, _, query = answer.headers["Location"].partition("?")
        assert (path.rpartition("/")[0], "next" in query) == ("/firm/books/accounts", False)
        assert "Set-Cookie" not in answer.headers or "x=y" not in answer.headers["Set-Cookie"]
