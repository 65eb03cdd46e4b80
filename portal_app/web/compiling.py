"""How templates are compiled and their macros called: as Jinja does it, with fewer steps.

Both classes lean on what Jinja keeps to itself. ``tests/web/test_compiling.py`` draws the same templates with Jinja's
own and compares, so that a new Jinja that differs is seen at once. Without them every page is the same, and slower.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, MutableMapping
from functools import lru_cache
from types import BuiltinMethodType, FunctionType, MethodType
from typing import Any

from flask.templating import Environment
from jinja2 import nodes
from jinja2.compiler import CodeGenerator, Frame
from jinja2.runtime import Context, Macro
from jinja2.utils import internalcode, missing
from markupsafe import Markup, _escape_inner, escape  # type: ignore[attr-defined]

_ASKS = "jinja_pass_arg"  # the mark of a function that wants to be given the context


def plainly(value: Any) -> str:
    """``value`` as it stands in HTML."""
    kind = type(value)
    if kind is str:
        return _escape_inner(value)
    if kind is int:
        return str(value)
    return value if kind is Markup else escape(value)


class _Whole:
    """A block whose pieces come joined. It equals the block itself: that is how Jinja finds what ``super()`` means."""

    __slots__ = ("block",)
    __hash__ = None  # type: ignore[assignment]

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
    - calls without the loop's and the block's variables, which nothing of ours asks for;
    - a layout's text joined, instead of piece by piece through each template that extends it.
    """

    def writeline(self, x: str, node: Any = None, extra: int = 0) -> None:
        if x == "yield from parent_template.root_render_func(context)":
            x = "yield concat(parent_template.root_render_func(context))"
        super().writeline(x, node, extra)

    def _output_child_pre(self, node: Any, frame: Any, finalize: Any) -> None:
        if frame.eval_ctx.volatile or not frame.eval_ctx.autoescape or finalize.src is not None:
            super()._output_child_pre(node, frame, finalize)
        elif _is_plain(node):
            self.write("(")
        else:
            filters = self.environment.filters
            is_text = isinstance(node, nodes.Filter) and getattr(filters.get(node.name), "writes_text", False)
            self.write("environment.escaped(" if is_text else "environment.plainly(")

    def visit_Output(self, node: nodes.Output, frame: Frame) -> None:  # noqa: N802 - Jinja's name
        # {{ "word" if it }} draws nothing where it is not: a text, where Jinja makes an undefined value each time.
        for child in node.nodes:
            if isinstance(child, nodes.CondExpr) and child.expr2 is None:
                child.expr2 = nodes.Const("")
        super().visit_Output(node, frame)

    def visit_Call(self, node: nodes.Call, frame: Frame, forward_caller: bool = False) -> None:  # noqa: N802
        bare = frame.copy()
        bare.loop_frame = bare.block_frame = False
        super().visit_Call(node, bare, forward_caller=forward_caller)


def _is_plain(node: nodes.Node) -> bool:
    """Whether it is one of our own texts, in which nothing is to be escaped."""
    if isinstance(node, nodes.CondExpr):
        return _is_plain(node.expr1) and node.expr2 is not None and _is_plain(node.expr2)
    return isinstance(node, nodes.Const) and isinstance(node.value, str) and escape(node.value) == node.value


class Calling(Context):
    """Calls macros, functions and methods straight away: Jinja finds out anew, each time, whether they want to be given
    the context, at four times the cost of a short macro. And joins what a block draws before it hands it on: otherwise
    each piece goes up by itself through every layout and every block around it."""

    def __init__(
        self,
        environment: Any,
        parent: dict[str, Any],
        name: str | None,
        blocks: dict[str, Any],
        globals: Any = None,  # noqa: A002
    ) -> None:
        whole: dict[str, Any] = {key: _Whole(block) for key, block in blocks.items()}
        super().__init__(environment, parent, name, whole, globals)

    @internalcode
    def call(self, what: Any, /, *args: Any, **kwargs: Any) -> Any:
        kind = type(what)
        if kind is Macro:
            return self._draw(what, args, kwargs)
        if (
            kind is Kept
            or kind is type
            or kind is BuiltinMethodType
            or (kind is FunctionType and _ASKS not in what.__dict__)
            or (kind is MethodType and _ASKS not in getattr(what.__func__, "__dict__", ()))
        ):
            return what(*args, **kwargs)
        return super().call(what, *args, **kwargs)

    def _draw(self, macro: Macro, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        names = macro.arguments[len(args) :]
        rest: list[Any] = [kwargs.pop(name, missing) for name in names]
        if (
            (kwargs and not macro.catch_kwargs)
            or len(args) > len(macro.arguments)
            or macro.catch_varargs
            or (macro.caller and not macro.explicit_caller)
        ):
            kwargs.update((name, value) for name, value in zip(names, rest, strict=True) if value is not missing)
            return macro(self.eval_ctx, *args, **kwargs)
        text = macro._func(*args, *rest, kwargs) if macro.catch_kwargs else macro._func(*args, *rest)
        return Markup(text) if self.eval_ctx.autoescape else text  # noqa: S704 - the macro has escaped what it was given


class Kept:
    """A macro whose piece depends on nothing but the words that it is given: each is drawn once, and kept while there
    is room. Words and markup of the same letters are told apart. What a call block gives is not kept."""

    __slots__ = ("_kept", "macro")

    def __init__(self, macro: Macro) -> None:
        self.macro = macro
        self._kept = lru_cache(maxsize=512, typed=True)(macro)

    def __call__(self, *words: Any, **named: Any) -> Any:
        return self.macro(*words, **named) if "caller" in named else self._kept(*words, **named)


class Pages(Environment):
    """Flask's environment with both, in which a template takes the globals as they are when it is first loaded: Jinja
    would gather them one by one for each page that it draws."""

    code_generator_class = Compiler
    context_class = Calling
    plainly = staticmethod(plainly)
    escaped = staticmethod(_escape_inner)

    def make_globals(self, d: MutableMapping[str, Any] | None) -> MutableMapping[str, Any]:
        return {**self.globals, **(d or {})}
