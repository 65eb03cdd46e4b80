"""The signed cookie and the tokens of forms: whatever a signature proves is proved once, not for each page."""

from __future__ import annotations

import copy
import datetime as dt
import secrets
from functools import lru_cache
from typing import Any

from flask import Flask, Request, current_app, request, session
from flask.sessions import SecureCookieSession, SecureCookieSessionInterface
from flask_wtf.csrf import CSRFProtect
from itsdangerous import BadSignature, URLSafeTimedSerializer

from portal_app import clock
from portal_app.domain.people import hash_token

REMEMBERED = 1024  # cookies, and tokens
_PLAIN = {str, bool, int}  # what a page cannot change in place: without more, it needs no copy of its own


class Cookie(SecureCookieSessionInterface):
    """Flask's signed cookie. Its signer is made once and remembers what it has verified: the same cookie comes with
    every page of a visit. Whether its session still lives is asked of the session table, each time.

    Whoever is signed in has their secret against forged forms from the session's token: no page has to set the cookie
    anew, and pages opened side by side agree."""

    def __init__(self, app: Flask) -> None:
        self._signer: Any = super().get_signing_serializer(app)
        self._verified = lru_cache(maxsize=REMEMBERED)(self._verify)  # a bad signature raises, and is not kept

    def get_signing_serializer(self, app: Flask) -> Any:  # noqa: ARG002 - Flask's signature
        return self._signer

    def _verify(self, value: str) -> tuple[dict[str, Any], dt.datetime]:
        data, signed_at = self._signer.loads(value, return_timestamp=True)
        if "_user_id" in data:
            data.setdefault("csrf_token", hash_token(f"forms of {data['_user_id']}"))
        return data, signed_at

    def open_session(self, app: Flask, request: Request) -> SecureCookieSession:
        value = request.cookies.get(self.get_cookie_name(app))
        try:
            data, signed_at = self._verified(value) if value else ({}, dt.datetime.now(dt.UTC))
        except BadSignature:
            return SecureCookieSession()
        # The signer's own clock, which is the machine's.
        if dt.datetime.now(dt.UTC) - signed_at > app.permanent_session_lifetime:
            return SecureCookieSession()
        return SecureCookieSession(data if set(map(type, data.values())) <= _PLAIN else copy.deepcopy(data))


class Protection(CSRFProtect):
    """Flask-WTF's, which asks whether the view is exempt before it asks whether anything can be changed at all."""

    def protect(self, apply_exemptions: bool = False) -> None:
        if request.method not in {"GET", "HEAD", "OPTIONS"}:
            super().protect(apply_exemptions)


@lru_cache(maxsize=REMEMBERED)
def _token(key: str, secret: str, _minute: dt.datetime) -> str:
    return str(URLSafeTimedSerializer(key, salt="wtf-csrf-token").dumps(secret))


def csrf_token() -> str:
    """Flask-WTF's token for this session's forms, signed once a minute."""
    secret = session.get("csrf_token")
    if not secret:  # a visitor's first form
        secret = session["csrf_token"] = secrets.token_urlsafe(16)
    minute = clock.now().replace(second=0, microsecond=0)
    return _token(str(current_app.secret_key), secret, minute)
