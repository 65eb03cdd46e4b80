"""Error pages: what happened, that nothing changed, what to do next. They never fail themselves."""

from __future__ import annotations

import logging
import secrets

from flask import Flask, render_template, request
from flask_wtf.csrf import CSRFError
from peewee import DataError, DoesNotExist, OperationalError, PeeweeException
from werkzeug.exceptions import HTTPException
from werkzeug.wrappers import Response

from portal_app import db
from portal_app.domain import firms
from portal_app.domain.documents import Held
from portal_app.domain.errors import Busy
from portal_app.domain.people import FirmUser, PortalUser
from portal_app.domain.store import NotStored
from portal_app.domain.throttles import TooSoon
from portal_app.schema import folder
from portal_app.web.fragments import page
from portal_app.web.login import person
from portal_app.web.press import NotPrinted
from portal_app.web.uploads import Oversize

log = logging.getLogger(__name__)


def init_app(app: Flask) -> None:
    app.register_error_handler(HTTPException, _http)
    app.register_error_handler(DoesNotExist, lambda _problem: _page(404))
    app.register_error_handler(NotStored, lambda _problem: _page(404))
    app.register_error_handler(Held, _held)
    app.register_error_handler(CSRFError, _stale_form)
    app.register_error_handler(Oversize, lambda problem: _page(413, said=problem.description))
    app.register_error_handler(TooSoon, _too_soon)
    app.register_error_handler(Busy, _busy)
    app.register_error_handler(NotPrinted, lambda problem: _later(_page(503, said=str(problem)), 10))
    app.register_error_handler(firms.NoFirm, lambda _problem: _plain("errors/not_set_up.html", 503))
    app.register_error_handler(PeeweeException, _database)
    app.register_error_handler(Exception, _unexpected)


def _http(problem: HTTPException) -> Response:
    if isinstance(problem.response, Response):
        return problem.response
    answer = _page(problem.code or 500)
    for name, value in problem.get_headers():
        if name not in {"Content-Type", "Content-Length"}:
            answer.headers[name] = value
    return answer


def _held(problem: Held) -> Response:
    if problem.is_infected:
        return _page(403, said="The malware scanner found something in this file, so nobody can open it.")
    return _page(409, said="This file is being looked through for malware. It takes a few seconds; then try again.")


def _stale_form(problem: CSRFError) -> Response:
    log.warning("%s refused from %s: %s", request.endpoint, request.remote_addr, problem.description)
    return _page(
        400, said="The form was open for too long or came from another window. Go back, reload, and try again."
    )


def _too_soon(problem: TooSoon) -> Response:
    return _later(_page(429), problem.seconds)


def _busy(_problem: Busy) -> Response:
    return _later(_page(503, said="Too many people are signing in at this moment. Try again in a few seconds."), 5)


def _later(answer: Response, seconds: int) -> Response:
    answer.headers["Retry-After"] = str(seconds)
    return answer


def _unexpected(problem: Exception) -> Response:
    db.let_go()
    reference = _reference()
    log.error("unexpected error, reference %s", reference, exc_info=problem)
    return _page(500, reference=reference)


def _database(problem: PeeweeException) -> Response:
    """Before `portal init` there are no tables; later, a database that does not answer is no fault of the request."""
    db.let_go()
    if not _is_founded():
        return _plain("errors/not_set_up.html", 503)
    if isinstance(problem, DataError):  # a value that no column can hold, and no form of ours sends
        log.warning("the database refuses a value", exc_info=problem)
        return _page(400)
    if not isinstance(problem, OperationalError):
        return _unexpected(problem)
    log.error("the database does not answer", exc_info=problem)
    return _plain("errors/plain.html", 503)


def _is_founded() -> bool:
    try:
        return firms.is_founded()
    except PeeweeException:
        return True


def _reference() -> str:
    text = secrets.token_hex(4).upper()
    return f"{text[:4]}-{text[4:]}"


def _page(code: int, *, reference: str = "", said: str | None = None) -> Response:
    reference = reference or _reference()
    try:
        body = render_template("errors/page.html", code=code, reference=reference, layout=_layout(), said=said)
    except Exception:
        log.exception("the error page itself failed, reference %s", reference)
        return _plain("errors/plain.html", code)
    return page(body, code)


def _plain(name: str, code: int) -> Response:
    """A page that needs neither the database nor the rest of the templates."""
    return page((folder("templates") / name).read_text("utf-8"), code)


def _layout() -> str:
    try:
        who = person()
    except Exception:
        return "layout/signed_out.html"
    if isinstance(who, FirmUser):
        return "layout/firm.html"
    return "layout/client.html" if isinstance(who, PortalUser) else "layout/signed_out.html"
