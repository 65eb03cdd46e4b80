"""Three figures that must be one, and periods that stay closed; on both databases."""

from __future__ import annotations

import datetime as dt
import threading
from dataclasses import replace
from typing import Any

import pytest
from peewee import DatabaseError

from portal_app import clock, config
from portal_app.db import db, is_sqlite, transaction
from portal_app.domain import ledger, reconciliations, trust
from portal_app.domain.errors import Refused
from portal_app.domain.ledger import Leg
from portal_app.domain.reconciliations import Reconciliation
from portal_app.domain.trust import RuleRefused
from tests.banks import (
    APRIL,
    MARCH,
    accept,
    bring,
    day,
    deposit,
    draw,
    march,
    operating_account,
    payout,
    trust_account,
)
from tests.world import World


def refused(statement: str) -> None:
    with pytest.raises(DatabaseError), transaction():
        db.execute_sql(statement)


class TestThreeWays:
    def test_T14_bank_books_and_clients_are_one_to_the_cent(self, world: World) -> None:
        found = reconciliations.current(march(world))
        assert found.statement_cents == 38_000
        assert [item.cents for item in found.in_transit] == [7_500]
        assert [(item.cents, "1043" in item.text) for item in found.outstanding] == [(-3_000, True)]
        assert (found.adjusted_cents, found.book_cents, found.clients_cents) == (42_500, 42_500, 42_500)
        assert found.is_equal
        assert (found.starts_on, found.ends_on) == (day("03-01"), MARCH)

    def test_T14_what_a_gateway_has_taken_counts_until_it_is_at_the_bank(self, world: World) -> None:
        statement = march(world)
        at = trust.open_clearing("fake", trust_account(), "Taken by Fake for trust")
        deposit(world, "03-30", 20_000, at=at)
        found = reconciliations.current(statement)
        assert [(item.text, item.cents) for item in found.gateways] == [
            ("Trust deposit, wire · Alice Vasquez · 2026-0001", 20_000)
        ]
        assert found.adjusted_cents == found.book_cents == found.owed_cents == 62_500
        payout("03-31", 20_000, fund="trust")
        found = reconciliations.current(statement)
        assert (found.gateways, found.is_equal, found.book_cents) == ([], True, 62_500)

    def test_T14_unequal_cannot_be_closed(self, world: World) -> None:
        march(world)
        account = trust_account()
        statement = bring(account, "04-02 | Service charge | -5.00 |", closing=37_500, ends_on=APRIL)
        figures = reconciliations.current(statement)
        assert figures.difference_cents == -500
        for act in (reconciliations.sign, reconciliations.close):
            with pytest.raises(Refused, match="1 line of the bank is not accounted for"):
                act(statement, by=world.erin)
        assert Reconciliation.select().count() == 0

    def test_T14_a_bank_charge_is_booked_to_the_float_and_then_it_closes(self, world: World) -> None:
        march(world)
        account = trust_account()
        trust.move_float(account, operating_account(), kind="float_in", amount_cents=10_000, on=day("04-01"),
                         reference="", by=world.erin)  # fmt: skip
        trust.charge(account, amount_cents=500, on=day("04-02"), what="Service charge", by=world.erin)
        statement = bring(
            account, "04-01 | Transfer | 100.00 |", "04-02 | Service charge | -5.00 |", "04-03 | Check | -30.00 | 1043",
            "04-03 | Deposit | 75.00 |", closing=52_000, ends_on=APRIL,
        )  # fmt: skip
        assert accept(statement) == 4
        closed = reconciliations.close(statement, by=world.erin)
        assert (closed.adjusted_cents, closed.clients_cents, closed.float_cents) == (52_000, 42_500, 9_500)

    def test_T14_a_closing_is_kept_with_all_that_it_says(self, world: World) -> None:
        statement = march(world)
        closed = reconciliations.close(statement, by=world.erin)
        assert reconciliations.close(statement, by=world.dan).id == closed.id
        assert closed.facts["figures"]["adjusted_cents"] == 42_500
        assert reconciliations.sha256_of(closed.snapshot) == closed.snapshot_sha256
        assert closed.facts["clients"][0]["number"] == world.matter.number
        covered = reconciliations.last_covered(trust_account())
        assert covered is not None
        assert (covered.day, covered.bank_cents, covered.book_cents, covered.clients_cents) == (
            MARCH, 42_500, 42_500, 42_500)  # fmt: skip
        shown = reconciliations.find(closed.id)
        assert (shown.preparer.name, shown.closer.name, shown.report, shown.reopening) == (
            "Erin Moss", "Erin Moss", None, None)  # fmt: skip

    def test_T14_two_people_where_the_firm_or_its_rules_ask_for_it(self, world: World, settings: config.Config) -> None:
        config.use(replace(settings, reconcile_by_two=True))
        statement = march(world)
        with pytest.raises(Refused, match="Nobody has prepared"):
            reconciliations.close(statement, by=world.erin)
        reconciliations.sign(statement, by=world.erin)
        with pytest.raises(Refused, match="Somebody else reviews"):
            reconciliations.close(statement, by=world.erin)
        with pytest.raises(Refused, match="somebody with a name"):
            reconciliations.close(statement, by=None)
        draw(world, "03-30", 100)
        with pytest.raises(Refused, match="Nobody has prepared"):
            reconciliations.close(statement, by=world.carol)
        reconciliations.sign(statement, by=world.erin)
        closed = reconciliations.close(statement, by=world.carol)
        assert (closed.prepared_by_id, closed.closed_by_id) == (world.erin.id, world.carol.id)

    def test_two_ways_for_an_operating_account(self, world: World) -> None:
        account = operating_account()
        payout("03-03", 30_000)
        payout("03-04", 20_000)
        payout("03-30", 1_000)
        statement = bring(account, "03-05 | Fake payout | 500.00 |", closing=50_000, ends_on=MARCH)
        assert accept(statement) == 1
        closed = reconciliations.close(statement, by=world.erin)
        assert (closed.fund, closed.in_transit_cents, closed.book_cents, closed.clients_cents) == (
            "operating", 1_000, 51_000, 0)  # fmt: skip

    def test_T15_the_client_trial_balance_flags_what_is_negative_or_lies_still(self, world: World) -> None:
        deposit(world, "03-01", 10_000, matter=world.bobs_matter)
        statement = march(world)
        flags = {row.number: row.flags for row in reconciliations.current(statement).clients}
        assert flags == {world.matter.number: (), world.bobs_matter.number: ()}
        receipt = trust.TrustMovement.get(trust.TrustMovement.matter == world.bobs_matter)
        with clock.frozen(dt.datetime.combine(day("03-20"), dt.time(18))):
            word = trust.authorise(
                world.bobs_matter, trust_account(), kind="refund", amount_cents=10_000, payee="Bob",
                purpose="Unearned", by=world.carol,
            )  # fmt: skip
            trust.pay_out(word, on=day("03-20"), method="check", by=world.erin)
        trust.post_returned(receipt, cents=10_000, on=day("03-25"), reason="Insufficient funds", source="r:1")
        found = reconciliations.current(statement)
        assert {row.number: row.flags for row in found.flagged} == {world.bobs_matter.number: ("negative",)}
        later = bring(trust_account(), "10-30 | Nothing of ours | 1.00 |", closing=38_100, ends_on=day("10-31"))
        flags = {row.number: row.flags for row in reconciliations.current(later).clients}
        assert flags == {world.matter.number: ("inactive",), world.bobs_matter.number: ("negative", "inactive")}


class TestAClosedPeriod:
    @pytest.fixture
    def closed(self, world: World) -> Reconciliation:
        return reconciliations.close(march(world), by=world.erin)

    def test_T13_a_back_dated_entry_is_refused_with_the_way_out(self, world: World, closed: Reconciliation) -> None:
        with pytest.raises(RuleRefused, match="reconciled and closed; date the correction after it"):
            deposit(world, "03-15", 100)
        with pytest.raises(RuleRefused, match="administrator reopen"):
            draw(world, "03-31", 100)
        deposit(world, "04-01", 100)
        assert reconciliations.first_open_day(trust_account().id, day("03-15")) == day("04-01")
        assert reconciliations.first_open_day(trust_account().id, day("04-15")) == day("04-15")

    def test_T13_the_database_refuses_it_whatever_the_code_does(self, world: World, closed: Reconciliation) -> None:
        account = trust_account()
        legs = [Leg(f"bank:{account.id}", 100), Leg(trust.open_clearing("fake", account, "Fake"), -100)]
        with pytest.raises(DatabaseError, match="T13"):
            ledger.post("trust_payout", legs, occurred_on=MARCH, description="x", source="x", currency="USD")
        ledger.post("trust_payout", legs, occurred_on=day("04-01"), description="x", source="x", currency="USD")
        other = operating_account()
        own = [Leg(f"bank:{other.id}", 100), Leg("clearing:fake", -100)]
        ledger.open_account("clearing:fake", name="Fake", kind="asset", fund="operating")
        ledger.post("gateway_costs", own, occurred_on=MARCH, description="x", source="y", currency="USD")

    @pytest.mark.parametrize(
        "statement",
        [
            "DELETE FROM bank_match", "DELETE FROM bank_match_line", "DELETE FROM statement_line",
            "UPDATE statement_line SET explanation = 'bank_error', note = 'x', explained_at = '2026-01-01'",
            "UPDATE reconciliation SET book_cents = 1", "DELETE FROM reconciliation",
            "DELETE FROM reconciliation_signature", "UPDATE reconciliation_signature SET signed_by_id = NULL",
            """INSERT INTO statement_line (statement_id, bank_account_id, position, kind, booked_on, description,
                reference, amount_cents, identity, explanation, note)
                SELECT statement_id, bank_account_id, 9, 'line', '2026-03-09', '', '', 1, 'x', '', ''
                FROM reconciliation""",
        ],
    )  # fmt: skip
    def test_T13_nothing_of_a_closed_period_can_be_changed(self, closed: Reconciliation, statement: str) -> None:
        refused(statement)

    @pytest.mark.parametrize(
        "change",
        [
            {"book_cents": 42_501, "adjusted_cents": 42_501, "statement_cents": 38_001, "clients_cents": 42_501},
            {"adjusted_cents": 42_501, "statement_cents": 38_001}, {"clients_cents": 42_400, "float_cents": 100},
            {"book_cents": 42_400}, {"other_cents": 5}, {"fund": "operating", "clients_cents": 0},
            {"statement_id": 999},
        ],
    )  # fmt: skip
    def test_T14_the_database_compares_the_figures_itself(self, world: World, change: dict[str, Any]) -> None:
        statement = march(world)
        found = reconciliations.current(statement)
        row = {
            "bank_account_id": found.account.id, "statement_id": statement.id, "fund": "trust", "currency": "USD",
            "starts_on": found.starts_on, "ends_on": found.ends_on, **found.totals(), "snapshot": "{}",
            "snapshot_sha256": "x", "prepared_at": "2026-04-01", "closed_at": "2026-04-01",
        }  # fmt: skip

        def insert(values: dict[str, Any]) -> None:
            marks = ", ".join([db.param] * len(values))
            with transaction():
                db.execute_sql(
                    f"INSERT INTO reconciliation ({', '.join(values)}) VALUES ({marks})", list(values.values())
                )

        with pytest.raises(DatabaseError):
            insert(row | change)
        insert(row)

    def test_T14_the_database_closes_over_no_loose_line(self, world: World) -> None:
        statement = march(world)
        with transaction():
            db.execute_sql("DELETE FROM bank_match")
        with pytest.raises(Refused, match="2 lines"):
            reconciliations.close(statement, by=world.erin)
        found = reconciliations.current(statement)
        assert not found.is_equal
        signed = reconciliations.ReconciliationSignature(signed_by=world.erin, signed_at=dt.datetime(2026, 4, 1))  # noqa: DTZ001  naive UTC
        from portal_app.domain.reconciliations.closing import _keep

        with pytest.raises(Refused, match="The database refuses"), transaction():
            _keep(found, signed, world.erin)

    def test_the_next_period_follows_on_and_names_the_one_before(self, world: World, closed: Reconciliation) -> None:
        statement = bring(
            trust_account(), "04-01 | Deposit | 75.00 |", "04-02 | Check | -30.00 | 1043", closing=42_500, ends_on=APRIL
        )
        assert accept(statement) == 2
        april = reconciliations.close(statement, by=world.erin)
        assert (april.starts_on, april.facts["previous"]) == (day("04-01"), closed.snapshot_sha256)
        assert reconciliations.locked_until(trust_account()) == APRIL

    def test_T13_an_administrator_reopens_the_last_one_on_record(self, world: World, closed: Reconciliation) -> None:
        with pytest.raises(Refused, match="Say why"):
            reconciliations.reopen(closed, reason=" ", by=world.carol)
        reconciliations.reopen(closed, reason="The bank sent another statement", by=world.carol)
        reconciliations.reopen(closed, reason="again", by=world.carol)
        assert reconciliations.locked_until(trust_account()) is None
        deposit(world, "03-15", 100)
        again = reconciliations.close(closed.statement, by=world.erin)
        assert again.id != closed.id
        assert [row.reopening is not None for row in reconciliations.of_account(trust_account())] == [False, True]
        statement = bring(trust_account(), "04-01 | Deposit | 75.00 |", closing=45_500, ends_on=APRIL)
        accept(statement)
        reconciliations.close(statement, by=world.erin)
        with pytest.raises(Refused, match="Only the last"):
            reconciliations.reopen(again, reason="x", by=world.carol)
        refused(f"INSERT INTO reconciliation_reopening VALUES ({again.id}, 'x', {world.carol.id}, '2026-05-01')")

    def test_T13_a_back_dated_posting_and_a_closing_at_once(self, world: World) -> None:
        """Whoever comes first: never a closed period with a figure that is not the books'."""
        statement = march(world)
        account = trust_account()
        at = trust.open_clearing("fake", account, "Fake")
        results: list[str] = []
        started = threading.Barrier(2)

        def work(what: str) -> None:
            started.wait()
            try:
                if what == "close":
                    reconciliations.close(statement, by=world.erin)
                else:
                    legs = [Leg(f"bank:{account.id}", 100), Leg(at, -100)]
                    ledger.post("trust_payout", legs, occurred_on=MARCH, description="x", source="x", currency="USD")
                results.append(what)
            except (DatabaseError, Refused):
                results.append("refused")
            finally:
                db.close()

        threads = [threading.Thread(target=work, args=(what,)) for what in ("close", "post")]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        closed = Reconciliation.get_or_none()
        if closed is not None:
            query = "SELECT SUM(p.amount_cents) FROM posting p JOIN journal_entry e ON e.id = p.entry_id WHERE "
            where = f"p.account_code = 'bank:{account.id}' AND e.occurred_on <= '2026-03-31'"
            assert int(db.execute_sql(query + where).fetchone()[0]) == closed.book_cents - closed.at_gateways_cents
        assert "close" in results
        assert is_sqlite() or len(results) == 2

    def test_due_and_late(self, world: World, closed: Reconciliation) -> None:
        account = trust_account()
        due = reconciliations.due_of(account, day("04-30"))
        assert due is not None
        assert (due.ends_on, due.due_on, due.is_late) == (APRIL, day("05-30"), False)
        late = reconciliations.due_of(account, day("05-31"))
        assert late is not None
        assert late.is_late
        assert reconciliations.due_of(operating_account(), day("05-31")) is None
