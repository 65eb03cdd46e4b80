"""The filters of the books' pages: bookmarked, kept from page to page and in the table, refused in words."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable
from typing import Any

import pytest
from flask.testing import FlaskClient

from portal_app import gateways
from portal_app.domain import payments
from portal_app.domain.payments import Payment
from portal_app.firm import books, ledger
from tests.banks import deposit, draw
from tests.domain.test_payments import order
from tests.world import World, today

As = Callable[[Any], FlaskClient]


@pytest.fixture(autouse=True)
def paid(world: World) -> Payment:
    return gateways.charge(payments.start(world.alice, world.gateway, order(150_000)), "ok")


def pages_of(world: World) -> dict[str, str]:
    """The four pages with filters, and their tables for other programs."""
    matter, client = f"/firm/matters/{world.matter.id}/ledger", f"/firm/clients/{world.client.id}/ledger"
    account = "/firm/books/accounts/receivable"
    return {
        matter: f"{matter}.csv", client: f"{client}.csv", "/firm/books": "/firm/books/journal.csv",
        account: f"{account}/ledger.csv",
    }  # fmt: skip


def table(browser: FlaskClient, address: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(browser.get(address).text)))


QUERIES = ["", "amount=1500.00", "text=thornbury", "amount=1%2C500.00&text=portal", "amount=3.33", f"to={today()}"]


@pytest.mark.parametrize("query", QUERIES)
def test_page_fragment_and_table_show_the_same_lines(world: World, as_: As, htmx: dict[str, str], query: str) -> None:
    erin = as_(world.erin)
    for page, file in pages_of(world).items():
        whole, rows = erin.get(f"{page}?{query}"), table(erin, f"{file}?{query}")
        piece = erin.get(f"{page}?{query}", headers=htmx).text
        assert whole.status_code == 200
        assert piece in whole.text
        entries = {row["Entry"] for row in rows}
        assert all(f'href="/firm/ledger/{entry}"' in piece for entry in entries)
        assert ("No such" in piece) == (not entries)
        if query.startswith(("amount=1", "text")):
            assert "Shown:" in piece
            is_parted = page.endswith("receivable") and "amount" in query  # the payment's legs are smaller
            assert len(entries) == (0 if is_parted else 1)


def test_an_amount_that_is_none_is_refused_in_words_and_kept(world: World, as_: As) -> None:
    erin = as_(world.erin)
    for page, file in pages_of(world).items():
        answer = erin.get(f"{page}?amount=12x")
        assert answer.status_code == 422
        assert 'value="12x" aria-invalid="true" aria-describedby="amount-e"' in answer.text
        assert 'id="amount-e"' in answer.text
        assert "No such" in answer.text
        assert table(erin, f"{file}?amount=12x") == [], "a table that leaves the filter out would mislead"


def test_held_in_trust_is_the_other_ledger_of_matter_and_client(world: World, as_: As) -> None:
    deposit(world, "03-03", 50_000)
    draw(world, "03-10", 12_000, reference="1042")
    erin = as_(world.erin)
    for page in list(pages_of(world))[:2]:
        text = erin.get(f"{page}?fund=trust").text
        assert "380.00" in text
        assert ">Held</th>" in text
        assert "Paid from portal</a>" not in text
        assert [row["Balance"] for row in table(erin, f"{page}.csv?fund=trust")] == ["380.00", "500.00"]
        one = table(erin, f"{page}.csv?fund=trust&kind=deposits")
        assert [(row["Credit"], row["Balance"]) for row in one] == [("500.00", "500.00")]


def test_pages_go_on_under_a_filter_and_all_may_be_printed_at_once(
    world: World, as_: As, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ledger, "PAGE", 1)
    monkeypatch.setattr(books, "PAGE", 1)
    erin = as_(world.erin)
    for page in pages_of(world):
        text = erin.get(f"{page}?text=i").text
        assert "All on one page" in text
        seen = []
        address: str | None = f"{page}?text=i"
        while address:
            text = erin.get(address).text
            seen += [part.split('"')[0] for part in text.split('href="/firm/ledger/')[1:]]
            older = text.split('" rel="next">')[0] if 'rel="next"' in text else ""
            address = page + older.rsplit('href="', 1)[1].replace("&amp;", "&") if older else None
        every = erin.get(f"{page}?text=i&whole=1").text
        whole = [part.split('"')[0] for part in every.split('href="/firm/ledger/')[1:]]
        assert seen == whole
        assert len(set(whole)) > 1
        assert 'rel="next"' not in every


def test_the_trial_balance_by_fund(world: World, as_: As) -> None:
    deposit(world, "03-03", 50_000)
    erin = as_(world.erin)
    text = erin.get(f"/firm/books/trial-balance?fund=trust&on={today()}").text
    assert "receivable" not in text
    assert f'href="/firm/books/trial-balance.csv?on={today()}&amp;fund=trust"' in text
    rows = table(erin, f"/firm/books/trial-balance.csv?on={today()}&fund=trust")
    assert {row["Fund"] for row in rows} == {"trust"}
    account = next(row for row in rows if row["Debit"])
    text = erin.get(f"/firm/books/accounts/{account['Account']}?to={today()}").text
    assert "it stood at" in text
    assert "$500.00" in text
