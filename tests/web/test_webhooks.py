"""The address that gateways write to: a secret in it, nothing believed, 404 for strangers."""

from __future__ import annotations

import json
from typing import Any

import pytest
from flask.testing import FlaskClient

from portal_app.domain.payments import GatewayEvent
from tests.world import World

BODY = json.dumps([{"id": "ev_1", "kind": "charge.succeeded", "reference": "abc"}])
SIGNED = {"Fake-Signature": "good"}


def address(world: World) -> str:
    return f"/webhooks/{world.gateway.code}/{world.gateway.webhook_secret}"


def test_a_delivery_is_kept_once_and_answered(world: World, as_: Any) -> None:
    browser: FlaskClient = as_(None)
    first, again = (browser.post(address(world), data=BODY, headers=SIGNED) for _ in range(2))
    assert (first.status_code, first.text) == (200, "1 new\n")
    assert (again.status_code, again.text) == (200, "0 new\n")
    assert "Set-Cookie" not in again.headers
    assert GatewayEvent.get().event_id == "ev_1"


def test_what_is_not_signed_is_refused(world: World, as_: Any) -> None:
    answer = as_(None).post(address(world), data=BODY)
    assert (answer.status_code, GatewayEvent.select().count()) == (400, 0)


@pytest.mark.parametrize("change", [("", "x"), ("fake/", "other/"), ("fake/", "fake/é")])
def test_another_address_is_not_there(world: World, as_: Any, change: tuple[str, str]) -> None:
    wrong = address(world).replace(*change) if change[0] else address(world) + change[1]
    assert as_(None).post(wrong, data=BODY, headers=SIGNED).status_code == 404


def test_a_page_of_somebody_else_cannot_send_one(world: World, as_: Any) -> None:
    headers = SIGNED | {"Origin": "https://evil.example.com"}
    assert as_(None).post(address(world), data=BODY, headers=headers).status_code == 403
