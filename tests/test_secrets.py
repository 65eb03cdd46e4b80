"""Secrets of gateways: where they may stand, where they never do, and a new key for them."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from flask import Flask
from flask.sessions import SecureCookieSessionInterface
from flask.testing import FlaskClient

from portal_app import config, create_app, db, gateway_setup, plugins, serving, vault
from portal_app.cli import main
from portal_app.config import Config
from portal_app.domain import sessions
from portal_app.domain.errors import Refused
from portal_app.domain.payments import Attempt, Gateway, Payment
from portal_app.plugin_api import Check, Health, Manifest, Mode, Outcome, OutcomeKind, SettingField, hookimpl
from tests.client.test_payments import pay
from tests.fake_gateway import FakeGateway
from tests.routes import alices, routes
from tests.test_plugins import registry
from tests.world import SECRET, World

As = Callable[[Any], FlaskClient]
PLANTED = "sk_planted_0123456789"
IN_FILE = "sk_in_a_file_987654"
IN_ENV = "sk_in_the_environment_555"
SECRETS = (PLANTED, IN_FILE, IN_ENV, SECRET)


class Blabbing(FakeGateway):
    """Says its secrets wherever it is asked anything."""

    @hookimpl
    def gateway_manifest(self) -> Manifest:
        more = (
            SettingField(name="second_key", label="Second key", kind="secret", is_required=False),
            SettingField(name="base_url", label="Address", kind="url", default="https://api.example.com"),
            SettingField(name="shape", label="Shape", kind="choice", choices=(("a", "A"), ("b", "B")), default="a"),
        )
        return replace(super().gateway_manifest(), settings=super().gateway_manifest().settings + more)

    @hookimpl
    def gateway_health(self, ctx: Any) -> Health:
        if ctx.settings["shape"] == "b":
            raise RuntimeError(f"401 for {ctx.settings['secret_key']} and {ctx.settings['second_key']}")
        return Health(checks=(Check(label="Key", is_ok=False, detail=f"{ctx.settings['secret_key']} is refused"),))

    @hookimpl
    def gateway_validate_settings(self, ctx: Any) -> Any:
        if ctx.settings["second_key"] == "explode":
            raise RuntimeError(f"no such key: {ctx.settings['secret_key']}")
        return []

    @hookimpl
    def gateway_charge(self, ctx: Any, request: Any) -> Any:
        key = ctx.settings["secret_key"]
        if request.token == "blab":
            return Outcome(kind=OutcomeKind.DECLINED, message=f"No {key}.", code=key, payload={"sent": {"key": key}})
        raise RuntimeError(f"cannot charge with {key}")


@pytest.fixture
def blabbing(world: World) -> World:
    plugins.use(registry(Blabbing()))
    return world


def sources(text: str) -> str:
    return "\n".join(item for item in SECRETS if item in text)


# References


@pytest.fixture
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """Settings that lie outside the portal."""
    file = tmp_path.parent / f"{tmp_path.name}-key"
    file.write_text(f"{IN_FILE}\n")
    monkeypatch.setenv("GATEWAY_KEY", IN_ENV)
    monkeypatch.setenv("GATEWAY_URL", "https://elsewhere.example.com")
    monkeypatch.setenv("GATEWAY_SHAPE", "b")
    return {
        "secret_key": "$env:GATEWAY_KEY", "second_key": f"$file:{file}", "base_url": "$env:GATEWAY_URL",
        "shape": "$env:GATEWAY_SHAPE",
    }  # fmt: skip


def test_a_reference_is_kept_as_it_is_and_followed_on_each_call(
    blabbing: World, elsewhere: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    row = gateway_setup.save("fake", elsewhere, mode=Mode.TEST, by=blabbing.carol)
    assert json.loads(row.settings) == elsewhere
    assert gateway_setup.settings_of(row) == {
        "secret_key": IN_ENV, "second_key": IN_FILE, "base_url": "https://elsewhere.example.com", "shape": "b",
    }  # fmt: skip
    monkeypatch.setenv("GATEWAY_KEY", "sk_changed")
    assert gateway_setup.settings_of(row)["secret_key"] == "sk_changed"
    kept = gateway_setup.save("fake", elsewhere | {"secret_key": ""}, mode=Mode.TEST, by=blabbing.carol)
    assert json.loads(kept.settings) == elsewhere, "an empty secret keeps the reference too"
    assert gateway_setup.shown_settings(row, gateway_setup.manifest_of(row))["secret_key"] == ""
    assert gateway_setup.references_of(row) == elsewhere


@pytest.mark.parametrize(
    ("field", "typed", "says"),
    [
        ("secret_key", "$env:NOT_SET_ANYWHERE", "NOT_SET_ANYWHERE is not set"),
        ("secret_key", "$env:EMPTY_HERE", "is empty"),
        ("secret_key", "$env:a b", "name of an environment variable"),
        ("secret_key", "$env:PORTAL_SECRET_KEY", "portal's own"),
        ("secret_key", "$file:relative/key", "whole path"),
        ("secret_key", "$file:/no/such/file", "no file /no/such/file"),
        ("secret_key", "$file:/proc/self/environ", "own files"),
        ("secret_key", "$file:{data}/secret_key", "own files"),
        ("secret_key", "$file:{data}/../{name}/installation", "own files"),
        ("secret_key", "$file:{link}", "own files"),
        ("secret_key", "$file:{binary}", "not a text"),
        ("secret_key", "$file:{long}", "too long"),
        ("base_url", "$env:EMPTY_HERE_NOT", "not a web address"),
        ("shape", "$env:EMPTY_HERE_NOT", "none of the choices"),
    ],
)
def test_a_reference_that_cannot_be_followed_is_refused_at_its_field(
    blabbing: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, field: str, typed: str, says: str
) -> None:
    outside = tmp_path.parent / f"{tmp_path.name}-outside"
    outside.mkdir()
    (outside / "binary").write_bytes(b"\xff\xfe\x00")
    (outside / "long").write_text("x" * 20_000)
    (outside / "link").symlink_to(tmp_path / "secret_key")
    (tmp_path / "secret_key").write_text("k" * 64)
    monkeypatch.setenv("EMPTY_HERE", " ")
    monkeypatch.setenv("EMPTY_HERE_NOT", "words")
    named = {name: outside / name for name in ("binary", "long", "link")}
    before = Gateway.get_by_id(blabbing.gateway.id).settings
    with pytest.raises(Refused, match=says) as told:
        gateway_setup.save(
            "fake", {field: typed.format(data=tmp_path, name=tmp_path.name, **named)}, mode=Mode.TEST, by=blabbing.carol
        )
    assert told.value.field == field
    assert Gateway.get_by_id(blabbing.gateway.id).settings == before


def test_the_page_shows_where_a_secret_lies_and_keeps_it_there(
    blabbing: World, as_: As, elsewhere: dict[str, str]
) -> None:
    browser, url = as_(blabbing.carol), "/firm/payments/gateways/fake"
    typed = elsewhere | {"mode": "test", "shape": "a", "bank_operating": "1"}
    assert browser.post(url, data=typed).status_code == 303
    page = browser.get(url).text
    assert "Read from $env:GATEWAY_KEY. Leave empty to keep it so." in page
    assert 'value="$env:GATEWAY_URL"' in page
    assert sources(page) == ""
    refused = browser.post(url, data=typed | {"base_url": "$env:NOT_SET_ANYWHERE"})
    assert refused.status_code == 422
    assert "NOT_SET_ANYWHERE is not set where the portal runs." in refused.text
    assert 'value="$env:NOT_SET_ANYWHERE"' in refused.text


# Where they never stand


def dump() -> str:
    """All that the database holds, as text."""
    tables = db.db.get_tables()
    return json.dumps(
        [[name, list(db.db.execute_sql(f'SELECT * FROM "{name}"').fetchall())] for name in tables], default=str
    )


def test_planted_secrets_are_found_nowhere(
    blabbing: World, as_: As, settings: Config, elsewhere: dict[str, str], caplog: pytest.LogCaptureFixture,
    capfd: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    serving.log_to_stderr()
    logging.getLogger().addHandler(caplog.handler)
    browser, url = as_(blabbing.carol), "/firm/payments/gateways/fake"
    typed = {"secret_key": PLANTED, "second_key": elsewhere["second_key"], "mode": "test", "bank_operating": "1"}
    pages = [browser.post(url, data=typed | {"shape": shape}, follow_redirects=True).text for shape in "ab"]
    pages.append(browser.post(url, data=typed | {"second_key": "explode", "shape": "a"}).text)
    pages.append(browser.post(url, data=typed | {"secret_key": IN_ENV, "mode": "gold"}).text)
    pages += [browser.post(f"{url}/test").text, browser.get(url).text, browser.get("/firm/payments/gateways").text]
    pages += [pay(as_(blabbing.alice), token=token, amount="10", key=token).text for token in ("blab", "ok")]
    pages += [browser.get(f"/firm/payments/{Payment.get().id}").text, browser.get("/firm").text]
    assert "… is refused" in pages[0]
    assert "401 for … and …" in pages[1]
    assert "no such key: …" in pages[2]
    assert "No …." in Payment.get(Payment.state == "declined").message
    assert json.loads(Attempt.get(Attempt.state == "declined").evidence) == {"sent": {"key": "…"}}
    shown = CliRunner().invoke(main, ["settings", "--data", str(settings.data_dir)]).output
    written = capfd.readouterr()
    assert "cannot charge with …" in written.err
    assert "cannot charge with …" in caplog.text
    assert sources("\n".join([*pages, shown, written.err, written.out, caplog.text])) == ""
    assert sources(dump()) == ""
    for file in settings.data_dir.rglob("*"):
        assert not file.is_file() or sources(file.read_bytes().decode("latin-1")) == "", file


def test_error_pages_and_settings_say_no_secret(
    app: Flask, world: World, as_: As, capfd: pytest.CaptureFixture[str]
) -> None:
    serving.log_to_stderr()
    clear = gateway_setup.settings_of(world.gateway)["secret_key"]

    def fail() -> str:
        raise RuntimeError(f"broken with {clear}")

    app.view_functions["firm.gateways"] = fail
    answer = as_(world.carol).get("/firm/payments/gateways")
    assert answer.status_code == 500
    assert SECRET not in answer.text
    assert "broken with …" in capfd.readouterr().err
    with pytest.raises(config.BadSetting) as told:
        config.load({"PORTAL_DATABASE": "mysql://portal:tell-nobody@localhost/x"})
    assert "tell-nobody" not in str(told.value)
    rows = config.explain({"PORTAL_SECRET_KEY": "k" * 64, "PORTAL_PREVIOUS_SECRET_KEYS": "p" * 64})
    assert "kkk" not in str(rows)
    assert "ppp" not in str(rows)


def test_no_page_and_no_export_says_a_secret(app: Flask, world: World, as_: As) -> None:
    gateway_setup.save("fake", {"secret_key": PLANTED}, mode=Mode.TEST, by=world.carol)
    gateway_setup.test_connection(gateway_setup.find("fake") or world.gateway)
    values, faces = alices(world), {"portal": as_(world.alice), "public": as_(None)}
    seen = 0
    for route in routes(app, method="GET"):
        answer = faces.get(route.action, as_(world.carol)).get(route.address(values))
        assert sources(answer.get_data().decode("latin-1")) == "", route.name
        seen += answer.status_code == 200
    assert seen > 40


# A new key


def rotate(settings: Config) -> str:
    result = CliRunner().invoke(main, ["rotate-secrets", "--data", str(settings.data_dir)])
    assert result.exit_code in {0, 2}, result.output
    return result.output


@pytest.fixture
def own_key(world: World, settings: Config, monkeypatch: pytest.MonkeyPatch) -> Config:
    """An installation whose key lies in the data folder."""
    found = replace(settings, secret_key="", public_url="")
    (settings.data_dir / "portal.toml").write_text(f'database = "{settings.database}"\n')
    for name in ("SECRET_KEY", "PREVIOUS_SECRET_KEYS"):
        monkeypatch.delenv(f"PORTAL_{name}", raising=False)
    config.use(found)
    gateway_setup.save("fake", {"secret_key": PLANTED}, mode=Mode.TEST, by=world.carol)
    return found


def test_rotating_seals_everything_again_and_drops_the_old_key(world: World, own_key: Config) -> None:
    before, old = Gateway.get_by_id(world.gateway.id), config.secret_key(own_key)
    assert "1 secret is sealed under the new key." in rotate(own_key)
    keys = config.secret_keys(own_key)
    assert len(keys) == 1
    assert keys[0] != old
    assert (own_key.data_dir / "secret_key").stat().st_mode & 0o077 == 0
    assert [path.name for path in own_key.data_dir.glob("secret_key*")] == ["secret_key"]
    after = Gateway.get_by_id(world.gateway.id)
    assert after.settings != before.settings
    assert gateway_setup.settings_of(after)["secret_key"] == PLANTED
    assert after.settings_saved_at == before.settings_saved_at
    with pytest.raises(vault.Unreadable):
        gateway_setup.settings_of(before)


def test_a_rotation_that_was_interrupted_can_be_done_again(
    world: World, own_key: Config, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stop() -> int:
        raise OSError("the machine stops")

    with monkeypatch.context() as patch:
        patch.setattr("portal_app.gateway_setup.reseal", stop)
        result = CliRunner().invoke(main, ["rotate-secrets", "--data", str(own_key.data_dir)])
    assert result.exit_code == 1
    assert len(config.secret_keys(own_key)) == 2
    assert gateway_setup.settings_of(Gateway.get_by_id(world.gateway.id))["secret_key"] == PLANTED
    rotate(own_key)
    assert len(config.secret_keys(own_key)) == 1
    assert gateway_setup.settings_of(Gateway.get_by_id(world.gateway.id))["secret_key"] == PLANTED


def test_a_secret_that_no_key_opens_stops_the_rotation(world: World, own_key: Config) -> None:
    Gateway.update(settings=json.dumps({"secret_key": "gAAAAAgarbage"})).where(Gateway.id == world.gateway.id).execute()
    assert "is not the one that sealed" in rotate(own_key)
    assert len(config.secret_keys(own_key)) == 2, "nothing that was readable is lost"


def test_a_configured_key_is_replaced_by_hand(world: World, own_key: Config, monkeypatch: pytest.MonkeyPatch) -> None:
    old, new = config.secret_key(own_key), "n" * 64
    monkeypatch.setenv("PORTAL_SECRET_KEY", old)
    assert "previous_secret_keys" in rotate(own_key)
    monkeypatch.setenv("PORTAL_SECRET_KEY", new)
    monkeypatch.setenv("PORTAL_PREVIOUS_SECRET_KEYS", f" {old} ,")
    assert "Take previous_secret_keys out" in rotate(own_key)
    config.use(replace(own_key, secret_key=new))
    assert gateway_setup.settings_of(Gateway.get_by_id(world.gateway.id))["secret_key"] == PLANTED


def test_what_an_old_key_signed_is_believed_while_it_is_listed(world: World, own_key: Config) -> None:
    def signed_in(settings: Config, cookie: str) -> int:
        browser = create_app(settings).test_client()
        browser.set_cookie("portal", cookie, domain="localhost")
        return browser.get("/firm").status_code

    first = create_app(own_key)
    signer = SecureCookieSessionInterface().get_signing_serializer(first)
    assert signer is not None
    cookie = str(signer.dumps({"_user_id": sessions.start(world.carol), "_fresh": True}))
    assert signed_in(own_key, cookie) == 200
    config.keep_secret_keys(own_key, ["n" * 64, config.secret_key(own_key)])
    assert signed_in(own_key, cookie) == 200
    config.keep_secret_keys(own_key, ["n" * 64])
    assert signed_in(own_key, cookie) == 303
