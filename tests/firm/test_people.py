"""Who may sign in: people at the firm and portal users, in an administrator's hands."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from flask.testing import FlaskClient

from portal_app.domain import invitations
from portal_app.domain.invitations import Invitation
from portal_app.domain.mail import Email
from portal_app.domain.people import FirmUser
from tests.firm.pages import without_token
from tests.world import World

As = Callable[[Any], FlaskClient]
TYPED = {"name": "Gwen Sample", "email": "gwen@example.com", "roles": ["biller"], "title": "Biller", "rate_cents": "95"}


def test_everybody_stands_with_their_state(world: World, as_: As, htmx: dict[str, str]) -> None:
    browser = as_(world.carol)
    page = browser.get("/firm/people").text
    for words in ("Dan Wrenfield", "Erin Moss", "Bob Placeholder", "Invitation pending", "Registered"):
        assert words in page
    assert f"/firm/people/{world.carol.id}/disable" not in page, "nobody disables themselves by mistake"
    piece = browser.get("/firm/people?q=frank", headers=htmx).text
    assert piece.startswith('<div id="portal-users"')
    assert without_token(piece) in without_token(browser.get("/firm/people?q=frank").text)
    assert "Frank Okonkwo" in piece
    assert "Bob Placeholder" not in piece


def test_somebody_new_is_invited(world: World, as_: As) -> None:
    browser = as_(world.carol)
    assert browser.post("/firm/people", data=TYPED).location == "/firm/people"
    gwen = FirmUser.get(FirmUser.email == "gwen@example.com")
    assert (gwen.role_set, gwen.rate_cents, gwen.title) == ({"biller"}, 9_500, "Biller")
    assert Invitation.get(Invitation.firm_user == gwen).sent_by == world.carol
    assert Email.select().where(Email.to_address == gwen.email).count() == 1
    assert browser.post("/firm/people", data=TYPED).status_code == 422
    assert FirmUser.select().count() == 4


@pytest.mark.parametrize(
    ("field", "value", "sentence"),
    [
        ("name", "", "Fill in this field."), ("email", "gwen", "Enter an e-mail address"),
        ("email", "bob@example.com", "belongs to a portal user"), ("roles", [], "Choose at least one role."),
        ("roles", ["king"], "not"), ("rate_cents", "1e3", "Enter an amount in figures"),
    ],
)  # fmt: skip
def test_bad_input_is_marked_and_kept(world: World, as_: As, field: str, value: Any, sentence: str) -> None:
    answer = as_(world.carol).post("/firm/people", data=TYPED | {field: value})
    assert answer.status_code == 422
    assert sentence in answer.text
    assert 'value="Biller"' in answer.text
    assert FirmUser.select().count() == 3


def test_roles_and_rate_are_changed(world: World, as_: As) -> None:
    url = f"/firm/people/{world.dan.id}"
    assert 'value="310.00"' in as_(world.carol).get(url).text
    data = {"name": "Dan Wrenfield", "roles": ["attorney", "biller"], "title": "", "rate_cents": ""}
    assert as_(world.carol).post(url, data=data).location == "/firm/people"
    assert (world.refresh("dan").role_set, world.dan.rate_cents) == ({"attorney", "biller"}, 0)
    assert world.dan.email == "dan@example.com"


def test_the_last_administrator_stays_one(world: World, as_: As) -> None:
    browser = as_(world.carol)
    answer = browser.post(f"/firm/people/{world.carol.id}", data={"name": "Carol", "roles": ["attorney"]})
    assert answer.status_code == 422
    assert "at least one registered administrator" in answer.text
    browser.post(f"/firm/people/{world.carol.id}/disable")
    page = browser.get("/firm/people")
    assert page.status_code == 200
    assert "at least one registered administrator" in page.text
    assert world.refresh("carol").has_role("administrator")


@pytest.mark.parametrize(("kind", "name", "home"), [("people", "dan", "/firm"), ("portal-users", "bob", "/portal")])
def test_disabling_signs_out_at_once(world: World, as_: As, kind: str, name: str, home: str) -> None:
    theirs, browser = as_(getattr(world, name)), as_(world.carol)
    url = f"/firm/{kind}/{getattr(world, name).id}"
    assert theirs.get(home).status_code == 200
    for _ in range(2):
        assert browser.post(f"{url}/disable").status_code == 303
        assert world.refresh(name).disabled_at is not None
    assert theirs.get(home).location.startswith("/sign-in")
    assert "Disabled" in browser.get("/firm/people").text
    browser.post(f"{url}/invite")
    assert "is registered already" in browser.get("/firm/people").text
    browser.post(f"{url}/enable")
    assert world.refresh(name).disabled_at is None


def test_invitations_are_sent_again_and_revoked(world: World, as_: As) -> None:
    browser, url = as_(world.carol), f"/firm/portal-users/{world.frank.id}"
    browser.post(f"{url}/invite")
    assert invitations.last_invitations([world.frank])[world.frank.id].revoked_at is None
    assert Email.select().where(Email.to_address == world.frank.email).count() == 1
    browser.post(f"{url}/revoke")
    assert invitations.last_invitations([world.frank])[world.frank.id].revoked_at is not None


def test_a_disabled_person_is_not_invited(world: World, as_: As) -> None:
    invitations.disable(world.frank)
    browser = as_(world.carol)
    browser.post(f"/firm/portal-users/{world.frank.id}/invite")
    assert Email.select().where(Email.to_address == world.frank.email).count() == 0
    assert "disabled" in browser.get("/firm/people").text


def test_who_may_not(world: World, as_: As) -> None:
    for path in ("/firm/people", "/firm/people/new", f"/firm/people/{world.dan.id}"):
        assert as_(world.dan).get(path).status_code == 403
        assert as_(world.alice).get(path).status_code == 404
    assert as_(world.dan).post(f"/firm/portal-users/{world.bob.id}/disable").status_code == 403
    assert as_(world.carol).post(f"/firm/people/{world.dan.id}/promote").status_code == 404
    assert as_(world.carol).post("/firm/portal-users/999999/disable").status_code == 404
    assert as_(world.carol).get(f"/firm/people/{world.dan.id}/disable").status_code == 405
