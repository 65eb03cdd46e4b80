"""One's own account, on both faces: devices, password, second factor; and proving anew who one is."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from portal_app import clock
from portal_app.domain import factors, passwords, sessions
from portal_app.domain.mail import Email
from portal_app.domain.passkeys import Passkey
from portal_app.domain.sessions import Session
from tests.domain.test_factors import code_of, set_up
from tests.routes import routes
from tests.web.test_ways_in import allow
from tests.world import PASSWORD, World

Browser = Callable[[Any], FlaskClient]
NEW = "four quiet otters swim"
FACES = [("alice", "/portal"), ("carol", "/firm")]


def token_of(browser: FlaskClient) -> str:
    with browser.session_transaction() as cookie:
        return str(cookie["_user_id"])


def grow_old(who: Any, minutes: int = 20) -> None:
    """The proof of every session of ``who`` is so old."""
    column = Session.firm_user if hasattr(who, "roles") else Session.portal_user
    Session.update(proved_at=clock.now() - dt.timedelta(minutes=minutes)).where(column == who.id).execute()


@pytest.mark.parametrize(("name", "face"), FACES)
def test_devices_are_listed_and_signed_out(as_: Browser, world: World, name: str, face: str) -> None:
    who = getattr(world, name)
    here, there, third = as_(who), as_(who), as_(who)
    page = here.get(f"{face}/account").text
    assert page.count("Last used") == 3
    assert page.count("This one") == 1
    numbers = re.findall(r'name="session" value="(\d+)"', page)
    stranger = as_(world.bob if name == "alice" else world.dan)
    stranger.post(f"{face}/account/sessions/end", data={"session": numbers[0]})
    assert len(sessions.of(who)) == 3, "another person's is not theirs to end"
    for nonsense in ("", "x", str(2**70)):
        assert here.post(f"{face}/account/sessions/end", data={"session": nonsense}).status_code == 303
    here.post(f"{face}/account/sessions/end", data={"session": numbers[0]})
    assert len(sessions.of(who)) == 2
    here.post(f"{face}/account/sessions/end-others")
    assert [browser.get(face).status_code for browser in (here, there, third)] == [200, 303, 303]


@pytest.mark.parametrize(("name", "face"), FACES)
def test_the_password_is_changed_with_the_old_one(as_: Browser, world: World, name: str, face: str) -> None:
    who = getattr(world, name)
    here, there = as_(who), as_(who)
    fields = {"old": PASSWORD, "password": NEW, "again": NEW, "everywhere": "y"}
    path = f"{face}/account/password"
    for wrong in (
        {"old": "wrong"},
        {"password": "short"},
        {"again": "other"},
        {"old": ""},
        {"password": "password1234"},
    ):
        answer = here.post(path, data=fields | wrong)
        assert answer.status_code == 422
        assert 'aria-invalid="true"' in answer.text
        assert NEW not in answer.text
    assert here.post(path, data=fields).headers["Location"] == f"{face}/account"
    assert passwords.is_password(world.refresh(name).password_hash, NEW)
    assert here.get(face).status_code == 200
    assert there.get(face).status_code == 303, "signed out, as was asked"
    assert Email.get(Email.kind == "way_changed").to_address == who.email


def test_guessing_the_old_password_has_to_wait(as_: Browser, world: World) -> None:
    browser = as_(world.alice)
    fields = {"old": "wrong", "password": NEW, "again": NEW}
    for _ in range(5):
        assert "not your password" in browser.post("/portal/account/password", data=fields).text
    assert "too many tries" in browser.post("/portal/account/password", data=fields | {"old": PASSWORD}).text


@pytest.mark.parametrize(("name", "face"), FACES)
def test_what_matters_asks_once_more_who_it_is(as_: Browser, world: World, name: str, face: str) -> None:
    who = getattr(world, name)
    browser = as_(who)
    assert browser.get(f"{face}/account/app").status_code == 200
    grow_old(who)
    asked = browser.get(f"{face}/account/app")
    assert asked.headers["Location"] == f"{face}/account/confirm?next=%2F{face[1:]}%2Faccount%2Fapp"
    told = browser.get(f"{face}/account/app", headers={"HX-Request": "true"})
    assert (told.status_code, told.headers["HX-Redirect"]) == (401, asked.headers["Location"])
    page = browser.get(asked.headers["Location"]).text
    assert "Confirm that it is you" in page
    before = token_of(browser)
    wrong = browser.post(f"{face}/account/confirm", data={"password": "wrong"})
    assert wrong.status_code == 422
    assert 'aria-invalid="true"' in wrong.text
    right = browser.post(f"{face}/account/confirm", data={"password": PASSWORD, "next": f"{face}/account/app"})
    assert right.headers["Location"] == f"{face}/account/app"
    assert token_of(browser) != before, "a new id"
    assert sessions.find(before) is None
    assert browser.get(f"{face}/account/app").status_code == 200
    evil = browser.post(f"{face}/account/confirm", data={"password": PASSWORD, "next": "https://evil.example"})
    assert evil.headers["Location"] == face


def test_what_was_filled_in_meanwhile_is_not_lost(as_: Browser, world: World) -> None:
    browser = as_(world.carol)
    form = {"name": "New", "email": "new@example.com", "roles": "biller"}
    grow_old(world.carol, 20)
    assert browser.get("/firm/people/new").headers["Location"].startswith("/firm/account/confirm")
    assert browser.post("/firm/people", data=form).headers["Location"] == "/firm/people"
    grow_old(world.carol, 31)
    answer = browser.post("/firm/people", data=form, headers={"Referer": "http://localhost/firm/people/new"})
    assert answer.headers["Location"] == "/firm/account/confirm?next=%2Ffirm%2Fpeople%2Fnew"


def test_gateways_roles_and_ways_in_are_behind_it(app: Flask, world: World) -> None:
    fresh = {route.name for route in routes(app) if getattr(app.view_functions[route.rule.endpoint], "is_fresh", False)}
    assert {
        "POST /firm/payments/gateways/<code>", "POST /firm/payments/roads", "POST /firm/people/<int:person_id>",
        "POST /firm/people", "POST /firm/settings/signing-in", "POST /portal/account/app/remove",
        "POST /firm/invoices/<int:invoice_id>/trust", "POST /firm/matters/<int:matter_id>/trust/authorisations",
        "POST /firm/trust/authorisations/<int:authorisation_id>/payment", "POST /portal/account/passkeys",
        "GET /firm/payments/gateways/<code>",
    } <= fresh  # fmt: skip


def test_without_a_password_a_code_or_a_link_proves_it(as_: Browser, world: World) -> None:
    with clock.frozen(clock.now()) as advance:
        secret, _ = set_up(world.alice)
        allow(client_ways=["link"])
        browser = as_(world.alice)
        page = browser.get("/portal/account/confirm").text
        assert 'type="password"' not in page
        advance(dt.timedelta(seconds=31))
        assert browser.post("/portal/account/confirm/code", data={"code": "000000"}).status_code == 422
        answer = browser.post("/portal/account/confirm/code", data={"code": code_of(secret)})
        assert answer.headers["Location"] == "/portal"
    factors.remove_app(world.alice)
    assert "E-mail me a sign-in link" in browser.get("/portal/account/confirm").text


def test_apps_and_codes_come_and_go(as_: Browser, world: World) -> None:
    browser = as_(world.alice)
    assert browser.post("/portal/account/codes").headers["Location"] == "/portal/account", "nothing to recover yet"
    set_up(world.alice)
    assert "8 unused codes" in browser.get("/portal/account").text
    made = browser.post("/portal/account/codes").text
    assert made.count('<li class="num">') == factors.CODES
    browser.post("/portal/account/app/remove")
    assert not factors.has_app(world.alice)


def test_who_needs_a_factor_keeps_one(as_: Browser, world: World) -> None:
    set_up(world.carol)
    allow(factor_roles=["administrator"], reason="")
    browser = as_(world.carol)
    browser.post("/firm/account/app/remove")
    assert factors.has_app(world.carol)
    key = Passkey.create(
        firm_user=world.carol, public_id="k", credential_id="k", public_key="", sign_count=0, name="Key",
        added_at=clock.now(),
    )  # fmt: skip
    browser.post("/firm/account/app/remove")
    assert not factors.has_app(world.carol)
    browser.post(f"/firm/account/passkeys/{key.public_id}/remove")
    assert Passkey.select().count() == 1


def test_passkeys_are_renamed_and_removed_by_their_owner_alone(as_: Browser, world: World) -> None:
    Passkey.create(
        portal_user=world.alice, public_id="k", credential_id="k", public_key="", sign_count=0, name="Key",
        added_at=clock.now(),
    )  # fmt: skip
    for step in ("rename", "remove"):
        assert as_(world.bob).post(f"/portal/account/passkeys/k/{step}", data={"name": "Mine"}).status_code == 404
    browser = as_(world.alice)
    browser.post("/portal/account/passkeys/k/rename", data={"name": "x" * 61})
    assert Passkey.get().name == "Key"
    browser.post("/portal/account/passkeys/k/rename", data={"name": "My phone"})
    assert "My phone" in browser.get("/portal/account").text
    browser.post("/portal/account/passkeys/k/remove")
    assert not Passkey.select().exists()
    assert browser.post("/portal/account/passkeys", data={"answer": "{}"}).status_code == 303
    assert not Passkey.select().exists()
