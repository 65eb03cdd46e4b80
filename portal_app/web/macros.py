"""Macros and what they draw: pieces that are kept, fields of which all but what was typed is."""

from __future__ import annotations

from functools import lru_cache, partial
from typing import Any

from jinja2 import nodes
from jinja2.runtime import Macro
from jinja2.utils import missing
from markupsafe import Markup, _escape_inner, escape  # type: ignore[attr-defined]  # not in its types

# Where a field's value and hint are put; nobody can type them, for they are no characters.
_VALUE, _HINT = "\ufdd0", "\ufdd1"

markup = partial(str.__new__, Markup)  # of a text that is markup already; its own constructor asks what it is given


def plainly(value: Any) -> str:
    """``value`` as it stands in HTML."""
    kind = type(value)
    if kind is str:
        return _escape_inner(value)
    if kind is int:
        return str(value)
    return value if kind is Markup else escape(value)


def drawn(macro: Macro, args: tuple[Any, ...], kwargs: dict[str, Any], where: nodes.EvalContext) -> Any:
    """What a macro draws, called as Jinja would."""
    names = macro.arguments[len(args) :]
    rest: list[Any] = [kwargs.pop(name, missing) for name in names]
    if (
        (kwargs and not macro.catch_kwargs)
        or len(args) > len(macro.arguments)
        or macro.catch_varargs
        or (macro.caller and not macro.explicit_caller)
    ):
        kwargs.update((name, value) for name, value in zip(names, rest, strict=True) if value is not missing)
        return macro(where, *args, **kwargs)
    text = macro._func(*args, *rest, kwargs) if macro.catch_kwargs else macro._func(*args, *rest)
    return markup(text) if where.autoescape else text  # the macro has escaped what it was given


class Kept:
    """A macro whose piece depends on nothing but the words that it is given: each is drawn once, and kept while there
    is room. Words and markup of the same letters are told apart. What a call block gives is not kept."""

    __slots__ = ("_where", "macro", "piece")

    def __init__(self, macro: Macro, most: int = 512) -> None:
        self.macro, self._where = macro, nodes.EvalContext(macro._environment)
        self.piece = lru_cache(maxsize=most, typed=True)(macro)

    def __call__(self, *words: Any, **named: Any) -> Any:
        if "caller" in named:
            return drawn(self.macro, words, named, self._where)
        return self.piece(*words, **named)


class Around:
    """The macro of a field. What it draws around the value and the hint, its label and its control with what the
    template says of it, is the same in every form of its kind: it is drawn once and kept with the field
    (``web/forms.py``), and what was typed is put in. A field with an error is drawn anew."""

    __slots__ = ("macro",)
    MOST = 32  # ways of drawing one field

    def __init__(self, macro: Macro) -> None:
        self.macro = macro

    def __call__(self, field: Any, hint: Any = None, *args: Any, **named: Any) -> Any:
        drawn = getattr(field, "drawn", None)
        if field.errors or drawn is None:
            return self.macro(field, hint, *args, **named)
        symbol = getattr(field, "symbol", "")
        key = (self.macro.name, field.id, symbol, not hint, args, *named.items(), *map(type, named.values()))
        around = drawn.get(key)
        if around is None:
            if len(drawn) >= self.MOST:
                drawn.clear()
            around = drawn[key] = self._around(field, hint, args, named)
        return markup(around % {"value": plainly(field._value()), "hint": plainly(hint or "")})  # all escaped

    piece = __call__

    def _around(self, field: Any, hint: Any, args: tuple[Any, ...], named: dict[str, Any]) -> str:
        hollow = object.__new__(type(field))  # a copy; WTForms takes what else makes one for a field of a form to come
        vars(hollow).update(vars(field), _value=lambda: _VALUE)
        text = str(self.macro(hollow, hint and _HINT, *args, **named)).replace("%", "%%")
        return text.replace(_VALUE, "%(value)s").replace(_HINT, "%(hint)s")
