"""A matter's ledger as staff reads it: lines, filters, entries, export."""

from __future__ import annotations

import csv
import datetime as dt
import io
from collections.abc import Callable
from typing import Any

import pytest
from flask.testing import FlaskClient

from portal_app import money
from portal_app.domain import ledger, matters, payments
from portal_app.domain.ledger import JournalEntry, Posting
from portal_app.domain.payments import Order, Payment
from portal_app.firm import ledger as pages
from portal_app.plugin_api import BillingAddress, Flow, Method, Outcome, OutcomeKind
from tests.world import World, today

As = Callable[[Any], FlaskClient]
NOWHERE = BillingAddress(name="Alice", address1="1 Elm", city="Springfield", state="IL", postal_code="62704")


def home(world: World) -> str:
    return f"/firm/matters/{world.matter.id}/ledger"


@pytest.fixture
def paid(world: World) -> Payment:
    """Alice has paid $1,500.00: her first invoice, and a part of the second."""
    order = Order(
        key="a-key-of-this-payment",
        amount_cents=150_000,
        plan={},
        method=Method.CARD,
        flow=Flow.FIELDS,
        billing=NOWHERE,
    )
    payment = payments.start(world.alice, world.gateway, order)
    attempt = payments.mark_submitting(payment)
    assert attempt is not None
    outcome = Outcome(
        kind=OutcomeKind.SUCCEEDED, amount_minor=150_000, currency="USD", merchant_account=attempt.merchant_account,
        method_summary="Card ending 4242", gateway_reference="ch_1",
    )  # fmt: skip
    return payments.settle(attempt.id, outcome)


def paid_entry(world: World) -> JournalEntry:
    return JournalEntry.get(JournalEntry.code == "portal_payment")


def test_a_payment_reads_paid_from_portal(world: World, as_: As, paid: Payment) -> None:
    page = as_(world.erin).get(home(world)).text
    row = page.split('<tr class="portal">')[1].split("</tr>")[0]
    assert f'href="/firm/ledger/{paid_entry(world).id}"' in row
    for words in (
        "Paid from portal", "Card ending 4242", "Alice Vasquez-Thornbury", world.invoice.number, world.second.number,
        str(paid.receipt_number), "1,500.00", "540.00",
    ):  # fmt: skip
        assert words in row
    rows = page.split("<tbody>")[1]
    assert rows.index("Paid from portal") < rows.index(f"Invoice {world.invoice.number}<"), "the newest is first"


def test_totals_sum_what_is_shown(world: World, as_: As, paid: Payment) -> None:
    foot = as_(world.erin).get(home(world)).text.split("<tfoot>")[1].split("</tfoot>")[0]
    assert "3 entries" in foot
    assert all(figure in foot for figure in ("2,040.00", "1,500.00", "$540.00"))
    foot = as_(world.erin).get(f"{home(world)}?kind=portal").text.split("<tfoot>")[1].split("</tfoot>")[0]
    assert "Totals of this entry<" in foot
    assert "1,500.00" in foot
    assert "$540.00" not in foot


@pytest.mark.parametrize(
    ("query", "lines"),
    [
        ("", 3), ("kind=portal", 1), ("kind=invoices", 2), ("kind=reversals", 0), ("kind=nonsense", 3),
        ("from={today}", 1), ("to={early}", 1), ("from={early}&to={today}&kind=invoices", 1), ("from=soon&to=", 3),
    ],
)  # fmt: skip
def test_filters_leave_lines_out_but_never_change_a_balance(
    world: World, as_: As, htmx: dict[str, str], paid: Payment, query: str, lines: int
) -> None:
    days = {"today": today(), "early": today() - dt.timedelta(days=20)}
    url = f"{home(world)}?{query.format(**days)}"
    piece = as_(world.erin).get(url, headers=htmx).text
    assert piece in as_(world.erin).get(url).text
    assert piece.count('href="/firm/ledger/') == lines
    if "Paid from portal" in piece:
        assert ">540.00</td>" in piece


def test_pages_go_on_by_key(world: World, as_: As, paid: Payment, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pages, "PAGE", 2)
    browser = as_(world.erin)
    first = browser.get(home(world)).text
    assert "Older" in first
    assert "<tfoot>" not in first
    oldest = JournalEntry.get(JournalEntry.source == f"invoice:{world.second.id}:issued")
    second = browser.get(f"{home(world)}?before={oldest.id}").text
    assert f"Invoice {world.invoice.number}</a>" in second
    assert f"Invoice {world.second.number}</a>" not in second
    assert "<tfoot>" not in second
    assert browser.get(f"{home(world)}?before=nonsense").text == browser.get(home(world)).text


def test_the_export_is_exact_and_inert(world: World, as_: As, paid: Payment) -> None:
    world.alice.name = "=Alice"
    world.alice.save()
    answer = as_(world.erin).get(f"{home(world)}.csv")
    assert answer.headers["Content-Disposition"] == f'attachment; filename="ledger-{world.matter.number}.csv"'
    rows = list(csv.DictReader(io.StringIO(answer.text)))
    assert [row["Balance"] for row in rows] == ["540.00", "2040.00", "1240.00"]
    assert rows[0]["Payer"] == "'=Alice"
    assert rows[0]["Invoices"] == f"{world.invoice.number} {world.second.number}"
    assert rows[0]["Receipt"] == paid.receipt_number
    assert rows[0]["Date"] == today().isoformat()
    assert len(list(csv.DictReader(io.StringIO(as_(world.erin).get(f"{home(world)}.csv?kind=portal").text)))) == 1


def test_an_entry_shows_its_postings_and_that_they_are_equal(world: World, as_: As, paid: Payment) -> None:
    entry = paid_entry(world)
    page = as_(world.erin).get(f"/firm/ledger/{entry.id}").text
    for row in Posting.select().where(Posting.entry == entry.id):
        assert money.bare(abs(row.amount_cents)) in page
    assert page.count("1,500.00</td>") == 3
    assert f'href="/firm/payments/{paid.id}"' in page
    assert f'href="/firm/invoices/{world.invoice.id}"' in page


def test_a_reversal_is_linked_both_ways(world: World, as_: As) -> None:
    payments.void_invoice(world.second, reason="Wrong", on=today(), by=world.carol)
    entry = ledger.entry_of(f"invoice:{world.second.id}:issued")
    reversal = ledger.reversal_of(entry)
    assert reversal is not None
    browser = as_(world.dan)
    assert f'href="/firm/ledger/{reversal.id}"' in browser.get(f"/firm/ledger/{entry.id}").text
    assert f'href="/firm/ledger/{entry.id}"' in browser.get(f"/firm/ledger/{reversal.id}").text
    assert "Reverses an earlier entry" in browser.get(home(world)).text


def test_an_entry_is_there_for_whoever_may_see_its_matter(world: World, as_: As, paid: Payment) -> None:
    entry, other = paid_entry(world), ledger.entry_of(f"invoice:{world.bobs_invoice.id}:issued")
    matters.set_access(world.matter, is_restricted=True, staff=[])
    browser = as_(world.dan)
    assert browser.get(home(world)).status_code == 404
    assert browser.get(f"{home(world)}.csv").status_code == 404
    assert browser.get(f"/firm/ledger/{entry.id}").status_code == 404
    assert browser.get(f"/firm/ledger/{other.id}").status_code == 200
    assert browser.get("/firm/ledger/999999").status_code == 404
    assert as_(world.alice).get(f"/firm/ledger/{entry.id}").status_code == 404


def test_an_empty_ledger_says_what_comes_first(world: World, as_: As) -> None:
    matter = matters.open_matter(number="", name="New", client=world.client, opened_on=today(), by=world.carol)
    page = as_(world.dan).get(f"/firm/matters/{matter.id}/ledger").text
    assert "Nothing on the ledger yet" in page
    assert "No such entry" in as_(world.dan).get(f"/firm/matters/{matter.id}/ledger?kind=portal").text


@pytest.mark.parametrize("name", ["=1+1", "@SUM(A1)", "-2", "+3", " =1", "\t=1", "\r\n=1", "＝1+1", "＠x"])
@pytest.mark.usefixtures("paid")
def test_no_cell_of_an_export_is_a_formula(world: World, as_: As, name: str) -> None:
    world.alice.name = name
    world.alice.save()
    answer = as_(world.erin).get(f"{home(world)}.csv")
    rows = list(csv.DictReader(io.StringIO(answer.text, newline="")))
    on_one_line = name.replace("\t", " ").replace("\r\n", " ")
    assert rows[0]["Payer"] == f"'{on_one_line}"
