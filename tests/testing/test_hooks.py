"""Every hook is explained, implemented by a plugin that ships with the portal, and tried by the kit."""

from __future__ import annotations

import inspect
from pathlib import Path

import pytest

from portal_app import hookspecs

ROOT = Path(__file__).parent.parent.parent
HOOKS = {name: item for name, item in vars(hookspecs).items() if hasattr(item, "portal_app_spec")}
PLUGINS = "\n".join(path.read_text("utf-8") for path in sorted((ROOT / "plugins").glob("*/portal_*/**/*.py")))
KIT = "\n".join(path.read_text("utf-8") for path in sorted((ROOT / "portal_app/testing/checks").glob("*.py")))
UNTRIED = {"gateway_companion"}  # an application that the portal serves: its plugin's own tests look at it


@pytest.mark.parametrize("name", HOOKS)
def test_a_hook_says_when_it_runs_and_what_it_returns(name: str) -> None:
    says = inspect.getdoc(HOOKS[name]) or ""
    assert says.startswith("Runs "), name
    assert len(says.split()) > 6, name


@pytest.mark.parametrize("name", HOOKS)
def test_a_hook_is_implemented_by_a_bundled_plugin(name: str) -> None:
    assert f"def {name}(self" in PLUGINS


@pytest.mark.parametrize("name", sorted(set(HOOKS) - UNTRIED))
def test_a_hook_is_tried_by_the_kit(name: str) -> None:
    assert f'"{name}"' in KIT


def test_the_guide_names_every_hook() -> None:
    guide = (ROOT / "docs" / "writing-a-gateway.md").read_text("utf-8")
    assert [name for name in HOOKS if f"`{name}`" not in guide] == []
