"""The sandbox's own web application, served beside the portal on another port and so on another origin.

Card numbers are typed here and nowhere else, and are forgotten as soon as they are read.
"""

from __future__ import annotations

import datetime as dt
import time
from collections.abc import Callable
from pathlib import Path

from flask import Flask, Response, g, render_template, request
from flask.typing import ResponseReturnValue
from jinja2 import StrictUndefined
from werkzeug.exceptions import HTTPException

from portal_sandbox.api import api
from portal_sandbox.api_rules import problem
from portal_sandbox.back_api import back_api
from portal_sandbox.books import Books
from portal_sandbox.charges import Charge
from portal_sandbox.control import control
from portal_sandbox.office import Office
from portal_sandbox.pages import pages
from portal_sandbox.postman import Post, Postman, post
from portal_sandbox.store import Store
from portal_sandbox.till import Till
from portal_sandbox.works import Works, works

_POLICY = {
    "default-src": "'none'",
    "style-src": "'self'",
    "img-src": "data:",
    "base-uri": "'none'",
    "form-action": "'none'",
    "frame-ancestors": "'none'",
}
_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=()",
}


def create(
    data_dir: str,
    *,
    clock: Callable[[], int] = lambda: time.time_ns() // 10**9,
    sleep: Callable[[int], object] = time.sleep,
    slow_seconds: int = 6,
    settle_seconds: int = 60,
    post: Post = post,
) -> Flask:
    """The companion, remembering everything in ``data_dir`` (made when missing).

    ``clock`` gives whole seconds since 1970. A slow answer takes ``slow_seconds``; a bank takes ``settle_seconds`` for
    whatever it does. ``post`` delivers events; nothing does so by itself until the postman is started.
    """
    app = Flask(__name__)
    app.config["MAX_CONTENT_LENGTH"] = 16 * 1024
    app.jinja_env.undefined = StrictUndefined
    app.jinja_env.filters.update(money=money, figure=figure, moment=moment)
    books = Books(Store(Path(data_dir) / "sandbox.sqlite3"), clock, settle_seconds)
    app.extensions["sandbox"] = Works(books, Till(books), Office(books), Postman(books, post), sleep, slow_seconds)
    for part in (api, back_api, pages, control):
        app.register_blueprint(part)
    app.register_error_handler(HTTPException, on_error)
    app.after_request(secure)
    app.teardown_request(ring)
    return app


def money(charge: Charge) -> str:
    """The amount as people write it: ``$1,234.50``, or ``1,234.50 CHF`` for other currencies."""
    return figure(charge.amount_minor, charge.currency)


def figure(amount_minor: int, currency: str) -> str:
    whole, cents = divmod(abs(amount_minor), 100)
    sign = "−" if amount_minor < 0 else ""
    return f"{sign}${whole:,}.{cents:02d}" if currency == "USD" else f"{sign}{whole:,}.{cents:02d} {currency}"


def moment(at: int, form: str = "") -> str:
    """Seconds since 1970 as people write them, or as machines do."""
    when = dt.datetime.fromtimestamp(at, dt.UTC)
    return when.isoformat() if form == "iso" else f"{when:%b} {when.day}, {when:%H:%M:%S} UTC"


def ring(_error: BaseException | None) -> None:
    """Whatever a request has changed is told at once, not before it was written."""
    works().postman.wake()


def on_error(error: HTTPException) -> ResponseReturnValue:
    status = error.code or 500
    if request.path.startswith("/v1/"):
        return problem(status, error.name.lower().replace(" ", "_"), error.description or error.name)
    is_ours = status in {400, 422}
    return render_template("error.html", detail=error.description if is_ours else ""), status


def secure(response: Response) -> Response:
    policy = _POLICY | g.get("policy", {})
    response.headers["Content-Security-Policy"] = "; ".join(f"{name} {value}" for name, value in policy.items())
    response.headers.update(_HEADERS)
    if request.endpoint != "static":
        response.headers["Cache-Control"] = "no-store"
    return response
