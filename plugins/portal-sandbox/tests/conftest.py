"""A companion in this process, reached through the same narrow client that the portal gives its plugins."""

from __future__ import annotations

import datetime as dt
import json as jsonlib
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
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
    Outcome,
    RefundRequest,
    Response,
    Subject,
)
from portal_sandbox import gateway
from portal_sandbox.companion import create

ORIGIN = "http://portal.test:8000"
BASE = "http://sandbox.test:8001"
HOOK = f"{ORIGIN}/webhooks/sandbox/secret"
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


class Portal:
    """The portal's webhook address: keeps what is posted to it, and answers as it is told to."""

    def __init__(self) -> None:
        self.posts: list[tuple[str, bytes, Mapping[str, str]]] = []
        self.status = 200

    def __call__(self, url: str, body: bytes, headers: Mapping[str, str]) -> int:
        self.posts.append((url, body, headers))
        if self.status == 0:
            raise OSError("ConnectError")
        return self.status


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
        self.portal = Portal()
        self.restart()

    def restart(self) -> None:
        self.app = create(str(self.data_dir), clock=self.clock, sleep=self.slept.append, post=self.portal)
        self.app.testing = True
        self.http = Wire(self.app)
        self.web = self.app.test_client()

    def ctx(self, **settings: str) -> Context:
        return Context(settings=settings, mode=Mode.TEST, http=self.http, now=NOW, webhook_url=HOOK, companion_url=BASE)

    def token(self, number: str, expires: str = "12/30", code: str = "123") -> str:
        typed = {"method": "card", "number": number, "expires": expires, "code": code}
        return self.web.post("/v1/tokens", json=typed).get_json()["id"]

    def bank_token(self, account: str, routing: str = "110000000") -> str:
        typed = {"method": "bank", "routing": routing, "account": account}
        return self.web.post("/v1/tokens", json=typed).get_json()["id"]

    def charge(self, token: str, reference: str = "attempt-1", amount_minor: int = 500_000) -> Outcome:
        return gateway.gateway_charge(self.ctx(), order(reference, amount_minor, token))

    def refund(self, amount_minor: int, reference: str = "refund-1", of: str = "attempt-1", **known: Any) -> Outcome:
        return gateway.gateway_refund(self.ctx(), self.refund_order(amount_minor, reference, of, **known))

    def refund_order(
        self, amount_minor: int, reference: str, of: str, *, charged: int = 500_000, before: int = 0
    ) -> RefundRequest:
        """``before`` was given back of the ``charged`` before, as far as the portal knows."""
        return RefundRequest(
            reference=reference,
            amount_minor=amount_minor,
            currency="USD",
            charge_reference=of,
            charge_gateway_reference=self.lookup(of).gateway_reference or "ch_none",
            merchant_account="sandbox-operating",
            method=Method.CARD,
            fund=Fund.OPERATING,
            charged_minor=charged,
            refunded_minor=before,
            charged_at=NOW,
            reason="Billed twice",
        )

    def find_refund(self, reference: str = "refund-1") -> Outcome:
        return gateway.gateway_lookup(self.ctx(), replace(query(reference), subject=Subject.REFUND))

    def listed(self, account: str = "sandbox-operating", seconds: int = 86_400) -> list[ExternalTransaction]:
        """Everything in the account's list, from all its pages."""
        now = dt.datetime.fromtimestamp(self.clock.now, dt.UTC)
        asked = ListQuery(since=now - dt.timedelta(seconds=seconds), until=now, merchant_account=account)
        page = gateway.gateway_list(self.ctx(), asked)
        lines = [*page.transactions]
        while page.next_cursor:
            page = gateway.gateway_list(self.ctx(), replace(asked, cursor=page.next_cursor))
            lines += page.transactions
        return lines

    def press(self, do: str, id: str) -> int:
        """Press a button of the control page as its own page does."""
        sent = self.web.post("/", data={"do": do, "id": id}, headers={"Sec-Fetch-Site": "same-origin"})
        return sent.status_code

    def round(self) -> int:
        """Let the postman go round once."""
        return self.app.extensions["sandbox"].postman.round()

    def told(self) -> list[dict[str, Any]]:
        """The events that the portal was sent, forgotten afterwards."""
        self.round()
        bodies = [_object(body) for _, body, _ in self.portal.posts]
        self.portal.posts.clear()
        return bodies

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
