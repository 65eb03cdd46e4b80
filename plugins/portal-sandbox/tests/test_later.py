"""What becomes of money after it had come: returned by a bank, disputed, decided; and files of an earlier version."""

from __future__ import annotations

import datetime as dt
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from portal_app.plugin_api import DisputeState, OutcomeKind
from portal_sandbox.companion import create

RETURNING = "000222222227"
DISPUTED = "4000000000002685"


def test_a_bank_debit_is_returned_after_it_had_settled(desk: Any) -> None:
    desk.charge(desk.bank_token(RETURNING))
    desk.clock.now += 60
    assert desk.lookup().kind is OutcomeKind.SUCCEEDED
    desk.clock.now += 59
    assert desk.lookup().kind is OutcomeKind.SUCCEEDED
    desk.clock.now += 1
    found = desk.lookup()
    assert (found.kind, found.code, found.amount_minor) == (OutcomeKind.RETURNED, "returned", 500_000)
    assert desk.refund(1).code == "not_refundable"


def test_all_that_was_due_has_happened_even_if_nobody_looked(desk: Any) -> None:
    desk.charge(desk.bank_token(RETURNING))
    desk.clock.now += 10_000
    assert desk.lookup().kind is OutcomeKind.RETURNED
    assert [event["kind"] for event in desk.told()] == ["charge.pending", "charge.succeeded", "charge.returned"]


def test_a_card_disputes_itself_a_minute_later(desk: Any) -> None:
    desk.charge(desk.token(DISPUTED))
    desk.refund(100_000)
    desk.clock.now += 59
    assert desk.lookup().disputes == ()
    desk.clock.now += 1
    found = desk.lookup()
    assert found.kind is OutcomeKind.SUCCEEDED
    (dispute,) = found.disputes
    assert (dispute.state, dispute.amount_minor, dispute.currency) == (DisputeState.OPEN, 400_000, "USD")
    assert dispute.respond_by == dt.datetime.fromtimestamp(desk.clock.now, dt.UTC) + dt.timedelta(days=7)
    assert dispute.reason


def test_nothing_is_left_to_dispute_of_what_was_given_back(desk: Any) -> None:
    desk.charge(desk.token(DISPUTED))
    desk.refund(400_000)
    desk.refund(100_000, "refund-2", before=400_000)
    desk.clock.now += 60
    assert desk.lookup().disputes == ()


@pytest.mark.parametrize(
    ("decision", "state", "code"), [("won", DisputeState.WON, ""), ("lost", DisputeState.LOST, "too_much")]
)
def test_a_dispute_is_decided_once(desk: Any, decision: str, state: DisputeState, code: str) -> None:
    charge = desk.charge(desk.token("4242424242424242"))
    assert desk.press("dispute", charge.gateway_reference) == 303
    assert desk.press("dispute", charge.gateway_reference) == 303
    (dispute,) = desk.lookup().disputes
    assert desk.press(decision, dispute.gateway_reference) == 303
    assert desk.press("lost", dispute.gateway_reference) == 303
    assert [each.state for each in desk.lookup().disputes] == [state]
    assert desk.refund(1).code == code, "what was won back can be given back"


def test_a_file_of_an_earlier_version_is_understood(tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / "sandbox.sqlite3")) as db:
        db.execute(
            "CREATE TABLE charge (id TEXT PRIMARY KEY, reference TEXT NOT NULL UNIQUE, amount_minor INTEGER NOT NULL,"
            " currency TEXT, merchant_account TEXT, description TEXT, return_url TEXT, status TEXT, step TEXT,"
            " has_page INTEGER, method TEXT, brand TEXT, last4 TEXT, scenario TEXT, code TEXT, message TEXT,"
            " created_at INTEGER, due_at INTEGER)"
        )
        db.execute(
            "INSERT INTO charge VALUES ('ch_1', 'a', 700, 'USD', 'sandbox-trust', '', 'http://x', 'succeeded', '', 0,"
            " 'card', 'Visa', '4242', 'approved', '', '', 1700000000, 1700001800)"
        )
        db.commit()
    web = create(str(tmp_path)).test_client()
    key = {"Authorization": "Bearer sk_sandbox_x"}
    (found,) = web.get("/v1/charges?reference=a", headers=key).get_json()["charges"]
    assert (found["status"], found["amount_minor"]) == ("succeeded", 700)
    sent = {"reference": "r", "charge": "ch_1", "amount_minor": 700, "may_void": True}
    assert web.post("/v1/refunds", json=sent, headers=key).get_json()["id"].startswith("re_")
