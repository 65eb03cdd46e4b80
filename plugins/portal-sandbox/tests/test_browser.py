"""What only a browser shows: the frame on another origin, its glue, and the policies of the pages without scripts."""

from __future__ import annotations

import json
import os
import shutil
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from flask import Flask, render_template_string, request, send_from_directory
from playwright.sync_api import Browser, FrameLocator, Page, expect
from werkzeug.serving import make_server

import portal_sandbox
from portal_sandbox.companion import create

STATIC = Path(portal_sandbox.__file__).parent / "static"
KEY = {"Authorization": "Bearer sk_sandbox_rehearsal"}
PAGE = """<!DOCTYPE html><html lang="en"><title>Host</title><link rel="icon" href="data:,">
<div data-gateway-fields data-config='{{ config }}' data-method="card"></div>
<script type="module" src="/fields.js"></script></html>"""
ASK = """(method) => new Promise((resolve) => {
  const reject = (message) => resolve({ message });
  const detail = { method, billing: {}, resolve: (token) => resolve({ token }), reject };
  document.querySelector("[data-gateway-fields]").dispatchEvent(new CustomEvent("portal:tokenize", { detail }));
})"""


@pytest.fixture(scope="session")
def browser_type_launch_args() -> dict[str, Any]:
    # Chromium refuses its own sandbox to root; Debian's build needs no download.
    args = ["--disable-gpu", *(["--no-sandbox"] if os.geteuid() == 0 else [])]
    found = shutil.which("chromium")
    return {"args": args} | ({"executable_path": found} if found else {})


@contextmanager
def served(app: Flask) -> Iterator[str]:
    server = make_server("127.0.0.1", 0, app, threaded=True)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://localhost:{server.port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


class Host:
    """A portal's page in miniature; it keeps every byte that it was sent."""

    def __init__(self, companion: str) -> None:
        self.heard = b""
        self.app = Flask("host")
        self.app.before_request(self.listen)
        self.app.get("/fields.js", endpoint="glue")(lambda: send_from_directory(STATIC, "fields.js"))
        self.app.get("/", endpoint="home")(lambda: self.page(companion, request.host_url.rstrip("/")))
        self.app.get("/stranger", endpoint="stranger")(lambda: self.page(companion, "http://elsewhere.test"))
        self.app.get("/back", endpoint="back")(lambda: "<title>Back</title>Back")

    def listen(self) -> None:
        self.heard += f"{request.full_path} {request.headers}".encode() + request.get_data()

    def page(self, companion: str, origin: str) -> tuple[str, dict[str, str]]:
        config = json.dumps({"gateway": "sandbox", "url": f"{companion}/fields?origin={origin}"})
        policy = f"default-src 'none'; script-src 'self'; img-src data:; frame-src {companion}"
        return render_template_string(PAGE, config=config), {"Content-Security-Policy": policy}


@pytest.fixture
def companion(tmp_path: Path) -> Iterator[tuple[Flask, str]]:
    app = create(str(tmp_path))
    with served(app) as url:
        yield app, url


@pytest.fixture
def host(companion: tuple[Flask, str]) -> Iterator[tuple[Host, str]]:
    host = Host(companion[1])
    with served(host.app) as url:
        yield host, url


def fill(place: Page | FrameLocator, **typed: str) -> None:
    for id, value in typed.items():
        place.locator(f"#{id}").fill(value)


def test_the_fields_trade_a_number_for_a_token(companion: Any, host: Any, page: Page) -> None:
    kept, home = host
    page.goto(home)
    frame = page.frame_locator("iframe.gateway-frame")
    assert page.evaluate(ASK, "card") == {
        "message": "Enter the card number. Enter the expiry date. Enter the security code."
    }
    expect(frame.locator("#number-error")).to_have_text("Enter the card number")
    expect(frame.locator("#number")).to_have_attribute("aria-invalid", "true")
    fill(frame, number="4242 4242 4242 4242", expires="12/30", code="987")
    token = page.evaluate(ASK, "card")["token"]
    expect(frame.locator("#number-error")).to_be_hidden()
    assert page.evaluate(ASK, "card")["token"] != token
    assert page.evaluate(ASK, "bank")["message"].startswith("Enter the routing number.")
    expect(frame.locator("#number")).to_be_hidden()
    fill(frame, routing="110000000", account="000123456789")
    assert page.evaluate(ASK, "bank")["token"].startswith("tok_")
    assert b"/fields.js" in kept.heard
    assert b"4242424242424242" not in kept.heard.replace(b" ", b"").replace(b"+", b"")
    assert b"123456789" not in kept.heard


def test_the_fields_follow_the_page(host: Any, page: Page) -> None:
    page.goto(host[1])
    box, frame = page.locator("[data-gateway-fields]"), page.frame_locator("iframe")
    expect(frame.locator("#number")).to_be_visible()
    box.evaluate("box => { box.dataset.method = 'bank'; box.dispatchEvent(new CustomEvent('portal:method')) }")
    expect(frame.locator("#routing")).to_be_visible()
    inside = frame.locator("#fields").evaluate("content => content.scrollHeight")
    expect(page.locator("iframe")).to_have_attribute("height", str(inside))
    page.evaluate("postMessage({ sandbox: true, kind: 'height', height: 999 }, '*')")
    page.wait_for_timeout(50)
    assert page.locator("iframe").get_attribute("height") == str(inside), "only the frame is listened to"
    box.evaluate("box => box.replaceWith(Object.assign(box.cloneNode(false), { id: 'new' }))")
    expect(page.frame_locator("#new iframe").locator("#routing")).to_be_visible()


def test_no_other_page_may_frame_the_fields(host: Any, page: Page) -> None:
    with page.expect_console_message(lambda message: "frame-ancestors" in message.text):
        page.goto(f"{host[1]}/stranger")
    assert page.frame_locator("iframe").locator("#number").count() == 0


def test_the_payment_page_works_without_scripts(companion: Any, host: Any, browser: Browser) -> None:
    app, url = companion
    order = {"reference": "a", "amount_minor": 5000, "currency": "USD", "merchant_account": "sandbox-trust"}
    sent = order | {"return_url": f"{host[1]}/back"}
    path = app.test_client().post("/v1/sessions", json=sent, headers=KEY).get_json()["action_path"]
    with browser.new_context(java_script_enabled=False) as context:
        page = context.new_page()
        page.goto(url + path)
        fill(page, number="4000000000003220", expires="12/30", code="987")
        page.get_by_role("button", name="Pay $50.00").click()
        expect(page.get_by_role("heading", name="Your bank asks: is this you?")).to_be_visible()
        page.get_by_role("button", name="Approve").click()
        page.wait_for_url("**/back")
    found = app.test_client().get("/v1/charges?reference=a", headers=KEY).get_json()["charges"]
    assert [charge["status"] for charge in found] == ["succeeded"]


def test_the_control_page_works_without_scripts(companion: Any, browser: Browser) -> None:
    app, url = companion
    web = app.test_client()
    typed = {"method": "bank", "routing": "110000000", "account": "000123456789"}
    order = {"reference": "a", "amount_minor": 5000, "currency": "USD", "merchant_account": "sandbox-trust"}
    sent = order | {"return_url": url, "token": web.post("/v1/tokens", json=typed).get_json()["id"]}
    web.post("/v1/charges", json=sent, headers=KEY)
    with browser.new_context(java_script_enabled=False, viewport={"width": 390, "height": 800}) as context:
        page = context.new_page()
        page.goto(url)
        for button in ("Settle now", "Pay out now", "Dispute", "The firm loses"):
            page.get_by_role("button", name=button).click()
        expect(page.get_by_text("−$50.00")).to_be_visible()
        box = page.locator("main").bounding_box()
        assert box is not None
        assert box["width"] <= 390
    found = web.get("/v1/charges?reference=a", headers=KEY).get_json()["charges"]
    assert [each["status"] for each in found[0]["disputes"]] == ["lost"]
