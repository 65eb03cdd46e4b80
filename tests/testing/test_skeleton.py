"""``portal plugin new``: what it writes works at once, and is named as it was asked."""

from __future__ import annotations

import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from click.testing import CliRunner

from portal_app.cli import main
from portal_app.testing import KIT_VERSION, skeleton
from portal_app.testing.skeleton.portal_example.gateway import MANIFEST


def new(*words: str) -> tuple[int, str]:
    done = CliRunner().invoke(main, ["plugin", "new", *words])
    return done.exit_code, done.output


def test_a_new_plugin_passes_its_tests_at_once(tmp_path: Path) -> None:
    code, said = new("blue-pay", "--dir", str(tmp_path))
    project = tmp_path / "portal-blue-pay"
    assert code == 0
    assert str(project) in said
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider"]
    done = subprocess.run(command, cwd=project, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "TestBluePay: conformance: " in done.stdout
    assert " 0 skipped" in done.stdout


def test_it_bears_its_own_name_everywhere(tmp_path: Path) -> None:
    project = skeleton.write("blue-pay", tmp_path)
    found = tomllib.loads((project / "pyproject.toml").read_text("utf-8"))
    assert found["project"]["entry-points"]["portal_app.plugins"] == {"blue-pay": "portal_blue_pay:gateway"}
    files = [path for path in project.rglob("*") if path.is_file()]
    assert len(files) == len(skeleton.FILES)
    for path in files:
        assert "example" not in (str(path.relative_to(project)) + path.read_text("utf-8")).lower(), path


@pytest.mark.parametrize("name", ["Blue", "blue_pay", "../blue", "", "1blue", "b" * 31, "blue--pay"])
def test_a_name_that_cannot_be_is_refused_in_words(tmp_path: Path, name: str) -> None:
    code, said = new(name, "--dir", str(tmp_path))
    assert code == 2
    assert "small letters" in said
    assert list(tmp_path.iterdir()) == []


def test_what_is_there_is_left_as_it_is(tmp_path: Path) -> None:
    kept = tmp_path / "portal-blue" / "notes.txt"
    kept.parent.mkdir()
    kept.write_text("mine")
    code, said = new("blue", "--dir", str(tmp_path))
    assert code == 2
    assert "already" in said
    assert list(kept.parent.iterdir()) == [kept]


def test_the_skeleton_names_this_kit() -> None:
    assert MANIFEST.kit_version == KIT_VERSION
