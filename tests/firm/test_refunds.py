"""Giving back on the firm's pages: once, never more than is left, and said to the payer; questions answered."""

from __future__ import annotations

import dataclasses
import re
from typing import Any

import pytest
from flask.testing import FlaskClient

from portal_app import gateways
from portal_app.domain import ledger, payments
from portal_app.domain.payments import Payment, Refund
from portal_app.plugin_api import DisputeFact, DisputeState, Outcome, OutcomeKind
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
    assert "$100.00 given back" in alice.get("/portal").text


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"amount": "abc"}, "abc"), ({"amount": "1,240.01"}, "You can refund up to $1,240.00."),
        ({"reason": " "}, "Fill"),
        ({"left": "1"}, "has changed meanwhile"), ({"left": "x"}, "Open this page again"), ({"way": "gift"}, "Choose"),
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
    assert "Given back, or returned" in erin.get(f"/firm/invoices/{world.invoice.id}").text
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


def test_what_cannot_be_given_back_says_why(world: World, as_: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    row, erin = pay(world, 124_000), as_(world.erin)
    monkeypatch.setattr(gateways, "can_refund", lambda _row, **_: False)
    page = erin.get(f"/firm/payments/{row.id}").text
    assert ("cannot be told to give money back" in page, 'name="left"' in page) == (True, False)
    monkeypatch.undo()
    fact = DisputeFact(gateway_reference="dp_1", amount_minor=124_000, currency="USD", state=DisputeState.INQUIRY)
    gone = Outcome(kind=OutcomeKind.SUCCEEDED, amount_minor=124_000, currency="USD", disputes=(fact,))
    payments.settle(gateways.attempt_of(row).id, gone)
    page = erin.get(f"/firm/payments/{row.id}").text
    assert ("It is disputed" in page, 'name="left"' in page) == (True, False)
    assert "bank asked about it" in erin.get("/firm/payments?state=back").text
    lost = dataclasses.replace(fact, state=DisputeState.LOST)
    payments.settle(gateways.attempt_of(row).id, dataclasses.replace(gone, disputes=(lost,)))
    assert "Dispute lost" in erin.get("/firm/payments").text
    assert "$1,240.00 taken back by your bank" in as_(world.alice).get("/portal").text


def test_what_went_back_is_found_in_the_list_and_leads_from_the_ledger(world: World, as_: Any) -> None:
    row, erin = pay(world, 124_000), as_(world.erin)
    pay(world, 1_001, key="key-2")
    erin.post(f"/firm/payments/{row.id}/refunds", data=typed(erin, row))
    found = erin.get("/firm/payments?state=back").text
    assert ("$100.00 given back" in found, "$10.01" in found) == (True, False)
    (paid, back) = ledger.entries_about(f"payment:{row.id}")
    page = erin.get(f"/firm/payments/{row.id}").text
    assert all(f'href="/firm/ledger/{entry.id}"' in page for entry in (paid, back))
    book = as_(world.carol).get(f"/firm/matters/{world.matter.id}/ledger?kind=back").text
    assert (f'href="/firm/payments/{row.id}"' in book, "Paid from portal</a>" in book) == (True, False)


def test_less_that_was_applied_adds_up_on_every_page(world: World, as_: Any) -> None:
    row, erin, alice = pay(world, 124_000, token="less"), as_(world.erin), as_(world.alice)
    erin.post(f"/firm/payments/{row.id}/applied", data={"note": "The client agrees"})
    assert "Less came than was asked for" in erin.get(f"/firm/payments/{row.id}").text
    assert "Less came than you wanted to pay" in alice.get(f"/portal/payments/{row.public_id}").text
    invoice = alice.get(f"/portal/invoices/{world.invoice.public_id}").text
    assert ("not set against this invoice" in invoice, "Given back" in invoice) == (True, False)


def test_questions_of_a_kind_are_answered_together_but_not_one_that_came_since(world: World, as_: Any) -> None:
    erin, dan = as_(world.erin), as_(world.dan)
    pay(world, 1_000)
    for name in ("x", "y"):
        payments.ask("unknown_charge", name, f"{name} USD", gateway=world.gateway)
    assert "Questions about money" in erin.get("/firm").text
    assert "Questions (2)" in erin.get("/firm/payments").text
    assert "about money" not in dan.get("/firm").text
    upto = re.findall(r'name="upto" value="(\d+)"', erin.get("/firm/payments/questions").text)
    payments.ask("unknown_charge", "z", "z USD", gateway=world.gateway)
    path, kept = "/firm/payments/questions/all/unknown_charge", {"upto": upto[0]}
    assert erin.post(path, data=kept | {"note": ""}).status_code == 422
    assert erin.post(path, data={"upto": "-1", "note": "By phone"}).status_code == 422
    assert payments.count_open() == 3
    assert erin.post(path, data=kept | {"note": "By phone"}).location == "/firm/payments/questions"
    assert [row.detail for row in payments.open_questions()] == ["z USD"]
    assert erin.post("/firm/payments/questions/all/nothing", data=kept).status_code == 404
