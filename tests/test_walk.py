"""Every route, as everybody: the answer is the one of the table in ``domain/access.py``, which the docs draw."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from types import CellType
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from portal_app.db import transaction
from portal_app.domain import access, invitations, people
from portal_app.domain.access import Answer
from portal_app.domain.people import ROLES, FirmUser, Login
from tests.routes import Route, alices, routes
from tests.world import ZONE, World

Browser = Callable[[Any], FlaskClient]
# Served before anybody is asked who they are: files under a hash that changes with them.
UNGUARDED = {"GET /static/<tag>/<path:name>", "GET /logo/<tag>"}


@dataclass(frozen=True)
class Walker:
    """Who walks: the person, and what the table calls them."""

    who: Login | None
    visitor: str | frozenset[str]


def somebody(role: str) -> FirmUser:
    """Somebody at the firm with this role alone, registered."""
    who = people.add_firm_user(email=f"{role}@example.com", name=role.capitalize(), roles=[role], time_zone=ZONE)
    with transaction():
        FirmUser.update(registered_at=who.created_at).where(FirmUser.id == who.id).execute()
    return FirmUser.get_by_id(who.id)


def walker(kind: str, world: World) -> Walker:
    if kind in ROLES:
        return Walker(somebody(kind), frozenset({kind}))
    if kind == "no role left":
        with transaction():
            FirmUser.update(roles="").where(FirmUser.id == world.dan.id).execute()
        return Walker(world.refresh("dan"), frozenset())
    cast = {"portal user": world.alice, "another portal user": world.bob, "invited, not registered": world.frank}
    return Walker(cast.get(kind), access.PORTAL if kind in cast else access.NOBODY)


def got(answer: TestResponse) -> Answer:
    """What an answer amounts to."""
    if answer.status_code in {302, 303} and answer.headers["Location"].startswith("/sign-in"):
        return Answer.SIGN_IN
    return {401: Answer.SIGN_IN, 403: Answer.REFUSED, 404: Answer.NOT_FOUND}.get(answer.status_code, Answer.YES)


def behind(view: Any) -> CellType:
    """Where a guard keeps the view that it lets people to; what stands above the guard is passed."""
    cells = dict(zip(view.__code__.co_freevars, view.__closure__ or (), strict=True))
    found = cells["view"]
    is_guard = view.__code__.co_qualname.startswith(("firm_only.", "client_only."))
    return found if is_guard else behind(found.cell_contents)


@pytest.fixture
def guards_alone(app: Flask) -> Iterator[Flask]:
    """What stands behind each guard does nothing: the walk is about the guards, and changes no row."""
    doors = []
    for view in app.view_functions.values():
        if getattr(view, "action", "public") != "public":
            cell = behind(view)
            doors.append((cell, cell.cell_contents))
    for cell, _ in doors:
        cell.cell_contents = lambda *_args, **_values: ("", 204)
    yield app
    for cell, view in doors:
        cell.cell_contents = view


@pytest.fixture
def values(world: World) -> dict[str, Any]:
    return alices(world)


def guarded(app: Flask, method: str = "") -> list[Route]:
    return [route for route in routes(app, method=method) if route.action != "public" and route.name not in UNGUARDED]


KINDS = [*ROLES, "no role left", "portal user", "another portal user", "invited, not registered", "signed out"]


@pytest.mark.parametrize("kind", KINDS)
def test_every_route_answers_as_the_table_says(
    guards_alone: Flask, as_: Browser, world: World, values: dict[str, Any], kind: str
) -> None:
    walking = walker(kind, world)
    browser, found, said = as_(walking.who), {}, {}
    for route in guarded(guards_alone):
        said[route.name] = access.answer(route.action, walking.visitor)
        found[route.name] = got(browser.open(route.address(values), method=route.method))
    assert len(found) > 150
    assert {name: answer for name, answer in found.items() if answer is not said[name]} == {}


def test_somebody_disabled_is_signed_out_everywhere(app: Flask, as_: Browser, world: World, values: Any) -> None:
    browsers = [as_(world.dan), as_(world.bob)]
    invitations.disable(world.dan)
    invitations.disable(world.bob)
    for route in guarded(app):
        for browser in browsers:
            assert got(browser.open(route.address(values), method=route.method)) is Answer.SIGN_IN, route.name


@pytest.mark.parametrize("role", ROLES)
def test_every_page_that_a_role_may_see_opens(
    app: Flask, as_: Browser, world: World, values: dict[str, Any], role: str
) -> None:
    """Behind the guard nothing refuses once more what the table allows."""
    browser = as_(somebody(role))
    pages = [
        route for route in guarded(app, "GET")
        if access.answer(route.action, {role}) is Answer.YES and not route.rule.arguments & {"token", "tag", "name"}
    ]  # fmt: skip
    found = {route.name: browser.head(route.address(values)).status_code for route in pages}
    assert len(found) > 20
    paper = ("/receipt", "/pdf")  # not set yet: the worker does that
    assert {name: status for name, status in found.items() if status >= 400 and not name.endswith(paper)} == {}


def test_the_table_knows_every_visitor() -> None:
    assert access.answer("portal", {"administrator"}) is Answer.NOT_FOUND
    assert access.answer("firm.read", access.PORTAL) is Answer.NOT_FOUND
    assert access.answer("firm.read", frozenset()) is Answer.REFUSED
    assert access.answer("trust.authorise", {"administrator"}) is Answer.REFUSED
    assert access.answer("trust.authorise", {"administrator", "attorney"}) is Answer.YES
    assert access.answer("portal", access.NOBODY) is Answer.SIGN_IN
    with pytest.raises(KeyError):
        access.answer("no.such.action", {"administrator"})


def test_a_route_without_a_rule_is_found(own_app: Flask) -> None:
    """What fails when somebody forgets a guard is tests/test_ladder.py; that it would see it, this says."""
    own_app.add_url_rule("/forgotten", view_func=lambda: "", endpoint="forgotten")
    known = {"public", "portal", *access.ACTIONS}
    assert [route.name for route in routes(own_app) if route.action not in known] == ["GET /forgotten"]
