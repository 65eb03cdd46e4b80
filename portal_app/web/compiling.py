"""How templates are compiled and their macros called: as Jinja does it, with fewer steps."""

from __future__ import annotations

from typing import Any

from jinja2.compiler import CodeGenerator
from jinja2.runtime import Context, Macro
from jinja2.utils import internalcode
from markupsafe import Markup, _escape_inner, escape  # type: ignore[attr-defined]


def plainly(value: Any) -> str:
    """``value`` as it stands in HTML."""
    kind = type(value)
    if kind is str:
        return _escape_inner(value)
    return value if kind is Markup else escape(value)


class Compiler(CodeGenerator):
    """Writes ``environment.plainly(…)`` for ``escape(…)``, which makes a ``Markup`` of each piece, with four calls,
    only to join it to the page's text a moment later."""

    def _output_child_pre(self, node: Any, frame: Any, finalize: Any) -> None:
        if frame.eval_ctx.volatile or not frame.eval_ctx.autoescape or finalize.src is not None:
            super()._output_child_pre(node, frame, finalize)
        else:
            self.write("environment.plainly(")


class Calling(Context):
    """Calls a macro straight away: Jinja finds out anew, each time, that it wants to be told about escaping."""

    @internalcode
    def call(self, what: Any, /, *args: Any, **kwargs: Any) -> Any:
        if type(what) is not Macro:
            return super().call(what, *args, **kwargs)
        kwargs.pop("_block_vars", None)
        kwargs.pop("_loop_vars", None)
        return what(self.eval_ctx, *args, **kwargs)
