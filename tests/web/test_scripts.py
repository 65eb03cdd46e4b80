"""The inventory of scripts names exactly what the pages load."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from portal_app.web import assets
from portal_app.web.scripts import inventory
from tests.world import World


def test_the_payment_page_loads_what_the_inventory_names(
    app: Flask, as_: Callable[[Any], FlaskClient], world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(assets, "_plugin_file", lambda _name: b"// glue")
    assets._asset.cache_clear()
    answer = as_(world.alice).get("/portal/pay")
    loaded = set(re.findall(r'<script[^>]*src="/static/[0-9a-f]+/([^"]+)"', answer.text))
    with app.test_request_context():
        found = inventory()
    assets._asset.cache_clear()
    assert "plugins/fake/fields.js" in loaded
    assert 'desk.js"' in as_(world.carol).get("/firm").text
    assert {script.name for script in found if script.name} == loaded | {"desk.js"}  # the firm's pages alone have it
    allowed = re.search(r"script-src ([^;]*)", answer.headers["Content-Security-Policy"])
    assert allowed is not None
    assert {"'self'", *(script.origin for script in found if script.origin)} == set(allowed[1].split())
    assert all(script.reason and script.pages for script in found)
