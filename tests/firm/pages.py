"""Comparing a fragment with its page; counting what a page asks of the database."""

from __future__ import annotations

import re
from unittest.mock import patch

from flask.testing import FlaskClient

from portal_app.db import _look, db


def without_token(text: str) -> str:
    """The CSRF token carries the second in which it was made."""
    return re.sub(r'name="csrf_token" value="[^"]*"', "", text)


def queries(browser: FlaskClient, url: str, *, is_again: bool = False) -> int:
    """How many statements drawing the page takes, when nothing is kept from the last one; ``is_again``: when it is."""
    kind = type(db.obj)
    if not is_again:
        _look.state = None
    with patch.object(kind, "execute_sql", autospec=True, side_effect=kind.execute_sql) as asked:
        assert browser.get(url).status_code == 200
    return asked.call_count
