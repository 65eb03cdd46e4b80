"""Prepared queries read rows into the same objects as peewee does, from joins, outer joins and flat."""

from __future__ import annotations

from typing import Any

import pytest
from peewee import JOIN, Model, ModelSelect, fn

from portal_app.domain.documents import Document, DocumentShare
from portal_app.domain.invoices import Invoice
from portal_app.domain.matters import Matter
from portal_app.domain.payments import Payment
from portal_app.domain.people import Client, FirmUser
from portal_app.domain.sessions import Session
from portal_app.prepared import prepared, prepared_of_ids
from tests.world import World


def told(one: Any, depth: int = 3) -> Any:
    """All that an object holds, with what hangs on it."""
    if not isinstance(one, Model):
        return one
    added = {name: value for name, value in vars(one).items() if not name.startswith("_")}
    parts = {name: told(other, depth - 1) for name, other in {**one.__rel__, **added}.items()} if depth else {}
    return (type(one).__name__, one.__data__, sorted(one.__rel__), parts, sorted(map(str, one._dirty)))


def joined() -> ModelSelect:
    return (
        Document.select(
            Document, DocumentShare.id, DocumentShare.item, DocumentShare.shared_at, FirmUser.name, Matter, Client
        )
        .join_from(Document, DocumentShare, JOIN.LEFT_OUTER)
        .join(FirmUser, JOIN.LEFT_OUTER, on=(DocumentShare.shared_by == FirmUser.id))
        .join_from(Document, Matter)
        .join(Client)
        .order_by(Document.id)
    )


def flat() -> ModelSelect:
    return Matter.select(Matter, fn.LENGTH(Matter.name).alias("long")).order_by(Matter.id).objects()


def outer() -> ModelSelect:
    query = Invoice.select(Invoice, Document, fn.COALESCE(Invoice.total_cents, 0).alias("cents"))
    return query.join(Document, JOIN.LEFT_OUTER).order_by(Invoice.id)


def sessions() -> ModelSelect:
    return Session.select(Session, FirmUser).join(FirmUser, JOIN.LEFT_OUTER).order_by(Session.id)


def payments() -> ModelSelect:
    return Payment.select().order_by(Payment.id)


@pytest.mark.parametrize("build", [joined, flat, outer, sessions, payments])
def test_rows_become_what_peewee_makes_of_them(world: World, build: Any) -> None:
    ours = prepared(build)
    rows = [told(row) for row in build()]
    for _ in range(2):  # the second time by the plan that the first has made
        assert [told(row) for row in ours()] == rows


def test_there_are_rows_to_compare(world: World) -> None:
    assert all(list(build()) for build in (joined, flat, outer))


def test_arguments_stand_where_they_were_in_the_query(world: World) -> None:
    @prepared
    def between(first: Any, last: Any) -> ModelSelect:
        return Matter.select().where((Matter.id <= last) & (Matter.id >= first) & (Matter.id <= last))

    ids = [row.id for row in Matter.select().order_by(Matter.id)]
    assert sorted(row.id for row in between(ids[0], ids[-1])) == ids
    assert [row.id for row in between(ids[-1], ids[-1])] == ids[-1:]
    assert between.first(ids[-1] + 1, ids[-1] + 1) is None


def test_a_list_of_ids_of_any_length(world: World) -> None:
    @prepared_of_ids
    def some(ids: Any) -> ModelSelect:
        return Matter.select().where(Matter.id.in_(ids)).order_by(Matter.id)

    ids = [row.id for row in Matter.select().order_by(Matter.id)]
    for count in range(len(ids) + 1):
        assert [row.id for row in some(ids[:count])] == ids[:count]
