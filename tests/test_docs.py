"""The reference cannot grow old, and the handbook's links lead somewhere."""

from __future__ import annotations

import re
from dataclasses import fields
from pathlib import Path

import pytest
from click import Context

from portal_app import hookspecs, inventory, reference
from portal_app.cli import main
from portal_app.config import Config
from portal_emulator.desk import STEPS as STEPS_OF_THE_CLOCK

ROOT = Path(__file__).parent.parent
STEPS = ("lawpay.md", "stripe.md", "rehearsing.md")  # in bold: what stands on a page; as code: what is typed
PLUGINS = "LawPay|Stripe|Sandbox"
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), *(ROOT / "plugins").glob("*/*.md")])


@pytest.mark.parametrize("name", sorted(reference.PAGES))
def test_the_reference_is_what_the_program_says(name: str) -> None:
    kept = ROOT / "docs" / "reference" / name
    assert kept.is_file() and kept.read_text("utf-8") == reference.page(name), (  # noqa: PT018  one hint for both
        f"{kept.relative_to(ROOT)} is old: run `{reference.RENEW}` and commit what it writes"
    )


def test_no_generated_page_is_left_over() -> None:
    assert {path.name for path in (ROOT / "docs" / "reference").iterdir()} == set(reference.PAGES)


def test_every_setting_command_hook_and_state_has_its_line() -> None:
    settings, commands, hooks = (reference.page(f"{name}.md") for name in ("settings", "commands", "hooks"))
    assert all(f"`PORTAL_{item.name.upper()}`" in settings for item in fields(Config))
    assert all(f"## portal {name}\n" in commands for name in main.commands)
    assert all(f"## {name}\n" in hooks for name in vars(hookspecs) if name.startswith("gateway_"))


def test_every_route_says_who_may_use_it() -> None:
    open_to_all = {"/static/<tag>/<path:name>", "/logo/<tag>"}
    unsaid = {path for _, path, action in inventory.routes() if not action}
    assert unsaid <= open_to_all


@pytest.mark.parametrize("path", PAGES, ids=lambda path: str(path.relative_to(ROOT)))
def test_links_and_pictures_of_a_page_are_there(path: Path) -> None:
    text = re.sub(r"```.*?```", "", path.read_text("utf-8"), flags=re.DOTALL)
    for target in re.findall(r"\]\(([^)\s]+)\)", text):
        if not re.match(r"[a-z]+:|#", target):
            assert (path.parent / target.partition("#")[0]).exists(), f"{path.name} links to {target}"


@pytest.fixture(scope="module")
def shown() -> str:
    """All words that our pages, plugins and the emulator can show or take."""
    kinds = [("portal_app", "*.py"), ("templates", "*.html"), ("plugins", "*.py"), ("plugins", "*.html")]
    files = [path for folder, kind in kinds for path in (ROOT / folder).rglob(kind) if "tests" not in path.parts]
    moves = " ".join(f"{words} on" for words, _ in STEPS_OF_THE_CLOCK.values())
    return " ".join([*(" ".join(path.read_text("utf-8").split()) for path in sorted(files)), moves])


@pytest.mark.parametrize("name", STEPS)
def test_what_the_steps_name_is_there(name: str, shown: str) -> None:
    text = " ".join((ROOT / "docs" / name).read_text("utf-8").split())
    for label in {part for bold in re.findall(r"\*\*(.+?)\*\*", text) for part in bold.split(" › ")}:
        pattern = re.sub(PLUGINS, rf"(?:{PLUGINS}|\\{{\\{{[^}}]*\\}}\\}})", re.escape(label))
        assert re.search(pattern, shown), f"{name} speaks of “{label}”"
    spans = {span for span in re.findall(r"`([^`]+)`", text) if not re.match(r"pip |portal |https?:|--", span)}
    for span in {span for span in spans if "…" not in span}:
        is_setting = span.removeprefix("PORTAL_").partition("=")[0].lower() in {item.name for item in fields(Config)}
        assert is_setting or span in shown, f"{name} speaks of `{span}`"
    for number in re.findall(r"\b[0-9](?: ?[0-9]){8,18}\b", text):
        assert number.replace(" ", "") in shown.replace(" ", ""), f"{name} has a number {number}"


@pytest.mark.parametrize("name", STEPS)
def test_the_commands_of_the_steps_exist(name: str) -> None:
    text = (ROOT / "docs" / name).read_text("utf-8")
    for command, rest in re.findall(r"(?m)(?:^    |`)portal ([a-z-]+)([^`\n]*)", text):
        found = main.get_command(Context(main), command)
        assert found is not None, f"{name}: portal {command}"
        known = {option for item in found.params for option in item.opts} | {"--help"}
        assert set(re.findall(r"--[a-z-]+", rest)) <= known, f"{name}: portal {command}{rest}"


def test_pictures_are_small_enough_to_read_the_page_on_a_phone() -> None:
    for picture in (ROOT / "docs" / "images").glob("*"):
        assert picture.stat().st_size < 200_000, picture.name


def test_security_says_when_weaknesses_are_mended() -> None:
    text = " ".join((ROOT / "SECURITY.md").read_text("utf-8").split())
    assert "within two days when it is being used" in text
    assert "brought up to date every quarter" in text
