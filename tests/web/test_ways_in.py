"""E-mailed links, the second step, codes of letters: what the pages of the doors do."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable
from typing import Any

import pytest
from flask.testing import FlaskClient

from portal_app import clock
from portal_app.domain import factors, invitations, outbox, people, policy, sessions, sign_ins
from portal_app.domain.mail import Email
from portal_app.domain.outbox import Outbox
from portal_app.worker import handlers
from tests.domain.test_factors import code_of, set_up
from tests.web.test_doors import FRESH, _alike, _both, _enter
from tests.world import PASSWORD, World

Browser = Callable[[Any], FlaskClient]


def allow(**changes: Any) -> None:
    given: dict[str, Any] = {
        "client_ways": ["password", "link", "passkey"], "staff_ways": ["password", "passkey"], "client_factor": False,
        "factor_roles": [], "reason": "Tests", "by": None,
    }  # fmt: skip
    policy.change(**given | changes)


def drain() -> None:
    while outbox.run_due(handlers(), 50):
        pass


def home_of(browser: FlaskClient) -> str:
    return browser.get("/").headers["Location"]


# E-mailed links


def test_a_link_is_asked_for_on_the_sign_in_page_and_signs_in_by_a_button(as_: Browser, world: World) -> None:
    browser = as_(None)
    assert "E-mail me a sign-in link" in browser.get("/sign-in").text
    assert browser.post("/sign-in/link", data={"email": world.alice.email.upper()}).headers["Location"] == "/sign-in"
    drain()
    letter = Email.get(Email.kind == "sign_in_link")
    path = "/sign-in/link/" + letter.text.partition("/sign-in/link/")[2].split()[0]
    for _ in range(2):
        page = browser.get(path)
        assert "Welcome back, Alice" in page.text
        assert page.headers["Referrer-Policy"] == "no-referrer"
        assert home_of(browser) == "/sign-in", "opening it signs nobody in"
    assert browser.post(path).headers["Location"] == "/portal"
    assert home_of(browser) == "/portal"
    assert as_(None).post(path).status_code == 410


@pytest.mark.parametrize("email", ["alice@example.com", "carol@example.com", "frank@example.com", "no@example.com"])
def test_asking_reads_the_same_for_all(as_: Browser, world: World, email: str) -> None:
    browser = as_(None)
    assert browser.post("/sign-in/link", data={"email": email}).status_code == 303
    assert f"If {email} belongs to somebody here" in browser.get("/sign-in").text


def test_everybody_is_sent_the_way_that_the_firm_allows_them(as_: Browser, world: World) -> None:
    for who in (world.alice, world.carol, world.frank):
        as_(None).post("/sign-in/link", data={"email": who.email})
    drain()
    kinds = ("sign_in_link", "password_reset", "invitation")
    found = {row.to_address: row.kind for row in Email.select().where(Email.kind.in_(kinds)).order_by(Email.id)}
    assert found[world.alice.email] == "sign_in_link"
    assert found[world.carol.email] == "password_reset", "staff sign in with a password"
    assert found[world.frank.email] == "invitation"
    allow(client_ways=["link"])
    as_(None).post("/password", data={"email": world.bob.email})
    drain()
    assert Email.select().where((Email.to_address == world.bob.email) & (Email.kind == "sign_in_link")).exists()


def test_dead_links_read_alike_and_a_fresh_one_goes_to_their_owner(as_: Browser, world: World) -> None:
    old, used = sign_ins.ask_link(world.alice).token, sign_ins.ask_link(world.alice).token
    sign_ins.use_link(used)
    pages = set()
    for token in (old, used, "made-up"):
        answer = as_(None).get(f"/sign-in/link/{token}")
        assert answer.status_code == 410
        assert "Send me a fresh link" in answer.text
        pages.add(_alike(answer.text, token))
        assert as_(None).post(f"/sign-in/link/{token}/again").headers["Location"] == "/sign-in"
    assert len(pages) == 1
    assert [row.subject_id for row in Outbox.select().where(Outbox.topic == "portal_user_sign_in")] == [
        world.alice.id
    ] * 2


def test_a_dead_reset_offers_a_fresh_one_too(as_: Browser, world: World) -> None:
    token = invitations.ask_reset(world.alice).token
    with clock.frozen(clock.now() + dt.timedelta(hours=2)):
        assert "Send me a fresh link" in as_(None).get(f"/password/{token}").text
        as_(None).post(f"/password/{token}/again")
        as_(None).post("/password/made-up/again")
    assert Outbox.select().where(Outbox.topic == "portal_user_link").count() == 1


def test_without_passwords_the_page_asks_for_none(as_: Browser, world: World) -> None:
    allow(client_ways=["link"], staff_ways=["link"])
    page = as_(None).get("/sign-in").text
    assert 'type="password"' not in page
    assert 'action="/sign-in/link"' in page
    assert _enter(as_(None), world.alice.email)[0] == 422


# Accepting an invitation


def test_an_invitation_is_accepted_without_a_password_where_links_are_allowed(as_: Browser, world: World) -> None:
    token = invitations.invite(world.frank, by=world.carol, days=14).token
    browser = as_(None)
    assert "Accept without a password" in browser.get(f"/invitation/{token}").text
    assert browser.post(f"/invitation/{token}/without-password").headers["Location"] == "/portal"
    assert world.refresh("frank").password_hash is None
    assert as_(None).post(f"/invitation/{token}/without-password").status_code == 410
    allow(client_ways=["password"])
    people_token = invitations.invite(_new(), by=world.carol, days=14).token
    assert as_(None).post(f"/invitation/{people_token}/without-password").status_code == 422
    allow(client_ways=["link"])
    page = as_(None).get(f"/invitation/{people_token}").text
    assert 'type="password"' not in page
    assert as_(None).post(f"/invitation/{people_token}", data=_both(FRESH)).headers["Location"] == "/portal"


def _new(email: str = "zoe@example.com") -> people.PortalUser:
    return people.add_portal_user(email=email, name="Zoe Sample", time_zone="UTC")


def test_a_letter_s_code_is_typed_and_gives_an_address(as_: Browser, world: World) -> None:
    zoe = _new("")
    sent = invitations.invite(zoe, by=world.carol, days=30, by_letter=True)
    browser, shown = as_(None), invitations.shown_code(sent.token)
    assert re.fullmatch(r"([A-Z2-9]{5}-){2}[A-Z2-9]{5}", shown)
    wrong = browser.post("/invitation", data={"code": "AAAAA-BBBBB-CCCCC"})
    assert wrong.status_code == 422
    assert 'value="AAAAA-BBBBB-CCCCC"' in wrong.text
    path = browser.post("/invitation", data={"code": f" {shown.lower().replace('-', ' ')} "}).headers["Location"]
    assert path == f"/invitation/{sent.token}"
    assert "Your e-mail address" in browser.get(path).text
    assert "no-email.invalid" not in browser.get(path).text
    for email, says in (
        ("", "Fill in this field."),
        ("alice@example.com", "belongs to a portal user"),
        ("x", "for example"),
    ):
        answer = browser.post(path, data=_both(FRESH) | {"email": email})
        assert answer.status_code == 422
        assert says in answer.text
        assert browser.post(f"{path}/without-password", data={"email": email}).status_code == 422
    assert browser.post(path, data=_both(FRESH) | {"email": " Zoe@Example.com "}).headers["Location"] == "/portal"
    assert _enter(as_(None), "zoe@example.com", FRESH)[0] == 303
    assert browser.post("/invitation", data={"code": shown}).status_code == 422, "it works once"


def test_codes_are_not_guessed_without_end(as_: Browser, world: World) -> None:
    browser = as_(None)
    for number in range(10):
        assert "not right" in browser.post("/invitation", data={"code": f"AAAAA{number}"}).text
    sent = invitations.invite(_new(""), by=world.carol, days=30, by_letter=True)
    assert "too many tries" in browser.post("/invitation", data={"code": sent.token}).text
    elsewhere = {"environ_base": {"REMOTE_ADDR": "192.0.2.9"}}
    assert browser.post("/invitation", data={"code": sent.token}, **elsewhere).status_code == 303


# The second step


def test_the_code_of_the_app_comes_after_the_password(as_: Browser, world: World) -> None:
    with clock.frozen(clock.now()) as advance:
        secret, codes = set_up(world.alice)
        advance(dt.timedelta(seconds=31))
        browser = as_(None)
        assert _enter(browser, world.alice.email, next="/portal/invoices") == (
            303,
            "/sign-in/code?next=/portal/invoices".replace("/portal/", "%2Fportal%2F"),
        )
        assert home_of(browser) == "/sign-in", "nothing is open yet"
        assert browser.get("/portal").status_code == 303
        page = browser.get("/sign-in/code?next=/portal/invoices")
        assert 'autocomplete="one-time-code"' in page.text
        wrong = browser.post("/sign-in/code", data={"code": "000000"})
        assert wrong.status_code == 422
        assert "This code is not right" in wrong.text
        with browser.session_transaction() as cookie:
            before = cookie["half"]
        right = browser.post("/sign-in/code", data={"code": code_of(secret), "next": "/portal/invoices"})
        assert right.headers["Location"] == "/portal/invoices"
        assert home_of(browser) == "/portal"
        assert sessions.find_half(before) is None, "a new id"
        again = as_(None)
        _enter(again, world.alice.email)
        assert again.post("/sign-in/code", data={"code": code_of(secret)}).status_code == 422, "it was used"
        assert again.post("/sign-in/code", data={"code": codes[0]}).headers["Location"] == "/portal"


def test_a_link_does_not_skip_the_second_factor(as_: Browser, world: World) -> None:
    set_up(world.alice)
    browser = as_(None)
    answer = browser.post(f"/sign-in/link/{sign_ins.ask_link(world.alice).token}")
    assert answer.headers["Location"] == "/sign-in/code"
    assert home_of(browser) == "/sign-in"


def test_where_the_firm_asks_for_one_it_is_set_up_on_the_way_in(as_: Browser, world: World) -> None:
    allow(factor_roles=["administrator"], reason="")
    browser = as_(None)
    assert _enter(browser, world.carol.email) == (303, "/sign-in/code")
    page = browser.get("/sign-in/code").text
    assert "Set up a second factor" in page
    assert "<svg" in page
    assert "style=" not in page
    sealed = re.search(r'name="sealed"[^>]*value="([^"]+)"', page)
    secret = re.search(r'<strong class="num">([A-Z2-7 ]+)</strong>', page)
    assert sealed
    assert secret
    plain = secret[1].replace(" ", "")
    wrong = browser.post("/sign-in/code/app", data={"sealed": sealed[1], "code": "000000"})
    assert wrong.status_code == 422
    assert secret[1] in wrong.text, "the app need not be set up again"
    other = browser.post("/sign-in/code/app", data={"sealed": "forged", "code": code_of(plain)})
    assert other.status_code == 422
    done = browser.post("/sign-in/code/app", data={"sealed": sealed[1], "code": code_of(plain)})
    assert done.status_code == 200
    assert len(re.findall(r"<li class=\"num\">", done.text)) == factors.CODES
    assert home_of(browser) == "/firm"
    assert _enter(as_(None), world.dan.email) == (303, "/firm"), "others need none"


def test_a_secret_shown_to_one_sets_up_nothing_for_another(as_: Browser, world: World) -> None:
    alice, bob = as_(world.alice), as_(world.bob)
    page = alice.get("/portal/account/app").text
    sealed = re.search(r'name="sealed"[^>]*value="([^"]+)"', page)
    secret = re.search(r'<strong class="num">([A-Z2-7 ]+)</strong>', page)
    assert sealed
    assert secret
    fields = {"sealed": sealed[1], "code": code_of(secret[1].replace(" ", ""))}
    assert bob.post("/portal/account/app", data=fields).status_code == 422
    assert not factors.has_app(world.bob)
    assert alice.post("/portal/account/app", data=fields).status_code == 200
    assert factors.has_app(world.alice)


def test_nobody_half_way_in_sets_up_a_second_app(as_: Browser, world: World) -> None:
    set_up(world.alice)
    browser = as_(None)
    _enter(browser, world.alice.email)
    secret = factors.new_secret()
    from portal_app import vault

    fields = {"sealed": vault.seal(f"PortalUser {world.alice.id} {secret}"), "code": code_of(secret)}
    assert browser.post("/sign-in/code/app", data=fields).headers["Location"] == "/sign-in/code"
    assert home_of(browser) == "/sign-in"


def test_the_step_is_for_those_who_are_half_way_in(as_: Browser, world: World) -> None:
    for browser in (as_(None), as_(world.alice)):
        for path in ("/sign-in/code", "/sign-in/code/app", "/sign-in/code/passkey", "/sign-in/code/passkey/options"):
            assert browser.post(path, data={"code": "1"}).headers["Location"] == "/sign-in"
        assert browser.get("/sign-in/code").headers["Location"] == "/sign-in"


# Devices


def test_a_new_browser_is_told_to_its_owner(as_: Browser, world: World) -> None:
    first, second = as_(None), as_(None)
    assert _enter(first, world.alice.email)[0] == 303
    assert _enter(second, world.alice.email)[0] == 303
    assert _enter(second, world.alice.email)[0] == 303
    drain()
    letters = list(Email.select().where(Email.kind == "new_device"))
    assert [row.to_address for row in letters] == [world.alice.email]
    cookie = second.get_cookie("device")
    assert cookie is not None
    assert cookie.http_only
    assert cookie.same_site == "Lax"


@pytest.mark.parametrize(
    "answer", ["", "{}", "[]", "null", '{"response": {}}', '{"response": {"clientDataJSON": "e30"}}']
)
def test_a_forged_passkey_opens_nothing(as_: Browser, world: World, answer: str) -> None:
    browser = as_(None)
    assert browser.post("/sign-in/passkey", data={"answer": answer}).status_code == 422
    assert home_of(browser) == "/sign-in"
    options = browser.post("/sign-in/passkey/options")
    assert options.json is not None
    assert options.json["userVerification"] == "required"
    assert "allowCredentials" not in options.json or options.json["allowCredentials"] == []


def test_passwords_are_not_in_any_answer(as_: Browser, world: World) -> None:
    page = as_(None).post("/sign-in", data={"email": "x" * 300, "password": PASSWORD})
    assert page.status_code == 422
    assert PASSWORD not in page.text


def test_no_way_in_asks_for_a_secret_of_ones_life(as_: Browser, world: World) -> None:
    """What any page before the portal can be told: an address, a password, a code; nothing that others could know."""
    set_up(world.dan)
    half = as_(None)
    assert _enter(half, world.dan.email) == (303, "/sign-in/code")
    invitation = invitations.invite(world.frank, by=world.carol, days=1).token
    letter = invitations.invite(world.frank, by=world.carol, days=1, by_letter=True).token
    reset = f"/password/{invitations.ask_reset(world.alice).token}"
    paths = ("/sign-in", "/password", "/invitation", f"/invitation/{letter}", f"/invitation/{invitation}", reset)
    pages = [half.get("/sign-in/code"), *(as_(None).get(path) for path in paths)]
    fields = re.compile(r'<(?:input|select|textarea)[^>]* name="([^"]+)"')
    asked = {name for page in pages for name in fields.findall(page.text)}
    known = {"email", "password", "again", "code", "next", "csrf_token", "answer", "username"}
    assert {"email", "password", "again", "code"} <= asked <= known
