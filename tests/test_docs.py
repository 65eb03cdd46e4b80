"""The reference cannot grow old, and the handbook's links lead somewhere."""

from __future__ import annotations

import re
from dataclasses import fields
from pathlib import Path

import pytest

from portal_app import hookspecs, reference
from portal_app.cli import main
from portal_app.config import Config

ROOT = Path(__file__).parent.parent
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
    assert all(f"`PORTAL_{item.name.upper()}`" in reference.page("settings.md") for item in fields(Config))
    assert all(f"## portal {name}\n" in reference.page("commands.md") for name in main.commands)
    hooks = [name for name in vars(hookspecs) if name.startswith("gateway_")]
    assert all(f"## {name}\n" in reference.page("hooks.md") for name in hooks)


def test_every_route_says_who_may_use_it() -> None:
    open_to_all = {"/static/<tag>/<path:name>", "/logo/<tag>"}
    unsaid = {path for _, path, action in reference.routes() if not action}
    assert unsaid <= open_to_all


@pytest.mark.parametrize("path", PAGES, ids=lambda path: str(path.relative_to(ROOT)))
def test_links_and_pictures_of_a_page_are_there(path: Path) -> None:
    text = re.sub(r"```.*?```", "", path.read_text("utf-8"), flags=re.DOTALL)
    for target in re.findall(r"\]\(([^)\s]+)\)", text):
        if not re.match(r"[a-z]+:|#", target):
            assert (path.parent / target.partition("#")[0]).exists(), f"{path.name} links to {target}"


def test_pictures_are_small_enough_to_read_the_page_on_a_phone() -> None:
    for picture in (ROOT / "docs" / "images").glob("*"):
        assert picture.stat().st_size < 200_000, picture.name
