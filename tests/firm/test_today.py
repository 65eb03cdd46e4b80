"""Today: what needs somebody, and the first steps of a new firm."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from portal_app import clock, config, create_app, db, founding, gateways
from portal_app.db import transaction
from portal_app.domain import calendar, firms, invoices, mail, matters, payments, people, sessions, timekeeping
from portal_app.domain import today as desk
from portal_app.domain.invitations import Invitation
from portal_app.domain.mail import Email
from portal_app.domain.people import FirmUser
from portal_app.domain.today import Tally
from portal_app.plugin_api import BillingAddress, Flow, Method
from tests import trust as trusts
from tests.firm.pages import queries
from tests.world import ZONE, World, today

As = Callable[[Any], FlaskClient]
ADDRESS = BillingAddress(name="A. Payer", address1="1 Elm", city="Springfield", state="IL", postal_code="62704")


def pay(world: World, token: str, cents: int) -> None:
    order = payments.Order(
        key=f"{token}{cents}", amount_cents=cents, plan={}, method=Method.CARD, flow=Flow.FIELDS, billing=ADDRESS
    )
    gateways.charge(payments.start(world.alice, world.gateway, order), token)


def lines(page: str) -> dict[str, tuple[str, str]]:
    """What the page lists as needing somebody: count, detail, by title."""
    rows = re.findall(r'<span class="n[^"]*">([\d,]+)</span><div>(?:<a[^>]*>)?([^<]+).*?<p class="sub">([^<]*)', page)
    return {title: (count, detail) for count, title, detail in rows}


def test_everything_that_needs_somebody_is_counted(world: World, as_: As) -> None:
    for token, cents in (("ok", 1_000), ("ok", 2_000), ("unknown", 3_000), ("less", 4_000)):
        pay(world, token, cents)
    Invitation.update(expires_at=clock.now() + dt.timedelta(hours=20)).execute()
    page = as_(world.carol).get("/firm").text
    found = lines(page)
    assert {title: count for title, (count, _) in found.items()} == {
        "Invoice past due": "1", "Matter with unbilled work": "1", "Draft invoice to issue": "1",
        "Payment held for review": "1", "New payments from the portal": "2", "Payment being confirmed": "1",
        "Invitation pending": "1",
    }  # fmt: skip
    assert found["Invoice past due"][1] == "It is 15 days late, Alice Vasquez-Thornbury."
    assert found["Invitation pending"][1] == "1 will expire within two days."
    assert "Five things need you; two are just news. Everything else is in order." in page
    for sum_of_money in ("$1,210.00", "$600.00", "$300.00", "$40.00", "$30.00"):
        assert sum_of_money in page


def test_trust_money_that_could_pay_an_open_invoice_is_told(world: World, as_: As) -> None:
    trusts.deposit(world, 50_000)
    page = as_(world.carol).get("/firm").text
    assert lines(page)["Matter owes, and has money in trust"][0] == "1"
    assert '<span class="money">$500.00</span>' in page


def test_receivables_are_summed_by_age(world: World) -> None:
    carol, day = world.carol, today()
    assert sum(desk.receivables_by_age(carol, day), Tally()) == Tally(3, 124_000 + 80_000 + 40_000)
    # The first invoice is due 15 days ago, the second in 25 days, Bob's in 30.
    at = {days: desk.receivables_by_age(carol, day + dt.timedelta(days=days)) for days in (-15, -14, 15, 16, 76)}
    assert [tally.count for tally in at[-15]] == [3, 0, 0, 0, 0]
    assert [tally.count for tally in at[-14]] == [2, 1, 0, 0, 0]
    assert [tally.count for tally in at[15]] == [2, 1, 0, 0, 0]
    assert [tally.count for tally in at[16]] == [2, 0, 1, 0, 0]
    assert [tally.count for tally in at[76]] == [0, 0, 2, 0, 1]
    assert at[76][4].cents == 124_000


def test_restricted_matters_do_not_show_in_anybodys_sums(world: World) -> None:
    pay(world, "ok", 1_000)
    matters.set_access(world.matter, is_restricted=True, staff=[])
    assert sum(desk.receivables_by_age(world.dan, today()), Tally()) == Tally(1, 40_000)
    assert desk.oldest_overdue(world.dan, today()) is None
    assert not desk.payments_since(world.dan, clock.now() - dt.timedelta(days=1)).has_any
    assert desk.lately_paid(world.dan) == []
    assert len(desk.lately_paid(world.carol)) == 1


def test_paid_from_portal_and_the_next_events_stand_beside(world: World, as_: As) -> None:
    pay(world, "ok", 12_345)
    soon, later = (clock.now() + dt.timedelta(hours=hours) for hours in (1, 24 * 4))
    for title, moment in (("Client call", soon), ("Deposition", later)):
        calendar.add(world.matter, title=title, starts_at=moment, by=world.carol, time_zone=ZONE)
    page = as_(world.erin).get("/firm").text
    assert "$123.45" in page
    assert world.invoice.number in page
    assert "Client call" in page
    assert "not shared" in page
    assert "Deposition" not in page


def test_mail_that_waits_is_the_administrators_matter(world: World, as_: As) -> None:
    row = mail.write("invitation", world.frank, subject="x", text="x", html="", fact="invitation:test")
    assert "No mail server is set" in lines(as_(world.carol).get("/firm").text)["E-mail not sent"][1]
    assert "E-mail not sent" not in as_(world.dan).get("/firm").text
    config.use(replace(config.active(), mail_server="mail.example.com"))
    assert "E-mail not sent" not in as_(world.carol).get("/firm").text, "it is about to be sent"
    with transaction():
        Email.update(last_error="refused").where(Email.id == row.id).execute()
    assert "E-mail not sent" in as_(world.carol).get("/firm").text


def test_the_page_asks_at_most_sixteen_questions_however_much_there_is(world: World, as_: As) -> None:
    browser = as_(world.carol)
    without_payments = queries(browser, "/firm")
    for cents in range(1_000, 1_012):
        pay(world, "ok", cents)
        calendar.add(
            world.matter, title="Call", starts_at=clock.now() + dt.timedelta(minutes=5), by=world.carol, time_zone=ZONE
        )
    assert without_payments <= 16
    assert queries(browser, "/firm") <= 16


def test_an_event_says_with_how_many_it_is_shared(world: World, as_: As) -> None:
    calendar.change(world.event, starts_at=clock.now() + dt.timedelta(minutes=5))
    for people_, words in (([world.alice, world.frank], "shared with 2"), ([world.alice], "shared with 1")):
        calendar.share(world.event, people_, by=world.carol)
        assert words in as_(world.carol).get("/firm").text
    calendar.share(world.event, [], by=world.carol)
    assert "not shared" in as_(world.carol).get("/firm").text


def new_firm(folder: Path) -> tuple[Flask, FirmUser]:
    settings = config.load({}, data=str(folder), secret_key="0123456789abcdef" * 4, public_url="http://localhost")
    config.use(settings)
    db.open_database(settings.database_url)
    ada = founding.found(
        "New & Co.", admin_name="Ada", admin_email="ada@example.com", password="three grey herons wait",
        time_zone=ZONE, roles=["administrator"],
    )  # fmt: skip
    return create_app(settings, WTF_CSRF_ENABLED=False), ada


def step_after(browser: FlaskClient) -> str:
    """The title of the one step that is to be done next."""
    found = re.findall(r'Do this next<span class="vh">: ([^<]+)</span>', browser.get("/firm").text)
    return found[0] if len(found) == 1 else f"{len(found)} steps at once"


def test_a_new_firm_is_led_from_step_to_step(settings: config.Config, tmp_path: Path) -> None:
    app, ada = new_firm(tmp_path / "new")
    browser = app.test_client()
    with browser.session_transaction() as cookie:
        cookie["_user_id"], cookie["_fresh"] = sessions.start(ada), True
    assert "Welcome." in browser.get("/firm").text
    assert step_after(browser) == "Complete the firm’s details"
    firms.change(address="1 Sample Row", phone="(555) 010-0100")
    assert step_after(browser) == "Add a client"
    client = people.add_client(kind="person", name="Idris")
    assert step_after(browser) == "Open a matter"
    matter = matters.open_matter(number="", name="Lease", client=client, opened_on=today(), by=ada)
    assert step_after(browser) == "Record work"
    assert f'href="/firm/matters/{matter.id}/time"' in browser.get("/firm").text
    timekeeping.record(
        matter, kind="time", timekeeper=ada, worked_on=today(), description="Read", rate_cents=100, by=ada
    )
    assert step_after(browser) == "Choose a payment gateway"
    for path in set(re.findall(r'href="(/firm[^"]*)"', browser.get("/firm").text)):
        assert browser.get(path).status_code == 200, path
    db.db.close()


def test_steps_are_shown_to_those_who_can_take_them(world: World, as_: As) -> None:
    assert "First steps" not in as_(world.carol).get("/firm").text, "all are done"
    firms.change(address="")
    assert "Complete the firm’s details" in as_(world.carol).get("/firm").text
    assert "First steps" not in as_(world.dan).get("/firm").text


def test_a_firm_in_order_reads_so(world: World, as_: As) -> None:
    for row in (world.invoice, world.second, world.bobs_invoice):
        invoices.void(row, reason="test", on=today(), by=world.carol)
    matters.set_access(world.matter, is_restricted=True, staff=[])
    matters.set_access(world.bobs_matter, is_restricted=True, staff=[])
    page = as_(world.erin).get("/firm").text
    assert "Nothing needs you. Everything is in order." in page
    assert "Nobody owes the firm anything." in page


@pytest.mark.parametrize(
    ("days", "words"),
    [(-1, "1 day past"), (0, "last day today"), (1, "1 day left"), (90, "90 days left"), (91, ""), (None, "")],
)
def test_a_statute_of_limitations_that_is_near_is_seen(world: World, as_: As, days: int | None, words: str) -> None:
    day = None if days is None else today() + dt.timedelta(days=days)
    matters.change(world.matter, limitations_on=day)
    browser = as_(world.dan)
    page, matter = browser.get("/firm").text, browser.get(f"/firm/matters/{world.matter.id}/documents").text
    assert ('id="limits"' in page) is bool(words)
    if words:
        assert f"{words}</span>" in page
        assert f"Statute of limitations: {words}</span>" in matter
    else:
        assert "Statute of limitations" not in matter
    with transaction():
        matters.close(world.matter, today())
    assert 'id="limits"' not in browser.get("/firm").text, "a closed matter needs nothing more"
    assert "Statute of limitations" not in browser.get(f"/firm/matters/{world.matter.id}/documents").text


def test_statutes_of_limitations_stand_in_their_order_for_those_who_may_see(world: World, as_: As) -> None:
    matters.change(world.matter, limitations_on=today() + dt.timedelta(days=20))
    matters.change(world.bobs_matter, limitations_on=today() - dt.timedelta(days=2), responsible_attorney=None)
    page = as_(world.dan).get("/firm").text
    assert lines(page)["Statutes of limitations are near"] == ("2", "That of Sample Holdings lease has passed.")
    listed = page.split('id="limits"')[1].split("</section>")[0]
    assert re.findall(r"(\d+ days \w+)</span>", listed) == ["2 days past", "20 days left"]
    assert "Nobody yet" in listed
    matters.set_access(world.bobs_matter, is_restricted=True, staff=[])
    page = as_(world.dan).get("/firm").text
    expected = ("1", "That of Thornbury v. Example Mills, Inc. runs out in 20 days.")
    assert lines(page)["Statute of limitations is near"] == expected
    assert "Sample Holdings lease" not in page
