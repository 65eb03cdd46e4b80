"""The emulator as a Flask application: in a test called directly, otherwise served on a socket (``serving``)."""

from __future__ import annotations

import datetime as dt
import secrets
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import cast

from flask import Flask

from portal_emulator import api, control, desk, door, hosted, pages, recurring_api, webhooks
from portal_emulator.clock import Clock, Source, system
from portal_emulator.money import dollars
from portal_emulator.store import Store
from portal_emulator.wire import Wire
from portal_emulator.world import PUBLIC_KEY, SECRET_KEY, World


def create(
    *,
    secret_key: str = SECRET_KEY,
    public_key: str = PUBLIC_KEY,
    clock: Source = system,
    start: dt.datetime | None = None,
    state: Path | None = None,
    webhook_addresses: Sequence[str] = (),
    post: webhooks.Post = webhooks.over_http,
    sleep: Callable[[int], None] = time.sleep,
    new_id: Callable[[], str] | None = None,
) -> Flask:
    """An emulator of its own, with its own merchant and books.

    ``clock`` is where its time comes from, ``start`` what it shows first; ``post`` sends a webhook (address, body)
    and returns the status of the answer; ``sleep`` waits whole seconds where a fault says so. A fault without an
    answer raises ``faults.Dropped`` from the WSGI call; on a socket the connection closes.
    """
    app = Flask(__name__)
    world = World(Store(state), Clock(clock, start=start), post, secret_key, public_key)
    if new_id is not None:
        world.new_id = new_id
    if webhook_addresses:
        with world:
            world.set_webhooks(webhook_addresses)
    app.extensions["emulator"] = world
    _furnish(app)
    app.wsgi_app = Wire(app.wsgi_app, world, sleep)  # type: ignore[method-assign]  # Flask's own way
    return app


def _furnish(app: Flask) -> None:
    app.json.sort_keys = False  # type: ignore[attr-defined]  # Flask's own provider has it
    app.secret_key = secrets.token_bytes()
    app.config["SESSION_COOKIE_NAME"] = "emulator"  # cookies do not tell ports apart: the portal may be next door
    app.config["SESSION_COOKIE_SAMESITE"] = "Lax"
    app.jinja_env.filters |= {"dollars": dollars, "when": lambda text: text[:16].replace("T", " ")}
    app.jinja_env.trim_blocks = app.jinja_env.lstrip_blocks = True
    door.say_errors(app)
    control.guard(app)
    for module in (api, recurring_api, control, desk, hosted, pages):
        app.register_blueprint(module.routes)


def world_of(app: Flask) -> World:
    """The world behind an application made by ``create``: its clock, faults and books."""
    return cast(World, app.extensions["emulator"])
