"""The control page: what it shows, which buttons it offers, and who may press them; and what the portal has told."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from portal_app.plugin_api import Told
from portal_sandbox import gateway, running
from portal_sandbox.works import Works

CARD = "4242424242424242"
OURS = {"Sec-Fetch-Site": "same-origin"}
AT = dt.datetime(2027, 1, 15, 8, tzinfo=dt.UTC)
TOLD = Told(id=7, state="succeeded", at=AT, reference="attempt-1", gateway="sandbox", amount_minor=500_000)


def buttons(desk: Any) -> list[str]:
    """What can be done to charges, refunds and disputes, in the order of the page."""
    return re.findall(r'name="do" value="(\w+)"', desk.web.get("/").text.partition('id="payments"')[2])


def test_the_page_is_a_rehearsal_and_needs_no_script(desk: Any) -> None:
    answer = desk.web.get("/")
    assert answer.status_code == 200
    assert "This is a rehearsal:</strong> no real card, no real money" in answer.text
    assert "Nobody has paid yet" in answer.text
    assert "<script" not in answer.text
    policy = answer.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "form-action 'self'" in policy
    assert "frame-ancestors 'none'" in policy
    assert "unsafe" not in policy
    assert answer.headers["Cache-Control"] == "no-store"


def test_each_state_offers_only_what_can_follow(desk: Any) -> None:
    desk.charge(desk.bank_token("000123456789"))
    assert buttons(desk) == ["settle", "refuse", "tell"]
    desk.press("settle", desk.lookup().gateway_reference)
    assert buttons(desk)[:2] == ["return", "dispute"]
    desk.refund(1_000)
    assert buttons(desk)[:3] == ["dispute", "settle", "refuse"], "a part is on its way back"
    desk.press("dispute", desk.lookup().gateway_reference)
    assert buttons(desk)[:4] == ["settle", "refuse", "won", "lost"]


def test_a_card_has_no_bank_to_return_it(desk: Any) -> None:
    charge = desk.charge(desk.token(CARD))
    assert buttons(desk)[:1] == ["dispute"]
    desk.press("return", charge.gateway_reference)
    desk.press("settle", charge.gateway_reference)
    assert desk.lookup().kind == "succeeded"


@pytest.mark.parametrize(("do", "kind"), [("settle", "succeeded"), ("refuse", "declined")])
def test_a_bank_debit_is_settled_or_refused_at_once(desk: Any, do: str, kind: str) -> None:
    charge = desk.charge(desk.bank_token("000222222227"))
    assert desk.press(do, charge.gateway_reference) == 303
    assert desk.lookup().kind == kind
    desk.clock.now += 60
    assert desk.lookup().kind == ("returned" if do == "settle" else "declined")


def test_a_settled_debit_is_returned_once(desk: Any) -> None:
    charge = desk.charge(desk.bank_token("000123456789"))
    desk.press("return", charge.gateway_reference)
    assert desk.lookup().kind == "pending", "it has not come yet"
    desk.press("settle", charge.gateway_reference)
    desk.press("return", charge.gateway_reference)
    desk.press("return", charge.gateway_reference)
    assert (desk.lookup().kind, desk.lookup().code) == ("returned", "returned")
    assert [event["kind"] for event in desk.told()].count("charge.returned") == 1


@pytest.mark.parametrize(("do", "kind"), [("settle", "succeeded"), ("refuse", "declined")])
def test_a_refund_on_its_way_is_decided_at_once(desk: Any, do: str, kind: str) -> None:
    charge = desk.charge(desk.bank_token("000123456789"))
    desk.press("settle", charge.gateway_reference)
    refund = desk.refund(1_000)
    desk.press(do, refund.gateway_reference)
    assert desk.find_refund().kind == kind


def test_the_balance_is_shown_and_paid_out(desk: Any) -> None:
    desk.charge(desk.token(CARD))
    assert "$4,854.70" in desk.web.get("/").text
    desk.press("pay_out", "sandbox-operating")
    assert "Paid out $4,854.70" in desk.web.get("/").text
    desk.refund(600)
    assert "−$6.00" in desk.web.get("/").text


def test_the_terminal_takes_what_the_portal_does_not_know(desk: Any) -> None:
    assert desk.press("take", "sandbox-trust") == 303
    assert desk.press("take", "sandbox-nowhere") == 303
    (line,) = desk.listed("sandbox-trust")
    assert (line.kind, line.amount_minor, line.reference) == ("charge", 2_500, "")
    assert "Paid at the terminal in the office" in desk.web.get("/").text
    desk.press("dispute", line.id)
    assert [each.kind for each in desk.listed("sandbox-trust")] == ["charge", "dispute"]


@pytest.mark.parametrize(
    "headers",
    [{}, {"Sec-Fetch-Site": "cross-site"}, {"Sec-Fetch-Site": "same-site"}, {"Sec-Fetch-Site": "none"},
     {"Origin": "http://evil.test"}, {"Origin": "null"}, {"Origin": "http://[bad"},
     {"Origin": "http://localhost", "Sec-Fetch-Site": "cross-site"}],
)  # fmt: skip
def test_nobody_else_presses_a_button(desk: Any, headers: dict[str, str]) -> None:
    charge = desk.charge(desk.token(CARD))
    sent = {"do": "dispute", "id": charge.gateway_reference}
    assert desk.web.post("/", data=sent, headers=headers).status_code == 403
    assert desk.lookup().disputes == ()


def test_an_old_browser_shows_where_it_comes_from(desk: Any) -> None:
    charge = desk.charge(desk.token(CARD))
    sent = {"do": "dispute", "id": charge.gateway_reference, "at": charge.gateway_reference}
    answer = desk.web.post("/", data=sent, headers={"Origin": "http://localhost"})
    assert (answer.status_code, answer.location) == (303, f"/#{charge.gateway_reference}")
    assert len(desk.lookup().disputes) == 1


@pytest.mark.parametrize(
    ("sent", "status"),
    [({}, 422), ({"do": "explode", "id": "x"}, 422), ({"do": "dispute", "id": "x"}, 404), ({"do": "return"}, 404),
     ({"do": "settle", "id": "x"}, 303), ({"do": "won", "id": "x"}, 303), ({"do": "tell", "id": "x"}, 303)],
)  # fmt: skip
def test_an_odd_button_does_nothing(desk: Any, sent: dict[str, str], status: int) -> None:
    assert desk.web.post("/", data=sent, headers=OURS).status_code == status


def test_what_people_wrote_is_only_text(desk: Any, make_order: Any) -> None:
    order = replace(make_order("<b>", 100, desk.token(CARD)), description="<script>alert(1)</script>")
    gateway.gateway_charge(desk.ctx(), order)
    page = desk.web.get("/").text
    assert "<script" not in page
    assert "<b>" not in page


def test_only_the_latest_payments_are_shown(desk: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("portal_sandbox.overview.CHARGES_SHOWN", 2)
    for number in range(3):
        desk.charge(desk.token(CARD), f"attempt-{number}")
    page = desk.web.get("/").text
    assert "The latest 2 of 3 payments" in page
    assert "attempt-0" not in page.partition('id="webhooks"')[0]


# -- What the portal has told ------------------------------------------------------------------


@pytest.fixture
def served(desk: Any) -> Iterator[Any]:
    """The desk's companion, as the one that this process serves."""
    works: Works = desk.app.extensions["sandbox"]
    running._running.append(works)
    yield desk
    running.stop()


def test_the_portals_word_stands_beside_the_sandboxs(served: Any) -> None:
    served.charge(served.token(CARD))
    assert "The portal has not spoken of it." in served.web.get("/").text
    gateway.payment_changed(replace(TOLD, state="pending"))
    page = served.web.get("/").text
    assert "The portal says: pending" in page
    assert "1 line differs" in page
    gateway.payment_changed(replace(TOLD, at=AT + dt.timedelta(microseconds=1)))
    page = served.web.get("/").text
    assert "The portal says so too." in page
    assert "Both sides agree." in page


def test_another_amount_differs(served: Any) -> None:
    served.charge(served.token(CARD))
    gateway.payment_changed(replace(TOLD, amount_minor=499_999, currency="USD"))
    assert "The portal says: succeeded, $4,999.99" in served.web.get("/").text


def test_refunds_and_disputes_have_their_own_word(served: Any) -> None:
    charge = served.charge(served.token(CARD))
    served.refund(1_000)
    served.press("dispute", charge.gateway_reference)
    gateway.payment_changed(TOLD)
    gateway.refund_changed(Told(id=1, state="succeeded", at=AT, reference="refund-1"))
    assert "has not spoken of 1 line" in served.web.get("/").text
    dispute = served.lookup().disputes[0].gateway_reference
    gateway.dispute_changed(Told(id=1, state="open", at=AT, reference=dispute))
    assert "Both sides agree." in served.web.get("/").text


def test_an_older_word_that_comes_late_changes_nothing(served: Any) -> None:
    served.charge(served.token(CARD))
    gateway.payment_changed(TOLD)
    gateway.payment_changed(replace(TOLD, state="pending", at=AT - dt.timedelta(seconds=1)))
    gateway.payment_changed(replace(TOLD, state="unknown", at=dt.datetime(2026, 1, 1)))  # noqa: DTZ001  a naive one
    assert "Both sides agree." in served.web.get("/").text


def test_a_payout_says_that_it_was_booked(served: Any) -> None:
    served.charge(served.token(CARD))
    served.press("pay_out", "sandbox-operating")
    assert "booked by the portal" not in served.web.get("/").text
    (payout,) = (line for line in served.listed() if line.kind == "payout")
    source = f"gateway:sandbox:payout:{payout.id}"
    gateway.ledger_posted(Told(id=3, state="gateway_payout", at=AT, reference=source))
    assert "booked by the portal" in served.web.get("/").text


def test_all_that_is_told_is_listed(served: Any) -> None:
    gateway.document_shared(Told(id=11, state="shared", at=AT))
    gateway.ledger_posted(Told(id=12, state="portal_payment", at=AT))
    page = served.web.get("/").text
    assert "Document shared: shared" in page
    assert "Ledger posted: portal payment" in page
    served.restart()
    assert "number 11" in served.web.get("/").text


def test_a_process_without_a_companion_forgets(desk: Any) -> None:
    for tell in (gateway.payment_changed, gateway.refund_changed, gateway.dispute_changed, gateway.ledger_posted):
        tell(TOLD)
    gateway.document_shared(TOLD)
    assert "The portal has told nothing yet." in desk.web.get("/").text


def test_the_companion_that_is_served_last_listens(tmp_path: Path) -> None:
    first, second = running.serve(str(tmp_path / "a")), running.serve(str(tmp_path / "b"))
    try:
        gateway.payment_changed(TOLD)
        assert "number 7" not in first.test_client().get("/").text
        assert "number 7" in second.test_client().get("/").text
    finally:
        running.stop()
