"""One template draws the page and its fragments: the route names the blocks, nobody sniffs the target."""

from __future__ import annotations

from typing import Any

from flask import Response, current_app, make_response, redirect, render_template, request
from htmx_flask import request as htmx_request
from markupsafe import Markup
from werkzeug.wrappers import Response as AnyResponse


def is_fragment_request() -> bool:
    """Whether htmx asks for a piece; a boosted link or a history restore wants the whole page."""
    if "HX-Request" not in request.headers:  # nearly always; the rest costs more to ask
        return False
    htmx = htmx_request.htmx
    return bool(htmx and not htmx.boosted and not htmx.history_restore_request)


def render(template: str, *blocks: str, status: int = 200, **context: Any) -> Response:
    """The page; or, when htmx asks, only ``blocks``.

    The first block replaces the request's target; each further one replaces the element whose id is its name in
    kebab case, wherever it stands on the page.
    """
    if blocks and is_fragment_request():
        body = _blocks(template, blocks, context)
    else:
        body = render_template(template, **context)
    return current_app.response_class(body, status, {"Vary": "HX-Request"})


def _blocks(template: str, blocks: tuple[str, ...], context: dict[str, Any]) -> str:
    source = current_app.jinja_env.get_template(template)
    values: dict[str, Any] = dict(context)
    current_app.update_template_context(values)
    scope = source.new_context(values)
    parts = ["".join(source.blocks[name](scope)).strip() for name in blocks]
    rest = [_partial(name, part) for name, part in zip(blocks[1:], parts[1:], strict=True)]
    return "\n".join([parts[0], *rest])


def _partial(name: str, body: str) -> str:
    target = name.replace("_", "-")
    return Markup('<hx-partial hx-target="#{}" hx-swap="outerHTML">{}</hx-partial>').format(target, Markup(body))  # noqa: S704


def go(url: str) -> AnyResponse:
    """On to another page after a change: 303, or for htmx the header that makes the browser go there."""
    if is_fragment_request():
        response = make_response("", 200)
        response.headers["HX-Redirect"] = url
        response.headers["Vary"] = "HX-Request"
        return response
    return redirect(url, 303)
