"""How templates are compiled and their macros called: as Jinja does it, with fewer steps.

Both classes lean on what Jinja keeps to itself. ``tests/web/test_compiling.py`` draws the same templates with Jinja's
own and compares, so that a new Jinja that differs is seen at once. Without them every page is the same, and slower.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, MutableMapping
from types import BuiltinMethodType, FunctionType, MethodType
from typing import Any

from flask.templating import Environment
from jinja2.compiler import CodeGenerator
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
    """Writes ``environment.plainly(…)`` for ``escape(…)``, which makes a ``Markup`` of each piece, with four calls,
    only to join it to the page's text a moment later."""

    def _output_child_pre(self, node: Any, frame: Any, finalize: Any) -> None:
        if frame.eval_ctx.volatile or not frame.eval_ctx.autoescape or finalize.src is not None:
            super()._output_child_pre(node, frame, finalize)
        else:
            self.write("environment.plainly(")


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
            kwargs.pop("_block_vars", None)
            kwargs.pop("_loop_vars", None)
            return self._draw(what, args, kwargs)
        if (
            kind is BuiltinMethodType
            or (kind is FunctionType and _ASKS not in what.__dict__)
            or (kind is MethodType and _ASKS not in getattr(what.__func__, "__dict__", ()))
        ):
            kwargs.pop("_block_vars", None)
            kwargs.pop("_loop_vars", None)
            return what(*args, **kwargs)
        return super().call(what, *args, **kwargs)

    def _draw(self, macro: Macro, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        wanted = len(macro.arguments) - len(args)
        if kwargs or wanted < 0 or macro.catch_kwargs or macro.catch_varargs or macro.caller:
            return macro(self.eval_ctx, *args, **kwargs)
        text = macro._func(*args, *[missing] * wanted)
        return Markup(text) if self.eval_ctx.autoescape else text  # noqa: S704 - the macro has escaped what it was given


class Pages(Environment):
    """Flask's environment with both, in which a template takes the globals as they are when it is first loaded: Jinja
    would gather them one by one for each page that it draws."""

    code_generator_class = Compiler
    context_class = Calling
    plainly = staticmethod(plainly)

    def make_globals(self, d: MutableMapping[str, Any] | None) -> MutableMapping[str, Any]:
        return {**self.globals, **(d or {})}
