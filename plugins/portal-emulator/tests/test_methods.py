"""Tokens, saved cards and banks, and what is wrong with payment details, field by field."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

import pytest

from portal_emulator.testing import BANK, CARD, Api, Json

LONG = "x" * 65
STREET = "1503908349058459834 Reallylongnameofastreetintheunitedstatesofamericathatiwouldntwanttoliveon"

# What is changed in the details, the field, the sub-code, the words: refused in a charge and when a card is saved.
FLAWS = [
    ({"number": ""}, "number", "not_blank", "Card number cannot be blank"),
    ({"number": None}, "number", "not_blank", "Card number cannot be blank"),
    ({"number": "41111"}, "number", "invalid_length", "Card number length is invalid"),
    ({"number": "411111111111111111112"}, "number", "invalid_length", "Card number length is invalid"),
    ({"number": "42424242424242xx"}, "number", "invalid", "Card number is invalid"),
    ({"exp_month": ""}, "exp_month", "not_blank", "Expiration month cannot be blank"),
    ({"exp_month": 0}, "exp_month", "below_minimum_value", "Expiration month is invalid"),
    ({"exp_month": 13}, "exp_month", "exceeds_maximum_value", "Expiration month is invalid"),
    ({"exp_month": "Feb"}, "exp_month", "invalid", "Expiration month is invalid"),
    ({"exp_year": ""}, "exp_year", "not_blank", "Expiration year cannot be blank"),
    ({"exp_year": "201B"}, "exp_year", "invalid", "Expiration year is invalid"),
    ({"exp_year": 10001}, "exp_year", "exceeds_maximum_value", "Expiration year is invalid"),
    ({"cvv": "12"}, "cvv", "invalid_length", "Card code length is invalid"),
    ({"cvv": "12345"}, "cvv", "invalid_length", "Card code length is invalid"),
    ({"cvv": "54!"}, "cvv", "invalid", "Card code is invalid"),
    ({"name": LONG}, "name", "invalid_length", "Name length is invalid"),
    ({"address1": STREET}, "address1", "invalid_length", "Street number length is invalid"),
    ({"address2": LONG}, "address2", "invalid_length", "Address length is invalid"),
    ({"city": LONG}, "city", "invalid_length", "City length is invalid"),
    ({"state": "F", "country": "US"}, "state", "invalid", "State or province is invalid"),
    ({"state": "BIG", "country": "US"}, "state", "invalid", "State or province is invalid"),
    ({"state": "FX", "country": "US"}, "state", "invalid", "State or province is invalid"),
    ({"state": "TX", "country": "CA"}, "state", "invalid", "State or province is invalid"),
    ({"postal_code": "78"}, "postal_code", "invalid", "Postal code is invalid"),
    ({"postal_code": "78726-12345"}, "postal_code", "invalid", "Postal code is invalid"),
    ({"postal_code": "78726+62A"}, "postal_code", "invalid", "Postal code is invalid"),
    ({"country": "U"}, "country", "invalid_length", "Country length is invalid"),
    ({"country": "USA"}, "country", "invalid_length", "Country length is invalid"),
    ({"country": "ZZ"}, "country", "invalid", "Country is invalid"),
    ({"phone": "1" * 23}, "phone", "invalid_length", "Phone length is invalid"),
]


@pytest.mark.parametrize(("change", "field", "sub_code", "words"), FLAWS)
def test_a_flaw_names_its_field(api: Api, change: Json, field: str, sub_code: str, words: str) -> None:
    for message, context in (
        (api.no_charge(34, CARD | change), f"method.{field}"),
        (api.refused("POST", "cards", CARD | change), field),
    ):
        assert (message["code"], message["context"]) == ("invalid_data", context)
        assert (message["sub_code"], message["message"]) == (sub_code, words)
        assert "entity_id" not in message
    assert api.get("transactions")["total_entries"] == 0


@pytest.mark.parametrize(
    ("change", "field", "words"),
    [
        ({"routing_number": ""}, "routing_number", "Routing number cannot be blank"),
        ({"routing_number": "12345678"}, "routing_number", "Routing number length is invalid"),
        ({"account_number": ""}, "account_number", "Account number cannot be blank"),
        ({"account_number": "123"}, "account_number", "Account number length is invalid"),
        ({"account_number": "1" * 18}, "account_number", "Account number length is invalid"),
        ({"account_number": "12345x"}, "account_number", "Account number is invalid"),
        ({"account_type": "GOLD"}, "account_type", "Account type is invalid"),
        ({"account_type": None}, "account_type", "Account type cannot be blank"),
    ],
)
def test_a_flaw_in_a_bank_account(api: Api, change: Json, field: str, words: str) -> None:
    message = api.refused("POST", "banks", BANK | change)
    assert (message["context"], message["message"]) == (field, words)
    assert api.no_charge(34, BANK | change)["context"] == f"method.{field}"


def test_all_flaws_are_told_at_once(api: Api) -> None:
    answer = api.call("POST", "charges", {"amount": 1, "method": {"type": "card", "name": LONG}}).get_json()
    told = [m["context"] for m in answer["messages"]]
    assert told == ["method.number", "method.exp_month", "method.exp_year", "method.name"]


def test_an_expired_card_and_a_wrong_checksum_concern_no_field(api: Api) -> None:
    for change, words in (
        ({"exp_year": 2012}, "Card is expired"),
        ({"exp_year": 19, "exp_month": 5}, "Card is expired"),
    ):
        assert api.no_charge(34, CARD | change)["message"] == words
    assert "context" not in api.refused("POST", "cards", CARD | {"number": "4242424242424241"})
    assert api.charge(34, CARD | {"exp_year": 19, "exp_month": 6})["method"]["exp_year"] == 2019


@pytest.mark.parametrize("method", [None, "", {}])
def test_no_method(api: Api, method: Any) -> None:
    answer = api.refused("POST", "charges", {"amount": 1, "method": method})
    assert (answer["code"], answer["message"]) == ("no_payment_method", "No payment method was specified")


def test_a_method_that_is_nothing(api: Api) -> None:
    assert api.refused("POST", "charges", {"amount": 1, "method": 5})["context"] == "method"
    missing = api.refused("POST", "charges", {"amount": 1, "method": "nosuchtoken"}, status=404)
    assert (missing["code"], missing["context"]) == ("resource_not_found", "PaymentMethod[nosuchtoken]")
    assert missing["message"] == "Requested resource not found"


# -- One-time tokens ---------------------------------------------------------------------------


def token(api: Api, details: Json) -> Json:
    return api.ok("POST", "tokens", details)


def test_a_token_masks_what_it_keeps(api: Api) -> None:
    made = token(api, CARD | {"description": "Some desc", "form_data": {"extra": [1, 2]}})
    assert (made["type"], made["number"], made["cvv"]) == ("card", "************4242", "***")
    assert (made["card_type"], made["exp_month"], made["exp_year"]) == ("VISA", 10, 2020)
    assert (made["description"], made["form_data"]) == ("Some desc", {"extra": [1, 2]})
    assert api.get(f"tokens/{made['id']}") == made
    assert api.refused("GET", "tokens/nothing", status=404)["context"] == "Token[nothing]"


def test_a_token_is_used_once(api: Api) -> None:
    made = token(api, CARD)
    charge = api.charge(102, made["id"])
    assert (charge["cvv_result"], charge["method"]["name"]) == ("MATCHED", "Some Customer")
    assert api.refused("POST", "charges", {"amount": 91, "method": made["id"]}, status=404)["code"].endswith("found")
    declined = token(api, CARD | {"number": "4000000000000002"})
    assert api.no_charge(5, declined["id"])["code"] == "card_declined"
    assert api.no_charge(5, declined["id"], status=404)["code"] == "resource_not_found"


def test_a_token_that_could_not_be_tried_can_be_used_again(api: Api) -> None:
    made = token(api, CARD)
    assert api.no_charge(0, made["id"])["context"] == "amount"
    assert api.charge(1, made["id"])["status"] == "AUTHORIZED"


@pytest.mark.parametrize(
    ("change", "field", "words"),
    [
        ({"number": ""}, "method.number", "Card number cannot be blank"),
        ({"number": "41111"}, "method.number", "Card number length is invalid"),
        ({"number": "411111111111111111112"}, None, "Card number is invalid"),
        ({"number": "4242424242424241"}, None, "Card number is invalid"),
        ({"exp_month": 0}, "method.exp_month", "Expiration month is invalid"),
        ({"exp_month": 13}, "method.exp_month", "Expiration month is invalid"),
        ({"exp_year": 2012}, None, "Card is expired"),
        ({"exp_month": "Feb"}, "method.exp_month", "Expiration month cannot be blank"),
        ({"exp_year": "201B"}, "method.exp_year", "Expiration year cannot be blank"),
        ({"exp_year": 10001}, "method.exp_year", "Expiration year is invalid"),
        ({"cvv": "12"}, "method.cvv", "Card code length is invalid"),
        ({"cvv": "54!"}, "method.cvv", "Card code is invalid"),
        ({"state": "TX", "country": "CA"}, "method.state", "State or province is invalid"),
    ],
)
def test_a_token_is_not_validated_when_made_but_when_used(
    api: Api, change: Json, field: str | None, words: str
) -> None:
    message = api.no_charge(100, token(api, CARD | change)["id"])
    assert (message.get("context"), message["message"]) == (field, words)


@pytest.mark.parametrize(
    ("field", "given", "kept"),
    [
        ("name", "n" * 80, "n" * 64),
        ("address1", STREET, "1503908349058459834 Reallylongnameofastreetintheunitedstatesofam"),
        ("address2", "a" * 65, "a" * 64),
        ("city", "c" * 80, "c" * 64),
        ("postal_code", "78726-12345", "78726-1234"),
        ("postal_code", "78_726+62A", "7872662A"),
        ("country", "U", None),
        ("country", "USA", None),
        ("country", "ZZ", None),
    ],
)
def test_a_token_cuts_and_drops_in_silence(api: Api, field: str, given: str, kept: str | None) -> None:
    made = token(api, CARD | {field: given})
    assert made.get(field) == kept
    method = api.charge(100, made["id"])["method"]
    assert method.get(field) == kept
    assert (field in method) == (kept is not None)


def test_a_long_code_is_cut_to_four(api: Api) -> None:
    made = token(api, CARD | {"cvv": "12345"})
    assert made["cvv"] == "****"
    assert api.charge(1, made["id"])["cvv_result"] == "MATCHED"


def test_a_token_from_a_form_keeps_what_it_does_not_know(api: Api) -> None:
    form = {"type": "card", "number": "4242424242424242", "exp_month": "10", "exp_year": "2020", "extra": ["a", "b"]}
    answer = api.call("POST", "tokens", data=form, content_type="application/x-www-form-urlencoded").get_json()
    assert answer["form_data"] == {"extra": ["a", "b"]}
    assert answer["exp_month"] == 10
    bank = urlencode(BANK | {"account_number": "10333257392394"})
    answer = api.call("POST", "tokens", data=bank, content_type="application/x-www-form-urlencoded").get_json()
    assert (answer["account_number"], answer["routing_number"]) == ("**********2394", "******013")


def test_a_form_may_be_sent_on_with_the_public_key_in_it(api: Api) -> None:
    form = BANK | {"public_key": api.world.public_key, "redirect_url": "https://merchant.example/pay?order=1"}
    answer = api.app.test_client().post("/v1/tokens", data=form)
    assert answer.status_code == 303
    assert answer.location.startswith("https://merchant.example/pay?order=1&token_id=")
    assert api.charge(5, answer.location.rpartition("=")[2])["status"] == "AUTHORIZED"
    wrong = api.app.test_client().post("/v1/tokens", data=form | {"public_key": "m_wrong"})
    assert wrong.status_code == 401


def test_a_token_for_a_saved_card_takes_its_details(api: Api) -> None:
    saved = api.ok("POST", "cards", CARD)
    made = token(api, {"token_id": saved["id"], "address1": "5 New St"})
    assert (made["number"], made["address1"], made["name"]) == ("************4242", "5 New St", "Some Customer")


def test_pages_of_the_merchant_may_make_tokens_by_script(api: Api) -> None:
    answer = api.app.test_client().options("/v1/tokens")
    assert (answer.status_code, answer.headers["Access-Control-Allow-Origin"]) == (200, "*")
    assert "Access-Control-Allow-Origin" not in api.call("GET", "merchant").headers


# -- Saved cards and banks ---------------------------------------------------------------------


def test_a_card_is_saved_used_often_and_deleted(api: Api) -> None:
    card = api.ok("POST", "cards", {k: v for k, v in CARD.items() if k != "type"} | {"description": "My card desc"})
    assert (card["card_type"], card["description"]) == ("VISA", "My card desc")
    assert "cvv" not in card
    assert api.get(f"cards/{card['id']}") == card
    assert api.charge(1, card["id"])["id"] != api.charge(2, card["id"])["id"]
    deleted = api.ok("DELETE", f"cards/{card['id']}")
    assert (deleted["id"], deleted["number"]) == (card["id"], "************4242")
    assert api.no_charge(3, card["id"], status=404)["code"] == "resource_not_found"
    assert api.refused("DELETE", f"cards/{card['id']}", status=404)["context"] == f"Card[{card['id']}]"


def test_a_bank_is_saved_used_often_and_deleted(api: Api) -> None:
    bank = api.ok("POST", "banks", BANK)
    assert bank["bank_name"] == "FIRST BANK OF TESTING"
    assert api.charge(234, bank["id"])["method"]["account_number"] == "******7890"
    assert api.charge(201, bank["id"])["amount"] == 201
    assert api.ok("DELETE", f"banks/{bank['id']}")["id"] == bank["id"]
    assert api.no_charge(91, bank["id"], status=404)["code"] == "resource_not_found"
    assert api.refused("GET", f"banks/{bank['id']}", status=404)["code"] == "resource_not_found"


@pytest.mark.parametrize(("kind", "details"), [("cards", CARD), ("banks", BANK)])
def test_a_method_saved_from_a_token_is_as_the_token(api: Api, kind: str, details: Json) -> None:
    made = token(api, details | {"description": "Some desc", "reference": "Customer123"})
    saved = api.ok("POST", kind, {"token_id": made["id"]})
    new = {"id", "created", "modified", "cvv"}
    assert {k: v for k, v in saved.items() if k not in new} == {k: v for k, v in made.items() if k not in new}
    assert api.refused("POST", kind, {"token_id": made["id"]}, status=404)["code"] == "resource_not_found"
    other = "banks" if kind == "cards" else "cards"
    again = token(api, details)
    assert api.refused("POST", other, {"token_id": again["id"]})["code"] == "incorrect_payment_type"


def test_saved_methods_are_listed_by_reference_and_expiration(api: Api) -> None:
    first = api.ok("POST", "cards", CARD | {"reference": "Customer123"})
    second = api.ok("POST", "cards", CARD | {"exp_year": 2022})
    assert [c["id"] for c in api.get("cards")["results"]] == [second["id"], first["id"]]
    assert [c["id"] for c in api.get("cards", reference="Customer123")["results"]] == [first["id"]]
    assert [c["id"] for c in api.get("cards", exp_month=10, exp_year=2022)["results"]] == [second["id"]]
    assert api.get("banks") == {"page": 1, "page_size": 20, "total_entries": 0, "results": []}


def test_the_same_card_has_the_same_fingerprint(api: Api) -> None:
    marks = {api.charge(1)["method"]["fingerprint"], api.ok("POST", "cards", CARD)["fingerprint"]}
    assert len(marks) == 1
    assert api.charge(1, CARD | {"number": "4111111111111111"})["method"]["fingerprint"] not in marks
