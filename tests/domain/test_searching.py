"""What staff search, on both databases: words are looked for as they are, and what one may not see is not there."""

from __future__ import annotations

import pytest

from portal_app import clock
from portal_app.domain import clients, invoices, ledger, matters, people
from portal_app.domain.people import Client, FirmUser
from tests.world import World, today

NAMES = ("100 % sure", "under_score", "under score", "Wow! Inc.", "back\\slash", "O'Hara & Söhne", "plain")
WORDS = (*NAMES, "%", "_", "!", "\\", "'", "PLAIN", "100 %", "r s", "r_s", "e!", "nothing like it", "Söhne", "")


@pytest.fixture
def named(world: World) -> World:
    for number, name in enumerate(NAMES):
        client = people.add_client(kind="company", name=name, created_by=world.carol)
        matters.open_matter(
            client=client, name=f"Of {name}", number=f"N-{number}", by=world.carol, opened_on=today(),
            responsible_attorney=world.dan, billing_method="hourly",
        )  # fmt: skip
    return world


def has(words: str, *texts: str | None) -> bool:
    return any(words.strip().lower() in (text or "").lower() for text in texts)


@pytest.mark.parametrize("words", WORDS)
def test_what_is_typed_is_looked_for_as_it_is(named: World, words: str) -> None:
    found = {row.id for row in clients.search(words)}
    assert found == {row.id for row in Client.select() if has(words, row.name, row.email)}
    every = matters.search(named.carol, "", with_closed=True, limit=1000)
    seen = matters.search(named.carol, words, with_closed=True, limit=1000)
    assert {row.id for row in seen} == {row.id for row in every if has(words, row.number, row.name, row.client_name)}
    bills = invoices.search(named.carol, "", "all", today=today(), limit=1000)
    some = invoices.search(named.carol, words, "all", today=today(), limit=1000)
    assert {row.id for row in some} == {
        row.id for row in bills if has(words, row.number, row.matter.name, row.matter.number, row.matter.client.name)
    }


@pytest.mark.parametrize("reader", ["carol", "dan"])
def test_only_what_somebody_may_see_is_found(named: World, reader: str) -> None:
    who: FirmUser = getattr(named, reader)
    matters.set_access(named.matter, is_restricted=True, staff=[])
    matters.change(named.matter, responsible_attorney=None)
    sees_it = reader == "carol"
    for words in ("", named.matter.number):
        assert (named.matter.id in {row.id for row in matters.search(who, words)}) is sees_it
        rows = invoices.search(who, words, "all", today=today())
        assert (named.matter.id in {row.matter_id for row in rows}) is sees_it
    of_client = [named.client]
    assert (named.client.id in ledger.client_balances(who, of_client)) is sees_it
    assert matters.open_counts(who, of_client).get(named.client.id, 0) == len(
        [row for row in matters.search(who, "") if row.client_id == named.client.id]
    )


def test_closed_matters_and_states_are_told_apart_each_time(named: World) -> None:
    """The same words, asked in another way, are another query."""

    def counts() -> list[int]:
        return [len(matters.search(named.carol, "Of", with_closed=with_closed)) for with_closed in (False, True)]

    before = counts()
    row = matters.search(named.carol, "Of plain")[0]
    matters.close(matters.find(named.carol, row.id), on=clock.today("UTC"))
    assert counts() == [before[0] - 1, before[1]]
    states = ("draft", "open", "overdue", "paid", "void")
    by_state = [invoices.search(named.carol, "", state, today=today()) for state in states]
    every = {row.id for row in invoices.search(named.carol, "", "all", today=today())}
    assert sorted(row.id for rows in by_state for row in rows) == sorted(every)


def test_people_are_found_by_name_and_address(named: World) -> None:
    assert [who.id for who in people.search_portal_users("ALICE")] == [named.alice.id]
    assert named.alice in people.search_portal_users(str(named.alice.email).upper())
    assert people.search_portal_users("%") == []
