"""The firm's books: every figure leads to its entries, filters leave out lines and never change a balance."""

from __future__ import annotations

import csv
import datetime as dt
import io
import re
from collections.abc import Callable
from typing import Any

import pytest
from flask.testing import FlaskClient

from portal_app import gateways
from portal_app.domain import ledger, matters, payments
from portal_app.domain.ledger import JournalEntry, Posting, Wanted, books, of_clients
from portal_app.domain.payments import Payment
from tests.domain.test_payments import order
from tests.world import World, today

As = Callable[[Any], FlaskClient]


@pytest.fixture
def paid(world: World) -> Payment:
    return gateways.charge(payments.start(world.alice, world.gateway, order(150_000)), "ok")


def test_the_journal_shows_every_leg_once(world: World, as_: As, paid: Payment) -> None:
    page = as_(world.erin).get("/firm/books").text
    assert page.count('<th scope="rowgroup"') == JournalEntry.select().count()
    assert page.count('<td class="num money" data-l="Debit">') == Posting.select().count()
    entry = ledger.entry_of(f"payment:{paid.id}:paid")
    assert f'<a href="/firm/ledger/{entry.id}">Paid from portal</a>' in page
    assert '<a href="/firm/books/accounts/clearing:fake">' in page


@pytest.mark.parametrize(
    ("query", "count"),
    [
        ("code=portal_payment", 1), ("code=nonsense", 4), ("text=Invoice", 3), ("text=nothing+like+it", 0),
        ("from=2199-01-01", 0), ("to=2999-01-01", 4), ("from=not-a-day", 4),
    ],
)  # fmt: skip
def test_the_journal_is_narrowed(
    world: World, as_: As, paid: Payment, htmx: dict[str, str], query: str, count: int
) -> None:
    piece = as_(world.erin).get(f"/firm/books?{query}", headers=htmx).text
    assert piece.count('<th scope="rowgroup"') == count
    assert not piece.startswith("<!DOCTYPE")


def test_the_journal_of_one_matter(world: World, as_: As, paid: Payment) -> None:
    page = as_(world.erin).get(f"/firm/books?matter={world.bobs_matter.number}").text
    assert page.count('<th scope="rowgroup"') == 1


def test_pages_of_the_journal_follow_without_gap_or_repeat(world: World, paid: Payment) -> None:
    whole = [row.id for row in books.journal(Wanted())]
    found: list[int] = []
    before = None
    while rows := books.journal(Wanted(), before=before, limit=2):
        found += [row.id for row in rows]
        before = found[-1]
    assert found == whole == sorted(whole, reverse=True)


def test_choosing_an_account_leads_to_its_ledger(world: World, as_: As) -> None:
    answer = as_(world.erin).get("/firm/books?account=receivable&from=2026-01-01")
    assert (answer.status_code, answer.headers["Location"]) == (
        303, "/firm/books/accounts/receivable?from=2026-01-01",
    )  # fmt: skip


def test_an_accounts_balance_runs_over_its_pages(world: World, paid: Payment) -> None:
    account = books.find_account("receivable")
    lines = books.for_account(account, Wanted())
    assert lines[0].balance_cents == ledger.account_balance("receivable") == 94_000
    assert lines[-1].balance_cents == lines[-1].posting.amount_cents
    again = []
    before = None
    while page := books.for_account(account, Wanted(), before=before, limit=2):
        again += page
        before = page[-1].posting.id
    assert [line.balance_cents for line in again] == [line.balance_cents for line in lines]
    narrowed = books.for_account(account, Wanted(codes=("portal_payment",)))
    kept = {line.posting.id: line.balance_cents for line in lines}
    assert [line.balance_cents for line in narrowed] == [kept[line.posting.id] for line in narrowed]
    assert len(narrowed) == 2


def test_an_account_page_shows_where_it_stands(world: World, as_: As, paid: Payment) -> None:
    page = as_(world.erin).get("/firm/books/accounts/receivable").text
    assert "stands at" in page
    assert "$940.00" in page
    assert page.count('data-l="Balance"') == 5
    assert as_(world.erin).get("/firm/books/accounts/no-such").status_code == 404


def test_the_trial_balance_is_the_sum_of_postings_on_any_day(world: World, paid: Payment) -> None:
    days = [today() - dt.timedelta(days=back) for back in (400, 45, 44, 20, 5, 1, 0)]
    for day in days:
        wanted: dict[str, int] = {}
        rows = Posting.select(Posting, JournalEntry).join(JournalEntry).where(JournalEntry.occurred_on <= day)
        for row in rows:
            wanted[row.account_code] = wanted.get(row.account_code, 0) + row.amount_cents
        found = {account.code: cents for account, cents in books.trial_balance(day)}
        assert found == {code: cents for code, cents in wanted.items() if cents}
    now = {account.code: cents for account, cents in books.trial_balance()}
    assert now == {account.code: cents for account, cents in books.trial_balance(days[-1])}
    assert sum(now.values()) == 0


def test_the_trial_balance_page_adds_up_and_drills_down(world: World, as_: As, paid: Payment) -> None:
    page = as_(world.erin).get(f"/firm/books/trial-balance?on={today()}").text
    foot = page.split("<tfoot>")[1]
    assert "Debit and credit are equal" in foot
    assert re.findall(r'class="num money"[^>]*>([\d,.]+)<', foot) == ["2,440.00", "2,440.00"]
    assert f'href="/firm/books/accounts/clearing:fake?to={today()}"' in page
    empty = as_(world.erin).get("/firm/books/trial-balance?on=1999-01-01").text
    assert "Nothing in the books on that day" in empty


def rows_of(browser: FlaskClient, address: str) -> list[dict[str, str]]:
    answer = browser.get(address)
    assert answer.content_type == "text/csv; charset=utf-8"
    assert "attachment" in answer.headers["Content-Disposition"]
    return list(csv.DictReader(io.StringIO(answer.text)))


def test_the_same_figures_as_csv(world: World, as_: As, paid: Payment) -> None:
    erin = as_(world.erin)
    journal = rows_of(erin, "/firm/books/journal.csv")
    assert len(journal) == Posting.select().count()
    for side in ("Debit", "Credit"):
        assert sum(int(row[side].replace(".", "") or 0) for row in journal) == 394_000
    account = rows_of(erin, "/firm/books/accounts/receivable/ledger.csv")
    assert account[0]["Balance"] == "940.00"
    trial = rows_of(erin, "/firm/books/trial-balance.csv")
    assert {row["Account"]: row["Debit"] for row in trial if row["Debit"]} == {
        "clearing:fake": "1500.00", "receivable": "940.00",
    }  # fmt: skip


def test_a_clients_ledger_runs_over_all_matters_that_the_reader_sees(world: World, as_: As, paid: Payment) -> None:
    other = matters.open_matter(number="", name="Will", client=world.client, opened_on=today(), by=world.carol)
    both = [world.matter, other]
    lines = of_clients.owed(both, Wanted())
    assert [line.balance_cents for line, _ in lines] == [54_000, 204_000, 124_000]
    line, of = lines[0]
    again = of_clients.owed(both, Wanted(), before=(line.entry.id, of))
    assert [line.balance_cents for line, _ in again] == [204_000, 124_000]
    page = as_(world.dan).get(f"/firm/clients/{world.client.id}/ledger").text
    assert page.count('data-l="Balance"') == 3
    assert rows_of(as_(world.dan), f"/firm/clients/{world.client.id}/ledger.csv")[0]["Balance"] == "540.00"
    matters.set_access(world.matter, is_restricted=True, staff=[world.erin])
    assert "Nothing on the ledger yet" in as_(world.dan).get(f"/firm/clients/{world.client.id}/ledger").text


def test_the_books_are_for_those_who_keep_them(world: World, as_: As, paid: Payment) -> None:
    dan = as_(world.dan)
    assert dan.get("/firm/books").status_code == 403
    assert "/firm/books" not in dan.get("/firm").text
    assert 'href="/firm/books"' in as_(world.erin).get("/firm").text


def test_an_entry_of_no_matter_opens_from_the_journal(world: World, as_: As) -> None:
    legs = [ledger.Leg("merchant_fees", 300), ledger.Leg("clearing:fake", -300)]
    entry = ledger.post("gateway_costs", legs, occurred_on=today(), description="Fee", source="fee:1", currency="USD")
    page = as_(world.erin).get(f"/firm/ledger/{entry.id}").text
    assert "In the firm’s own chain" in page
    assert ledger.links_of(entry)[0].hash in page
    assert as_(world.dan).get(f"/firm/ledger/{entry.id}").status_code == 404
