"""Sharing an item with portal users: one open share for each person; ended shares stay as facts."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from functools import lru_cache
from typing import Any, TypeVar

from peewee import DateTimeField, ForeignKeyField, ModelSelect

from portal_app import clock
from portal_app.db import BaseModel, transaction
from portal_app.domain import outbox
from portal_app.domain.errors import Refused
from portal_app.domain.people import FirmUser, PortalUser
from portal_app.prepared import Prepared, prepared


class Share(BaseModel):
    """An item (the subclass's ``item`` field) that one portal user may see until ``ended_at``."""

    portal_user = ForeignKeyField(PortalUser, backref="+")
    shared_by = ForeignKeyField(FirmUser, null=True, backref="+")
    shared_at = DateTimeField()
    first_seen_at = DateTimeField(null=True)
    ended_by = ForeignKeyField(FirmUser, null=True, backref="+")
    ended_at = DateTimeField(null=True)


AnyShare = TypeVar("AnyShare", bound=Share)


def read_by(model: type[AnyShare]) -> tuple[Any, ...]:
    """The columns of a share that its reader's pages need."""
    return (model.id, model.item, model.shared_by, model.shared_at, model.first_seen_at)


def share(
    model: type[AnyShare], item: BaseModel, people: Iterable[PortalUser], *, by: FirmUser | None, topic: str = ""
) -> list[AnyShare]:
    """Share ``item`` with those of ``people`` who do not have it yet; returns the new shares.

    ``topic`` is the outbox topic that announces each; empty announces nothing.
    """
    with transaction():
        has = {row.portal_user_id for row in _open(model, [item.id])}
        made = [
            model.create(item=item, portal_user=who, shared_by=by, shared_at=clock.now())
            for who in people
            if who.id not in has
        ]
        for row in made if topic else []:
            outbox.put(topic, row.id)
    return made


def unshare(model: type[AnyShare], item: BaseModel, people: Iterable[PortalUser], *, by: FirmUser) -> int:
    """End the open shares of ``people``. Returns how many."""
    ids = [who.id for who in people]
    with transaction():
        query = model.update(ended_at=clock.now(), ended_by=by)
        return int(
            query.where((model.item == item.id) & model.portal_user.in_(ids) & model.ended_at.is_null()).execute()
        )


def set_people(
    model: type[AnyShare], item: BaseModel, people: Sequence[PortalUser], *, by: FirmUser, topic: str = ""
) -> None:
    """Make the open shares of ``item`` exactly ``people``: what a list of check boxes says."""
    with transaction():
        wanted = {who.id for who in people}
        gone = [
            row.portal_user for row in shares_of(model, [item]).get(item.id, []) if row.portal_user_id not in wanted
        ]
        unshare(model, item, gone, by=by)
        share(model, item, people, by=by, topic=topic)


def chosen(ids: Collection[int]) -> list[PortalUser]:
    """The portal users whom a list of check boxes names.

    Raises:
        Refused: somebody is not known.
    """
    found = known(ids)
    if len(found) != len(set(ids)):
        raise Refused("Somebody of those is not known. Choose from the list.", "people")
    return found


def known(ids: Collection[int]) -> list[PortalUser]:
    """Those of ``ids`` who are portal users."""
    return list(PortalUser.select().where(PortalUser.id.in_(list(ids))))


def _open(model: type[AnyShare], item_ids: Sequence[int]) -> ModelSelect:
    return (
        model.select(model, PortalUser)
        .join(PortalUser)
        .where(model.item.in_(list(item_ids)) & model.ended_at.is_null())
        .order_by(PortalUser.name)
    )


def shares_of(model: type[AnyShare], items: Sequence[BaseModel]) -> dict[int, list[AnyShare]]:
    """The open shares of each item, by its id, with their portal users; one query."""
    found: dict[int, list[Any]] = defaultdict(list)
    for row in _open(model, [item.id for item in items]) if items else []:
        found[row.item_id].append(row)
    return dict(found)


def on_matter(model: type[AnyShare], matter: BaseModel) -> list[AnyShare]:
    """The open shares of the matter's items, the newest first, with items and people; one query."""
    kind: Any = model  # peewee's model classes hide from the type checker that they can be hashed
    return _on_matter(kind)(matter.id)


@lru_cache(maxsize=8)
def _on_matter(model: Any) -> Prepared:
    item = model.item.rel_model

    def build(matter_id: Any) -> ModelSelect:
        query = model.select(model, item, PortalUser).join_from(model, item).join_from(model, PortalUser)
        is_open = (item.matter == matter_id) & model.ended_at.is_null()
        return query.where(is_open).order_by(model.shared_at.desc(), model.id.desc())

    return prepared(build)


def find_open(model: type[AnyShare], share_id: int) -> AnyShare | None:
    """A share with its portal user, unless it has ended."""
    row: AnyShare | None = (
        model.select(model, PortalUser)
        .join(PortalUser)
        .where((model.id == share_id) & model.ended_at.is_null())
        .first()
    )
    return row


def mark_seen(shares: Iterable[Share]) -> None:
    """Note the first time that a person opened the item."""
    for row in shares:
        if row.first_seen_at is None:
            model = type(row)
            with transaction():
                model.update(first_seen_at=clock.now()).where(
                    (model.id == row.id) & model.first_seen_at.is_null()
                ).execute()
