"""Settings › Signing in; and an administrator's help: signing somebody out, taking factors off, letters with a code."""

from __future__ import annotations

from collections.abc import Callable
from io import BytesIO
from typing import Any

import pypdf
import pytest
from flask.testing import FlaskClient

from portal_app.domain import factors, invitations, matters, people, policy, sessions
from portal_app.domain.invitations import Invitation
from tests.domain.test_factors import set_up
from tests.world import World

Browser = Callable[[Any], FlaskClient]
URL = "/firm/settings/signing-in"
FORM = {
    "client_ways": ["link"], "staff_ways": ["password", "passkey"], "factor_roles": ["attorney"],
    "reason": "We are few.",
}  # fmt: skip


def test_the_firm_chooses_ways_and_who_needs_a_factor(as_: Browser, world: World) -> None:
    browser, dan = as_(world.carol), as_(world.dan)
    set_up(world.carol)
    answer = browser.post(URL, data=FORM)
    assert answer.headers["Location"] == URL
    now = policy.current()
    assert (now.client_ways, now.staff_ways, now.factor_roles) == ("link", "passkey password", "attorney")
    assert dan.get("/firm").status_code == 303, "he has no second factor yet, and signs in again"
    page = browser.get(URL).text
    assert "We are few." in page
    assert "1 who had no second factor yet must sign in again." in page


@pytest.mark.parametrize(("change", "says"), [
    ({"client_ways": ["passkey"]}, "Allow a password or an e-mailed link"),
    ({"staff_ways": []}, "Allow a password or an e-mailed link"),
    ({"factor_roles": [], "reason": ""}, "Say why administrators go without"),
    ({"factor_roles": ["administrator"]}, "Set up your own second factor first"),
    ({"reason": "x" * 201}, "Use at most 200 characters."),
])  # fmt: skip
def test_what_cannot_be_is_refused_and_kept(as_: Browser, world: World, change: dict[str, Any], says: str) -> None:
    answer = as_(world.carol).post(URL, data=FORM | {"factor_roles": ["biller"]} | change)
    assert answer.status_code == 422
    assert says in answer.text
    assert policy.current().reason == "Most tests are about something else."


def test_an_administrator_signs_somebody_out_and_takes_factors_off(as_: Browser, world: World) -> None:
    browser, alice = as_(world.carol), as_(world.alice)
    set_up(world.alice)
    here = f"/firm/portal-users/{world.alice.id}"
    assert "Reset factors" in browser.get("/firm/people").text
    browser.post(f"{here}/sign-out")
    assert alice.get("/portal").status_code == 303
    assert factors.has_app(world.alice)
    token = sessions.start(world.alice)
    browser.post(f"{here}/reset-factors")
    assert not factors.has_any(world.alice)
    assert sessions.find(token) is None
    assert as_(world.dan).post(f"{here}/reset-factors").status_code == 403


def test_a_letter_invites_somebody_without_e_mail(as_: Browser, world: World) -> None:
    browser, here = as_(world.carol), f"/firm/matters/{world.matter.id}/recipients"
    data = {"who": "Zoe", "choice": "new", "new_name": "Zoe Sample", "new_email": ""}
    assert browser.post(here, data=data).status_code == 303
    zoe = people.PortalUser.get(people.PortalUser.name == "Zoe Sample")
    row = next(row for row in matters.recipients_of(world.matter) if row.portal_user_id == zoe.id)
    page = browser.get(here).text
    assert "no e-mail address known" in page
    assert "no-email.invalid" not in page
    assert not Invitation.select().where(Invitation.portal_user == zoe).exists()
    answer = browser.post(f"{here}/{row.id}/letter")
    assert (answer.status_code, answer.mimetype) == (200, "application/pdf")
    assert "no-store" in answer.headers["Cache-Control"]
    text = pypdf.PdfReader(BytesIO(answer.data)).pages[0].extract_text()
    assert "Dear Zoe Sample" in text
    code = next(word for word in text.split() if word.count("-") == 2 and len(word) == 17)
    assert invitations.find_invitation(invitations.plain_code(code)).login == zoe
    again = browser.post(f"{here}/{row.id}/letter")
    assert again.status_code == 200
    with pytest.raises(LookupError):
        invitations.find_invitation(invitations.plain_code(code))
    registered = next(row for row in matters.recipients_of(world.matter) if row.portal_user_id == world.alice.id)
    assert browser.post(f"{here}/{registered.id}/letter").status_code == 303
    assert as_(world.erin).post(f"{here}/{row.id}/letter").status_code == 403
