"""The story's money, in two columns: every figure on the pages of the client and of the firm comes from postings.

Invoices are issued and part paid from the portal; the gateway takes its fee and pays out; a credit note is given, the
rest is paid from trust, and something is refunded. What each page shows is then looked for among sums that this test
makes from the bare postings.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import partial
from itertools import accumulate
from typing import Any

import pytest
from flask.testing import FlaskClient

from portal_app import gateways, verify
from portal_app.db import rows_of
from portal_app.domain import draws, invoices, ledger, payments, timekeeping
from portal_app.domain.payments import Payment
from portal_app.plugin_api import LedgerLine, Role
from tests import trust as trusts
from tests.domain.test_payments import pay
from tests.domain.test_sweep import FEE, PAYOUT, line
from tests.fake_gateway import FakeGateway
from tests.refunds import give
from tests.world import World, today

As = Callable[[Any], FlaskClient]
FIGURE = re.compile(r'<(?:td|dd|p|strong|span)[^>]*class="[^"]*\bmoney\b[^"]*"(?P<more>[^>]*)>\s*(?P<text>[^<]*)<')


@pytest.fixture
def story(world: World, gateway: FakeGateway) -> Payment:
    paid = pay(world, 150_000)
    gateway.listed = [line(world, "fee_1", FEE, amount_minor=4_380), line(world, "po_1", PAYOUT, amount_minor=100_000)]
    roles = {FEE: Role.MERCHANT_FEES, PAYOUT: Role.BANK}

    def lines(fact: Any) -> list[LedgerLine]:
        cents, role = fact.transaction.amount_minor, roles[fact.transaction.kind]
        return [LedgerLine(role=role, amount_minor=cents), LedgerLine(role=Role.CLEARING, amount_minor=-cents)]

    gateway.lines = lines
    gateways.sweep(world.gateway)
    payments.adjust(world.second, kind="credit_note", amount_cents=5_500, reason="x", key="k", by=world.erin)
    trusts.deposit(world, 100_000)
    rest = ledger.invoice_balance(world.second.id)
    word = draws.authorise(world.second, trusts.account(), amount_cents=rest, by=world.dan)
    draws.apply(word, trusts.operating(), on=today(), by=world.erin)
    assert ledger.account_balance("receivable") == ledger.invoice_balance(world.bobs_invoice.id)
    give(world, paid, 30_000)
    return paid


def postings() -> list[tuple[int, str, int | None, int | None, int]]:
    """The bare rows: entry, account, matter, invoice, cents."""
    return rows_of("SELECT entry_id, account_code, matter_id, invoice_id, amount_cents FROM posting ORDER BY id")


def of_trust() -> set[str]:
    return {row[0] for row in rows_of("SELECT code FROM account WHERE fund = 'trust'")}


def summed(*keys: int, only: Callable[[Any], bool] = lambda _row: True) -> dict[tuple[Any, ...], int]:
    """Sums of postings by the columns ``keys``."""
    found: dict[tuple[Any, ...], int] = {}
    for row in filter(only, postings()):
        key = tuple(row[at] for at in keys)
        found[key] = found.get(key, 0) + row[4]
    return found


def _is_on(side: int, row: Any) -> bool:
    return bool(row[4] * side > 0)


def traceable(world: World) -> set[int]:
    """Amounts that the postings lead to: legs, sums of accounts, matters, invoices and entries, running balances."""
    found = {row[4] for row in postings()}
    for keys in ((1,), (1, 2), (1, 3), (0, 1), (0, 1, 3)):
        found |= set(summed(*keys).values())
    for side in (1, -1):
        one = summed(0, only=partial(_is_on, side))
        found |= {sum(one.values()), *one.values()}
        for fund in (of_trust(), {row[1] for row in postings()} - of_trust()):
            found.add(sum(cents for (code,), cents in summed(1).items() if code in fund and cents * side > 0))
    owed = [row[4] for row in postings() if row[1:3] == ("receivable", world.matter.id)]
    found |= set(accumulate(owed))
    for account in {row[1] for row in postings()}:
        found |= set(accumulate(row[4] for row in postings() if row[1] == account))
    found |= {sum(cents for cents in owed if cents * side > 0) for side in (1, -1)}
    return {0, *(abs(cents) for cents in found)}


def figures(page: str) -> list[str]:
    main = page.split("<main")[1]
    return [
        found["text"].strip()
        for found in FIGURE.finditer(main)
        if re.search(r"\d", found["text"]) and "Hours" not in found["more"] and "Rate" not in found["more"]
    ]


def cents_of(text: str) -> int:
    return int(re.sub(r"[^\d]", "", text))


def pages(world: World, paid: Payment) -> dict[str, Any]:
    entries = [row[0] for row in rows_of("SELECT id FROM journal_entry ORDER BY id")]
    return {
        "/portal": world.alice,
        f"/portal/invoices/{world.invoice.public_id}": world.alice,
        f"/portal/invoices/{world.second.public_id}": world.alice,
        f"/portal/payments/{paid.public_id}": world.alice,
        "/portal/invoices": world.alice,
        "/portal/pay": world.alice,
        "/portal/trust": world.alice,
        f"/firm/invoices/{world.invoice.id}": world.erin,
        f"/firm/invoices/{world.second.id}": world.erin,
        f"/firm/payments/{paid.id}": world.erin,
        f"/firm/matters/{world.matter.id}/ledger": world.erin,
        f"/firm/matters/{world.matter.id}/trust": world.erin,
        f"/firm/clients/{world.client.id}/ledger": world.erin,
        "/firm/invoices": world.erin,
        "/firm/payments": world.erin,
        "/firm/trust": world.erin,
        f"/firm/clients/{world.client.id}": world.erin,
        f"/firm/matters/{world.matter.id}": world.erin,
        "/firm/books": world.erin,
        "/firm/books/accounts": world.erin,
        "/firm/books/trial-balance": world.erin,
        **{f"/firm/books/accounts/{row[1]}": world.erin for row in postings()},
        **{f"/firm/ledger/{entry}": world.erin for entry in entries},
    }


def test_every_figure_comes_from_postings(world: World, as_: As, story: Payment) -> None:
    known = traceable(world)
    for invoice in (world.invoice, world.second):  # what is billed is posted, line by line
        lines = [row.amount_cents for row in invoices.lines_of(invoice)]
        assert sum(lines) == summed(1, 3)["fees", invoice.id] * -1 - summed(1, 3).get(("costs", invoice.id), 0)
        known |= {*lines, sum(lines)}
    known.add(
        sum(row.amount_cents for row in timekeeping.unbilled(world.matter))
    )  # the one figure that is not posted yet
    shown = 0
    for address, who in pages(world, story).items():
        page = as_(who).get(address)
        assert page.status_code == 200, address
        found = figures(page.text)
        assert found, f"{address} shows no figure"
        strangers = [text for text in found if cents_of(text) not in known]
        assert not strangers, f"{address} shows {strangers}, which no posting explains"
        shown += len(found)
    assert shown > 150


def test_the_main_figures_are_the_sums_that_they_say(world: World, as_: As, story: Payment) -> None:
    sums = summed(1)
    owed = summed(1, 2)["receivable", world.matter.id]
    assert owed == 204_000 - 150_000 - 5_500 - 48_500 + 30_000 == 30_000
    assert summed(1, 2)[f"trust:{trusts.account().id}", world.matter.id] == -(100_000 - 48_500)
    alice, erin = as_(world.alice), as_(world.erin)
    written = f"${owed // 100:,}.{owed % 100:02d}"
    assert written in alice.get("/portal").text.split('id="balance-h"')[1][:200]
    for row in (world.invoice, world.second):
        cents = summed(1, 3).get(("receivable", row.id), 0)
        assert cents == ledger.invoice_balance(row.id)
        page = alice.get(f"/portal/invoices/{row.public_id}").text
        assert f"${cents // 100:,}.{cents % 100:02d}" in page.split('id="balance-h"')[1][:200]
    assert sums["clearing:fake",] == 150_000 - 4_380 - 100_000 - 30_000
    assert sums["merchant_fees",] == 4_380
    assert sums["credits",] == 5_500
    assert sum(sums.values()) == 0
    foot = erin.get("/firm/books/trial-balance").text.split("<tfoot>")[1]
    debit, credit = (cents_of(text) for text in figures("<main" + foot)[:2])
    own = [cents for (account,), cents in sums.items() if account not in of_trust()]
    assert debit == credit == sum(cents for cents in own if cents > 0)
    assert verify.verify().faults == []
