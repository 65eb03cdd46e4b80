"""What the program has: its routes, and what each role may do: for ``portal routes``, ``portal roles`` and the docs."""

from __future__ import annotations

import tempfile
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from flask import Flask


def routes(app: Flask | None = None) -> list[tuple[str, str, str]]:
    """Method, path, and the action that a visitor must be allowed to do; by path."""
    rows = []
    app = app or _bare_app()
    for rule in app.url_map.iter_rules():
        methods = sorted((rule.methods or set()) - {"HEAD", "OPTIONS"})
        action = getattr(app.view_functions[rule.endpoint], "action", "")
        rows += [(method, rule.rule, action) for method in methods]
    return sorted(rows, key=lambda row: (row[1], row[0]))


def _bare_app() -> Flask:
    """The application on an empty folder, only to look at it."""
    from portal_app import config, create_app

    with tempfile.TemporaryDirectory() as folder:
        return create_app(config.load({}, data=folder, secret_key="only-to-look-at-" * 2))


def roles() -> tuple[list[str], list[tuple[str, list[bool]]]]:
    """The roles; and for each action, which of them may do it."""
    from portal_app.domain import access, people

    names = list(people.ROLES)
    return names, [(action, [name in allowed for name in names]) for action, allowed in access.ACTIONS.items()]
