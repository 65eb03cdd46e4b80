"""Webhooks, which nobody signs, and the daily list, with what only the events tell."""

from __future__ import annotations

import datetime as dt
import json
from typing import Any

import pytest

from portal_app.plugin_api import (
    Delivery,
    Event,
    ListQuery,
    Method,
    OutcomeKind,
    Rejected,
    Subject,
    TransactionKind,
)
from portal_lawpay import gateway, lists
from portal_lawpay.api import Unclear

NOW = dt.datetime(2027, 1, 15, tzinfo=dt.UTC)


def deliver(body: Any) -> list[Event] | Rejected:
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    return gateway.gateway_webhook(Delivery(body=raw, headers={}, received_at=NOW))


def events(body: Any) -> list[Event]:
    found = deliver(body)
    assert isinstance(found, list)
    return found


def test_the_envelope_is_the_event_and_what_is_in_it_the_transaction(desk: Any) -> None:
    charge = desk.charge()
    [envelope] = desk.api("GET", "events")["results"]
    [event] = events(envelope)
    assert event.id == envelope["id"] != charge.gateway_reference
    assert event.gateway_reference == charge.gateway_reference
    assert (event.kind, event.reference, event.subject) == ("transaction.authorized", "attempt-1", Subject.CHARGE)
    assert "Alice" not in str(event)


def test_an_event_of_a_refund_is_about_the_refund(desk: Any) -> None:
    refund = desk.refund(desk.charge(), 700)
    [event] = events(desk.api("GET", "events")["results"][0])
    assert (event.subject, event.reference) == (Subject.REFUND, "refund-1")
    assert event.gateway_reference == refund.gateway_reference


def test_events_of_other_kinds_are_kept_too() -> None:
    [event] = events({"id": "e1", "type": "recurring_charge.created", "data": {"id": "rc1", "status": "ACTIVE"}})
    assert (event.kind, event.gateway_reference) == ("recurring_charge.created", "")
    [bare] = events({"id": "e2", "type": "merchant.changed"})
    assert bare.id == "e2"


def test_several_in_one_delivery_are_several() -> None:
    both = events({"events": [{"id": "e1", "type": "a"}, {"id": "e2", "type": "b"}]})
    assert [event.id for event in both] == ["e1", "e2"]


@pytest.mark.parametrize(
    "body",
    [
        b"", b"\xff", b"[" * 100_000, [], 7, "text", None, {}, {"id": "e"}, {"type": "t"}, {"id": 1, "type": "t"},
        {"id": "", "type": "t"}, {"events": []}, {"events": [{"id": "e"}]},
        {"events": [{"id": "e", "type": "t"}] * 101},
        {"events": ["e"]},
    ],
)  # fmt: skip
def test_what_is_no_event_is_rejected(body: Any) -> None:
    assert isinstance(deliver(body), Rejected)


def test_a_forged_event_is_only_a_reason_to_ask(desk: Any) -> None:
    """What it claims is in no outcome: the look-up reads LawPay."""
    data = {"id": "tx-forged", "type": "CHARGE", "status": "COMPLETED", "amount": 1, "reference": "attempt-1"}
    [event] = events({"id": "e", "type": "transaction.completed", "data": data})
    assert desk.look_up(event.reference, gateway_reference=event.gateway_reference).kind is OutcomeKind.UNKNOWN


def test_an_event_without_a_transaction_or_with_an_odd_one_is_still_an_event() -> None:
    odd: list[Any] = [None, "x", [], {"id": 7, "type": "CHARGE"}, {"type": "CHARGE", "reference": ["x"]}]
    for data in odd:
        [event] = events({"id": "e", "type": "transaction.failed", "data": data})
        assert (event.gateway_reference, event.reference) == ("", "")


# The list


def test_the_list_has_all_of_the_accounts_and_only_of_them(desk: Any) -> None:
    charge = desk.charge()
    check = desk.charge(method=Method.BANK, reference="attempt-2")
    refund = desk.refund(charge, 700)
    desk.charge(reference="trust", fund="trust", merchant_account=desk.trust)
    desk.api("POST", "charges", {"amount": 5, "method": desk.token(), "account_id": desk.cards["Operating"]})
    lines = desk.lines()
    ids = {line.id for line in lines}
    assert {charge.gateway_reference, check.gateway_reference, refund.gateway_reference} < ids
    assert len(lines) == len(ids) == 4
    by_reference = {line.reference: line for line in lines}
    assert by_reference[""].amount_minor == 5
    assert by_reference["attempt-1"].kind is TransactionKind.CHARGE
    assert by_reference["attempt-2"].outcome is OutcomeKind.PENDING
    given = by_reference["refund-1"]
    assert (given.kind, given.charge_gateway_reference) == (TransactionKind.REFUND, charge.gateway_reference)
    assert {line.merchant_account for line in lines} == {desk.operating}
    assert all(line.occurred_at.tzinfo for line in lines)


def test_failed_tries_and_credits_are_in_the_list(desk: Any) -> None:
    desk.charge(token=desk.token(number="4000000000000002"))
    desk.api("POST", "credits", {"amount": 5, "method": desk.token(), "account_id": desk.cards["Operating"]})
    found = {(line.kind, line.outcome) for line in desk.lines()}
    assert found == {
        (TransactionKind.CHARGE, OutcomeKind.DECLINED), (TransactionKind.OTHER, OutcomeKind.UNKNOWN),
    }  # fmt: skip


def test_a_return_is_listed_though_its_charge_is_old(desk: Any) -> None:
    desk.charge(method=Method.BANK, token=desk.bank_token(account_number="1000000011"))
    desk.charge()
    desk.advance(days=2)
    assert {line.outcome for line in desk.lines(since=desk.world.now() - dt.timedelta(hours=1))} == set()
    desk.advance(days=4)
    [line] = desk.lines(since=desk.world.now() - dt.timedelta(days=2))
    assert (line.outcome, line.reference) == (OutcomeKind.RETURNED, "attempt-1")


def test_pages_follow_one_another_and_end_where_the_time_does(desk: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lists, "PAGE_SIZE", 2)
    for number in range(5):
        desk.charge(reference=f"old-{number}")
    desk.advance(days=1)
    for number in range(5):
        desk.charge(reference=f"new-{number}")
    since = desk.world.now() - dt.timedelta(minutes=5)
    found = {line.reference for line in desk.lines(since=since)}
    assert {f"new-{number}" for number in range(5)} <= found
    # The old ones were completed at night, before the time asked for.
    assert not any(reference.startswith("old") for reference in found)


def test_what_happens_after_the_time_is_left_for_the_next_sweep(desk: Any) -> None:
    desk.charge()
    before = desk.world.now()
    desk.advance(days=1)
    assert desk.lines(until=before) == []


@pytest.mark.parametrize("fault", ["unavailable", "unauthorized", "rate_limited", "garbage"])
def test_a_list_that_does_not_come_ends_the_sweep(desk: Any, fault: str) -> None:
    desk.charge()
    desk.world.faults.switch_on(fault)
    with pytest.raises(Unclear):
        desk.lines()


@pytest.mark.parametrize("cursor", ["x", "7:1", "0:x", "0:-1", "events:", ":"])
def test_a_cursor_that_nobody_gave_is_refused(desk: Any, cursor: str) -> None:
    query = ListQuery(since=NOW, until=NOW, merchant_account=desk.operating, cursor=cursor)
    with pytest.raises(Unclear):
        gateway.gateway_list(desk.ctx(), query)


@pytest.mark.parametrize(
    "odd", [{"amount": "5"}, {"amount": None}, {"created": "yesterday"}, {"id": None}, {"currency": 1}]
)
def test_amounts_are_not_guessed(canned: Any, odd: Any) -> None:
    line = {
        "id": "t", "type": "CHARGE", "status": "COMPLETED", "amount": 5, "currency": "USD", "account_id": "c",
        "created": "2027-01-15T00:00:00.000Z", "method": {"type": "card"},
    } | odd  # fmt: skip
    answer = (200, {"page": 1, "page_size": 100, "total_entries": 1, "results": [line]})
    query = ListQuery(since=NOW, until=NOW + dt.timedelta(days=1), merchant_account="c+b")
    with pytest.raises(Unclear):
        gateway.gateway_list(canned({"GET transactions": [answer]}), query)
