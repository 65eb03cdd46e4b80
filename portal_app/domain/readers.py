"""Queries whose answer depends on who of the staff reads: prepared for those who see every matter, and for others."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from typing import Any

from peewee import ModelSelect

from portal_app.domain.people import FirmUser
from portal_app.prepared import Prepared, prepared_of_ids


@dataclass(frozen=True, slots=True)
class _Reader:
    """Anybody of the staff, while a query is prepared: ``id`` stands in for theirs."""

    id: Any
    is_administrator: bool

    def has_role(self, role: str) -> bool:
        return role == "administrator" and self.is_administrator


def prepared_for(build: Callable[..., ModelSelect], kind: Any = None) -> Callable[..., list[Any]]:
    """:func:`~portal_app.prepared.prepared` for a query whose first argument is who of the staff reads. How it looks
    depends on whether they see every matter, and on its keyword arguments, which are few: it is prepared for each.
    ``kind``: as for ``prepared_as``."""

    def made_for(is_administrator: bool, look: dict[str, Any]) -> Prepared:
        def of_reader(who_id: Any, *values: Any) -> ModelSelect:
            return build(_Reader(who_id, is_administrator), *values, **look)

        return Prepared(of_reader, build.__code__.co_argcount, kind)

    made: dict[tuple[Any, ...], Prepared] = {}

    @wraps(build)
    def rows(who: FirmUser, *values: Any, **look: Any) -> list[Any]:
        sees_all = who.has_role("administrator")
        key = (sees_all, *look.items())
        if key not in made:
            made[key] = made_for(sees_all, look)
        return made[key](who.id, *values)

    return rows


def prepared_for_ids_as(kind: Any) -> Callable[[Callable[[Any, Any], ModelSelect]], Callable[..., list[Any]]]:
    """The same for a query of who reads and of a list of ids, as for ``prepared_of_ids``, each row a ``kind``."""

    def of(build: Callable[[Any, Any], ModelSelect]) -> Callable[..., list[Any]]:
        def made_for(sees_all: bool) -> Callable[..., list[Any]]:
            def of_reader(who_id: Any, ids: Any) -> ModelSelect:
                return build(_Reader(who_id, sees_all), ids)

            return prepared_of_ids(of_reader, kind)

        made = {sees_all: made_for(sees_all) for sees_all in (True, False)}
        return lambda who, ids: made[who.has_role("administrator")](who.id, ids)

    return of


def prepared_for_as(kind: Any) -> Callable[[Callable[..., ModelSelect]], Callable[..., list[Any]]]:
    """The same for rows that are only shown, each a ``kind``."""
    return lambda build: prepared_for(build, kind)
