"""Giving back on the firm's pages: once, never more than is left, and said to the payer; questions answered."""

from __future__ import annotations

import re
from typing import Any

import pytest
from flask.testing import FlaskClient

from portal_app import gateways
from portal_app.domain import ledger, payments
from portal_app.domain.payments import Payment, Refund
from portal_app.plugin_api import Outcome, OutcomeKind
from tests.domain.test_payments import pay
from tests.fake_gateway import FakeGateway
from tests.world import World


def typed(page: FlaskClient, row: Payment, **changes: str) -> dict[str, str]:
    """The form as it is drawn, with something typed over it."""
    text = page.get(f"/firm/payments/{row.id}").text
    kept = dict(re.findall(r'name="(key|left)"[^>]* value="([^"]*)"', text))
    assert kept.keys() == {"key", "left"}
    return kept | {"amount": "100.00", "way": "owed", "reason": "Paid twice"} | changes


def test_a_refund_is_made_once_and_both_sides_read_it(world: World, as_: Any, gateway: FakeGateway) -> None:
    row, erin, alice = pay(world, 124_000), as_(world.erin), as_(world.alice)
    form = typed(erin, row)
    for _ in range(2):
        answer = erin.post(f"/firm/payments/{row.id}/refunds", data=form)
        assert (answer.status_code, answer.location) == (303, f"/firm/payments/{row.id}")
    assert len(gateway.refunds) == 1
    assert ledger.invoice_balance(world.invoice.id) == 10_000
    page = erin.get(f"/firm/payments/{row.id}").text
    assert "Paid twice" in page
    assert "Given back" in page
    assert "Given back" in alice.get(f"/portal/payments/{row.public_id}").text
    invoice = alice.get(f"/portal/invoices/{world.invoice.public_id}").text
    assert "Given back, or returned by a bank" in invoice
    assert "$100.00" in invoice


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"amount": "abc"}, "abc"), ({"amount": "1,240.01"}, "You can refund up to $1,240.00."),
        ({"reason": " "}, "Fill"),
        ({"left": "1"}, "has changed meanwhile"), ({"left": "x"}, "Open this page again"), ({"way": "gift"}, "choice"),
    ],
)  # fmt: skip
def test_bad_input_gives_nothing_back(
    world: World, as_: Any, gateway: FakeGateway, change: dict[str, str], says: str
) -> None:
    row, erin = pay(world, 124_000), as_(world.erin)
    answer = erin.post(f"/firm/payments/{row.id}/refunds", data=typed(erin, row, **change))
    assert (answer.status_code, says in answer.text, Refund.select().count()) == (422, True, 0)
    assert gateway.refunds == {}


def test_an_attorney_is_offered_no_refund(world: World, as_: Any) -> None:
    row, dan = pay(world, 124_000), as_(world.dan)
    assert "Give money back" not in dan.get(f"/firm/payments/{row.id}").text
    assert dan.post(f"/firm/payments/{row.id}/refunds", data={}).status_code == 403


def test_an_unclear_refund_is_followed(world: World, as_: Any, gateway: FakeGateway) -> None:
    row, erin = pay(world, 124_000), as_(world.erin)
    gateway.instead["refund"] = lambda: 1 // 0
    erin.post(f"/firm/payments/{row.id}/refunds", data=typed(erin, row))
    assert "Being confirmed" in erin.get(f"/firm/payments/{row.id}").text
    assert erin.post(f"/firm/payments/{row.id}/refunds/look").status_code == 303


def test_a_returned_payment_is_said_on_every_page(world: World, as_: Any) -> None:
    row, erin, alice = pay(world, 124_000), as_(world.erin), as_(world.alice)
    gone = Outcome(kind=OutcomeKind.RETURNED, amount_minor=124_000, message="No money in the account.")
    payments.settle(gateways.attempt_of(row).id, gone)
    for path in ("/firm/payments", f"/firm/payments/{row.id}", f"/firm/invoices/{world.invoice.id}"):
        assert "Returned by the bank" in erin.get(path).text, path
    assert "Returned by your bank" in alice.get(f"/portal/payments/{row.public_id}").text
    assert "Returned by your bank" in alice.get("/portal").text
    assert "Given back, or returned" in alice.get(f"/portal/invoices/{world.invoice.public_id}").text


def test_what_came_can_be_applied(world: World, as_: Any) -> None:
    row, erin = pay(world, 124_000, token="less"), as_(world.erin)
    assert "apply what came" in erin.get(f"/firm/payments/{row.id}").text
    assert erin.post(f"/firm/payments/{row.id}/applied", data={"note": ""}).status_code == 422
    erin.post(f"/firm/payments/{row.id}/applied", data={"note": "The client agrees"})
    assert ledger.invoice_balance(world.invoice.id) == 1


def test_a_payment_that_nobody_answers_for_is_resolved(world: World, as_: Any) -> None:
    row, erin = pay(world, 124_000, token="unknown"), as_(world.erin)
    assert "Resolve it by hand" not in erin.get(f"/firm/payments/{row.id}").text
    Payment.update(created_at=row.created_at.replace(year=row.created_at.year - 1)).execute()
    assert "Resolve it by hand" in erin.get(f"/firm/payments/{row.id}").text
    path = f"/firm/payments/{row.id}/resolved/taken"
    assert erin.post(path, data={"note": ""}).status_code == 422
    for _ in range(2):
        assert erin.post(path, data={"note": "On their list"}).status_code == 303
    assert ledger.invoice_balance(world.invoice.id) == 0


def test_questions_are_answered_with_a_note(world: World, as_: Any) -> None:
    erin = as_(world.erin)
    assert "There are no open questions" in erin.get("/firm/payments/questions").text
    payments.ask("unknown_charge", "x", "12.00 USD", gateway=world.gateway)
    assert "12.00 USD" in erin.get("/firm/payments/questions").text
    (asked,) = payments.open_questions()
    path = f"/firm/payments/questions/{asked.id}"
    assert erin.post(path, data={"note": ""}).status_code == 422
    assert erin.post(path, data={"note": "By phone"}).location == "/firm/payments/questions"
    assert payments.count_open() == 0
    assert erin.post("/firm/payments/questions/9999", data={"note": "x"}).status_code == 404
