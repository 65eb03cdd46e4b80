"""What only a browser shows: Stripe's fields on another origin, the glue between, and the pages without scripts."""

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
from desk import Desk
from flask import Flask, render_template_string, request, send_from_directory
from playwright.sync_api import Browser, Page, expect
from werkzeug.serving import make_server

import portal_stripe
from portal_app.plugin_api import BeginRequest, Flow, Fund, Method, OutcomeKind
from portal_stripe import gateway
from portal_stripe.fake import Fake, served

STATIC = Path(portal_stripe.__file__).parent / "static"
PAGE = """<!DOCTYPE html><html lang="en"><title>Host</title><link rel="icon" href="data:,">
<div data-gateway-fields data-config='{{ config }}' data-method="card"></div>
<script type="module" src="/fields.js"></script></html>"""
ASK = """() => new Promise((resolve) => {
  const box = document.querySelector("[data-gateway-fields]");
  const billing = { name: "Alice", address1: "1 Sample Row", address2: "", city: "Springfield", state: "IL",
    postal_code: "62704", country: "US" };
  const detail = { method: box.dataset.method, billing, resolve: (token) => resolve({ token }),
    reject: (message) => resolve({ message }) };
  box.dispatchEvent(new CustomEvent("portal:tokenize", { detail }));
})"""
CHOOSE = """(box, method) => { box.dataset.method = method; box.dispatchEvent(new CustomEvent("portal:method")); }"""


@pytest.fixture(scope="session")
def browser_type_launch_args() -> dict[str, Any]:
    # Chromium refuses its own sandbox to root; Debian's build needs no download.
    args = ["--disable-gpu", *(["--no-sandbox"] if os.geteuid() == 0 else [])]
    found = shutil.which("chromium")
    return {"args": args} | ({"executable_path": found} if found else {})


@contextmanager
def serving(app: Flask) -> Iterator[str]:
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
    """A portal's page in miniature, with the policy that the plugin asks for; it keeps every byte that it was sent."""

    def __init__(self, desk: Desk) -> None:
        self.desk, self.heard, self.settings = desk, b"", {"bank_debits": "yes"}
        self.app = Flask("host")
        self.app.before_request(self.listen)
        self.app.get("/fields.js", endpoint="glue")(lambda: send_from_directory(STATIC, "fields.js"))
        self.app.get("/", endpoint="home")(self.page)
        self.app.get("/back", endpoint="back")(lambda: "<title>Back</title>Back")

    def listen(self) -> None:
        self.heard += f"{request.full_path} {request.headers}".encode() + request.get_data()

    def page(self) -> tuple[str, dict[str, str]]:
        asked = BeginRequest(
            flow=Flow.FIELDS, method=Method.CARD, currency="USD", fund=Fund.OPERATING, merchant_account="acct_firm",
            page_origin=request.host_url.rstrip("/"),
        )  # fmt: skip
        fields: Any = gateway.gateway_begin(self.desk.ctx(**self.settings), asked)
        policy = "; ".join([
            "default-src 'none'", "img-src data:", f"script-src 'self' {' '.join(fields.script_origins)}",
            f"frame-src {' '.join(fields.frame_origins)}", f"connect-src {' '.join(fields.connect_origins)}",
        ])  # fmt: skip
        drawn = render_template_string(PAGE, config=json.dumps(dict(fields.config)))
        return drawn, {"Content-Security-Policy": policy}


@pytest.fixture
def host(desk: Desk, fake: Fake) -> Iterator[tuple[Host, str]]:
    host = Host(desk)
    with served(fake), serving(host.app) as url:
        yield host, url


@pytest.fixture
def complaints(page: Page) -> Iterator[list[str]]:
    """What the console says; nothing, unless a test expects it."""
    said: list[str] = []
    page.on("console", lambda message: said.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: said.append(str(error)))
    yield said
    assert not said


def test_a_card_becomes_a_token_and_the_token_a_charge(host: Any, page: Page, complaints: list[str]) -> None:
    kept, home = host
    page.goto(home)
    frame = page.frame_locator("iframe")
    expect(frame.locator("#number")).to_be_visible()
    assert page.evaluate(ASK) == {"message": "Your card number is incomplete."}
    frame.locator("#number").fill("4242 4242 4242 4242")
    token = page.evaluate(ASK)["token"]
    assert token.startswith("ctoken_")
    paid = kept.desk.charge(token)
    assert (paid.kind, paid.method_summary) == (OutcomeKind.SUCCEEDED, "Visa ending 4242")
    method = kept.desk.fake.object(paid.payload["payment_method"])
    assert method["billing_details"]["address"]["postal_code"] == "62704"
    frame.locator("#number").fill("4000000000009995")
    assert kept.desk.charge(page.evaluate(ASK)["token"], "attempt-2").code == "insufficient_funds"
    frame.locator("#number").fill("4242424242424241")
    assert page.evaluate(ASK) == {"message": "Your card number is incorrect."}
    complaints.clear()  # the browser notes the 402 of the frame's own request
    assert kept.heard
    assert b"4242" not in kept.heard


def test_a_bank_account(host: Any, page: Page, complaints: list[str]) -> None:
    kept, home = host
    page.goto(home)
    box = page.locator("[data-gateway-fields]")
    expect(page.frame_locator("iframe").locator("#number")).to_be_visible()
    box.evaluate(CHOOSE, "bank")
    page.frame_locator("iframe").locator("#account").fill("000123456789")
    paid = kept.desk.charge(page.evaluate(ASK)["token"], method=Method.BANK)
    assert (paid.kind, paid.method_summary) == (OutcomeKind.PENDING, "Bank account ending 6789")
    assert kept.heard
    assert b"000123456789" not in kept.heard


def test_a_bank_account_where_the_firm_takes_none(host: Any, page: Page, complaints: list[str]) -> None:
    kept, home = host
    kept.settings["bank_debits"] = "no"
    page.goto(home)
    expect(page.frame_locator("iframe").locator("#number")).to_be_visible()
    page.locator("[data-gateway-fields]").evaluate(CHOOSE, "bank")
    expect(page.get_by_text("does not take bank account payments")).to_be_visible()
    assert "Pay by card" in page.evaluate(ASK)["message"]


def test_a_page_that_is_swapped_gets_its_fields_again(host: Any, page: Page, complaints: list[str]) -> None:
    page.goto(host[1])
    expect(page.frame_locator("iframe").locator("#number")).to_be_visible()
    page.evaluate("""() => {
      const box = document.querySelector("[data-gateway-fields]");
      box.replaceWith(Object.assign(box.cloneNode(false), { id: "new" }));
    }""")
    expect(page.frame_locator("#new iframe").locator("#number")).to_be_visible()
    assert page.locator("head script[src*='/v3/']").count() == 1


def test_stripes_page_works_without_scripts(host: Any, browser: Browser) -> None:
    kept, home = host
    begun = kept.desk.begin(return_url=f"{home}/back")
    with browser.new_context(java_script_enabled=False) as context:
        page = context.new_page()
        page.goto(begun.url)
        page.get_by_label("Card number").fill("4000000000000002")
        page.get_by_role("button", name="Pay").click()
        expect(page.get_by_role("alert")).to_have_text("Your card was declined.")
        page.get_by_label("Card number").fill("4000000000003220")
        page.get_by_role("button", name="Pay").click()
        page.get_by_role("button", name="Approve").click()
        page.wait_for_url("**/back")
    assert kept.desk.look(id=begun.gateway_reference).kind is OutcomeKind.SUCCEEDED
