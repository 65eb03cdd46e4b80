"""Writing around the walls: a connection that lacks them is not served; what was written without them is found."""

from __future__ import annotations

import fcntl
import multiprocessing
import re
import runpy
import threading
from pathlib import Path

import pytest

from portal_app import db, verify
from portal_app.config import Config
from portal_app.db import rows_of, transaction
from portal_app.domain import ledger
from portal_app.domain.ledger import FEES, RECEIVABLE, Leg
from tests.conftest import Engine
from tests.world import World, today


def post(matter_id: int | None, source: str, cents: int = 100) -> ledger.JournalEntry:
    legs = [Leg(RECEIVABLE, cents, matter_id), Leg(FEES, -cents, matter_id)]
    return ledger.post("invoice_issued", legs, occurred_on=today(), description="x", source=source, currency="USD")


def test_a_protected_connection_is_served(world: World) -> None:
    db.self_test()


GUARDS = [
    "seal_checked", "posting_totals", "link_follows", "posting_no_delete", "posting_period", "trust_t02",
    "posting_trust_days",
]  # fmt: skip
BOOKS = re.compile(r"journal_|posting|chain_link|checkpoint|account$|trust_|reconciliation|bank_match")


def test_every_trigger_of_the_books_is_asked_for_when_the_portal_starts(world: World) -> None:
    query = "SELECT tbl_name, name FROM sqlite_master WHERE type = 'trigger'"
    if not db.is_sqlite():
        query = "SELECT tgrelid::regclass::text, tgname FROM pg_trigger WHERE NOT tgisinternal"
    found = {name for table, name in rows_of(query) if BOOKS.match(table) and not table.startswith("trust_receipt")}
    assert found - db.TRIGGERS - (set() if db.is_sqlite() else db.PLURAL) == set()


@pytest.mark.parametrize("name", GUARDS)
def test_a_database_without_one_of_its_triggers_is_not_served(world: World, name: str) -> None:
    if db.is_sqlite():
        db.run(f"DROP TRIGGER {name}")
    else:
        table = rows_of("SELECT tgrelid::regclass::text FROM pg_trigger WHERE tgname = ?", name)[0][0]
        db.run(f"ALTER TABLE {table} DISABLE TRIGGER {name}")
    with pytest.raises(db.Unprotected, match=name):
        db.self_test()


def test_a_connection_with_its_protection_off_is_not_served(world: World) -> None:
    off = ["PRAGMA foreign_keys = 0", "PRAGMA recursive_triggers = 0", "PRAGMA synchronous = 1"]
    on = ["PRAGMA foreign_keys = 1", "PRAGMA recursive_triggers = 1", "PRAGMA synchronous = 2"]
    if not db.is_sqlite():
        off, on = ["SET session_replication_role = replica"], ["SET session_replication_role = origin"]
    for without, again in zip(off, on, strict=True):
        db.run(without)
        with pytest.raises(db.Unprotected):
            db.self_test()
        db.run(again)
    db.self_test()


def test_what_was_written_with_the_protection_off_is_found(world: World) -> None:
    """Keys and triggers off, an entry past them: no seal, no link, no balance; verify names each."""
    db.run("PRAGMA foreign_keys = 0" if db.is_sqlite() else "SET session_replication_role = replica")
    entry = """INSERT INTO journal_entry (id, posted_at, occurred_on, code, description, source, legs)
        VALUES (9001, '2026-01-01 00:00:00', '2026-01-01', 'invoice_issued', 'planted', 'planted', 2)"""
    with transaction():
        db.run(entry)
        db.run("INSERT INTO posting (entry_id, account_code, currency, amount_cents) VALUES (9001, 'fees', 'USD', 5)")
    faults = verify.verify().faults
    for says in (
        "Journal entry 9001 does not balance", "Journal entry 9001 was written with 2 postings and has 1",
        "Journal entry 9001 has no seal", "Journal entry 9001 is in no chain",
    ):  # fmt: skip
        assert any(says in fault for fault in faults), faults


def _takes(path: str) -> None:
    """In another process: leaves with 0 when it gets the lock at once."""
    queue = db._queues.at(path).file
    try:
        fcntl.flock(queue, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise SystemExit(1) from None


def test_a_forked_process_queues_on_its_own(world: World) -> None:
    """A lock belongs to the opened file: a child that shared its parent's would not wait for it."""
    if not db.is_sqlite():
        pytest.skip("PostgreSQL has several writers")
    path, codes = f"{db.db.obj.database}.lock", []

    def tried() -> None:
        child = multiprocessing.get_context("fork").Process(target=_takes, args=(path,))
        child.start()
        child.join(30)
        codes.append(child.exitcode)

    with transaction():
        tried()
    tried()
    assert codes == [1, 0]


class TestWriters:
    """On PostgreSQL, where several write at once."""

    @pytest.fixture
    def engine(self, postgresql_engine: Engine) -> Engine:
        return postgresql_engine

    def test_on_different_matters_do_not_wait_for_each_other(self, world: World) -> None:
        """Both post fees of the same month, before either has committed."""
        done = threading.Event()

        def other() -> None:
            db.connect()
            with transaction():
                db.run("SET LOCAL lock_timeout = '5s'")
                post(world.bobs_matter.id, "second")
            db.db.close()
            done.set()

        with transaction():
            post(world.matter.id, "first")
            thread = threading.Thread(target=other)
            thread.start()
            assert done.wait(20), "the second writer waited for the first"
        thread.join()
        assert verify.verify().faults == []
        assert len(rows_of("SELECT 1 FROM account_total WHERE account_code = 'fees' AND month = ?",
                           f"{today():%Y-%m}")) >= 2  # fmt: skip

    def test_on_one_matter_take_turns(self, world: World) -> None:
        """Sixteen at once on one matter: one chain, without gap or fork."""
        before = ledger.head_of(world.matter).sequence

        def work(number: int) -> None:
            db.connect()
            try:
                post(world.matter.id, f"turn:{number}")
            finally:
                db.db.close()

        threads = [threading.Thread(target=work, args=(number,)) for number in range(16)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert ledger.head_of(world.matter).sequence == before + 16
        assert verify.verify().faults == []


def test_a_wsgi_server_does_not_start_on_an_unprotected_database(
    world: World, settings: Config, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PORTAL_DATA", settings.data)
    monkeypatch.setenv("PORTAL_DATABASE", settings.database)
    monkeypatch.setenv("PORTAL_SECRET_KEY", settings.secret_key)
    path = str(Path(__file__).parents[2] / "wsgi.py")
    assert runpy.run_path(path)["app"].name == "portal_app"
    db.run("DROP TRIGGER seal_checked" + ("" if db.is_sqlite() else " ON journal_seal"))
    with pytest.raises(db.Unprotected, match="seal_checked"):
        runpy.run_path(path)
