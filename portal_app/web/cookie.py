"""The signed cookie and the tokens of forms: whatever a signature proves is proved once, not for each page."""

from __future__ import annotations

import copy
import datetime as dt
import secrets
from functools import lru_cache
from typing import Any

from flask import Flask, Request, Response, current_app, session
from flask.sessions import SecureCookieSession, SecureCookieSessionInterface, SessionMixin
from flask_wtf.csrf import CSRFProtect
from itsdangerous import BadSignature, URLSafeTimedSerializer
from werkzeug.sansio.http import parse_cookie

from portal_app import clock
from portal_app.domain.people import hash_token
from portal_app.web import once

REMEMBERED = 1024  # cookies, and tokens
_SECRET = 40  # hexadecimal digits of a secret against forged forms, as many as Flask-WTF's own
_LONGEST = 4096  # of what a browser sends; ours are a tenth of that
_PLAIN = {str, bool, int}  # what a page cannot change in place: without more, it needs no copy of its own


class Cookie(SecureCookieSessionInterface):
    """Flask's signed cookie. Its signer is made once and remembers what it has verified: the same cookie comes with
    every page of a visit. Whether its session still lives is asked of the session table, each time.

    Whoever is signed in has their secret against forged forms from the session's token: no page has to set the cookie
    anew, and pages opened side by side agree."""

    def __init__(self, app: Flask) -> None:
        self._signer: Any = super().get_signing_serializer(app)
        self._name = self.get_cookie_name(app)
        self._verified = lru_cache(maxsize=REMEMBERED)(self._verify)  # a bad signature raises, and is not kept

    def get_signing_serializer(self, app: Flask) -> Any:  # noqa: ARG002 - Flask's signature
        return self._signer

    def _verify(self, cookies: str) -> tuple[dict[str, Any], dt.datetime] | None:
        """What the header's cookies carry, and since when; ``None`` when ours is not among them."""
        value = parse_cookie(cookies).get(self._name)
        if not value:
            return None
        data, signed_at = self._signer.loads(value, return_timestamp=True)
        if "_user_id" in data:
            data.setdefault("csrf_token", hash_token(f"forms of {data['_user_id']}")[:_SECRET])
        return data, signed_at

    def open_session(self, app: Flask, request: Request) -> SecureCookieSession:
        cookies = request.environ.get("HTTP_COOKIE", "")
        verify = self._verified if len(cookies) <= _LONGEST else self._verify
        try:
            found = verify(cookies)
        except BadSignature:
            found = None
        if found is None:
            return SecureCookieSession()
        data, signed_at = found
        # The signer's own clock, which is the machine's.
        if dt.datetime.now(dt.UTC) - signed_at > app.permanent_session_lifetime:
            return SecureCookieSession()
        return SecureCookieSession(data if set(map(type, data.values())) <= _PLAIN else copy.deepcopy(data))

    def save_session(self, app: Flask, session: SessionMixin, response: Response) -> None:
        """As Flask's, which reads six settings and takes a header apart before it finds nothing to do."""
        if session.modified:
            super().save_session(app, session, response)
        elif session.accessed and "Cookie" not in response.headers.get("Vary", ""):
            response.headers["Vary"] = ", ".join([*response.headers.getlist("Vary"), "Cookie"])


class Protection(CSRFProtect):
    """Flask-WTF's, which asks whether the view is exempt before it asks whether anything can be changed at all."""

    def protect(self, apply_exemptions: bool = False) -> None:
        if once.asked().method not in {"GET", "HEAD", "OPTIONS"}:
            super().protect(apply_exemptions)


@lru_cache(maxsize=REMEMBERED)
def _token(key: str, secret: str, _minute: dt.datetime) -> str:
    return str(URLSafeTimedSerializer(key, salt="wtf-csrf-token").dumps(secret))


@once.once
def csrf_token() -> str:
    """Flask-WTF's token for this session's forms, signed once a minute."""
    secret = session.get("csrf_token")
    if not secret:  # a visitor's first form
        secret = session["csrf_token"] = secrets.token_urlsafe(16)
    minute = clock.now().replace(second=0, microsecond=0)
    return _token(str(current_app.secret_key), secret, minute)
