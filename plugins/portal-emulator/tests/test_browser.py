"""What only a browser shows: hosted fields in a page of another origin with a strict policy, and the pages' looks."""

from __future__ import annotations

import os
import shutil
import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from flask import Flask, request
from playwright.sync_api import Browser, Page, expect
from werkzeug.serving import make_server

from portal_emulator.app import create, world_of
from portal_emulator.serving import running
from portal_emulator.testing import CARD, Api

HOST_PAGE = """<!DOCTYPE html><html lang="en"><head><title>Host</title><link rel="icon" href="data:,">
<script src="{emulator}/hosted-fields/1.5.3/fields.js"></script><script src="/host.js" defer></script></head>
<body data-key="{key}"><div id="one"></div><div id="two"></div></body></html>"""
HOST_SCRIPT = """
window.states = [];
const kinds = location.search === "?bank" ? ["routing_number", "bank_account_number"] : ["credit_card_number", "cvv"];
window.fields = window.AffiniPay.HostedFields.initializeFields({
  publicKey: document.body.dataset.key,
  surchargeEnabled: true,
  input: { css: { fontSize: "19px", ":invalid": { color: "rgb(155, 42, 30)" } } },
  fields: kinds.map((type, index) => ({
    selector: ["#one", "#two"][index],
    input: { type, placeholder: "Type " + type, css: { color: "rgb(1, 2, 3)", background: "url(https://evil.test/)" } },
  })),
}, (state) => window.states.push(state));
"""
ASK = """(details) => window.fields.getPaymentToken(details).then(
  (token) => ({ token }), (error) => ({ error: window.AffiniPay.HostedFields.parseException(error) }))"""


@pytest.fixture(scope="session")
def browser_type_launch_args() -> dict[str, Any]:
    # Chromium refuses its own sandbox to root; Debian's build needs no download.
    args = ["--disable-gpu", *(["--no-sandbox"] if os.geteuid() == 0 else [])]
    found = shutil.which("chromium")
    return {"args": args} | ({"executable_path": found} if found else {})


class Host:
    """A portal's page in miniature; it keeps every byte that it was sent."""

    def __init__(self, emulator: str, key: str) -> None:
        self.heard = b""
        self.app = Flask("host")
        self.app.before_request(self.listen)
        policy = f"default-src 'none'; script-src 'self' {emulator}; img-src data:; frame-src {emulator}"
        page = HOST_PAGE.format(emulator=emulator, key=key)
        self.app.get("/", endpoint="page")(lambda: (page, {"Content-Security-Policy": policy}))
        script = (HOST_SCRIPT, {"Content-Type": "text/javascript"})
        self.app.get("/host.js", endpoint="script")(lambda: script)

    def listen(self) -> None:
        self.heard += f"{request.full_path} {request.headers}".encode() + request.get_data()


class Stage:
    """The emulator, the host page, and a browser tab that tells of every complaint."""

    def __init__(self, api: Api, emulator: str, host: Host, url: str, page: Page) -> None:
        self.api, self.emulator, self.host, self.url, self.page = api, emulator, host, url, page
        self.complaints: list[str] = []
        page.on("console", lambda said: self.complaints.append(said.text) if said.type == "error" else None)
        page.on("pageerror", lambda error: self.complaints.append(str(error)))

    def field(self, place: str) -> Any:
        return self.page.frame_locator(f"{place} iframe").locator("input")

    def ask(self, **details: Any) -> dict[str, Any]:
        answer: dict[str, Any] = self.page.evaluate(ASK, details)
        return answer

    def until(self, expression: str) -> None:
        """Wait until it is true. Asked from outside again and again: the page's policy lets no text become a script, as
        Playwright's own way of waiting would have it when the first look does not find it true."""
        end = time.monotonic() + 20
        while not self.page.evaluate(expression):
            assert time.monotonic() < end, f"it did not become true: {expression}"
            self.page.wait_for_timeout(20)


@pytest.fixture
def stage(browser: Browser) -> Iterator[Stage]:
    app = create()
    with running(app) as emulator:
        host = Host(emulator, world_of(app).public_key)
        listening = make_server("127.0.0.1", 0, host.app, threaded=True)
        thread = threading.Thread(target=listening.serve_forever)
        thread.start()
        page = browser.new_page()
        yield Stage(Api(app), emulator, host, f"http://localhost:{listening.server_port}/", page)
        page.close()
        listening.shutdown()
        thread.join()
        listening.server_close()


def test_a_card_is_typed_in_frames_and_the_page_gets_a_token(stage: Stage) -> None:
    stage.page.goto(stage.url)
    stage.field("#one").fill("4242 4242 4242 4242")
    stage.field("#two").fill("123")
    stage.field("#two").blur()
    stage.until("window.fields.getState().isReady")
    state = stage.page.evaluate("window.states.at(-1)")
    assert state["fields"] == [
        {"type": "credit_card_number", "error": "", "focus": False},
        {"type": "cvv", "error": "", "focus": False},
    ]
    assert (state["target"], state["surchargeable"]) == ("cvv", True)
    answer = stage.ask(exp_month="10", exp_year="2099", postal_code="78730", address1="1 Main St", name="Ann")
    charge = stage.api.charge(1250, answer["token"]["id"])
    assert (charge["cvv_result"], charge["method"]["number"]) == ("MATCHED", "************4242")
    assert (charge["method"]["name"], charge["method"]["exp_year"]) == ("Ann", 2099)
    assert stage.host.heard
    assert b"4242" not in stage.host.heard
    assert "4242 4242" not in stage.page.content()
    assert stage.complaints == []


def test_a_bank_account_is_typed_in_frames(stage: Stage) -> None:
    stage.page.goto(stage.url + "?bank")
    stage.field("#one").fill("000000013")
    stage.field("#two").fill("1234567890")
    answer = stage.ask(name="Ann", account_type="CHECKING")
    assert answer["token"]["account_number"] == "******7890"
    assert stage.api.charge(5, answer["token"]["id"])["method"]["type"] == "bank"


def test_the_fields_tell_what_is_wrong(stage: Stage) -> None:
    stage.page.goto(stage.url)
    expect(stage.field("#one")).to_have_attribute("placeholder", "Type credit_card_number")
    assert stage.page.evaluate("window.fields.getState()")["isReady"] is False
    stage.field("#one").fill("4242424242424241")
    stage.until("window.states.at(-1)?.surchargeable === true")
    stage.field("#one").blur()
    stage.until("window.states.at(-1)?.fields[0].error === 'Card number is not valid'")
    answer = stage.ask(exp_month=10, exp_year=2099)
    assert answer["error"] == {
        "code": 2,
        "message": "error missing tokenization data",
        "messages": ["Card number is not valid", "Card code is required"],
    }
    stage.field("#one").fill("4242424242424242")
    assert stage.ask()["error"]["messages"] == ["Card code is required"]
    stage.field("#two").fill("123")
    stage.api.world.public_key = "m_another"
    assert stage.ask()["error"] == {"code": 4, "message": "error making the token", "messages": ["Not authorized"]}
    stage.api.world.faults.switch_on("down", only="/tokens")
    assert stage.ask()["error"]["code"] == 3
    codes = "[window.AffiniPay.HostedFields.exceptionMap[3], window.AffiniPay.HostedFields.exceptionMap(4)]"
    assert stage.page.evaluate(codes) == ["network", "payment"]


def test_fields_that_cannot_be_made(stage: Stage) -> None:
    stage.page.goto(stage.url)
    script = """(config) => {
      try { window.AffiniPay.HostedFields.initializeFields(config); }
      catch (error) { return [error.code, error.messages]; }
    }"""
    missing = {"publicKey": "m", "fields": [{"selector": "#none", "input": {"type": "cvv"}}]}
    assert stage.page.evaluate(script, missing) == [1, ["There is no element #none"]]
    assert stage.page.evaluate(script, {"fields": []}) == [2, ["publicKey is missing"]]


def test_the_page_dresses_its_fields_and_loads_nothing_by_it(stage: Stage) -> None:
    asked: list[str] = []
    stage.page.on("request", lambda made: asked.append(made.url))
    stage.page.goto(stage.url)
    expect(stage.field("#one")).to_have_css("color", "rgb(1, 2, 3)")
    expect(stage.field("#one")).to_have_css("font-size", "19px")
    stage.field("#one").fill("1")
    stage.field("#one").blur()
    expect(stage.field("#one")).to_have_css("color", "rgb(155, 42, 30)")
    assert not [url for url in asked if "evil" in url]
    assert stage.complaints == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_pages_fit_read_well_and_complain_of_nothing(browser: Browser, stage: Stage, scheme: Any) -> None:
    charge = stage.api.charge(125000, CARD | {"exp_year": 2099}, reference="INV-2026-0042")
    stage.api.refund(charge, 2500)
    stage.api.world.faults.switch_on("slow", seconds=0)
    page = browser.new_page(color_scheme=scheme)
    complaints: list[str] = []
    page.on("console", lambda said: complaints.append(said.text))
    for path in ("/", "/pages/firm/trust?amount=125000&readOnlyFields=amount", "/pages/firm/operating?method=bank"):
        page.goto(stage.emulator + path)
        for width in (390, 1280):
            page.set_viewport_size({"width": width, "height": 900})
            assert page.evaluate("document.documentElement.scrollWidth") == width
        found = Axe().run(page)
        assert found.violations_count == 0, found.generate_report()
    assert complaints == []
    page.close()


def test_a_payment_without_scripts(browser: Browser, stage: Stage) -> None:
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    back = stage.url.replace(":", "%3A").replace("/", "%2F")
    page.goto(
        f"{stage.emulator}/pages/firm/trust?amount=125000&reference=INV-7&readOnlyFields=amount&return_url={back}"
    )
    page.get_by_role("button", name="Pay $1,250.00").click()
    expect(page.get_by_role("alert")).to_contain_text("Nothing was paid.")
    page.get_by_label("Name on the card").fill("Ann Client")
    page.get_by_label("Card number").fill("4242424242424242")
    page.get_by_label("Month").fill("10")
    page.get_by_label("Year").fill("2099")
    page.get_by_label("Code", exact=True).fill("123")
    page.get_by_role("button", name="Pay $1,250.00").click()
    page.wait_for_url(stage.url)
    assert stage.api.get("transactions")["results"][0]["reference"] == "INV-7"
    context.close()
