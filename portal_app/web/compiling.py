"""How templates are compiled and their macros called: as Jinja does it, with fewer steps.

Both classes lean on what Jinja keeps to itself. ``tests/web/test_compiling.py`` draws the same templates with Jinja's
own and compares, so that a new Jinja that differs is seen at once. Without them every page is the same, and slower.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, MutableMapping
from functools import lru_cache
from keyword import iskeyword
from types import BuiltinMethodType, FunctionType, MethodType
from typing import Any, NamedTuple

from flask.templating import Environment
from jinja2 import Template, nodes
from jinja2.compiler import CodeGenerator, Frame, find_undeclared, optimizeconst
from jinja2.runtime import Context, Macro, markup_join
from jinja2.utils import internalcode, missing
from markupsafe import _escape_inner, escape  # type: ignore[attr-defined]  # not in its types

from portal_app.web.macros import Around, Kept, drawn, markup, plainly

# No list has this name: what Jinja writes to add pieces to it becomes one piece.
_LIST = "joined"
_JOINED = {f"{_LIST}.extend((": "yield concat((", f"{_LIST}.append(": "yield ("}
_ASKS = "jinja_pass_arg"  # the mark of a function that wants to be given the context
_CALL = "__call__"
_WORDS = frozenset((str, int))


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
    - ``environment.shown(…)`` for the same of an attribute, in one call;
    - ``environment.linked(…)`` for ``~``, where Jinja asks each piece whether it is markup;
    - our own functions called as they are, not through the context, and macros straight away (``_Macros``);
    - three pieces or more of a block, or of a page, joined at once instead of handed on one by one;
    - calls without the loop's and the block's variables, which nothing of ours asks for;
    - a layout's text joined, instead of piece by piece through each template that extends it.
    """

    _macros: _Macros
    _stands: nodes.Expr | None = None  # what is put on the page as it is: what is written around it sees to that

    def visit_Template(self, node: nodes.Template, frame: Frame | None = None) -> None:  # noqa: N802 - Jinja's name
        self._macros = _Macros(node, self.environment.globals)
        super().visit_Template(node, frame)

    def writeline(self, x: str, node: Any = None, extra: int = 0) -> None:
        if x == "yield from parent_template.root_render_func(context)":
            x = "yield concat(parent_template.root_render_func(context))"
        super().writeline(_JOINED.get(x, x), node, extra)

    def _output_child_pre(self, node: Any, frame: Any, finalize: Any) -> None:
        if frame.eval_ctx.volatile or not frame.eval_ctx.autoescape or finalize.src is not None:
            super()._output_child_pre(node, frame, finalize)
        elif _is_plain(node):
            self.write("(")
        elif isinstance(node, nodes.Call) and self._macros.given(node) is not None:
            self._stands = node
            self.write("(")
        elif isinstance(node, nodes.Getattr):
            self._stands = node
            self.write("environment.shown(")
        else:
            filters = self.environment.filters
            is_text = isinstance(node, nodes.Filter) and getattr(filters.get(node.name), "writes_text", False)
            self.write("environment.escaped(" if is_text else "environment.plainly(")

    def visit_Getattr(self, node: nodes.Getattr, frame: Frame) -> None:  # noqa: N802 - Jinja's name
        if node is not self._stands:
            super().visit_Getattr(node, frame)
            return
        self._stands = None
        self.visit(node.node, frame)
        self.write(f", {node.attr!r}")

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
        is_plain = not forward_caller and frame.eval_ctx.autoescape and not frame.eval_ctx.volatile
        if is_plain and (given := self._macros.given(node)) is not None:
            is_text, self._stands = node is self._stands, None
            self._write_call(node.node, f".{given.how}", given.values, frame, around="" if is_text else "markup")
        elif not forward_caller and self._is_ours(node):
            self._write_call(node.node, "", [*node.args, *node.kwargs], frame)
        else:
            bare = frame.copy()
            bare.loop_frame = bare.block_frame = False
            super().visit_Call(node, bare, forward_caller=forward_caller)

    def _write_call(
        self, what: nodes.Expr, how: str, values: list[nodes.Node | None], frame: Frame, *, around: str = ""
    ) -> None:  # fmt: skip
        self.write(f"environment.{around}(" if around else "")
        self.visit(what, frame)
        self.write(f"{how}(")
        for at, value in enumerate(values):
            self.write(", " if at else "")
            if value is None:
                self.write("missing")
            else:
                self.visit(value, frame)  # a keyword writes its name
        self.write("))" if around else ")")

    def _is_ours(self, node: nodes.Call) -> bool:
        """Whether one of our own functions is called, with nothing to be looked at before it is."""
        if node.dyn_args or node.dyn_kwargs or any(iskeyword(given.key) for given in node.kwargs):
            return False
        return isinstance(node.node, nodes.Name) and _is_direct(self.environment.globals.get(node.node.name))


class _Given(NamedTuple):
    """How a macro is called (``how``: the attribute that is), and with what; ``None`` where nothing is given."""

    how: str
    values: list[Any]


class _Macros:
    """The macros that a template can call straight away, by name: its own and the globals, but for names that it
    gives to something else. Their arguments are put in their places here, once, and not at each call; and what they
    draw is text that they have escaped already. Called is what only a macro has (``_func``, ``piece``): a thing of
    the same name raises an error, and is never taken for markup."""

    def __init__(self, template: nodes.Template, known: MutableMapping[str, Any]) -> None:
        times = Counter(macro.name for macro in template.find_all(nodes.Macro))
        macros = [each for each in template.body if isinstance(each, nodes.Macro) and times[each.name] == 1]
        self._own = {macro.name: _arguments(macro) for macro in macros if macro.name not in known}
        self._taken = {name.name for name in template.find_all(nodes.Name) if name.ctx != "load"}
        self._taken |= _imported(template) | (times.keys() - self._own.keys())
        self._known = known

    def given(self, node: nodes.Call) -> _Given | None:
        """``None``: it is called as Jinja calls it."""
        named = {given.key: given.value for given in node.kwargs}
        is_odd = node.dyn_args or node.dyn_kwargs or len(named) < len(node.kwargs) or any(map(iskeyword, named))
        if is_odd or not isinstance(node.node, nodes.Name) or node.node.name in self._taken:
            return None
        name = node.node.name
        what = self._known.get(name)
        if name in self._own or type(what) is Macro:
            return _in_places(node.args, named, self._own[name] if name in self._own else _names(what))
        is_piece = isinstance(what, Kept | Around) and "caller" not in named
        return _Given("piece", [*node.args, *node.kwargs]) if is_piece else None


def _imported(template: nodes.Template) -> set[str]:
    """The names that come from other templates."""
    single = {each.target for each in template.find_all(nodes.Import)}
    pairs = [each for some in template.find_all(nodes.FromImport) for each in some.names]
    return single | {each if isinstance(each, str) else each[1] for each in pairs}


def _in_places(args: list[Any], named: dict[str, Any], names: tuple[str, ...] | None) -> _Given | None:
    if names is None or len(args) > len(names) or not named.keys() <= set(names[len(args) :]):
        return None
    return _Given("_func", [*args, *map(named.get, names[len(args) :])])


def _names(macro: Any) -> tuple[str, ...] | None:
    """The arguments of a macro; ``None`` when it takes more than those."""
    is_more = macro.catch_kwargs or macro.catch_varargs or (macro.caller and not macro.explicit_caller)
    return None if is_more else tuple(macro.arguments)


def _arguments(macro: nodes.Macro) -> tuple[str, ...] | None:
    """The same of one that is being compiled."""
    names = tuple(argument.name for argument in macro.args)
    more = find_undeclared(macro.body, ("caller", "kwargs", "varargs"))
    return None if more - set(names) else names


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
            return drawn(what, args, kwargs, self.eval_ctx)
        if _is_direct(what):
            return what(*args, **kwargs)
        return super().call(what, *args, **kwargs)


class Pages(Environment):
    """Flask's environment with both, in which a template takes the globals as they are when it is first loaded: Jinja
    would gather them one by one for each page that it draws."""

    code_generator_class = Compiler
    context_class = Calling
    plainly = staticmethod(plainly)
    escaped = staticmethod(_escape_inner)
    linked = staticmethod(linked)
    markup = staticmethod(markup)

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

    def shown(self, thing: Any, name: str) -> str:
        """An attribute as it stands in HTML. A page shows dozens: each call that is saved counts, so what
        :func:`plainly` does first is done here, too."""
        try:
            value = getattr(thing, name)
        except AttributeError:  # an item, or nothing
            value = self.getattr(thing, name)
        kind = type(value)
        if kind is str:
            return _escape_inner(value)
        return str(value) if kind is int else plainly(value)

    def make_globals(self, d: MutableMapping[str, Any] | None) -> MutableMapping[str, Any]:
        return {**self.globals, **(d or {})}
