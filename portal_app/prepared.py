"""Queries whose SQL is written once, and whose rows become objects by a plan that is made once.

Building a query and turning it into SQL costs several times what the database needs to answer it. A function marked
``@prepared`` is called once, with stand-ins for its arguments, to build the query; later calls only bind the values.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass, field
from functools import wraps
from keyword import iskeyword
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


class _Statement:
    """The query's SQL for one kind of database, and where its arguments go: ``(place, argument)`` each."""

    def __init__(self, query: ModelSelect) -> None:
        self.query = query
        self.sql, given = query.sql()
        self.slots = [(place, item.at) for place, item in enumerate(given) if isinstance(item, _Slot)]
        self.parameters = [None if isinstance(item, _Slot) else item for item in given]
        self.read: Callable[[Iterable[tuple[Any, ...]]], list[Any]] | None = None


class Prepared:
    """The query that ``build`` describes. Its arguments are database values: ids, texts, dates, whole numbers; an
    argument may stand in conditions and limits, but not decide how the query looks. It yields models, joined or
    (``.objects()``) flat."""

    def __init__(self, build: Callable[..., ModelSelect], count: int) -> None:
        self.build = build
        self.__doc__ = build.__doc__
        self._stand_ins = [Value(_Slot(at), converter=False) for at in range(count)]
        self._made: dict[type, _Statement] = {}

    def __call__(self, *values: Any) -> list[Any]:
        """The rows."""
        connect()
        database = db.obj
        made = self._made.get(type(database))
        if made is None:
            made = self._made[type(database)] = _Statement(self.build(*self._stand_ins))
        parameters = made.parameters.copy()
        for place, at in made.slots:
            parameters[place] = values[at]
        cursor = database.execute_sql(made.sql, parameters)
        if made.read is None:
            made.read = _reader_of(made.query._get_cursor_wrapper(cursor))
        return made.read(cursor.fetchall())

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


@dataclass(slots=True)
class _Part:
    """One model's share of a row: its ``columns`` (place, name, converter), and the parts that hang on it (``links``):
    under which name, as the row of which field of theirs, and which columns are all empty when an outer join found
    nothing."""

    model: Any
    columns: list[tuple[int, str, Any]]
    links: list[tuple[str, str, _Part, tuple[int, ...]]] = field(default_factory=list)

    @property
    def places(self) -> tuple[int, ...]:
        """The columns of this part and of all that hangs on it."""
        return (*(place for place, *_ in self.columns), *(at for *_, part, _ in self.links for at in part.places))


class _Writer:
    """Writes the function that makes objects of rows. Written out for its query it costs a third of what a loop over
    fields does: it is what :mod:`dataclasses` do for ``__init__``. All that goes into its text are names of models'
    fields and of columns, as Python's ``repr`` writes them, and names that are made here."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.known: dict[str, Any] = {}

    def function(self, root: _Part, width: int) -> Callable[[Iterable[tuple[Any, ...]]], list[Any]]:
        names = "".join(f"c{place}, " for place in range(width))
        self.lines = ["def read(rows):", " found = []", f" for {names}in rows:"]
        one = self._part(root, "  ")
        self.lines += [f"  found.append({one})", " return found"]
        exec("\n".join(self.lines), self.known)  # noqa: S102 - see the class
        made: Callable[[Iterable[tuple[Any, ...]]], list[Any]] = self.known["read"]
        return made

    def _name(self, kind: str, value: Any) -> str:
        name = f"{kind}{len(self.known)}"
        self.known[name] = value
        return name

    def _value(self, place: int, read: Callable[[Any], Any] | None) -> str:
        return f"c{place}" if read is None else f"(None if c{place} is None else {self._name('read', read)}(c{place}))"

    def _part(self, part: _Part, pad: str) -> str:
        """Lines that make the part's object; returns its name."""
        fields, model = part.model._meta.fields, self._name("model", part.model)
        own = [(name, self._value(place, _reader(fields[name]))) for place, name, _ in part.columns if name in fields]
        one, data = self._name("one", None), self._name("data", None)
        self.lines += [
            f"{pad}{one} = {model}.__new__({model})",
            f"{pad}{one}.__data__ = {data} = {{{', '.join(f'{name!r}: {value}' for name, value in own)}}}",
            f"{pad}{one}.__rel__ = {{}}",
            f"{pad}{one}._dirty = set()",
        ]
        for place, name, convert in part.columns:
            if name not in fields:
                value = f"c{place}" if convert is None else f"{self._name('read', convert)}(c{place})"
                self.lines.append(f"{pad}{one}.{_checked(name)} = {value}")
        for link in part.links:
            self._link(one, data, link, pad)
        if any(name in fields and not key for name, key, *_ in part.links):
            self.lines.append(f"{pad}{one}._dirty.clear()")  # it was read, not changed
        return one

    def _link(self, one: str, data: str, link: tuple[str, str, _Part, tuple[int, ...]], pad: str) -> None:
        name, key, part, seen = link
        place = f"{one}.__rel__[{name!r}]" if key else f"{one}.{_checked(name)}"
        inner = pad
        if seen:
            nothing = " and ".join(f"c{at} is None" for at in seen)
            self.lines += [f"{pad}if {nothing}:", f"{pad} {place} = None", f"{pad}else:"]
            inner = pad + " "
        other = self._part(part, inner)
        self.lines.append(f"{inner}{place} = {other}")
        if key:
            self.lines.append(f"{inner}{data}.setdefault({name!r}, {other}.__data__.get({key!r}))")


def _checked(name: str) -> str:
    """``name``, if it can be an attribute's."""
    if not name.isidentifier() or iskeyword(name):
        raise ValueError(f"a query names a column {name!r}, which no attribute can be called")
    return name


def _reader_of(wrapper: Any) -> Callable[[Iterable[tuple[Any, ...]]], list[Any]]:
    """What makes objects of rows, from what peewee knows about the query."""
    wrapper.initialize()
    return _Writer().function(_plan(wrapper), wrapper.ncols)


def _plan(wrapper: Any) -> _Part:
    """The root's part, with the others linked."""
    if isinstance(wrapper, ModelObjectCursorWrapper):
        flat = zip(range(wrapper.ncols), wrapper.unique_columns, wrapper.converters, strict=True)
        return _Part(wrapper.model, list(flat))
    columns: dict[Any, list[tuple[int, str, Any]]] = {key: [] for key in wrapper.key_to_constructor}
    for at, key, name, convert in wrapper._row_spec:
        columns[key if key in columns else wrapper.model].append((at, name, convert))
    parts = {key: _Part(model, columns[key]) for key, (model, _) in wrapper.key_to_constructor.items()}
    for source, name, key, _, is_outer, is_foreign in reversed(wrapper.src_to_dest):
        field_name = parts[source].model._meta.fields[name].rel_field.name if is_foreign else ""
        parts[source].links.append((name, field_name, parts[key], parts[key].places if is_outer else ()))
    return parts[wrapper.model]
