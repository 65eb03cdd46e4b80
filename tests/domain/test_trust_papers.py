"""What a portal user is told of matters and their money in trust, on both databases."""

from __future__ import annotations

import datetime as dt

from portal_app.domain import documents, matters, trust_papers
from portal_app.domain.matters import InvoiceRecipient
from tests import trust as trusts
from tests.world import World, today


def held(world: World, on: dt.date) -> list[tuple[str, int]]:
    return [(row.name, row.held_cents) for row in trust_papers.matters_of(world.alice, on)[1]]


def test_what_is_held_is_the_last_day_of_each_ledger_that_may_be_read(world: World) -> None:
    trusts.deposit(world, 350_000, ago=3)
    trusts.deposit(world, 10_000, ago=1)
    assert held(world, today()) == [(world.matter.name, 360_000)]
    assert held(world, trusts.days_ago(2)) == [(world.matter.name, 350_000)]
    assert held(world, trusts.days_ago(4)) == []
    InvoiceRecipient.update(reads_trust=False).execute()
    assert held(world, today()) == []


def test_what_can_be_seen_is_told_apart_from_what_is_held(world: World) -> None:
    quiet = matters.open_matter(number="", name="Quiet", client=world.client, opened_on=today(), by=world.carol)
    matters.add_recipient(quiet, world.alice, by=world.carol)
    InvoiceRecipient.update(reads_trust=True).where(InvoiceRecipient.matter == quiet.id).execute()
    trusts.deposit(world, 100, matter=quiet)
    seen, with_money = trust_papers.matters_of(world.alice, today())
    assert seen == documents.matters_of(world.alice)
    assert [row.name for row in with_money] == [quiet.name]
