"""What a page asks for again and again and a request looks up once: the person, the firm, how things are written."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextvars import ContextVar
from functools import wraps
from typing import Any, TypeVar

from flask import Flask, Request, request

T = TypeVar("T")
V = TypeVar("V")
R = TypeVar("R")


class _Found(dict[Callable[[], Any], Any]):
    """What was found, by what looks it up; it is looked up when it is first asked for."""

    def __missing__(self, look_up: Callable[[], T]) -> T:
        value = self[look_up] = look_up()
        return value


_found: ContextVar[_Found] = ContextVar("found")


def once(look_up: Callable[[], T]) -> Callable[[], T]:
    """Keep what ``look_up`` finds until the request ends. (Flask's own ``g`` costs ten times as much.)"""
    kept = _found.get

    @wraps(look_up)
    def found() -> T:
        try:
            known = kept()
        except LookupError:  # the first that this thread asks, outside any request
            forget()
            known = kept()
        return known[look_up]

    return found


def with_first(look_up: Callable[[], T], what: Callable[[T, V], R]) -> Callable[[V], R]:
    """``what``, given first what ``look_up``, marked ``@once``, finds: in one call, where a page has hundreds."""
    kept, key = _found.get, look_up.__wrapped__  # type: ignore[attr-defined]  # what wraps() notes

    def call(value: V) -> R:
        try:
            known = kept()
        except LookupError:  # outside any request
            return what(look_up(), value)
        return what(known[key], value)

    return call


def forget(_problem: BaseException | None = None) -> None:
    """Look everything up anew: somebody else's request begins, or somebody signed in or out."""
    _found.set(_Found())


@once
def asked() -> Request:
    """The request itself: each look through Flask's proxy costs as much as what is looked for."""
    found: Request = request._get_current_object()  # type: ignore[attr-defined]  # Flask types its proxy as what it hides
    return found


def typed() -> Mapping[str, str]:
    """The form that was sent; empty where none can be."""
    found = asked()
    return {} if found.method == "GET" else found.form


def asked_for(name: str) -> str:
    """A part of the address; empty when it has none of this name. Whether it is there is asked first: what is taken and
    missing costs an exception each time."""
    given = asked().args
    return given[name] if name in given else ""  # noqa: SIM401 - its get() raises and catches


def part(name: str) -> str:
    """A part of the request: the address decides over the form; empty when neither has it."""
    given = asked().args
    if name in given:
        return given[name]
    sent = typed()
    return sent[name] if name in sent else ""  # noqa: SIM401 - its get() raises and catches


def init_app(app: Flask) -> None:
    """A thread serves many people: nothing may be left over, however early or badly a request ends. So everything is
    forgotten when it ends, and again when the next one begins (``Portal``)."""
    app.teardown_request(forget)
