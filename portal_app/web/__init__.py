"""The plumbing that both faces stand on: templates, fragments, sign-in, forms, headers, files, letters."""

from __future__ import annotations

import datetime as dt
from typing import Any

from flask import Flask
from werkzeug.middleware.proxy_fix import ProxyFix

from portal_app import config, db
from portal_app.config import Config
from portal_app.web import (
    assets,
    auditing,
    doors,
    errors,
    headers,
    links,
    login,
    once,
    policy_reports,
    probe,
    second_step,
    templates,
    uploads,
    webhooks,
)
from portal_app.web.application import Portal
from portal_app.web.cookie import Protection
from portal_app.web.templates import template_folder


def flask_settings(settings: Config) -> dict[str, Any]:
    """Flask's own configuration. ``__Host-`` cookies need https, which a first try on one machine has not."""
    newest, *before = config.secret_keys(settings)
    return {
        "SECRET_KEY": newest,
        "SECRET_KEY_FALLBACKS": before,
        "SESSION_COOKIE_NAME": "__Host-portal" if settings.is_https else "portal",
        "SESSION_COOKIE_SECURE": settings.is_https,
        "SESSION_COOKIE_HTTPONLY": True,
        "SESSION_COOKIE_SAMESITE": "Lax",
        "SESSION_REFRESH_EACH_REQUEST": False,
        "PERMANENT_SESSION_LIFETIME": dt.timedelta(days=1),
        "WTF_CSRF_TIME_LIMIT": None,  # Pay Now may stay open for longer than the default hour
        "WTF_CSRF_SSL_STRICT": False,  # it asks for a Referer, which pages with a token in their address do not send
        "TEMPLATES_AUTO_RELOAD": False,
    }


def trust_proxies(app: Flask, count: int) -> None:
    """Believe ``X-Forwarded-*`` of exactly that many proxies in front; of none by default. Each of them writes its
    visitor's address behind those before; scheme and host are what the last one says, because it writes them anew."""
    if count:
        app.wsgi_app = ProxyFix(app.wsgi_app, x_for=count, x_proto=1, x_host=1)  # type: ignore[method-assign]  # Flask's own way


def _read_or_write() -> None:
    """A page that only shows is read as one: no figure of it is older than another."""
    db.let_go()
    db.connect()
    if once.asked().method in {"GET", "HEAD"}:
        db.read_as_one()


def init_app(app: Flask) -> None:
    once.init_app(app)
    app.before_request(_read_or_write)
    app.teardown_request(db.let_go)
    auditing.init_app(app)
    uploads.init_app(app)
    headers.init_app(app)
    login.init_app(app)
    templates.init_app(app)
    errors.init_app(app)
    app.register_blueprint(assets.blueprint)


__all__ = [
    "Portal", "Protection", "doors", "flask_settings", "init_app", "links", "policy_reports", "probe", "second_step",
    "template_folder", "trust_proxies", "webhooks",
]  # fmt: skip
