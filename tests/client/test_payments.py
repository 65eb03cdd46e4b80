"""Pay Now on the server: what is understood, what is refused, and that one form charges once."""

from __future__ import annotations

import datetime as dt
import re
import threading
from collections.abc import Callable
from typing import Any

import pytest
from flask.testing import FlaskClient

from portal_app import clock, db, gateway_setup, gateways
from portal_app.domain import documents, ledger, matters, payments, store
from portal_app.domain.payments import Payment
from tests.fake_gateway import FakeGateway
from tests.world import World

As = Callable[[Any], FlaskClient]
Headers = dict[str, str]
ADDRESS = {
    "name": "Alice Vasquez-Thornbury", "address1": "48 Placeholder Lane", "address2": "", "city": "Springfield",
    "state": "IL", "postal_code": "62704", "country": "US",
}  # fmt: skip
BALANCE = 204_000


def typed(amount: str = "1,000.50", **changes: str) -> dict[str, str]:
    """What a browser sends for the form; the token decides what the fake gateway does."""
    return {"key": "k1", "token": "ok", "amount": amount, "method": "card", **ADDRESS, **changes}


def pay(browser: FlaskClient, amount: str = "1,000.50", headers: Headers | None = None, **changes: Any) -> Any:
    return browser.post("/portal/payments", data=typed(amount, **changes), headers=headers)


def only_payment() -> Payment:
    return Payment.select().get()


def value_of(text: str, name: str) -> str:
    found = re.search(rf'<input[^>]*name="{name}"[^>]*value="([^"]*)"', text)
    assert found, f"no field {name}"
    return found[1]


def test_a_part_is_paid_and_every_page_knows_it_at_once(world: World, as_: As, gateway: FakeGateway) -> None:
    browser = as_(world.alice)
    answer = pay(browser)
    payment = only_payment()
    assert (answer.status_code, answer.headers["Location"]) == (303, f"/portal/payments/{payment.public_id}")
    assert [charge.amount_minor for charge in gateway.charges.values()] == [100_050]
    page = browser.get(answer.headers["Location"]).text
    assert "Paid, thank you" in page
    assert "leaves $239.50" in page
    assert "$1,039.50" in browser.get("/portal").text
    assert payment.receipt_number in browser.get("/portal").text
    line = ledger.for_matter(world.matter, limit=1)[0]
    assert (line.entry.description, line.credit_cents, line.payer_name) == (
        "Paid from portal", 100_050, world.alice.name,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("amount", "sentence"),
    [
        ("abc", "Enter an amount in figures"),
        ("1e3", "Enter an amount in figures"),
        ("-5", "Enter an amount above zero."),
        ("0", "Enter an amount above zero."),
        ("10.005", "at most 2 digits"),
        ("2,040.01", "You can pay up to $2,040.00."),
        ("", "Fill in this field."),
        ("٣", "Enter an amount in figures"),
    ],
)
def test_an_amount_that_cannot_be_is_refused_at_its_field(
    world: World, as_: As, gateway: FakeGateway, htmx: Headers, amount: str, sentence: str
) -> None:
    for headers in (None, htmx):
        answer = pay(as_(world.alice), amount, headers=headers)
        assert answer.status_code == 422
        field = answer.text[answer.text.index('id="how-much"') :]
        assert sentence in field[: field.index("</fieldset>")]
        assert f'value="{amount}"' in field
        assert "48 Placeholder Lane" in answer.text
        assert 'value="62704"' in answer.text
        assert value_of(answer.text, "token") == ""
    assert not Payment.select().exists()
    assert not gateway.asked


@pytest.mark.parametrize(("amount", "cents"), [("1,000.50", 100_050), ("$1000", 100_000), (" 0.01 ", 1)])
def test_amounts_are_understood_as_people_write_them(world: World, as_: As, amount: str, cents: int) -> None:
    assert pay(as_(world.alice), amount).status_code == 303
    assert only_payment().amount_cents == cents


@pytest.mark.parametrize(
    ("wrong", "sentence"),
    [
        ({"postal_code": "6270"}, "Enter five digits, for example 62704."),
        ({"state": "XX"}, "Choose the state."),
        ({"country": "CA", "state": "ON", "postal_code": "62704"}, "Enter it like K1A 0B1."),
        ({"country": "ZZ"}, "Choose from the list."),
        ({"name": ""}, "Fill in this field."),
        ({"city": "x" * 81}, "Use at most 80 characters."),
        ({"method": "cash"}, "Choose from the list."),
        ({"key": ""}, "Reload the page"),
        ({"key": "k" * 65}, "Reload the page"),
        ({"key": "k\0"}, "Reload the page"),
    ],
)
def test_the_rest_of_the_form_is_checked_too(world: World, as_: As, wrong: dict[str, str], sentence: str) -> None:
    answer = pay(as_(world.alice), headers=None, **wrong)
    assert answer.status_code == 422
    assert sentence in answer.text
    assert not Payment.select().exists()


def test_addresses_elsewhere_are_fine(world: World, as_: As) -> None:
    assert pay(as_(world.alice), country="CA", state="ON", postal_code="K1A 0B1").status_code == 303
    assert pay(as_(world.alice), "1", key="k2", country="IE", state="", postal_code="").status_code == 303
    again = as_(world.alice).get("/portal/pay").text
    assert '<option selected value="IE">Ireland' in again
    assert value_of(again, "address1") == "48 Placeholder Lane"


def test_the_confirm_line_says_what_will_be_charged(world: World, as_: As, gateway: FakeGateway, htmx: Headers) -> None:
    browser = as_(world.alice)
    page = browser.get("/portal/pay").text
    assert "two thousand forty dollars and 00/100" in page
    seen = value_of(page, "seen")
    assert seen == str(BALANCE)
    changed = pay(browser, "500", seen=seen)
    assert changed.status_code == 422
    assert "The amount is $500.00 now" in changed.text
    assert not gateway.asked
    assert pay(browser, "500", seen=value_of(changed.text, "seen")).status_code == 303
    assert gateway.asked == ["charge"]


def test_what_is_typed_is_reckoned_without_charging(world: World, as_: As, gateway: FakeGateway, htmx: Headers) -> None:
    browser = as_(world.alice)
    piece = browser.post("/portal/pay", data=typed("1,500"), headers=htmx).text
    assert piece.lstrip().startswith("<section")
    assert "<html" not in piece
    for words in ("What $1,500.00 will pay", "Paid in full", "Leaves $540.00", "Pay $1,500.00", "$540.00"):
        assert words in piece
    page = browser.post("/portal/pay", data=typed("1,500"))
    assert page.status_code == 200
    assert piece.split("<hx-partial")[0].strip() in page.text
    wrong = browser.post("/portal/pay", data=typed("9,999"), headers=htmx)
    assert (wrong.status_code, "You can pay up to $2,040.00." in wrong.text) == (200, True)
    assert browser.post("/portal/pay", data=typed("9,999")).status_code == 422
    address = browser.post("/portal/pay?part=address", data=typed(country="CA"), headers=htmx).text
    assert "Province" in address
    assert "Ontario" in address
    assert not Payment.select().exists()


def test_a_decline_keeps_everything_but_the_card(world: World, as_: As, htmx: Headers) -> None:
    browser, new_key = as_(world.alice), ""
    for headers in (None, htmx):
        answer = pay(browser, headers=headers, token="declined", key=f"k{bool(headers)}")
        assert answer.status_code == 422
        assert "Nothing has been charged." in answer.text
        assert "The bank said declined." in answer.text
        assert (value_of(answer.text, "token"), value_of(answer.text, "amount")) == ("", "1,000.50")
        new_key = value_of(answer.text, "key")
        assert new_key not in {"", "kTrue", "kFalse"}
        again = pay(browser, headers=headers, token="ok", key=f"k{bool(headers)}")
        assert again.status_code == 422, "the old form's payment is over"
    assert payments.offer(world.alice).available_cents == BALANCE
    assert pay(browser, key=new_key).status_code == 303


@pytest.mark.parametrize(
    ("token", "heading"),
    [
        ("lost", "Confirming your payment"),
        ("garbage", "Confirming your payment"),
        ("pending", "On its way"),
        ("action_required", "One more step"),
        ("less", "The firm is looking at it"),
    ],
)
def test_what_is_not_certain_is_said_and_kept_from_being_paid_again(
    world: World, as_: As, htmx: Headers, token: str, heading: str
) -> None:
    browser = as_(world.alice)
    where = pay(browser, headers=htmx, token=token).headers["HX-Redirect"]
    page = browser.get(where).text
    assert heading in page
    assert "$1,000.50 is being confirmed" in page
    assert "You can pay up to $1,039.50 now" in browser.get("/portal/pay").text
    assert pay(browser, "1,039.51", key="k2").status_code == 422


def test_an_unreachable_gateway_charges_nothing_and_says_so(world: World, as_: As) -> None:
    answer = pay(as_(world.alice), token="unsent")
    assert answer.status_code == 422
    assert gateways.UNREACHABLE in answer.text
    assert payments.offer(world.alice).held_cents == 0


def test_the_same_form_twice_is_one_charge(world: World, as_: As, gateway: FakeGateway, htmx: Headers) -> None:
    browser = as_(world.alice)
    first, second = (pay(browser, "2,040.00", headers=htmx) for _ in range(2))
    assert first.headers["HX-Redirect"] == second.headers["HX-Redirect"], "though nothing is left to pay"
    assert gateway.asked == ["charge"]
    assert "There is nothing to pay right now" in browser.get("/portal/pay").text


def test_eight_presses_at_once_are_one_charge(world: World, as_: As, gateway: FakeGateway) -> None:
    browsers = [as_(world.alice) for _ in range(8)]
    codes: list[int] = []

    def press(browser: FlaskClient) -> None:
        codes.append(pay(browser).status_code)
        db.db.close()

    threads = [threading.Thread(target=press, args=(browser,)) for browser in browsers]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert codes == [303] * 8
    assert (gateway.asked, Payment.select().count()) == (["charge"], 1)


def test_a_payment_that_was_written_but_not_sent_is_sent_by_the_next_press(
    world: World, as_: As, gateway: FakeGateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    browser = as_(world.alice)
    with monkeypatch.context() as patch:
        patch.setattr("portal_app.gateways.charge", lambda payment, _token: payment)
        where = pay(browser, seen="100050").headers["Location"]
    assert "Saved, not sent" in browser.get(where).text
    changed = pay(browser, "500", seen="50000")
    assert changed.status_code == 422
    assert only_payment().state == "not_submitted"
    assert not gateway.asked
    assert pay(browser, "500", seen="50000", key=value_of(changed.text, "key")).status_code == 303
    assert gateway.asked == ["charge"]


def test_without_scripts_the_gateways_own_page_takes_the_card(world: World, as_: As, gateway: FakeGateway) -> None:
    browser = as_(world.alice)
    where = pay(browser, token="").headers["Location"]
    payment = only_payment()
    attempt = gateways.attempt_of(payment)
    page = browser.get(where).text
    assert "Continue to the payment page of Fake" in page
    assert f'href="https://pay.example.com/{attempt.reference}"' in page
    assert browser.post(f"{where}/cancel").headers["Location"] == where
    assert "Nothing has been charged." in browser.get(where).text
    assert (gateway.asked, only_payment().state) == (["cancel"], "canceled")
    assert browser.post(f"{where}/cancel").status_code == 303
    assert gateway.asked == ["cancel"], "twice does nothing more"


def test_coming_back_asks_the_gateway_and_believes_no_address(world: World, as_: As, gateway: FakeGateway) -> None:
    browser = as_(world.alice)
    where = pay(browser, token="lost").headers["Location"]
    assert only_payment().state == "unknown"
    gateway.charges.clear()
    browser.get(f"{where}/return?status=succeeded&amount=1")
    assert only_payment().state == "unknown"
    assert gateway.asked == ["charge", "return"]


def test_the_page_hears_of_the_payment_by_itself(world: World, as_: As, htmx: Headers) -> None:
    browser = as_(world.alice)
    where = pay(browser, token="lost").headers["Location"]
    waiting = browser.get(where).text
    shown = re.search(r'hx-get="([^"]+)" hx-trigger="every 2s"', waiting)
    assert shown
    assert browser.get(shown[1], headers=htmx).status_code == 204, "nothing new"
    browser.get(f"{where}/return")
    piece = browser.get(shown[1], headers=htmx)
    assert "Paid, thank you" in piece.text
    assert '<hx-partial hx-target="#balance-due"' in piece.text
    assert "$1,039.50" in piece.text
    assert piece.text.split("<hx-partial")[0].strip() in browser.get(where).text


def test_it_asks_less_and_less_often(world: World, as_: As) -> None:
    browser = as_(world.alice)
    where = pay(browser, token="lost").headers["Location"]
    changed_at = only_payment().changed_at
    for seconds, words in ((5, "every 2s"), (300, "every 15s"), (3000, "This takes longer than usual")):
        with clock.frozen(changed_at) as advance:
            advance(dt.timedelta(seconds=seconds))
            assert words in browser.get(where).text


def test_a_receipt_is_there_once_it_is_made(world: World, as_: As) -> None:
    browser = as_(world.alice)
    where = pay(browser).headers["Location"]
    assert "The PDF is being prepared" in browser.get(where).text
    assert browser.get(f"{where}/receipt").status_code == 404
    stored = store.put_bytes([b"%PDF-1.7\n"], limit_bytes=100, folder="receipts")
    Payment.update(receipt_key=stored.key).execute()
    assert "Download receipt" in browser.get(where).text
    receipt = browser.get(f"{where}/receipt")
    assert receipt.headers["Content-Type"] == "application/pdf"
    assert f"Receipt {only_payment().receipt_number}.pdf" in receipt.headers["Content-Disposition"]


def test_another_payer_finds_nothing(world: World, as_: As, gateway: FakeGateway) -> None:
    where = pay(as_(world.alice), token="lost").headers["Location"]
    for path in (where, f"{where}/return", f"{where}/receipt"):
        assert as_(world.bob).get(path).status_code == 404
        assert as_(world.carol).get(path).status_code == 404
        assert as_(None).get(path).status_code == 303
    assert as_(world.bob).post(f"{where}/cancel").status_code == 404
    assert as_(world.alice).get(f"{where}/cancel").status_code == 405
    assert gateway.asked == ["charge"]


def test_a_spouse_cannot_pay_what_is_under_way(world: World, as_: As) -> None:
    matters.add_recipient(world.matter, world.bob, by=world.carol, relation="spouse")
    documents.share(world.invoice.document, [world.alice, world.bob], by=world.carol)
    pay(as_(world.alice), "1,240.00", token="lost")
    assert payments.offer(world.bob).only(world.invoice.public_id).available_cents == 0
    assert f"/portal/pay?invoice={world.invoice.public_id}" not in as_(world.bob).get(
        f"/portal/invoices/{world.invoice.public_id}"
    ).text  # fmt: skip


def test_without_a_gateway_it_says_whom_to_call(world: World, as_: As) -> None:
    gateway_setup.disable(world.gateway, by=world.carol)
    assert "Please call (555) 010-0142" in as_(world.alice).get("/portal/pay").text
    assert pay(as_(world.alice)).status_code == 422
    assert not Payment.select().exists()


def test_too_many_tries_are_stopped(world: World, as_: As, gateway: FakeGateway) -> None:
    browser = as_(world.alice)
    codes = [pay(browser, "abc").status_code for _ in range(21)]
    assert codes == [422] * 20 + [429]
    answer = pay(browser)
    assert answer.headers["Retry-After"] == "15"
    assert not gateway.asked
    assert pay(as_(world.bob), "abc").status_code == 422, "others go on"
