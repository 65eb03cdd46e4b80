"""How templates are compiled and their macros called: as Jinja does it, with fewer steps.

Both classes lean on what Jinja keeps to itself. ``tests/web/test_compiling.py`` draws the same templates with Jinja's
own and compares, so that a new Jinja that differs is seen at once. Without them every page is the same, and slower.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, MutableMapping
from functools import lru_cache, partial
from keyword import iskeyword
from types import BuiltinMethodType, FunctionType, MethodType
from typing import Any

from flask.templating import Environment
from jinja2 import Template, nodes
from jinja2.compiler import CodeGenerator, Frame, optimizeconst
from jinja2.runtime import Context, Macro, markup_join
from jinja2.utils import internalcode, missing
from markupsafe import Markup, _escape_inner, escape  # type: ignore[attr-defined]  # not in its types

# No list has this name: what Jinja writes to add pieces to it becomes one piece.
_LIST = "joined"
_JOINED = {f"{_LIST}.extend((": "yield concat((", f"{_LIST}.append(": "yield ("}
# Where a field's value and hint are put; nobody can type them, for they are no characters.
_VALUE, _HINT = "\ufdd0", "\ufdd1"
_ASKS = "jinja_pass_arg"  # the mark of a function that wants to be given the context
_CALL = "__call__"


def plainly(value: Any) -> str:
    """``value`` as it stands in HTML."""
    kind = type(value)
    if kind is str:
        return _escape_inner(value)
    if kind is int:
        return str(value)
    return value if kind is Markup else escape(value)


_WORDS = frozenset((str, int))
_markup = partial(str.__new__, Markup)  # of a text that is markup already; its own constructor asks what it is given


def linked(pieces: tuple[Any, ...]) -> str:
    """What ``~`` makes of its pieces: a text, or markup where one of them is."""
    return "".join(map(str, pieces)) if _WORDS.issuperset(map(type, pieces)) else markup_join(pieces)


class _Whole:
    """A block whose pieces come joined. It equals the block itself: that is how Jinja finds what ``super()`` means."""

    __slots__ = ("block",)
    __hash__ = None  # type: ignore[assignment]  # what is equal to another thing has none

    def __init__(self, block: Callable[[Context], Iterable[str]]) -> None:
        self.block = block

    def __call__(self, context: Context) -> tuple[str]:
        return ("".join(self.block(context)),)

    def __eq__(self, other: object) -> bool:
        return self.block is other


class Compiler(CodeGenerator):
    """Writes Python with fewer calls where Jinja's comes to the same on our templates:

    - ``environment.plainly(…)`` for ``escape(…)``, which makes a ``Markup`` of each piece, with four calls, only to
      join it to the page's text a moment later; ``environment.escaped(…)`` for what a filter marked ``writes_text``
      gives; and nothing around our own words;
    - ``environment.linked(…)`` for ``~``, where Jinja asks each piece whether it is markup;
    - our own functions called as they are, not through the context;
    - three pieces or more of a block, or of a page, joined at once instead of handed on one by one;
    - calls without the loop's and the block's variables, which nothing of ours asks for;
    - a layout's text joined, instead of piece by piece through each template that extends it.
    """

    def writeline(self, x: str, node: Any = None, extra: int = 0) -> None:
        if x == "yield from parent_template.root_render_func(context)":
            x = "yield concat(parent_template.root_render_func(context))"
        super().writeline(_JOINED.get(x, x), node, extra)

    def _output_child_pre(self, node: Any, frame: Any, finalize: Any) -> None:
        if frame.eval_ctx.volatile or not frame.eval_ctx.autoescape or finalize.src is not None:
            super()._output_child_pre(node, frame, finalize)
        elif _is_plain(node):
            self.write("(")
        else:
            filters = self.environment.filters
            is_text = isinstance(node, nodes.Filter) and getattr(filters.get(node.name), "writes_text", False)
            self.write("environment.escaped(" if is_text else "environment.plainly(")

    @optimizeconst
    def visit_Concat(self, node: nodes.Concat, frame: Frame) -> None:  # noqa: N802 - Jinja's name
        if frame.eval_ctx.volatile or not frame.eval_ctx.autoescape:
            super().visit_Concat(node, frame)
            return
        self.write("environment.linked((")
        for piece in node.nodes:
            self.visit(piece, frame)
            self.write(", ")
        self.write("))")

    def visit_Output(self, node: nodes.Output, frame: Frame) -> None:  # noqa: N802 - Jinja's name
        # {{ "word" if it }} draws nothing where it is not: a text, where Jinja makes an undefined value each time.
        for child in node.nodes:
            if isinstance(child, nodes.CondExpr) and child.expr2 is None:
                child.expr2 = nodes.Const("")
        if frame.buffer is None and len(node.nodes) > 2:
            frame = frame.copy()
            frame.buffer = _LIST
        super().visit_Output(node, frame)

    def visit_Call(self, node: nodes.Call, frame: Frame, forward_caller: bool = False) -> None:  # noqa: N802  Jinja's name
        if not forward_caller and self._is_ours(node):
            self.visit(node.node, frame)
            self.write("(")
            for at, given in enumerate([*node.args, *node.kwargs]):
                self.write(", " if at else "")
                self.visit(given, frame)  # a keyword writes its name
            self.write(")")
            return
        bare = frame.copy()
        bare.loop_frame = bare.block_frame = False
        super().visit_Call(node, bare, forward_caller=forward_caller)

    def _is_ours(self, node: nodes.Call) -> bool:
        """Whether one of our own functions is called, with nothing to be looked at before it is."""
        if node.dyn_args or node.dyn_kwargs or any(iskeyword(given.key) for given in node.kwargs):
            return False
        return isinstance(node.node, nodes.Name) and _is_direct(self.environment.globals.get(node.node.name))


def _is_direct(what: Any) -> bool:
    """Whether it can be called as it is: it does not want to be given the context."""
    kind = type(what)
    if kind is MethodType:
        return _ASKS not in getattr(what.__func__, "__dict__", ())
    if kind is FunctionType:
        return _ASKS not in what.__dict__
    return _are_direct(kind)  # type: ignore[arg-type]  # a class of classes is hashable, too


@lru_cache(maxsize=256)
def _are_direct(kind: type) -> bool:
    """The same of all things of a kind that is no function's."""
    if kind in {Kept, Around, type, BuiltinMethodType}:
        return True
    call = getattr(kind, _CALL, None)
    return type(call) is FunctionType and _ASKS not in call.__dict__ and not hasattr(kind, _ASKS)


def _is_plain(node: nodes.Node) -> bool:
    """Whether it is one of our own texts, in which nothing is to be escaped."""
    if isinstance(node, nodes.CondExpr):
        return _is_plain(node.expr1) and node.expr2 is not None and _is_plain(node.expr2)
    return isinstance(node, nodes.Const) and isinstance(node.value, str) and escape(node.value) == node.value


class _Known(dict[str, Any]):
    """All names of a context, for one look instead of two."""

    __slots__ = ()

    def __missing__(self, name: str) -> Any:
        return missing


class _Vars(dict[str, Any]):
    """What a template sets, which its context then knows."""

    __slots__ = ("known",)

    def __init__(self, known: _Known) -> None:
        super().__init__()
        self.known = known

    def __setitem__(self, name: str, value: Any) -> None:
        super().__setitem__(name, value)
        self.known[name] = value

    def update(self, given: Any) -> None:  # type: ignore[override]  # all that compiled templates ask of it
        super().update(given)
        self.known.update(given)


class Calling(Context):
    """Calls macros, functions and methods straight away: Jinja finds out anew, each time, whether they want to be given
    the context, at four times the cost of a short macro. And joins what a block draws before it hands it on: otherwise
    each piece goes up by itself through every layout and every block around it."""

    known: _Known

    def __init__(
        self,
        environment: Any,
        parent: dict[str, Any],
        name: str | None,
        blocks: dict[str, Any],
        globals: Any = None,  # noqa: A002, ARG002  Jinja's name
    ) -> None:
        known = _Known(parent)
        # As Jinja's own, but for which names are global: that is the same for all templates.
        self.__dict__ = {
            "environment": environment, "parent": parent, "name": name, "globals_keys": set(), "exported_vars": set(),
            "eval_ctx": nodes.EvalContext(environment, name), "known": known, "vars": _Vars(known),
            "blocks": {key: [_Whole(block)] for key, block in blocks.items()}, "resolve_or_missing": known.__getitem__,
        }  # fmt: skip

    def get_all(self) -> dict[str, Any]:
        return self.known

    @internalcode
    def call(self, what: Any, /, *args: Any, **kwargs: Any) -> Any:
        if type(what) is Macro:
            return _drawn(what, args, kwargs, self.eval_ctx)
        if _is_direct(what):
            return what(*args, **kwargs)
        return super().call(what, *args, **kwargs)


def _drawn(macro: Macro, args: tuple[Any, ...], kwargs: dict[str, Any], where: nodes.EvalContext) -> Any:
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
    return _markup(text) if where.autoescape else text  # the macro has escaped what it was given


class Kept:
    """A macro whose piece depends on nothing but the words that it is given: each is drawn once, and kept while there
    is room. Words and markup of the same letters are told apart. What a call block gives is not kept."""

    __slots__ = ("_kept", "_where", "macro")

    def __init__(self, macro: Macro) -> None:
        self.macro, self._where = macro, nodes.EvalContext(macro._environment)
        self._kept = lru_cache(maxsize=512, typed=True)(macro)

    def __call__(self, *words: Any, **named: Any) -> Any:
        if "caller" in named:
            return _drawn(self.macro, words, named, self._where)
        return self._kept(*words, **named)


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
        return _markup(around % {"value": plainly(field._value()), "hint": plainly(hint or "")})  # all escaped

    def _around(self, field: Any, hint: Any, args: tuple[Any, ...], named: dict[str, Any]) -> str:
        hollow = object.__new__(type(field))  # a copy; WTForms takes what else makes one for a field of a form to come
        vars(hollow).update(vars(field), _value=lambda: _VALUE)
        text = str(self.macro(hollow, hint and _HINT, *args, **named)).replace("%", "%%")
        return text.replace(_VALUE, "%(value)s").replace(_HINT, "%(hint)s")


class Pages(Environment):
    """Flask's environment with both, in which a template takes the globals as they are when it is first loaded: Jinja
    would gather them one by one for each page that it draws."""

    code_generator_class = Compiler
    context_class = Calling
    plainly = staticmethod(plainly)
    escaped = staticmethod(_escape_inner)
    linked = staticmethod(linked)

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self._loaded: dict[Any, Template] = {}

    def get_template(self, name: Any, parent: str | None = None, globals: Any = None) -> Template:  # noqa: A002  Jinja's
        """As Jinja's, which for each layout and each include finds the loader, and a name beside it, in its cache."""
        kept: Template | None = self._loaded.get(name) if globals is None and not self.auto_reload else None
        if kept is None:
            kept = super().get_template(name, parent, globals)
            if isinstance(name, str):
                self._loaded[name] = kept
        return kept

    def make_globals(self, d: MutableMapping[str, Any] | None) -> MutableMapping[str, Any]:
        return {**self.globals, **(d or {})}
