"""The pages that a payer sees, without a browser: the frame, the payment page, the bank's question."""

from __future__ import annotations

import threading
from typing import Any

import pytest

KEY = {"Authorization": "Bearer sk_sandbox_rehearsal"}
BACK = "http://portal.test:8000/portal/payments/1"
ORDER = {
    "reference": "attempt-1",
    "amount_minor": 123450,
    "currency": "USD",
    "merchant_account": "sandbox-operating",
    "return_url": BACK,
    "description": "Quillfeather & Larkspur LLP <b>",
}


def typed(number: str = "4242424242424242", **changed: str) -> dict[str, str]:
    return {"method": "card", "number": number, "expires": "12/30", "code": "123"} | changed


@pytest.fixture
def session(desk: Any) -> str:
    return desk.web.post("/v1/sessions", json=ORDER, headers=KEY).get_json()["action_path"]


def test_the_frame_may_stand_on_one_page_only(desk: Any) -> None:
    answer = desk.web.get("/fields?origin=http%3A%2F%2Flocalhost%3A8000")
    policy = answer.headers["Content-Security-Policy"]
    assert "frame-ancestors http://localhost:8000;" in policy
    assert "unsafe" not in policy
    assert 'data-origin="http://localhost:8000"' in answer.text
    assert " name=" not in answer.text.partition("<body")[2]


@pytest.mark.parametrize(
    "origin",
    [
        "",
        "*",
        "null",
        "http://a b",
        "http://a;script-src *",
        "http://a/path",
        "javascript:x",
        "http://u@a",
        "http://a\n",
    ],
)
def test_a_frame_without_an_honest_origin_is_refused(desk: Any, origin: str) -> None:
    answer = desk.web.get("/fields", query_string={"origin": origin})
    assert answer.status_code == 400
    assert "frame-ancestors 'none'" in answer.headers["Content-Security-Policy"]


def test_the_page_says_what_is_paid_and_that_nothing_is_real(desk: Any, session: str) -> None:
    answer = desk.web.get(session)
    assert "$1,234.50" in answer.text
    assert "Quillfeather &amp; Larkspur LLP &lt;b&gt;" in answer.text
    assert "This is a rehearsal:</strong> no real card, no real money" in answer.text
    assert "<script" not in answer.text
    assert "form-action 'self' http://portal.test:8000" in answer.headers["Content-Security-Policy"]
    assert answer.headers["Cache-Control"] == "no-store"


def test_paying_leads_back_to_the_portal(desk: Any, session: str) -> None:
    answer = desk.web.post(session, data=typed())
    assert (answer.status_code, answer.location) == (303, BACK)
    outcome = desk.lookup()
    assert (outcome.kind, outcome.amount_minor) == ("succeeded", 123450)
    assert desk.web.get(session).location == BACK, "the back button finds no second page"


def test_a_double_submit_charges_once(desk: Any, session: str) -> None:
    answers: list[Any] = []
    gate = threading.Barrier(8)

    def press(number: str) -> None:
        gate.wait()
        answers.append(desk.app.test_client().post(session, data=typed(number)))

    numbers = ("4242424242424242", "5555555555554444") * 4
    threads = [threading.Thread(target=press, args=(number,)) for number in numbers]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert {answer.location for answer in answers} == {BACK}
    first = desk.lookup()
    desk.web.post(session, data=typed("4000000000000002"))
    assert desk.lookup() == first
    assert first.kind == "succeeded"


def test_a_decline_can_be_tried_again(desk: Any, session: str) -> None:
    answer = desk.web.post(session, data=typed("4000000000009995"), follow_redirects=True)
    assert "There is not enough money behind this card" in answer.text
    assert desk.lookup().kind == "action_required"
    assert desk.web.post(session, data=typed()).location == BACK
    assert (desk.lookup().kind, desk.lookup().message) == ("succeeded", "")


def test_a_decline_can_be_given_up(desk: Any, session: str) -> None:
    desk.web.post(session, data=typed("4000000000000002"))
    answer = desk.web.post(f"{session}/cancel")
    assert (answer.status_code, answer.location) == (303, BACK)
    assert desk.lookup().kind == "canceled"
    assert desk.web.post(session, data=typed()).location == BACK
    assert desk.lookup().kind == "canceled"


def test_a_page_expires_after_half_an_hour(desk: Any, session: str) -> None:
    desk.clock.now += 1799
    assert desk.web.get(session).status_code == 200
    desk.clock.now += 1
    late = desk.web.post(session, data=typed())
    assert late.status_code == 410
    assert BACK in late.text
    assert (desk.lookup().kind, desk.lookup().code) == ("canceled", "expired")


def test_a_mistyped_card_is_marked_and_not_repeated(desk: Any, session: str) -> None:
    answer = desk.web.post(session, data=typed("4242424242424241", code="12"))
    assert answer.status_code == 422
    assert "Nothing has been charged." in answer.text
    assert 'aria-invalid="true"' in answer.text
    assert '<a href="#number">card number</a>, <a href="#code">security code</a>' in answer.text
    assert "4242424242424241" not in answer.text
    assert desk.lookup().kind == "action_required"


def test_a_bank_account_has_its_own_form(desk: Any, session: str) -> None:
    assert 'name="routing"' in desk.web.get(f"{session}?method=bank").text
    bank = {"method": "bank", "routing": "110000000", "account": "000123456789"}
    assert desk.web.post(session, data=bank).location == BACK
    assert desk.lookup().kind == "pending"
    desk.clock.now += 60
    assert desk.lookup().kind == "succeeded"


def test_a_lost_answer_leaves_the_payer_on_the_sandbox(desk: Any, session: str) -> None:
    answer = desk.web.post(session, data=typed("4000000000000119"))
    assert answer.status_code == 504
    assert "Do not pay again" in answer.text
    assert desk.lookup().kind == "succeeded"


def test_a_slow_answer_is_slow_once(desk: Any, session: str) -> None:
    desk.web.post(session, data=typed("4000000000000259"))
    desk.web.post(session, data=typed("4000000000000259"))
    assert desk.slept == [6]


@pytest.mark.parametrize(("decision", "kind"), [("approve", "succeeded"), ("refuse", "declined")])
def test_the_bank_asks_about_a_charge(desk: Any, decision: str, kind: str) -> None:
    outcome = desk.charge(desk.token("4000000000003220"))
    path = outcome.redirect_url.removeprefix("http://sandbox.test:8001")
    shown = desk.web.get(path)
    assert "Visa ending 3220" in shown.text
    assert "form-action 'self' http://portal.test:8000" in shown.headers["Content-Security-Policy"]
    assert desk.web.post(path, data={"decision": "maybe"}).status_code == 422
    assert desk.lookup().kind == "action_required"
    answer = desk.web.post(path, data={"decision": decision})
    assert (answer.status_code, answer.location) == (303, BACK)
    assert desk.lookup().kind == kind
    desk.web.post(path, data={"decision": "approve"})
    assert desk.lookup().kind == kind, "the question is answered once"


def test_an_unanswered_question_expires(desk: Any) -> None:
    outcome = desk.charge(desk.token("4000000000003220"))
    desk.clock.now += 1800
    answer = desk.web.post(outcome.redirect_url.removeprefix("http://sandbox.test:8001"), data={"decision": "approve"})
    assert answer.status_code == 410
    assert desk.lookup().kind == "canceled"


def test_a_refused_question_on_the_page_can_be_tried_again(desk: Any, session: str) -> None:
    question = desk.web.post(session, data=typed("4000000000003220")).location
    assert question.startswith("/challenge/")
    assert desk.web.post(question, data={"decision": "refuse"}).location == session
    assert "was not confirmed with the bank" in desk.web.get(session).text
    desk.web.post(session, data=typed())
    assert desk.lookup().kind == "succeeded"


@pytest.mark.parametrize("path", ["/pay/ch_0", "/challenge/ch_0", "/nothing", "/pay/%00"])
def test_what_is_not_there_is_said_kindly(desk: Any, path: str) -> None:
    answer = desk.web.get(path)
    assert answer.status_code == 404
    assert "Go back to the portal" in answer.text
    assert desk.web.post("/pay/ch_0", data=typed()).status_code == 404


def test_looking_writes_nothing_but_what_time_has_changed(desk: Any, session: str) -> None:
    before = desk.stored_bytes()
    desk.clock.now += 1799
    desk.web.get(session)
    desk.web.get("/")
    desk.lookup()
    assert desk.stored_bytes() == before
    desk.clock.now += 1
    desk.lookup()
    after = desk.stored_bytes()
    desk.web.get(session)
    assert desk.stored_bytes() == after != before
