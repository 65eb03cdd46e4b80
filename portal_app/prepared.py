"""Queries whose SQL is written once, and whose rows become objects by a plan that is made once.

Building a query and turning it into SQL costs several times what the database needs to answer it. A function marked
``@prepared`` is called once, with stand-ins for its arguments, to build the query; later calls only bind the values.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator
from functools import partial, wraps
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
    Model,
    ModelObjectCursorWrapper,
    ModelSelect,
    TextField,
    Value,
)

from portal_app.db import is_sqlite, kept_rows, ready


class _Slot:
    """Where the argument number ``at`` goes."""

    __slots__ = ("at",)

    def __init__(self, at: int) -> None:
        self.at = at


class _Statement:
    """A query's SQL for one kind of database, its parameters with the places where arguments go (``slots``), and how
    its rows are read (``plan``), which the first answer tells."""

    def __init__(self, query: ModelSelect) -> None:
        self.query = query
        self.sql, self.parameters = query.sql()
        self.slots = [(place, item.at) for place, item in enumerate(self.parameters) if isinstance(item, _Slot)]
        self.plan: _Part | _Line | None = None


class Prepared:
    """The query that ``build`` describes. Its arguments are database values: ids, texts, dates, whole numbers; an
    argument may stand in conditions and limits, but not decide how the query looks. It yields models, joined or
    (``.objects()``) flat; or ``kind``, a named tuple of its columns in their order. ``is_kept``: what SQLite answered
    is kept while nobody writes."""

    def __init__(
        self, build: Callable[..., ModelSelect], count: int, kind: Any = None, *, is_kept: bool = False
    ) -> None:
        self.build, self.kind, self.is_kept = build, kind, is_kept
        self.__doc__ = build.__doc__
        self._stand_ins = [Value(_Slot(at), converter=False) for at in range(count)]
        self._made: dict[type, _Statement] = {}

    def __call__(self, *values: Any) -> list[Any]:
        """The rows."""
        database = ready()
        made = self._made.get(type(database))
        if made is None:
            query = self.build(*self._stand_ins)
            made = self._made[type(database)] = _Statement(query.tuples() if self.kind else query)
        kept = kept_rows() if self.is_kept else None
        if kept is None:
            return self._ask(database, made, values)
        rows = kept.get((self, values))
        if rows is None:
            rows = self._ask(database, made, values)
            _keep(kept, (self, values), rows)
        again = made.plan.again  # type: ignore[union-attr]  # its first answer has told
        return [again(row) for row in rows]

    def _ask(self, database: Any, made: _Statement, values: tuple[Any, ...]) -> list[Any]:
        parameters = made.parameters.copy()
        for place, at in made.slots:
            parameters[place] = values[at]
        cursor = database.execute_sql(made.sql, parameters)
        if made.plan is None:
            wrapper = made.query._get_cursor_wrapper(cursor)
            made.plan = _Line(self.kind, wrapper) if self.kind else _plan(wrapper)
        read = made.plan.read
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
            raise next(iter(self._made.values())).query.model.DoesNotExist
        return found


def prepared(build: Callable[..., ModelSelect]) -> Prepared:
    """Write the SQL of the query that ``build`` returns only once for each kind of database."""
    return Prepared(build, build.__code__.co_argcount)


def prepared_and_kept(build: Callable[..., ModelSelect]) -> Prepared:
    """The same for what each page of a visit asks: who it is, whose portal, which matters, who takes payments. While
    nobody writes, here or in another process, a thread takes the answer that SQLite gave it before; each time it
    becomes new objects. PostgreSQL is asked each time."""
    return Prepared(build, build.__code__.co_argcount, is_kept=True)


def prepared_and_kept_as(kind: Any) -> Callable[[Callable[..., ModelSelect]], Prepared]:
    """The same for rows that are only shown: each is a ``kind``, a named tuple of the query's columns."""
    return lambda build: Prepared(build, build.__code__.co_argcount, kind, is_kept=True)


def prepared_as(kind: Any) -> Callable[[Callable[..., ModelSelect]], Prepared]:
    """The same for rows that are only shown: each is a ``kind``, a named tuple of the query's columns in their order,
    which costs a fraction of a model."""
    return lambda build: Prepared(build, build.__code__.co_argcount, kind)


def prepared_of_ids(build: Callable[..., ModelSelect], kind: Any = None) -> Callable[..., list[Any]]:
    """The same for a query whose last argument is a list of ids, for conditions with ``in_``: it is prepared for 1, 4,
    16, 64 and 128 of them, and a list between is filled up with one of its own. No ids, no query, no rows."""
    before = build.__code__.co_argcount - 1

    def made_for(size: int) -> Prepared:
        return Prepared(lambda *values: build(*values[:before], values[before:]), before + size, kind)

    made = {size: made_for(size) for size in (1, 4, 16, 64, 128)}

    @wraps(build)
    def rows(*given: Any) -> list[Any]:
        values, wanted = given[:before], list(given[before])
        if not wanted:
            return []
        size = next((size for size in made if size >= len(wanted)), 0)
        if not size:
            query = build(*values, wanted)
            return list(query) if kind is None else [kind(*row) for row in query.tuples()]
        return made[size](*values, *wanted, *wanted[:1] * (size - len(wanted)))

    return rows


def prepared_of_ids_as(kind: Any) -> Callable[[Callable[..., ModelSelect]], Callable[..., list[Any]]]:
    """The same for rows that are only shown, each a ``kind``."""
    return lambda build: prepared_of_ids(build, kind)


_MOST_KEPT = 64
_LASTING = {str, int, bool, bytes, dt.date, dt.datetime, type(None)}  # nobody can change one in place


def _keep(kept: dict[Any, list[Any]], key: Any, rows: list[Any]) -> None:
    """``rows`` themselves are handed to nobody: their readers are given others like them."""
    if not all(_LASTING.issuperset(map(type, _values_of(row))) for row in rows):
        raise TypeError("what could be changed in place cannot be kept")
    if len(kept) >= _MOST_KEPT:
        kept.clear()
    kept[key] = rows


def _values_of(row: Any) -> Iterator[Any]:
    """All that was read of a row, with what hangs on it."""
    if not isinstance(row, Model):
        yield from row if isinstance(row, tuple) else (row,)
        return
    yield from row.__data__.values()
    added = [value for name, value in vars(row).items() if name not in {"__data__", "__rel__", "_dirty"}]
    for value in (*row.__rel__.values(), *added):
        yield from _values_of(value)


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


class _Some(dict[str, Any]):
    """What was read of a row, where its query asked for some columns only."""

    def __missing__(self, name: str) -> Any:
        raise AttributeError(f"the query did not ask for {name}")


class _Part:
    """One model's share of a row: its fields' ``names`` and what picks their values out of the row, those that are to
    be read (``typed``), values that the query adds to it (``added``, ``added_typed``), and the parts that hang on it
    (``links``): under which name, as the row of which field of theirs, and which columns are all empty when an outer
    join found nothing."""

    def __init__(self, model: Any, columns: list[tuple[int, str, Any]]) -> None:
        self.model = model
        fields = model._meta.fields
        own = [(at, name, _reader(fields[name])) for at, name, _ in columns if name in fields]
        self.names, self.at = [name for _, name, _ in own], [at for at, _, _ in own]
        first, last = (self.at[0], self.at[0] + len(own)) if own else (0, 0)
        is_one_piece = self.at == list(range(first, last))
        self.pick = itemgetter(slice(first, last)) if is_one_piece else itemgetter(*self.at)
        self.kind: type[dict[str, Any]] = dict if len(own) == len(fields) else _Some
        self.typed = [(name, read) for _, name, read in own if read is not None]
        self.added = [(at, name) for at, name, read in columns if name not in fields and read is None]
        self.added_typed = [(name, read, at) for at, name, read in columns if name not in fields and read is not None]
        self.links: list[tuple[str, str, _Part, int | None, tuple[int, ...]]] = []

    def read(self, row: tuple[Any, ...]) -> Any:
        data = self.kind(zip(self.names, self.pick(row)))  # noqa: B905 - they are as many; asking costs a third more
        for name, read in self.typed:
            if (value := data[name]) is not None:
                data[name] = read(value)
        links: dict[str, Any] = {}
        state: dict[str, Any] = {"__data__": data, "__rel__": links, "_dirty": set()}
        for at, name in self.added:
            state[name] = row[at]
        for name, read, at in self.added_typed:
            state[name] = read(row[at])
        for name, key, part, first, rest in self.links:
            is_empty = first is not None and row[first] is None and (not rest or all(row[at] is None for at in rest))
            other = None if is_empty else part.read(row)
            if not key:
                state[name] = other
                continue
            links[name] = other
            if other is not None and name not in data:
                data[name] = other.__data__.get(key)
        one = self.model.__new__(self.model)
        one.__dict__ = state
        return one

    def again(self, row: Any) -> Any:
        """Another object like ``row``, which this part has read, and those that hang on it."""
        links: dict[str, Any] = {}
        state = row.__dict__ | {"__data__": self.kind(row.__data__), "__rel__": links, "_dirty": set()}
        for name, key, part, *_ in self.links:
            other = row.__rel__[name] if key else state[name]
            (links if key else state)[name] = None if other is None else part.again(other)
        one = self.model.__new__(self.model)
        one.__dict__ = state
        return one

    @property
    def columns(self) -> tuple[int, ...]:
        """Those of this part and of all that hangs on it."""
        own = (*self.at, *(at for at, _ in self.added), *(at for *_, at in self.added_typed))
        return (*own, *(at for link in self.links for at in link[2].columns))

    @property
    def marks(self) -> tuple[int, ...]:
        """The columns that are all empty when an outer join found nothing: the key alone, where it was asked for."""
        key = self.model._meta.primary_key.name
        is_told = key in self.names and not self.links
        return (self.at[self.names.index(key)],) if is_told else self.columns


class _Line:
    """A row as a named tuple: ``typed`` are the columns that are to be read."""

    def __init__(self, kind: Any, wrapper: Any) -> None:
        wrapper.initialize()
        readers = enumerate(_reader(field) if field is not None else None for field in wrapper.fields)
        self.typed = [(at, read) for at, read in readers if read is not None]
        if len(wrapper.fields) != len(kind._fields):
            raise TypeError(f"{kind.__name__} has another number of columns than its query")
        self.make = partial(tuple.__new__, kind)  # its own _make counts the columns of each row

    def read(self, row: tuple[Any, ...]) -> Any:
        values = list(row)
        for at, read in self.typed:
            if values[at] is not None:
                values[at] = read(values[at])
        return self.make(values)

    def again(self, row: Any) -> Any:
        """The same: nobody can change it."""
        return row


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
    for source, name, key, _, is_outer, _ in reversed(wrapper.src_to_dest):
        # peewee says that it is no key where the join has a condition of its own, and sets it as one all the same.
        own = parts[source].model._meta.fields.get(name)
        field = own.rel_field.name if isinstance(own, ForeignKeyField) else ""
        first, *rest = parts[key].marks if is_outer else (None,)
        parts[source].links.append((name, field, parts[key], first, tuple(rest)))
    return parts[wrapper.model]
