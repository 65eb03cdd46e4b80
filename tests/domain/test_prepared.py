"""A prepared query gives the same objects as peewee does for the query that it was built from."""

from __future__ import annotations

import datetime as dt
import inspect
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import pytest
from peewee import Model, fn

from portal_app import db, gateways
from portal_app.domain import calendar, documents, matters, payments, people, sessions, shared_files
from portal_app.domain.invoices import reading as invoices
from portal_app.domain.matters import Matter
from portal_app.domain.payments import reading as paid
from portal_app.domain.payments import tills
from portal_app.prepared import Prepared
from portal_app.web import templates
from tests.domain.test_payments import order
from tests.world import World

LONG_AGO = dt.datetime(2000, 1, 1)  # noqa: DTZ001 - what is stored is naive UTC


def seen(row: Any) -> Any:
    """An object as nothing but values: its fields, what hangs on it, and what the query added."""
    if not isinstance(row, Model):
        return row
    state: dict[str, Any] = vars(row)
    hung = {name: seen(other) for name, other in row.__rel__.items()}
    added = {name: seen(value) for name, value in state.items() if not name.startswith("_")}
    return (type(row), row.__data__, row._dirty, hung, added)


def session_of(world: World) -> list[Any]:
    return [people.hash_token(sessions.start(world.alice))]


QUERIES: dict[str, tuple[Prepared, Callable[[World], list[Any]]]] = {
    "files": (shared_files._files, lambda world: [world.alice.id, "", 100, 0]),
    "files of one matter": (shared_files._files, lambda world: [world.alice.id, world.matter.number, 100, 0]),
    "matters": (documents._matters_of, lambda world: [world.alice.id]),
    "one of two outer joins": (sessions._by_token, session_of),
    "a matter": (matters._any, lambda world: [world.matter.id]),
    "open invoices": (invoices._open_for, lambda world: [world.alice.id, ""]),
    "events": (calendar._upcoming, lambda world: [world.alice.id, LONG_AGO, "", 20]),
    "payments": (paid._recent, lambda world: [world.alice.id, 5]),
    "open invoices with what is held": (tills._open_invoices, lambda world: [world.alice.id]),
    "flat, with a column of another table": (templates._firm, lambda _: []),
}


@pytest.mark.parametrize("name", QUERIES)
def test_rows_are_those_of_peewee(world: World, name: str) -> None:
    gateways.charge(payments.start(world.alice, world.gateway, order(100, "k1")), "pending")
    query, arguments = QUERIES[name]
    values = arguments(world)
    built = query.build(*values)
    for _ in range(2):  # the first call makes the plan
        rows = built.clone().tuples() if query.kind else built.clone()
        assert [seen(row) for row in query(*values)] == [seen(row) for row in rows] != []


def test_a_column_that_was_not_asked_for_is_an_error_and_not_nothing(world: World) -> None:
    """Otherwise a page would say that there is no such thing."""
    some = Prepared(lambda number: Matter.select(Matter.id, Matter.number).where(Matter.number == number), 1)
    matter = some.one(world.matter.number)
    assert matter.number
    with pytest.raises(AttributeError, match="did not ask for opened_on"):
        _ = matter.opened_on


def test_a_named_tuple_has_as_many_columns_as_its_query(world: World) -> None:
    """Otherwise each column would stand under its neighbour's name."""

    class Short(NamedTuple):
        number: str

    def query(number: Any) -> Any:
        return Matter.select(Matter.number, Matter.name).where(Matter.number == number)

    with pytest.raises(TypeError, match="Short has another number of columns"):
        Prepared(query, 1, Short)(world.matter.number)


def test_an_outer_join_that_finds_nothing(world: World) -> None:
    """An empty row is no row, and is not looked up again."""
    matters.change(world.matter, responsible_attorney=None)
    assert matters._any.one(world.matter.id).responsible_attorney is None
    bare = documents.create(world.matter, name="No bytes yet", by=world.dan)
    documents.share(bare, [world.alice], by=world.carol)
    assert shared_files.of(world.alice)[0][6:] == (None, None, None, None)


def test_a_row_can_be_changed_and_saved(world: World) -> None:
    row = matters._any.one(world.matter.id)
    assert not row.is_dirty()
    row.name = "Another name"
    assert row.dirty_fields == [Matter.name]
    row.save()
    assert world.refresh("matter").name == "Another name"


def test_nothing_found(world: World) -> None:
    assert matters._any(0) == []
    assert matters._any.first(0) is None
    with pytest.raises(Matter.DoesNotExist):
        matters._any.one(0)


@pytest.mark.parametrize("count", [0, 1, 3, 4, 60, 65])
def test_a_list_of_ids(world: World, count: int) -> None:
    """However many there are, and wherever the one that exists stands among them."""
    ids = [*range(10_001, 10_000 + count), world.document.id] if count else []
    rows = documents._versions_of(ids)
    assert [row.document_id for row in rows] == [world.document.id] * bool(count)
    native = inspect.unwrap(documents._versions_of)(ids)
    assert [seen(row) for row in rows] == [seen(row) for row in native if ids]


@pytest.fixture
def one_look(world: World) -> Iterator[World]:
    """What is asked is answered from one state of the database, as on a page."""
    db.let_go()
    db.read_as_one()
    yield world
    db.let_go()


def test_what_is_kept_becomes_new_objects_each_time(one_look: World) -> None:
    """Whatever a page does to what it was given, the next is given what the database said."""
    token_hash = people.hash_token(sessions.start(one_look.alice))
    db.read_as_one()
    first, before = sessions._by_token.one(token_hash), sessions._by_token.one(token_hash)
    assert seen(first) == seen(before)
    first.address, first.portal_user.name, first.extra = "elsewhere", "Somebody else", 1
    first._dirty.add("address")
    for _ in range(2):
        assert seen(sessions._by_token.one(token_hash)) == seen(before)
    assert first.portal_user is not before.portal_user
    assert before.firm_user is None


def test_a_column_that_was_not_asked_for_is_missed_in_what_is_kept_too(one_look: World) -> None:
    query = Prepared(lambda number: Matter.select(Matter.id).where(Matter.number == number), 1, is_kept=True)
    for _ in range(2):
        with pytest.raises(AttributeError, match="did not ask for name"):
            _ = query.one(one_look.matter.number).name


def test_what_could_be_changed_in_place_is_not_kept(one_look: World) -> None:
    words = fn.UPPER(Matter.name).python_value(str.split).alias("words")
    query = Prepared(lambda number: Matter.select(Matter.id, words).where(Matter.number == number), 1, is_kept=True)
    if db.is_sqlite():
        with pytest.raises(TypeError, match="cannot be kept"):
            query(one_look.matter.number)
    else:  # which keeps nothing
        assert query.one(one_look.matter.number).words == one_look.matter.name.upper().split()
