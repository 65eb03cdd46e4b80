"""The chains: whatever byte is changed in an entry, in the database or in an export, is found and named."""

from __future__ import annotations

import io
import json
import random
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, given, settings, strategies

from portal_app import chain, db
from portal_app.domain import ledger
from portal_app.domain.ledger import ChainLink, JournalEntry, Posting
from portal_app.domain.payments import Payment
from portal_app.verify import chains, files, verify, verify_file
from tests.conftest import Engine
from tests.test_verify import paid, plant
from tests.world import World

__all__ = ["paid"]
MANY = settings(
    max_examples=8,
    deadline=None,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


@pytest.fixture(params=["sqlite", "postgresql"])
def engine(request: pytest.FixtureRequest) -> Engine:
    found: Engine = request.getfixturevalue(f"{request.param}_engine")
    return found


def chain_faults() -> list[str]:
    return [fault for check in chains.CHECKS for fault in check()]


def exported() -> bytes:
    target = io.BytesIO()
    files.export(target)
    return target.getvalue()


def test_each_entry_is_the_next_link_of_its_matters_chain(paid: Payment, world: World) -> None:
    links = list(ChainLink.select().where(ChainLink.matter_id == world.matter.id).order_by(ChainLink.sequence))
    assert [link.sequence for link in links] == [1, 2, 3]
    assert links[0].previous == chain.START
    assert [link.previous for link in links[1:]] == [link.hash for link in links[:-1]]
    assert [link.balance_cents for link in links] == [124_000, 204_000, 134_000]
    head = ledger.head_of(world.matter)
    assert (head.sequence, head.hash, head.balance_cents) == (3, links[-1].hash, 134_000)
    assert chain_faults() == []


def test_the_format_is_what_it_has_always_been() -> None:
    """A change of these lines would break every paper that was ever printed."""
    values = (17, "2026-01-02 15:04:05.000006", "2026-01-02", "invoice_issued", "Invoice “7”", "invoice:7:issued")
    line = chain.line_of(
        (*values, None, 1, None), [("receivable", 3, 7, "USD", 80_000), ("fees", 3, 7, "USD", -80_000)]
    )
    assert line == (
        '{"entry":17,"posted_at":"2026-01-02 15:04:05.000006","occurred_on":"2026-01-02","code":"invoice_issued",'
        '"description":"Invoice “7”","source":"invoice:7:issued","reverses":null,"firm_user":1,"portal_user":null,'
        '"legs":[["receivable",3,7,"USD",80000],["fees",3,7,"USD",-80000]]}'
    )
    assert chain.link(3, 1, chain.START, chain.digest(line)) == EXPECTED_LINK
    assert chain.checkpoint(1, "2026-01-02 16:00:00", chain.START, [(3, 1, EXPECTED_LINK)]) == EXPECTED_CHECKPOINT


EXPECTED_LINK = "6d78ba45ffb0cb58f3050cb11054d0dfcf5b337072363e349c4b9ec77c36d1bd"
EXPECTED_CHECKPOINT = "7875cd779b756df293f44e061f241d0e9a1f720a5697d0fe630644b40ad7031c"

CHANGES: dict[str, tuple[str, str]] = {
    "description": (
        "UPDATE journal_entry SET description = 'Invoice X' || SUBSTR(description, 10) WHERE id = 2",
        "description: expected “Invoice 20",
    ),
    "day": (
        "UPDATE journal_entry SET occurred_on = '1999-01-01' WHERE id = 2",
        "more than one byte of it has changed since it was written",
    ),
    "code": ("UPDATE journal_entry SET code = 'invoice_issueD' WHERE id = 2", "code: expected “invoice_issued”, found"),
    "who": ("UPDATE journal_entry SET firm_user_id = 3 WHERE id = 1", "firm user: expected 1, found 3"),
    "an amount": (
        "UPDATE posting SET amount_cents = amount_cents + 1 WHERE id = 1",
        "cents of leg 1: expected 124000, found 124001",
    ),
    "an amount by far": (
        "UPDATE posting SET amount_cents = 777 WHERE id = 1", "cents of leg 1: expected 124000, found 777",
    ),
    "an account": ("UPDATE posting SET account_code = 'costs' WHERE id = 2", "Journal entry 1, number 1 in the chain"),
    "a matter": ("UPDATE posting SET matter_id = 2 WHERE id = 1", "matter of leg 1: expected 1, found 2"),
    "two legs in another order": (
        "UPDATE posting SET id = id + 1000 WHERE id = 1", "Journal entry 1, number 1 in the chain of matter 1",
    ),
    "a hash": (
        "UPDATE chain_link SET hash = 'z' || SUBSTR(hash, 2) WHERE entry_id = 1",
        "Journal entry 1, number 1 in the chain of matter 1: byte 0 of its hash has changed",
    ),
    "a hash before": (
        "UPDATE chain_link SET previous = 'z' || SUBSTR(previous, 2) WHERE entry_id = 2",
        "its hash before it: expected",
    ),
    "a number": (
        "UPDATE chain_link SET sequence = 9 WHERE entry_id = 2", "its number: expected 2, found 9",
    ),
    "a link gone": ("DELETE FROM chain_link WHERE entry_id = 2", "Journal entry 2 is in no chain."),
    "a kept balance": (
        "UPDATE chain_link SET balance_cents = 5 WHERE entry_id = 2",
        "Number 2 in the chain of matter 1 (journal entry 2) keeps 800.00 and a balance of 0.05",
    ),
    "a seal's moment": (
        "UPDATE journal_seal SET sealed_at = '2020-01-01' WHERE entry_id = 2",
        "Journal entry 2 was not sealed at the moment",
    ),
    "a checkpoint's moment": ("UPDATE checkpoint SET made_at = '2020-01-01'", "Checkpoint 1 has changed since"),
    "a checkpoint's head": ("UPDATE checkpoint_head SET hash = 'x' WHERE matter_id = 1", "Checkpoint 1 saw x as"),
}  # fmt: skip


@pytest.mark.parametrize("change", CHANGES)
def test_a_change_is_named_with_what_was_written(paid: Payment, change: str) -> None:
    sql, says = CHANGES[change]
    ledger.check_in()
    plant(sql)
    faults = chain_faults()
    assert any(says in fault for fault in faults), faults


def test_the_end_of_a_chain_cut_off_is_seen_by_the_checkpoint(paid: Payment) -> None:
    ledger.check_in()
    last = JournalEntry.select().where(JournalEntry.code == "portal_payment").get().id
    plant(f"DELETE FROM posting WHERE entry_id = {last}")
    for table, name in (("chain_link", "entry_id"), ("journal_seal", "entry_id"), ("journal_entry", "id")):
        db.db.execute_sql(f"DELETE FROM {table} WHERE {name} = {last}")
    assert any("it is gone" in fault for fault in chain_faults())


TEXTS = ("description", "source", "code", "posted_at", "occurred_on")


class TestAnyByte:
    """On SQLite, where a byte of the file can be anything."""

    @pytest.fixture
    def engine(self, sqlite_engine: Engine) -> Engine:
        return sqlite_engine

    def test_of_any_entry_in_the_database(self, paid: Payment) -> None:
        plant("SELECT 1")
        entries = [row.id for row in JournalEntry.select()]

        @MANY
        @given(
            strategies.sampled_from(entries),
            strategies.sampled_from(TEXTS),
            strategies.integers(0, 79),
            strategies.integers(1, 255),
        )
        def check(entry: int, field: str, place: int, flips: int) -> None:
            stored = db.rows_of(f"SELECT CAST({field} AS BLOB) FROM journal_entry WHERE id = ?", entry)[0][0]
            at = place % len(stored)
            changed = stored[:at] + bytes([stored[at] ^ flips]) + stored[at + 1 :]
            write = f"UPDATE journal_entry SET {field} = CAST(? AS TEXT) WHERE id = ?"
            db.run(write, changed, entry)
            try:
                faults = chain_faults()
            finally:
                db.run(write, stored, entry)
            named = [fault for fault in faults if fault.startswith(f"Journal entry {entry},")]
            assert named, faults
            assert all(f"{field.replace('_', ' ')}: expected" in fault for fault in named), named

        check()
        assert chain_faults() == []

    def test_of_any_leg_in_the_database(self, paid: Payment) -> None:
        plant("SELECT 1")
        legs = {row.id: (row.entry_id, row.amount_cents) for row in Posting.select()}

        @MANY
        @given(strategies.sampled_from(sorted(legs)), strategies.integers(0, 7), strategies.integers(1, 255))
        def check(leg: int, byte: int, flips: int) -> None:
            entry, cents = legs[leg]
            raw = bytearray(cents.to_bytes(8, "big", signed=True))
            raw[byte] ^= flips
            write = "UPDATE posting SET amount_cents = ? WHERE id = ?"
            db.run(write, int.from_bytes(raw, "big", signed=True), leg)
            faults = chain_faults()
            db.run(write, cents, leg)
            assert any(f.startswith(f"Journal entry {entry},") and f": expected {cents}, found" in f for f in faults), (
                faults
            )

        check()
        assert chain_faults() == []

    def test_of_an_export(self, paid: Payment, tmp_path: Path) -> None:
        ledger.check_in()
        whole, path = exported(), tmp_path / "journal.jsonl"

        @settings(MANY, max_examples=300)
        @given(strategies.integers(0, len(whole) - 1), strategies.integers(1, 255))
        def check(at: int, flips: int) -> None:
            path.write_bytes(whole[:at] + bytes([whole[at] ^ flips]) + whole[at + 1 :])
            assert verify_file(path).faults

        check()
        for cut in (1, 100, len(whole) // 2):
            path.write_bytes(whole[:-cut])
            assert verify_file(path).faults


def test_an_export_proves_itself_and_is_the_same_each_time(paid: Payment, tmp_path: Path) -> None:
    ledger.check_in()
    path = tmp_path / "journal.jsonl"
    path.write_bytes(exported())
    assert exported() == path.read_bytes()
    report = verify_file(path)
    assert report.faults == []
    assert report.counts == {"journal entries": 5, "postings": 11, "checkpoints": 1}
    kept = {code: cents for code, cents in verify().balances.items() if cents}
    assert {code: cents for code, cents in report.balances.items() if cents} == kept


def test_a_wrong_byte_of_an_export_is_placed(paid: Payment, tmp_path: Path) -> None:
    path = tmp_path / "journal.jsonl"
    path.write_bytes(exported().replace(b'"USD",124000]', b'"USD",124009]'))
    (*faults,) = verify_file(path).faults
    assert faults[0].startswith("Journal entry 1, number 1 in the chain of matter 1: byte ")
    assert faults[0].endswith("cents of leg 1: expected 124000, found 124009.")
    path.write_bytes(exported().replace(b'"legs":[["receivable"', b'"legs": [["receivable"', 1))
    (fault,) = verify_file(path).faults
    assert "is not as the portal writes it: expected b'[[" in fault


def test_an_export_with_its_end_written_anew_is_still_found(paid: Payment, tmp_path: Path) -> None:
    """Who changes an entry and the sum of the whole file has not changed the chain."""
    import hashlib

    lines = exported().replace(b"Paid from portal", b"Paid from Portal").splitlines(keepends=True)
    end = json.loads(lines[-1]) | {"sha256": hashlib.sha256(b"".join(lines[:-1])).hexdigest()}
    path = tmp_path / "journal.jsonl"
    path.write_bytes(b"".join(lines[:-1]) + (chain.encode(end) + "\n").encode())
    (fault,) = verify_file(path).faults
    assert "description: expected “Paid from portal”, found “Paid from Portal”" in fault


def test_links_out_of_the_entries_order_are_no_fault(paid: Payment) -> None:
    """On PostgreSQL an entry with a later number may be the earlier one of its chain."""
    from portal_app.verify.walking import Walk

    shuffled = list(chains.entries())
    random.Random(4).shuffle(shuffled)
    walk = Walk()
    assert [fault for entry in shuffled for fault in walk.step(entry)] + list(walk.end()) == []
