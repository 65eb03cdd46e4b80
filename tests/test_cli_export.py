"""``portal export``: to the terminal and to files, with progress when there is much to do."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from portal_app import db
from portal_app.cli import main
from portal_app.domain import exports, firms
from portal_app.domain.exports import Wanted
from tests import books
from tests.ledes_rules import faults
from tests.world import World, today

Run = Callable[..., Result]


@pytest.fixture
def run(world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Run a command on this test's own data folder."""
    for name in [name for name in os.environ if name.startswith("PORTAL_")]:
        monkeypatch.delenv(name)

    def command(*arguments: str) -> Result:
        try:
            return CliRunner().invoke(main, ["export", *arguments, "--data", str(tmp_path)])
        finally:
            db.db.close()

    return command


def expected(name: str) -> str:
    return "".join(exports.EXPORTS[name].write(Wanted(), today()))


@pytest.mark.parametrize("name", ["beancount", "hledger", "general-ledger", "ledes"])
def test_a_file_goes_to_the_terminal_or_to_a_place(run: Run, tmp_path: Path, name: str) -> None:
    text = expected(name)
    assert run(name).stdout_bytes.decode() == text
    done = run(name, "--output", str(tmp_path / "out"))
    assert (done.exit_code, done.output) == (0, "")
    assert (tmp_path / "out").read_bytes().decode() == text


@pytest.mark.parametrize("table", ["journal", "receivables", "trust", "payments"])
def test_tables(run: Run, table: str) -> None:
    text = expected(table)
    assert run("csv", table).stdout_bytes.decode() == text


def test_days_are_taken_and_odd_ones_refused(run: Run) -> None:
    later = run("csv", "journal", "--from", "2199-01-01")
    assert len(later.stdout.splitlines()) == 1
    assert run("beancount", "--from", "01/02/2026").exit_code == 2
    assert run("csv", "nothing").exit_code == 2


def test_the_owner_of_the_machine_sees_everything(run: Run, world: World) -> None:
    world.matter.is_restricted = True
    world.matter.save()
    number = world.matter.number
    assert number in run("csv", "journal").stdout


def test_invoices_by_their_numbers(run: Run, world: World) -> None:
    numbers = [str(world.second.number), str(world.invoice.number)]
    done = run("ledes", *numbers, numbers[0])
    assert faults(done.stdout_bytes.decode()) == []
    assert done.stdout.index(f"|{numbers[0]}|") < done.stdout.index(f"|{numbers[1]}|")
    missing = run("ledes", "1999-0001")
    assert (missing.exit_code, missing.stdout) == (2, "")
    assert missing.stderr == "There is no issued invoice 1999-0001.\n"


def test_what_is_missing_is_said_in_one_sentence_and_leaves_no_file(run: Run, tmp_path: Path) -> None:
    firms.change(law_firm_id="")
    done = run("ledes", "-o", str(tmp_path / "out.txt"))
    assert done.exit_code == 2
    assert "Settings, E-billing" in done.stderr
    assert not (tmp_path / "out.txt").exists()


def test_long_work_shows_its_progress_apart_from_the_file(
    run: Run, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    books.random_entries(world, [world.matter], 30, seed=1)
    text = expected("beancount")
    assert run("beancount").stderr == ""
    monkeypatch.setattr(sys.modules["portal_app.cli.export"], "LONG", 10)
    done = run("beancount")
    assert done.stdout_bytes.decode() == text
    assert "Beancount" in done.stderr
