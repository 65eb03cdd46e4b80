"""What every answer carries: the content security policy and its companions; origin check; compression."""

from __future__ import annotations

import os
from collections.abc import Iterable
from functools import lru_cache
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from flask import Flask, Request, Response, abort
from isal import isal_zlib
from werkzeug.datastructures import Accept
from werkzeug.http import parse_accept_header

from portal_app import config
from portal_app.web import once

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

REPORTS = "/policy-reports"  # web/policy_reports.py hears them
POLICY: dict[str, tuple[str, ...]] = {
    "default-src": ("'none'",),
    "script-src": ("'self'",),
    "style-src": ("'self'",),
    "img-src": ("'self'", "data:"),
    "connect-src": ("'self'",),
    "form-action": ("'self'",),
    "frame-ancestors": ("'none'",),
    "base-uri": ("'none'",),
    "report-uri": (REPORTS,),
    "report-to": ("portal",),
}
USUAL = {  # where an answer says nothing else
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Reporting-Endpoints": f'portal="{REPORTS}"',
    "Permissions-Policy": "camera=(), microphone=(), geolocation=(), payment=(), usb=()",
    "Cache-Control": "no-store",
}
_SAFE = {"GET", "HEAD", "OPTIONS"}
_COMPRESS_FROM = 900
_PADDING = 32  # 256 is a multiple of it: each length is as likely
_LEVEL = 1
_GZIP = 31  # zlib's word for gzip's frame around the largest window


@once.once
def _allowed() -> dict[str, list[str]]:
    return {}


def allow(directive: str, *origins: str) -> None:
    """Let this one answer load from ``origins``: the gateway's, on the page that needs it."""
    _allowed().setdefault(directive, []).extend(origins)


def init_app(app: Flask) -> None:
    app.before_request(_check)
    app.after_request(_finish)
    app.wsgi_app = Usual(app.wsgi_app)  # type: ignore[method-assign]  # Flask's own way to put something around it


class Usual:
    """Around the application: gives every answer what it does not say otherwise, also those that no route made."""

    def __init__(self, app: WSGIApplication) -> None:
        self.app = app

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        is_https = config.active().is_https

        def start(status: str, headers: list[tuple[str, str]], *problem: Any) -> Any:
            headers += _besides(is_https, *[name for name, _ in headers])
            return start_response(status, headers, *problem)

        return self.app(environ, start)


def _check() -> None:
    asked = once.asked()
    _check_host(asked)
    _check_origin(asked)


def _check_host(asked: Request) -> None:
    """With https promised, plain http is refused; TRACE is never answered."""
    if asked.method == "TRACE":
        abort(405)
    if config.active().is_https and not asked.is_secure and asked.path not in {"/health", "/health/seen"}:
        abort(400)


def _check_origin(asked: Request) -> None:
    """Changes come only from our own pages (Fetch Metadata, then Origin), besides the CSRF token."""
    if asked.method in _SAFE:
        return
    site = asked.headers.get("Sec-Fetch-Site")
    if site is not None:
        if site not in {"same-origin", "none"}:
            abort(403)
        return
    origin = asked.headers.get("Origin")
    if origin is not None and _host_of(origin) != asked.host:
        abort(403)


def _host_of(origin: str) -> str:
    try:
        return urlsplit(origin).netloc
    except ValueError:
        return ""


def _finish(response: Response) -> Response:
    asked = once.asked()
    if "token" in (asked.view_args or {}):  # the address itself opens something: it is told to nobody
        response.headers.setdefault("Referrer-Policy", "no-referrer")
        response.headers.setdefault("X-Robots-Tag", "noindex, nofollow")
    if allowed := _allowed():
        policy = _policy(*[(name, *origins) for name, origins in allowed.items()])
        response.headers.add("Content-Security-Policy", policy)
    return response


@lru_cache(maxsize=32)
def _policy(*extra: tuple[str, ...]) -> str:
    """The policy with more origins: each directive's name, and what it allows besides."""
    named = dict(POLICY)
    for name, *origins in extra:
        named[name] = (*named.get(name, ()), *origins)
    return "; ".join(f"{name} {' '.join(origins)}" for name, origins in named.items())


_HTTPS = {"Strict-Transport-Security": "max-age=31536000; includeSubDomains"}


@lru_cache(maxsize=256)
def _besides(is_https: bool, *given: str) -> tuple[tuple[str, str], ...]:
    """What an answer with headers of these names lacks of the usual ones."""
    usual = {**USUAL, "Content-Security-Policy": _policy()} | (_HTTPS if is_https else {})
    told = {name.lower() for name in given}
    return tuple((name, value) for name, value in usual.items() if name.lower() not in told)


@lru_cache(maxsize=128)
def _takes_gzip(accepted: str) -> bool:
    return bool(parse_accept_header(accepted, Accept)["gzip"])


def packed(body: bytes, accepted: str) -> bytes | None:
    """A page with gzip by ISA-L, whose tables are small: those of Brotli, which takes a seventh more off, and of zlib,
    which takes a twentieth more, push what serves the page out of the processor's cache. ``None``: it goes as it is."""
    if len(body) < _COMPRESS_FROM or not _takes_gzip(accepted[:200]) or not config.active().compress:
        return None
    # A comment of random length hides how well a page compresses, and so its token (BREACH).
    noise = os.urandom(1 + _PADDING)
    hidden = f"<!-- {noise[1 : 1 + noise[0] % _PADDING].hex()} -->".encode()
    return bytes(isal_zlib.compress(body + hidden, _LEVEL, _GZIP))
