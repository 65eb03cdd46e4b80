"""E-mails as administrators see them."""

from __future__ import annotations

import datetime as dt
import textwrap
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from flask.testing import FlaskClient

from portal_app import clock, config
from portal_app.db import transaction
from portal_app.domain import mail, outbox
from portal_app.domain.audit import AuditEntry
from portal_app.domain.mail import Email
from portal_app.domain.outbox import Outbox
from portal_app.domain.sessions import Session
from portal_app.web.writing import WIDTH
from tests.world import World

As = Callable[[Any], FlaskClient]


def write(world: World, **changes: Any) -> Email:
    row = mail.write(
        "invitation", world.frank, subject="An invitation", text="Choose a password:\n\nhttps://x.example/<1>\n",
        html="", fact="invitation:test",
    )  # fmt: skip
    with transaction():
        Email.update(**changes or {"last_error": ""}).where(Email.id == row.id).execute()
    return row


def has_server() -> None:
    config.use(replace(config.active(), mail_server="mail.example.com"))


def waiting() -> int:
    return int(Outbox.select().where((Outbox.topic == "email") & Outbox.done_at.is_null()).count())


def test_without_a_server_a_letter_is_kept_to_be_handed_over(world: World, as_: As) -> None:
    row = write(world)
    browser = as_(world.carol)
    text = browser.get("/firm/mail").text
    assert "No mail server is set" in text
    assert "Kept here" in text
    assert "Send again" not in text
    assert "https://x.example/&lt;1&gt;" in browser.get(f"/firm/mail/{row.id}").text
    before = waiting()
    assert "nothing can be sent" in browser.post(f"/firm/mail/{row.id}/send", follow_redirects=True).text
    assert waiting() == before


def test_what_the_letters_width_broke_is_one_line_again(world: World, as_: As) -> None:
    sentence = "Somebody has signed in to the portal from a browser and a place that we have not seen before today."
    link = f"https://x.example/{'a' * 60}"
    text = f"{textwrap.fill(sentence, WIDTH)}\n\nChoose a password:\n{link}\n\nThe firm\n12 Sample Row\n"
    page = as_(world.carol).get(f"/firm/mail/{write(world, text=text).id}").text
    assert f"<p>{sentence}</p>" in page
    assert f"<p>Choose a password:<br>{link}</p>" in page
    assert "<p>The firm<br>12 Sample Row</p>" in page


def test_a_letter_that_failed_says_why_and_is_tried_again(world: World, as_: As) -> None:
    row = write(world, last_error="SMTPServerDisconnected: gone")
    has_server()
    browser = as_(world.carol)
    text = browser.get("/firm/mail").text
    assert "SMTPServerDisconnected: gone" in text
    assert "No mail server" not in text
    before = waiting()
    assert browser.post(f"/firm/mail/{row.id}/send").location == "/firm/mail"
    assert waiting() == before + 1
    assert "Being sent" in browser.get("/firm/mail").text


def test_what_was_sent_is_not_sent_twice_and_not_kept(world: World, as_: As) -> None:
    row = write(world, sent_at=clock.now(), text="", html="")
    has_server()
    browser = as_(world.carol)
    before = waiting()
    assert "has been sent already" in browser.post(f"/firm/mail/{row.id}/send", follow_redirects=True).text
    assert waiting() == before
    assert "not kept once it is sent" in browser.get(f"/firm/mail/{row.id}").text
    assert browser.get("/firm/mail/999999").status_code == 404


def test_a_link_that_lets_somebody_in_is_read_by_nobody_or_told_of(world: World, as_: As) -> None:
    """An administrator must not come in as the attorney who authorizes, by the letter that was to bring them in."""
    row, carol = write(world), as_(world.carol)
    for _ in range(2):
        assert "https://x.example/&lt;1&gt;" in carol.get(f"/firm/mail/{row.id}").text
    [told] = AuditEntry.select().where(AuditEntry.action == "read_link")
    assert (told.firm_user_id, told.subject_ref) == (world.carol.id, f"email:{row.id}")
    assert Outbox.select().where((Outbox.topic == "audit_alert") & (Outbox.subject_id == told.id)).exists()
    has_server()
    page = carol.get(f"/firm/mail/{row.id}").text
    assert "x.example" not in page
    assert "nobody else reads it" in page
    with transaction():
        Session.update(proved_at=clock.now() - dt.timedelta(hours=2)).execute()
    assert "/account/confirm" in carol.get(f"/firm/mail/{row.id}").location, "asked once more who it is"


def test_only_administrators_read_letters(world: World, as_: As) -> None:
    row = write(world)
    for path in ("/firm/mail", f"/firm/mail/{row.id}"):
        assert as_(world.dan).get(path).status_code == 403
        assert as_(world.frank).get(path).status_code == 404
    assert as_(world.dan).post(f"/firm/mail/{row.id}/send").status_code == 403


def test_papers_that_cannot_be_made_are_said(world: World, as_: As) -> None:
    Outbox.update(done_at=clock.now(), last_error="").execute()
    outbox.put("email", 1)
    outbox.put("invoice_pdf", 1)
    assert "could not be made yet" not in as_(world.carol).get("/firm/mail").text
    Outbox.update(last_error="OSError").where(Outbox.done_at.is_null()).execute()
    assert "1 paper or e-mail could not be made yet" in as_(world.carol).get("/firm/mail").text
