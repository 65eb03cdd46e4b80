"""T22: whatever happens to trust money, in whatever order and at whatever moment, the books keep T01 to T03, and agree
with a naive model that shares no code with them and with what Beancount reads in their export.

``--trust-sequences N`` plays N sequences (nine in ten on SQLite), ``--trust-first N`` begins with number N.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from types import SimpleNamespace

import pytest

from portal_app import db
from portal_app.domain import draws, exports, trust
from portal_app.domain.errors import Refused
from portal_app.domain.exports import Wanted
from portal_app.domain.trust import TrustAuthorisation, balances, receiving
from portal_app.verify import verify
from tests.books import Reading, by_beancount
from tests.conftest import Engine
from tests.trust import account, authorise, deposit
from tests.trust_play import Play, play
from tests.trust_steps import KINDS, steps_of
from tests.world import World, today

USUAL = 1_000
PARTS = {"sqlite": 6, "postgresql": 2}  # of 15 and of 5 in a hundred: no part takes long


def text_of_books() -> str:
    return "".join(exports.steady(exports.EXPORTS["beancount"].write(Wanted(), today())))


def agree(games: list[Play], read: Reading) -> None:
    """What another program has read is what every model came to."""
    assert read.errors == []
    found = read.details["ledgers"]
    wrong = {name: (found.get(name, 0), cents) for game in games for name, cents in game.expected()
             if found.get(name, 0) != cents}  # fmt: skip
    assert wrong == {}


@pytest.mark.parametrize(
    ("engine", "part"), [(name, part) for name, parts in PARTS.items() for part in range(parts)], indirect=["engine"]
)
def test_T22_any_sequence_keeps_the_rules_and_agrees_with_a_naive_model_and_with_beancount(
    world: World, engine: Engine, part: int, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    count, first = (request.config.getoption(f"--trust-{name}") for name in ("sequences", "first"))
    share = (count or USUAL) * (15 if engine.name == "sqlite" else 5) // 100
    first += part * share + (0 if engine.name == "sqlite" else 10**9)
    games = [play(world, number) for number in range(first, first + share)]
    assert trust.problems() == []
    assert verify().faults == []
    agree(games, by_beancount(text_of_books(), tmp_path))


# Mistakes that are planted: a rule that neither the code nor the database keeps any more

Plant = Callable[[pytest.MonkeyPatch], None]


def _without(*triggers: str) -> None:
    for name in triggers:
        db.db.execute_sql(f"DROP TRIGGER {name}")


def _later_days_forgotten(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(balances, "lowest_from", lambda code, matter, day: -balances.balance_on(code, matter, day))
    patch.setattr(balances, "lowest_cleared", balances.cleared_balance)
    _without("trust_t02", "trust_t09")


def _overdraft_at_the_bank(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(balances, "at_bank_from", lambda *_: 10**9)
    _without("trust_t02")


def _uncleared_spent(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(balances, "lowest_cleared", lambda *_: 10**9)
    _without("trust_t09")


def _held_drawn(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(balances, "not_held", lambda *_: 10**9)
    _without("trust_t19")


def _shortfall_drawn(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(balances, "open_incident", lambda *_: None)
    _without("trust_t10_stop")


def _shortfall_unseen(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(receiving, "open_for", lambda *_: None)
    _without("trust_t02")


def _invoice_overpaid(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(draws, "payable", lambda _: 10**9)
    _without("trust_t05_balance")


def _closed_period_open(_: pytest.MonkeyPatch) -> None:
    _without("posting_period")


def _float_without_a_cap(patch: pytest.MonkeyPatch) -> None:
    patch.setattr("portal_app.domain.trust.floats.in_force", lambda: SimpleNamespace(float_cap_cents=10**9))
    _without("trust_t08")


def _days_not_kept(_: pytest.MonkeyPatch) -> None:
    _without("posting_trust_days")


PLANTS: dict[str, tuple[Plant, int]] = {  # and a number of a sequence, from which on it is not long until it is found
    "T02 forgets later days": (_later_days_forgotten, 70),
    "T02 forgets the bank": (_overdraft_at_the_bank, 65),
    "T05 pays more than is owed": (_invoice_overpaid, 10),
    "T08 has no cap": (_float_without_a_cap, 90),
    "T09 lets uncleared money go": (_uncleared_spent, 0),
    "T10 lets a short ledger be drawn on": (_shortfall_drawn, 158),
    "T10 opens no incident": (_shortfall_unseen, 3),
    "T13 books in a closed period": (_closed_period_open, 0),
    "T19 lets held money go": (_held_drawn, 60),
    "kept days are not kept": (_days_not_kept, 0),
}


@pytest.mark.parametrize("engine", ["sqlite"], indirect=True)
@pytest.mark.parametrize("name", PLANTS)
def test_T22_a_planted_mistake_is_found(world: World, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    plant, first = PLANTS[name]
    plant(monkeypatch)
    with pytest.raises(AssertionError, match=r"sequence \d+, step \d+ of"):
        list(map(partial(play, world), range(first, USUAL)))


@pytest.mark.parametrize("engine", ["sqlite"], indirect=True)
def test_T22_a_planted_mistake_in_the_export_is_found(world: World, tmp_path: Path) -> None:
    """One line of one client stands on another's ledger: Beancount's own checks find nothing wrong with that."""
    games = [play(world, 3)]
    text = text_of_books()
    agree(games, by_beancount(text, tmp_path))
    mine, other = (f'matter: "{matter.number}"' for matter in games[0].matters)
    head, account_of_this, rest = text.rpartition(f"trust:{games[0].account.id}")
    wrong = head + account_of_this + rest.replace(mine, other, 1)
    assert wrong != text
    with pytest.raises(AssertionError):
        agree(games, by_beancount(wrong, tmp_path))


def test_T22_sequences_are_the_same_each_time_and_try_everything() -> None:
    steps = [step for number in range(USUAL) for together in steps_of(number) for step in together]
    assert steps_of(5) == steps_of(5) != steps_of(6)
    assert any(len(together) == 2 for number in range(0, 50, 5) for together in steps_of(number))
    assert set(Counter(step.kind for step in steps)) == {*KINDS, "bill", "close"}


def test_T22_requests_at_once_never_overdraw(world: World) -> None:
    """Eight people each draw the whole ledger: one of them gets it."""
    deposit(world, 10_000)
    deposit(world, 90_000, matter=world.bobs_matter)
    words = [authorise(world, 10_000) for _ in range(8)]

    def draw(word: TrustAuthorisation) -> int:
        try:
            trust.pay_out(word, on=today(), method="check", by=world.erin)
        except Refused:
            return 0
        finally:
            db.db.close()
        return 1

    with ThreadPoolExecutor(8) as threads:
        assert sum(threads.map(draw, words)) == 1
    assert trust.balance(world.matter, account()) == 0
    assert trust.problems() == []


def test_T22_one_word_carried_out_at_once_is_carried_out_once(world: World) -> None:
    deposit(world, 100_000)
    word = authorise(world, 10_000)

    def draw(_: int) -> int:
        try:
            return int(trust.pay_out(word, on=today(), method="check", by=world.erin).id)
        finally:
            db.db.close()

    with ThreadPoolExecutor(8) as threads:
        assert len(set(threads.map(draw, range(8)))) == 1
    assert trust.balance(world.matter, account()) == 90_000
