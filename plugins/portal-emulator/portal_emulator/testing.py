"""For tests against the emulator: a clock to move, a post office for webhooks, the interface as a client calls it."""

from __future__ import annotations

import datetime as dt
import json
from typing import Any, Final

from flask import Flask
from werkzeug.test import TestResponse

from portal_emulator.app import world_of
from portal_emulator.world import World

Json = dict[str, Any]

START: Final = dt.datetime(2019, 6, 1, 12, tzinfo=dt.UTC)
CARD: Final[Json] = {
    "type": "card",
    "number": "4242424242424242",
    "card_type": "VISA",
    "exp_month": 10,
    "exp_year": 2020,
    "cvv": 123,
    "name": "Some Customer",
    "address1": "123 Main St",
    "postal_code": "78730",
    "email_address": "customer@example.com",
}
BANK: Final[Json] = {
    "type": "bank",
    "routing_number": "000000013",
    "account_number": "1234567890",
    "account_type": "CHECKING",
    "name": "Some Customer",
}


class Time:
    def __init__(self) -> None:
        self.now = START

    def __call__(self) -> dt.datetime:
        return self.now

    def pass_(self, **delta: int) -> None:
        self.now += dt.timedelta(**delta)


class Mail:
    """Where webhooks go; ``answers`` are used up one by one, then 200."""

    def __init__(self) -> None:
        self.sent: list[tuple[str, Json]] = []
        self.answers: list[int | Exception] = []

    def __call__(self, address: str, payload: bytes) -> int:
        self.sent.append((address, json.loads(payload)))
        answer = self.answers.pop(0) if self.answers else 200
        if isinstance(answer, Exception):
            raise answer
        return answer

    def types(self) -> list[str]:
        return [event["type"] for _, event in self.sent]


class Api:
    """The interface as a client sees it: JSON in and out, the secret key as Basic user without a password."""

    def __init__(self, app: Flask) -> None:
        self.app = app
        self.world: World = world_of(app)
        self.key: str = self.world.secret_key

    def call(self, method: str, path: str, body: Any = None, **options: Any) -> TestResponse:
        if body is not None:
            options["data"] = json.dumps(body)
        options.setdefault("content_type", "application/json")
        return self.app.test_client().open(f"/v1/{path}", method=method, auth=(self.key, ""), **options)

    def ok(self, method: str, path: str, body: Any = None, **options: Any) -> Json:
        response = self.call(method, path, body, **options)
        answer: Json = response.get_json()
        if response.status_code != 200 or "messages" in answer:
            raise AssertionError(f"{response.status_code} {response.text}")
        return answer

    def refused(self, method: str, path: str, body: Any = None, *, status: int = 422, **options: Any) -> Json:
        """The first message of the error; the body has nothing but messages."""
        response = self.call(method, path, body, **options)
        answer: Json = response.get_json()
        if response.status_code != status or list(answer) != ["messages"]:
            raise AssertionError(f"{response.status_code} {response.text}")
        message: Json = answer["messages"][0]
        return message

    def get(self, path: str, **query: Any) -> Json:
        return self.ok("GET", path, query_string=query)

    def charge(self, amount: int = 1000, method: Any = None, **more: Any) -> Json:
        return self.ok("POST", "charges", {"amount": amount, "method": CARD if method is None else method, **more})

    def hold(self, amount: int = 100, **more: Any) -> Json:
        return self.charge(amount, auto_capture=False, currency="USD", **more)

    def no_charge(self, amount: Any = 34, method: Any = None, *, status: int = 422, **more: Any) -> Json:
        asked = {"amount": amount, "method": CARD if method is None else method, **more}
        return self.refused("POST", "charges", asked, status=status)

    def refund(self, charge: Json, amount: int, **more: Any) -> Json:
        return self.ok("POST", f"charges/{charge['id']}/refund", {"amount": amount, **more})

    def transaction(self, identity: str) -> Json:
        return self.get(f"transactions/{identity}")

    def account(self, *, trust: bool = False, ach: bool = False) -> Json:
        accounts = self.get("merchant")["ach_accounts" if ach else "merchant_accounts"]
        return next(a for a in accounts if a["trust_account"] == trust)

    def events(self) -> list[str]:
        """Types, oldest first."""
        return [e["type"] for e in reversed(self.get("events", page_size=1000)["results"])]
