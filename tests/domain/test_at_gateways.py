"""What a gateway has of a trust account's money, told payment by payment; on both databases."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from portal_app.domain import ledger, reconciliations, trust
from portal_app.domain.reconciliations.at_gateways import held, open_of
from portal_app.domain.trust import TrustMovement
from tests.banks import bring, day, march, payout, trust_account
from tests.world import World

NAME = "Taken by Fake for trust"


def taken(world: World, number: int, on: str, cents: int) -> TrustMovement:
    """Payment ``number``, a deposit that the gateway has."""
    at = trust.open_clearing("fake", trust_account(), NAME)
    return trust.receive(
        world.matter, trust_account(), amount_cents=cents, received_on=day(on), payer="Alice Vasquez", method="card",
        purpose="Advance on fees", at=at, source=f"payment:{number}:paid", key=f"payment:{number}:paid", by=world.alice,
    )  # fmt: skip


def returned(receipt: TrustMovement, on: str, cents: int) -> None:
    source = f"{receipt.source.rpartition(':')[0]}:returned"
    trust.post_returned(receipt, cents=cents, on=day(on), reason="Insufficient funds", source=source)


def left(until: str = "04-30") -> list[tuple[str, int]]:
    return [(row.posting.entry.source, row.cents) for row in held(trust_account(), day(until))]


def test_each_deposit_stands_by_itself_until_a_payout_takes_the_oldest(world: World) -> None:
    taken(world, 1, "03-01", 10_000)
    taken(world, 2, "03-02", 20_000)
    taken(world, 3, "03-04", 5_000)
    assert left() == [("payment:1:paid", 10_000), ("payment:2:paid", 20_000), ("payment:3:paid", 5_000)]
    payout("03-05", 30_000, fund="trust")
    assert left() == [("payment:3:paid", 5_000)]
    assert [cents for _, cents in left("03-03")] == [10_000, 20_000]


def test_a_payout_that_cuts_through_a_deposit_leaves_its_rest(world: World) -> None:
    taken(world, 1, "03-01", 10_000)
    payout("03-02", 4_000, fund="trust")
    statement = bring(trust_account(), "03-03 | Payout | 40.00 |", closing=4_000, ends_on=day("03-31"))
    (item,) = reconciliations.current(statement).gateways
    assert (item.cents, item.of_cents, item.place, item.account) == (6_000, 10_000, NAME, "clearing:fake:trust")
    assert ledger.JournalEntry.get_by_id(item.entry_id).source == "payment:1:paid"


def test_what_is_taken_back_is_taken_off_its_own_payment(world: World) -> None:
    taken(world, 1, "03-01", 10_000)
    receipt = taken(world, 2, "03-02", 20_000)
    returned(receipt, "03-03", 20_000)
    assert left() == [("payment:1:paid", 10_000)]


def test_what_is_taken_back_after_the_payout_stands_until_a_later_one_came_net_of_it(world: World) -> None:
    receipt = taken(world, 1, "03-01", 10_000)
    payout("03-02", 10_000, fund="trust")
    returned(receipt, "03-03", 10_000)
    assert left() == [("payment:1:returned", -10_000)]
    taken(world, 2, "03-04", 35_000)
    payout("03-05", 25_000, fund="trust")
    assert left() == []


def test_a_payout_that_did_not_arrive_leaves_the_deposits(world: World) -> None:
    taken(world, 1, "03-01", 10_000)
    entry = payout("03-02", 10_000, fund="trust")
    ledger.reverse(entry, code="payout_failed", occurred_on=day("03-04"), description="Payout that did not arrive")
    assert left() == [("payment:1:paid", 10_000)]
    assert left("03-03") == []


def test_the_items_of_a_report_come_to_its_sum_and_each_leads_to_its_entry(world: World) -> None:
    statement = march(world)
    taken(world, 1, "03-30", 20_000)
    taken(world, 2, "03-31", 1_000)
    found = reconciliations.current(statement)
    assert [item.cents for item in found.gateways] == [20_000, 1_000]
    assert found.is_equal
    closed = reconciliations.close(statement, by=world.erin)
    assert closed.at_gateways_cents == 21_000
    kept = closed.facts["gateways"]
    assert [ledger.JournalEntry.get_by_id(item["entry_id"]).source for item in kept] == [
        "payment:1:paid", "payment:2:paid",
    ]  # fmt: skip


ROWS = st.lists(st.tuples(st.integers(-900, 900).filter(bool), st.integers(1, 4), st.booleans()), max_size=20)


@given(ROWS)
def test_whatever_happened_what_is_left_comes_to_the_balance(rows: Any) -> None:
    told = [
        SimpleNamespace(
            id=at, amount_cents=cents, source=f"payment:{payment}:x", entry_id=at, code="trust_payout" if paid else "x",
            reverses_id=None,
        )
        for at, (cents, payment, paid) in enumerate(rows, 1)
    ]  # fmt: skip
    found = list(open_of(told))
    assert sum(row.left for row in found) == sum(row.amount_cents for row in told)
    for row in found:
        whole = told[row.posting_id - 1].amount_cents
        assert row.left * whole > 0
