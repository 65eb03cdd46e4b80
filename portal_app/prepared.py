"""Queries whose SQL is written once, and whose rows become objects by a plan that is made once.

Building a query and turning it into SQL costs several times what the database needs to answer it. A function marked
``@prepared`` is called once, with stand-ins for its arguments, to build the query; later calls only bind the values.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Collection
from functools import wraps
from operator import itemgetter
from typing import Any

from peewee import (
    BooleanField,
    CharField,
    DateField,
    DateTimeField,
    Field,
    ForeignKeyField,
    IntegerField,
    ModelObjectCursorWrapper,
    ModelSelect,
    TextField,
    Value,
)

from portal_app.db import connect, db, is_sqlite


class _Slot:
    """Where the argument number ``at`` goes."""

    __slots__ = ("at",)

    def __init__(self, at: int) -> None:
        self.at = at


class Prepared:
    """The query that ``build`` describes. Its arguments are database values: ids, texts, dates, whole numbers; an
    argument may stand in conditions and limits, but not decide how the query looks. It yields models, joined or
    (``.objects()``) flat."""

    def __init__(self, build: Callable[..., ModelSelect], count: int) -> None:
        self.build = build
        self.__doc__ = build.__doc__
        self._stand_ins = [Value(_Slot(at), converter=False) for at in range(count)]
        self._made: dict[type, tuple[ModelSelect, str, list[Any]]] = {}
        self._plans: dict[type, _Part] = {}

    def __call__(self, *values: Any) -> list[Any]:
        """The rows."""
        connect()
        kind = type(db.obj)
        if kind not in self._made:
            query = self.build(*self._stand_ins)
            self._made[kind] = (query, *query.sql())
        query, sql, parameters = self._made[kind]
        cursor = db.execute_sql(sql, [values[item.at] if isinstance(item, _Slot) else item for item in parameters])
        if kind not in self._plans:
            self._plans[kind] = _plan(query._get_cursor_wrapper(cursor))
        read = self._plans[kind].read
        return [read(row) for row in cursor.fetchall()]

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


def prepared(build: Callable[..., ModelSelect]) -> Prepared:
    """Write the SQL of the query that ``build`` returns only once for each kind of database."""
    return Prepared(build, build.__code__.co_argcount)


def prepared_of_ids(build: Callable[[Any], ModelSelect]) -> Callable[[Collection[Any]], list[Any]]:
    """The same for a query whose one argument is a list of ids, for conditions with ``in_``: it is prepared for 1, 4,
    16, 64 and 128 of them, and a list between is filled up with one of its own. No ids, no query, no rows."""
    made = {size: Prepared(lambda *ids: build(ids), size) for size in (1, 4, 16, 64, 128)}

    @wraps(build)
    def rows(ids: Collection[Any]) -> list[Any]:
        wanted = list(ids)
        size = next((size for size in made if size >= len(wanted)), 0)
        if not wanted or not size:
            return list(build(wanted)) if wanted else []
        return made[size](*wanted, *wanted[:1] * (size - len(wanted)))

    return rows


# Rows to objects: peewee works out for every row anew what is the same for all of them

# SQLite gives days and moments as text, PostgreSQL as what they are.
_READERS: dict[type[Field], Callable[[Any], Any]] = {
    DateTimeField: dt.datetime.fromisoformat, DateField: dt.date.fromisoformat, BooleanField: bool,
}  # fmt: skip


def _reader(field: Field) -> Callable[[Any], Any] | None:
    """What makes a database's value the field's; ``None`` when it is that already."""
    if isinstance(field, ForeignKeyField):
        return _reader(field.rel_field)
    is_whole = isinstance(field, DateTimeField | DateField) and not is_sqlite()
    if is_whole or isinstance(field, IntegerField | CharField | TextField):
        return None
    return _READERS.get(type(field), field.python_value)


class _Part:
    """One model's share of a row: its fields' ``names`` and what picks their values out of the row, those that are to
    be read (``typed``), values that the query adds to it, and the parts that hang on it (``links``): under which name,
    as the row of which field of theirs, and which columns are all empty when an outer join found nothing."""

    def __init__(self, model: Any, columns: list[tuple[int, str, Any]]) -> None:
        self.model = model
        fields = model._meta.fields
        own = [(at, name, _reader(fields[name])) for at, name, _ in columns if name in fields]
        self.names, self.at = [name for _, name, _ in own], [at for at, _, _ in own]
        first, last = (self.at[0], self.at[0] + len(own)) if own else (0, 0)
        is_one_piece = self.at == list(range(first, last))
        self.pick = itemgetter(slice(first, last)) if is_one_piece else itemgetter(*self.at)
        self.typed = [(name, read) for _, name, read in own if read is not None]
        self.added = [(at, name, read or _same) for at, name, read in columns if name not in fields]
        self.links: list[tuple[str, str, _Part, tuple[int, ...]]] = []

    def read(self, row: tuple[Any, ...]) -> Any:
        data = dict(zip(self.names, self.pick(row), strict=True))
        for name, read in self.typed:
            if data[name] is not None:
                data[name] = read(data[name])
        one = self.model.__new__(self.model)
        one.__data__, one.__rel__, one._dirty = data, {}, set()
        for at, name, read in self.added:
            setattr(one, name, read(row[at]))
        for name, key, part, seen in self.links:
            other = None if seen and row[seen[0]] is None and all(row[at] is None for at in seen) else part.read(row)
            if not key:
                setattr(one, name, other)
                continue
            one.__rel__[name] = other
            if other is not None:
                data.setdefault(name, other.__data__.get(key))
        one._dirty.clear()  # it was read, not changed
        return one

    @property
    def columns(self) -> tuple[int, ...]:
        """Those of this part and of all that hangs on it."""
        own = (*self.at, *(column[0] for column in self.added))
        return (*own, *(at for *_, part, _ in self.links for at in part.columns))


def _same(value: Any) -> Any:
    return value


def _plan(wrapper: Any) -> _Part:
    """The root's part, with the others linked, from what peewee knows about the query."""
    wrapper.initialize()
    if isinstance(wrapper, ModelObjectCursorWrapper):
        flat = zip(range(wrapper.ncols), wrapper.unique_columns, wrapper.converters, strict=True)
        return _Part(wrapper.model, list(flat))
    columns: dict[Any, list[tuple[int, str, Any]]] = {key: [] for key in wrapper.key_to_constructor}
    for at, key, name, convert in wrapper._row_spec:
        columns[key if key in columns else wrapper.model].append((at, name, convert))
    parts = {key: _Part(model, columns[key]) for key, (model, _) in wrapper.key_to_constructor.items()}
    for source, name, key, _, is_outer, is_foreign in reversed(wrapper.src_to_dest):
        field = parts[source].model._meta.fields[name].rel_field.name if is_foreign else ""
        parts[source].links.append((name, field, parts[key], parts[key].columns if is_outer else ()))
    return parts[wrapper.model]
