"""A fake Stripe in this process, reached through the same narrow wire that the portal gives its plugins."""

from __future__ import annotations

import json as jsonlib
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from portal_app.plugin_api import NeverSent, Response

sys.path.insert(0, str(Path(__file__).parent))  # the fake is a package of its own beside these tests

from desk import Desk
from flask import Flask

from portal_stripe.fake import Fake, create

LOST = "X-Fake-Lost"
START = 1_900_000_000  # March 2030


@dataclass
class Clock:
    now: int = START

    def __call__(self) -> int:
        return self.now


@dataclass
class Wire:
    """The portal's HTTP client, played on the fake's WSGI application."""

    fake: Fake
    calls: list[tuple[str, str, bytes]] = field(default_factory=list)
    is_down: bool = False
    app: Flask | None = None
    on_call: Callable[[int], None] = lambda _number: None

    def __call__(
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str] | None = None,
        json: Mapping[str, Any] | None = None,
        content: bytes | None = None,
    ) -> Response:
        assert url.startswith(self.fake.origin)
        assert json is None
        if self.is_down:
            raise NeverSent("nobody answers")
        self.calls.append((method, url.removeprefix(self.fake.origin), content or b""))
        self.on_call(len(self.calls))
        path = url.removeprefix(self.fake.origin)
        answer = self._app().test_client().open(path, method=method, headers=dict(headers or {}), data=content)
        if LOST in answer.headers:
            raise TimeoutError("the answer was lost")
        body = answer.get_data()
        kept = {name.lower(): value for name, value in answer.headers.items()}
        return Response(status=answer.status_code, body=body, json=lambda: _object(body), headers=kept)

    def _app(self) -> Flask:
        """The application of the fake; another one after a restart."""
        if self.app is None or self.app.extensions["stripe"] is not self.fake:
            self.app = create(self.fake)
        return self.app


def _object(body: bytes) -> dict[str, Any]:
    found = jsonlib.loads(body)
    if not isinstance(found, dict):
        raise ValueError("not an object")
    return found


@pytest.fixture
def fake() -> Fake:
    return Fake(clock=Clock())


@pytest.fixture
def wire(fake: Fake) -> Wire:
    return Wire(fake)


@pytest.fixture
def desk(fake: Fake, wire: Wire) -> Desk:
    return Desk(fake, wire)
