"""Webhooks: good, forged, altered, stale, from the future, of another secret, twice and in any order."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Mapping
from typing import Any

import pytest

from portal_app.plugin_api import Event, Mode, OutcomeKind, Rejected, Subject
from portal_stripe.fake import deliver, open_dispute, pay_out, pay_page, refunds, signature
from portal_stripe.fake.core import DAY


def heard(desk: Any, **how: Any) -> list[Event]:
    """All that the fake has to tell, as the plugin reads it."""
    found: list[Event] = []

    def send(url: str, headers: Mapping[str, str], body: bytes) -> None:
        now = dt.datetime.now(dt.UTC)
        events = desk.hear(body, headers["Stripe-Signature"], now)
        assert isinstance(events, list), events
        found.extend(events)

    deliver(desk.fake, send, **how)
    return found


@pytest.fixture
def listening(desk: Any) -> Any:
    desk.fake.listen("http://portal.test/hook", ["whsec_new"])
    return desk


def test_events_name_the_attempt(listening: Any) -> None:
    paid = listening.charge()
    events = heard(listening)
    assert {each.kind for each in events} == {"charge.succeeded", "payment_intent.succeeded"}
    assert {each.reference for each in events} == {"attempt-1"}
    assert {each.gateway_reference for each in events} == {paid.gateway_reference}
    assert len({each.id for each in events}) == 2


def test_hearing_needs_no_network(listening: Any) -> None:
    listening.charge()
    listening.http.is_down = True
    assert heard(listening)


def test_twice_and_out_of_order_are_the_same_events(listening: Any) -> None:
    listening.debit()
    listening.fake.advance(5 * DAY)
    events = heard(listening, times=3, order="shuffled")
    assert len(events) == 3 * len({each.id for each in events})
    # Whatever came last, the answer is what Stripe says now.
    assert listening.look(id=events[-1].gateway_reference).kind is OutcomeKind.SUCCEEDED


def test_a_page_and_its_intent_name_the_same_attempt(listening: Any) -> None:
    page = listening.begin()
    pay_page(listening.fake, page.gateway_reference, number="4242424242424242")
    events = heard(listening)
    assert {each.reference for each in events} == {"attempt-1"}
    assert "checkout.session.completed" in {each.kind for each in events}


def test_refunds_and_disputes_lead_to_what_they_are_about(listening: Any) -> None:
    from portal_stripe.fake import Scope

    paid = listening.charge()
    charge = listening.fake.object(paid.gateway_reference)["latest_charge"]
    ours = listening.refund(paid, 100)
    refunds.create(listening.fake, Scope("acct_firm", False), {"charge": charge, "amount": "200"})
    open_dispute(listening.fake, charge)
    events = heard(listening)
    about = {(each.kind, each.subject, each.reference, each.gateway_reference) for each in events}
    intent = paid.gateway_reference
    assert ("refund.created", Subject.REFUND, "refund-1", ours.gateway_reference) in about
    assert ("refund.created", Subject.CHARGE, "", intent) in about
    assert ("charge.refunded", Subject.CHARGE, "attempt-1", intent) in about
    assert ("charge.dispute.created", Subject.CHARGE, "", intent) in about


def test_a_payout_is_about_no_charge(listening: Any) -> None:
    listening.charge()
    listening.fake.advance(4 * DAY)
    heard(listening)
    assert pay_out(listening.fake)
    assert {(each.reference, each.gateway_reference) for each in heard(listening)} == {("", "")}


BODY = json.dumps({
    "id": "evt_1", "object": "event", "type": "payment_intent.succeeded", "livemode": False,
    "data": {"object": {"object": "payment_intent", "id": "pi_1", "metadata": {"portal_reference": "attempt-1"}}},
}).encode()  # fmt: skip


def at(desk: Any) -> int:
    return int(desk.now.timestamp())


def test_either_secret_is_believed_while_it_changes(desk: Any) -> None:
    header = signature(BODY, "whsec_old", at=at(desk))
    assert isinstance(desk.hear(BODY, header), Rejected)
    (event,) = desk.hear(BODY, header, webhook_secret_before="whsec_old")
    assert (event.id, event.reference, event.gateway_reference) == ("evt_1", "attempt-1", "pi_1")
    assert isinstance(
        desk.hear(BODY, signature(BODY, "whsec_new", at=at(desk)), webhook_secret_before="whsec_old"), list
    )
    both = signature(BODY, "whsec_next", "whsec_new", at=at(desk))
    assert isinstance(desk.hear(BODY, both), list)


@pytest.mark.parametrize("seconds", [-301, 301, -DAY, 10 * DAY])
def test_a_stale_signature_is_rejected(desk: Any, seconds: int) -> None:
    rejected = desk.hear(BODY, signature(BODY, "whsec_new", at=at(desk) + seconds))
    assert isinstance(rejected, Rejected)
    assert "old" in rejected.reason


@pytest.mark.parametrize("seconds", [-299, 0, 299])
def test_a_fresh_one_is_not(desk: Any, seconds: int) -> None:
    assert isinstance(desk.hear(BODY, signature(BODY, "whsec_new", at=at(desk) + seconds)), list)


def test_what_is_not_signed_by_stripe_is_rejected(desk: Any) -> None:
    good = signature(BODY, "whsec_new", at=at(desk))
    headers = ["", "t=1", "v1=", "t=x,v1=y", good.replace("v1=", "v0="), signature(BODY, "whsec_forged", at=at(desk))]
    moved = good.replace(f"t={at(desk)}", f"t={at(desk) + 1}")
    for header in [*headers, moved]:
        assert isinstance(desk.hear(BODY, header), Rejected), header
    assert isinstance(desk.hear(BODY.replace(b"pi_1", b"pi_2"), good), Rejected), "altered"
    assert isinstance(desk.hear(BODY + b"\n", good), Rejected), "the very bytes count"
    assert isinstance(desk.hear(BODY, good, webhook_secret=""), Rejected), "nobody is believed without a secret"


@pytest.mark.parametrize("body", [b"", b"\xff\xfe", b"[]", b"{}", b'{"object": "event"}', b'"event"', b"nan"])
def test_what_is_no_event_is_rejected(desk: Any, body: bytes) -> None:
    assert isinstance(desk.hear(body, signature(body, "whsec_new", at=at(desk))), Rejected)


def test_an_event_of_the_other_mode_is_rejected(desk: Any) -> None:
    header = signature(BODY, "whsec_new", at=at(desk))
    desk.mode = Mode.LIVE
    assert isinstance(desk.hear(BODY, header), Rejected)


def test_an_event_of_a_kind_that_means_nothing_is_kept(desk: Any) -> None:
    body = json.dumps({"id": "evt_2", "object": "event", "type": "tax.settings.updated", "livemode": False}).encode()
    (event,) = desk.hear(body, signature(body, "whsec_new", at=at(desk)))
    assert (event.kind, event.reference, event.gateway_reference) == ("tax.settings.updated", "", "")
