"""Paying without an account: what the holder of a link meets, and what it keeps from them."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from portal_app import clock
from portal_app.domain import outbox, pay_links, payments
from portal_app.domain.documents import DocumentShare
from portal_app.domain.mail import Email
from portal_app.domain.outbox import Outbox
from portal_app.domain.pay_links import PayLink
from portal_app.domain.payments import Payment
from portal_app.web import letters, paper
from portal_app.worker import handlers
from tests.client.test_payments import only_payment, typed
from tests.fake_gateway import FakeGateway
from tests.routes import routes
from tests.world import World

As = Callable[[Any], FlaskClient]


@pytest.fixture
def link(world: World) -> str:
    """Alice's link to her older invoice, $1,240.00."""
    return "/pay/" + pay_links.link_for(world.invoice, world.alice)


def test_it_shows_its_invoice_and_nothing_else(world: World, as_: As, link: str) -> None:
    page = as_(None).get(link)
    assert page.status_code == 200
    assert f"Invoice {world.invoice.number}" in page.text
    assert "$1,240.00" in page.text
    for hidden in (
        "Drafted the complaint",
        world.alice.email,
        "Vasquez",
        world.matter.name,
        world.second.number,
        "2,040",
    ):
        assert hidden not in page.text, hidden
    assert (page.headers["Referrer-Policy"], page.headers["Cache-Control"]) == ("no-referrer", "no-store")
    assert "noindex" in page.headers["X-Robots-Tag"]
    assert PayLink.get().last_opened_at is not None
    assert as_(None).get("/portal").headers["Location"].startswith("/sign-in"), "nobody is signed in by it"


def test_the_form_knows_neither_address_nor_other_invoices(world: World, as_: As, link: str) -> None:
    as_(world.alice).post("/portal/payments", data=typed("1.00"))
    page = as_(None).get(f"{link}/now").text
    for hidden in (world.alice.email, "Vasquez", "Placeholder Lane", world.second.number, '"/portal'):
        assert hidden not in page, hidden
    assert 'value="1,239.00"' in page
    assert f'action="{link}/payments"' in page
    assert f'data-redraw="{link}/now"' in page


def test_paying_lands_on_the_ledger_as_its_persons(world: World, as_: As, link: str, gateway: FakeGateway) -> None:
    browser = as_(None)
    answer = browser.post(f"{link}/payments", data=typed("240.00"))
    payment = only_payment()
    assert (answer.status_code, answer.headers["Location"]) == (303, f"{link}/payments/{payment.public_id}")
    assert (payment.portal_user, payment.state) == (world.alice, "succeeded")
    assert [row.invoice_id for row in payments.allocations_of(payment)] == [world.invoice.id]
    page = browser.get(answer.headers["Location"]).text
    assert "Paid, thank you" in page
    for hidden in (world.alice.email, "Vasquez", 'href="/portal'):
        assert hidden not in page, hidden
    assert "$1,000.00" in browser.get(link).text
    assert payment.receipt_number in as_(world.alice).get("/portal").text
    again = browser.post(f"{link}/payments", data=typed("240.00"))
    assert again.headers["Location"] == answer.headers["Location"]
    assert len(gateway.charges) == 1


@pytest.mark.parametrize("more", [{"amount": "1,240.01"}, {"amount": "0"}, {"amount": "abc"}, {"city": ""}])
def test_what_is_wrong_is_refused_and_kept(world: World, as_: As, link: str, more: dict[str, str]) -> None:
    answer = as_(None).post(f"{link}/payments", data=typed("10.00") | more)
    assert answer.status_code == 422
    assert "Nothing has been charged" in answer.text
    assert "48 Placeholder Lane" in answer.text
    assert not Payment.select().exists()


def test_no_other_invoice_is_paid_whatever_is_sent(world: World, as_: As, link: str) -> None:
    fields = typed("2,000.00", invoice=world.second.public_id)
    assert as_(None).post(f"{link}/payments?invoice={world.second.public_id}", data=fields).status_code == 422
    as_(None).post(f"{link}/payments?invoice={world.bobs_invoice.public_id}", data=typed("5.00"))
    assert [row.invoice_id for row in payments.allocations_of(only_payment())] == [world.invoice.id]


def test_payments_made_elsewhere_are_not_there(world: World, as_: As, link: str) -> None:
    as_(world.alice).post("/portal/payments", data=typed("1.00"))
    public_id = only_payment().public_id
    other = "/pay/" + pay_links.link_for(world.second, world.alice)
    for path in (
        f"{link}/payments/{public_id}",
        f"{link}/payments/{public_id}/receipt",
        f"{other}/payments/{public_id}",
    ):
        assert as_(None).get(path).status_code == 404, path
    assert as_(None).post(f"{link}/payments/{public_id}/cancel").status_code == 404


def test_the_gateways_page_leads_back_to_the_guests_own(world: World, as_: As, link: str, gateway: FakeGateway) -> None:
    browser = as_(None)
    browser.post(f"{link}/payments", data=typed("240.00", token="pending"))
    public_id = only_payment().public_id
    back = browser.get(f"/portal/payments/{public_id}/return?state=ok")
    assert back.headers["Location"] == f"{link}/payments/{public_id}/return?state=ok"
    assert browser.get(back.headers["Location"]).headers["Location"] == f"{link}/payments/{public_id}"
    elsewhere = as_(None).get(f"/portal/payments/{public_id}/return")
    assert elsewhere.headers["Location"].startswith("/sign-in")


def test_an_old_link_offers_a_fresh_one_to_the_same_address(world: World, as_: As, link: str) -> None:
    made_up = "/pay/made-up"
    with clock.frozen(clock.now() + dt.timedelta(days=91)):
        pages = [as_(None).get(path) for path in (link, made_up, f"{link}/now", f"{link}/payments/x")]
        assert {page.status_code for page in pages} == {410}
        assert all("E-mail me a fresh link" in page.text for page in pages)
        assert not any(world.alice.email in page.text or world.invoice.number in page.text for page in pages)
        answers = [as_(None).post(f"{path}/again").headers["Location"] for path in (link, made_up)]
        assert answers == ["/sign-in"] * 2
        while outbox.run_due(handlers(), 50):
            pass
        letter = Email.get(Email.kind == "pay_link")
        assert letter.to_address == world.alice.email
        fresh = letter.text.partition("/pay/")[2].split()[0]
        assert as_(None).get(f"/pay/{fresh}").status_code == 200
    assert Email.select().where(Email.kind == "pay_link").count() == 1


def test_the_invoices_letter_and_paper_carry_it(world: World, as_: As) -> None:
    paper.store_invoice(world.invoice.id)
    share = DocumentShare.get(
        (DocumentShare.item == world.invoice.document) & (DocumentShare.portal_user == world.alice)
    )
    letters.document_shared(share.id)
    token = Email.get(Email.kind == "invoice_shared").text.partition("/pay/")[2].split()[0]
    assert pay_links.find(token).portal_user == world.alice
    assert PayLink.get(PayLink.portal_user == world.alice).is_on_paper


def test_the_firm_sees_renews_and_revokes(world: World, as_: As, link: str) -> None:
    carol, here = as_(world.carol), f"/firm/invoices/{world.invoice.id}"
    assert "Links to pay without signing in" in carol.get(here).text
    assert "Not opened yet" in carol.get(here).text
    as_(None).get(link)
    assert "Last opened" in carol.get(here).text
    who = {"person": str(world.alice.id)}
    assert carol.post(f"{here}/pay-links/renew", data=who).status_code == 303
    assert as_(None).get(link).status_code == 410
    assert carol.post(f"{here}/pay-links/revoke", data=who).status_code == 303
    assert "Revoked" in carol.get(here).text
    assert carol.post(f"{here}/pay-links/renew", data={"person": str(world.bob.id)}).status_code == 303
    assert not PayLink.select().where(PayLink.portal_user == world.bob).exists()
    assert as_(world.erin).post(f"{here}/pay-links/renew", data=who).status_code == 403
    assert Outbox.select().where(Outbox.topic == "pay_link").count() == 1


def test_every_guest_route_is_armoured_and_needs_a_link(app: Flask, as_: As, world: World) -> None:
    found = [route for route in routes(app) if route.rule.rule.startswith("/pay/")]
    assert len(found) == 9
    values = {"token": "nothing-here", "<token>.public_id": "x"}
    for route in found:
        answer = as_(world.alice).open(route.address(values), method=route.method)
        assert answer.status_code == (303 if route.rule.rule.endswith("/again") else 410), route.name
        assert answer.headers["Referrer-Policy"] == "no-referrer", route.name
        assert "no-store" in answer.headers["Cache-Control"], route.name
