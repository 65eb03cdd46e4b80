"""``portal backup`` and ``portal restore``: one file, its key apart, sentences for what cannot be done."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from portal_app import config, db
from portal_app.cli import main
from portal_app.config import Config
from tests.world import World

Run = Callable[..., Result]


@pytest.fixture
def run(world: World, monkeypatch: pytest.MonkeyPatch) -> Run:
    for name in [name for name in os.environ if name.startswith("PORTAL_")]:
        monkeypatch.delenv(name)

    def command(*arguments: str | Path) -> Result:
        try:
            return CliRunner().invoke(main, list(map(str, arguments)))
        finally:
            db.db.close()

    return command


@pytest.fixture
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("backups")


def test_a_backup_is_made_proved_and_put_back(run: Run, settings: Config, place: Path) -> None:
    file, key, home = place / "portal.tar", place / "key", place / "back"
    made = run("backup", file, "--data", settings.data, "--key", key)
    assert made.exit_code == 0, made.output
    assert "Quillfeather & Larkspur LLP, made " in made.output
    assert "Keep it apart from the backup" in made.output
    assert key.read_text() == (settings.data_dir / config.KEY_FILE).read_text()
    assert key.stat().st_mode & 0o777 == 0o600

    checked = run("restore", file, "--check")
    assert checked.output.startswith(f"{file} is whole: Quillfeather & Larkspur LLP")

    back = run("restore", file, "--data", home, "--key", key)
    assert back.exit_code == 0, back.output
    assert back.output.endswith(f"Next: portal verify --documents --data {home}, portal serve --data {home}.\n")
    assert (home / "secret_key").read_text() == key.read_text()
    proved = run("verify", "--documents", "--data", home)
    assert (proved.exit_code, "The books hold" in proved.output) == (0, True)


def test_every_night_it_says_nothing_and_keeps_the_key_file(run: Run, settings: Config, place: Path) -> None:
    for night in ("monday.tar", "tuesday.tar"):
        made = run("backup", place / night, "--data", settings.data, "--key", place / "key", "--quiet")
        assert (made.exit_code, made.output) == (0, "")
    (place / "key").write_text("something else")
    made = run("backup", place / "wednesday.tar", "--data", settings.data, "--key", place / "key")
    assert (made.exit_code, "another file" in made.output) == (2, True)
    assert (place / "key").read_text() == "something else"


def test_without_its_key_it_says_what_is_to_be_done(run: Run, settings: Config, place: Path) -> None:
    assert "The secret key is not in it" in run("backup", place / "a.tar", "--data", settings.data).output
    back = run("restore", place / "a.tar", "--data", place / "back")
    assert "authenticator apps set up anew" in back.output
    assert str(place / "back" / "secret_key") in back.output
    (place / "key").write_text("short")
    refused = run("restore", place / "a.tar", "--data", place / "other", "--key", place / "key")
    assert (refused.exit_code, "holds no secret key" in refused.output) == (2, True)


def test_documents_can_be_left_to_their_store(run: Run, settings: Config, place: Path) -> None:
    assert run("backup", place / "a.tar", "--data", settings.data, "--without-documents").exit_code == 0
    back = run("restore", place / "a.tar", "--data", place / "back")
    assert back.exit_code == 0
    assert not (place / "back" / "documents" / "documents").exists()
    faults = run("verify", "--documents", "--data", place / "back")
    assert faults.exit_code == 1


def test_settings_that_name_another_place_are_told(run: Run, settings: Config, place: Path) -> None:
    (settings.data_dir / "portal.toml").write_text(f'documents = "{settings.data_dir / "documents"}"\n')
    assert run("backup", place / "a.tar", "--data", settings.data).exit_code == 0
    back = run("restore", place / "a.tar", "--data", place / "back")
    assert back.exit_code == 0
    assert "names another place for “documents”" in back.output


def test_a_folder_without_a_firm_gets_no_key(run: Run, place: Path) -> None:
    answer = run("backup", place / "a.tar", "--data", place / "empty", "--key", place / "key")
    assert (answer.exit_code, "There is no firm" in answer.output) == (2, True)
    assert not (place / "key").exists()
    assert not (place / "empty" / "secret_key").exists()


def test_what_cannot_be_done_is_one_sentence(run: Run, settings: Config, place: Path) -> None:
    assert run("backup", place / "a.tar", "--data", settings.data).exit_code == 0
    for arguments, said in {
        ("backup", place / "a.tar", "--data", settings.data): "There is a file",
        ("backup", place / "no" / "a.tar", "--data", settings.data): "There is no folder",
        ("backup", place / "b.tar", "--data", place / "empty"): "There is no firm in this data folder yet",
        ("restore", place / "a.tar", "--data", settings.data): "There is something in",
        ("restore", place / "missing.tar", "--data", place / "new"): "does not exist",
    }.items():
        answer = run(*arguments)
        assert (answer.exit_code, said in answer.output, "Traceback" in answer.output) == (2, True, False), (
            answer.output
        )
    assert not (place / "b.tar").exists()
    assert not list(place.glob("*.part"))
