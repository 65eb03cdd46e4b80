"""Signing in and out, invitations and forgotten passwords: what a stranger, a guesser and a tired client meet."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable

import pytest
from flask import Flask
from flask.testing import FlaskClient

from portal_app import clock
from portal_app.db import db
from portal_app.domain import invitations, people, sessions
from portal_app.domain.firms import Firm
from portal_app.domain.invitations import Invitation
from portal_app.domain.outbox import Outbox
from portal_app.domain.people import PortalUser
from portal_app.domain.throttles import ACCOUNT_HERE, LINKS
from tests.world import PASSWORD, World

Browser = Callable[[object], FlaskClient]
FRESH = "four quiet otters swim"


def _enter(browser: FlaskClient, email: str, password: str = PASSWORD, **more: str) -> tuple[int, str]:
    answer = browser.post("/sign-in", data={"email": email, "password": password, **more})
    return answer.status_code, answer.headers.get("Location", answer.text)


def _invite(world: World) -> str:
    return invitations.invite(world.frank, by=world.carol, days=14).token


def _alike(text: str, own: str) -> str:
    """The page without what differs by itself: the form's token and what was asked about."""
    return re.sub('csrf_token" value="[^"]*"', "", text).replace(own, "…")


def _both(password: str) -> dict[str, str]:
    return {"password": password, "again": password}


@pytest.mark.parametrize(
    ("who", "target", "goes"),
    [
        ("alice", "", "/portal"),
        ("carol", "", "/firm"),
        ("carol", "/firm/matters?q=x", "/firm/matters?q=x"),
        ("alice", "/firm/matters", "/portal"),
        ("alice", "https://evil.example", "/portal"),
        ("alice", "//evil.example/portal", "/portal"),
        ("alice", "/portalevil", "/portal"),
    ],
)
def test_signs_in_and_goes_where_it_was_asked(as_: Browser, world: World, who: str, target: str, goes: str) -> None:
    email = getattr(world, who).email
    assert _enter(as_(None), f" {email.upper()} ", next=target) == (303, goes)


def test_start_leads_everyone_home(as_: Browser, world: World) -> None:
    found = [as_(who).get("/").headers["Location"] for who in (None, world.alice, world.dan)]
    assert found == ["/sign-in", "/portal", "/firm"]
    assert as_(world.alice).get("/sign-in").headers["Location"] == "/portal"


def test_unknown_wrong_disabled_and_pending_read_alike(as_: Browser, world: World) -> None:
    invitations.disable(world.bob)
    said = []
    for email, password in [
        ("nobody@example.com", PASSWORD),
        (world.alice.email, "wrong"),
        (world.bob.email, PASSWORD),
        (world.frank.email, PASSWORD),
    ]:
        status, text = _enter(as_(None), email, password)
        assert status == 422
        assert email in text  # typed values are kept
        assert password not in text
        said.append(_alike(text, email))
    assert len(set(said)) == 1


def test_an_empty_field_is_marked(as_: Browser, world: World) -> None:
    status, text = _enter(as_(None), world.alice.email, "")
    assert status == 422
    assert 'aria-invalid="true"' in text


def test_guessing_is_stopped_and_time_or_a_reset_opens_again(as_: Browser, world: World) -> None:
    browser = as_(None)
    for _ in range(ACCOUNT_HERE.free):
        assert _enter(browser, world.alice.email, "wrong")[0] == 422
    answer = browser.post("/sign-in", data={"email": world.alice.email, "password": PASSWORD})
    assert (answer.status_code, answer.headers["Retry-After"]) == (429, "30")
    assert "Wait 1 minute, or have a link e-mailed to you." in answer.text
    assert world.alice.email in answer.text
    assert PASSWORD not in answer.text
    assert _enter(as_(None), world.bob.email)[0] == 303
    token = invitations.ask_reset(world.alice).token
    browser.post(f"/password/{token}", data=_both(FRESH))
    assert _enter(browser, world.alice.email, FRESH)[0] == 303


def test_a_stranger_cannot_shut_somebody_out(as_: Browser, world: World) -> None:
    stranger = as_(None)
    for number in range(ACCOUNT_HERE.free + 5):
        stranger.post(
            "/sign-in", data={"email": world.alice.email, "password": f"guess {number}"},
            environ_base={"REMOTE_ADDR": "192.0.2.7"},
        )  # fmt: skip
    assert _enter(as_(None), world.alice.email)[0] == 303


def test_right_sign_ins_never_add_up_to_a_lock(as_: Browser, world: World) -> None:
    assert {_enter(as_(None), world.alice.email)[0] for _ in range(ACCOUNT_HERE.free + 2)} == {303}


def test_sign_out_cuts_the_session_on_the_server(as_: Browser, world: World) -> None:
    browser = as_(world.alice)
    with browser.session_transaction() as cookie:
        token = cookie["_user_id"]
    answer = browser.post("/sign-out")
    assert answer.headers["Location"] == "/sign-in"
    assert "storage" in answer.headers["Clear-Site-Data"]
    assert sessions.find(token) is None
    assert browser.post("/sign-out").status_code == 303
    assert browser.get("/sign-out").status_code == 405


def test_forms_need_their_token(app: Flask, world: World) -> None:
    app.config["WTF_CSRF_ENABLED"] = True
    assert _enter(app.test_client(), world.alice.email)[0] == 400


# A forgotten password


@pytest.mark.parametrize(("email", "topics"), [
    ("alice@example.com", ["portal_user_link"]), ("carol@example.com", ["firm_user_link"]), ("no@example.com", []),
])  # fmt: skip
def test_asking_for_a_link_says_the_same_to_all(as_: Browser, world: World, email: str, topics: list[str]) -> None:
    before = {row.id for row in Outbox.select()}
    browser = as_(None)
    assert browser.post("/password", data={"email": email.upper()}).headers["Location"] == "/sign-in"
    assert f"If {email} belongs to somebody here" in browser.get("/sign-in").text
    assert [row.topic for row in Outbox.select() if row.id not in before] == topics


def test_links_cannot_be_asked_for_without_end(as_: Browser, world: World) -> None:
    data = {"email": world.alice.email}
    found = [as_(None).post("/password", data=data).status_code for _ in range(LINKS.free + 1)]
    assert found == [303] * LINKS.free + [429]
    assert Outbox.select().where(Outbox.topic == "portal_user_link").count() == LINKS.free


def test_no_address_is_refused_and_kept(as_: Browser, world: World) -> None:
    answer = as_(None).post("/password", data={"email": "not an address"})
    assert answer.status_code == 422
    assert "not an address" in answer.text


def test_a_reset_ends_all_sessions_and_signs_nobody_in(as_: Browser, world: World) -> None:
    elsewhere, browser = as_(world.alice), as_(None)
    token = invitations.ask_reset(world.alice).token
    assert world.alice.email in browser.get(f"/password/{token}").text
    assert browser.post(f"/password/{token}", data=_both(FRESH)).headers["Location"] == "/sign-in"
    assert "Your new password is set" in browser.get("/sign-in").text
    assert browser.get("/").headers["Location"] == "/sign-in"
    assert elsewhere.get("/").headers["Location"] == "/sign-in"
    assert browser.post(f"/password/{token}", data=_both("another good password")).status_code == 410
    assert _enter(browser, world.alice.email)[0] == 422
    assert _enter(browser, world.alice.email, FRESH)[0] == 303


# An invitation


def test_opening_an_invitation_changes_nothing(as_: Browser, world: World) -> None:
    browser, token = as_(None), _invite(world)
    page = browser.get(f"/invitation/{token}")
    assert "Welcome, Frank" in page.text
    assert 'autocomplete="new-password"' in page.text
    assert world.refresh("frank").registered_at is None
    assert browser.get("/").headers["Location"] == "/sign-in"


def test_accepting_registers_signs_in_and_works_once(as_: Browser, world: World) -> None:
    browser, token = as_(world.alice), _invite(world)
    assert browser.post(f"/invitation/{token}", data=_both(FRESH)).headers["Location"] == "/portal"
    with browser.session_transaction() as cookie:
        found = sessions.find(cookie["_user_id"])
    assert found is not None
    assert found.login == world.frank
    assert as_(None).get(f"/invitation/{token}").status_code == 410
    assert as_(None).post(f"/invitation/{token}", data=_both("another good password")).status_code == 410
    assert _enter(as_(None), world.frank.email, FRESH)[0] == 303


@pytest.mark.parametrize(("typed", "says"), [
    (_both("short"), "Use at least 12 characters."),
    (_both("aaaaaaaaaaaaaaaa"), "Use more than a few different characters."),
    ({"password": FRESH, "again": FRESH + "!"}, "The two are not the same."),
    ({}, "Fill in this field."),
])  # fmt: skip
def test_a_poor_password_is_refused_and_the_link_lives(
    as_: Browser, world: World, typed: dict[str, str], says: str
) -> None:
    browser, token = as_(None), _invite(world)
    answer = browser.post(f"/invitation/{token}", data=typed)
    assert answer.status_code == 422
    assert says in answer.text
    assert FRESH not in answer.text
    assert browser.post(f"/invitation/{token}", data=_both(FRESH)).status_code == 303


def test_dead_links_read_alike_and_offer_a_fresh_one(as_: Browser, world: World) -> None:
    replaced, expired = _invite(world), _invite(world)
    Invitation.update(expires_at=clock.now()).where(Invitation.token_hash == people.hash_token(expired)).execute()
    pages = set()
    for token in (replaced, expired, "made-up-token"):
        answer = as_(None).get(f"/invitation/{token}")
        assert answer.status_code == 410
        pages.add(_alike(answer.text, token))
    assert len(pages) == 1


def test_a_fresh_link_goes_to_the_owner_only(as_: Browser, world: World) -> None:
    token = _invite(world)
    browser = as_(None)
    for path, asked in ((f"/invitation/{token}/again", 1), ("/invitation/made-up/again", 1)):
        assert browser.post(path).headers["Location"] == "/sign-in"
        rows = list(Outbox.select().where(Outbox.topic == "portal_user_link"))
        assert [row.subject_id for row in rows] == [world.frank.id] * asked


def test_whom_a_fresh_link_is_for(world: World) -> None:
    def kind(who: PortalUser) -> str:
        sent = invitations.fresh_link(who, days=14)
        return type(sent.link).__name__ if sent else "nothing"

    assert kind(world.alice) == "PasswordReset"
    assert kind(world.frank) == "Invitation"
    with clock.frozen(clock.now() + dt.timedelta(days=30)):
        assert kind(world.frank) == "Invitation"
    invitations.revoke_invitations(world.frank)
    assert kind(world.frank) == "nothing"
    invitations.disable(world.alice)
    assert kind(world.alice) == "nothing"


# Health, and before there is a firm


def test_health_needs_the_database_alone(as_: Browser, world: World) -> None:
    answer = as_(None).get("/health")
    assert (answer.status_code, answer.text) == (200, "ok\n")


def test_health_says_503_without_a_database(
    as_: Browser, world: World, monkeypatch: pytest.MonkeyPatch, settings: object
) -> None:
    from peewee import OperationalError

    def refuse(*_: object, **__: object) -> None:
        raise OperationalError("connection refused")

    browser = as_(None)
    monkeypatch.setattr(db.obj, "execute_sql", refuse)
    answer = browser.get("/health")
    assert answer.status_code == 503
    assert "connection refused" not in answer.text


def test_before_init_every_page_says_so(as_: Browser, world: World) -> None:
    Firm.delete().execute()
    answer = as_(None).get("/sign-in")
    assert answer.status_code == 503
    assert re.search("This portal is not set up yet.*portal init", answer.text, re.DOTALL)
