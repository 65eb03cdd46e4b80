"""A companion in this process, reached through the same narrow client that the portal gives its plugins."""

from __future__ import annotations

import datetime as dt
import json as jsonlib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
from flask import Flask

from portal_app.plugin_api import (
    BillingAddress,
    ChargeRequest,
    Context,
    Fund,
    LookupQuery,
    Method,
    Mode,
    Outcome,
    Response,
)
from portal_sandbox import gateway
from portal_sandbox.companion import create

ORIGIN = "http://portal.test:8000"
BASE = "http://sandbox.test:8001"
NOW = dt.datetime(2027, 1, 15, tzinfo=dt.UTC)


class Clock:
    def __init__(self) -> None:
        self.now = 1_800_000_000  # January 2027

    def __call__(self) -> int:
        return self.now


class Wire:
    """The portal's HTTP client, played on the companion's WSGI application."""

    def __init__(self, app: Flask) -> None:
        self.app = app
        self.calls: list[str] = []

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
        self.calls.append(f"{method} {url.removeprefix(BASE)}")
        kept = dict(headers or {})
        path = url.removeprefix(BASE)
        answer = self.app.test_client().open(path, method=method, headers=kept, json=json, data=content)
        body = answer.get_data()
        return Response(status=answer.status_code, body=body, json=lambda: _object(body))


def _object(body: bytes) -> dict[str, Any]:
    found = jsonlib.loads(body)
    if not isinstance(found, dict):
        raise ValueError("not an object")
    return found


class Desk:
    """What the tests do: type a number, charge it, look it up."""

    def __init__(self, data_dir: Path) -> None:
        self.data_dir = data_dir
        self.clock = Clock()
        self.slept: list[int] = []
        self.restart()

    def restart(self) -> None:
        self.app = create(str(self.data_dir), clock=self.clock, sleep=self.slept.append)
        self.app.testing = True
        self.http = Wire(self.app)
        self.web = self.app.test_client()

    def ctx(self, **settings: str) -> Context:
        return Context(settings=settings, mode=Mode.TEST, http=self.http, now=NOW, companion_url=BASE)

    def token(self, number: str, expires: str = "12/30", code: str = "123") -> str:
        typed = {"method": "card", "number": number, "expires": expires, "code": code}
        return self.web.post("/v1/tokens", json=typed).get_json()["id"]

    def bank_token(self, account: str, routing: str = "110000000") -> str:
        typed = {"method": "bank", "routing": routing, "account": account}
        return self.web.post("/v1/tokens", json=typed).get_json()["id"]

    def charge(self, token: str, reference: str = "attempt-1", amount_minor: int = 500_000) -> Outcome:
        return gateway.gateway_charge(self.ctx(), order(reference, amount_minor, token))

    def lookup(self, reference: str = "attempt-1") -> Outcome:
        return gateway.gateway_lookup(self.ctx(), query(reference))

    def cancel(self, reference: str = "attempt-1") -> Outcome:
        return gateway.gateway_cancel(self.ctx(), query(reference))

    def stored_bytes(self) -> bytes:
        return b"".join(path.read_bytes() for path in self.data_dir.iterdir())


def query(reference: str) -> LookupQuery:
    return LookupQuery(reference=reference, merchant_account="sandbox-operating")


def order(reference: str, amount_minor: int, token: str) -> ChargeRequest:
    billing = BillingAddress(name="Alice", address1="1 Sample Row", city="Springfield", state="IL", postal_code="62704")
    return ChargeRequest(
        reference=reference,
        amount_minor=amount_minor,
        currency="USD",
        token=token,
        method=Method.CARD,
        fund=Fund.OPERATING,
        merchant_account="sandbox-operating",
        return_url=f"{ORIGIN}/portal/payments/1",
        description="Quillfeather & Larkspur LLP, invoice 2026-0412",
        billing=billing,
    )


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path / "sandbox")


@pytest.fixture
def make_order() -> Callable[[str, int, str], ChargeRequest]:
    return order
