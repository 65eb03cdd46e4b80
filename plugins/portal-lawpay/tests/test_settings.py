"""What the plugin says of itself, what settings it refuses, and "Test connection"."""

from __future__ import annotations

from dataclasses import replace
from importlib.metadata import version
from typing import Any

import pluggy
import pytest

from portal_app import hookspecs
from portal_app.plugin_api import (
    PROJECT,
    BeginRequest,
    Capability,
    Context,
    Fields,
    Flow,
    Fund,
    Method,
    Mode,
    Outcome,
    OutcomeKind,
    Redirect,
)
from portal_lawpay import gateway

ASK = BeginRequest(
    flow=Flow.FIELDS, method=Method.CARD, currency="USD", fund=Fund.OPERATING, merchant_account="a+b",
    page_origin="https://portal.test",
)  # fmt: skip
PAGE = {"page_url": "https://secure.lawpay.test", "page_merchant": "quillfeather"}


def test_every_hook_is_one_that_the_portal_calls() -> None:
    manager = pluggy.PluginManager(PROJECT)
    manager.add_hookspecs(hookspecs)
    manager.register(gateway, "lawpay")
    manager.check_pending()
    implemented = {hook.name for hook in manager.get_hookcallers(gateway) or ()}
    needed = {f"gateway_{name}" for name in "manifest charge lookup return refund webhook list redact".split()}
    assert needed <= implemented <= set(vars(hookspecs))


def test_the_manifest_promises_what_the_hooks_do() -> None:
    manifest = gateway.gateway_manifest()
    assert manifest.version == version("portal-lawpay")
    assert manifest == gateway.gateway_manifest()
    assert not manifest.is_rehearsal
    assert Capability.FEES not in manifest.capabilities
    assert Capability.DISPUTES not in manifest.capabilities
    assert [item.kind for item in manifest.settings if item.name == "secret_key"] == ["secret"]
    assert "transaction.failed" in manifest.webhook_events


@pytest.mark.parametrize(
    ("settings", "mode", "fields"),
    [
        ({}, Mode.TEST, []),
        ({}, Mode.LIVE, []),
        ({"base_url": "http://127.0.0.1:8180/v1"}, Mode.TEST, []),
        ({"base_url": "http://127.0.0.1:8180/v1"}, Mode.LIVE, ["base_url"]),
        ({"base_url": "https://localhost:8180/v1"}, Mode.LIVE, ["base_url"]),
        ({"base_url": "http://api.8am.com/v1"}, Mode.TEST, ["base_url"]),
        ({"base_url": "ftp://api.8am.com"}, Mode.TEST, ["base_url"]),
        ({"base_url": "https://a@b.test"}, Mode.TEST, ["base_url"]),
        ({"base_url": "https://b.test:x"}, Mode.TEST, ["base_url"]),
        ({"fields_url": "https://x.test; script-src *"}, Mode.TEST, ["fields_url"]),
        ({"page_url": "nowhere"}, Mode.TEST, ["page_url"]),
        ({"secret_key": ""}, Mode.TEST, ["secret_key"]),
        ({"public_key": " "}, Mode.TEST, ["public_key"]),
        ({"secret_key": "two words"}, Mode.TEST, ["secret_key"]),
        ({"public_key": "line\nbreak"}, Mode.TEST, ["public_key"]),
        ({"public_key": "sk_for_tests_only"}, Mode.TEST, ["public_key"]),
        ({"page_merchant": "https://secure.lawpay.com/pages/x"}, Mode.TEST, ["page_merchant"]),
        ({"page_trust": "a/b"}, Mode.TEST, ["page_trust"]),
        ({"fields_integrity": "md5-abc"}, Mode.TEST, ["fields_integrity"]),
        ({"fields_integrity": "sha384-" + "A" * 64}, Mode.TEST, []),
    ],
)
def test_settings_are_judged_without_the_network(desk: Any, settings: Any, mode: Mode, fields: list[str]) -> None:
    ctx = replace(desk.ctx(**settings), mode=mode)
    assert [problem.field for problem in gateway.gateway_validate_settings(ctx)] == fields
    assert desk.http.calls == []


def test_health_names_an_account_for_each_fund(desk: Any) -> None:
    health = gateway.gateway_health(desk.ctx())
    assert health.is_ok
    assert {(each.id, each.fund, each.currency) for each in health.accounts} == {
        (desk.operating, Fund.OPERATING, "USD"), (desk.trust, Fund.TRUST, "USD"),
    }  # fmt: skip
    assert desk.http.posts() == []


def test_health_can_be_seen_to_fail(desk: Any, unplugged: Context) -> None:
    wrong = gateway.gateway_health(desk.ctx(secret_key="wrong"))
    assert [(check.label, check.is_ok) for check in wrong.checks] == [("Secret key is accepted", False)]
    assert not gateway.gateway_health(unplugged).is_ok
    swapped = gateway.gateway_health(desk.ctx(public_key="sk_for_tests_only"))
    assert "secret key" in next(check.detail for check in swapped.checks if not check.is_ok)


@pytest.mark.parametrize("answer", [(500, {}), (200, b"<html>"), (302, {}), (200, []), (429, b"slow down")])
def test_an_answer_that_is_not_lawpays_is_no_health(canned: Any, answer: Any) -> None:
    assert not gateway.gateway_health(canned({"GET merchant": [answer]})).is_ok


def accounts(*rows: tuple[str, str, Any]) -> dict[str, Any]:
    made: dict[str, Any] = {"name": "Firm", "merchant_accounts": [], "ach_accounts": []}
    for kind, id, flag in rows:
        made[kind].append({"id": id, "name": id.upper(), "currency": "USD", "trust_account": flag})
    return made


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        ([("merchant_accounts", "c", False)], {("c+", Fund.OPERATING)}),
        ([("ach_accounts", "b", True)], {("+b", Fund.TRUST)}),
        (
            [("merchant_accounts", "c", False), ("ach_accounts", "b", True)],
            {("c+", Fund.OPERATING), ("+b", Fund.TRUST)},
        ),
        (
            [("merchant_accounts", "c", False), ("ach_accounts", "b", False), ("ach_accounts", "d", False)],
            {("c+b", Fund.OPERATING), ("c+d", Fund.OPERATING)},
        ),
        ([("merchant_accounts", "c", "false"), ("merchant_accounts", "d", None), ("ach_accounts", "b", 0)], set()),
    ],
)  # fmt: skip
def test_accounts_are_paired_by_fund_and_never_guessed(canned: Any, rows: Any, expected: Any) -> None:
    ctx = canned({"GET merchant": [(200, accounts(*rows)), (401, {})]})
    assert {(each.id, each.fund) for each in gateway.gateway_health(ctx).accounts} == expected


def test_an_account_of_another_currency_is_no_pair(canned: Any) -> None:
    told = accounts(("merchant_accounts", "c", False), ("ach_accounts", "b", False))
    told["ach_accounts"][0]["currency"] = "CAD"
    found = gateway.gateway_health(canned({"GET merchant": [(200, told), (401, {})]})).accounts
    assert {(each.id, each.currency) for each in found} == {("c+", "USD"), ("+b", "CAD")}


def test_fields_are_drawn_without_the_network(desk: Any) -> None:
    fields = gateway.gateway_begin(desk.ctx(), ASK)
    assert isinstance(fields, Fields)
    assert fields.script_origins == ("https://cdn.affinipay.com",)
    assert fields.frame_origins[:2] == ("https://cdn.affinipay.com", "https://api.lawpay.test")
    assert fields.config["publicKey"] == "m_public_for_tests"
    assert "sk_for_tests_only" not in str(fields)
    assert desk.http.calls == []


def test_a_look_alike_of_the_fields_opens_no_way_to_the_vendor(desk: Any) -> None:
    fields = gateway.gateway_begin(desk.ctx(fields_url="http://localhost:8180/fields.js"), ASK)
    assert isinstance(fields, Fields)
    assert fields.connect_origins == ("http://localhost:8180", "https://api.lawpay.test")


@pytest.mark.parametrize(("fund", "slug"), [(Fund.OPERATING, "operating"), (Fund.TRUST, "trust")])
def test_the_payment_page_of_the_fund_is_filled_in_and_fixed(desk: Any, fund: Fund, slug: str) -> None:
    ask = replace(
        ASK, flow=Flow.REDIRECT, fund=fund, amount_minor=204_050, reference="attempt-9",
        return_url="https://portal.test/back?x=1&y=2",
    )  # fmt: skip
    sent = gateway.gateway_begin(desk.ctx(**PAGE), ask)
    assert sent == Redirect(
        url=f"https://secure.lawpay.test/pages/quillfeather/{slug}?amount=204050&reference=attempt-9"
        "&readOnlyFields=reference%2Camount&return_url=https%3A%2F%2Fportal.test%2Fback%3Fx%3D1%26y%3D2",
        gateway_reference="",
    )
    assert desk.http.calls == []


def test_without_a_payment_page_nothing_is_sent(desk: Any) -> None:
    said = gateway.gateway_begin(desk.ctx(), replace(ASK, flow=Flow.REDIRECT, amount_minor=1, reference="a"))
    assert isinstance(said, Outcome)
    assert said.kind is OutcomeKind.NOT_SUBMITTED
    assert "call the firm" in said.message
