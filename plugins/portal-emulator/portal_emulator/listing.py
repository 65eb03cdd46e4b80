"""Pages of things: filters, search, order, and the body that every list has."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import partial
from typing import Any, Final

from werkzeug.datastructures import MultiDict

from portal_emulator.clock import moment_of
from portal_emulator.refusal import invalid
from portal_emulator.store import Thing

PAGE_SIZE: Final = 20
LARGEST_PAGE: Final = 1000
Query = MultiDict[str, str]


def page_of(things: list[Thing], query: Query) -> Thing:
    """``things`` in the order to show. Raises ``Refusal`` for a page that is no number."""
    page, size = whole(query, "page", 1), whole(query, "page_size", PAGE_SIZE)
    size = min(size, LARGEST_PAGE)
    start = (page - 1) * size
    return {"page": page, "page_size": size, "total_entries": len(things), "results": things[start : start + size]}


def whole(query: Query, name: str, default: int) -> int:
    text = query.get(name, "").strip()
    if not text:
        return default
    if not re.fullmatch(r"[0-9]{1,9}", text):
        raise invalid(name, "invalid")
    if int(text) < 1:
        raise invalid(name, "below_minimum_value")
    return int(text)


def between(things: Iterable[Thing], query: Query) -> list[Thing]:
    """Those created after ``start_date`` and before ``end_date``."""
    kept = list(things)
    for name, after in (("start_date", True), ("end_date", False)):
        text = query.get(name, "").strip()
        if not text:
            continue
        try:
            limit = moment_of(text)
        except ValueError as error:
            raise invalid(name, "invalid") from error
        kept = [t for t in kept if (moment_of(t["created"]) > limit if after else moment_of(t["created"]) < limit)]
    return kept


def equal(things: Iterable[Thing], query: Query, *names: str) -> list[Thing]:
    """Those whose property has the value asked for, where one is."""
    asked = {name: query[name] for name in names if query.get(name)}
    return [t for t in things if all(str(t.get(name, "")) == value for name, value in asked.items())]


def ordered(things: list[Thing], query: Query, default: str = "-created") -> list[Thing]:
    """By ``order_by``: properties with an optional + or -; ``things`` come oldest first."""
    keys = [key.strip() for key in (query.get("order_by") or default).split(",") if key.strip()]
    result = list(reversed(things)) if keys and keys[0].startswith("-") else list(things)  # equals newest first too
    for key in reversed(keys):
        result.sort(key=partial(_sortable, key.lstrip("+- ")), reverse=key.startswith("-"))
    return result


def _sortable(name: str, thing: Thing) -> tuple[int, int, str]:
    value = value_at(thing, name)
    if isinstance(value, int):
        return (1, int(value), "")
    return (0, 0, "") if value is None else (2, 0, str(value))


def value_at(thing: Any, path: str) -> Any:
    """The property at a dotted path; a plain name is looked for in the payment method too."""
    for part in path.split("."):
        if not isinstance(thing, dict):
            return None
        inner = thing.get("method")
        thing = thing.get(part, inner.get(part) if isinstance(inner, dict) else None)
    return thing


def search(things: Iterable[Thing], query: Query) -> list[Thing]:
    """``q`` is looked for everywhere, each ``qf=property:text`` in its property: words that start with the text."""
    kept = list(things)
    text = query.get("q", "").strip()
    if text:
        kept = [t for t in kept if any(_starts(value, text) for value in _values(t))]
    for term in query.getlist("qf"):
        name, _, wanted = term.partition(":")
        kept = [t for t in kept if _starts(value_at(t, name.strip()), wanted.strip())]
    return kept


def _values(thing: Any) -> Iterable[Any]:
    if isinstance(thing, dict):
        for value in thing.values():
            yield from _values(value)
    elif isinstance(thing, list):
        for value in thing:
            yield from _values(value)
    else:
        yield thing


def _starts(value: Any, text: str) -> bool:
    if value is None or isinstance(value, dict | list):
        return False
    held = str(value).casefold()
    wanted = text.casefold()
    return held.startswith(wanted) or any(word.startswith(wanted) for word in re.split(r"[\s,;/]+", held))
