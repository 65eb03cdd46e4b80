"""A start: what it leaves for later, what it makes of the collector and of routes, and how it is measured."""

from __future__ import annotations

import gc
import json
import subprocess
import sys
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from types import CodeType

import pytest
from click.testing import CliRunner
from werkzeug.routing import Map
from werkzeug.routing import Rule as PlainRule

from portal_app import config, starting
from portal_app.bench import start
from portal_app.cli import main
from portal_app.web.rules import RowNumber, Rule
from tests.world import World

LATER = (
    "PIL bankfile cryptography.fernet email_validator httpx puremagic segno smtplib weasyprint webauthn zxcvbn"
).split()
RULES = [
    ("/", "home", {}), ("/matters/<int:id>", "matter", {"id": 7}), ("/a b/<name>", "named", {"name": "ü/x y"}),
    ("/files/<path:name>", "file", {"name": "a/b c.css"}), ("/on/", "on", {"day": "2026-11-29", "more": ["1", "2"]}),
]  # fmt: skip


def test_what_only_some_pages_need_is_imported_by_them(settings: config.Config) -> None:
    program = (
        "import sys; from portal_app import config, create_app, plugins, serving, worker; "
        f"create_app(config.load({{}}, data={settings.data!r})); plugins.registry(); "
        f"print([name for name in {LATER} if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_the_collector_looks_at_nothing_that_a_start_has_made() -> None:
    try:
        with starting():
            assert not gc.isenabled()
        assert gc.isenabled()
        assert gc.get_freeze_count() > 0
    finally:
        gc.unfreeze()


@pytest.mark.parametrize(("text", "endpoint", "values"), RULES)
def test_an_address_is_the_one_that_werkzeug_makes(text: str, endpoint: str, values: dict[str, object]) -> None:
    """The first time, when it is compiled, and the second; with what the rule does not know, and without."""
    made = [
        Map([kind(text, endpoint=endpoint)], converters={"int": RowNumber}).bind("localhost")
        for kind in (PlainRule, Rule)
    ]
    for unknown in (True, True, False, False):
        plain, ours = (each.build(endpoint, values, append_unknown=unknown) for each in made)
        assert ours == plain


def test_what_makes_an_address_is_compiled_when_the_first_is_made(monkeypatch: pytest.MonkeyPatch) -> None:
    compiled: list[str] = []
    compile_code = PlainRule._get_func_code

    def compile_and_tell(code: CodeType, name: str) -> Callable[..., tuple[str, str]]:
        compiled.append(name)
        return compile_code(code, name)

    monkeypatch.setattr(PlainRule, "_get_func_code", staticmethod(compile_and_tell))
    places = Map([Rule("/matters/<id>", endpoint="matter"), Rule("/other", endpoint="other")]).bind("localhost")
    assert compiled == []
    assert [places.build("matter", {"id": 7}), places.build("matter", {"id": 8})] == ["/matters/7", "/matters/8"]
    assert len(compiled) == 1


def test_a_start_is_measured_beside_the_floors(
    world: World, settings: config.Config, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(start, "ROUNDS", 0)
    monkeypatch.setattr(start, "REQUESTS", 2)
    monkeypatch.setenv("PORTAL_SECRET_KEY", settings.secret_key)
    ticks: list[None] = []
    floor, portal = start.measure(settings, world.alice.email, tmp_path, lambda: ticks.append(None))
    assert len(ticks) == 1
    for bare, ours in ((floor.cpu_ms, portal.cpu_ms), (floor.first_kib, portal.first_kib)):
        assert 0 < bare < ours
    assert portal.wall_ms > 0
    assert portal.warm_kib >= portal.first_kib // 2
    assert start.as_json(floor, portal)["ratio_hundredths"]["cpu_ms"] == portal.cpu_ms * 100 // floor.cpu_ms


def test_what_was_measured_is_printed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(import_module("portal_app.cli.bench"), "_fill", lambda _settings: [])  # a group hides it
    both = (start.Start(200, 250, 30_000, 32_000), start.Start(500, 600, 60_000, 80_000))
    monkeypatch.setattr(start, "measure", lambda *_given: both)
    rows = [line.split() for line in CliRunner().invoke(main, ["bench", "start"]).stdout.splitlines()]
    assert ["portal", "500", "600", "60,000", "80,000"] in rows
    assert rows[-1] == ["times", "2.50", "2.40", "2.00", "2.50"]
    found = json.loads(CliRunner().invoke(main, ["bench", "start", "--json"]).stdout)
    assert found["ratio_hundredths"] == {"cpu_ms": 250, "wall_ms": 240, "first_kib": 200, "warm_kib": 250}
    monkeypatch.setattr(start, "is_possible", lambda: False)
    assert CliRunner().invoke(main, ["bench", "start"]).exit_code == 2
