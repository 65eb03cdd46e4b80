"""Charges, captures, refunds, voids and credits, as the vendor's own client tests expect them."""

from __future__ import annotations

from typing import Any

import pytest

from portal_emulator import cards, nights
from portal_emulator.testing import BANK, CARD, Api, Time

STATUS = "The operation cannot be completed in the current status"


def test_a_charge_is_authorized_and_says_all_that_is_known(api: Api) -> None:
    charge = api.charge(1312, currency="USD", reference="ref 1312", data={"invoice": "123-ABC"})
    assert charge == {
        "id": charge["id"],
        "created": "2019-06-01T12:00:00.000Z",
        "modified": "2019-06-01T12:00:00.000Z",
        "type": "CHARGE",
        "account_id": api.account()["id"],
        "status": "AUTHORIZED",
        "auto_capture": True,
        "amount": 1312,
        "currency": "USD",
        "reference": "ref 1312",
        "amount_refunded": 0,
        "data": {"invoice": "123-ABC"},
        "cvv_result": "MATCHED",
        "avs_result": "ADDRESS_AND_POSTAL_CODE",
        "authorization_code": charge["authorization_code"],
        "method": {
            "type": "card",
            "number": "************4242",
            "fingerprint": charge["method"]["fingerprint"],
            "card_type": "VISA",
            "exp_month": 10,
            "exp_year": 2020,
            "name": "Some Customer",
            "address1": "123 Main St",
            "postal_code": "78730",
        },
    }
    assert len(charge["id"]) == 22
    assert api.transaction(charge["id"]) == charge | {"refunds": []}


def test_nulls_mean_nothing_and_unknown_fields_are_left_alone(api: Api) -> None:
    nothing = dict.fromkeys(["currency", "account_id", "gratuity", "signature", "reference", "data", "recur"])
    charge = api.charge(345, **nothing, something={"else": 1})
    assert {"gratuity", "signature_id", "reference", "data", "failure_code", "refunds"}.isdisjoint(charge)


@pytest.mark.parametrize("number", [*cards.APPROVED, "4111111111111111"])
def test_approved_cards(api: Api, number: str) -> None:
    charge = api.charge(100, CARD | {"number": number})
    assert charge["method"]["number"] == "*" * (len(number) - 4) + number[-4:]
    assert charge["method"]["card_type"] in cards.CARD_TYPES


@pytest.mark.parametrize(
    ("number", "code", "words"),
    [
        ("4000000000000002", "card_declined", "Card was declined"),
        ("4000000000000044", "card_declined_insufficient_funds", "Card was declined due to insufficient funds"),
        ("4000000000000051", "card_declined_limit_exceeded", "Card was declined due to limits exceeded"),
        ("4000000000000069", "card_expired", "Card is expired"),
        ("4000000000000119", "card_declined_processing_error", "Card was declined due to a processing error"),
        ("4000000000000127", "card_declined_hold", "Card was declined"),
        ("4000000000000135", "card_type_not_accepted", "Card type is not accepted"),
        ("4242424242424241", "card_number_invalid", "Card number is invalid"),
    ],
)
def test_failing_cards_answer_without_an_id_and_name_the_failed_transaction(
    api: Api, number: str, code: str, words: str
) -> None:
    message = api.no_charge(34, CARD | {"number": number}, reference="attempt 7")
    assert (message["code"], message["message"]) == (code, words)
    assert "context" not in message
    failed = api.transaction(message["entity_id"])
    assert (failed["status"], failed["failure_code"], failed["reference"]) == ("FAILED", code, "attempt 7")
    assert api.get("transactions")["results"][0]["id"] == message["entity_id"]


def test_echecks_are_authorized_on_the_echeck_account(api: Api) -> None:
    charge = api.charge(176, BANK, account_id=api.account(ach=True)["id"])
    assert charge["method"] == {
        "type": "bank",
        "routing_number": "******013",
        "account_number": "******7890",
        "account_type": "CHECKING",
        "bank_name": "FIRST BANK OF TESTING",
        "fingerprint": charge["method"]["fingerprint"],
        "name": "Some Customer",
    }
    assert (charge["status"], charge["auto_capture"]) == ("AUTHORIZED", True)
    assert "cvv_result" not in charge
    voided = api.ok("POST", f"transactions/{charge['id']}/void")
    assert voided["status"] == "VOIDED"


@pytest.mark.parametrize(
    ("details", "code", "words"),
    [
        ({"account_number": "1000000001"}, "ach_declined", "Transaction was declined"),
        ({"account_number": "1000000002"}, "ach_declined_hold", "Transaction was declined"),
        ({"account_number": "1000000003"}, "ach_declined_duplicate", "Transaction was declined as a duplicate"),
        ({"account_number": "1000000004"}, "ach_invalid_account_number", "Account number is invalid"),
        (
            {"account_number": "1000000005"},
            "ach_insufficient_funds",
            "Transaction was declined due to insufficient funds",
        ),
        ({"account_number": "1000000006"}, "ach_account_not_found", "Account was not found"),
        ({"account_number": "1000000007"}, "ach_account_closed", "Account is closed"),
        ({"account_number": "1000000008"}, "ach_account_frozen", "Account is frozen"),
        ({"account_number": "1000000009"}, "ach_limit_exceeded", "Transaction was declined due to limits exceeded"),
        ({"routing_number": "000000001"}, "ach_invalid_routing_number", "Routing number is invalid"),
    ],
)
def test_failing_echecks(api: Api, details: dict[str, str], code: str, words: str) -> None:
    message = api.no_charge(176, BANK | details)
    assert (message["code"], message["message"]) == (code, words)
    assert api.transaction(message["entity_id"])["failure_code"] == code


def test_one_echeck_account_breaks_the_processor(api: Api) -> None:
    message = api.no_charge(176, BANK | {"account_number": "1000000010"}, status=500)
    assert message["code"] == "ach_processing_error"
    assert api.transaction(message["entity_id"])["status"] == "FAILED"


def test_a_real_routing_number_passes_and_an_echeck_cannot_be_held(api: Api) -> None:
    assert api.charge(426, BANK | {"routing_number": "111000025"})["status"] == "AUTHORIZED"
    assert api.charge(426, BANK | {"routing_number": "000000000"})["status"] == "AUTHORIZED"
    message = api.no_charge(426, BANK, auto_capture=False)
    assert (message["code"], message["context"]) == ("invalid_data", "auto_capture")


# -- Amounts -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("amount", "sub_code", "words"),
    [
        (0, "below_minimum_value", "Amount is less than the minimum value"),
        (-1, "below_minimum_value", "Amount is less than the minimum value"),
        (10**14, "exceeds_maximum_value", "Amount exceeds the maximum value"),
        (None, "not_null", "Amount cannot be blank"),
        (True, "invalid", "Amount is invalid"),
        ("12.50", "invalid", "Amount is invalid"),
        ([], "invalid", "Amount is invalid"),
    ],
)
def test_amounts_that_are_none(api: Api, amount: Any, sub_code: str, words: str) -> None:
    message = api.no_charge(amount)
    assert message == {
        "context": "amount",
        "code": "invalid_data",
        "sub_code": sub_code,
        "level": "error",
        "message": words,
        "facility": "gateway",
    }
    assert api.get("transactions")["total_entries"] == 0


def test_an_amount_with_a_point_is_none(api: Api) -> None:
    response = api.call("POST", "charges", data='{"amount": 10.5, "method": {}}')
    assert response.get_json()["messages"][0]["sub_code"] == "invalid"


def test_the_digits_of_an_amount_are_one_as_in_the_vendors_examples(api: Api) -> None:
    assert api.ok("POST", "charges", {"amount": "50000", "method": CARD})["amount"] == 50000
    assert api.charge(10**14 - 1)["amount"] == 10**14 - 1


def test_other_currencies_are_not_supported(api: Api) -> None:
    assert api.no_charge(currency="GBP")["code"] == "unsupported_currency"
    assert api.no_charge(reference="x" * 129)["context"] == "reference"


# -- Capture -----------------------------------------------------------------------------------


def test_a_hold_is_captured_in_full_or_in_part(api: Api) -> None:
    hold = api.hold(100, reference="auth ref 100")
    assert (hold["status"], hold["auto_capture"]) == ("AUTHORIZED", False)
    captured = api.ok("POST", f"charges/{hold['id']}/capture", {"amount": 96, "reference": "cap ref"})
    assert (captured["status"], captured["amount"]) == ("COMPLETED", 96)
    assert (captured["reference"], captured["capture_reference"]) == ("auth ref 100", "cap ref")
    again = api.refused("POST", f"charges/{hold['id']}/capture", {"amount": 96})
    assert (again["code"], again["message"]) == ("not_valid_for_transaction_status", STATUS)
    assert api.ok("POST", f"charges/{api.charge(910)['id']}/capture")["amount"] == 910


def test_what_a_capture_refuses(api: Api) -> None:
    path = f"charges/{api.hold(100)['id']}/capture"
    more = api.refused("POST", path, {"amount": 101, "currency": "USD"})
    assert more["message"] == "Amount to capture exceeds the authorized amount"
    other = api.refused("POST", path, {"amount": 90, "currency": "GBP"})
    assert other["message"] == "Specified currency does not match the transaction's currency"
    assert api.refused("POST", path, {"amount": 90, "capture_time": "SOON"})["context"] == "capture_time"
    assert api.refused("POST", "charges/nothing/capture", {}, status=404)["context"] == "Charge[nothing]"


def test_a_hold_left_to_the_next_capture_leaves_the_holds(api: Api) -> None:
    first, second = api.hold(50), api.hold(2000)
    holds = api.get("charges/holds")
    assert [h["id"] for h in holds["results"]] == [second["id"], first["id"]]
    later = api.ok("POST", f"charges/{second['id']}/capture", {"amount": 2000, "capture_time": "NEXT_AUTO_CAPTURE"})
    assert (later["status"], later["auto_capture"]) == ("AUTHORIZED", True)
    assert [h["id"] for h in api.get("charges/holds")["results"]] == [first["id"]]
    assert api.events()[-1] == "transaction.updated"


# -- Void --------------------------------------------------------------------------------------


def test_voids_once_with_a_reference(api: Api) -> None:
    hold = api.hold()
    voided = api.ok("POST", f"transactions/{hold['id']}/void", {"reference": "cancel ref"})
    assert (voided["status"], voided["void_reference"]) == ("VOIDED", "cancel ref")
    assert api.refused("POST", f"transactions/{hold['id']}/void", {"reference": None})["message"] == STATUS
    captured = api.ok("POST", f"charges/{api.hold()['id']}/capture")
    assert api.refused("POST", f"transactions/{captured['id']}/void")["message"] == STATUS


def test_a_charge_is_not_voided_while_a_refund_stands(api: Api) -> None:
    charge = api.charge(100)
    refund = api.refund(charge, 5)
    assert api.refused("POST", f"transactions/{charge['id']}/void")["message"] == STATUS
    voided = api.ok("POST", f"transactions/{refund['id']}/void", {"reference": "sorry"})
    assert (voided["status"], voided["void_reference"]) == ("VOIDED", "sorry")
    assert api.transaction(charge["id"])["amount_refunded"] == 0
    assert api.ok("POST", f"transactions/{charge['id']}/void")["status"] == "VOIDED"


# -- Refund ------------------------------------------------------------------------------------


def test_refunds_take_the_state_of_their_charge(api: Api) -> None:
    charge = api.charge(100)
    refund = api.refund(charge, 100, reference="refund ref", data={"why": "asked"})
    assert (refund["type"], refund["status"], refund["auto_capture"]) == ("REFUND", "AUTHORIZED", True)
    assert (refund["charge_id"], refund["reference"], refund["data"]) == (charge["id"], "refund ref", {"why": "asked"})
    assert refund["method"]["number"] == "************4242"
    captured = api.ok("POST", f"charges/{api.hold(100)['id']}/capture", {"amount": 100})
    assert api.refund(captured, 100)["status"] == "COMPLETED"
    assert api.refund(api.charge(426, BANK), 25)["status"] == "PENDING"


def test_several_refunds_up_to_the_total_and_the_single_call_shows_them(api: Api) -> None:
    charge = api.charge(100)
    first, second = api.refund(charge, 50), api.refund(charge, 40)
    whole = api.transaction(charge["id"])
    assert whole["amount_refunded"] == 90
    assert [r["id"] for r in whole["refunds"]] == [first["id"], second["id"]]
    listed = next(t for t in api.get("transactions")["results"] if t["id"] == charge["id"])
    assert "refunds" not in listed
    over = api.refused("POST", f"charges/{charge['id']}/refund", {"amount": 11})
    assert over["code"] == "refund_exceeds_transaction"
    assert over["message"] == "Amount of refund exceeds remaining transaction balance"


def test_what_a_refund_refuses(api: Api) -> None:
    hold = api.hold(100)
    assert api.refused("POST", f"charges/{hold['id']}/refund", {"amount": 100})["message"] == STATUS
    charge = api.charge(100)
    path = f"charges/{charge['id']}/refund"
    assert api.refused("POST", path, {"amount": 90, "currency": "GBP"})["code"] == "currency_mismatch"
    assert api.refused("POST", path, {})["context"] == "amount"
    refund = api.refund(charge, 1)
    assert api.refused("POST", f"charges/{refund['id']}/refund", {"amount": 1}, status=404)["code"].endswith("found")


# -- Credits -----------------------------------------------------------------------------------


@pytest.mark.parametrize("method", [CARD, BANK])
def test_credits_are_money_out_without_a_charge(api: Api, method: dict[str, Any]) -> None:
    credit = api.ok("POST", "credits", {"amount": 112, "method": method, "reference": "Test Xfer"})
    assert (credit["type"], credit["status"], credit["amount"]) == ("CREDIT", "AUTHORIZED", 112)
    assert credit["reference"] == "Test Xfer"
    voided = api.ok("POST", f"transactions/{credit['id']}/void", {"reference": "Canceled"})
    assert (voided["status"], voided["void_reference"]) == ("VOIDED", "Canceled")


def test_a_credit_can_be_declined_and_is_paid_at_night(api: Api, time: Time) -> None:
    declined = CARD | {"number": "4000000000000002"}
    assert "entity_id" in api.refused("POST", "credits", {"amount": 5, "method": declined})
    assert api.refused("POST", "credits", {"amount": 5, "method": CARD, "currency": "EUR"})["code"].endswith("currency")
    credit = api.ok("POST", "credits", {"amount": 112, "method": CARD})
    time.pass_(days=1)
    nights.catch_up(api.world)
    assert api.transaction(credit["id"])["status"] == "COMPLETED"
