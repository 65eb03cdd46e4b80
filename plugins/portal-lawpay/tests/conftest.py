"""An emulator in this process, reached through the same narrow client that the portal gives its plugins."""

from __future__ import annotations

import datetime as dt
import json as jsonlib
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import pytest
from flask import Flask

from portal_app.plugin_api import (
    BillingAddress,
    ChargeRequest,
    Context,
    ExternalTransaction,
    Fund,
    ListQuery,
    LookupQuery,
    Method,
    Mode,
    NeverSent,
    Outcome,
    RefundRequest,
    Response,
    Subject,
)
from portal_emulator.app import create, world_of
from portal_lawpay import gateway

BASE = "https://api.lawpay.test/v1"
SECRET, PUBLIC = "sk_for_tests_only", "m_public_for_tests"
START = dt.datetime(2027, 1, 15, 15, tzinfo=dt.UTC)
CARD = {"type": "card", "number": "4242424242424242", "exp_month": 12, "exp_year": 2034, "cvv": "987"}
BANK = {"type": "bank", "routing_number": "000000013", "account_number": "1234567890", "account_type": "CHECKING"}
ADDRESS = {
    "name": "Alice Placeholder", "address1": "48 Placeholder Lane", "city": "Springfield", "state": "IL",
    "postal_code": "62704", "country": "US",
}  # fmt: skip


def response(status: int, body: bytes, headers: Mapping[str, str] | None = None) -> Response:
    def read() -> dict[str, Any]:
        found = jsonlib.loads(body)
        if not isinstance(found, dict):
            raise ValueError("not an object")
        return found

    return Response(status=status, body=body, json=read, headers=headers or {})


class Wire:
    """The portal's HTTP client, played on the emulator's WSGI application."""

    def __init__(self, app: Flask) -> None:
        self.app = app
        self.calls: list[tuple[str, Any]] = []

    def __call__(
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str] | None = None,
        json: Mapping[str, Any] | None = None,
        content: bytes | None = None,
    ) -> Response:
        assert url.startswith(BASE)
        path = "/v1" + url.removeprefix(BASE)
        self.calls.append((f"{method} {path}", json))
        answer = self.app.test_client().open(path, method=method, headers=dict(headers or {}), json=json, data=content)
        return response(answer.status_code, answer.get_data())

    def posts(self) -> list[tuple[str, Any]]:
        return [(call, body) for call, body in self.calls if call.startswith("POST")]


class Desk:
    """What the tests do: tokenize, charge, look up, refund, move the clock."""

    def __init__(self) -> None:
        self.app = create(secret_key=SECRET, public_key=PUBLIC, clock=lambda: START, sleep=lambda _: None)
        self.world = world_of(self.app)
        self.http = Wire(self.app)
        merchant = self.world.merchant
        self.cards = {account["name"]: account["id"] for account in merchant["merchant_accounts"]}
        self.banks = {account["name"]: account["id"] for account in merchant["ach_accounts"]}
        self.operating = f"{self.cards['Operating']}+{self.banks['Operating eCheck']}"
        self.trust = f"{self.cards['Trust']}+{self.banks['Trust eCheck']}"

    def ctx(self, **settings: str) -> Context:
        known = {"base_url": BASE, "secret_key": SECRET, "public_key": PUBLIC} | settings
        return Context(settings=known, mode=Mode.TEST, http=self.http, now=self.world.now())

    def token(self, details: Mapping[str, Any] = CARD, **changes: Any) -> str:
        answer = self.app.test_client().post("/v1/tokens", json={**ADDRESS, **details, **changes}, auth=(PUBLIC, ""))
        return str(answer.get_json()["id"])

    def bank_token(self, **changes: Any) -> str:
        return self.token(BANK, **changes)

    def query(self, reference: str = "attempt-1") -> LookupQuery:
        return LookupQuery(reference=reference, merchant_account=self.operating)

    def order(self, **changes: Any) -> ChargeRequest:
        if "token" not in changes:
            changes["token"] = self.token(BANK if changes.get("method") is Method.BANK else CARD)
        billing = BillingAddress(**{**ADDRESS, "country": "US"})
        made = ChargeRequest(
            reference="attempt-1", amount_minor=204_000, currency="USD", token="", method=Method.CARD,
            fund=Fund.OPERATING, merchant_account=self.operating, return_url="https://portal.test/back",
            description="Invoice 2026-0412", billing=billing,
        )  # fmt: skip
        return replace(made, **changes)

    def charge(self, **changes: Any) -> Outcome:
        return gateway.gateway_charge(self.ctx(), self.order(**changes))

    def look_up(self, reference: str = "attempt-1", **changes: Any) -> Outcome:
        return gateway.gateway_lookup(self.ctx(), replace(self.query(reference), **changes))

    def refund(self, charge: Outcome, amount_minor: int, reference: str = "refund-1", **changes: Any) -> Outcome:
        request = RefundRequest(
            reference=reference, amount_minor=amount_minor, currency="USD", charge_reference="attempt-1",
            charge_gateway_reference=charge.gateway_reference, merchant_account=self.operating, method=Method.CARD,
            fund=Fund.OPERATING, charged_minor=charge.amount_minor or 0, refunded_minor=0, charged_at=START,
        )  # fmt: skip
        return gateway.gateway_refund(self.ctx(), replace(request, **changes))

    def look_up_refund(self, charge: Outcome, reference: str = "refund-1", **changes: Any) -> Outcome:
        known = {"charge_reference": "attempt-1", "charge_gateway_reference": charge.gateway_reference}
        return self.look_up(reference, subject=Subject.REFUND, **known | changes)

    def lines(self, since: dt.datetime = START, **changes: Any) -> list[ExternalTransaction]:
        """Every line of the list, all pages."""
        until = self.world.now() + dt.timedelta(seconds=1)
        query = ListQuery(since=since, until=until, merchant_account=self.operating)
        found: list[ExternalTransaction] = []
        for _ in range(50):
            page = gateway.gateway_list(self.ctx(), replace(query, **changes))
            found += page.transactions
            if not page.next_cursor:
                return found
            changes["cursor"] = page.next_cursor
        raise AssertionError("the list has no end")

    def advance(self, **time: int) -> None:
        from portal_emulator import nights

        nights.advance(self.world, self.world.now() + dt.timedelta(**time))

    def api(self, method: str, path: str, json: Any = None) -> Any:
        """What somebody does at LawPay, not through the portal."""
        return self.app.test_client().open(f"/v1/{path}", method=method, json=json, auth=(SECRET, "")).get_json()

    def charges(self) -> list[Any]:
        return [row for row in self.world.store.all("transaction") if row["type"] == "CHARGE"]

    def refunds(self) -> list[Any]:
        return [row for row in self.world.store.all("transaction") if row["type"] == "REFUND"]


class Canned:
    """A wire with answers written down: by ``METHOD path`` (without the query), in order; the last one stays."""

    def __init__(self, answers: Mapping[str, list[Any]]) -> None:
        self.answers = {call: list(given) for call, given in answers.items()}
        self.calls: list[str] = []

    def __call__(self, method: str, url: str, **_named: Any) -> Response:
        call = f"{method} {url.removeprefix(BASE + '/').partition('?')[0]}"
        self.calls.append(call)
        given = self.answers[call]
        answer = given.pop(0) if len(given) > 1 else given[0]
        if isinstance(answer, Exception):
            raise answer
        status, body = answer
        return response(status, body if isinstance(body, bytes) else jsonlib.dumps(body).encode())


@pytest.fixture
def desk() -> Desk:
    return Desk()


@pytest.fixture(scope="session")
def still_desk() -> Desk:
    """For tests that only write answers down: nobody may change it."""
    return Desk()


@pytest.fixture
def canned(desk: Desk) -> Callable[[Mapping[str, list[Any]]], Context]:
    """A context on written answers; the merchant answers as the emulator's does."""

    def make(answers: Mapping[str, list[Any]]) -> Context:
        merchant = [(200, desk.world.merchant)]
        return replace(desk.ctx(), http=Canned({"GET merchant": merchant, **answers}))

    return make


@pytest.fixture
def unplugged(desk: Desk) -> Context:
    def refuse(*_args: Any, **_named: Any) -> Response:
        raise NeverSent("connection refused")

    return replace(desk.ctx(), http=refuse)
