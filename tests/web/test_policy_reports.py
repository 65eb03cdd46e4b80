"""What browsers report of the content security policy is kept, without anything that only a link should know."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from flask.testing import FlaskClient

from portal_app import clock
from portal_app.domain import policy_reports
from portal_app.domain.policy_reports import PolicyReport, Refusal
from portal_app.web import policy_reports as web
from tests.world import World

As = Callable[[Any], FlaskClient]
OLD = {
    "csp-report": {
        "document-uri": "http://localhost/portal/invoices/SECRET-id?x=1",
        "effective-directive": "script-src-elem",
        "violated-directive": "script-src-elem",
        "blocked-uri": "https://evil.example.com/steal.js?card=4242",
        "source-file": "chrome-extension://abcdef/content.js",
    }
}
NEW = [
    {
        "type": "csp-violation",
        "url": "http://localhost/portal",
        "body": {
            "documentURL": "http://localhost/portal",
            "effectiveDirective": "style-src-attr",
            "blockedURL": "inline",
            "sourceFile": "http://localhost/static/0123456789abcdef/portal.js",
        },
    },
    {"type": "deprecation", "body": {"id": "unload"}},
]


@pytest.fixture(autouse=True)
def nothing_written() -> None:
    web._written.clear()


def report(browser: FlaskClient, said: Any, kind: str = "application/csp-report") -> int:
    body = said if isinstance(said, bytes) else json.dumps(said).encode()
    return browser.post("/policy-reports", data=body, content_type=kind).status_code


def rows() -> set[tuple[str, str, str, str, int]]:
    return {(row.page, row.directive, row.blocked, row.source, row.count) for row in policy_reports.latest()}


def test_both_forms_are_kept_by_route_and_origin(as_: As, world: World) -> None:
    browser = as_(None)
    assert report(browser, OLD) == 204
    assert report(browser, NEW, "application/reports+json") == 204
    assert report(browser, OLD) == 204
    assert rows() == {
        ("/portal/invoices/<public_id>", "script-src-elem", "https://evil.example.com", "chrome-extension://abcdef", 2),
        ("/portal", "style-src-attr", "inline", "portal.js", 1),
    }
    kept = " ".join(str(vars(row)) for row in PolicyReport.select())
    assert not any(word in kept for word in ("SECRET", "4242", "steal", "0123456789abcdef"))


@pytest.mark.parametrize("body", [b"", b"nonsense", b"[" * 5000, b"7", b"\xff\xfe"])
def test_what_is_no_report_is_refused(as_: As, world: World, body: bytes) -> None:
    assert report(as_(None), body) == 400
    assert rows() == set()


@pytest.mark.parametrize(
    "said", [{}, [], {"csp-report": 7}, [7, {"type": "csp-violation", "body": []}], {"csp-report": {"blocked-uri": []}}]
)
def test_odd_reports_break_nothing(as_: As, world: World, said: Any) -> None:
    assert report(as_(None), said) == 204
    assert all(page == "elsewhere" for page, *_ in rows())


def test_a_flood_is_answered_and_left_out(as_: As, world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    browser = as_(None)
    assert report(browser, b"x" * 30_000) == 413
    many = [{"type": "csp-violation", "body": {"documentURL": "/x", "effectiveDirective": f"d{n}"}} for n in range(90)]
    for _ in range(5):
        assert report(browser, many) == 204
    assert len(rows()) == 20, "of one request only so many"
    assert len(web._written) == 60, "and of one process only so many a minute"
    monkeypatch.setattr(policy_reports, "MOST", 20)
    assert not policy_reports.note(Refusal("/portal", "img-src", "data", ""))


def test_old_ones_are_forgotten(world: World) -> None:
    policy_reports.note(Refusal("/portal", "img-src", "data", ""))
    PolicyReport.update(last_at=clock.now() - policy_reports.KEEP).execute()
    policy_reports.forget_old()
    assert not PolicyReport.select().exists()


def test_administrators_read_and_forget_them(as_: As, world: World) -> None:
    policy_reports.note(Refusal("/portal/pay", "script-src-elem", "https://evil.example.com", "<b>"))
    carol = as_(world.carol)
    page = carol.get("/firm/settings/safety").text
    assert "https://evil.example.com" in page
    assert "&lt;b&gt;" in page
    assert "Every page" in page
    assert carol.post("/firm/settings/safety/reports/clear").status_code == 303
    assert "Nothing was refused" in carol.get("/firm/settings/safety").text


def test_every_answer_says_where_to_report(as_: As, world: World) -> None:
    answer = as_(None).get("/sign-in")
    assert "report-uri /policy-reports; report-to portal" in answer.headers["Content-Security-Policy"]
    assert answer.headers["Reporting-Endpoints"] == 'portal="/policy-reports"'
