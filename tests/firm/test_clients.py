"""Clients: the list and its search, a new one, one with what it owes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from flask.testing import FlaskClient

from portal_app.domain import matters
from portal_app.domain.people import Client
from tests.world import World

As = Callable[[Any], FlaskClient]
TYPED = {"kind": "company", "name": "New & Sons", "email": "Office@Example.com", "phone": "", "address": "1 Elm"}


def test_the_list_finds_as_one_types(world: World, as_: As, htmx: dict[str, str]) -> None:
    browser = as_(world.erin)
    page = browser.get("/firm/clients?q=vasq").text
    piece = browser.get("/firm/clients?q=vasq", headers=htmx).text
    assert piece.startswith('<section id="clients"')
    assert piece in page
    assert "Alice Vasquez-Thornbury" in piece
    assert "2,040.00" in piece
    assert "Sample Holdings" not in piece
    assert "Nobody found" in browser.get("/firm/clients?q=100%25").text


def test_more_rows_are_shown_when_asked_for(world: World, as_: As) -> None:
    for number in range(60):
        Client.create(kind="person", name=f"Person {number:02d}", created_at=world.client.created_at)
    browser = as_(world.carol)
    first = browser.get("/firm/clients").text
    assert first.count("<tr>") == 51
    assert "rows=100" in first
    assert browser.get("/firm/clients?rows=100").text.count("<tr>") == 63


def test_a_new_client_is_kept_and_shown(world: World, as_: As) -> None:
    answer = as_(world.dan).post("/firm/clients", data=TYPED)
    client = Client.get(Client.name == "New & Sons")
    assert (answer.status_code, answer.location) == (303, f"/firm/clients/{client.id}")
    assert (client.email, client.kind, client.created_by_id) == ("office@example.com", "company", world.dan.id)
    assert "New &amp; Sons" in as_(world.dan).get(answer.location).text


def test_a_client_made_for_a_matter_leads_back_to_it(world: World, as_: As) -> None:
    answer = as_(world.carol).post("/firm/clients", data=TYPED | {"then": "matter"})
    assert answer.location == f"/firm/matters/new?client={Client.get(Client.name == 'New & Sons').id}"
    page = as_(world.carol).get(answer.location).text
    assert f'<option selected value="{Client.get(Client.name == "New & Sons").id}">' in page


@pytest.mark.parametrize(
    ("field", "typed"), [("name", ""), ("name", "x" * 121), ("email", "nobody"), ("kind", "planet")]
)
def test_bad_input_is_marked_and_kept(world: World, as_: As, field: str, typed: str) -> None:
    before = Client.select().count()
    answer = as_(world.carol).post("/firm/clients", data=TYPED | {"phone": "555 0100", field: typed})
    assert answer.status_code == 422
    assert "Nothing was saved." in answer.text
    assert 'value="555 0100"' in answer.text
    assert Client.select().count() == before


def test_a_client_is_changed(world: World, as_: As) -> None:
    url = f"/firm/clients/{world.client.id}/edit"
    assert 'value="alice@example.com"' in as_(world.carol).get(url).text
    assert as_(world.carol).post(url, data=TYPED).status_code == 303
    assert world.refresh("client").name == "New & Sons"


def test_what_one_may_not_open_is_not_counted(world: World, as_: As) -> None:
    matters.set_access(world.matter, is_restricted=True, staff=[])
    page = as_(world.dan).get(f"/firm/clients/{world.client.id}").text
    assert world.matter.name not in page
    assert "$0.00" in page
    assert "2,040.00" not in as_(world.dan).get("/firm/clients").text
    assert "$2,040.00" in as_(world.carol).get(f"/firm/clients/{world.client.id}").text


def test_who_may_not(world: World, as_: As) -> None:
    url = f"/firm/clients/{world.client.id}/edit"
    assert as_(world.erin).post(url, data=TYPED).status_code == 403
    assert as_(world.erin).post("/firm/clients", data=TYPED).status_code == 403
    assert as_(world.alice).get("/firm/clients").status_code == 404
    assert as_(None).get(url).location.startswith("/sign-in")
    assert as_(world.carol).get("/firm/clients/999999").status_code == 404
