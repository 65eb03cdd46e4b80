"""What the reports say is what Beancount reads in the exported books: of a ledger made by chance."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest

from portal_app.domain import exports, reports
from portal_app.domain.exports import Wanted
from portal_app.domain.ledger import RECEIVABLE
from tests import books
from tests.world import World, today

Entry = dict[str, Any]
CASH = ("bank:", "clearing:")


@pytest.fixture
def chance(world: World) -> World:
    """No texts that are written differently in a file: those are another test's."""
    names = [f"Client {number}" for number in range(12)]
    books.random_entries(world, books.clients_of(world, names), 250, seed=22)
    return world


def read(folder: Path) -> books.Reading:
    found = books.by_beancount("".join(exports.EXPORTS["beancount"].write(Wanted(), today())), folder)
    assert found.errors == []
    return found


def total(name: str, key: str, **wanted: Any) -> int:
    """A column's total."""
    table = reports.REPORTS[name].table(None, reports.Wanted(today=today(), **wanted))
    return int(str(table.totals[[column.key for column in table.columns].index(key)]))


def by_matter(name: str, key: str, **wanted: Any) -> dict[str, int]:
    """A column's figures by the matter's number."""
    table = reports.REPORTS[name].table(None, reports.Wanted(today=today(), by="matter", **wanted))
    at = [column.key for column in table.columns].index(key)
    found = {str(row.values[0]): int(str(row.values[at])) for row in table.rows}
    return {matter: cents for matter, cents in found.items() if cents and matter != "The firm’s own"}


def sums(entries: dict[str, Entry], account: str, until: date | None = None) -> dict[str, int]:
    """What Beancount finds on an account, by matter, with our sign."""
    found: dict[str, int] = {}
    for entry in entries.values():
        if until is None or entry["date"] <= until.isoformat():
            for code, cents, matter, _, _ in entry["legs"]:
                if code == account:
                    found[matter] = found.get(matter, 0) + cents
    return {matter: cents for matter, cents in found.items() if cents}


@pytest.mark.usefixtures("chance")
@pytest.mark.parametrize("days_back", [None, 150])
def test_owed_and_held_are_what_stands_there(tmp_path: Path, days_back: int | None) -> None:
    entries = read(tmp_path).details["entries"]
    until = None if days_back is None else today() - timedelta(days=days_back)
    owed, held = sums(entries, RECEIVABLE, until), sums(entries, "trust:2", until)
    assert by_matter("receivables", "owed", until=until) == owed
    assert by_matter("trust", "held", until=until) == {matter: -cents for matter, cents in held.items()}
    assert len(owed) > 5
    assert len(held) > 5
    for by in ("client", "attorney", "matter", "invoice"):
        key = "balance" if by == "invoice" else "owed"
        assert total("receivables", key, by=by, until=until) == sum(owed.values())
    float_cents = sum(sums(entries, "float:2", until).values())
    for by in ("client", "attorney", "matter", "ledger"):
        assert total("trust", "held", by=by, until=until) == -sum(held.values()) - float_cents


def moved(entry: Entry) -> bool:
    return any(code.startswith(CASH) or code == "disputed" for code, *_ in entry["legs"])


@pytest.mark.usefixtures("chance")
def test_cash_is_what_moved_for_somebody(tmp_path: Path) -> None:
    since, until = today() - timedelta(days=300), today()
    entries = [
        entry
        for entry in read(tmp_path).details["entries"].values()
        if moved(entry) and since.isoformat() <= entry["date"] <= until.isoformat()
    ]
    legs = [
        (code, cents)
        for entry in entries
        for code, cents, matter, _, _ in entry["legs"]
        if (matter or code == "suspense") and not code.startswith(CASH)
    ]
    trust = [cents for code, cents in legs if code.startswith("trust:")]
    own = [cents for code, cents in legs if not code.startswith("trust:")]
    for by in ("month", "client", "attorney", "matter", "entry"):
        wanted = {"by": by, "since": since, "until": until}
        assert total("cash", "received", **wanted) == -sum(cents for cents in own if cents < 0) > 0
        assert total("cash", "given_back", **wanted) == sum(cents for cents in own if cents > 0)
        assert total("cash", "trust_in", **wanted) == -sum(cents for cents in trust if cents < 0) > 0
        assert total("cash", "trust_out", **wanted) == sum(cents for cents in trust if cents > 0) > 0


@pytest.mark.usefixtures("chance")
def test_billed_is_the_income_of_matters(tmp_path: Path) -> None:
    entries = read(tmp_path).details["entries"]
    billed = sum(sums(entries, "fees").values()) + sum(sums(entries, "costs").values())
    for by in ("attorney", "client", "matter"):
        assert total("standing", "billed", by=by) == -billed
        assert total("standing", "owed", by=by) == sum(sums(entries, RECEIVABLE).values())
        assert total("standing", "trust", by=by) == -sum(sums(entries, "trust:2").values())
