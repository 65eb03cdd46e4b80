"""``portal check-payment-page``: any change of headers or scripts, as a browser gets them, is an alarm."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import replace

import pytest
from flask import Flask, Response
from werkzeug.serving import make_server

from portal_app import config, create_app, page_check
from portal_app.config import Config
from portal_app.domain import payments, snapshots
from portal_app.domain.mail import Email
from portal_app.domain.people import PortalUser
from portal_app.domain.sessions import Session
from portal_app.web import assets, headers, letters
from tests.world import World


@pytest.fixture
def served(world: World, settings: Config) -> Iterator[Flask]:
    """The portal on a port of its own, which is its public address."""
    app = create_app(settings)
    server = make_server("127.0.0.1", 0, app, threaded=True)
    config.use(replace(settings, public_url=f"http://127.0.0.1:{server.server_port}"))
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield app
    server.shutdown()
    server.server_close()
    thread.join(5)


def test_what_was_accepted_stays_accepted_until_it_changes(
    served: Flask, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = page_check.check(served)
    assert (first.is_first, first.changes) == (True, [])
    page_check.check(served, accept=True)
    assert page_check.check(served) == page_check.Look([], False)
    accepted = snapshots.accepted(page_check.PAGE)
    assert accepted is not None
    facts = accepted.as_dict
    assert facts["script portal.js"] == assets.integrity("portal.js")
    assert facts["script element pay.js"] == f"integrity {assets.integrity('pay.js')}"
    assert "inline script" not in facts

    monkeypatch.setattr(headers, "_besides", headers._besides.__wrapped__)  # nothing of this is to be kept
    monkeypatch.setitem(headers.USUAL, "X-Frame-Options", "SAMEORIGIN")
    [change] = page_check.check(served).changes
    assert change == "Changed: header x-frame-options: was DENY; is SAMEORIGIN"
    assert page_check.check(served).changes == [change], "it is an alarm until a person accepts it"
    page_check.check(served, accept=True)
    assert page_check.check(served).changes == []


def test_a_script_that_is_changed_or_added_on_the_way_is_found(served: Flask, world: World) -> None:
    is_tampered = False

    def tamper(response: Response) -> Response:
        if not is_tampered:
            return response
        if (response.mimetype or "") == "text/javascript":
            response.set_data(response.get_data() + b";steal()")
            response.headers.pop("Content-Encoding", None)
        elif response.mimetype == "text/html":
            response.set_data(response.get_data().replace(b"</head>", b"<script>x()</script><base href='//e'></head>"))
        return response

    served.after_request_funcs[None].insert(0, tamper)  # the last to run: what a proxy on the way would do
    page_check.check(served, accept=True)
    is_tampered = True
    changes = page_check.check(served).changes
    assert {change.split(":")[1].strip() for change in changes} >= {"inline script", "element base", "script pay.js"}


def test_the_look_leaves_nothing_behind(served: Flask, world: World) -> None:
    before = [(row.id, row.last_signed_in_at) for row in PortalUser.select()]
    page_check.check(served)
    assert [(row.id, row.last_signed_in_at) for row in PortalUser.select()] == before
    assert not Session.select().exists()


def test_what_cannot_be_looked_at_is_said(world: World, settings: Config) -> None:
    app = create_app(settings)
    config.use(replace(settings, public_url="http://127.0.0.1:1"))
    with pytest.raises(page_check.NotChecked, match="does not answer"):
        page_check.check(app)
    for who in PortalUser.select():
        if payments.offer(who).available_cents:
            PortalUser.update(disabled_at=who.created_at).where(PortalUser.id == who.id).execute()
    with pytest.raises(page_check.NotChecked, match="No client has anything to pay"):
        page_check.check(app)


def test_administrators_are_told_once_of_the_same_change(world: World) -> None:
    for _ in range(2):
        letters.payment_page_changed(["New: inline script: there is one"])
    rows = list(Email.select().where(Email.kind == "payment_page_changed"))
    assert [row.to_address for row in rows] == ["carol@example.com"]
    assert "inline script" in rows[0].text
