"""``portal import-statement`` and ``portal reconcile-trust``, typed."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from portal_app import config, db
from portal_app.cli import main
from portal_app.domain import reconciliations
from portal_app.domain.reconciliations import Reconciliation
from portal_app.domain.statements import BankStatement, StatementLine
from tests.banks import deposit, march, table, trust_account
from tests.world import World

Run = Callable[..., Result]


@pytest.fixture
def run(settings: config.Config, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Run a command on the cast's own data folder."""
    for name in [name for name in os.environ if name.startswith("PORTAL_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("PORTAL_DATA", str(settings.data_dir))
    monkeypatch.setenv("PORTAL_DATABASE", settings.database_url)
    monkeypatch.setenv("PORTAL_SECRET_KEY", settings.secret_key)

    def command(*arguments: str) -> Result:
        result = CliRunner().invoke(main, arguments)
        db.connect()
        return result

    return command


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "march.csv"
    path.write_bytes(table("03-04 | Deposit | 500.00 |", "03-12 | Check | -120.00 | 1042"))
    return path


def test_a_statement_is_imported_and_said(world: World, run: Run, file: Path) -> None:
    account = trust_account()
    result = run("import-statement", str(file), "--account", account.name, "--closing", "380.00", "--to", "2026-03-31")
    assert result.exit_code == 0, result.output
    assert "2 new entries, 0 known already, from 2026-03-04 to 2026-03-31" in result.output
    assert "Importing" in result.output
    assert [row.amount_cents for row in StatementLine.select().order_by(StatementLine.id)] == [50_000, -12_000]


@pytest.mark.parametrize(
    ("more", "says"),
    [
        (["--account", "2"], "Enter the closing balance"), (["--account", "9"], "There is no such bank account: 9"),
        (["--account", "2", "--closing", "x"], "x: Enter an amount"),
        (["--account", "2", "--closing", "381.00"], "Enter this opening balance"),
        (["--account", "2", "--closing", "380.00", "--opening", "1.00"], "not to the closing balance"),
    ],
)  # fmt: skip
def test_nothing_is_left_of_what_is_refused(world: World, run: Run, file: Path, more: list[str], says: str) -> None:
    result = run("import-statement", str(file), *more)
    assert (result.exit_code, says in result.output) == (2, True), result.output
    assert BankStatement.select().count() == 0


def test_a_dry_run_keeps_nothing(world: World, run: Run, file: Path) -> None:
    result = run("import-statement", str(file), "--account", "2", "--closing", "380", "--dry-run")
    assert (result.exit_code, "Nothing was imported" in result.output) == (0, True), result.output
    assert BankStatement.select().count() == 0


def test_the_figures_are_printed_and_closed(world: World, run: Run) -> None:
    march(world)
    result = run("reconcile-trust")
    assert result.exit_code == 0, result.output
    for said in ("Adjusted bank balance", "425.00", "Clients' ledgers", "1043", "−30.00"):
        assert said in result.output
    assert Reconciliation.select().count() == 0
    closed = run("reconcile-trust", "--close")
    assert (closed.exit_code, "SHA-256" in closed.output) == (0, True), closed.output
    assert reconciliations.locked_until(trust_account()) is not None
    assert "Closed to the end of 2026-03-31" in run("reconcile-trust").output


def test_what_is_unequal_ends_with_one(world: World, run: Run) -> None:
    assert run("reconcile-trust").exit_code == 1
    found = march(world)
    with db.transaction():
        db.db.execute_sql("DELETE FROM bank_match")
    deposit(world, "03-20", 100)
    result = run("reconcile-trust", "--account", found.bank_account.name)
    assert result.exit_code == 1
    assert "2 lines of the bank are not accounted for." in result.output
    assert run("reconcile-trust", "--close").exit_code == 2
    assert run("reconcile-trust", "--to", "2026-01-01").exit_code == 1
