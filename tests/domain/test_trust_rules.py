"""Where trust money may stand: each client's on their own ledger, never below zero, apart from fees. On both databases;
where the database keeps a rule itself, the test writes around the code, in plain SQL."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator

import pytest

from portal_app import clock
from portal_app.domain import draws, ledger, trust
from portal_app.domain.banks import BankAccount
from portal_app.domain.trust import RuleRefused, TrustMovement
from tests.trust import account, authorise, days_ago, deposit, draw, operating
from tests.trust_rules import Plain, authorised, bank, client_money, commit, refused, said
from tests.world import World, today


@pytest.fixture(autouse=True)
def _books_agree(world: World) -> Iterator[None]:
    """Whatever a test does, the books of trust agree with themselves afterwards (T22)."""
    trust.open_books(account())
    yield
    assert trust.problems() == []


# T01


def test_T01_a_plain_deposit_with_its_fact_is_taken(world: World) -> None:
    entry = Plain(9001, "trust_deposit").fact("receipt", 500, world.matter.id)
    entry.leg(bank(), 500).leg(client_money(), -500, world.matter.id).write()
    assert trust.balance(world.matter, account()) == 500


def test_T01_a_trust_posting_names_one_matter(world: World) -> None:
    Plain(9001, "trust_deposit").fact("receipt", 500, world.matter.id).leg(bank(), 500).leg(
        client_money(), -500
    ).is_refused("T01|without a matter")


def test_T01_the_books_of_each_trust_account_balance(world: World) -> None:
    other = BankAccount.create(name="Second trust account", fund="trust")
    trust.open_books(other)
    entry = Plain(9001, "trust_deposit").fact("receipt", 500, world.matter.id)
    entry.leg(ledger.bank(other.id), 500).leg(client_money(), -500, world.matter.id).is_refused("T01")


def test_T01_trust_money_stands_in_the_books_of_a_trust_account(world: World) -> None:
    commit("INSERT INTO account (code, name, kind, fund) VALUES ('stray:trust', 'Stray', 'asset', 'trust')")
    entry = Plain(9001, "trust_deposit").fact("receipt", 500, world.matter.id)
    entry.leg("stray:trust", 500).leg(client_money(), -500, world.matter.id).is_refused("T01")
    refused("T01", f"INSERT INTO trust_book VALUES ('receivable', {account().id}, 'bank')")
    refused("T01", f"INSERT INTO trust_book VALUES ('stray:trust', {operating().id}, 'bank')")
    refused("T01", f"UPDATE bank_account SET fund = 'operating' WHERE id = {account().id}")


def test_T01_the_sum_of_ledgers_is_the_book_after_every_commit(world: World) -> None:
    deposit(world, 50_000)
    deposit(world, 7_000, matter=world.bobs_matter)
    draw(world, 20_000)
    books = trust.books_of(world.carol, account())
    assert books.book_cents == books.ledgers_cents + books.float_cents == 37_000
    assert [cents for _, _, cents in books.clients] == [30_000, 7_000]


# T02


def test_T02_no_ledger_falls_below_zero(world: World) -> None:
    deposit(world, 50_000)
    deposit(world, 50_000, matter=world.bobs_matter)
    with pytest.raises(RuleRefused) as problem:
        draw(world, 50_001)
    assert said(problem) == "T02"
    word = authorised(world, 50_000)
    draw(world, 1)
    entry = Plain(9001, "trust_disbursement").fact("disbursement", 50_000, world.matter.id, **word)
    entry.leg(client_money(), 50_000, world.matter.id).leg(bank(), -50_000).is_refused("T02")


def test_T02_a_back_dated_draw_that_every_later_day_bears_is_taken(world: World) -> None:
    with clock.frozen(clock.now() - dt.timedelta(days=20)):
        deposit(world, 50_000)
        words = [authorise(world, 10_000), authorise(world, 35_001)]
    draw(world, 40_000)
    deposit(world, 30_000)
    trust.pay_out(words[0], on=days_ago(10), method="check", by=world.erin)
    assert trust.balance(world.matter, account(), days_ago(10)) == 40_000
    assert trust.available(world.matter, account(), today()) == 30_000
    with pytest.raises(RuleRefused) as problem:
        trust.pay_out(words[1], on=days_ago(9), method="check", by=world.erin)
    assert said(problem) == "T02"


def test_T02_a_back_dated_draw_respects_what_was_drawn_later(world: World) -> None:
    with clock.frozen(clock.now() - dt.timedelta(days=20)):
        deposit(world, 50_000)
        word = authorise(world, 20_000)
        plain = authorised(world, 20_000)
    with clock.frozen(clock.now() - dt.timedelta(days=5)):
        draw(world, 40_000)
    deposit(world, 30_000)
    with pytest.raises(RuleRefused) as problem:
        trust.pay_out(word, on=days_ago(10), method="check", by=world.erin)
    assert said(problem) == "T02"
    entry = Plain(9001, "trust_disbursement", day=days_ago(10)).fact("disbursement", 20_000, world.matter.id, **plain)
    entry.leg(client_money(), 20_000, world.matter.id).leg(bank(), -20_000).is_refused("T02|T09")


def test_T02_the_account_at_the_bank_does_not_fall_below_zero(world: World) -> None:
    at = trust.open_clearing("fake", account(), "Fake, trust, not yet at the bank")
    deposit(world, 50_000, at=at, method="wire")
    with pytest.raises(RuleRefused) as problem:
        draw(world, 100)
    assert said(problem) == "T02"
    word = authorised(world, 100)
    entry = Plain(9001, "trust_disbursement").fact("disbursement", 100, world.matter.id, **word)
    entry.leg(client_money(), 100, world.matter.id).leg(bank(), -100).is_refused("T02")


# T03


def test_T03_money_moves_between_matters_only_as_an_explicit_pair(world: World) -> None:
    deposit(world, 50_000)
    word = authorise(world, 8_000, kind="transfer", payee="Sample Holdings Co.", to_matter=world.bobs_matter)
    row = trust.transfer(word, on=today(), by=world.erin)
    assert (trust.balance(world.matter, account()), trust.balance(world.bobs_matter, account())) == (42_000, 8_000)
    assert trust.transfer(word, on=today(), by=world.erin) == row
    with pytest.raises(RuleRefused) as problem:
        authorise(world, 1, kind="transfer", payee="Y", to_matter=world.matter)
    assert said(problem) == "T03"


def test_T03_a_payment_of_one_matter_does_not_touch_anothers_ledger(world: World) -> None:
    deposit(world, 50_000)
    deposit(world, 50_000, matter=world.bobs_matter)
    word = authorised(world, 500)
    entry = Plain(9001, "trust_disbursement").fact("disbursement", 500, world.matter.id, **word)
    entry.leg(client_money(), 500, world.bobs_matter.id).leg(bank(), -500).is_refused("T11")
    both = Plain(9002, "trust_disbursement").fact("disbursement", 500, world.matter.id, **word)
    both.leg(client_money(), 500, world.matter.id).leg(client_money(), 100, world.bobs_matter.id)
    both.leg(bank(), -600).is_refused("T11")


def test_T03_what_lies_in_one_trust_account_is_not_drawn_from_another(world: World) -> None:
    other = BankAccount.create(name="Second trust account", fund="trust")
    deposit(world, 90_000, matter=world.bobs_matter)
    trust.receive(
        world.matter, other, amount_cents=50_000, received_on=today(), payer="Alice", purpose="Advance", method="wire",
        by=world.erin,
    )  # fmt: skip
    with pytest.raises(RuleRefused) as problem:
        draw(world, 1)
    assert said(problem) == "T02"
    assert [row.balance_cents for row in trust.standings(world.matter, today())] == [50_000, 0]
    assert trust.books_of(world.carol, other).book_cents == 50_000


# T04, T07, T21


def test_T04_an_advance_goes_to_trust_or_nowhere(world: World) -> None:
    with pytest.raises(RuleRefused) as problem:
        trust.receive(
            world.matter, operating(), amount_cents=100, received_on=today(), payer="Alice", purpose="Advance",
            method="check", by=world.erin,
        )  # fmt: skip
    assert said(problem) == "T04"
    assert [code for code, row in ledger.RECIPES.items() if "trust" in code and not row.parts] == []
    operating_deposits = [part for part in ledger.RECIPES["trust_deposit"].parts if part.fund != "trust"]
    assert operating_deposits == []


@pytest.mark.parametrize("account_code", ["merchant_fees", "surcharges", "fees"])
def test_T07_no_fee_is_in_an_entry_of_trust_money(world: World, account_code: str) -> None:
    entry = Plain(9001, "trust_deposit").fact("receipt", 500, world.matter.id)
    entry.leg(bank(), 500).leg(client_money(), -500, world.matter.id)
    entry.leg(account_code, 20).leg("receivable", -20, world.matter.id).is_refused("T07")


def test_T07_a_deposit_is_gross(world: World) -> None:
    entry = Plain(9001, "trust_deposit").fact("receipt", 500, world.matter.id)
    entry.leg(bank(), 485).leg("merchant_fees", 15).leg(client_money(), -500, world.matter.id)
    entry.is_refused("balanced|T0")


def test_T21_no_interest_and_no_discount_touch_trust_money(world: World) -> None:
    commit("INSERT INTO account (code, name, kind, fund) VALUES ('interest', 'Interest', 'income', 'operating')")
    entry = Plain(9001, "trust_deposit").fact("receipt", 500, world.matter.id)
    entry.leg(bank(), 500).leg(client_money(), -500, world.matter.id)
    entry.leg("receivable", 20, world.matter.id).leg("interest", -20, world.matter.id).is_refused("T07")
    own = trust.TrustAuthorisation._meta.fields.keys() | TrustMovement._meta.fields.keys()
    assert not {name for name in own if "interest" in name or "discount" in name}


# T06


def test_T06_earned_fees_do_not_go_into_a_trust_account(world: World) -> None:
    deposit(world, 200_000)
    word = draws.authorise(world.invoice, account(), amount_cents=100_000, by=world.dan)
    with pytest.raises(RuleRefused) as problem:
        draws.apply(word, account(), on=today(), by=world.erin)
    assert said(problem) == "T06"
    assert ledger.invoice_balance(world.invoice.id) == 124_000
