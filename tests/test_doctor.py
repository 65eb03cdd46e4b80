"""``portal doctor``: what is wrong is named with what to do, and what cannot be looked at is not called well."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from click.testing import CliRunner
from flask import Flask

from portal_app import clock, config, create_app, doctor
from portal_app.cli import main
from portal_app.config import Config
from portal_app.domain.outbox import Outbox
from portal_app.web import probe
from tests.world import World

URL = "https://portal.example.com"


@pytest.fixture(autouse=True)
def fresh_outbox(world: World) -> None:
    """What the cast was promised by e-mail waits since now, not since this run of tests began."""
    Outbox.update(run_at=clock.now()).execute()


def found(about: str) -> list[tuple[str, str]]:
    return [(row.state, row.text) for row in doctor.examine() if row.about == about]


def through(app: Flask, *proxies: str, overwrites: bool = False, scheme: str = "https") -> dict[str, Any]:
    """What the portal believes of the doctor's request when it comes through ``proxies``, each of which writes the
    address that it sees (or only the first, when it overwrites)."""
    chain = [*([] if overwrites else [doctor._CLAIMED]), *["198.51.100.7", *proxies][: len(proxies)]]
    headers = {probe.HEADER: probe.token(), "Host": "portal.example.com"}
    headers["X-Forwarded-For"] = ", ".join(chain) if proxies else doctor._CLAIMED
    if proxies:
        headers |= {"X-Forwarded-Proto": scheme, "X-Forwarded-Host": "portal.example.com"}
    peer = proxies[-1] if proxies else "198.51.100.7"
    answer = app.test_client().get(probe.PATH, headers=headers, environ_base={"REMOTE_ADDR": peer})
    assert answer.status_code == 200
    return dict(answer.json or {})


@pytest.mark.parametrize(
    ("trusted", "proxies", "overwrites", "scheme", "state", "word"),
    [
        (1, ["127.0.0.1"], False, "https", doctor.WELL, "1 trusted"),
        (1, ["127.0.0.1"], True, "https", doctor.WELL, "1 trusted"),
        (2, ["10.0.0.2", "127.0.0.1"], False, "https", doctor.WELL, "2 trusted"),
        (2, ["127.0.0.1"], False, "https", doctor.WRONG, "too many"),
        (2, ["127.0.0.1"], True, "https", doctor.WRONG, "nobody's address is believed"),
        (0, ["127.0.0.1"], False, "https", doctor.WRONG, "is not trusted"),
        (0, ["127.0.0.1"], True, "https", doctor.WRONG, "Set trusted_proxies"),
        (1, ["127.0.0.1"], False, "http", doctor.WRONG, "X-Forwarded-Proto"),
    ],
)
def test_proxies_that_are_set_wrong_are_named(
    world: World, settings: Config, trusted: int, proxies: list[str], overwrites: bool, scheme: str, state: str,
    word: str,
) -> None:  # fmt: skip
    given = replace(settings, public_url=URL, trusted_proxies=trusted)
    config.use(given)
    seen = through(create_app(given), *proxies, overwrites=overwrites, scheme=scheme)
    [(judged, text)] = list(doctor._judged(seen, given))
    assert (judged, word in text) == (state, True), text


def test_nobody_without_the_key_learns_what_is_believed(app: Flask) -> None:
    browser = app.test_client()
    assert browser.get(probe.PATH).status_code == 404
    assert browser.get(probe.PATH, headers={probe.HEADER: "nonsense.é"}).status_code == 404
    assert browser.get(probe.PATH, headers={probe.HEADER: probe.token()}).status_code == 200


def test_each_thing_that_is_not_right_says_what_to_do(world: World, settings: Config) -> None:
    settings.data_dir.chmod(0o755)
    assert "chmod 700" in found("Data folder")[0][1]
    settings.data_dir.chmod(0o700)
    assert found("Data folder")[0][0] == doctor.WELL
    assert found("Database") == [(doctor.WELL, "SQLite with full durability")]
    assert found("Mail server")[0][0] == doctor.WORTH_A_LOOK
    config.use(replace(settings, mail_server="127.0.0.1", mail_port=1, public_url="http://portal.example.com"))
    assert found("Mail server")[0][0] == doctor.WRONG
    assert found("Public address")[0] == (
        doctor.WRONG, "http://portal.example.com is not https: passwords and cookies can be read on the way.",
    )  # fmt: skip
    assert found("Background work")[0][0] == doctor.WELL
    Outbox.update(run_at=clock.in_seconds(-700)).execute()
    assert "Does portal serve" in found("Background work")[0][1]
    config.use(replace(settings, clamd="/nowhere/clamd.ctl"))
    assert found("Malware scanner")[0][0] == doctor.WRONG


def test_a_check_that_fails_is_a_finding(world: World, settings: Config, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken() -> Any:
        raise OSError("no such disk")

    monkeypatch.setattr(doctor, "CHECKS", (("Disk", broken),))
    assert found("Disk") == [(doctor.WRONG, "Cannot be looked at: OSError: no such disk")]


def test_the_command_ends_with_1_when_something_is_wrong(world: World, settings: Config) -> None:
    settings.data_dir.chmod(0o700)
    environ = {"PORTAL_DATA": settings.data, "PORTAL_DATABASE": settings.database, "PORTAL_SECRET_KEY": "x" * 40}
    well = CliRunner().invoke(main, ["doctor", "--json"], env=environ)
    assert {row["about"] for row in json.loads(well.output)} >= {"Database", "Gateways"}
    assert well.exit_code == 0, well.output
    wrong = CliRunner().invoke(main, ["doctor"], env=environ | {"PORTAL_PUBLIC_URL": "http://portal.example.com"})
    assert wrong.exit_code == 1
    assert "WRONG Public address" in wrong.output
