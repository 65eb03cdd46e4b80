"""The ledger's walls: what the database refuses whatever the code does, on both databases."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
from peewee import DatabaseError, IntegrityError

from portal_app.db import db, is_sqlite, transaction
from portal_app.domain import invoices, ledger, timekeeping
from portal_app.domain.errors import Refused
from portal_app.domain.ledger import FEES, RECEIVABLE, JournalEntry, JournalSeal, Leg, Posting
from tests.world import World, today

ENTRY = """INSERT INTO journal_entry (id, posted_at, occurred_on, code, description, source, legs)
    VALUES (9001, '2026-01-01 00:00:00', '2026-01-01', 'invoice_issued', 'planted', 'planted', 2)"""
LINK = f"""INSERT INTO chain_link (matter_id, sequence, entry_id, previous, hash, debit_cents, credit_cents,
    balance_cents)
    VALUES (0, 1, 9001, '{"0" * 64}', '{"a" * 64}', 0, 0, 0)"""
SEAL = "INSERT INTO journal_seal (entry_id, sealed_at) VALUES (9001, '2026-01-01 00:00:00')"


def leg(account: str, cents: object) -> str:
    return f"""INSERT INTO posting (entry_id, account_code, currency, amount_cents)
        VALUES (9001, '{account}', 'USD', {cents})"""


def commit(*statements: str) -> None:
    with transaction():
        for statement in statements:
            db.execute_sql(statement)


def refused(*statements: str) -> None:
    before = (JournalEntry.select().count(), Posting.select().count())
    with pytest.raises(DatabaseError):
        commit(*statements)
    assert (JournalEntry.select().count(), Posting.select().count()) == before


@pytest.mark.usefixtures("world")
class TestTheDatabaseRefuses:
    def test_but_takes_a_balanced_and_sealed_entry(self) -> None:
        commit(ENTRY, leg("receivable", 500), leg("fees", -500), LINK, SEAL)
        assert ledger.account_balance("receivable") == 244_000 + 500

    def test_an_unsealed_entry(self) -> None:
        refused(ENTRY, leg("receivable", 500), leg("fees", -500))

    def test_an_unbalanced_entry(self) -> None:
        refused(ENTRY, leg("receivable", 500), leg("fees", -499), LINK, SEAL)

    def test_an_entry_with_a_leg_too_few(self) -> None:
        refused(ENTRY, LINK, SEAL)

    def test_an_entry_with_a_leg_too_many(self) -> None:
        refused(ENTRY, leg("receivable", 500), leg("fees", -250), leg("fees", -250), LINK, SEAL)

    def test_a_late_leg(self) -> None:
        refused(ENTRY, leg("receivable", 500), leg("fees", -500), LINK, SEAL, leg("fees", 1))

    @pytest.mark.parametrize("cents", ["0", "'abc'", "NULL"])
    def test_an_amount_that_is_none(self, cents: str) -> None:
        refused(ENTRY, leg("receivable", cents), leg("fees", cents), LINK, SEAL)

    def test_a_part_of_a_cent(self) -> None:
        statements = (ENTRY, leg("receivable", "10.5"), leg("fees", "-10.5"), LINK, SEAL)
        if is_sqlite():
            refused(*statements)
        else:  # BIGINT rounds while the row is written: what is kept is whole
            commit(*statements)
            kept = Posting.select().where(Posting.entry == 9001)
            assert sorted(row.amount_cents for row in kept) == [-11, 11]

    def test_money_of_two_funds_in_one_balance(self) -> None:
        commit("INSERT INTO account (code, name, kind, fund) VALUES ('trust:bank', 'Trust', 'asset', 'trust')")
        refused(ENTRY, leg("trust:bank", 500), leg("fees", -500), LINK, SEAL)

    def test_an_entry_without_its_link_in_the_chain(self) -> None:
        refused(ENTRY, leg("receivable", 500), leg("fees", -500), SEAL)

    @pytest.mark.parametrize(
        ("right", "wrong"),
        [
            ("VALUES (0, 1,", "VALUES (0, 2,"),  # a gap
            ("VALUES (0, 1,", "VALUES (1, 1,"),  # a matter that it does not touch, and a chain begun twice
            ("VALUES (0, 1,", "VALUES (1, 4,"),  # behind another link than it says
            ("0" * 64, "b" * 64),  # a beginning that is none
            ("a" * 64, "a" * 63),  # no hash
            (", 0, 0, 0)", ", 500, 0, 500)"),  # what the client owes on no matter
            (", 0, 0, 0)", ", 0, 0, 700)"),  # a balance from nowhere
        ],
    )
    def test_a_link_that_does_not_follow(self, right: str, wrong: str) -> None:
        refused(ENTRY, leg("receivable", 500), leg("fees", -500), LINK.replace(right, wrong), SEAL)

    def test_a_link_of_a_sealed_entry(self) -> None:
        refused(
            ENTRY, leg("receivable", 500), leg("fees", -500), LINK, SEAL,
            LINK.replace("(0, 1,", "(9, 1,").replace("a" * 64, "c" * 64),
        )  # fmt: skip

    def test_two_links_with_one_number(self) -> None:
        refused(ENTRY, leg("receivable", 500), leg("fees", -500), LINK, LINK, SEAL)

    def test_a_kept_balance_that_is_not_what_was_posted(self, world: World) -> None:
        last = ledger.head_of(world.matter)
        named = leg("receivable", 500).replace("account_code,", "matter_id, account_code,")
        named = named.replace("(9001, 'rec", f"(9001, {world.matter.id}, 'rec")
        for owed in (0, 499):
            link = f"""INSERT INTO chain_link VALUES ({world.matter.id}, {last.sequence + 1}, 9001, '{last.hash}',
                '{"a" * 64}', {owed}, 0, {last.balance_cents + owed})"""
            refused(ENTRY, named, leg("fees", -500), link, SEAL)

    def test_a_checkpoint_out_of_its_place(self) -> None:
        made = ledger.check_in()
        assert made is not None
        assert ledger.check_in() is None
        values = "(number, made_at, previous, hash) VALUES"
        refused(f"INSERT INTO checkpoint {values} (2, '2026-01-01', '{'d' * 64}', '{'e' * 64}')")
        refused(f"INSERT INTO checkpoint {values} (3, '2026-01-01', '{made.hash}', '{'e' * 64}')")
        refused(f"INSERT INTO checkpoint_head VALUES (1, 99, 1, '{'d' * 64}')")
        refused(f"INSERT INTO checkpoint_head VALUES (2, 1, 1, '{'d' * 64}')")

    @pytest.mark.parametrize(
        "statement",
        [
            "UPDATE chain_link SET balance_cents = 0",
            "DELETE FROM chain_link",
            "UPDATE checkpoint SET made_at = '2020-01-01'",
            "DELETE FROM checkpoint",
            "UPDATE checkpoint_head SET sequence = 1",
            "DELETE FROM checkpoint_head",
            "UPDATE posting SET amount_cents = amount_cents + 1",
            "UPDATE journal_entry SET description = 'changed'",
            "UPDATE journal_seal SET sealed_at = '2020-01-01'",
            "DELETE FROM posting",
            "DELETE FROM journal_entry",
            "DELETE FROM journal_seal",
            "UPDATE account SET kind = 'liability' WHERE code = 'receivable'",
            "DELETE FROM account WHERE code = 'suspense'",
            "UPDATE invoice SET total_cents = total_cents - 1 WHERE number IS NOT NULL",
            "UPDATE invoice_line SET amount_cents = 1",
            "DELETE FROM invoice_line",
        ],
    )
    def test_changing_the_past(self, statement: str) -> None:
        ledger.check_in()
        refused(statement)

    def test_replacing_or_truncating_the_past(self) -> None:
        if is_sqlite():
            for verb in ("INSERT OR REPLACE", "REPLACE", "INSERT OR IGNORE"):
                refused(
                    f"""{verb} INTO posting (id, entry_id, account_code, currency, amount_cents)
                    VALUES (1, 1, 'fees', 'USD', 1)"""
                )
            for verb in ("INSERT OR REPLACE", "REPLACE"):
                refused(f"{verb} INTO journal_seal (entry_id, sealed_at) VALUES (1, '2026-01-01')")
                refused(f"{verb} INTO chain_link VALUES (1, 1, 1, '{'0' * 64}', '{'a' * 64}', 1, 0, 1)")
                refused(
                    f"""{verb} INTO journal_entry (id, posted_at, occurred_on, code, description, source, legs)
                    VALUES (1, '2026-01-01', '2026-01-01', 'invoice_issued', 'x', 'x', 2)"""
                )
        else:
            refused("TRUNCATE posting")
            refused("TRUNCATE journal_entry, posting, journal_seal CASCADE")
            refused("TRUNCATE chain_link CASCADE")
            refused("TRUNCATE checkpoint_head")

    def test_the_same_source_twice(self) -> None:
        commit(ENTRY, leg("receivable", 500), leg("fees", -500), LINK, SEAL)
        with pytest.raises(IntegrityError):
            commit(ENTRY.replace("9001", "9002"))


def test_posting_the_same_fact_twice_makes_one_entry(world: World) -> None:
    legs = [Leg(RECEIVABLE, 700, world.matter.id), Leg(FEES, -700, world.matter.id)]
    values: dict[str, Any] = {"occurred_on": today(), "description": "x", "source": "fact:1", "currency": "USD"}
    ledger.post("invoice_issued", legs, **values)
    with pytest.raises(ledger.AlreadyPosted):
        ledger.post("invoice_issued", legs, **values)


def test_running_totals_are_the_sums_of_postings(world: World) -> None:
    rows = Posting.select(Posting.account, Posting.amount_cents, Posting.invoice_id)
    for account in ("receivable", "fees", "costs"):
        assert ledger.account_balance(account) == sum(row.amount_cents for row in rows if row.account_code == account)
    assert ledger.invoice_balance(world.invoice.id) == 124_000
    assert ledger.client_balances(world.carol, [world.client]) == {world.client.id: 204_000}


def test_a_void_is_a_linked_reversal_and_the_work_can_be_billed_again(world: World) -> None:
    invoices.void(world.second, reason="Wrong rate", on=today(), by=world.carol)
    invoices.void(world.second, reason="again", on=today(), by=world.carol)

    first, last = (
        ledger.entry_of(f"invoice:{world.second.id}:issued"),
        JournalEntry.select().order_by(-JournalEntry.id).get(),
    )
    assert last.reverses_id == first.id
    assert ledger.invoice_balance(world.second.id) == 0
    assert len(invoices.visible_to(world.alice)) == 2
    assert [row.state(today()) for row in invoices.for_matter(world.matter) if row.id == world.second.id] == ["void"]
    draft = invoices.draft(world.matter, [row.work_item_id for row in invoices.lines_of(world.second)], by=world.carol)
    again = invoices.issue(draft, issued_on=today(), due_on=today(), by=world.carol)
    assert again.number not in {world.second.number, None}


def test_work_of_a_voided_invoice_stays_with_it(world: World) -> None:
    """It is unbilled again and can be corrected, but the invoice that was issued keeps its lines."""
    invoices.void(world.second, reason="Wrong rate", on=today(), by=world.carol)
    lines = invoices.lines_of(world.second)
    with pytest.raises(Refused, match="stays with it"):
        timekeeping.remove(lines[0].work_item)
    assert invoices.lines_of(world.second) == lines
    timekeeping.change(lines[0].work_item, is_billable=False)
    assert lines[0].work_item not in timekeeping.unbilled(world.matter)


def test_a_draft_changes_nothing(world: World) -> None:
    before = (JournalEntry.select().count(), JournalSeal.select().count())
    item = invoices.lines_of(world.draft)[0].work_item
    assert item.billed_invoice_id is None
    assert before == (JournalEntry.select().count(), JournalSeal.select().count())
    assert world.draft.number is None


def test_work_is_billed_once(world: World) -> None:
    item = invoices.lines_of(world.draft)[0].work_item
    other = invoices.draft(world.matter, [item.id], by=world.carol)
    invoices.issue(other, issued_on=today(), due_on=today(), by=world.carol)
    with pytest.raises(Refused):
        invoices.issue(world.draft, issued_on=today(), due_on=today() + dt.timedelta(days=1), by=world.carol)


def test_issuing_twice_is_issuing_once(world: World) -> None:
    one = invoices.issue(world.draft, issued_on=today(), due_on=today(), by=world.carol)
    two = invoices.issue(world.draft, issued_on=today(), due_on=today(), by=world.dan)
    assert one.number == two.number
    assert two.issued_by_id == world.carol.id
