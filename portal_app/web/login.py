"""Who is signed in: flask-login over our own session table, and the two doors of the two faces."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any, ParamSpec, TypeVar
from urllib.parse import quote, urlsplit

from flask import Flask, abort, request, session
from flask_login import LoginManager, UserMixin, current_user, login_user, logout_user
from htmx_flask import request as htmx_request
from werkzeug.wrappers import Response

from portal_app import config
from portal_app.db import transaction
from portal_app.domain import access, audit, sessions, sign_ins
from portal_app.domain.people import FirmUser, PortalUser
from portal_app.domain.sessions import Session
from portal_app.web import auditing, callers, once
from portal_app.web.cookie import Cookie

P = ParamSpec("P")
R = TypeVar("R")


class Visit(UserMixin):
    """A signed-in browser, as flask-login wants it: its id is the session's token."""

    def __init__(self, token: str, row: Session) -> None:
        self.token, self.row, self.who = token, row, row.login

    def get_id(self) -> str:
        return self.token


class Manager(LoginManager):
    """flask-login's. The session table decides: neither the browser's address, of which it would reckon a mark, nor a
    cookie that remembers, nor a header."""

    def _load_user(self) -> None:
        token = session.get("_user_id")
        self._update_request_context_with_user(None if token is None else self._user_callback(token))

    def _update_remember_cookie(self, response: Response) -> Response:
        """There is none: only what a sign-out has just marked in the session is to be done."""
        found: Response = super()._update_remember_cookie(response) if session.modified else response
        return found


def init_app(app: Flask) -> None:
    app.session_interface = Cookie(app)
    manager = Manager(app, add_context_processor=False)
    manager.user_loader(_load)
    manager.unauthorized_handler(ask_to_sign_in)


def _load(token: str) -> Visit | None:
    row = sessions.find(token)
    return None if row is None else Visit(token, row)


HALF = "half"  # the cookie's name for a session that waits for its second factor


def sign_in(who: FirmUser | PortalUser, *, has_both: bool = False) -> bool:
    """A new session for whoever has just proved who they are; whatever the browser carried before is dropped.
    ``False``: the second factor comes next, and nothing is open yet. ``has_both``: a passkey, which is both."""
    sign_out()
    token, is_whole = sign_ins.start(who, callers.remembered(), has_both=has_both)
    if is_whole:
        _carry(token)
    else:
        session[HALF] = token
    return is_whole


def half() -> Session | None:
    """The session of this browser that waits for its second factor."""
    return sessions.find_half(session.get(HALF, ""))


def complete(row: Session) -> None:
    """The second factor was right."""
    token = sign_ins.complete(row, callers.remembered())
    session.clear()
    _carry(token)


def prove_again() -> None:
    """The signed-in person has proved anew who they are: their session goes on under a new token."""
    _carry(sessions.renew(visit().row))


def _carry(token: str) -> None:
    row = sessions.find(token)
    if row is None:  # pragma: no cover - it was made a moment ago
        abort(500)
    login_user(Visit(token, row))
    once.forget()


def visit() -> Visit:
    """The signed-in browser; only inside guarded routes."""
    found = current_user._get_current_object()
    if not isinstance(found, Visit):
        abort(404)
    return found


def sign_out() -> None:
    if current_user.is_authenticated:
        with transaction():
            sessions.end(current_user.token)
            audit.record("sign_out", by=current_user.who)
    logout_user()
    session.clear()
    once.forget()


@once.once
def person() -> FirmUser | PortalUser | None:
    """The signed-in person, if any."""
    found = current_user._get_current_object()
    return found.who if isinstance(found, Visit) else None


def firm_user() -> FirmUser:
    """The signed-in member of staff; only inside :func:`firm_only` routes."""
    who = person()
    if not isinstance(who, FirmUser):
        abort(404)
    return who


def portal_user() -> PortalUser:
    """The signed-in portal user; only inside :func:`client_only` routes."""
    who = person()
    if not isinstance(who, PortalUser):
        abort(404)
    return who


def home_of(who: FirmUser | PortalUser | None) -> str:
    if who is None:
        return "/sign-in"
    return "/firm" if isinstance(who, FirmUser) else "/portal"


def ask_to_sign_in() -> Response:
    """To the sign-in page and back again; htmx is told so by a header, since it would swallow a redirect."""
    here = request.full_path.rstrip("?") if request.method == "GET" else ""
    htmx = htmx_request.htmx
    if htmx:
        here = _path_of(htmx.current_url or "")
    target = f"/sign-in?next={quote(here, safe='')}" if here not in {"", "/"} else "/sign-in"
    if htmx:
        return Response("", 401, {"HX-Redirect": target})
    return Response("", 303, {"Location": target})


def _path_of(address: str) -> str:
    try:
        parts = urlsplit(address)
    except ValueError:
        return ""
    return parts.path + (f"?{parts.query}" if parts.query else "")


def safe_next(target: str | None) -> str | None:
    """A path of this site, or nothing: redirects go only inside."""
    if not target or not target.startswith("/") or target.startswith(("//", "/\\")) or "\\" in target:
        return None
    if any(ord(sign) < 32 for sign in target):
        return None
    return target


def firm_only(action: str) -> Callable[[Callable[P, R]], Callable[P, R | Response]]:
    """The route is for staff who may do ``action``: others get 404 (portal users) or 403 (the wrong role)."""
    access.ACTIONS[action]

    def guard(view: Callable[P, R]) -> Callable[P, R | Response]:
        @wraps(view)
        def checked(*args: P.args, **kwargs: P.kwargs) -> R | Response:
            who = person()
            if who is None:
                return ask_to_sign_in()
            if not isinstance(who, FirmUser):
                abort(404)
            if not access.may(who, action):
                auditing.refused(view, who)
                abort(403)
            with auditing.expecting(view, who):
                return view(*args, **kwargs)

        vars(checked)["action"] = action
        return checked

    return guard


def client_only(view: Callable[P, R]) -> Callable[P, R | Response]:
    """The route is for portal users; staff get 404."""

    @wraps(view)
    def checked(*args: P.args, **kwargs: P.kwargs) -> R | Response:
        who = person()
        if who is None:
            return ask_to_sign_in()
        if not isinstance(who, PortalUser):
            abort(404)
        with auditing.expecting(view, who):
            return view(*args, **kwargs)

    vars(checked)["action"] = "portal"
    return checked


def fresh(view: Callable[P, R]) -> Callable[P, R | Response]:
    """The person must have proved lately who they are; otherwise they do so first, and come back. It stands below
    ``firm_only`` or ``client_only``: for secrets, gateways, roles, ways to sign in, trust disbursements.

    What is sent may be some minutes older than what is opened, so that nobody loses what they have filled in.
    """

    @wraps(view)
    def checked(*args: P.args, **kwargs: P.kwargs) -> R | Response:
        is_sent = request.method not in {"GET", "HEAD"}
        if visit().row.is_fresh(config.active().fresh_minutes * (2 if is_sent else 1)):
            return view(*args, **kwargs)
        here = _path_of(request.referrer or "") if is_sent else request.full_path.rstrip("?")
        target = f"{home_of(person())}/account/confirm?next={quote(here, safe='')}"
        if htmx_request.htmx:
            return Response("", 401, {"HX-Redirect": target})
        return Response("", 303, {"Location": target})

    vars(checked)["is_fresh"] = True
    return checked


def public(view: Callable[..., Any]) -> Callable[..., Any]:
    """The route is for everybody: said aloud, so that a test can tell it from a forgotten guard."""
    vars(view)["action"] = "public"
    return view
