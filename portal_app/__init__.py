"""Matter Portal: a law firm's own client portal."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from flask import Flask

    from portal_app.config import Config

__version__ = "0.1.0"


@contextmanager
def starting() -> Iterator[None]:
    """The start of a process that serves. What a start makes is there to stay: the collector does not look through it,
    neither now, which would be a tenth of the start, nor later, which would also be at the cost of pages of memory
    that forked workers share."""
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        gc.enable()


def create_app(settings: Config | None = None, **overrides: Any) -> Flask:
    """The whole wiring, in reading order. ``overrides`` go into Flask's own configuration (tests)."""
    from htmx_flask import Htmx

    from portal_app import client, config, db, firm, vault, web
    from portal_app.domain import store, trust

    settings = settings or config.load()
    config.use(settings)
    vault.hush_logs()
    db.open_database(settings.database_url)
    trust.packs()  # a rule pack that cannot be used is found now, not when money moves
    store.open_store(settings.documents or settings.data_dir / "documents")

    app = web.Portal(__name__, static_folder=None, template_folder=web.template_folder())
    app.config.from_mapping(web.flask_settings(settings) | overrides)
    web.trust_proxies(app, settings.trusted_proxies)
    Htmx(app)
    csrf = web.Protection(app)
    csrf.exempt(web.webhooks.blueprint)
    csrf.exempt(web.policy_reports.blueprint)
    web.init_app(app)
    app.register_blueprint(web.doors.blueprint)
    app.register_blueprint(web.webhooks.blueprint)
    app.register_blueprint(web.policy_reports.blueprint)
    app.register_blueprint(web.probe.blueprint)
    app.register_blueprint(firm.blueprint)
    app.register_blueprint(client.blueprint)
    app.register_blueprint(client.guest.blueprint)
    return app
