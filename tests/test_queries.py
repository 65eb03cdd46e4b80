"""Every page asks the database a fixed number of questions, however many rows there are."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from portal_app import gateways
from portal_app.domain import calendar, documents, invitations, invoices, matters, payments, people, timekeeping
from tests.domain.test_payments import order
from tests.firm.pages import queries
from tests.routes import alices, routes
from tests.world import ZONE, World, today

MOST = {
    "/portal": 8, "/firm/matters/<int:matter_id>": 12,
    "/portal/trust/statement.pdf": 22,  # set while somebody waits: counted for them, and recorded
}  # fmt: skip
MOST_ELSEWHERE = 15
NO_PAGE = {"token", "tag", "name"}


def grow(world: World, *numbers: int) -> None:
    """More of everything, on alice's matter and around it."""
    for number in numbers:
        who = people.add_portal_user(email=f"more{number}@example.com", name=f"More {number}", time_zone=ZONE)
        invitations.invite(who, by=world.carol, days=14)
        people.add_firm_user(
            email=f"staff{number}@example.com", name=f"Staff {number}", roles=["biller"], time_zone=ZONE
        )
        matters.add_recipient(world.matter, who, by=world.carol)
        client = people.add_client(kind="company", name=f"More {number} Co.", created_by=world.carol)
        other = matters.open_matter(number="", name=f"More {number}", client=client, opened_on=today(), by=world.carol)
        matters.add_recipient(other, world.alice, by=world.carol)
        for matter in (world.matter, other):
            _bill(world, matter)
            file = documents.add(matter, name=f"More {number}.txt", chunks=[b"more"], limit_bytes=99, by=world.dan)
            documents.share(file, [world.alice, who], by=world.carol)
            event = calendar.add(matter, title="More", starts_at=world.event.starts_at, by=world.dan, time_zone=ZONE)
            calendar.share(event, [world.alice, who], by=world.carol)
        paid = payments.start(world.alice, world.gateway, order(100, f"more{number}"))
        gateways.charge(paid, "ok" if number % 2 else "pending")


def _bill(world: World, matter: matters.Matter) -> None:
    items = [
        timekeeping.record(
            matter, kind="time", timekeeper=world.dan, worked_on=today(), description="More work", rate_cents=10_000,
            by=world.dan,
        )
        for _ in range(3)
    ]  # fmt: skip
    draft = invoices.draft(matter, [items[0].id], by=world.dan)
    invoices.issue(draft, issued_on=today(), due_on=today(), by=world.dan)
    invoices.draft(matter, [items[1].id], by=world.dan)


@pytest.fixture
def count(app: Flask, as_: Callable[[Any], FlaskClient], world: World) -> Callable[[], dict[str, int]]:
    """The number of queries of every page, as the person who uses it."""
    values = alices(world)
    carol, alice = as_(world.carol), as_(world.alice)
    pages = [
        route for route in routes(app, method="GET") if route.action != "public" and not route.rule.arguments & NO_PAGE
    ]

    warm: set[str] = set()

    def measure() -> dict[str, int]:
        found = {}
        for route in pages:
            browser = alice if route.action == "portal" else carol
            address = route.address(values)
            if address in warm or browser.get(address).status_code == 200:
                warm.add(address)
                found[route.rule.rule] = queries(browser, address)
        return found

    return measure


def test_no_page_asks_more_when_there_is_more(world: World, count: Callable[[], dict[str, int]]) -> None:
    grow(world, 1, 2)
    few = count()
    grow(world, 3, 4, 5, 6)
    many = count()
    assert len(few) > 40
    assert {rule: (few[rule], many[rule]) for rule in few if many[rule] > few[rule]} == {}
    assert {rule: number for rule, number in many.items() if number > MOST.get(rule, MOST_ELSEWHERE)} == {}
