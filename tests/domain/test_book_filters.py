"""Filters of the books leave lines out, and the balance beside a line stays what it was; on both databases."""

from __future__ import annotations

import datetime as dt
from itertools import pairwise
from typing import Any

import pytest

from portal_app import gateways
from portal_app.domain import ledger, matters, payments
from portal_app.domain.ledger import JournalEntry, Leg, Posting, Wanted, books, of_clients
from portal_app.domain.matters import Matter
from portal_app.domain.payments import Payment
from tests.banks import day, deposit, draw, trust_account
from tests.domain.test_payments import order
from tests.world import World, today


@pytest.fixture
def paid(world: World) -> Payment:
    return gateways.charge(payments.start(world.alice, world.gateway, order(150_000)), "ok")


@pytest.fixture
def both(world: World, paid: Payment) -> list[Matter]:
    """Two matters of one client, with an entry that touches both."""
    other = matters.open_matter(number="", name="Will", client=world.client, opened_on=today(), by=world.carol)
    legs = [Leg("receivable", 700, world.matter.id), Leg("receivable", 300, other.id), Leg("fees", -1_000)]
    ledger.post("invoice_issued", legs, occurred_on=today(), description="Of both", source="both:1", currency="USD")
    return [world.matter, other]


def plain(lines: Any) -> list[tuple[int, int, int, int]]:
    return [(line.entry.id, matter, line.debit_cents - line.credit_cents, line.balance_cents) for line, matter in lines]


WANTED = [
    Wanted(codes=("portal_payment",)), Wanted(text="invoice"), Wanted(text="thornbury"), Wanted(cents=150_000),
    Wanted(cents=700), Wanted(since=today()), Wanted(until=today() - dt.timedelta(days=1)), Wanted(cents=-1),
    Wanted(codes=("invoice_issued",), until=today() - dt.timedelta(days=1), text="2026"),
]  # fmt: skip


@pytest.mark.parametrize("wanted", WANTED)
def test_what_is_owed_beside_a_line_is_the_same_whatever_is_left_out(both: list[Matter], wanted: Wanted) -> None:
    whole = plain(of_clients.owed(both, Wanted(), limit=None))
    found = plain(of_clients.owed(both, wanted, limit=None))
    assert set(found) <= set(whole)
    sums = of_clients.owed_sums(both, wanted)
    assert (sums.count, sums.debit_cents - sums.credit_cents) == (len(found), sum(row[2] for row in found))


def test_the_newest_line_stands_at_what_is_owed_now_and_each_line_follows_from_the_one_before(
    both: list[Matter],
) -> None:
    rows = plain(of_clients.owed(both, Wanted(), limit=None))
    assert rows[0][3] == sum(ledger.matter_balances(both).values())
    for newer, older in pairwise(rows):
        assert newer[3] - newer[2] == older[3]
    assert rows[-1][3] == rows[-1][2]


def test_each_filter_finds_what_it_says(both: list[Matter]) -> None:
    found = [len(of_clients.owed(both, wanted, limit=None)) for wanted in WANTED]
    assert found == [1, 2, 1, 1, 1, 3, 2, 0, 2]


@pytest.mark.parametrize("wanted", [Wanted(), Wanted(codes=("invoice_issued",)), Wanted(text="o")])
def test_pages_of_a_client_lose_no_line_of_an_entry_of_two_matters(both: list[Matter], wanted: Wanted) -> None:
    whole = plain(of_clients.owed(both, wanted, limit=None))
    found: list[tuple[int, int, int, int]] = []
    key = None
    while rows := plain(of_clients.owed(both, wanted, before=key, limit=1)):
        found += rows
        key = (rows[-1][0], rows[-1][1])
    assert found == whole


def test_a_matters_lines_are_those_of_its_own_ledger(world: World, both: list[Matter]) -> None:
    kept = ledger.for_matter(world.matter, limit=None)
    found = [line for line, _ in of_clients.owed([world.matter], Wanted(), limit=None)]
    assert [(line.entry.id, line.balance_cents, line.invoice_ids, line.payer_name) for line in found] == [
        (line.entry.id, line.balance_cents, line.invoice_ids, line.payer_name) for line in kept
    ]


def test_what_is_held_in_trust_runs_over_filters_and_pages(world: World) -> None:
    deposit(world, "03-03", 50_000)
    draw(world, "03-10", 12_000, reference="1042")
    deposit(world, "03-12", 7_000)
    deposit(world, "03-12", 9_000, matter=world.bobs_matter)
    mine = [world.matter]
    lines = of_clients.held(mine, Wanted())
    assert [(line.debit_cents, line.credit_cents, line.balance_cents) for line, _ in lines] == [
        (0, 7_000, 45_000), (12_000, 0, 38_000), (0, 50_000, 50_000)]  # fmt: skip
    for wanted, balances in (
        (Wanted(cents=12_000), [38_000]), (Wanted(codes=("trust_deposit",)), [45_000, 50_000]),
        (Wanted(until=day("03-09")), [50_000]), (Wanted(text="deposit"), [45_000, 50_000]),
    ):  # fmt: skip
        assert [line.balance_cents for line, _ in of_clients.held(mine, wanted)] == balances
    sums = of_clients.held_sums(mine, Wanted(codes=("trust_deposit",)))
    assert (sums.count, sums.debit_cents, sums.credit_cents) == (2, 0, 57_000)
    (first, _), key = lines[0], (lines[0][0].sequence, 0)
    assert [line.balance_cents for line, _ in of_clients.held(mine, Wanted(), before=key)] == [38_000, 50_000]
    both = of_clients.held([world.matter, world.bobs_matter], Wanted(), limit=1)
    assert (both[0][0].balance_cents, first.balance_cents) == (54_000, 45_000)


def test_an_accounts_balance_is_right_under_every_filter(world: World, paid: Payment) -> None:
    deposit(world, "03-03", 50_000)
    for code in ("receivable", f"bank:{trust_account().id}"):
        account = books.find_account(code)
        whole = {line.posting.id: line.balance_cents for line in books.for_account(account, Wanted(), limit=None)}
        for wanted in (*WANTED, Wanted(matter=world.matter.number)):
            lines = books.for_account(account, wanted, limit=None)
            assert {line.posting.id: line.balance_cents for line in lines}.items() <= whole.items()
            sums = books.account_sums(account, wanted)
            assert (sums.count, sums.debit_cents - sums.credit_cents) == (
                len(lines), sum(line.posting.amount_cents for line in lines))  # fmt: skip


def test_the_journal_by_fund_and_amount(world: World, paid: Payment) -> None:
    deposit(world, "03-03", 50_000)
    rows = books.journal(Wanted(fund="trust"))
    assert [row.code for row in rows] == ["trust_deposit"]
    assert "trust_deposit" not in {row.code for row in books.journal(Wanted(fund="operating"))}
    assert [row.code for row in books.journal(Wanted(cents=50_000))] == ["trust_deposit"]
    assert books.journal(Wanted(cents=50_000, fund="operating")) == []
    assert {row.id for row in books.journal(Wanted(text="thornbury"))} == {
        ledger.entry_of(f"payment:{paid.id}:paid").id
    }


def test_the_trial_balance_by_fund_and_an_account_on_a_day(world: World, paid: Payment) -> None:
    deposit(world, "03-03", 50_000)
    for on in (None, today(), day("03-03"), day("03-02")):
        rows = books.trial_balance(on)
        by_fund = [row for fund in ("operating", "trust") for row in books.trial_balance(on, fund)]
        assert sorted((row.code, cents) for row, cents in rows) == sorted((row.code, cents) for row, cents in by_fund)
        if on is not None:
            assert {row.code: books.balance_on(row.code, on) for row, _ in rows} == {
                row.code: cents for row, cents in rows
            }
    for fund in ("operating", "trust"):
        assert sum(cents for _, cents in books.trial_balance(today(), fund)) == 0
    assert Posting.select().count() > JournalEntry.select().count()
