"""T22: whatever happens to trust money, in whatever order, the books keep T01 to T03 and agree with a naive model that
shares no code with them. ``--trust-sequences N`` tries N sequences."""

# ruff: noqa: N802  the rules have names of their own

from __future__ import annotations

import datetime as dt
import itertools
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from portal_app import clock, db
from portal_app.db import transaction
from portal_app.domain import ledger, trust
from portal_app.domain.errors import Refused
from portal_app.domain.ledger import Leg
from portal_app.domain.matters import Matter
from portal_app.domain.trust import TrustAuthorisation, TrustHold, TrustMovement
from tests.conftest import Engine
from tests.trust import account, authorise, deposit, operating
from tests.world import World, today

USUAL = {"sqlite": 60, "postgresql": 8}
CLEARS = {"wire": 0, "card": 5, "check": 10}
KINDS = (
    "deposit", "deposit", "deposit", "word", "word", "pay", "pay", "transfer", "bounce", "dispute", "won", "void",
    "hold", "release", "clear", "replenish", "payout", "wait", "wait",
)  # fmt: skip
STEP = st.tuples(st.sampled_from(KINDS), st.integers(0, 1), st.integers(1, 100), st.integers(0, 12), st.integers(0, 9))


@dataclass
class Change:
    """What one accepted step did: cents on a matter's ledger on a day; what of it was at the bank."""

    day: dt.date
    matter: int
    cents: int
    bank_cents: int


@dataclass
class Receipt:
    day: dt.date
    matter: int
    cents: int
    clears_on: dt.date
    at_bank: bool
    back: list[tuple[dt.date, int]] = field(default_factory=list)

    def waits(self, day: dt.date) -> int:
        if not self.day <= day < self.clears_on:
            return 0
        return self.cents - sum(cents for on, cents in self.back if on <= day)


@dataclass
class Model:
    """Lists and loops over every day: as naive as can be."""

    changes: list[Change] = field(default_factory=list)
    receipts: dict[int, Receipt] = field(default_factory=dict)
    held: dict[int, tuple[int, int]] = field(default_factory=dict)
    short: set[int] = field(default_factory=set)

    def balance(self, matter: int, day: dt.date) -> int:
        return sum(change.cents for change in self.changes if change.matter == matter and change.day <= day)

    def bank(self, day: dt.date) -> int:
        return sum(change.bank_cents for change in self.changes if change.day <= day)

    def waits(self, matter: int, day: dt.date) -> int:
        return sum(row.waits(day) for row in self.receipts.values() if row.matter == matter)

    def days(self, since: dt.date) -> list[dt.date]:
        last = max([since, *(change.day for change in self.changes)])
        return [since + dt.timedelta(days=more) for more in range((last - since).days + 1)]

    def lets_go(self, matter: int, cents: int, on: dt.date, *, of_bank: bool) -> bool:
        """Whether ``cents`` may leave the ledger on a day, and every later one bears it."""
        days = self.days(on)
        held = sum(amount for owner, amount in self.held.values() if owner == matter)
        return (
            all(self.balance(matter, day) - self.waits(matter, day) >= cents for day in days)
            and (not of_bank or all(self.bank(day) >= cents for day in days))
            and self.balance(matter, days[-1]) - self.waits(matter, days[-1]) - held >= (cents if held else 0)
        )


class Play:
    """One sequence, on two matters, with a clock that only the sequence moves."""

    def __init__(self, world: World, advance: Callable[[dt.timedelta], None]) -> None:
        self.world, self.advance, self.model = world, advance, Model()
        self.matters: list[Matter] = [world.matter, world.bobs_matter]
        self.words: list[TrustAuthorisation] = []
        self.done: dict[int, TrustMovement] = {}
        self.holds: list[TrustHold] = []
        self.disputes: list[tuple[TrustMovement, int]] = []
        self.numbers = itertools.count()

    def step(self, kind: str, who: int, cents: int, back: int, pick: int) -> None:
        if kind == "wait":
            self.advance(dt.timedelta(days=back + 1))
        else:
            getattr(self, kind)(who, cents, back, pick)
        self.check()

    def tried(self, act: Callable[[], Any], expected: bool) -> Any:
        """Do it as a request would: all or nothing; the model has said whether it may be done."""
        try:
            with db.db.atomic():
                done = act()
        except Refused as problem:
            done, why = None, str(problem)
        else:
            why = "taken"
        assert (done is not None) == expected, f"the model differs: {why}"
        return done

    def deposit(self, who: int, cents: int, back: int, pick: int) -> None:
        method = list(CLEARS)[pick % 3]
        at = trust.open_clearing("fake", account(), "Fake") if method == "card" else ""
        row = deposit(self.world, cents, matter=self.matters[who], ago=back, method=method, at=at)
        clears_on = row.occurred_on + dt.timedelta(days=CLEARS[method])
        self.model.receipts[row.id] = Receipt(row.occurred_on, who, cents, clears_on, not at)
        self.model.changes.append(Change(row.occurred_on, who, cents, 0 if at else cents))
        self.done[row.id] = row

    def word(self, who: int, cents: int, back: int, pick: int) -> None:
        expected = who not in self.model.short and self.model.lets_go(who, cents, today(), of_bank=False)
        word = self.tried(lambda: authorise(self.world, cents, matter=self.matters[who]), expected)
        self.words += [word] if word else []

    def pay(self, who: int, cents: int, back: int, pick: int) -> None:
        if not self.words:
            return
        word = self.words[pick % len(self.words)]
        first = clock.local(word.authorised_at, "America/Chicago").date()
        on = max(today() - dt.timedelta(days=back), first)
        owner, amount = [row.id for row in self.matters].index(word.matter_id), word.amount_cents
        used = any(row.authorisation_id == word.id for row in self.done.values())
        may = owner not in self.model.short and self.model.lets_go(owner, amount, on, of_bank=True)
        row = self.tried(lambda: trust.pay_out(word, on=on, method="check", by=self.world.erin), may or used)
        if row and not used:
            self.model.changes.append(Change(on, owner, -amount, -amount))
            self.done[row.id] = row

    def transfer(self, who: int, cents: int, back: int, pick: int) -> None:
        expected = who not in self.model.short and self.model.lets_go(who, cents, today(), of_bank=False)

        def act() -> TrustMovement:
            source, target = self.matters[who], self.matters[1 - who]
            word = authorise(self.world, cents, matter=source, kind="transfer", payee="X", to_matter=target)
            return trust.transfer(word, on=today(), by=self.world.erin)

        row = self.tried(act, expected)
        if row:
            self.model.changes += [Change(today(), who, -cents, 0), Change(today(), 1 - who, cents, 0)]
            self.done[row.id] = row

    def _back(self, kind: str, cents: int, pick: int) -> None:
        ids = [key for key, row in self.model.receipts.items() if kind == "return" or not row.at_bank]
        if not ids:
            return
        receipt = self.model.receipts[ids[pick % len(ids)]]
        row = TrustMovement.get_by_id(ids[pick % len(ids)])
        left = receipt.cents - sum(amount for _, amount in receipt.back)
        cents = left if pick % 2 else cents

        def act() -> TrustMovement:
            return trust.post_returned(
                row, cents=cents, on=today(), reason="x", kind=kind, source=f"play:{kind}:{next(self.numbers)}"
            )

        if cents < 1:
            return
        is_short = any(self.model.balance(receipt.matter, day) < cents for day in self.model.days(today()))
        found = self.tried(act, cents <= left)
        if found:
            receipt.back.append((today(), cents))
            self.model.changes.append(Change(today(), receipt.matter, -cents, -cents if receipt.at_bank else 0))
            self.model.short |= {receipt.matter} if is_short else set()
            if kind == "dispute":
                self.disputes.append((found, row.id))

    def bounce(self, who: int, cents: int, back: int, pick: int) -> None:
        self._back("return", cents, pick)

    def dispute(self, who: int, cents: int, back: int, pick: int) -> None:
        self._back("dispute", cents, pick)

    def won(self, who: int, cents: int, back: int, pick: int) -> None:
        if not self.disputes:
            return
        row, receipt_id = self.disputes.pop(pick % len(self.disputes))
        receipt = self.model.receipts[receipt_id]
        trust.post_dispute_won(row, on=today())
        receipt.back.append((today(), -row.amount_cents))
        self.model.changes.append(Change(today(), receipt.matter, row.amount_cents, 0))

    def payout(self, who: int, cents: int, back: int, pick: int) -> None:
        """The gateway pays out what it has."""
        at = ledger.clearing("fake", "trust")
        there = ledger.account_balance(at)
        if there > 0:
            legs = [Leg(ledger.bank(account().id), there), Leg(at, -there)]
            ledger.post(
                "trust_payout", legs, occurred_on=today(), description="Payout", currency="USD",
                source=f"play:payout:{next(self.numbers)}",
            )  # fmt: skip
            self.model.changes.append(Change(today(), -1, 0, there))

    def void(self, who: int, cents: int, back: int, pick: int) -> None:
        ids = list(self.done)
        if not ids:
            return
        row = self.done.pop(ids[pick % len(ids)])
        receipt, owner = self.model.receipts.get(row.id), [m.id for m in self.matters].index(row.matter_id)
        sign, loser = (-1, owner) if receipt else (1, None)
        if row.kind == "transfer":
            loser = 1 - owner
        expected = not (receipt and receipt.back)
        if receipt:
            receipt.back.append((today(), row.amount_cents))
        if loser is not None and expected:
            of_bank = receipt is not None and receipt.at_bank
            expected = self.model.lets_go(loser, row.amount_cents, today(), of_bank=of_bank)
        if receipt and not expected:
            receipt.back.pop()
        found = self.tried(lambda: trust.correct(row, on=today(), reason="x", by=self.world.erin), expected)
        if found is None:
            self.done[row.id] = row
        elif row.kind == "transfer":
            self.model.changes += [
                Change(today(), owner, row.amount_cents, 0), Change(today(), 1 - owner, -row.amount_cents, 0)
            ]  # fmt: skip
        else:
            cents = sign * row.amount_cents
            at_bank = receipt is None or receipt.at_bank
            self.model.changes.append(Change(today(), owner, cents, cents if at_bank else 0))

    def hold(self, who: int, cents: int, back: int, pick: int) -> None:
        held = sum(amount for owner, amount in self.model.held.values() if owner == who)
        there = self.model.balance(who, self.model.days(today())[-1])
        row = self.tried(
            lambda: trust.hold(self.matters[who], account(), amount_cents=cents, reason="x", by=self.world.erin),
            cents <= there - held,
        )
        if row:
            self.model.held[row.id] = (who, cents)
            self.holds.append(row)

    def release(self, who: int, cents: int, back: int, pick: int) -> None:
        if self.holds:
            row = self.holds.pop(pick % len(self.holds))
            trust.release(row, note="x", by=self.world.dan)
            del self.model.held[row.id]

    def clear(self, who: int, cents: int, back: int, pick: int) -> None:
        ids = list(self.model.receipts)
        if not ids:
            return
        receipt = self.model.receipts[ids[pick % len(ids)]]
        row = TrustMovement.get_by_id(ids[pick % len(ids)])
        on = max(today() - dt.timedelta(days=back), receipt.day)
        if not trust.TrustClearing.select().where(trust.TrustClearing.movement == row.id).exists():
            receipt.clears_on = min(receipt.clears_on, on)
        trust.clear(row, on=on, note="x", by=self.world.erin)

    def replenish(self, who: int, cents: int, back: int, pick: int) -> None:
        for row in trust.open_incidents():
            owner = [m.id for m in self.matters].index(row.matter_id)
            due = -self.model.balance(owner, self.model.days(today())[-1])
            assert trust.to_replenish(row) == max(due, 0)
            trust.replenish(row, operating(), on=today(), reference="", by=self.world.erin)
            if due > 0:
                self.model.changes.append(Change(today(), owner, due, due))
            self.model.short.discard(owner)

    def check(self) -> None:
        """Every ledger as it stands, against the model."""
        for who, matter in enumerate(self.matters):
            last = self.model.days(today())[-1]
            (now,) = trust.standings(matter, last)
            assert (now.balance_cents, now.uncleared_cents) == (
                self.model.balance(who, last),
                self.model.waits(who, last),
            )
            assert now.is_stopped == (who in self.model.short)

    def prove(self) -> None:
        """T01 to T03, and every balance on every day on which something happened."""
        assert trust.problems() == []
        for day in {change.day for change in self.model.changes}:
            for who, matter in enumerate(self.matters):
                assert trust.balance(matter, account(), day) == self.model.balance(who, day)
        books = trust.books_of(self.world.carol, account())
        assert books.book_cents == books.ledgers_cents
        assert books.bank_cents == self.model.bank(self.model.days(today())[-1])


def test_T22_any_sequence_keeps_the_rules_and_agrees_with_a_naive_model(
    world: World, engine: Engine, request: pytest.FixtureRequest
) -> None:
    trust.open_books(account())
    wanted = request.config.getoption("--trust-sequences")
    count = wanted if wanted and engine.name == "sqlite" else USUAL[engine.name]

    @settings(
        max_examples=count, deadline=None, database=None, print_blob=False, phases=[Phase.generate],
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
    )  # fmt: skip
    @given(st.lists(STEP, min_size=4, max_size=24))
    def run(steps: list[tuple[str, int, int, int, int]]) -> None:
        start = clock.now() - dt.timedelta(days=400)
        with clock.frozen(start) as advance, transaction(), db.db.atomic() as undone:
            play = Play(world, advance)
            for step in steps:
                play.step(*step)
            play.prove()
            undone.rollback()

    run()


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
