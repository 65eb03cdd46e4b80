"""Every state, code and shape of error that LawPay may answer with, written down, and what the plugin makes of it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from portal_app.plugin_api import LookupQuery, Method, OutcomeKind, Subject
from portal_lawpay import gateway, words

S, P, D, R, U = (
    OutcomeKind.SUCCEEDED, OutcomeKind.PENDING, OutcomeKind.DECLINED, OutcomeKind.RETURNED, OutcomeKind.UNKNOWN,
)  # fmt: skip
MADE = "2027-01-15T15:00:00.000Z"
NIGHT = "2027-01-16T06:00:00.000Z"


@pytest.fixture
def desk(still_desk: Any) -> Any:
    return still_desk


def transaction(**changes: Any) -> dict[str, Any]:
    made = {
        "id": "tx1", "type": "CHARGE", "status": "AUTHORIZED", "auto_capture": True, "amount": 204_000,
        "currency": "USD", "account_id": "c", "reference": "attempt-1", "created": MADE, "modified": MADE,
        "amount_refunded": 0, "authorization_code": "ABCDEF",
        "method": {"type": "card", "card_type": "MASTERCARD", "number": "************4444"},
    }  # fmt: skip
    return {name: value for name, value in (made | changes).items() if value is not ...}


BANK = {"type": "bank", "account_number": "******7890", "routing_number": "******013"}


def charged(desk: Any, canned: Any, answer: Any, **others: Any) -> Any:
    told = {"merchant_accounts": [account("c")], "ach_accounts": [account("b")]}
    ctx = canned({"GET merchant": [(200, told)], "POST charges": [answer], **others})
    return gateway.gateway_charge(ctx, desk.order(token="t", merchant_account="c+b"))


def account(id: str) -> dict[str, Any]:
    return {"id": id, "name": id, "currency": "USD", "trust_account": False}


CHARGES = [
    ("card", "AUTHORIZED", S), ("card", "COMPLETED", S), ("card", "PENDING", P), ("card", "VOIDED", R),
    ("bank", "AUTHORIZED", P), ("bank", "PENDING", P), ("bank", "COMPLETED", S), ("bank", "VOIDED", R),
    ("card", "RETURNED", U), ("card", "authorized", U), ("card", "", U), ("bank", "SETTLED", U),
    ("wallet", "COMPLETED", U), ("", "AUTHORIZED", U),
]  # fmt: skip


@pytest.mark.parametrize(("type", "status", "kind"), CHARGES)
def test_every_state_of_a_charge(desk: Any, canned: Any, type: str, status: str, kind: OutcomeKind) -> None:
    method = BANK if type == "bank" else {"type": type, "number": "************4444"}
    told = transaction(status=status, method=method)
    assert charged(desk, canned, (201, told)).kind is kind
    ctx = canned({"GET transactions/tx1": [(200, told)]})
    found = gateway.gateway_lookup(
        ctx, LookupQuery(reference="attempt-1", merchant_account="c+b", gateway_reference="tx1")
    )
    assert found.kind is kind
    assert found.merchant_account == "c+b"


@pytest.mark.parametrize(
    ("changes", "kind"),
    [
        ({"authorization_code": ..., "failure_code": "card_declined"}, D),
        ({"authorization_code": ..., "failure_code": "of_a_kind_not_known"}, D),
        ({"authorization_code": ..., "modified": "2027-01-15T15:00:05.000Z"}, D),
        ({"authorization_code": ..., "modified": NIGHT}, R),
        ({"failure_code": "ach_insufficient_funds", "method": BANK}, R),
        ({"authorization_code": ..., "modified": "no moment"}, D),
    ],
)
def test_a_failure_at_once_is_a_decline_and_a_later_one_a_return(
    desk: Any, canned: Any, changes: Any, kind: OutcomeKind
) -> None:
    outcome = charged(desk, canned, (200, transaction(status="FAILED", **changes)))
    assert outcome.kind is kind
    assert outcome.message


def test_a_hold_is_no_money(desk: Any, canned: Any) -> None:
    assert charged(desk, canned, (201, transaction(auto_capture=False))).kind is U
    assert charged(desk, canned, (201, transaction(auto_capture=...))).kind is U
    assert charged(desk, canned, (201, transaction(auto_capture=False, status="COMPLETED"))).kind is S


@pytest.mark.parametrize(
    "changes",
    [
        {"amount": "204000"}, {"amount": 204_000.0}, {"amount": True}, {"amount": ...}, {"amount": -1}, {"amount": 0},
        {"currency": ...}, {"currency": 840}, {"account_id": ...}, {"type": "REFUND"}, {"type": "CREDIT"},
        {"method": None}, {"method": "card"}, {"status": None},
    ],
)  # fmt: skip
def test_a_success_that_does_not_say_what_was_taken_is_unknown(desk: Any, canned: Any, changes: Any) -> None:
    outcome = charged(desk, canned, (201, transaction(**changes)))
    assert outcome.kind is U
    assert outcome.gateway_reference == "tx1"


def test_what_was_really_taken_is_told(desk: Any, canned: Any) -> None:
    outcome = charged(desk, canned, (201, transaction(amount=100, currency="CAD", account_id="elsewhere")))
    assert (outcome.kind, outcome.amount_minor, outcome.currency) == (S, 100, "CAD")
    assert outcome.merchant_account == "elsewhere"


def error(*codes: str, **parts: Any) -> dict[str, Any]:
    return {"messages": [{"level": "error", "code": code, "message": "in their words", **parts} for code in codes]}


@pytest.mark.parametrize("code", sorted(words.DECLINES | words.REFUSALS))
@pytest.mark.parametrize("status", [400, 402, 422, 200])
def test_every_listed_code_is_a_no_in_our_words_whatever_the_status(
    desk: Any, canned: Any, code: str, status: int
) -> None:
    outcome = charged(desk, canned, (status, error(code)))
    assert (outcome.kind, outcome.code) == (D, code)
    assert outcome.message
    assert "in their words" not in str(outcome)


@pytest.mark.parametrize(
    "answer",
    [
        (422, error("of_a_kind_not_known")), (422, error("card_declined", "of_a_kind_not_known")), (402, error("")),
        (422, {"messages": []}), (422, {"messages": "no"}), (422, {"messages": ["card_declined"]}),
        (422, {"message": "card_declined", "error": {"code": "card_declined"}}), (422, {}), (400, b"<html>"),
        (401, error("not_authorized")), (401, error("card_declined")), (403, error("card_declined")), (408, {}),
        (409, error("card_declined")), (429, b"slow down"), (302, error("card_declined")),
        (500, error("application_error")), (500, error("card_declined")), (503, b""), (504, error("timeout")),
        (422, error("server_error")), (422, error("timeout")), (200, {}), (201, {"id": ""}), (201, {"id": 7}),
        (200, []), (200, b"\xff\x00"), (200, b"[" * 100_000), (204, b""),
    ],
)  # fmt: skip
def test_anything_else_is_unknown(desk: Any, canned: Any, answer: Any) -> None:
    outcome = charged(desk, canned, answer)
    assert outcome.kind is U
    assert outcome.code


def test_a_new_reason_of_a_declined_card_is_a_decline(desk: Any, canned: Any) -> None:
    outcome = charged(desk, canned, (422, error("card_declined_by_the_weather")))
    assert (outcome.kind, outcome.message) == (D, words.DECLINED)


@pytest.mark.parametrize(
    ("context", "said"),
    [
        ("method.number", "the card number"),
        ("amount", "the amount"),
        ("method.secret", "what was typed"),
        ("", "what was typed"),
    ],
)
def test_invalid_data_names_the_field(desk: Any, canned: Any, context: str, said: str) -> None:
    outcome = charged(desk, canned, (422, error("invalid_data", sub_code="not_blank", context=context)))
    assert said in outcome.message


def test_a_failed_charge_has_its_id_in_the_message(desk: Any, canned: Any) -> None:
    outcome = charged(desk, canned, (422, error("card_declined", entity_id="tx9")))
    assert (outcome.kind, outcome.gateway_reference) == (D, "tx9")


@pytest.mark.parametrize(
    ("read", "kind"),
    [
        ((200, transaction(id="tx9", status="FAILED", authorization_code=...)), D),
        ((200, transaction(id="tx9")), S),
        ((200, transaction(id="another")), U),
        ((404, error("resource_not_found")), U),
        ((500, {}), U),
        (TimeoutError(), U),
    ],
)
def test_a_code_not_known_is_cleared_up_by_reading_the_transaction(
    desk: Any, canned: Any, read: Any, kind: OutcomeKind
) -> None:
    answer = (500, error("ach_processing_error", entity_id="tx9"))
    outcome = charged(desk, canned, answer, **{"GET transactions/tx9": [read]})
    assert (outcome.kind, outcome.gateway_reference) == (kind, "tx9")


def test_what_the_wire_raises_at_the_charge_goes_to_the_portal(desk: Any, canned: Any) -> None:
    with pytest.raises(TimeoutError):
        charged(desk, canned, TimeoutError())


@pytest.mark.parametrize(
    ("method", "status", "kind"),
    [
        ("card", "AUTHORIZED", S), ("card", "COMPLETED", S), ("card", "PENDING", P), ("card", "FAILED", D),
        ("card", "VOIDED", D),
        ("bank", "AUTHORIZED", P), ("bank", "PENDING", P), ("bank", "COMPLETED", S), ("bank", "FAILED", D),
        ("bank", "VOIDED", D),
        ("card", "RETURNED", U), ("bank", "", U),
    ],
)  # fmt: skip
def test_every_state_of_a_refund(canned: Any, method: str, status: str, kind: OutcomeKind) -> None:
    means = BANK if method == "bank" else {"type": "card"}
    given = {"id": "r1", "type": "REFUND", "status": status, "amount": 500, "reference": "refund-1", "charge_id": "tx1"}
    charge = transaction(method=means, status="COMPLETED", refunds=[given], amount_refunded=500)
    ctx = canned({"GET transactions/tx1": [(200, charge)]})
    query = LookupQuery(reference="attempt-1", merchant_account="c+b", gateway_reference="tx1")
    [fact] = gateway.gateway_lookup(ctx, query).refunds
    assert (fact.kind, fact.gateway_reference, fact.amount_minor, fact.reference) == (kind, "r1", 500, "refund-1")
    asked = replace(
        query, subject=Subject.REFUND, reference="refund-1", gateway_reference="", charge_gateway_reference="tx1"
    )
    outcome = gateway.gateway_lookup(ctx, asked)
    assert (outcome.kind, outcome.gateway_reference, outcome.amount_minor) == (kind, "r1", 500)
    assert (outcome.currency, outcome.merchant_account) == ("USD", "c+b")


@pytest.mark.parametrize(
    ("type", "card", "number", "said"),
    [
        ("card", "VISA", "************4242", "Visa ending 4242"), ("card", "AMERICAN_EXPRESS", "***********0005",
        "American Express ending 0005"), ("card", "NEW_KIND", "************1234", "Card ending 1234"),
        ("bank", "", "******7890", "Bank account ending 7890"), ("card", "VISA", "", "Visa"),
        ("bank", "", "***", "Bank account"),
    ],
)  # fmt: skip
def test_a_receipt_says_the_method(type: str, card: str, number: str, said: str) -> None:
    assert words.method_summary(type, card, number) == said


def test_method_is_not_taken_from_the_request(desk: Any, canned: Any) -> None:
    """A card token sent to an eCheck account would be told by what LawPay made of it."""
    told = {"merchant_accounts": [account("c")], "ach_accounts": [account("b")]}
    answer = (201, transaction(account_id="b", method=BANK))
    ctx = canned({"GET merchant": [(200, told)], "POST charges": [answer]})
    outcome = gateway.gateway_charge(ctx, desk.order(token="t", merchant_account="c+b", method=Method.BANK))
    assert (outcome.kind, outcome.merchant_account) == (P, "c+b")
