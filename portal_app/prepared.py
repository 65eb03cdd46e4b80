"""Queries whose SQL is written once.

Building a query and turning it into SQL costs several times what the database needs to answer it. A function marked
``@prepared`` is called once, with stand-ins for its arguments, to build the query; later calls only bind the values.
"""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

from peewee import CursorWrapper, ModelSelect, Value

from portal_app.db import connect, db


class _Slot:
    """Where the argument number ``at`` goes."""

    __slots__ = ("at",)

    def __init__(self, at: int) -> None:
        self.at = at


class Prepared:
    """The query that ``build`` describes. Its arguments are database values: ids, texts, dates, whole numbers; an
    argument may stand in conditions and limits, but not decide how the query looks."""

    def __init__(self, build: Callable[..., ModelSelect]) -> None:
        self.build = build
        self.__doc__ = build.__doc__
        count = build.__code__.co_argcount
        self._stand_ins = [Value(_Slot(at), converter=False) for at in range(count)]
        self._made: dict[type, tuple[ModelSelect, str, list[Any]]] = {}
        self._rows: dict[type, CursorWrapper] = {}

    def __call__(self, *values: Any) -> list[Any]:
        """The rows."""
        connect()
        kind = type(db.obj)
        if kind not in self._made:
            query = self.build(*self._stand_ins)
            self._made[kind] = (query, *query.sql())
        query, sql, parameters = self._made[kind]
        bound = [values[item.at] if isinstance(item, _Slot) else item for item in parameters]
        cursor = db.execute_sql(sql, bound)
        return list(self._wrapper(kind, query, cursor))

    def first(self, *values: Any) -> Any:
        """The first row, or ``None``."""
        rows = self(*values)
        return rows[0] if rows else None

    def one(self, *values: Any) -> Any:
        """The first row.

        Raises:
            DoesNotExist: the model's, when there is none.
        """
        found = self.first(*values)
        if found is None:
            raise next(iter(self._made.values()))[0].model.DoesNotExist
        return found

    def _wrapper(self, kind: type, query: ModelSelect, cursor: Any) -> CursorWrapper:
        """How rows become objects is worked out once, too."""
        known = self._rows.get(kind)
        if known is None:
            wrapper = query._get_cursor_wrapper(cursor)
            wrapper.initialize()
            wrapper.initialized = True
            self._rows[kind] = copy.copy(wrapper)
            return wrapper
        wrapper = copy.copy(known)
        wrapper.cursor, wrapper.row_cache = cursor, []
        return wrapper


def prepared(build: Callable[..., ModelSelect]) -> Prepared:
    """Write the SQL of the query that ``build`` returns only once for each kind of database."""
    return Prepared(build)
