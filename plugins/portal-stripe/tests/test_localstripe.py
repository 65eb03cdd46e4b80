"""A second opinion: the same plugin against somebody else's emulator of Stripe, in a process of its own.

That one knows no accounts, disputes or Checkout pages, and nothing of idempotency keys: what it lacks is answered or
left out here, the rest goes over the portal's own wire as it would to Stripe.
"""

from __future__ import annotations

import datetime as dt
import importlib.util
import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit
from urllib.request import Request, urlopen

import pytest
from desk import SETTINGS, order, query

from portal_app.outbound import Outbound, hosts_of
from portal_app.plugin_api import Context, Fund, Method, Mode, OutcomeKind, RefundRequest, Response
from portal_stripe import gateway

HAS_IT = importlib.util.find_spec("localstripe") is not None
pytestmark = pytest.mark.skipif(not HAS_IT and "CI" not in os.environ, reason="localstripe is not installed")

LACKS: dict[str, dict[str, Any]] = {
    "/v1/account": {"id": "acct_firm", "object": "account"},
    "/v1/disputes": {"object": "list", "data": [], "has_more": False},
    "/v1/checkout/sessions": {"object": "list", "data": [], "has_more": False},
}
REFUSES = ("allowed_payment_method_types", "description", "return_url", "payment_intent_data")


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The emulator, served for the length of this file."""
    port = free_port()
    folder = tmp_path_factory.mktemp("localstripe")
    words = [sys.executable, "-m", "localstripe", "--from-scratch", "--port", str(port)]
    with subprocess.Popen(words, cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.STDOUT) as it:
        try:
            _wait(it, port)
            yield f"http://localhost:{port}"
        finally:
            it.kill()


def _wait(process: subprocess.Popen[bytes], port: int) -> None:
    until = time.monotonic() + 30
    while time.monotonic() < until and process.poll() is None:
        try:
            socket.create_connection(("localhost", port), timeout=1).close()
        except OSError:
            time.sleep(0.1)
        else:
            return
    raise AssertionError("localstripe does not answer")


class Wire:
    """The portal's wire to the emulator; what that lacks is answered here."""

    def __init__(self, address: str) -> None:
        self.out = Outbound(hosts_of(address))

    def __call__(
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str] | None = None,
        json: Mapping[str, Any] | None = None,
        content: bytes | None = None,
    ) -> Response:
        if (path := urlsplit(url).path) in LACKS:
            return _made(LACKS[path])
        if content:
            kept = [pair for pair in parse_qsl(content.decode()) if pair[0].partition("[")[0] not in REFUSES]
            content = urlencode(kept).encode()
        answer = self.out(method, url, headers=headers, content=content)
        return _made(_completed(answer.json()), answer.status)


def _made(answer: dict[str, Any], status: int = 200) -> Response:
    return Response(status=status, body=json.dumps(answer).encode(), json=lambda: answer)


def _completed(told: dict[str, Any]) -> dict[str, Any]:
    """Its intents do not say what they received: it is what their charge captured."""
    for each in told["data"] if told.get("object") == "list" else [told]:
        if each.get("object") == "payment_intent":
            charge = each.get("latest_charge")
            each["amount_received"] = charge["amount"] if isinstance(charge, dict) and charge.get("captured") else 0
    return told


@pytest.fixture
def ctx(address: str) -> Context:
    settings = SETTINGS | {"base_url": address, "script_url": f"{address}/js.stripe.com/v3/"}
    return Context(settings=settings, mode=Mode.TEST, http=Wire(address), now=dt.datetime.now(dt.UTC))


def method(address: str, number: str) -> str:
    """A payment method, as the browser makes one."""
    typed = {"type": "card", "card[number]": number, "card[exp_month]": 12, "card[exp_year]": 2034, "card[cvc]": 123}
    asked = Request(
        f"{address}/v1/payment_methods", urlencode(typed).encode(), {"Authorization": "Bearer sk_test_firm"}
    )
    with urlopen(asked) as answer:
        return str(json.load(answer)["id"])


def test_a_card_is_charged_found_and_refunded(ctx: Context, address: str) -> None:
    paid = gateway.gateway_charge(ctx, order("local-1", method(address, "4242424242424242")))
    assert (paid.kind, paid.amount_minor, paid.currency) == (OutcomeKind.SUCCEEDED, 12_345, "USD")
    found = gateway.gateway_lookup(ctx, query("local-1"))
    assert (found.kind, found.gateway_reference) == (OutcomeKind.SUCCEEDED, paid.gateway_reference)
    back = gateway.gateway_refund(ctx, refund(paid.gateway_reference))
    assert (back.kind, back.amount_minor) == (OutcomeKind.SUCCEEDED, 345)
    (fact,) = gateway.gateway_lookup(ctx, query("local-1", paid.gateway_reference)).refunds
    assert (fact.reference, fact.amount_minor) == ("refund-1", 345)


def refund(charge: str) -> RefundRequest:
    return RefundRequest(
        reference="refund-1", amount_minor=345, currency="USD", charge_reference="local-1",
        charge_gateway_reference=charge, merchant_account="acct_firm", method=Method.CARD, fund=Fund.OPERATING,
        charged_minor=12_345, refunded_minor=0, charged_at=dt.datetime.now(dt.UTC),
    )  # fmt: skip


def test_a_declined_card(ctx: Context, address: str) -> None:
    told = gateway.gateway_charge(ctx, order("local-2", method(address, "4000000000000341")))
    assert (told.kind, told.code) == (OutcomeKind.DECLINED, "card_declined")
    assert gateway.gateway_lookup(ctx, query("local-2")).kind is OutcomeKind.DECLINED


def test_a_question_of_the_bank_and_giving_up(ctx: Context, address: str) -> None:
    asked = gateway.gateway_charge(ctx, order("local-3", method(address, "4000002500003155")))
    assert asked.kind is OutcomeKind.ACTION_REQUIRED
    given_up = gateway.gateway_cancel(ctx, query("local-3", asked.gateway_reference))
    assert given_up.kind is OutcomeKind.CANCELED


def test_what_was_never_sent_is_absent(ctx: Context) -> None:
    assert gateway.gateway_lookup(ctx, query("local-9")).kind is OutcomeKind.ABSENT
