"""Who can receive invoices from a matter: found, invited, sent to again, revoked, removed."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable
from typing import Any

import pytest
from flask.testing import FlaskClient

from portal_app import clock, config
from portal_app.domain import invitations, matters
from portal_app.domain.invitations import Invitation
from portal_app.domain.mail import Email
from portal_app.domain.people import PortalUser
from tests.firm.pages import without_token
from tests.world import World

As = Callable[[Any], FlaskClient]


@pytest.fixture
def base(world: World) -> str:
    return f"/firm/matters/{world.matter.id}/recipients"


def names(world: World) -> list[str]:
    return [row.portal_user.first_name for row in matters.recipients_of(world.matter)]


def franks(world: World, base: str) -> str:
    row = next(row for row in matters.recipients_of(world.matter) if row.portal_user == world.frank)
    return f"{base}/{row.id}"


def test_people_are_found_while_one_types(world: World, as_: As, base: str, htmx: dict[str, str]) -> None:
    browser = as_(world.dan)
    piece = browser.get(f"{base}?who=BOB", headers=htmx).text
    assert piece.startswith('<div id="found"')
    assert piece in browser.get(f"{base}?who=BOB").text
    assert world.bob.public_id in piece
    assert world.alice.public_id not in browser.get(f"{base}?who=ali").text, "alice is listed already"
    assert 'value="zoe@example.com"' in browser.get(f"{base}?who=zoe@example.com", headers=htmx).text


def test_ok_without_a_choice_shows_the_choice(world: World, as_: As, base: str) -> None:
    answer = as_(world.carol).post(base, data={"who": "bob"})
    assert answer.status_code == 200
    assert world.bob.public_id in answer.text
    assert names(world) == ["Alice", "Frank"]


def test_a_known_person_is_added_once(world: World, as_: As, base: str, htmx: dict[str, str]) -> None:
    data = {"who": "bo@", "choice": world.bob.public_id, "new_email": "bo@", "relation": "owner"}
    piece = as_(world.carol).post(base, data=data, headers=htmx).text
    assert piece.startswith('<section id="recipients"')
    assert "owner · bob@example.com" in piece
    assert as_(world.carol).post(base, data=data).location == base
    assert names(world) == ["Alice", "Frank", "Bob"]


def test_somebody_new_is_invited_by_letter(world: World, as_: As, base: str) -> None:
    data = {"who": "Zoe", "choice": "new", "new_name": "Zoe Sample", "new_email": "Zoe@Example.com"}
    browser = as_(world.carol)
    assert browser.post(base, data=data).location == base
    zoe = PortalUser.get(PortalUser.email == "zoe@example.com")
    link = Invitation.get(Invitation.portal_user == zoe)
    assert link.expires_at - link.sent_at == dt.timedelta(days=config.active().invitation_days)
    assert link.sent_by == world.carol
    assert Email.select().where(Email.to_address == "zoe@example.com").count() == 1
    page = browser.get(base).text
    assert "kept under <a href='/firm/mail'>" in page, "there is no mail server in tests"
    assert browser.post(base, data=data).status_code == 422
    assert names(world) == ["Alice", "Frank", "Zoe"]


@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        ({}, "Type a name or an e-mail address."),
        ({"who": "Zoe", "choice": "new", "new_name": "Zoe", "new_email": "zoe"}, "Enter an e-mail address"),
        ({"who": "Zoe", "choice": "new", "new_name": "", "new_email": "z@example.com"}, "Fill in this field."),
        ({"who": "Zoe", "choice": "new", "new_name": "Zoe", "new_email": "bob@example.com"}, "the address of Bob"),
        ({"who": "Zoe", "choice": "new", "new_name": "Zoe", "new_email": "dan@example.com"}, "somebody at the firm"),
        ({"who": "Zoe", "choice": "gone"}, "not there any more"),
        (
            {"who": "Bob", "choice": "new", "new_name": "Zoe", "new_email": "z@example.com", "relation": "x" * 41},
            "most 40",
        ),
    ],
)
def test_bad_input_is_marked_and_kept(
    world: World, as_: As, base: str, htmx: dict[str, str], data: dict[str, str], sentence: str
) -> None:
    before = PortalUser.select().count(), Email.select().count()
    answer = as_(world.carol).post(base, data=data, headers=htmx)
    assert answer.status_code == 422
    assert sentence in answer.text
    assert f'value="{data.get("new_name", "")}"' in answer.text
    assert names(world) == ["Alice", "Frank"]
    assert (PortalUser.select().count(), Email.select().count()) == before


def test_a_pending_invitation_is_sent_again_or_revoked(world: World, as_: As, base: str, htmx: dict[str, str]) -> None:
    browser, url = as_(world.dan), franks(world, base)
    assert f'action="{url}/invite"' in browser.get(base).text
    assert browser.post(f"{url}/remove").status_code == 303
    matters.add_recipient(world.matter, world.frank, by=world.carol)
    url = franks(world, base)
    assert "Invitation pending" in browser.post(f"{url}/invite", headers=htmx).text
    links = list(Invitation.select().where(Invitation.portal_user == world.frank).order_by(Invitation.id))
    assert [link.revoked_at is None for link in links] == [False, True], "the older link stops working"
    for _ in range(2):
        piece = browser.post(f"{url}/revoke", headers=htmx).text
        assert "Revoked" in piece
        assert "Invite again" in piece
        assert f"{url}/revoke" not in piece


def test_the_states_and_what_may_follow(world: World, as_: As, base: str) -> None:
    with clock.frozen(clock.now() + dt.timedelta(days=15)):
        page = as_(world.carol).get(base).text
        assert "Expired" in page
        assert "Invite again" in page
    invitations.disable(world.alice)
    page = as_(world.carol).get(base).text
    assert "Disabled" in page
    row = matters.recipients_of(world.matter)[0]
    assert f'action="{base}/{row.id}/remove"' in page
    assert f'action="{base}/{row.id}/invite"' not in page


def test_a_registered_person_is_not_invited_again(world: World, as_: As, base: str) -> None:
    row = matters.recipients_of(world.matter)[0]
    browser = as_(world.carol)
    before = Email.select().count()
    browser.post(f"{base}/{row.id}/invite")
    assert "is registered already" in browser.get(base).text
    assert Email.select().count() == before


def test_removing_keeps_what_was_shared(world: World, as_: As, base: str) -> None:
    row = matters.recipients_of(world.matter)[0]
    browser = as_(world.carol)
    assert browser.post(f"{base}/{row.id}/remove").status_code == 303
    assert browser.post(f"{base}/{row.id}/remove").status_code == 404
    assert names(world) == ["Frank"]
    assert as_(world.alice).get("/portal/invoices").status_code == 200


def test_who_may_not(world: World, as_: As, base: str) -> None:
    url = franks(world, base)
    assert as_(world.erin).post(base, data={"who": "bob"}).status_code == 403
    assert as_(world.erin).post(f"{url}/invite").status_code == 403
    assert as_(world.alice).post(f"{url}/invite").status_code == 404
    other = f"/firm/matters/{world.bobs_matter.id}/recipients/{url.rsplit('/', 1)[1]}"
    assert as_(world.carol).post(f"{other}/remove").status_code == 404
    matters.set_access(world.matter, is_restricted=True, staff=[])
    assert as_(world.dan).post(f"{url}/revoke").status_code == 404
    assert names(world) == ["Alice", "Frank"]


def test_a_relation_is_edited_in_its_place(world: World, as_: As, base: str, htmx: dict[str, str]) -> None:
    browser, url = as_(world.dan), f"{franks(world, base)}/relation"
    assert f'href="{url}"' in browser.get(f"/firm/matters/{world.matter.id}/people").text
    row = f'<li id="recipient-{franks(world, base).rpartition("/")[2]}"'
    piece = browser.get(url, headers=htmx).text
    assert piece.startswith(row), "the row alone: what is typed elsewhere on the page stays"
    assert 'value="accountant"' in piece
    alone = without_token(piece.partition("<hx-partial")[0].strip())
    assert alone in without_token(browser.get(url).text), "and without scripts"

    too_long = browser.post(url, data={"relation": "x" * 41}, headers=htmx)
    assert too_long.status_code == 422
    assert "x" * 41 in too_long.text
    assert "Use at most 40 characters." in too_long.text

    assert browser.post(url, data={"relation": " tax  adviser "}).location == base
    assert "tax adviser · frank@example.com" in browser.get(base).text
    piece = browser.post(url, data={"relation": ""}, headers=htmx).text
    assert piece.startswith(row)
    assert "Saved." in piece
    assert "tax adviser" not in piece
    assert "client · alice@example.com" in browser.get(base).text, "only that one row was changed"
    cancelled = browser.get(franks(world, base), headers=htmx).text
    assert cancelled.startswith(row)
    assert "Add relation" in cancelled


def test_a_step_changes_its_row_alone(world: World, as_: As, base: str, htmx: dict[str, str]) -> None:
    browser, url = as_(world.dan), franks(world, base)
    sent = browser.post(f"{url}/invite", headers=htmx).text
    assert sent.startswith('<li id="recipient-')
    assert "recipients-said" in sent
    assert "alice@example.com" not in sent
    gone = browser.post(f"{url}/remove", headers=htmx)
    assert "<li" not in gone.text
    assert "receives no further invoices" in gone.text
    assert gone.headers["HX-Retarget"] == f"#recipient-{url.rpartition('/')[2]}"
    assert gone.headers["HX-Reswap"] == "delete"
    [alices] = matters.recipients_of(world.matter)
    last = browser.post(f"{base}/{alices.id}/remove", headers=htmx)
    assert last.headers["HX-Retarget"] == "#recipients"
    assert "Nobody yet." in last.text


def test_a_relation_belongs_to_its_matter(world: World, as_: As, base: str) -> None:
    elsewhere = franks(world, base).replace(f"/{world.matter.id}/", f"/{world.bobs_matter.id}/")
    assert as_(world.carol).post(f"{elsewhere}/relation", data={"relation": "x"}).status_code == 404
    assert as_(world.erin).post(f"{franks(world, base)}/relation").status_code == 403


def test_an_invitation_pressed_twice_is_one_letter(world: World, as_: As, base: str) -> None:
    browser, url = as_(world.dan), franks(world, base)
    last = re.search(r'name="last" value="(\d+)"', browser.get(base).text)
    assert last is not None
    for _ in range(2):
        assert browser.post(f"{url}/invite", data={"last": last[1]}).status_code == 303
        assert "an administrator finds it under E-mails" in browser.get(base).text
    assert Email.select().where(Email.to_address == world.frank.email).count() == 1
    links = list(Invitation.select().where(Invitation.portal_user == world.frank).order_by(Invitation.id))
    assert [link.revoked_at is None for link in links] == [False, True], "the link that was sent works"
