"""The payment page behind a link: what it shows, what it takes, what it says when it does not."""

from __future__ import annotations

import pytest
from flask.testing import FlaskClient

from portal_emulator.money import cents, dollars
from portal_emulator.testing import Api, Json

LINK = "/pages/firm/trust?amount=125000&reference=INV-7&email=a%40b.example&readOnlyFields=reference,amount"
CARD = {
    "name": "Ann Client",
    "number": "4242 4242 4242 4242",
    "exp_month": "10",
    "exp_year": "2020",
    "cvv": "123",
    "address1": "123 Main St",
    "postal_code": "78730",
    "email": "ann@client.example",
}
BANK = {
    "name": "Ann Client",
    "routing_number": "000000013",
    "account_number": "1234567890",
    "account_type": "SAVINGS",
    "email": "",
}


@pytest.fixture
def client(api: Api) -> FlaskClient:
    return api.app.test_client()


def last(api: Api) -> Json:
    found: Json = api.get("transactions")["results"][0]
    return found


def test_the_link_fills_the_page_in(client: FlaskClient) -> None:
    page = client.get(LINK)
    assert "Into the trust account" in page.text
    for text in ("$1,250.00", "INV-7", 'value="a@b.example"', "Pay $1,250.00"):
        assert text in page.text
    assert 'name="amount"' not in page.text
    assert "method=bank" in page.text
    assert "<script" not in page.text
    assert "frame-ancestors 'none'" in page.headers["Content-Security-Policy"]
    assert client.get("/pages/firm/elsewhere").status_code == 404
    assert client.get("/pages/firm/operating?amount=lots").status_code == 200


def test_a_card_pays_into_the_account_of_the_link(api: Api, client: FlaskClient) -> None:
    answer = client.post(LINK, data=CARD | {"amount": "0.01", "reference": "mine"})
    assert answer.status_code == 303
    charge = last(api)
    assert (charge["amount"], charge["reference"], charge["status"]) == (125000, "INV-7", "AUTHORIZED")
    assert charge["account_id"] == api.account(trust=True)["id"]
    assert charge["method"]["email"] == "ann@client.example"
    receipt = client.get(answer.location)
    assert "$1,250.00" in receipt.text
    assert charge["id"] in receipt.text
    assert client.get("/pages/firm/trust/receipt/none").status_code == 404


def test_an_echeck_pays_into_the_twin_account(api: Api, client: FlaskClient) -> None:
    page = client.get("/pages/firm/operating?amount=500&method=bank")
    assert "Routing number" in page.text
    assert 'value="$5.00"' in page.text
    answer = client.post("/pages/firm/operating?method=bank", data=BANK | {"amount": "12.50", "reference": "R1"})
    assert answer.status_code == 303
    assert (last(api)["amount"], last(api)["reference"]) == (1250, "R1")
    assert last(api)["account_id"] == api.account(ach=True)["id"]
    assert last(api)["method"]["account_type"] == "SAVINGS"


def test_it_leads_back_where_the_link_says(client: FlaskClient) -> None:
    page = f"{LINK}&return_url=http%3A%2F%2Fportal.test%3A8000%2Fback%3Fx%3D1"
    answer = client.post(page, data=CARD)
    assert (answer.status_code, answer.location) == (303, "http://portal.test:8000/back?x=1")
    assert "form-action 'self' http://portal.test:8000" in client.get(page).headers["Content-Security-Policy"]
    assert client.post(f"{LINK}&return_url=javascript:alert(1)", data=CARD).location.startswith("/pages/")


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"number": "4000000000000002"}, "Card was declined."),
        ({"number": "4111"}, "Card number length is invalid."),
        ({"exp_year": ""}, "Expiration year cannot be blank."),
        ({"amount": "much"}, "Type the amount to pay, such as 125.00."),
        ({"amount": "0"}, "Type the amount to pay, such as 125.00."),
        ({"name": " "}, "Type the name on the card."),
    ],
)
def test_what_is_wrong_is_said_and_the_rest_is_kept(api: Api, client: FlaskClient, change: Json, words: str) -> None:
    answer = client.post("/pages/firm/operating", data=CARD | {"amount": "12.50"} | change)
    assert answer.status_code == 422
    assert words in answer.text
    assert "Nothing was paid." in answer.text
    assert 'value="123 Main St"' in answer.text
    for secret in ("4242 4242", "4000000000000002", 'value="123"'):
        assert f'value="{secret}' not in answer.text
    assert all(t["status"] == "FAILED" for t in api.get("transactions")["results"])


def test_every_flaw_is_marked_at_once(client: FlaskClient) -> None:
    answer = client.post("/pages/firm/operating", data={})
    assert answer.text.count("aria-invalid") == 5


def test_money_is_written_and_read_in_whole_cents() -> None:
    written = {1: "$0.01", 125000: "$1,250.00", 10**14 - 1: "$999,999,999,999.99", -5: "−$0.05"}
    for amount, text in written.items():
        assert dollars(amount) == text
        if amount > 0:
            assert cents(text) == amount
    assert [cents(t) for t in ("12", "12.5", " $ 1,234.50 ", "", "0", "-5", "1.234", "1e3", "٣")] == [
        1200,
        1250,
        123450,
        *[None] * 6,
    ]
