"""What may leave trust: fees of shared invoices, what has cleared, on a lawyer's word, nothing that is held; and the
firm's own float. On both databases, around the code where the database keeps the rule."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from typing import Any

import pytest
from peewee import DatabaseError

from portal_app.domain import draws, invoices, ledger, matters, sharing, trust
from portal_app.domain.documents import DocumentShare
from portal_app.domain.errors import Refused
from portal_app.domain.invoices import Invoice
from portal_app.domain.trust import RuleRefused, TrustHold
from tests.trust import account, authorise, days_ago, deposit, draw, incident, operating
from tests.trust_rules import Plain, authorised, bank, client_money, commit, refused, said
from tests.world import World, today


@pytest.fixture(autouse=True)
def _books_agree(world: World) -> Iterator[None]:
    """Whatever a test does, the books of trust agree with themselves afterwards (T22)."""
    trust.open_books(account())
    yield
    assert trust.problems() == []


# T05


def written_past_the_code(world: World, invoice: Invoice) -> Plain:
    """A dollar of alice's matter applied to an invoice, in plain SQL: what the database alone says to it."""
    word = trust.authorise(
        world.matter, account(), kind="application", amount_cents=100, payee="X", purpose="Y", by=world.dan,
        invoice_id=invoice.id,
    )  # fmt: skip
    entry = Plain(9001, "trust_applied").fact(
        "application", 100, world.matter.id, invoice_id=invoice.id, authorisation_id=word.id
    )
    entry.leg(client_money(), 100, world.matter.id).leg(bank(), -100).leg(trust.open_operating(operating()), 100)
    return entry.leg("receivable", -100, world.matter.id, invoice.id)


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
    written_past_the_code(world, world.invoice).is_refused("T05")


def test_T05_another_matters_invoice_is_not_paid(world: World) -> None:
    deposit(world, 500_000)
    written_past_the_code(world, world.bobs_invoice).is_refused("T05")


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


def test_what_trust_money_could_pay_is_counted_by_matter(world: World) -> None:
    """The smaller of what a matter owes and what it has; on matters that somebody may see."""
    deposit(world, 50_000)
    deposit(world, 900_000, matter=world.bobs_matter)
    owed = ledger.invoice_balance(world.bobs_invoice.id)
    found = trust.alerts(world.carol)
    assert (found.covered, found.covered_cents) == (2, 50_000 + owed)
    matters.set_access(world.bobs_matter, is_restricted=True, staff=[])
    found = trust.alerts(world.dan)
    assert (found.covered, found.covered_cents) == (1, 50_000)
