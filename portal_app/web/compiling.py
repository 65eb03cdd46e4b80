"""How Jinja's compiler writes what a template shows: escaped as ever, but as plain text.

Jinja makes a ``Markup`` of every piece, with four calls, only to join it to the page's text a moment later.
"""

from __future__ import annotations

from typing import Any

from jinja2.compiler import CodeGenerator
from markupsafe import Markup, _escape_inner, escape  # type: ignore[attr-defined]


def plainly(value: Any) -> str:
    """``value`` as it stands in HTML."""
    kind = type(value)
    if kind is str:
        return _escape_inner(value)
    return value if kind is Markup else escape(value)


class Compiler(CodeGenerator):
    """Writes ``environment.plainly(…)`` for ``escape(…)``."""

    def _output_child_pre(self, node: Any, frame: Any, finalize: Any) -> None:
        if frame.eval_ctx.volatile or not frame.eval_ctx.autoescape or finalize.src is not None:
            super()._output_child_pre(node, frame, finalize)
        else:
            self.write("environment.plainly(")
