"""Pay Now when the world changes between the form and the press: nothing is charged twice, or to the wrong place."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable
from typing import Any

import pytest
from flask.testing import FlaskClient

from portal_app import clock, gateway_setup, gateways
from portal_app.db import transaction
from portal_app.domain import documents, invoices, ledger, payments, sharing
from portal_app.domain.documents import DocumentShare
from portal_app.domain.payments import GatewayRoute, Payment, PaymentRoad
from portal_app.plugin_api import DisputeState, Outcome, OutcomeKind
from tests.client.test_payments import only_payment, pay, value_of
from tests.fake_gateway import FakeGateway
from tests.refunds import dispute, give, look
from tests.world import World, today

As = Callable[[Any], FlaskClient]


def written(world: World, as_: As, monkeypatch: pytest.MonkeyPatch, **changes: Any) -> FlaskClient:
    """A browser whose payment was written down, when the connection broke before it was sent."""
    browser = as_(world.alice)
    with monkeypatch.context() as patch:
        patch.setattr("portal_app.gateways.charge", lambda payment, _token: payment)
        assert pay(browser, seen="100050", **changes).status_code == 303
    return browser


def test_a_gateway_switched_off_takes_nothing_more(
    world: World, as_: As, gateway: FakeGateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    browser = written(world, as_, monkeypatch)
    gateway_setup.disable(world.gateway, by=world.carol)
    assert pay(browser, seen="100050").status_code == 422
    assert (only_payment().state, gateway.asked) == ("not_submitted", [])


def test_a_token_for_a_card_is_not_sent_as_a_bank_account(
    world: World, as_: As, gateway: FakeGateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    browser = written(world, as_, monkeypatch)
    assert pay(browser, seen="100050", method="bank").status_code == 422
    assert (only_payment().state, gateway.asked) == ("not_submitted", [])


def test_a_token_of_another_gateways_fields_is_sent_to_nobody(world: World, as_: As, gateway: FakeGateway) -> None:
    browser = as_(world.alice)
    key = value_of(browser.get("/portal/pay").text, "key")
    assert key.startswith(f"g{world.gateway.id}-")
    other = key.replace(f"g{world.gateway.id}-", f"g{world.gateway.id + 1}-")
    answer = pay(browser, key=other)
    assert answer.status_code == 422
    assert "changed its payment service" in answer.text
    assert not gateway.asked
    assert not Payment.select().exists()
    assert pay(browser, key=key).status_code == 303


@pytest.mark.parametrize("how", ["void", "unshare", "paid"])
def test_an_invoice_that_closes_while_its_form_is_open(
    world: World, as_: As, gateway: FakeGateway, htmx: dict[str, str], how: str
) -> None:
    browser, address = as_(world.alice), f"/portal/invoices/{world.second.public_id}"
    only = {"invoice": world.second.public_id}
    if how == "void":
        payments.void_invoice(world.second, reason="wrong", on=today(), by=world.carol)
    elif how == "unshare":
        sharing.unshare(DocumentShare, world.second.document, [world.alice], by=world.carol)
    else:
        assert pay(browser, "800", key="tab-1", **only).status_code == 303
    before = Payment.select().count()
    for headers, part in ((None, ""), (htmx, ""), (htmx, "?part=address")):
        answer = pay(browser, "800", key="tab-2", headers=headers, **only)
        there = answer.headers.get("HX-Redirect" if headers else "Location")
        assert (answer.status_code, there) == (404, None) if how == "unshare" else (200 if headers else 303, address)
        browser.post(f"/portal/pay{part}", data=only, headers=headers)
    if how != "unshare":
        assert "Nothing has been charged." in browser.get(address).text
        assert browser.get(f"/portal/pay?invoice={world.second.public_id}").headers["Location"] == address
    assert Payment.select().count() == before


def test_a_plan_that_another_payer_overtook_is_shown_again(world: World, as_: As, gateway: FakeGateway) -> None:
    documents.share(world.invoice.document, [world.alice, world.bob], by=world.carol)
    name = f"pay_{world.invoice.public_id}"
    sent: dict[str, Any] = {"choose": "1", name: "1,240.00", "amount": ""}
    assert pay(as_(world.bob), **sent).status_code == 303
    late = pay(as_(world.alice), seen="124000", **sent)
    assert late.status_code == 422
    assert ledger.invoice_balance(world.invoice.id) == 0
    assert gateway.asked == ["charge"]


def test_a_gateway_that_lost_its_road_charges_nothing_and_breaks_no_page(
    world: World, as_: As, gateway: FakeGateway
) -> None:
    with transaction():
        PaymentRoad.delete().execute()
        GatewayRoute.delete().execute()
    browser = as_(world.alice)
    assert browser.get("/portal/pay").status_code == 200
    answer = pay(browser)
    assert answer.status_code == 422
    assert "Online payment is not set up." in answer.text
    assert not gateway.asked


def test_coming_back_while_the_charge_still_runs_frees_nothing(world: World, as_: As, gateway: FakeGateway) -> None:
    browser = as_(world.alice)
    seen: list[str] = []

    def come_back() -> None:
        found = only_payment()
        gateway.instead["return"] = lambda: Outcome(kind=OutcomeKind.ABSENT)
        with clock.frozen(clock.now() + dt.timedelta(seconds=24)):
            gateways.returned(found, {})
        seen.append(only_payment().state)

    gateway.before_answer = come_back
    assert pay(browser).status_code == 303
    assert seen == ["submitting"]
    assert only_payment().state == "succeeded"
    assert ledger.account_balance("clearing:fake") == 100_050


def test_success_wins_over_a_cancellation(world: World, as_: As, gateway: FakeGateway) -> None:
    browser = as_(world.alice)
    where = pay(browser, token="").headers["Location"]
    reference = gateways.attempt_of(only_payment()).reference
    gateway.instead["cancel"] = lambda: Outcome(
        kind=OutcomeKind.SUCCEEDED, gateway_reference=f"ch_{reference[:8]}", amount_minor=100_050, currency="USD",
        merchant_account="fake-operating",
    )  # fmt: skip
    browser.post(f"{where}/cancel")
    assert "Paid, thank you" in browser.get(where).text


def test_a_page_that_comes_back_without_end_asks_no_further(world: World, as_: As, gateway: FakeGateway) -> None:
    browser = as_(world.alice)
    where = pay(browser, token="unknown").headers["Location"]
    for _ in range(30):
        assert browser.get(f"{where}/return").headers["Location"] == where
    assert gateway.asked.count("return") == 20
    assert browser.head(f"{where}/return").status_code == 303
    with clock.frozen(clock.now() + dt.timedelta(minutes=11)):
        gateway.asked.clear()
        assert as_(world.alice).head(f"{where}/return").status_code == 303
        assert gateway.asked == [], "a HEAD asks nothing"


def test_the_key_of_another_payer_is_a_payment_of_its_own(world: World, as_: As, gateway: FakeGateway) -> None:
    mine = pay(as_(world.alice)).headers["Location"]
    theirs = pay(as_(world.bob), "10").headers["Location"]
    assert mine != theirs
    assert [row.amount_cents for row in Payment.select().order_by(Payment.id)] == [100_050, 1_000]


def test_doubled_parts_and_strange_invoices_change_nothing(world: World, as_: As, gateway: FakeGateway) -> None:
    browser, first = as_(world.alice), f"pay_{world.invoice.public_id}"
    sent: dict[str, Any] = {
        "choose": "1",
        first: ["40", "9000"],
        f"pay_{world.bobs_invoice.public_id}": "100",
        "pay_": "7",
    }
    answer = pay(browser, **sent)
    assert answer.status_code == 303
    plan = {row.invoice_id: row.amount_cents for row in payments.allocations_of(only_payment())}
    assert plan == {world.invoice.id: 4_000}
    assert invoices.find_for(world.bob, world.bobs_invoice.public_id).balance_cents == 40_000


@pytest.mark.parametrize(
    ("what", "heading"),
    [
        ("part", "Paid, thank you"), ("all", "Given back"), ("inquiry", "Paid, thank you"),
        ("open", "Disputed, your bank decides"), ("won", "Paid, thank you"), ("lost", "Taken back by your bank"),
    ],
)  # fmt: skip
def test_the_page_of_a_payment_says_first_what_became_of_the_money(
    world: World, as_: As, what: str, heading: str
) -> None:
    browser = as_(world.alice)
    where = pay(browser).headers["Location"]
    if what in {"part", "all"}:
        give(world, only_payment(), 50 if what == "part" else 100_050)
    else:
        look(only_payment(), disputes=dispute(DisputeState(what), 100_050))
    page = browser.get(where).text
    assert re.search(rf'<h1 id="payment-h">.*{heading}</h1>', page)
    assert ("A copy is on its way" in page) == (heading == "Paid, thank you")
