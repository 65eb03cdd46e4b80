"""Pay Now on the server: which invoices a payment clears, and what stands in the form before anything is typed."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable
from typing import Any

from flask.testing import FlaskClient

from portal_app.domain import firms, invoices, payments, timekeeping
from tests.client.test_payments import only_payment, pay, typed, value_of
from tests.fake_gateway import FakeGateway
from tests.world import World

As = Callable[[Any], FlaskClient]
Headers = dict[str, str]


def test_the_invoices_can_be_chosen(world: World, as_: As, gateway: FakeGateway, htmx: Headers) -> None:
    browser = as_(world.alice)
    first, second = f"pay_{world.invoice.public_id}", f"pay_{world.second.public_id}"

    def chosen(one: str, other: str) -> dict[str, Any]:
        return {"choose": "1", first: one, second: other}

    page = browser.get("/portal/pay?choose=1&amount=1,300").text
    assert (value_of(page, first), value_of(page, second)) == ("1,240.00", "60.00")
    switched = browser.post("/portal/pay?choose=1", data=typed("1,300"), headers=htmx).text
    assert (value_of(switched, first), value_of(switched, second)) == ("1,240.00", "60.00")
    sent = {name: value for name, value in typed().items() if name != "amount"}
    back = browser.post("/portal/pay?choose=0", data={**sent, "choose": "1", first: "40", second: "60"}).text
    assert value_of(back, "amount") == "100.00"
    over = pay(browser, **chosen("", "800.01"))
    assert over.status_code == 422
    assert "This invoice can take up to $800.00 now." in over.text
    nothing = pay(browser, **chosen("", "0"))
    assert nothing.status_code == 422
    assert "Enter an amount for at least one invoice." in nothing.text
    assert pay(browser, **chosen("40", "60.50")).status_code == 303
    plan = {row.invoice_id: row.amount_cents for row in payments.allocations_of(only_payment())}
    assert plan == {world.invoice.id: 4_000, world.second.id: 6_050}


def test_very_many_invoices_are_folded_and_all_are_sent(world: World, as_: As) -> None:
    """Those that this payment clears stand there, ten at most; the rest is folded, and posted all the same."""
    for cents in range(1, 13):
        items = [
            timekeeping.record(
                world.matter, kind="flat_fee", timekeeper=world.carol, worked_on=world.second.issued_on,
                description="Advice", quantity_hundredths=100, rate_cents=cents * 100, by=world.carol,
            )
        ]  # fmt: skip
        draft = invoices.draft(world.matter, [item.id for item in items], by=world.carol)
        issued_on = world.second.issued_on
        invoices.issue(draft, issued_on=issued_on, due_on=issued_on + dt.timedelta(days=40), by=world.carol)
    browser = as_(world.alice)
    page = browser.get("/portal/pay?amount=100").text
    assert page.index(f"<dt>{world.invoice.number}") < page.index("13 more invoices, ")
    assert 'class="money">$0.00</span></summary>' in page
    assert "4 more invoices, " in browser.get("/portal/pay").text
    page = browser.get("/portal/pay?choose=1").text
    sent: dict[str, Any] = {name: value_of(page, name) for name in re.findall(r'name="(pay_[^"]+)"', page)}
    assert len(sent) == 14
    assert page.count("4 more invoices") == 2
    assert "<details open" not in page
    last = list(sent)[-1]
    wrong = pay(browser, choose="1", **{**sent, last: "abc"})
    assert wrong.status_code == 422
    assert 'class="f" open>' in wrong.text
    assert pay(browser, choose="1", **sent).status_code == 303
    assert len(payments.allocations_of(only_payment())) == 14


def test_an_address_begins_in_the_firms_own_country(world: World, as_: As) -> None:
    assert '<option selected value="US">' in as_(world.alice).get("/portal/pay").text
    firms.change(locale="en_DE")
    page = as_(world.alice).get("/portal/pay").text
    assert '<option selected value="DE">Germany' in page
    assert "Postal code" in page


def test_one_invoice_is_paid_alone(world: World, as_: As) -> None:
    browser = as_(world.alice)
    page = browser.get(f"/portal/pay?invoice={world.second.public_id}").text
    assert value_of(page, "amount") == "800.00"
    assert pay(browser, "900", invoice=world.second.public_id).status_code == 422
    assert pay(browser, "800", invoice=world.second.public_id).status_code == 303
    assert [row.invoice_id for row in payments.allocations_of(only_payment())] == [world.second.id]
    assert browser.get(f"/portal/pay?invoice={world.bobs_invoice.public_id}").status_code == 404


def test_choosing_among_invoices_that_are_no_longer_open(world: World, as_: As) -> None:
    browser = as_(world.alice)
    pay(browser, "1,240.00", invoice=world.invoice.public_id)
    gone = browser.get(f"/portal/pay?choose=1&invoice={world.invoice.public_id}")
    assert (gone.status_code, gone.headers["Location"]) == (303, f"/portal/invoices/{world.invoice.public_id}")
    assert browser.get("/portal/pay?choose=1&invoice=nobodys").status_code == 404
