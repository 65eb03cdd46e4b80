"""One template draws the page and its fragments: the route names the blocks, nobody sniffs the target."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from flask import Flask, Response, current_app, make_response, redirect, render_template
from htmx_flask import request as htmx_request
from htmx_flask.constants import HX_TRUE
from werkzeug.datastructures import Headers
from werkzeug.wrappers import Response as AnyResponse

from portal_app.web import headers, once

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIEnvironment

_HEADERS = [("Vary", "HX-Request, Accept-Encoding, Cookie"), ("Content-Type", "text/html; charset=utf-8")]


class Page(Response):
    """An answer that is drawn whole, and packed for whoever takes it so. Werkzeug would copy its headers, look for some
    that need correction, and wrap a list of one text to be closed: none of it is there to be done."""

    def get_wsgi_response(self, environ: WSGIEnvironment) -> tuple[Iterable[bytes], str, list[tuple[str, str]]]:
        told = [pair for pair in self.headers if pair[0] != "Content-Length"]
        body = b"".join(self.iter_encoded())
        small = headers.packed(body, environ.get("HTTP_ACCEPT_ENCODING", ""))
        if small is not None:
            body = small
            told.append(("Content-Encoding", "gzip"))
        told.append(("Content-Length", str(len(body))))
        return [] if environ["REQUEST_METHOD"] == "HEAD" else [body], self.status, told


def page(body: str, status: int) -> Page:
    """An answer with the whole of a page, or of a piece of one."""
    told = Headers()
    told._list += _HEADERS  # they are ours: nothing in them has to be looked at
    return Page([body.encode()], status, told)


@once.once
def is_fragment_request() -> bool:
    """Whether htmx asks for a piece; a boosted link or a history restore wants the whole page."""
    told = once.asked().environ
    if "HTTP_HX_REQUEST" not in told:  # nearly always; the rest costs more to ask
        return False
    if "HTTP_HX_BOOSTED" not in told and "HTTP_HX_HISTORY_RESTORE_REQUEST" not in told:
        return bool(told["HTTP_HX_REQUEST"].lower() == HX_TRUE)
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
    return page(body, status)


def _blocks(template: str, blocks: tuple[str, ...], context: dict[str, Any]) -> str:
    app: Flask = current_app._get_current_object()  # type: ignore[attr-defined]  # Flask types its proxy as what it hides
    source = app.jinja_env.get_template(template)
    values: dict[str, Any] = dict(context)
    app.update_template_context(values)
    scope = source.new_context(values)
    parts = ["".join(source.blocks[name](scope)).strip() for name in blocks]
    rest = [_partial(name, part) for name, part in zip(blocks[1:], parts[1:], strict=True)]
    return "\n".join([parts[0], *rest])


def _partial(name: str, body: str) -> str:
    target = name.replace("_", "-")
    return f'<hx-partial hx-target="#{target}" hx-swap="outerHTML">{body}</hx-partial>'


def aimed(answer: Response, target: str, swap: str = "outerHTML") -> Response:
    """The answer's first block goes to ``target``, whatever the request said."""
    answer.headers["HX-Retarget"], answer.headers["HX-Reswap"] = target, swap
    return answer


def taken_out(answer: Response, target: str) -> Response:
    """``target`` is no longer there. The answer's first block goes nowhere: without one, htmx would swap the others and
    leave the target as it is."""
    return aimed(answer, target, "delete")


def go(url: str) -> AnyResponse:
    """On to another page after a change: 303, or for htmx the header that makes the browser go there."""
    if is_fragment_request():
        response = make_response("", 200)
        response.headers["HX-Redirect"] = url
        response.headers["Vary"] = "HX-Request"
        return response
    return redirect(url, 303)
