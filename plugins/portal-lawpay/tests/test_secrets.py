"""What may be known and what may not: keys in headers alone, masks in evidence, no word of the payer."""

from __future__ import annotations

import json
import logging
from base64 import b64encode
from typing import Any

import pytest

from portal_app.plugin_api import BeginRequest, Flow, Fund, Method
from portal_lawpay import gateway

SECRET = "sk_for_tests_only"
OURS = (SECRET, b64encode(f"{SECRET}:".encode()).decode())
PAYER = ("Alice", "Placeholder", "62704", "Springfield", "4242424242424242", "1234567890", "987")


def test_evidence_has_masks_and_nothing_of_the_payer(desk: Any) -> None:
    outcomes = [
        desk.charge(), desk.look_up(), desk.refund(desk.look_up(), 700), desk.look_up_refund(desk.look_up()),
        desk.charge(method=Method.BANK, reference="attempt-2"),
        desk.charge(token=desk.token(number="4000000000000002"), reference="attempt-3"),
        desk.charge(token=desk.token(exp_month=13), reference="attempt-4"),
    ]  # fmt: skip
    for outcome in outcomes:
        kept = json.dumps(gateway.gateway_redact(outcome.payload))
        assert json.loads(kept)
        assert not [word for word in (*OURS, *PAYER) if word in kept]
    assert outcomes[0].payload["method"]["number"] == "************4242"
    assert outcomes[4].payload["method"]["routing_number"] == "******013"
    assert outcomes[5].payload["messages"][0]["code"] == "card_declined"


@pytest.mark.parametrize("number", ["4242424242424242", "424242******4242", "4242", "****42424242", 4242])
def test_a_number_that_is_no_mask_is_dropped(number: Any) -> None:
    kept = gateway.gateway_redact({"id": "t", "method": {"type": "card", "number": number, "name": "Alice"}})
    assert kept == {"id": "t", "method": {"type": "card"}}


def test_redaction_keeps_no_unknown_field_and_changes_nothing_twice() -> None:
    payload = {
        "id": "t", "data": {"id": "d", "memo": "Alice", "method": {"type": "card", "fingerprint": "f"}}, "memo": "x",
        "messages": [{"code": "c", "message": "Alice’s card"}, "x"],
        "refunds": [{"id": "r", "method": {"name": "Alice"}}],
        "reference": "r" * 500, "signature": {"data": "…"}, "amount": 5,
    }  # fmt: skip
    kept = gateway.gateway_redact(payload)
    assert kept == gateway.gateway_redact(kept)
    assert "Alice" not in str(kept)
    assert kept["messages"] == [{"code": "c"}]
    assert len(kept["reference"]) == 200
    assert not {"memo", "signature"} & set(kept)


def test_secrets_are_in_no_address_log_or_error(desk: Any, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    desk.charge()
    desk.look_up()
    desk.lines()
    desk.world.faults.switch_on("unavailable")
    with pytest.raises(Exception) as told:  # noqa: PT011  (whatever it is, it says no secret)
        desk.lines()
    said = f"{desk.http.calls} {caplog.text} {told.value!r}"
    assert not [word for word in OURS if word in said]
    assert gateway.gateway_health(desk.ctx(secret_key="sk_other")).checks
    fields = gateway.gateway_begin(
        desk.ctx(), BeginRequest(
            flow=Flow.FIELDS, method=Method.CARD, currency="USD", fund=Fund.OPERATING, merchant_account="",
            page_origin="https://portal.test",
        ),
    )  # fmt: skip
    assert SECRET not in str(fields)


def test_the_plugin_holds_no_state(desk: Any) -> None:
    before = dict(vars(gateway))
    desk.charge()
    desk.look_up()
    assert dict(vars(gateway)) == before == {}
