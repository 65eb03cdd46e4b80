"""The companion from outside: tokens, idempotency, restarts, and what it refuses."""

from __future__ import annotations

import json
import threading
from typing import Any

import pytest

KEY = {"Authorization": "Bearer sk_sandbox_rehearsal"}
ORDER = {
    "reference": "r-1",
    "amount_minor": 1000,
    "currency": "USD",
    "merchant_account": "sandbox-trust",
    "return_url": "http://portal.test:8000/back",
}


def test_eight_threads_with_one_reference_make_one_charge(desk: Any) -> None:
    tokens = [desk.token("4242424242424242") for _ in range(8)]
    answers: list[Any] = []
    gate = threading.Barrier(8)

    def pay(token: str) -> None:
        gate.wait()
        answers.append(desk.app.test_client().post("/v1/charges", json=ORDER | {"token": token}, headers=KEY))

    threads = [threading.Thread(target=pay, args=(token,)) for token in tokens]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(answer.status_code for answer in answers) == [200] * 7 + [201]
    assert len({answer.get_json()["id"] for answer in answers}) == 1


def test_eight_threads_with_one_token_spend_it_once(desk: Any) -> None:
    token = desk.token("4242424242424242")
    answers: list[int] = []
    gate = threading.Barrier(8)

    def pay(number: int) -> None:
        gate.wait()
        sent = ORDER | {"token": token, "reference": f"r-{number}"}
        answers.append(desk.app.test_client().post("/v1/charges", json=sent, headers=KEY).status_code)

    threads = [threading.Thread(target=pay, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(answers) == [201] + [422] * 7


def test_a_token_dies_of_age(desk: Any) -> None:
    token = desk.token("4242424242424242")
    desk.clock.now += 1800
    assert desk.charge(token).code == "token_spent"


def test_a_restart_forgets_nothing(desk: Any) -> None:
    paid = desk.charge(desk.token("4242424242424242"))
    pending = desk.charge(desk.bank_token("000123456789"), "attempt-2")
    token = desk.token("5555555555554444")
    desk.restart()
    assert desk.lookup() == paid
    assert desk.lookup("attempt-2") == pending
    assert desk.charge(token, "attempt-3").kind == "succeeded"
    assert desk.charge("tok_x", "attempt-1") == paid


def test_no_number_is_ever_written_down(desk: Any, caplog: pytest.LogCaptureFixture) -> None:
    numbers = ("4242424242424242", "4000000000000002", "4111111111111111")
    for place, number in enumerate(numbers):
        desk.charge(desk.token(number, code="987"), f"attempt-{place}")
    desk.charge(desk.bank_token("000123456789"), "attempt-bank")
    session = desk.web.post("/v1/sessions", json=ORDER, headers=KEY).get_json()["action_path"]
    for number in (*numbers, "4242424242424243"):
        typed = {"method": "card", "number": number, "expires": "12/30", "code": "987"}
        assert number.encode() not in desk.web.post(session, data=typed).get_data()
    kept = desk.stored_bytes() + caplog.text.encode()
    assert b"attempt-bank" in kept
    assert b"Visa" in kept
    for number in (*numbers, "4242424242424243", "000123456789"):
        assert number.encode() not in kept
        assert number[:-4].encode() not in kept


@pytest.mark.parametrize(
    ("typed", "field"),
    [
        ({"number": "4242424242424241"}, "number"),
        ({"number": "4242"}, "number"),
        ({"number": ""}, "number"),
        ({"number": "٤٢٤٢٤٢٤٢٤٢٤٢٤٢٤٢"}, "number"),
        ({"number": 4242424242424242}, "number"),
        ({"expires": "13/30"}, "expires"),
        ({"expires": "12/26"}, "expires"),
        ({"expires": "12/99"}, "expires"),
        ({"expires": ""}, "expires"),
        ({"code": "12"}, "code"),
        ({"code": "1234"}, "code"),
        ({"code": ""}, "code"),
        ({"number": "378282246310005"}, "code"),
        ({"method": "bank", "routing": "110000001", "account": "000123456789"}, "routing"),
        ({"method": "bank", "routing": "", "account": "000123456789"}, "routing"),
        ({"method": "bank", "routing": "110000000", "account": "12x4"}, "account"),
    ],
)
def test_a_mistyped_field_is_named_and_gets_no_token(desk: Any, typed: dict[str, Any], field: str) -> None:
    right = {"method": "card", "number": "4242424242424242", "expires": "01/27", "code": "123"}
    answer = desk.web.post("/v1/tokens", json=right | typed)
    assert answer.status_code == 422
    assert list(answer.get_json()["errors"]) == [field]
    assert desk.web.post("/v1/tokens", json=right).status_code == 201


@pytest.mark.parametrize("expires", ["12/30", "12 / 30", "1230", "12/2030", "12-30", " 1/31 "])
def test_a_date_is_understood_as_people_write_it(desk: Any, expires: str) -> None:
    assert desk.token("4242 4242 4242 4242", expires=expires)


@pytest.mark.parametrize("key", ["", "Bearer", "Bearer sk_live_1", "Basic sk_sandbox_x", "Bearer é"])
@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/v1/merchant"),
        ("GET", "/v1/charges"),
        ("POST", "/v1/charges"),
        ("POST", "/v1/charges/x/cancel"),
        ("POST", "/v1/sessions"),
    ],
)
def test_nothing_without_a_sandbox_key(desk: Any, key: str, method: str, path: str) -> None:
    answer = desk.web.open(path, method=method, headers={"Authorization": key}, json=ORDER)
    assert answer.status_code == 401


@pytest.mark.parametrize(
    "wrong",
    [
        {"amount_minor": 0},
        {"amount_minor": -5},
        {"amount_minor": "1000"},
        {"amount_minor": True},
        {"amount_minor": 10**30},
        {"amount_minor": json.loads("10.5")},
        {"currency": "usd"},
        {"currency": None},
        {"merchant_account": ""},
        {"merchant_account": "elsewhere"},
        {"reference": ""},
        {"reference": "r" * 201},
        {"reference": "r\ud800"},
        {"return_url": "javascript:alert(1)"},
        {"token": ["tok"]},
        {"token": "tok_unknown"},
    ],
)
def test_a_wrong_order_changes_nothing(desk: Any, wrong: dict[str, Any]) -> None:
    token = desk.token("4242424242424242")
    answer = desk.web.post("/v1/charges", json=ORDER | {"token": token} | wrong, headers=KEY)
    assert answer.status_code == 422
    assert answer.get_json()["error"]["code"]
    assert desk.lookup("r-1").kind == "absent"
    assert desk.charge(token).kind == "succeeded", "the token is still good"


@pytest.mark.parametrize("body", [b"", b"[]", b"null", b"{", b"[" * 9000, b'"x"', b"\xff"])
def test_a_body_that_is_no_object_is_refused(desk: Any, body: bytes) -> None:
    sent = desk.web.post("/v1/charges", data=body, headers=KEY, content_type="application/json")
    assert sent.status_code == 422


def test_a_huge_body_is_refused(desk: Any) -> None:
    assert desk.web.post("/v1/tokens", json={"number": "4" * 20_000}).status_code == 413


def test_a_foreign_form_makes_no_token(desk: Any) -> None:
    typed = {"method": "card", "number": "4242424242424242", "expires": "12/30", "code": "123"}
    assert desk.web.post("/v1/tokens", data=typed).status_code == 422


def test_unknown_charges_are_not_found(desk: Any) -> None:
    assert desk.web.post("/v1/charges/ch_0/cancel", headers=KEY, json={}).status_code == 404
    assert desk.web.get("/v1/nothing").get_json()["error"]["code"] == "not_found"
    assert desk.web.put("/v1/charges", headers=KEY).status_code == 405
