"""The companion of this process, if there is one: the portal's observers are called without saying where it lives."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterable
from typing import Any

from flask import Flask

from portal_app.plugin_api import Told
from portal_sandbox.companion import create
from portal_sandbox.told import Word
from portal_sandbox.works import Works

_running: list[Works] = []


def serve(data_dir: str, **given: Any) -> Flask:
    """The companion with its postman, in place of the one that this process had before. ``given``: see ``create``."""
    stop()
    app = create(data_dir, **given)
    found: Works = app.extensions["sandbox"]
    found.postman.start()
    _running.append(found)
    return app


class Companion:
    """What the portal serves, with the postman; and sends home."""

    def __init__(self, data_dir: str) -> None:
        self.app = serve(data_dir)

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        return self.app(environ, start_response)

    def close(self) -> None:
        if any(found is self.app.extensions["sandbox"] for found in _running):  # and not another one by now
            stop()


def stop() -> None:
    for found in _running:
        found.postman.stop()
    _running.clear()


def keep(what: str, told: Told) -> None:
    """Keep what an observer was told, if there is a companion to keep it and nothing newer is known of the thing."""
    at = told.at if told.at.tzinfo else told.at.replace(tzinfo=dt.UTC)
    word = Word(
        what=what,
        id=told.id,
        status=told.state,
        reference=told.reference,
        gateway=told.gateway,
        amount_minor=told.amount_minor,
        currency=told.currency,
        at=(at - dt.datetime(1970, 1, 1, tzinfo=dt.UTC)) // dt.timedelta(microseconds=1),
    )
    for found in _running:
        with found.books.writing() as (rows, _):
            known = rows.one(Word, what=what, id=told.id)
            if known is None or known.at <= word.at:
                rows.put(word)
