"""On no page do two elements share an id: labels, errors and swaps find the one that is meant."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from html.parser import HTMLParser
from typing import Any

from flask import Flask
from flask.testing import FlaskClient

from portal_app.domain import trust
from tests.routes import alices, routes
from tests.trust import authorise, deposit, hold, shortfall
from tests.world import World

NO_PAGE = {"token", "tag", "name"}


class _Ids(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.ids: Counter[str] = Counter()
        self.labels: set[str] = set()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        if given.get("id"):
            self.ids[str(given["id"])] += 1
        if tag == "label" and given.get("for"):
            self.labels.add(str(given["for"]))


def problems(text: str) -> list[str]:
    found = _Ids()
    found.feed(text)
    twice = [f"two elements are #{name}" for name, count in found.ids.items() if count > 1]
    return twice + [f"a label is for #{name}, which is not there" for name in found.labels - set(found.ids)]


def test_on_every_page(app: Flask, as_: Callable[[Any], FlaskClient], world: World) -> None:
    """With everything on the trust pages that has a form of its own: two words of a lawyer, a hold, a shortfall."""
    deposit(world, 90_000)
    authorise(world, 1_000)
    authorise(world, 2_000, kind="refund")
    hold(world, 3_000)
    shortfall(world)
    values = alices(world) | {"movement_id": trust.TrustMovement.select().order_by(trust.TrustMovement.id).first().id}
    browsers = {"portal": as_(world.alice)}
    firm, wrong = as_(world.carol), {}
    for route in routes(app, method="GET"):
        if route.action == "public" or route.rule.arguments & NO_PAGE:
            continue
        address = route.address(values)
        answer = browsers.get(route.action, firm).get(address)
        if answer.status_code == 200 and answer.mimetype == "text/html":
            wrong[address] = problems(answer.text)
    assert {address: found for address, found in wrong.items() if found} == {}
