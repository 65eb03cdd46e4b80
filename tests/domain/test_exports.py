"""What the portal exports, read back by the programs that it is for."""

from __future__ import annotations

import csv
import datetime as dt
import io
import threading
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from portal_app.db import db, transaction
from portal_app.domain import exports, ledger, matters
from portal_app.domain.exports import Wanted, reading
from portal_app.domain.ledger import Account, AccountTotal, JournalEntry, Leg, Posting
from portal_app.domain.matters import Matter
from portal_app.domain.people import Client
from tests import books
from tests.world import World, today


def text_of(name: str, wanted: Wanted | None = None) -> str:
    return "".join(exports.steady(exports.EXPORTS[name].write(wanted or Wanted(), today())))


def rows_of(name: str, wanted: Wanted | None = None) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text_of(name, wanted), newline="")))


@pytest.fixture
def chance(world: World) -> World:
    """A ledger of some hundred entries made by chance, with names that try to break out."""
    books.random_entries(world, books.clients_of(world, books.NASTY), 300, seed=20)
    return world


@pytest.mark.usefixtures("chance")
class TestTheProgramsAgree:
    def test_beancount_reads_the_same_balances(self, tmp_path: Path) -> None:
        found = books.by_beancount(text_of("beancount"), tmp_path)
        assert found.errors == []
        assert found.balances == books.ours()
        assert len(found.details["entries"]) == JournalEntry.select().count()

    def test_hledger_reads_the_same_balances(self, tmp_path: Path) -> None:
        found = books.by_hledger(text_of("hledger"), tmp_path)
        assert found.errors == []
        assert found.balances == books.ours()

    def test_a_part_of_the_days_begins_with_what_stood_there(self, tmp_path: Path) -> None:
        since, until = today() - dt.timedelta(days=300), today() - dt.timedelta(days=100)
        wanted = Wanted(since=since, until=until)
        in_days = (JournalEntry.occurred_on >= since) & (JournalEntry.occurred_on <= until)
        bean = books.by_beancount(text_of("beancount", wanted), tmp_path)
        assert bean.errors == []
        assert len(bean.details["entries"]) == JournalEntry.select().where(in_days).count() > 20
        expected = {(leg.account, leg.currency): leg.amount_cents for leg in reading.closing(wanted)}
        assert bean.balances == {key: cents for key, cents in expected.items() if cents}
        assert books.by_hledger(text_of("hledger", wanted), tmp_path).errors == []

    def test_both_notice_one_cent(self, tmp_path: Path) -> None:
        for name, read in (("beancount", books.by_beancount), ("hledger", books.by_hledger)):
            text = text_of(name)
            assert read(_spoilt(text), tmp_path).errors != []

    def test_a_wrong_kept_total_does_not_pass(self, tmp_path: Path) -> None:
        """What must stand at the end is the ledger's own figure, not a sum of what was just written."""
        one = AccountTotal.select().where(AccountTotal.account_code == "bank:1").get()
        one.balance_cents += 1
        one.save()
        assert books.by_beancount(text_of("beancount"), tmp_path).errors != []
        assert books.by_hledger(text_of("hledger"), tmp_path).errors != []

    def test_every_entry_comes_back_whole(self, tmp_path: Path) -> None:
        entries = books.by_beancount(text_of("beancount"), tmp_path).details["entries"]
        numbers = {row.id: row for row in Matter.select(Matter, Client).join(Client)}
        for row in JournalEntry.select():
            told = entries[str(row.id)]
            assert told["date"] == row.occurred_on.isoformat()
            assert told["narration"] == books.shown(row.description)
            assert told["source"] == books.shown(row.source)
            legs = [leg[:4] for leg in told["legs"]]
            of_matter = {None: ("", "")} | {
                key: (books.shown(matter.number), books.shown(matter.client.name)) for key, matter in numbers.items()
            }
            assert legs == [
                [leg.account.code, leg.amount_cents, *of_matter[leg.matter_id]]
                for leg in Posting.select().where(Posting.entry == row.id).order_by(Posting.id)
            ]

    def test_no_text_moves_an_entry_to_another_day(self, tmp_path: Path) -> None:
        """hledger takes [2020-01-01] in a comment for a date of its own."""
        entries = books.by_hledger(text_of("hledger"), tmp_path).details["transactions"]
        days = sorted(row.occurred_on.isoformat() for row in JournalEntry.select())
        assert sorted(entry["tdate"] for entry in entries)[: len(days)] == days
        assert all(leg["pdate"] is None and leg["pdate2"] is None for entry in entries for leg in entry["tpostings"])
        assert all(entry["tdate2"] is None for entry in entries)

    def test_the_trust_ledgers_too(self, tmp_path: Path) -> None:
        found = books.by_beancount(text_of("beancount"), tmp_path).details["ledgers"]
        held = {row["matter"].removeprefix("'"): row["held"] for row in rows_of("trust") if row["account"] == "trust:2"}
        told = {name.removeprefix("trust:2|"): -cents for name, cents in found.items() if name.startswith("trust:2|")}
        assert {name: _cents(text) for name, text in held.items()} == {name: n for name, n in told.items() if n}
        assert len(held) > 10


def _cents(text: str) -> int:
    return int(text.replace(".", ""))


def _spoilt(text: str) -> str:
    """One figure of an entry in the middle is a cent off."""
    lines = text.split("\n")
    at = next(at for at in range(len(lines) // 2, len(lines)) if " USD" in lines[at] and lines[at].startswith("  "))
    amount = next(part for part in lines[at].split() if part.lstrip("-").replace(".", "").isdigit())
    off = amount[:-1] + ("1" if amount[-1] != "1" else "2")
    lines[at] = lines[at].replace(amount, off, 1)
    return "\n".join(lines)


TEXTS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"), max_size=120)
_counter = iter(range(10**6))


# Each example starts three programs: few of them, with many texts, and none to find a smaller one.
@settings(
    max_examples=3, deadline=None, phases=[Phase.generate], suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(texts=st.lists(TEXTS, min_size=40, max_size=60))
def test_any_text_comes_back(world: World, tmp_path: Path, texts: list[str]) -> None:
    with transaction():
        for text in texts:
            _post_with(world, text)
    bean = books.by_beancount(text_of("beancount"), tmp_path)
    assert bean.errors == []
    assert bean.balances == books.ours()
    entries = bean.details["entries"]
    for row in JournalEntry.select():
        assert entries[str(row.id)]["narration"] == books.shown(row.description)
    hledger = books.by_hledger(text_of("hledger"), tmp_path)
    assert hledger.errors == []
    assert hledger.balances == books.ours()


def _post_with(world: World, text: str) -> None:
    legs = [Leg("receivable", 100, world.matter.id, world.invoice.id), Leg("fees", -100, world.matter.id)]
    ledger.post(
        "invoice_issued", legs, occurred_on=today(), description=text, source=f"any:{next(_counter)}", currency="USD"
    )
    world.client.name = text[:100] or "x"
    world.client.save()


# Tables


@pytest.mark.usefixtures("chance")
class TestTables:
    @pytest.mark.parametrize("name", ["journal", "general-ledger", "receivables", "trust", "payments"])
    def test_no_cell_is_a_formula(self, name: str) -> None:
        for row in rows_of(name):
            for key, cell in row.items():
                figure = cell.lstrip("-").replace(".", "").isdigit()
                assert figure or not cell.lstrip().startswith(("=", "+", "-", "@", "|", "＝")), (key, cell)
                assert "\n" not in cell

    def test_the_journal_has_every_posting_once(self) -> None:
        rows = rows_of("journal")
        assert len(rows) == Posting.select().count()
        in_dollars = [row for row in rows if row["currency"] == "USD"]
        assert sum(_cents(row["amount"]) for row in in_dollars) == 0
        assert sum(_cents(row["debit"] or "0") for row in in_dollars) == sum(
            _cents(row["credit"] or "0") for row in in_dollars
        )
        balances: dict[tuple[str, str], int] = {}
        for row in rows:
            key = (row["account"], row["currency"])
            balances[key] = balances.get(key, 0) + _cents(row["amount"])
        assert {key: cents for key, cents in balances.items() if cents} == books.ours()

    def test_the_journal_is_in_the_order_of_its_days(self) -> None:
        places = [(row["occurred_on"], int(row["entry"])) for row in rows_of("journal")]
        assert places == sorted(places)

    def test_the_general_ledger_carries_balances_forward(self) -> None:
        since = today() - dt.timedelta(days=200)
        rows = rows_of("general-ledger", Wanted(since=since))
        forward = [row for row in rows if row["Journal number"] == "0"]
        assert forward
        assert {row["Date"] for row in forward} == {since.isoformat()}
        balance = sum(_cents(row["Debit"] or "0") - _cents(row["Credit"] or "0") for row in rows if _is_fees(row))
        assert balance == books.ours()["fees", "USD"]

    def test_receivables_are_what_stands_on_the_account(self) -> None:
        assert sum(_cents(row["balance"]) for row in rows_of("receivables")) == books.ours()["receivable", "USD"]


def _is_fees(row: dict[str, str]) -> bool:
    return row["Account code"] == "fees"


def test_a_reader_is_told_nothing_of_a_restricted_matter_and_the_books_still_balance(
    chance: World, tmp_path: Path
) -> None:
    matters.set_access(chance.matter, is_restricted=True, staff=[])
    wanted = Wanted(who=chance.erin)
    for name in ("journal", "general-ledger", "beancount", "hledger", "receivables", "trust", "payments", "ledes"):
        text = text_of(name, wanted)
        for secret in (chance.matter.number, chance.client.name, chance.invoice.number):
            assert str(secret) not in text, name
    assert books.by_beancount(text_of("beancount", wanted), tmp_path).balances == books.ours()
    assert "Restricted matter" in text_of("journal", wanted)
    everything = text_of("journal", Wanted(who=chance.carol))
    assert chance.matter.number in everything
    assert "Restricted matter" not in everything


def test_an_export_reads_one_state_while_others_write(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "BATCH", 1)
    pieces = exports.steady(exports.EXPORTS["beancount"].write(Wanted(), today()))
    before = JournalEntry.select().count()
    begun = [next(pieces)]

    def write() -> None:
        _post_with(world, "Meanwhile")
        db.close()

    writer = threading.Thread(target=write)
    writer.start()
    writer.join()
    text = "".join([*begun, *pieces])
    assert "Meanwhile" not in text
    assert text.count("  entry: ") == before
    assert JournalEntry.select().count() == before + 1


@pytest.mark.usefixtures("world")
def test_batches_join_without_a_gap(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    books.random_entries(world, books.clients_of(world, ["One"]), 40, seed=3)
    whole = text_of("journal")
    monkeypatch.setattr(reading, "BATCH", 7)
    moved: list[int] = []
    assert text_of("journal", Wanted(moved=moved.append)) == whole
    assert sum(moved) == JournalEntry.select().count()
    assert max(moved) == 7


def test_account_names_are_never_alike() -> None:
    from portal_app.domain.exports.plain_text import account_names

    codes = ["a_b", "a-b", "a:b", "a b", "é", "ü", ""]
    names = account_names(Account(code=code, kind="asset", fund="trust", name="x") for code in codes)
    assert len(set(names.values())) == len(codes)
    assert all(part[0].isupper() or part[0].isdigit() for name in names.values() for part in name.split(":"))
