"""Events: one for each change, signed, delivered until they are taken; and read by nobody but their addressee."""

from __future__ import annotations

import datetime as dt
import json
import threading
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from portal_app.plugin_api import BeginRequest, Delivery, Flow, Fund, Method, Redirect, Rejected, Subject
from portal_sandbox import gateway, running
from portal_sandbox.events import HEADER, KINDS, RETRY_SECONDS, digest, key_of, signature

CARD = "4242424242424242"
HOOK = "http://portal.test:8000/webhooks/sandbox/secret"
AT = dt.datetime(2027, 1, 15, 8, tzinfo=dt.UTC)
KEY = key_of("sk_sandbox_rehearsal")


def test_each_change_is_told_once(desk: Any) -> None:
    charge = desk.charge(desk.token(CARD))
    desk.charge("whatever", "attempt-1")
    desk.lookup()
    refund = desk.refund(1_000)
    desk.refund(1_000)
    told = desk.told()
    assert [(event["kind"], event["object"], event["reference"]) for event in told] == [
        ("charge.succeeded", charge.gateway_reference, "attempt-1"),
        ("refund.succeeded", refund.gateway_reference, "refund-1"),
    ]
    assert len({event["id"] for event in told}) == 2
    assert desk.told() == []
    assert not {"amount", "amount_minor", "last4"} & set(told[0]), "a reason to ask, not a proof"


def test_whatever_happens_later_is_told_when_it_happens(desk: Any) -> None:
    desk.charge(desk.bank_token("000123456789"))
    assert [event["kind"] for event in desk.told()] == ["charge.pending"]
    desk.clock.now += 59
    assert desk.told() == []
    desk.clock.now += 1
    assert [event["kind"] for event in desk.told()] == ["charge.succeeded"]


def test_disputes_name_their_charge(desk: Any) -> None:
    charge = desk.charge(desk.token(CARD))
    desk.press("dispute", charge.gateway_reference)
    desk.press("lost", desk.lookup().disputes[0].gateway_reference)
    told = desk.told()
    assert [event["kind"] for event in told] == ["charge.succeeded", "dispute.open", "dispute.lost"]
    assert {(event["subject"], event["object"]) for event in told} == {("charge", charge.gateway_reference)}


def test_a_void_is_told_of_the_charge_and_of_the_refund(desk: Any) -> None:
    charge = desk.charge(desk.token(CARD))
    desk.refund(500_000)
    told = [(event["kind"], event["subject"], event["object"]) for event in desk.told()]
    id = charge.gateway_reference
    assert told[1:] == [("charge.returned", "charge", id), ("refund.succeeded", "refund", id)]


def test_the_sandboxs_own_page_tells_too(desk: Any) -> None:
    ask = BeginRequest(
        flow=Flow.REDIRECT, method=Method.CARD, currency="USD", fund=Fund.TRUST, merchant_account="sandbox-trust",
        page_origin="http://portal.test:8000", amount_minor=700, reference="attempt-9", return_url="http://portal.test/x",
    )  # fmt: skip
    page = gateway.gateway_begin(desk.ctx(), ask)
    assert isinstance(page, Redirect)
    assert desk.told() == [], "nobody has paid yet"
    typed = {"method": "card", "number": CARD, "expires": "12/30", "code": "123"}
    desk.web.post(f"/pay/{page.gateway_reference}", data=typed)
    assert [(event["kind"], event["merchant_account"]) for event in desk.told()] == [
        ("charge.succeeded", "sandbox-trust")
    ]


def test_nobody_is_told_who_does_not_ask(desk: Any, make_order: Any) -> None:
    gateway.gateway_charge(replace(desk.ctx(), webhook_url=""), make_order("a", 100, desk.token(CARD)))
    assert desk.told() == []


@pytest.mark.parametrize("url", ["ftp://x", "javascript:x", 7, "http://a\nb"])
def test_only_a_web_address_is_told(desk: Any, url: Any) -> None:
    sent = {"reference": "a", "amount_minor": 1, "currency": "USD", "merchant_account": "sandbox-trust"}
    sent |= {"return_url": "http://x", "token": desk.token(CARD), "webhook_url": url}
    answer = desk.web.post("/v1/charges", json=sent, headers={"Authorization": "Bearer sk_sandbox_x"})
    assert answer.status_code == 422


@pytest.mark.parametrize("status", [0, 301, 404, 500])
def test_what_is_not_taken_is_delivered_again_and_at_last_given_up(desk: Any, status: int) -> None:
    desk.charge(desk.token(CARD))
    desk.portal.status = status
    start = desk.clock.now
    for wait in RETRY_SECONDS:
        assert desk.round() == desk.clock.now + wait
        desk.clock.now += wait - 1
        posts = len(desk.portal.posts)
        desk.round()
        assert len(desk.portal.posts) == posts, "not too early"
        desk.clock.now += 1
    assert desk.round() == 0, "given up"
    assert desk.clock.now - start == sum(RETRY_SECONDS)
    assert len(desk.portal.posts) == len(RETRY_SECONDS) + 1
    assert len({body for _, body, _ in desk.portal.posts}) == 1, "the same event each time"
    assert "given up" in desk.web.get("/").text


def test_once_taken_it_is_not_sent_again_unless_asked(desk: Any) -> None:
    desk.charge(desk.token(CARD))
    desk.portal.status = 503
    desk.round()
    desk.portal.status = 200
    desk.clock.now += RETRY_SECONDS[0]
    assert desk.round() == 0
    assert len(desk.portal.posts) == 2
    desk.press("tell", json.loads(desk.portal.posts[0][1])["id"])
    desk.round()
    assert desk.portal.posts[2][1] == desk.portal.posts[0][1]


def test_a_restart_forgets_no_delivery(desk: Any) -> None:
    desk.charge(desk.token(CARD))
    desk.restart()
    assert [event["kind"] for event in desk.told()] == ["charge.succeeded"]


def test_two_postmen_deliver_once(desk: Any) -> None:
    for number in range(4):
        desk.charge(desk.token(CARD), f"attempt-{number}")
    gate = threading.Barrier(2)

    def go() -> None:
        gate.wait()
        desk.round()

    threads = [threading.Thread(target=go) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(desk.portal.posts) == 4


def test_the_secret_key_is_not_written_down(desk: Any, make_order: Any) -> None:
    ctx = desk.ctx(secret_key="sk_sandbox_topmost_secret")
    gateway.gateway_charge(ctx, make_order("a", 100, desk.token(CARD)))
    desk.round()
    assert b"topmost" not in desk.stored_bytes() + desk.portal.posts[0][1]


def delivered(desk: Any, **changed: Any) -> Delivery:
    """The charge's event as the portal receives it."""
    desk.charge(desk.token(CARD))
    desk.round()
    url, body, headers = desk.portal.posts[0]
    assert url == HOOK
    received = dt.datetime.fromtimestamp(desk.clock.now, dt.UTC)
    lower = {name.lower(): value for name, value in headers.items()}
    return replace(Delivery(body=body, headers=lower, received_at=received), **changed)


def test_the_portal_reads_what_the_sandbox_sends(desk: Any) -> None:
    delivery = delivered(desk)
    events = gateway.gateway_webhook(desk.ctx(), delivery)
    assert isinstance(events, list)
    (event,) = events
    assert (event.kind, event.subject, event.reference) == ("charge.succeeded", Subject.CHARGE, "attempt-1")
    assert event.gateway_reference == desk.lookup().gateway_reference
    assert event.id.startswith("evt_")
    assert event.merchant_account == "sandbox-operating"
    assert gateway.gateway_webhook(desk.ctx(), delivery) == [event], "twice is the same event"
    assert gateway.gateway_redact(event.payload)["kind"] == "charge.succeeded"
    assert len(desk.http.calls) == 2, "the charge and this test's question: the hook asks nobody"


def test_every_kind_is_declared() -> None:
    assert gateway.gateway_manifest().webhook_events == KINDS


@pytest.mark.parametrize(("late", "is_good"), [(300, True), (-300, True), (301, False), (-301, False)])
def test_what_is_older_than_five_minutes_is_stale(desk: Any, late: int, is_good: bool) -> None:
    delivery = delivered(desk)
    moved = replace(delivery, received_at=delivery.received_at + dt.timedelta(seconds=late))
    assert isinstance(gateway.gateway_webhook(desk.ctx(), moved), list if is_good else Rejected)


def test_what_is_altered_or_of_another_key_is_rejected(desk: Any) -> None:
    good = delivered(desk)
    signed = good.headers[HEADER]
    for bad in (
        replace(good, body=good.body + b" "),
        replace(good, body=good.body.replace(b"charge.succeeded", b"charge.returned_")),
        replace(good, headers={}),
        replace(good, headers={HEADER: ""}),
        replace(good, headers={HEADER: signed.replace("v1=", "v0=")}),
        replace(good, headers={HEADER: signed.replace("t=1", "t=2")}),
        replace(good, headers={HEADER: signed[:-1]}),
        replace(good, headers={HEADER: signed + "\n"}),
        replace(good, headers={HEADER: "t=٣,v1=" + "0" * 64}),
        replace(good, headers={HEADER: signature(good.body, key_of("sk_sandbox_other"), desk.clock.now)}),
    ):
        assert isinstance(gateway.gateway_webhook(desk.ctx(), bad), Rejected)
    assert isinstance(gateway.gateway_webhook(desk.ctx(secret_key="sk_sandbox_other"), good), Rejected)


@pytest.mark.parametrize(
    "body",
    [b"", b"[]", b"null", b"{}", b"\xff", b"[" * 9000, b'{"id": 1}',
     b'{"id": "e", "kind": "k", "subject": "moon", "object": "", "reference": "", "merchant_account": ""}',
     b'{"id": "e", "kind": ["k"], "subject": "charge", "object": "", "reference": "", "merchant_account": ""}'],
)  # fmt: skip
def test_what_is_signed_but_makes_no_sense_is_rejected(desk: Any, body: bytes) -> None:
    headers = {HEADER: signature(body, KEY, int(AT.timestamp()))}
    answer = gateway.gateway_webhook(desk.ctx(), Delivery(body=body, headers=headers, received_at=AT))
    assert isinstance(answer, Rejected)
    assert answer.reason == "not understood"


def test_the_signature_is_the_documented_one() -> None:
    # As an author of another receiver would compute it from the README.
    key = "e3138de6dd3010d527fed63004c238455ffeb474ff09c6c3cb724fcfacac357a"
    assert key_of("sk_sandbox_x") == key
    assert digest(b"{}", "k", "1") == "3dd49b2593d0f9a349e9e71c4bde3e2b862c2be4003fe9b4ba81332029310158"
    assert signature(b"{}", key, 1) == f"t=1,v1={digest(b'{}', key, '1')}"


def test_the_postman_walks_by_himself_and_goes_home(tmp_path: Any) -> None:
    heard = threading.Event()

    def post(_url: str, _body: bytes, _headers: Mapping[str, str]) -> int:
        heard.set()
        return 200

    app = running.serve(str(tmp_path), post=post)
    try:
        web = app.test_client()
        typed = {"method": "card", "number": CARD, "expires": "12/49", "code": "123"}
        sent = {"token": web.post("/v1/tokens", json=typed).get_json()["id"], "reference": "a", "amount_minor": 100}
        sent |= {"currency": "USD", "merchant_account": "sandbox-trust", "return_url": HOOK, "webhook_url": HOOK}
        assert web.post("/v1/charges", json=sent, headers={"Authorization": "Bearer sk_sandbox_x"}).status_code == 201
        assert heard.wait(10)
    finally:
        running.stop()
    assert not [thread for thread in threading.enumerate() if thread.name == "sandbox-postman"]
