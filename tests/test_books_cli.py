"""The commands of the books: prove, look a paper up, export, measure."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from portal_app import config, db
from portal_app.bench import books
from portal_app.cli import main
from portal_app.domain import ledger
from portal_app.domain.payments import Payment
from tests.test_verify import paid
from tests.world import World

__all__ = ["paid"]


def run(settings: config.Config, *words: str) -> Result:
    environment = {"PORTAL_DATABASE": settings.database, "PORTAL_SECRET_KEY": settings.secret_key}
    db.db.close()
    return CliRunner().invoke(main, [*words, "--data", settings.data], env=environment)


def test_an_export_is_proved_without_the_database(paid: Payment, settings: config.Config, tmp_path: Path) -> None:
    target = tmp_path / "books.jsonl"
    said = run(settings, "export", "journal", str(target))
    assert (said.exit_code, said.output) == (0, f"5 journal entries are in {target}.\n")
    bare = CliRunner().invoke(main, ["verify", "--file", str(target)], env={"PORTAL_DATABASE": "sqlite:////nowhere"})
    assert bare.exit_code == 0
    assert "The books hold: 5 journal entries, 11 postings, 0 checkpoints." in bare.output
    target.write_bytes(target.read_bytes().replace(b"124000", b"124001", 1))
    broken = CliRunner().invoke(main, ["verify", "--file", str(target), "--json"])
    assert broken.exit_code == 1
    assert any("expected 124000, found 124001" in fault for fault in json.loads(broken.stdout)["faults"])


def test_the_hash_of_a_paper_is_found_or_not(paid: Payment, world: World, settings: config.Config) -> None:
    head, checkpoint = ledger.head_of(world.matter), ledger.check_in()
    assert checkpoint is not None
    found = run(settings, "verify", "--head", head.hash)
    assert found.exit_code == 0
    assert f"is number {head.sequence} in the chain of matter {world.matter.id}: journal entry" in found.output
    assert "is checkpoint 1." in run(settings, "verify", "--head", checkpoint.hash).output
    other = run(settings, "verify", "--head", "ab" * 32)
    assert other.exit_code == 1
    assert "the paper tells of other books than these" in other.output


def test_the_bench_fills_measures_and_the_books_hold(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(books, "SIZES", (20, 60))
    monkeypatch.setattr(books, "POSTS", 2)
    monkeypatch.setattr(books, "ROUNDS", 2)
    monkeypatch.setattr(books, "READS", 2)
    said = CliRunner().invoke(main, ["bench", "ledger", "--most", "60", "--json"])
    assert said.exit_code == 0, said.output
    found = json.loads(said.stdout)
    assert [row["postings"] for row in found["sizes"]] == [20, 60]
    assert found["faults"] == 0
