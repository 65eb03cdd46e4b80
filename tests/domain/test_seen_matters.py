"""Which matters somebody sees: the list of them, and the condition that other queries put on what is theirs."""

from __future__ import annotations

from itertools import product

import pytest

from portal_app.domain import invoices, ledger, matters, payments
from portal_app.domain.deposits import DepositRequest
from portal_app.domain.ledger import Posting
from portal_app.domain.matters import Matter
from portal_app.domain.payments import Payment
from tests.deposits import ask, open_trust
from tests.domain.test_payments import order
from tests.world import World, today


@pytest.fixture
def mixed(world: World) -> World:
    """Open and restricted matters, with this or that attorney or none, with and without somebody named."""
    cases = product([None, world.dan], [False, True], [[], [world.erin]])
    for number, (attorney, is_restricted, named) in enumerate(cases):
        matter = matters.open_matter(
            number=f"M-{number}", name=f"Matter {number}", client=world.matter.client, opened_on=world.matter.opened_on,
            by=world.carol, responsible_attorney=attorney,
        )  # fmt: skip
        matters.set_access(matter, is_restricted=is_restricted, staff=named)
    return world


@pytest.mark.parametrize("name", ["carol", "dan", "erin"])
def test_the_condition_is_the_list(mixed: World, name: str) -> None:
    who = getattr(mixed, name)
    listed = {row.id for row in matters.visible_to(who)}
    asked = {row.id for row in Matter.select().where(matters.sees(who, Matter.id))}
    assert asked == listed
    assert (len(listed) == Matter.select().count()) is who.has_role("administrator")


@pytest.mark.parametrize("is_hidden", [False, True])
def test_what_is_of_no_matter_is_nobodys_but_the_firms(world: World, is_hidden: bool) -> None:
    """Where nothing is hidden, too: SQL finds that NULL is not in an empty list."""
    matters.set_access(world.bobs_matter, is_restricted=is_hidden, staff=[])
    legs = [ledger.Leg("merchant_fees", 300), ledger.Leg("clearing:fake", -300)]
    ledger.post("gateway_costs", legs, occurred_on=today(), description="Fee", source="fee:1", currency="USD")
    for who in (world.carol, world.dan, world.erin):
        rows = Posting.select(Posting.matter).where(matters.sees(who, Posting.matter)).tuples()
        assert all(matter is not None for (matter,) in rows)


def test_payments_and_deposits_of_a_hidden_matter_are_hidden(world: World) -> None:
    paid = payments.start(world.alice, world.gateway, order(100, "seen"))
    deposit = ask(world, open_trust(world), 70_000)
    matters.set_access(world.matter, is_restricted=True, staff=[])
    matters.change(world.matter, responsible_attorney=world.carol)
    assert payments.find(world.carol, paid.id) == paid
    assert payments.find_deposit(world.carol, deposit.id) == deposit
    for who in (world.dan, world.erin):
        with pytest.raises(Payment.DoesNotExist):
            payments.find(who, paid.id)
        with pytest.raises(DepositRequest.DoesNotExist):
            payments.find_deposit(who, deposit.id)
        assert not [row for row in invoices.search(who, "", "all", today=today()) if row.matter == world.matter]
    matters.set_access(world.matter, is_restricted=True, staff=[world.erin])
    assert payments.find(world.erin, paid.id) == paid
