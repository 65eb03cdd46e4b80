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
from portal_app.domain import access, sessions
from portal_app.domain.people import FirmUser, PortalUser
from portal_app.domain.sessions import Session
from portal_app.web import once
from portal_app.web.cookie import Cookie

P = ParamSpec("P")
R = TypeVar("R")


class Visit(UserMixin):
    """A signed-in browser, as flask-login wants it: its id is the session's token."""

    def __init__(self, token: str, who: FirmUser | PortalUser) -> None:
        self.token, self.who = token, who

    def get_id(self) -> str:
        return self.token


def init_app(app: Flask) -> None:
    app.session_interface = Cookie(app)
    manager = LoginManager(app, add_context_processor=False)
    manager.session_protection = None  # the session table decides, not the browser's address
    manager.user_loader(_load)
    manager.unauthorized_handler(ask_to_sign_in)


def _load(token: str) -> Visit | None:
    current = config.active()
    row: Session | None = sessions.find(token, idle_minutes=current.session_idle_minutes, hours=current.session_hours)
    return None if row is None else Visit(token, row.login)


def sign_in(who: FirmUser | PortalUser) -> None:
    """A new session; whatever the browser carried before is dropped."""
    session.clear()
    login_user(Visit(sessions.start(who), who))
    once.forget()


def sign_out() -> None:
    if current_user.is_authenticated:
        sessions.end(current_user.token)
    logout_user()
    session.clear()
    once.forget()


@once.once
def person() -> FirmUser | PortalUser | None:
    """The signed-in person, if any."""
    visit = current_user._get_current_object()
    return visit.who if isinstance(visit, Visit) else None


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
                abort(403)
            return view(*args, **kwargs)

        checked.action = action  # type: ignore[attr-defined]
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
        return view(*args, **kwargs)

    checked.action = "portal"  # type: ignore[attr-defined]
    return checked


def public(view: Callable[..., Any]) -> Callable[..., Any]:
    """The route is for everybody: said aloud, so that a test can tell it from a forgotten guard."""
    view.action = "public"  # type: ignore[attr-defined]
    return view
