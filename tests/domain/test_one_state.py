"""A page is read from one state of the database, and what is kept of a state is not shown after it."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Callable
from html import unescape
from typing import Any

import pytest
from flask import Flask, abort
from flask.testing import FlaskClient
from peewee import IntegrityError, OperationalError

from portal_app import clock, db
from portal_app.domain import firms, sessions
from portal_app.domain.firms import Firm
from portal_app.domain.people import PortalUser
from portal_app.web.login import public
from portal_app.web.templates import current_firm
from tests.firm.pages import queries
from tests.world import World


def elsewhere(act: Callable[[], object]) -> None:
    """Do something over another connection, and wait until it is done."""
    said: list[BaseException] = []

    def run() -> None:
        try:
            act()
        except BaseException as problem:
            said.append(problem)
        finally:
            db.db.close()

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    assert not said


def name() -> str:
    return str(firms.current().name)


def is_reading() -> bool:
    """Whether this thread's connection stands in a transaction."""
    connection: Any = db.db.connection()
    return bool(connection.in_transaction if db.is_sqlite() else connection.info.transaction_status)


def disable(world: World) -> None:
    with db.transaction():
        PortalUser.update(disabled_at=clock.now()).where(PortalUser.id == world.alice.id).execute()


def write_and_fail() -> None:
    with db.transaction():
        Firm.update(name="Never").where(Firm.id == 1).execute()
        PortalUser.insert(id=1, name="Twice").execute()


def signed_in(app: Flask, world: World) -> tuple[FlaskClient, str]:
    """Alice's browser, and the token of its session."""
    token, browser = sessions.start(world.alice), app.test_client()
    with browser.session_transaction() as cookie:
        cookie.update(_user_id=token, _fresh=True)
    return browser, token


Route = Callable[[Callable[[], str]], FlaskClient]


@pytest.fixture
def route(own_app: Flask, world: World) -> Route:
    """A browser for a page that does what it is given, at /try."""

    def made(act: Callable[[], str]) -> FlaskClient:
        own_app.add_url_rule("/try", "try", public(act), methods=["GET", "POST"])
        return own_app.test_client()

    return made


def test_a_page_shows_one_state_whatever_is_written_meanwhile(route: Route) -> None:
    def page() -> str:
        before = name()
        elsewhere(lambda: firms.change(name=f"{before}!"))
        return f"{before}, {name()}, {Firm.get_by_id(1).name}"

    first, second = name(), f"{name()}!"
    browser = route(page)
    assert browser.get("/try").text == f"{first}, {first}, {first}"
    assert not is_reading()
    assert browser.get("/try").text == f"{second}, {second}, {second}"
    assert browser.post("/try").text == f"{second}!, {second}!!, {second}!!", "what acts sees what is new"


def test_who_writes_sees_the_newest_state_from_then_on(route: Route) -> None:
    def page() -> str:
        before = name()
        elsewhere(lambda: firms.change(name="Elsewhere"))
        firms.change(phone="555 0100")
        return f"{before}, {name()}, {firms.current().phone}"

    first = name()
    assert route(page).get("/try").text == f"{first}, Elsewhere, 555 0100"
    assert not is_reading()
    assert firms.current().phone == "555 0100"


def test_a_page_may_write_without_reading_anything_first(route: Route) -> None:
    def page() -> str:
        firms.change(name="Here")
        return name()

    assert route(page).get("/try").text == "Here"
    assert not is_reading()


def refused() -> str:
    name()
    abort(404)


def mistaken() -> str:
    name()
    raise RuntimeError("a mistake of ours")


def broken() -> str:
    name()
    write_and_fail()
    return ""


def unreadable() -> str:
    name()
    db.run("SELECT nothing FROM nowhere")
    return ""


@pytest.mark.parametrize(
    ("act", "status"), [(refused, 404), (mistaken, 500), (broken, 500), (unreadable, None), (name, 200)]
)
def test_however_a_page_ends_nothing_stays_open(
    route: Route, act: Callable[[], str], status: int | None, caplog: pytest.LogCaptureFixture
) -> None:
    browser = route(act)
    first = name()
    answer = browser.get("/try")
    assert answer.status_code == status or (status is None and answer.status_code >= 500)
    assert first in unescape(answer.text) or status is None
    assert not is_reading()
    firms.change(name="Afterwards")
    assert "Afterwards" in browser.get("/sign-in").text


def test_a_look_over_a_connection_that_broke_is_over(world: World) -> None:
    db.read_as_one()
    name()
    connection: Any = db.db.connection()
    connection.close()
    db.let_go()
    assert name()


def test_what_reads_as_one_may_hold_another_read_as_one(world: World) -> None:
    db.read_as_one()
    before = name()
    with db.one_state():
        assert name() == before
        elsewhere(lambda: firms.change(name="Elsewhere"))
        assert name() == before
    assert name() == "Elsewhere"


def test_the_same_person_is_asked_for_once_while_nobody_writes(own_app: Flask, world: World) -> None:
    browser, _token = signed_in(own_app, world)
    browser.get("/portal")
    asked = queries(browser, "/portal")
    assert queries(browser, "/portal", is_again=True) == (asked - 2 if db.is_sqlite() else asked)
    elsewhere(lambda: firms.change(phone="555 0100"))
    assert queries(browser, "/portal", is_again=True) == asked
    firms.change(phone="555 0101")
    assert queries(browser, "/portal", is_again=True) == asked


def test_a_session_that_was_cut_elsewhere_is_over_at_once(own_app: Flask, world: World) -> None:
    browser, token = signed_in(own_app, world)
    assert [browser.get("/portal").status_code for _ in range(3)] == [200] * 3
    elsewhere(lambda: sessions.end(token))
    assert browser.get("/portal").status_code == 303


def test_whoever_is_disabled_elsewhere_is_out_at_once(own_app: Flask, world: World) -> None:
    browser, _token = signed_in(own_app, world)
    assert [browser.get("/portal").status_code for _ in range(3)] == [200] * 3
    elsewhere(lambda: disable(world))
    assert browser.get("/portal").status_code == 303


def test_what_a_page_does_to_what_it_was_given_is_not_kept(route: Route) -> None:
    def page() -> str:
        firm = current_firm()
        said, firm.name = firm.name, "Only here"
        return str(said)

    browser, first = route(page), name()
    assert [browser.get("/try").text for _ in range(3)] == [first] * 3


def test_a_write_that_was_taken_back_changes_nothing_that_is_kept(own_app: Flask, world: World) -> None:
    browser, _token = signed_in(own_app, world)
    first = name()
    browser.get("/portal")
    with pytest.raises(IntegrityError):
        write_and_fail()
    text = unescape(browser.get("/portal").text)
    assert first in text
    assert "Never" not in text


def test_a_look_that_could_not_be_opened_leaves_nothing_open(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    real: Any = db.db.connection()

    class Broken:
        """The connection, until it is asked which state it shows."""

        def __getattr__(self, name: str) -> Any:
            return getattr(real, name)

        def execute(self, sql: str, *values: Any) -> Any:
            if "PRAGMA" in sql:
                raise sqlite3.OperationalError("disk I/O error")
            return real.execute(sql, *values)

    if not db.is_sqlite():
        pytest.skip("PostgreSQL opens it in one step")
    monkeypatch.setattr(type(db.db.obj), "connection", lambda _self: Broken())
    db.read_as_one()
    with pytest.raises(OperationalError, match="disk"):
        name()
    db.let_go()
    monkeypatch.undo()
    assert not is_reading()
    assert name()
