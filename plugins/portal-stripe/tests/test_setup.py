"""Settings, "Test connection", the fields of the page, what is kept as evidence; and that it loads fast."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import pytest

from portal_app.plugin_api import BeginRequest, Flow, Fund, Method, Mode
from portal_stripe import gateway
from portal_stripe.manifest import API, MANIFEST, SCRIPT

LIVE = {
    "secret_key": "sk_live_firm", "publishable_key": "pk_live_firm", "base_url": API, "script_url": SCRIPT,
}  # fmt: skip


def problems(desk: Any, mode: Mode = Mode.TEST, **settings: str) -> dict[str, str]:
    desk.mode = mode
    return {each.field: each.message for each in gateway.gateway_validate_settings(desk.ctx(**settings))}


def test_what_is_right(desk: Any) -> None:
    assert problems(desk) == {}
    assert problems(desk, secret_key="rk_test_firm") == {}
    assert problems(desk, Mode.LIVE, **LIVE) == {}


@pytest.mark.parametrize(
    ("mode", "settings", "field"),
    [
        (Mode.TEST, {"secret_key": "sk_live_firm"}, "secret_key"),
        (Mode.TEST, {"publishable_key": "pk_live_firm"}, "publishable_key"),
        (Mode.LIVE, LIVE | {"secret_key": "sk_test_firm"}, "secret_key"),
        (Mode.LIVE, LIVE | {"publishable_key": "pk_test_firm"}, "publishable_key"),
        (Mode.TEST, {"secret_key": "pk_test_firm"}, "secret_key"),
        (Mode.TEST, {"publishable_key": "sk_test_firm"}, "publishable_key"),
        (Mode.TEST, {"secret_key": ""}, "secret_key"),
        (Mode.TEST, {"secret_key": "sk_test_firm\nX: y"}, "secret_key"),
        (Mode.TEST, {"webhook_secret": "secret"}, "webhook_secret"),
        (Mode.TEST, {"webhook_secret_before": "secret"}, "webhook_secret_before"),
        (Mode.TEST, {"base_url": "api.stripe.com"}, "base_url"),
        (Mode.LIVE, LIVE | {"base_url": "https://api.stripe.com.example"}, "base_url"),
        (Mode.LIVE, LIVE | {"script_url": "https://js.example/v3/"}, "script_url"),
    ],
)
def test_what_cannot_be_right(desk: Any, mode: Mode, settings: dict[str, str], field: str) -> None:
    assert set(problems(desk, mode, **settings)) == {field}
    assert not desk.http.calls


def test_a_connection_that_works(desk: Any) -> None:
    health = gateway.gateway_health(desk.ctx())
    assert health.is_ok, health
    (account,) = health.accounts
    assert (account.id, account.fund, account.currency) == ("acct_firm", Fund.OPERATING, "USD")


@pytest.mark.parametrize(("key", "label"), [("sk_test_revoked", "Secret key"), ("rk_test_firm_narrow", "Secret key")])
def test_a_key_that_is_not_let_in(desk: Any, key: str, label: str) -> None:
    health = gateway.gateway_health(desk.ctx(secret_key=key))
    assert not health.is_ok
    assert health.checks[0].label.startswith(label)
    assert key not in str(health)


def test_nobody_there(desk: Any) -> None:
    desk.http.is_down = True
    assert not gateway.gateway_health(desk.ctx()).is_ok
    desk.http.is_down = False
    desk.fake.fault("error_before", "GET", "/v1/account")
    assert not gateway.gateway_health(desk.ctx()).is_ok


def test_trust_only_where_the_firm_says_so_and_no_fee_was_kept(desk: Any) -> None:
    assert {each.fund for each in gateway.gateway_health(desk.ctx()).accounts} == {Fund.OPERATING}
    trust = desk.ctx(pays_into="trust", secret_key="sk_test_trust")
    health = gateway.gateway_health(trust)
    assert health.is_ok
    assert {each.fund for each in health.accounts} == {Fund.TRUST}
    desk.charge()
    desk.fake.advance(5)
    kept = gateway.gateway_health(desk.ctx(pays_into="trust"))
    assert [each.label for each in kept.checks if not each.is_ok] == ["Trust: fees are billed elsewhere"]


def drawn(desk: Any, **settings: str) -> Any:
    request = BeginRequest(
        flow=Flow.FIELDS, method=Method.CARD, currency="USD", fund=Fund.OPERATING, merchant_account="acct_firm",
        page_origin="http://portal.test",
    )  # fmt: skip
    return gateway.gateway_begin(desk.ctx(**settings), request)


def test_the_fields_name_their_origins_and_no_secret(desk: Any) -> None:
    fields = drawn(desk, **LIVE)
    assert fields.script_origins == ("https://js.stripe.com", "https://*.js.stripe.com")
    assert fields.frame_origins == ("https://js.stripe.com", "https://*.js.stripe.com", "https://hooks.stripe.com")
    assert fields.connect_origins == (API,)
    assert (fields.config["script"], fields.config["key"]) == (SCRIPT, "pk_live_firm")
    assert "sk_" not in str(dict(fields.config))
    assert drawn(desk).script_origins == (desk.fake.origin,)
    assert not desk.http.calls


def test_evidence_is_kept_without_secrets_or_people(desk: Any) -> None:
    paid = desk.charge()
    assert "client_secret" in paid.payload
    kept = gateway.gateway_redact(paid.payload)
    assert (kept["id"], kept["status"], kept["metadata"]["portal_reference"]) == (
        paid.gateway_reference, "succeeded", "attempt-1",
    )  # fmt: skip
    assert kept["latest_charge"]["amount"] == 12_345
    declined = desk.charge("pm_card_chargeDeclinedInsufficientFunds", "attempt-2")
    told = gateway.gateway_redact(declined.payload)
    assert told["last_payment_error"]["decline_code"] == "insufficient_funds"
    for word in ("client_secret", "billing", "secret", "name", "address", "return_url", "4242"):
        assert word not in f"{kept}{told}"


def test_secrets_are_written_nowhere(desk: Any, caplog: pytest.LogCaptureFixture) -> None:
    import logging

    caplog.set_level(logging.DEBUG)
    for fault in ("lost", "garbage", "rate", "error_after"):
        desk.fake.fault(fault, path="/v1/payment_intents")
        told = desk.charge(reference=fault)
        assert "sk_test_firm" not in str(told)
    assert "sk_test_firm" not in caplog.text
    assert "whsec_" not in caplog.text


def test_loading_the_plugin_does_not_load_stripe() -> None:
    code = "import sys, portal_stripe; sys.exit('stripe' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_the_manifest_says_what_the_plugin_can(desk: Any) -> None:
    manifest = gateway.gateway_manifest()
    assert manifest is MANIFEST
    assert manifest.funds == (Fund.OPERATING, Fund.TRUST)
    secrets = {each.name for each in manifest.settings if each.kind == "secret"}
    assert secrets == {"secret_key", "webhook_secret", "webhook_secret_before"}
    assert not manifest.is_rehearsal
