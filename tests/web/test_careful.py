"""What careful systems of this kind still got wrong, and statements of the ASVS that no other test is about."""

from __future__ import annotations

import ast
import io
import json
import logging
import re
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from portal_app import config, create_app, db
from portal_app.config import Config
from portal_app.domain import invitations, throttles
from portal_app.domain.audit import AuditEntry
from portal_app.domain.matters import InvoiceRecipient
from portal_app.serving import _Line
from tests import trust as trusts
from tests.firm.test_settings import typed
from tests.routes import alices, routes
from tests.world import PASSWORD, World

As = Callable[[Any], FlaskClient]
PORTAL = Path(__file__).parents[2] / "portal_app"
ADDRESS = "https://portal.example.com"


@pytest.fixture
def https(world: World, settings: Config) -> Flask:
    """The portal as it is served to the world: behind a proxy, with https promised."""
    promised = config.load(
        {}, data=str(settings.data_dir), database=settings.database, secret_key=settings.secret_key, public_url=ADDRESS
    )
    config.use(promised)
    return create_app(promised, TESTING=False, WTF_CSRF_ENABLED=False)


# Found by running other systems


@pytest.mark.parametrize("word", ["é", "ключ", "\U0001f511", "a\0b", "%ff", "x" * 5000])
def test_a_forged_token_is_refused_and_never_an_error(app: Flask, as_: As, world: World, word: str) -> None:
    values = alices(world) | {"token": word, "secret": word, "tag": word, "<token>.public_id": word}
    asked = [route for route in routes(app) if route.rule.arguments & {"token", "secret", "tag"}]
    assert len(asked) > 8
    found = {route.name: as_(None).open(route.address(values), method=route.method).status_code for route in asked}
    assert {name: status for name, status in found.items() if status >= 500} == {}


@pytest.mark.parametrize("sign", ["%", "_", "\\", "%_" * 30_000])
def test_a_pattern_as_long_as_a_book_is_a_search_that_finds_nothing(world: World, as_: As, sign: str) -> None:
    for path in ("/firm/matters", "/firm/clients", "/firm/invoices", "/firm/people", "/firm/records"):
        assert as_(world.carol).get(path, query_string={"q": sign, "text": sign}).status_code == 200, path


def test_head_runs_no_branch_of_a_post(app: Flask, as_: As, world: World) -> None:
    """Also not with a form's body, as careless clients send it."""
    browser, before = as_(world.carol), world.refresh("dan").roles
    data = {"name": "Other", "roles": "administrator", "title": "", "rate_cents": ""}
    assert browser.open(f"/firm/people/{world.dan.id}", method="HEAD", data=data).status_code == 200
    assert browser.open(f"/firm/clients/{world.client.id}/edit", method="HEAD", data=data).status_code == 200
    assert (world.refresh("dan").roles, world.refresh("client").name) == (before, "Alice Vasquez-Thornbury")


@pytest.mark.usefixtures("world")
def test_money_is_written_to_the_disk_for_certain() -> None:
    assert db.db.execute_sql("PRAGMA synchronous").fetchone()[0] == 2
    db.db.execute_sql("PRAGMA synchronous = 1")
    with pytest.raises(db.Unprotected, match="synchronous=FULL"):
        db.self_test()
    db.db.execute_sql("PRAGMA synchronous = 2")


# The wire


@pytest.mark.parametrize("path", ["/", "/sign-in", "/portal", "/nothing", "/static/0/portal.css"])
def test_plain_http_is_refused_where_https_is_promised(https: Flask, path: str) -> None:
    browser = https.test_client()
    assert browser.get(path, base_url="http://portal.example.com").status_code == 400
    assert browser.get("/health", base_url="http://portal.example.com").status_code == 200


def test_cookies_belong_to_this_host_alone(https: Flask, world: World) -> None:
    data = {"email": world.alice.email, "password": PASSWORD}
    answer = https.test_client().post("/sign-in", data=data, base_url=ADDRESS)
    assert answer.status_code == 303
    cookies = answer.headers.getlist("Set-Cookie")
    assert cookies
    for cookie in cookies:
        parts = {part.strip().lower() for part in cookie.split(";")}
        assert cookie.startswith("__Host-")
        assert {"secure", "httponly", "path=/"} <= parts
        assert parts & {"samesite=lax", "samesite=strict"}
        assert not any(part.startswith("domain=") for part in parts)
        assert answer.location.find(cookie.split("=", 1)[1].split(";")[0]) < 0, "no session in an address"


@pytest.mark.parametrize("path", ["/sign-in", "/nothing/here", "/static/0/nothing.css", "/health", "/boom"])
def test_every_answer_has_the_headers_and_no_other_site_reads_it(https: Flask, path: str) -> None:
    https.add_url_rule("/boom", view_func=lambda: str(1 // 0), endpoint="boom")
    answer = https.test_client().get(path, base_url=ADDRESS, headers={"Origin": "https://evil.example.com"})
    assert answer.headers["Strict-Transport-Security"] == "max-age=31536000; includeSubDomains"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert "frame-ancestors 'none'" in answer.headers["Content-Security-Policy"]
    assert "base-uri 'none'" in answer.headers["Content-Security-Policy"]
    assert not any(name.lower().startswith("access-control") for name, _ in answer.headers)
    assert "Traceback" not in answer.text
    assert "ZeroDivision" not in answer.text


def test_what_a_visitor_says_of_their_address_is_not_believed(world: World, as_: As) -> None:
    """Without ``trusted_proxies`` nobody stands in front who could say it."""
    said = {"X-Forwarded-For": "203.0.113.9", "X-Real-IP": "203.0.113.9", "X-Forwarded-Host": "evil.example.com"}
    answer = as_(world.carol).post("/firm/settings", data=typed(), headers=said)
    assert answer.location == "/firm/settings"
    row = AuditEntry.select().where(AuditEntry.action == "save_firm_settings").get()
    assert row.address == "127.0.0.1"


def test_an_oversized_body_is_refused_before_it_is_read(app: Flask, as_: As, world: World) -> None:
    class Unread(io.BytesIO):
        def read(self, size: int | None = -1, /) -> bytes:
            raise AssertionError("the body was read")

        readline = readinto = read  # type: ignore[assignment]  # nor any other way

    path = f"/firm/matters/{world.matter.id}/documents"
    claim: dict[str, Any] = {
        "CONTENT_LENGTH": str(2 * 2**30), "CONTENT_TYPE": "multipart/form-data; boundary=x", "wsgi.input": Unread(),
    }  # fmt: skip
    answer = as_(world.carol).open(path, method="POST", environ_overrides=claim)
    assert answer.status_code in {400, 413}


@pytest.mark.parametrize(
    "path", ["/.git/config", "/.env", "/metrics", "/console", "/docs", "/static/", "/static/0/", "/wsgi.py", "/debug"]
)
def test_nothing_of_the_machine_is_served(world: World, as_: As, path: str) -> None:
    for who in (None, world.carol):
        assert as_(who).get(path).status_code == 404


def test_after_signing_out_the_browser_keeps_nothing(world: World, as_: As) -> None:
    browser = as_(world.alice)
    assert "no-store" in browser.get("/portal").headers["Cache-Control"]
    answer = browser.post("/sign-out")
    assert '"cache"' in answer.headers["Clear-Site-Data"]
    assert '"storage"' in answer.headers["Clear-Site-Data"]
    assert browser.get("/portal").location.startswith("/sign-in")


@pytest.mark.parametrize("extra", [{"is_admin": "1"}, {"roles": "administrator"}, {"registered_at": "2020-01-01"}])
def test_fields_that_a_form_does_not_have_are_ignored(world: World, as_: As, extra: dict[str, str]) -> None:
    shown = {"name", "address", "phone"}
    before = {name: value for name, value in world.client.__data__.items() if name not in shown}
    url = f"/firm/clients/{world.client.id}/edit"
    data = {"kind": "person", "name": "Alice V.", "email": world.client.email, "phone": "", "address": ""}
    more = {"id": "77", "created_by": str(world.erin.id), "created_at": "2001-01-01", "key": "x"}
    assert as_(world.carol).post(url, data=data | more | extra).status_code == 303
    after = world.refresh("client").__data__
    assert {name: after[name] for name in before} == before
    assert after["name"] == "Alice V."


def test_password_fields_are_for_password_managers(world: World, as_: As) -> None:
    token = invitations.invite(world.frank, by=world.carol, days=14).token
    for path, word in (("/sign-in", "current-password"), (f"/invitation/{token}", "new-password")):
        (field,) = re.findall(r"<input[^>]*type=\"password\"[^>]*>", as_(None).get(path).text)[:1]
        assert f'autocomplete="{word}"' in field
        assert "maxlength" not in field
        assert "onpaste" not in field


def test_signing_out_is_on_every_page(app: Flask, as_: As, world: World) -> None:
    values, seen = alices(world), 0
    browsers = {"portal": as_(world.alice), "firm": as_(world.carol)}
    for route in routes(app, method="GET"):
        browser = browsers.get(route.face)
        if browser is None or route.action == "public" or route.rule.arguments & {"token", "tag", "name"}:
            continue
        answer = browser.get(route.address(values))
        if answer.mimetype == "text/html" and answer.status_code == 200:
            seen += 1
            assert 'action="/sign-out"' in answer.text, route.name
    assert seen > 40


# The code itself


def nodes_where(words: set[str], paths: Iterable[Path]) -> Iterator[tuple[Path, ast.AST]]:
    """The syntax of those files in which one of the words stands at all."""
    for path in paths:
        text = path.read_text("utf-8")
        if any(word in text for word in words):
            yield from ((path, node) for node in ast.walk(ast.parse(text)))


def test_nothing_runs_what_somebody_typed() -> None:
    """No eval, exec, shell, pickle or YAML in the portal."""
    calls, modules = {"eval", "exec", "__import__"}, {"pickle", "marshal", "yaml", "shelve", "xml"}
    for path, node in nodes_where(calls | modules | {"shell"}, PORTAL.rglob("*.py")):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            assert node.func.id not in calls, path
        if isinstance(node, ast.Call):
            assert not any(word.arg == "shell" for word in node.keywords), path
        names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
        names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
        assert not {name.partition(".")[0] for name in names} & modules, path


def test_our_scripts_keep_nothing_in_the_browser() -> None:
    for path in (PORTAL / "static").glob("*.js"):
        text = path.read_text("utf-8")
        for word in (
            "localStorage",
            "sessionStorage",
            "indexedDB",
            "innerHTML",
            "document.write",
            "__proto__",
            "eval(",
        ):
            assert word not in text, f"{path.name}: {word}"


@pytest.mark.parametrize("sign", ["\r\n", "\n", "\0", "\x1b[2J", "\x9b2J", "\x85", "\u2028", "\udcff"])
def test_no_text_begins_a_line_of_the_log(sign: str) -> None:
    record = logging.LogRecord("portal", logging.WARNING, __file__, 1, "said %s", (f"a{sign}b",), None)
    line = _Line().format(record)
    assert len(line.splitlines()) == 1
    assert line.isprintable()
    assert json.loads(line)


def test_no_weak_hash_and_nothing_is_unpacked() -> None:
    """No MD5 and SHA-1 of ours, and no archive that came in is ever opened: a person's data is written into one. A
    backup is read by the command line alone, file by file (tests/domain/test_backups.py)."""
    weak, unpacks = {"md5", "sha1", "SHA1", "MD5"}, {"extractall", "unpack_archive", "tarfile", "decompress"}
    paths = {*PORTAL.rglob("*.py")} - {*(PORTAL / "bench").rglob("*.py")}  # which measures answers of our own
    for path, node in nodes_where(weak | unpacks | {"ZipFile"}, paths):
        name = node.attr if isinstance(node, ast.Attribute) else node.id if isinstance(node, ast.Name) else ""
        assert name not in weak, path
        if name != "tarfile" or path.parent.name != "backups":
            assert name not in unpacks | {"decompressobj"}, path
        if isinstance(node, ast.Call) and getattr(node.func, "attr", "") == "ZipFile":
            assert [arg.value for arg in node.args[1:2] if isinstance(arg, ast.Constant)] == ["w"], path


def test_a_form_without_its_token_is_logged(app: Flask, as_: As, world: World, caplog: Any) -> None:
    app.config["WTF_CSRF_ENABLED"] = True
    assert as_(world.carol).post("/firm/clients", data={"name": "x"}).status_code == 400
    assert re.search(r"firm\.\w+ refused from 127\.0\.0\.1: The CSRF token is missing", caplog.text)


def test_what_is_slow_is_not_done_without_end(world: World, as_: As, monkeypatch: pytest.MonkeyPatch) -> None:
    """Papers that are set while somebody waits, and forms with files, wait longer and longer for one person."""
    for name in ("PAPERS", "UPLOADS"):
        monkeypatch.setattr(throttles, name, throttles.Pace(2, 30, 60))
    trusts.deposit(world, 1_000)
    InvoiceRecipient.update(reads_trust=True).execute()
    documents = f"/firm/matters/{world.matter.id}/documents"

    def upload(browser: FlaskClient) -> int:
        form = {"files": (io.BytesIO(b"Words"), "Words.txt")}
        return browser.post(documents, data=form, content_type="multipart/form-data").status_code

    for who, ask in (
        (world.alice, lambda browser: browser.get("/portal/trust/statement.pdf").status_code),
        (world.carol, lambda browser: browser.get("/firm/reports/receivables/pdf").status_code),
        (world.dan, upload),
    ):
        browser = as_(who)
        assert [ask(browser) for _ in range(4)][2:] == [429, 429]
    assert upload(as_(world.carol)) == 303, "each person for themselves"
