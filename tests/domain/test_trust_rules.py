"""The rules of trust accounting, each by its name, on both databases. Where the database keeps a rule itself, the test
writes around the code, in plain SQL."""

# ruff: noqa: N802  the rules have names of their own

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from peewee import DatabaseError

from portal_app import clock
from portal_app.db import db, transaction
from portal_app.domain import draws, invoices, ledger, matters, sharing, trust
from portal_app.domain.banks import BankAccount
from portal_app.domain.documents import DocumentShare
from portal_app.domain.errors import Refused
from portal_app.domain.ledger import JournalEntry, Leg, Posting
from portal_app.domain.ledger.chaining import follow, heads_to_follow, matters_of
from portal_app.domain.trust import RuleRefused, TrustHold, TrustMovement
from tests.trust import account, authorise, bounce, days_ago, deposit, draw, incident, operating
from tests.world import World, today


class Plain:
    """Journal entries in plain SQL: whatever a faulty program might write."""

    def __init__(self, number: int, code: str, *, day: dt.date | None = None, reverses: int | None = None) -> None:
        self.number, self.source, self.day = number, f"plain:{number}", day or today()
        self.legs: list[Leg] = []
        self.facts: list[str] = []
        self.code, self.reverses = code, reverses

    def leg(self, code: str, cents: int, matter_id: int | None = None, invoice_id: int | None = None) -> Plain:
        self.legs.append(Leg(code, cents, matter_id, invoice_id))
        return self

    def fact(self, kind: str, cents: int, matter_id: int | None = None, **more: Any) -> Plain:
        given: dict[str, Any] = {
            "source": self.source, "key": self.source, "kind": kind, "bank_account_id": account().id,
            "matter_id": matter_id, "amount_cents": cents, "occurred_on": self.day.isoformat(), "party": "X",
            "purpose": "Y", "method": "check", "reference": "", "created_at": clock.now().isoformat(" "),
            "clears_on": self.day.isoformat() if kind == "receipt" else None, **more,
        }  # fmt: skip
        return self.also("trust_movement", given)

    def also(self, table: str, given: dict[str, Any]) -> Plain:
        shown = ("NULL" if value is None else f"'{value}'" for value in given.values())
        self.facts.append(f"INSERT INTO {table} ({', '.join(given)}) VALUES ({', '.join(shown)})")
        return self

    def write(self) -> None:
        """Everything in plain SQL but its place in the chain, so that nothing but a rule is in the way."""
        with transaction():
            db.execute_sql(
                "INSERT INTO journal_entry (id, posted_at, occurred_on, code, description, source, legs, reverses_id)"
                f" VALUES ({self.number}, '2026-01-01 00:00:00', '{self.day}', '{self.code}', 'plain',"
                f" '{self.source}', {len(self.legs)}, {self.reverses or 'NULL'})"
            )
            for statement in self.facts:
                db.execute_sql(statement)
            heads = heads_to_follow(matters_of(self.legs))
            for leg in self.legs:
                db.execute_sql(
                    "INSERT INTO posting (entry_id, account_code, matter_id, invoice_id, currency, amount_cents)"
                    f" VALUES ({self.number}, '{leg.account}', {leg.matter_id or 'NULL'}, {leg.invoice_id or 'NULL'},"
                    f" 'USD', {leg.amount_cents})"
                )
            follow(JournalEntry.get_by_id(self.number), self.legs, "USD", heads)
            seal = "INSERT INTO journal_seal (entry_id, sealed_at) VALUES"
            db.execute_sql(f"{seal} ({self.number}, '2026-01-01 00:00:00')")

    def is_refused(self, rule: str) -> None:
        refused(rule, self.write)


def commit(*statements: str) -> None:
    with transaction():
        for statement in statements:
            db.execute_sql(statement)


def refused(rule: str, act: str | Callable[[], None]) -> None:
    before = (JournalEntry.select().count(), Posting.select().count(), TrustMovement.select().count())
    with pytest.raises(DatabaseError, match=rule):
        commit(act) if isinstance(act, str) else act()
    assert (JournalEntry.select().count(), Posting.select().count(), TrustMovement.select().count()) == before


@pytest.fixture(autouse=True)
def _books_agree(world: World) -> Iterator[None]:
    """Whatever a test does, the books of trust agree with themselves afterwards (T22)."""
    trust.open_books(account())
    yield
    assert trust.problems() == []


def bank() -> str:
    return ledger.bank(account().id)


def client_money() -> str:
    return ledger.client_money(account().id)


def authorised(world: World, cents: int, kind: str = "disbursement", **more: Any) -> dict[str, Any]:
    """What a plain movement needs to refer to dan's word."""
    word = authorise(world, cents, kind=kind, payee="X", **more)
    return {"authorisation_id": word.id}


def said(problem: pytest.ExceptionInfo[RuleRefused]) -> str:
    """The rule that was named; its words and where they come from are shown with it."""
    rule = problem.value.rule
    assert rule.words in str(problem.value)
    assert rule.citation in str(problem.value)
    return rule.id


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


# T05


def test_T05_an_invoice_is_paid_from_trust_as_one_pair(world: World) -> None:
    deposit(world, 200_000)
    word = draws.authorise(world.invoice, account(), amount_cents=100_000, by=world.dan)
    row = draws.apply(word, operating(), on=today(), by=world.erin)
    assert ledger.invoice_balance(world.invoice.id) == 24_000
    assert trust.balance(world.matter, account()) == 100_000
    entry = trust.entry_of(row)
    assert (entry.code, entry.legs) == ("trust_applied", 4)
    assert [line.entry.description for line in ledger.for_matter(world.matter, limit=1)] == ["Paid from trust"]
    assert draws.apply(word, operating(), on=today(), by=world.erin) == row
    assert ledger.invoice_balance(world.invoice.id) == 24_000


def test_T05_never_more_than_the_invoice_owes(world: World) -> None:
    deposit(world, 500_000)
    with pytest.raises(RuleRefused) as problem:
        draws.authorise(world.invoice, account(), amount_cents=124_001, by=world.dan)
    assert said(problem) == "T05"
    word = trust.authorise(
        world.matter, account(), kind="application", amount_cents=124_001, payee="X", purpose="Y", by=world.dan,
        invoice_id=world.invoice.id,
    )  # fmt: skip
    entry = Plain(9001, "trust_applied").fact(
        "application", 124_001, world.matter.id, invoice_id=world.invoice.id, authorisation_id=word.id
    )
    entry.leg(client_money(), 124_001, world.matter.id).leg(bank(), -124_001)
    entry.leg(trust.open_operating(operating()), 124_001)
    entry.leg("receivable", -124_001, world.matter.id, world.invoice.id).is_refused("T05")


def test_T05_two_words_for_one_invoice_cannot_pay_it_twice(world: World) -> None:
    deposit(world, 500_000)
    words = [draws.authorise(world.invoice, account(), amount_cents=124_000, by=world.dan) for _ in range(2)]
    draws.apply(words[0], operating(), on=today(), by=world.erin)
    with pytest.raises(RuleRefused) as problem:
        draws.apply(words[1], operating(), on=today(), by=world.erin)
    assert said(problem) == "T05"


def test_T05_only_an_issued_and_shared_invoice(world: World) -> None:
    deposit(world, 500_000)
    with pytest.raises(RuleRefused) as problem:
        draws.authorise(world.draft, account(), amount_cents=100, by=world.dan)
    assert said(problem) == "T05"
    sharing.unshare(DocumentShare, world.invoice.document, [world.alice, world.frank], by=world.carol)
    with pytest.raises(RuleRefused) as problem:
        draws.authorise(world.invoice, account(), amount_cents=100, by=world.dan)
    assert said(problem) == "T05"
    word = trust.authorise(
        world.matter, account(), kind="application", amount_cents=100, payee="X", purpose="Y", by=world.dan,
        invoice_id=world.invoice.id,
    )  # fmt: skip
    entry = Plain(9001, "trust_applied").fact(
        "application", 100, world.matter.id, invoice_id=world.invoice.id, authorisation_id=word.id
    )
    entry.leg(client_money(), 100, world.matter.id).leg(bank(), -100).leg(trust.open_operating(operating()), 100)
    entry.leg("receivable", -100, world.matter.id, world.invoice.id).is_refused("T05")


def test_T05_another_matters_invoice_is_not_paid(world: World) -> None:
    deposit(world, 500_000)
    word = trust.authorise(
        world.matter, account(), kind="application", amount_cents=100, payee="X", purpose="Y", by=world.dan,
        invoice_id=world.bobs_invoice.id,
    )  # fmt: skip
    entry = Plain(9001, "trust_applied").fact(
        "application", 100, world.matter.id, invoice_id=world.bobs_invoice.id, authorisation_id=word.id
    )
    entry.leg(client_money(), 100, world.matter.id).leg(bank(), -100).leg(trust.open_operating(operating()), 100)
    entry.leg("receivable", -100, world.matter.id, world.bobs_invoice.id).is_refused("T05")


def test_T05_no_more_than_has_cleared(world: World) -> None:
    deposit(world, 50_000, method="check")
    with pytest.raises(RuleRefused) as problem:
        draws.authorise(world.invoice, account(), amount_cents=100, by=world.dan)
    assert said(problem) == "T09"


def test_T05_a_payment_from_trust_can_be_taken_back_and_the_invoice_is_owed_again(world: World) -> None:
    deposit(world, 200_000)
    word = draws.authorise(world.invoice, account(), amount_cents=124_000, by=world.dan)
    row = draws.apply(word, operating(), on=today(), by=world.erin)
    with pytest.raises(Refused):
        invoices.void(world.invoice, reason="x", on=today(), by=world.carol)
    trust.correct(row, on=today(), reason="Wrong invoice", by=world.erin)
    assert ledger.invoice_balance(world.invoice.id) == 124_000
    assert trust.balance(world.matter, account()) == 200_000


# T06


def test_T06_earned_fees_do_not_go_into_a_trust_account(world: World) -> None:
    deposit(world, 200_000)
    word = draws.authorise(world.invoice, account(), amount_cents=100_000, by=world.dan)
    with pytest.raises(RuleRefused) as problem:
        draws.apply(word, account(), on=today(), by=world.erin)
    assert said(problem) == "T06"
    assert ledger.invoice_balance(world.invoice.id) == 124_000


# T08


def test_T08_the_firms_own_money_is_capped(world: World) -> None:
    most = trust.in_force().float_cap_cents
    give: dict[str, Any] = {"kind": "float_in", "on": today(), "reference": "", "by": world.erin}
    trust.move_float(account(), operating(), amount_cents=most, **give)
    with pytest.raises(RuleRefused) as problem:
        trust.move_float(account(), operating(), amount_cents=1, **give)
    assert said(problem) == "T08"
    entry = Plain(9001, "trust_float").fact("float_in", 1).leg(bank(), 1).leg(ledger.firm_float(account().id), -1)
    entry.is_refused("T08")
    assert trust.firm_float(account()) == most


def test_T08_the_float_pays_bank_charges_and_comes_back(world: World) -> None:
    move: dict[str, Any] = {"on": today(), "reference": "", "by": world.erin}
    trust.move_float(account(), operating(), kind="float_in", amount_cents=5_000, **move)
    trust.charge(account(), amount_cents=1_500, on=today(), what="Checks", by=world.erin)
    assert ledger.account_balance(ledger.BANK_CHARGES) == 1_500
    with pytest.raises(RuleRefused) as problem:
        trust.move_float(account(), operating(), kind="float_out", amount_cents=3_501, **move)
    assert said(problem) == "T02"
    trust.move_float(account(), operating(), kind="float_out", amount_cents=3_500, **move)
    assert (trust.firm_float(account()), ledger.account_balance(ledger.OWN_IN_TRUST)) == (0, 0)


def test_T08_a_charge_beyond_the_float_is_a_shortfall(world: World) -> None:
    deposit(world, 10_000)
    trust.charge(account(), amount_cents=1_500, on=today(), what="Checks", by=world.erin)
    row = incident()
    assert (row.matter_id, trust.to_replenish(row)) == (None, 1_500)
    entry = Plain(9001, "trust_bank_charge").fact("charge", 100).leg(ledger.firm_float(account().id), 100)
    entry.leg(bank(), -100).is_refused("T02")
    trust.replenish(row, operating(), on=today(), reference="", by=world.erin)
    assert trust.firm_float(account()) == 0
    assert trust.open_incidents() == []


# T09


@pytest.mark.parametrize(("method", "days"), [("card", 5), ("bank", 7), ("check", 10), ("wire", 0), ("cash", 0)])
def test_T09_a_deposit_is_spent_once_it_has_cleared(world: World, method: str, days: int) -> None:
    row = deposit(world, 10_000, method=method)
    assert row.clears_on == today() + dt.timedelta(days=days)
    assert trust.cleared_balance(world.matter, account(), row.clears_on) == 10_000
    if days:
        assert trust.cleared_balance(world.matter, account(), row.clears_on - dt.timedelta(days=1)) == 0
        with pytest.raises(RuleRefused) as problem:
            draw(world, 1)
        assert said(problem) == "T09"
    else:
        draw(world, 10_000)


def test_T09_the_database_lets_nothing_uncleared_go(world: World) -> None:
    deposit(world, 10_000)
    word = authorised(world, 10_000)
    draw(world, 9_000)
    deposit(world, 50_000, method="check")
    entry = Plain(9001, "trust_disbursement").fact("disbursement", 10_000, world.matter.id, **word)
    entry.leg(client_money(), 10_000, world.matter.id).leg(bank(), -10_000).is_refused("T09")


def test_T09_settlement_seen_clears(world: World) -> None:
    row = deposit(world, 10_000, method="card", ago=2)
    trust.clear(row, on=days_ago(1), note="On the bank's statement", by=world.erin)
    trust.clear(row, on=today(), note="again", by=world.erin)
    assert trust.cleared_balance(world.matter, account(), days_ago(1)) == 10_000
    assert trust.not_cleared(today()) == []
    draw(world, 10_000)


# T10


def test_T10_a_return_is_booked_even_below_zero_and_opens_an_incident(world: World) -> None:
    receipt = deposit(world, 50_000)
    deposit(world, 90_000, matter=world.bobs_matter)
    draw(world, 20_000)
    row = bounce(receipt)
    assert bounce(receipt) == row
    assert trust.balance(world.matter, account()) == -20_000
    found = incident()
    assert (found.matter_id, found.shortfall_cents, trust.to_replenish(found)) == (world.matter.id, 20_000, 20_000)
    assert trust.balance(world.bobs_matter, account()) == 90_000


def test_T10_draws_stop_until_the_firm_has_replenished_exactly(world: World) -> None:
    receipt = deposit(world, 50_000)
    plain = authorised(world, 100)
    draw(world, 20_000)
    bounce(receipt)
    with pytest.raises(RuleRefused) as problem:
        authorise(world, 1)
    assert said(problem) == "T10"
    Plain(9001, "trust_disbursement").fact("disbursement", 100, world.matter.id, **plain).leg(
        client_money(), 100, world.matter.id
    ).leg(bank(), -100).is_refused("T10|T02")
    refused("T10", "UPDATE trust_incident SET closed_at = '2026-01-01 00:00:00'")
    trust.replenish(incident(), operating(), on=today(), reference="W-1", by=world.erin)
    trust.replenish(trust.find_incident(1), operating(), on=today(), reference="W-1", by=world.erin)
    assert trust.balance(world.matter, account()) == 0
    assert ledger.account_balance(ledger.TRUST_LOSSES) == 20_000
    assert trust.open_incidents() == []
    refused("T10", "UPDATE trust_incident SET closed_at = NULL")
    refused("deleted", "DELETE FROM trust_incident")


def test_T10_without_its_incident_nothing_goes_below_zero(world: World) -> None:
    receipt = deposit(world, 50_000)
    draw(world, 20_000)
    entry = Plain(9001, "trust_returned").fact("return", 50_000, world.matter.id, of_id=receipt.id)
    entry.leg(client_money(), 50_000, world.matter.id).leg(bank(), -50_000).is_refused("T02")


def test_T10_only_that_deposit_and_no_more_of_it_than_there_is(world: World) -> None:
    receipt = deposit(world, 50_000)
    with pytest.raises(RuleRefused) as problem:
        bounce(receipt, 50_001)
    assert said(problem) == "T10"
    bounce(receipt, 30_000)
    entry = Plain(9001, "trust_returned").fact("return", 20_001, world.matter.id, of_id=receipt.id)
    entry.leg(client_money(), 20_001, world.matter.id).leg(bank(), -20_001).is_refused("T10")
    other = Plain(9002, "trust_returned").fact("return", 100, world.bobs_matter.id, of_id=receipt.id)
    other.leg(client_money(), 100, world.bobs_matter.id).leg(bank(), -100).is_refused("T10")


def test_T10_a_return_that_is_covered_opens_nothing(world: World) -> None:
    receipt = deposit(world, 50_000)
    deposit(world, 50_000)
    bounce(receipt)
    assert trust.open_incidents() == []
    draw(world, 50_000)


def test_T10_a_returned_deposit_that_had_not_cleared_is_not_counted_twice(world: World) -> None:
    receipt = deposit(world, 50_000, method="check")
    deposit(world, 10_000)
    bounce(receipt)
    assert trust.cleared_balance(world.matter, account(), today()) == 10_000
    draw(world, 10_000)


def test_T10_a_dispute_takes_the_deposit_and_winning_it_brings_it_back(world: World) -> None:
    at = trust.open_clearing("fake", account(), "Fake")
    receipt = deposit(world, 50_000, at=at, method="wire")
    disputed = bounce(receipt, kind="dispute", source="dispute:1")
    assert trust.balance(world.matter, account()) == 0
    won = trust.post_dispute_won(disputed, on=today())
    assert trust.post_dispute_won(disputed, on=today()) == won
    assert trust.balance(world.matter, account()) == 50_000
    assert ledger.account_balance(at) == 50_000


# T11


def test_T11_no_entry_without_who_when_and_what_for(world: World) -> None:
    wrong: list[dict[str, Any]] = [{"payer": " "}, {"purpose": ""}, {"method": "shells"}]
    for given in wrong:
        with pytest.raises(RuleRefused) as problem:
            deposit(world, 100, **given)
        assert said(problem) == "T11"
    with pytest.raises(RuleRefused) as problem:
        deposit(world, 100, ago=-2)
    assert said(problem) == "T11"
    bare = Plain(9001, "trust_deposit").leg(bank(), 500).leg(client_money(), -500, world.matter.id)
    bare.is_refused("T11")
    other = Plain(9002, "trust_deposit").fact("receipt", 400, world.matter.id)
    other.leg(bank(), 500).leg(client_money(), -500, world.matter.id).is_refused("T11")


@pytest.mark.parametrize("column", ["party", "purpose"])
def test_T11_the_database_wants_every_part_of_it(world: World, column: str) -> None:
    entry = Plain(9001, "trust_deposit").fact("receipt", 500, world.matter.id, **{column: ""})
    entry.leg(bank(), 500).leg(client_money(), -500, world.matter.id)
    with pytest.raises(DatabaseError):
        entry.write()


# T12


def test_T12_only_a_lawyer_authorises_and_before_it(world: World) -> None:
    deposit(world, 10_000)
    with pytest.raises(RuleRefused) as problem:
        authorise(world, 100, by=world.erin)
    assert said(problem) == "T12"
    refused(
        "T12",
        "INSERT INTO trust_authorisation (key, kind, bank_account_id, matter_id, amount_cents, payee, purpose,"
        f" authorised_by_id, authorised_at) VALUES ('k', 'disbursement', {account().id}, {world.matter.id}, 100, 'X',"
        f" 'Y', {world.erin.id}, '2026-01-01 00:00:00')",
    )


def test_T12_no_withdrawal_without_its_own_authorisation(world: World) -> None:
    deposit(world, 10_000)
    legs = ((client_money(), 100, world.matter.id), (bank(), -100, None))
    none = Plain(9001, "trust_disbursement").fact("disbursement", 100, world.matter.id)
    with pytest.raises(DatabaseError):
        [none.leg(*leg) for leg in legs][-1].write()
    more = Plain(9002, "trust_disbursement").fact("disbursement", 100, world.matter.id, **authorised(world, 99))
    [more.leg(*leg) for leg in legs][-1].is_refused("T12")
    word = authorise(world, 100, payee="X")
    trust.withdraw(word, by=world.dan)
    gone = Plain(9003, "trust_disbursement").fact("disbursement", 100, world.matter.id, authorisation_id=word.id)
    [gone.leg(*leg) for leg in legs][-1].is_refused("T12")
    with pytest.raises(RuleRefused) as problem:
        trust.pay_out(word, on=today(), method="check", by=world.erin)
    assert said(problem) == "T12"


def test_T12_a_word_is_used_once_and_never_changed(world: World) -> None:
    deposit(world, 10_000)
    word = authorise(world, 100)
    row = trust.pay_out(word, on=today(), method="check", by=world.erin)
    assert trust.pay_out(word, on=today(), method="check", by=world.erin) == row
    assert trust.balance(world.matter, account()) == 9_900
    with pytest.raises(RuleRefused):
        trust.withdraw(word, by=world.dan)
    fresh = authorise(world, 200)
    refused("T12", f"UPDATE trust_authorisation SET amount_cents = 9000 WHERE id = {fresh.id}")
    refused("T12", f"UPDATE trust_authorisation SET payee = 'me' WHERE id = {word.id}")
    refused("deleted", "DELETE FROM trust_authorisation")


def test_T12_money_does_not_leave_before_the_day_it_was_authorised(world: World) -> None:
    deposit(world, 10_000, ago=5)
    with pytest.raises(RuleRefused) as problem:
        trust.pay_out(authorise(world, 100), on=days_ago(1), method="check", by=world.erin)
    assert said(problem) == "T12"
    with pytest.raises(RuleRefused) as problem:
        trust.pay_out(authorise(world, 100), on=today(), method="cash", by=world.erin)
    assert said(problem) == "T11"


# T13


def test_T13_a_correction_is_a_linked_opposite(world: World) -> None:
    row = deposit(world, 10_000, method="check")
    back = trust.correct(row, on=today(), reason="Typed twice", by=world.erin)
    assert trust.correct(row, on=today(), reason="again", by=world.erin) == back
    assert trust.entry_of(back).reverses_id == trust.entry_of(row).id
    assert trust.balance(world.matter, account()) == 0
    assert trust.cleared_balance(world.matter, account(), today()) == 0


def test_T13_a_correction_that_is_none_is_refused(world: World) -> None:
    row = deposit(world, 10_000)
    entry = trust.entry_of(row)
    partial = Plain(9001, "reversal", reverses=entry.id).fact("reversal", 4_000, world.matter.id, of_id=row.id)
    partial.leg(client_money(), 4_000, world.matter.id).leg(bank(), -4_000).is_refused("T13")
    astray = Plain(9002, "reversal", reverses=entry.id).fact("reversal", 10_000, world.matter.id, of_id=row.id)
    astray.leg(client_money(), 10_000, world.bobs_matter.id).leg(bank(), -10_000).is_refused("T13|T02")


def test_T13_what_was_spent_is_not_corrected_away(world: World) -> None:
    row = deposit(world, 10_000)
    draw(world, 1)
    with pytest.raises(RuleRefused) as problem:
        trust.correct(row, on=today(), reason="Typed twice", by=world.erin)
    assert said(problem) == "T02"


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE trust_movement SET amount_cents = 1",
        "DELETE FROM trust_movement",
        "UPDATE trust_notice SET how = 'x'",
        "DELETE FROM trust_notice",
        "UPDATE trust_clearing SET cleared_on = '2020-01-01'",
        "DELETE FROM trust_clearing",
        "UPDATE trust_book SET part = 'float'",
        "DELETE FROM trust_day",
        "UPDATE trust_policy SET pack = 'x'",
        "DELETE FROM trust_hold",
    ],
)
def test_T13_what_happened_is_never_changed(world: World, statement: str) -> None:
    row = deposit(world, 10_000, method="card")
    trust.tell(row, how="E-mail", by=world.erin)
    trust.clear(row, on=today(), note="Seen", by=world.erin)
    trust.hold(world.matter, account(), amount_cents=100, reason="Disputed", by=world.erin)
    refused("append-only|deleted", statement)


# T16, T17, T18


def test_T16_nothing_is_thrown_away_before_its_years_are_over(world: World) -> None:
    deposit(world, 10_000)
    with pytest.raises(RuleRefused) as problem:
        trust.check_purge(world.matter, today())
    assert said(problem) == "T16"
    trust.pay_out(authorise(world, 10_000, kind="refund"), on=today(), method="check", by=world.erin)
    trust.close_matter(world.matter, today())
    until = trust.kept_until(world.matter)
    assert until == today().replace(year=today().year + trust.pack().number("retention_years"))
    with pytest.raises(RuleRefused):
        trust.check_purge(world.matter, until - dt.timedelta(days=1))
    trust.check_purge(world.matter, until)
    with pytest.raises(DatabaseError):
        commit(f"DELETE FROM matter WHERE id = {world.matter.id}")


def test_T17_a_full_accounting_is_the_ledger(world: World) -> None:
    with clock.frozen(clock.now() - dt.timedelta(days=40)):
        deposit(world, 50_000)
    with clock.frozen(clock.now() - dt.timedelta(days=20)):
        draw(world, 20_000)
        deposit(world, 1_000)
    deposit(world, 5_000)
    found = trust.accounting(world.matter, account(), days_ago(30), days_ago(10))
    assert (found.opening_cents, found.in_cents, found.out_cents, found.closing_cents) == (
        50_000,
        1_000,
        20_000,
        31_000,
    )
    assert [line.balance_cents for line in found.lines] == [30_000, 31_000]
    whole = trust.accounting(world.matter, account(), days_ago(400), today())
    assert (whole.opening_cents, whole.closing_cents) == (0, trust.balance(world.matter, account()))
    assert sum(line.in_cents - line.out_cents for line in whole.lines) == 36_000
    assert {line.movement.party for line in whole.lines} == {"Alice Vasquez", "Sample County Court"}


def test_T18_a_clock_runs_until_the_client_was_told(world: World) -> None:
    row = deposit(world, 10_000, ago=15)
    assert trust.tell_by(row, trust.pack()) == days_ago(15) + dt.timedelta(days=trust.pack().number("notice_days"))
    assert trust.not_told(today()) == [row]
    trust.tell(row, how="By telephone", by=world.dan)
    trust.tell(row, how="again", by=world.dan)
    assert trust.not_told(today()) == []


# T19


def test_T19_a_held_amount_is_not_drawn(world: World) -> None:
    deposit(world, 10_000)
    plain = authorised(world, 4_001)
    held = trust.hold(world.matter, account(), amount_cents=6_000, reason="Fee disputed", by=world.erin)
    with pytest.raises(RuleRefused) as problem:
        draw(world, 4_001)
    assert said(problem) == "T19"
    entry = Plain(9001, "trust_disbursement").fact("disbursement", 4_001, world.matter.id, **plain)
    entry.leg(client_money(), 4_001, world.matter.id).leg(bank(), -4_001).is_refused("T19")
    draw(world, 4_000)
    with pytest.raises(RuleRefused) as problem:
        trust.hold(world.matter, account(), amount_cents=1, reason="More", by=world.erin)
    assert said(problem) == "T19"
    trust.release(held, note="Settled", by=world.dan)
    draw(world, 6_000)


def test_T19_only_a_second_person_releases(world: World) -> None:
    deposit(world, 10_000)
    held = trust.hold(world.matter, account(), amount_cents=6_000, reason="Fee disputed", by=world.erin)
    with pytest.raises(RuleRefused) as problem:
        trust.release(held, note="Never mind", by=world.erin)
    assert said(problem) == "T19"
    stamp = "released_at = '2026-01-01 00:00:00'"
    with pytest.raises(DatabaseError):
        commit(f"UPDATE trust_hold SET released_by_id = held_by_id, {stamp}")
    with pytest.raises(DatabaseError):
        commit(f"UPDATE trust_hold SET {stamp}")
    refused("T19", "UPDATE trust_hold SET amount_cents = 1")
    trust.release(held, note="Settled", by=world.dan)
    refused("T19", "UPDATE trust_hold SET released_by_id = NULL, released_at = NULL")
    assert TrustHold.get().released_by_id == world.dan.id


# T20


def test_T20_a_matter_with_client_money_is_not_closed(world: World) -> None:
    deposit(world, 10_000)
    with pytest.raises(RuleRefused) as problem:
        trust.close_matter(world.matter, today())
    assert said(problem) == "T20"
    with pytest.raises(DatabaseError, match="T20"):
        matters.close(world.matter, today())
    trust.pay_out(authorise(world, 10_000, kind="refund"), on=today(), method="check", by=world.erin)
    trust.close_matter(world.matter, today())
    assert not world.refresh("matter").is_open


def test_T20_unapplied_money_keeps_a_matter_open_too(world: World) -> None:
    entry = Plain(9001, "portal_payment").leg("suspense", 500).leg("unapplied", -500, world.matter.id)
    entry.write()
    with pytest.raises(RuleRefused) as problem:
        trust.close_matter(world.matter, today())
    assert said(problem) == "T20"
    refused("T20", f"UPDATE matter SET closed_on = '{today()}' WHERE id = {world.matter.id}")
