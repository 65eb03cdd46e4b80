"""Lines of the bank and entries of the books that are the same money: matched in groups that sum, suggested, taken
back; on both databases."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from peewee import DatabaseError

from portal_app.db import db, transaction
from portal_app.domain import ledger, reconciliations, statements
from portal_app.domain.errors import Refused
from portal_app.domain.reconciliations import suggest
from portal_app.domain.reconciliations.suggesting import Item
from tests.banks import bring, day, deposit, march, operating_account, payout, trust_account
from tests.world import World


def refused(statement: str) -> None:
    with pytest.raises(DatabaseError), transaction():
        db.execute_sql(statement)


class TestMatching:
    def test_what_is_suggested_is_accepted_with_one_press(self, world: World) -> None:
        march(world)
        account = trust_account()
        left = reconciliations.open_postings(account)
        assert [row.amount_cents for row in left] == [-3_000, 7_500]
        assert reconciliations.open_lines(account) == []

    def test_a_match_must_sum_and_is_taken_back_whole(self, world: World) -> None:
        account = trust_account()
        deposit(world, "03-03", 50_000)
        deposit(world, "03-04", 10_000)
        found = bring(account, "03-05 | Deposit | 600.00 |", closing=60_000)
        line = statements.lines_of(found)[0]
        one, two = reconciliations.open_postings(account)
        with pytest.raises(Refused, match=r"At the bank they come to 600\.00, in the books to 500\.00: 100\.00 apart"):
            reconciliations.match(account, [line.id], [one.id], by=None)
        made = reconciliations.match(account, [line.id], [one.id, two.id], by=world.erin)
        assert reconciliations.match(account, [line.id], [two.id, one.id], by=world.erin).id == made.id
        with pytest.raises(Refused, match="matched already"):
            reconciliations.match(account, [line.id], [one.id], by=world.erin)
        refused("DELETE FROM bank_match_line")
        refused("DELETE FROM bank_match_posting")
        refused("UPDATE bank_match SET cleared_on = '2026-01-01'")
        reconciliations.unmatch(made)
        assert len(reconciliations.open_postings(account)) == 2

    def test_one_entry_is_several_lines_and_several_entries_are_several_lines(self, world: World) -> None:
        account = trust_account()
        deposit(world, "03-03", 90_000)
        deposit(world, "03-04", 5_000)
        found = bring(account, "03-04 | One | 600.00 |", "03-05 | Two | 300.00 |", "03-06 | Three | 50.00 |",
                      closing=95_000)  # fmt: skip
        one, two, three = statements.lines_of(found)
        large, small = reconciliations.open_postings(account)
        with pytest.raises(Refused, match=r"At the bank they come to 900\.00, in the books to 950\.00: −50\.00 apart"):
            reconciliations.match(account, [one.id, two.id], [large.id, small.id], by=world.erin)
        made = reconciliations.match(account, [one.id, two.id, three.id], [large.id, small.id], by=world.erin)
        standings = reconciliations.standings([one, two, three])
        assert {row.match.id for row in standings.values()} == {made.id}
        assert [row.id for row in standings[two.id].others] == [one.id, three.id]
        assert reconciliations.current(found).is_equal
        reconciliations.unmatch(made)
        assert len(reconciliations.open_lines(account)) == 3
        reconciliations.match(account, [one.id, two.id], [large.id], by=world.erin)
        assert [row.id for row in reconciliations.open_lines(account)] == [three.id]

    def test_lines_that_belong_together_are_accepted_together_or_not_at_all(self, world: World) -> None:
        account = trust_account()
        deposit(world, "03-03", 90_000)
        found = bring(account, "03-04 | One | 600.00 |", "03-05 | Two | 300.00 |", closing=90_000)
        one, two = statements.lines_of(found)
        proposals = reconciliations.suggestions(found)
        assert proposals[one.id] is proposals[two.id]
        assert [row.id for row in proposals[one.id].lines] == [one.id, two.id]
        assert reconciliations.accept_all(found, [two.id], by=world.erin) == 0
        assert reconciliations.accept_all(found, [one.id, two.id], by=world.erin) == 2
        assert reconciliations.open_lines(account) == []

    def test_the_database_takes_no_match_that_does_not_sum(self, world: World) -> None:
        """Whatever the code does: unsealed, with a false sum, of one thing alone, or added to later."""
        account = trust_account()
        deposit(world, "03-03", 50_000)
        deposit(world, "03-04", 10_000)
        found = bring(account, "03-05 | Deposit | 600.00 |", closing=60_000)
        line, (one, two) = statements.lines_of(found)[0], reconciliations.open_postings(account)
        header = "INSERT INTO bank_match (bank_account_id, cleared_on, made_at, seal) VALUES"
        kept = f"({account.id}, '2026-03-05', '2026-03-05 00:00:00', {{seal}})"
        refused(f"{header} {kept.format(seal='NULL')}")
        refused(f"{header} {kept.format(seal=repr('none'))}")

        def write(*posting_ids: int, lines: bool = True) -> None:
            with transaction():
                db.execute_sql(f"{header} {kept.format(seal=repr('t'))}")
                match_id = db.execute_sql("SELECT MAX(id) FROM bank_match").fetchone()[0]
                if lines:
                    db.execute_sql(f"INSERT INTO bank_match_line VALUES ({line.id}, {match_id})")
                for posting_id in posting_ids:
                    db.execute_sql(f"INSERT INTO bank_match_posting VALUES ({posting_id}, {match_id})")
                db.execute_sql(f"INSERT INTO bank_match_seal VALUES ('t', {match_id})")

        for posting_ids, lines in (((one.id,), True), ((one.id, two.id), False), ((), True)):
            with pytest.raises(DatabaseError, match="does not sum"):
                write(*posting_ids, lines=lines)
        assert reconciliations.standings([line]) == {}
        write(one.id, two.id)
        deposit(world, "03-06", 5)
        late = reconciliations.open_postings(account)[0]
        made = reconciliations.standings([line])[line.id].match
        for attack in (
            f"INSERT INTO bank_match_posting VALUES ({late.id}, {made.id})", "DELETE FROM bank_match_seal",
            "UPDATE bank_match_seal SET token = 'other'",
        ):  # fmt: skip
            refused(attack)
        reconciliations.unmatch(made)
        assert db.execute_sql("SELECT COUNT(*) FROM bank_match_seal").fetchone()[0] == 0

    def test_what_is_chosen_is_shown_with_its_sums(self, world: World) -> None:
        account = trust_account()
        deposit(world, "03-03", 50_000)
        found = bring(account, "03-05 | Deposit | 600.00 |", closing=60_000)
        line, posting = statements.lines_of(found)[0], reconciliations.open_postings(account)[0]
        sums = reconciliations.chosen(account, [line.id], [posting.id])
        assert (sums.bank_cents, sums.books_cents, sums.apart_cents) == (60_000, 50_000, 10_000)
        assert reconciliations.chosen(operating_account(), [line.id], [posting.id]).lines == []

    def test_other_lines_are_searched(self, world: World) -> None:
        found = bring(trust_account(), "03-05 | Deposit | 600.00 |", "03-06 | Refund of a charge | 5.00 | 88",
                      closing=60_500)  # fmt: skip
        line = statements.lines_of(found)[0]
        for words, count in (("", 1), ("refund", 1), ("88", 1), ("5.00", 1), ("nothing", 0)):
            assert len(reconciliations.other_lines(line, words)) == count, words

    def test_postings_that_cancel_each_other_need_no_line(self, world: World) -> None:
        account = operating_account()
        entry = payout("03-03", 900)
        ledger.reverse(entry, code="reversal", occurred_on=day("03-04"), description="Wrong")
        rows = reconciliations.open_postings(account)
        reconciliations.match(account, [], [row.id for row in rows], by=world.erin)
        assert reconciliations.open_postings(account) == []

    def test_nothing_of_another_account(self, world: World) -> None:
        march(world)
        posting = reconciliations.open_postings(trust_account())[0]
        with pytest.raises(Refused, match="of this account"):
            reconciliations.match(operating_account(), [], [posting.id], by=None)

    def test_a_line_is_explained_with_a_reason_and_books_nothing(self, world: World) -> None:
        account = trust_account()
        found = bring(account, "03-04 | Not ours | 5.00 |", closing=500)
        line = statements.lines_of(found)[0]
        entries = ledger.JournalEntry.select().count()
        with pytest.raises(Refused, match="few words"):
            reconciliations.explain(line, explanation="bank_error", note=" ", by=world.erin)
        with pytest.raises(Refused, match="reasons"):
            reconciliations.explain(line, explanation="whim", note="x", by=world.erin)
        reconciliations.explain(line, explanation="bank_error", note="Another firm’s deposit", by=world.erin)
        figures = reconciliations.current(found)
        assert [(item.cents, "Another firm" in item.text) for item in figures.other] == [(-500, True)]
        assert figures.is_equal
        reconciliations.explain(line, explanation="", note="", by=world.erin)
        assert not reconciliations.current(found).is_equal
        assert ledger.JournalEntry.select().count() == entries

    @pytest.mark.parametrize(("words", "found"), [("1043", [-3_000]), ("vasquez", [7_500]), ("75.00", [7_500]),
                                                  ("no such", []), ("%", [])])  # fmt: skip
    def test_postings_are_searched(self, world: World, words: str, found: list[int]) -> None:
        line = statements.lines_of(march(world))[0]
        assert [row.amount_cents for row in reconciliations.candidates(line, words)] == found


DAYS = st.dates(dt.date(2026, 1, 1), dt.date(2026, 3, 31))
ITEMS = st.lists(st.tuples(DAYS, st.integers(-500, 500).filter(bool), st.sampled_from(["", "1042", "po_7", "Check"])),
                 max_size=12)  # fmt: skip


def items(rows: list[tuple[dt.date, int, str]]) -> list[Item]:
    return [Item(at, *row) for at, row in enumerate(rows, 1)]


class TestSuggestions:
    @given(ITEMS, ITEMS)
    def test_every_suggestion_sums_and_nothing_is_suggested_twice(self, left: Any, right: Any) -> None:
        lines, postings = items(left), items(right)
        found = suggest(lines, postings)
        cents, line_cents = {row.id: row.cents for row in postings}, {row.id: row.cents for row in lines}
        used = [posting_id for row in found for posting_id in row.posting_ids]
        assert len(used) == len(set(used))
        named = [line_id for row in found for line_id in row.line_ids]
        assert len(named) == len(set(named))
        for row in found:
            at_bank, in_books = (sum(sums[id] for id in ids)
                                 for sums, ids in ((line_cents, row.line_ids), (cents, row.posting_ids)))  # fmt: skip
            assert at_bank == in_books

    @given(ITEMS)
    def test_a_book_that_is_the_banks_own_is_matched_whole(self, rows: Any) -> None:
        found = suggest(items(rows), items(rows))
        assert sorted(id for row in found for id in row.line_ids) == list(range(1, len(rows) + 1))

    @given(st.lists(st.integers(1, 100_000), min_size=2, max_size=8), DAYS)
    def test_a_payout_is_its_payments(self, amounts: list[int], on: dt.date) -> None:
        line = Item(1, on, sum(amounts), "Payout")
        found = suggest([line], items([(on, cents, "") for cents in amounts]))
        assert sum(amounts[at - 1] for at in found[0].posting_ids) == line.cents

    def test_a_reference_goes_before_a_nearer_day(self) -> None:
        on = dt.date(2026, 3, 10)
        line = Item(1, on, -500, "Check 0001042")
        near, named = Item(1, on, -500, "Check 1041"), Item(2, on - dt.timedelta(days=90), -500, "Check 1042")
        found = suggest([line], [near, named])
        assert (found[0].posting_ids, found[0].why) == ((2,), "Same amount, and both say 1042")

    def test_the_nearest_day_and_never_a_year_ago(self) -> None:
        on = dt.date(2026, 3, 10)
        rows = [Item(at, on - dt.timedelta(days=days), 500, "") for at, days in ((1, 9), (2, 1), (3, 365))]
        assert suggest([Item(1, on, 500, "")], rows)[0].posting_ids == (2,)
        assert suggest([Item(1, on, 500, "")], rows[2:]) == []

    def test_one_entry_for_several_lines(self) -> None:
        """A transfer that the bank carried out in two parts."""
        on = dt.date(2026, 3, 10)
        lines = [Item(1, on, -30_000, "Part one"), Item(2, on + dt.timedelta(days=1), -20_000, "Part two"),
                 Item(3, on, -700, "Fee")]  # fmt: skip
        (found,) = suggest(lines, [Item(9, on, -50_000, "Wire to the county")])
        assert (found.line_ids, found.posting_ids) == ((1, 2), (9,))
        assert found.why == "2 lines come to this entry’s amount"

    def test_what_is_named_alike_on_both_sides_is_one_group(self) -> None:
        """Two parts of a payout at the bank, three payments in the books: no side alone tells which is which."""
        on = dt.date(2026, 3, 10)
        lines = [Item(1, on, 30_000, "PAYOUT po_77 1/2"), Item(2, on, 25_000, "PAYOUT po_77 2/2"), Item(3, on, 9, "x")]
        rows = [Item(at, on, cents, "Payment, po_77") for at, cents in ((7, 10_000), (8, 20_500), (9, 24_500))]
        (found,) = suggest(lines, [*rows, Item(10, on, 55_000, "Another")])
        assert (found.line_ids, found.posting_ids) == ((1, 2), (7, 8, 9))
        assert found.why == "All that say po_77 come to one sum on both sides"

    def test_a_slip_among_other_deposits_is_the_one_combination_that_sums(self) -> None:
        on = dt.date(2026, 3, 10)
        amounts = [(1, 12_000), (2, 5_300), (3, 7_700), (4, 30_100)]
        rows = [Item(at, on - dt.timedelta(days=at), cents, "") for at, cents in amounts]
        (found,) = suggest([Item(1, on, 19_700, "Deposit slip")], rows)
        assert set(found.posting_ids) == {1, 3}

    def test_two_combinations_that_sum_are_no_suggestion(self) -> None:
        on = dt.date(2026, 3, 10)
        rows = [
            Item(at, on - dt.timedelta(days=at), cents, "") for at, cents in ((1, 300), (2, 90), (3, 100), (4, 310))
        ]
        assert suggest([Item(1, on, 400, "Deposit slip")], rows) == []
