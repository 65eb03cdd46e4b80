"""The sandbox's own web application, served beside the portal on another port and so on another origin.

Card numbers are typed here and nowhere else, and are forgotten as soon as they are read.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

from flask import Flask, Response, g, render_template, request
from flask.typing import ResponseReturnValue
from jinja2 import StrictUndefined
from werkzeug.exceptions import HTTPException

from portal_sandbox.api import api, problem
from portal_sandbox.charges import Charge
from portal_sandbox.pages import pages
from portal_sandbox.store import Store
from portal_sandbox.till import Till
from portal_sandbox.works import Works

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
) -> Flask:
    """The companion, remembering everything in ``data_dir`` (made when missing).

    ``clock`` gives whole seconds since 1970. A slow answer takes ``slow_seconds``; a bank transfer is settled
    ``settle_seconds`` after it was sent.
    """
    app = Flask(__name__)
    app.config["MAX_CONTENT_LENGTH"] = 16 * 1024
    app.jinja_env.undefined = StrictUndefined
    app.jinja_env.filters["money"] = money
    till = Till(Store(Path(data_dir) / "sandbox.sqlite3"), clock, settle_seconds)
    app.extensions["sandbox"] = Works(till, sleep, slow_seconds)
    app.register_blueprint(api)
    app.register_blueprint(pages)
    app.register_error_handler(HTTPException, on_error)
    app.after_request(secure)
    return app


def money(charge: Charge) -> str:
    """The amount as people write it: ``$1,234.50``, or ``1,234.50 CHF`` for other currencies."""
    whole, cents = divmod(charge.amount_minor, 100)
    figure = f"{whole:,}.{cents:02d}"
    return f"${figure}" if charge.currency == "USD" else f"{figure} {charge.currency}"


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
