"""What is taken back, corrected and kept: returns and shortfalls, facts, corrections, accounting, notice, closing. On
both databases, around the code where the database keeps the rule."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from typing import Any

import pytest
from peewee import DatabaseError

from portal_app import clock
from portal_app.domain import ledger, matters, trust
from portal_app.domain.trust import RuleRefused
from tests.trust import account, authorise, bounce, days_ago, deposit, draw, incident, operating
from tests.trust_rules import Plain, authorised, bank, client_money, commit, refused, said
from tests.world import World, today


@pytest.fixture(autouse=True)
def _books_agree(world: World) -> Iterator[None]:
    """Whatever a test does, the books of trust agree with themselves afterwards (T22)."""
    trust.open_books(account())
    yield
    assert trust.problems() == []


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
