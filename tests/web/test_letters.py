"""What the portal writes to whom, when, and that nobody is told twice."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable
from dataclasses import replace

import pytest
from flask.testing import FlaskClient

from portal_app import clock, config, gateways, worker
from portal_app.domain import calendar, documents, invitations, invoices, matters, outbox, payments, people, sharing
from portal_app.domain.calendar import EventShare
from portal_app.domain.documents import DocumentShare
from portal_app.domain.firms import Firm
from portal_app.domain.mail import Email
from portal_app.domain.matters import Matter
from portal_app.domain.payments import Payment
from portal_app.domain.people import PortalUser
from portal_app.domain.sharing import Share
from portal_app.plugin_api import Outcome, OutcomeKind
from portal_app.web import letters
from tests.domain.test_payments import pay
from tests.world import ZONE, World, today


def _share(model: type[Share], who: PortalUser, item: object) -> int:
    return int(model.get((model.portal_user == who.id) & (model.item == item)).id)


def _written(kind: str = "") -> list[Email]:
    return [row for row in Email.select().order_by(Email.id) if row.kind == kind or not kind]


def _only(kind: str) -> Email:
    (row,) = _written(kind)
    return row


# Links


def test_an_invitation_says_who_where_and_until_when(world: World, as_: Callable[[object], FlaskClient]) -> None:
    sent = invitations.invite(world.frank, by=world.carol, days=14)
    letters.invitation(sent)
    letters.invitation(sent)
    row = _only("invitation")
    assert row.to_address == world.frank.email
    assert "Carol Quillfeather of Quillfeather & Larkspur LLP" in row.text
    link = re.search(r"^http://localhost(/invitation/\S+)$", row.text, re.MULTILINE)
    assert link is not None
    assert f'href="http://localhost{link[1]}"' in row.html
    assert as_(None).get(link[1]).status_code == 200


def test_staff_are_invited_in_other_words(world: World) -> None:
    who = people.add_firm_user(email="gail@example.com", name="Gail Moss", roles=["biller"], time_zone="UTC")
    letters.invitation(invitations.invite(who, by=world.carol, days=14))
    assert "has made a sign-in for you" in _only("invitation_staff").text


def test_who_asked_for_a_link_gets_the_one_they_need(world: World, as_: Callable[[object], FlaskClient]) -> None:
    for email in (world.alice.email, world.frank.email, world.carol.email, "nobody@example.com"):
        as_(None).post("/password", data={"email": email})
    while worker.turn():
        pass
    kinds = {row.to_address: row.kind for row in _written() if row.kind in {"password_reset", "invitation"}}
    assert kinds == {
        world.alice.email: "password_reset",
        world.frank.email: "invitation",
        world.carol.email: "password_reset",
    }


# Sharing


def test_an_invoice_is_announced_with_its_sum_and_date(world: World) -> None:
    share = _share(DocumentShare, world.alice, world.invoice.document)
    letters.document_shared(share)
    letters.document_shared(share)
    row = _only("invoice_shared")
    assert row.subject == f"Invoice {world.invoice.number} from Quillfeather & Larkspur LLP"
    assert "Amount due: $1,240.00" in row.text
    assert f"http://localhost/portal/invoices/{world.invoice.public_id}" in row.text


def test_who_has_not_accepted_yet_is_led_to_the_invitation_first(world: World) -> None:
    letters.document_shared(_share(DocumentShare, world.frank, world.invoice.document))
    text = _only("invoice_shared").text
    assert "accept the invitation" in text
    assert "http://localhost/sign-in" in text
    assert world.invoice.public_id not in text


def test_what_is_no_longer_shared_is_not_announced(world: World) -> None:
    shares = [
        (letters.document_shared, _share(DocumentShare, world.alice, world.document)),
        (letters.event_shared, _share(EventShare, world.alice, world.event)),
        (letters.document_shared, _share(DocumentShare, world.bob, world.bobs_document)),
        (letters.document_shared, _share(DocumentShare, world.alice, world.invoice.document)),
    ]
    sharing.unshare(DocumentShare, world.document, [world.alice], by=world.carol)
    calendar.cancel(world.event)
    invitations.disable(world.bob)
    invoices.void(world.invoice, reason="wrong matter", on=clock.today("UTC"), by=world.carol)
    for tell, share in shares:
        tell(share)
    assert _written() == []


def test_a_date_is_told_in_the_readers_zone(world: World) -> None:
    PortalUser.update(time_zone="Europe/Berlin").where(PortalUser.id == world.alice.id).execute()
    starts_at = clock.to_utc(dt.datetime(2027, 3, 1, 19, 30), "Europe/Berlin")  # noqa: DTZ001  a place's own time
    calendar.change(world.event, starts_at=starts_at, place="Room 4")
    letters.event_shared(_share(EventShare, world.alice, world.event))
    text = _only("event_shared").text
    assert re.search(r"When: March 1, 2027, 7:30\sPM \S+", text)
    assert "Where: Room 4" in text


def test_names_cannot_write_markup_links_or_headers(world: World) -> None:
    Matter.update(name="<b>Evil</b>\n\nhttp://localhost/evil").execute()
    Firm.update(name="Quill\r\nBcc: all@example.com").execute()
    letters.document_shared(_share(DocumentShare, world.alice, world.document))
    row = _only("document_shared")
    assert "<b>" not in row.html
    assert "&lt;b&gt;Evil" in row.html
    assert 'href="http://localhost/evil"' not in row.html
    assert "\n" not in row.subject
    assert "\r" not in row.subject


# Deadlines


def limitation_letters(world: World, *, on: dt.date) -> list[tuple[str, str]]:
    """What the worker's housekeeping writes on that day at the firm."""
    before = len(_written("limitation"))
    with clock.frozen(clock.to_utc(dt.datetime.combine(on, dt.time(9)), ZONE)):
        worker.housekeeping()
        worker.housekeeping()
    return [(row.to_address, row.subject) for row in _written("limitation")[before:]]


def test_a_statute_of_limitations_is_told_at_90_30_7_and_1_days_once_each(world: World) -> None:
    last = today() + dt.timedelta(days=120)
    matters.change(world.matter, limitations_on=last)
    told = {
        days: letters_then
        for days in (100, 91, 90, 89, 60, 31, 30, 29, 15, 8, 7, 6, 3, 2, 1, 0, -1, -4)
        if (letters_then := limitation_letters(world, on=last - dt.timedelta(days=days)))
    }
    name = "Thornbury v. Example Mills, Inc.: statute of limitations"
    assert told == {
        90: [(world.carol.email, f"{name} in 90 days")],
        30: [(world.carol.email, f"{name} in 30 days")],
        7: [(world.carol.email, f"{name} in 7 days")],
        1: [(world.carol.email, f"{name} tomorrow")],
    }
    row = _written("limitation")[0]
    assert f"Last day to file: {last:%B} {last.day}, {last.year}" in row.text
    assert f"http://localhost/firm/matters/{world.matter.id}" in row.text


def test_of_missed_reminders_only_the_last_is_sent_and_a_new_date_begins_anew(world: World) -> None:
    matters.change(world.matter, limitations_on=today() + dt.timedelta(days=5))
    assert [subject[-9:] for _, subject in limitation_letters(world, on=today())] == ["in 5 days"]
    matters.change(world.matter, limitations_on=today() + dt.timedelta(days=6))
    assert [subject[-9:] for _, subject in limitation_letters(world, on=today())] == ["in 6 days"]
    matters.close(world.matter, today())
    matters.change(world.matter, limitations_on=today() + dt.timedelta(days=1))
    assert limitation_letters(world, on=today()) == []


def test_where_nobody_is_responsible_any_more_the_firm_is_told(world: World) -> None:
    matters.change(world.matter, limitations_on=today(), responsible_attorney=world.dan)
    matters.change(world.bobs_matter, limitations_on=today(), responsible_attorney=None)
    invitations.disable(world.dan)
    found = limitation_letters(world, on=today())
    assert [address for address, _ in found] == ["billing@example.com"] * 2
    assert all(subject.endswith("today") for _, subject in found)
    assert "Responsible attorney: nobody yet" in _written("limitation")[1].text


# Payments


def _tell(payment: Payment) -> list[tuple[str, str]]:
    letters.payment_changed(payment.id)
    letters.payment_changed(payment.id)
    return [(row.kind, row.to_address) for row in _written()]


def test_a_payment_is_told_to_both_sides_once(world: World) -> None:
    payment = pay(world, 150_000)
    assert _tell(payment) == [
        ("payment_succeeded", world.alice.email),
        ("payment_succeeded_firm", "billing@example.com"),
    ]
    payer, firm = _written()
    assert payer.subject == f"Receipt {payment.receipt_number}: $1,500.00 to Quillfeather & Larkspur LLP"
    assert f"Invoice {world.invoice.number}, Thornbury v. Example Mills, Inc.: $1,240.00" in payer.text
    assert "no real money moved" in payer.text
    assert firm.subject == "Paid from portal: $1,500.00, Alice Vasquez-Thornbury"
    assert f"http://localhost/firm/payments/{payment.id}" in firm.text


def test_a_refusal_on_the_page_needs_no_letter(world: World) -> None:
    assert _tell(pay(world, 1_000, "declined")) == []
    assert _tell(pay(world, 1_000, "unsent", key="key-2")) == []


def test_a_refusal_after_a_wait_is_told(world: World) -> None:
    payment = pay(world, 1_000, "pending")
    assert _tell(payment) == [("payment_pending", world.alice.email)]
    outcome = Outcome(kind=OutcomeKind.DECLINED, message="The account has not enough money.")
    payments.settle(gateways.attempt_of(payment).id, outcome)
    assert _tell(payment)[1:] == [("payment_refused", world.alice.email)]
    text = _only("payment_refused").text
    assert "Nothing has been charged" in text
    assert "The account has not enough money." in text


def test_money_that_differs_is_told_to_the_firm_alone(world: World) -> None:
    assert _tell(pay(world, 1_000, "less")) == [("payment_review_firm", "billing@example.com")]


def test_without_the_firms_address_only_the_payer_is_told(world: World) -> None:
    Firm.update(email="").execute()
    assert _tell(pay(world, 1_000)) == [("payment_succeeded", world.alice.email)]


# How letters leave


def test_the_sender_is_the_setting_the_firm_or_the_portal(world: World, settings: config.Config) -> None:
    assert letters.server() is None
    assert letters.sender_name() == "Quillfeather & Larkspur LLP"
    config.use(replace(settings, mail_server="smtp.example.com"))
    found = [letters.server()]
    Firm.update(email="").execute()
    found.append(letters.server())
    config.use(replace(settings, mail_server="smtp.example.com", mail_from="portal@example.com"))
    found.append(letters.server())
    assert [each and each.sender for each in found] == ["billing@example.com", "portal@localhost", "portal@example.com"]


@pytest.mark.parametrize("topic", ["document_shared", "event_shared", "payment_changed", "portal_user_link"])
def test_the_worker_knows_what_the_domain_promises(topic: str) -> None:
    assert topic in worker.handlers()


def test_everything_that_the_cast_was_promised_is_written(world: World) -> None:
    documents.share(world.document, [world.alice, world.frank], by=world.carol)
    pay(world, 1_000)
    while worker.turn():
        pass
    assert outbox.troubles() == 0
    assert {row.kind for row in _written()} == {
        "document_shared",
        "event_shared",
        "invoice_shared",
        "payment_succeeded",
        "payment_succeeded_firm",
    }
