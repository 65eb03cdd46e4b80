"""Sequences of what can happen to trust money, made by chance and played on the portal and on a naive model.

A sequence is a trust account of its own; all of a batch lie in one database, where everything is committed as a
request commits it. A step is planned on the model, tried on the portal, and booked in the model when the portal took
it: the two must agree on whether, and on what every ledger holds after it.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import permutations
from typing import Any

from peewee import IntegrityError

from portal_app import clock, db
from portal_app.db import transaction
from portal_app.domain import ledger, trust
from portal_app.domain.errors import Refused
from tests.trust_acts import Acts, Plan
from tests.trust_model import FLOAT, Model
from tests.trust_steps import Step, steps_of
from tests.world import World, today

BEGINS = dt.datetime(2025, 3, 3, 18)  # noqa: DTZ001  naive UTC, as everything stored


class Play(Acts):
    """One sequence, with a clock that only the sequence moves."""

    def step(self, steps: tuple[Step, ...]) -> None:
        if steps[0].kind == "wait":
            self.advance(dt.timedelta(days=steps[0].back + 1))
            return
        plans = [plan for step in steps if (plan := getattr(self, step.kind)(step)) is not None]
        if len(plans) > 1:
            with ThreadPoolExecutor(len(plans)) as threads:
                results = list(threads.map(_alone, plans))
        else:
            results = [_tried(plan) for plan in plans]
        self.model = self._agreeing(plans, results)
        self.check()

    def _agreeing(self, plans: Sequence[Plan], results: Sequence[tuple[Any, str]]) -> Model:
        """The model after the plans, in one of the orders in which they can have come."""
        for order in permutations(range(len(plans))):
            model = self.model.copy() if len(plans) > 1 else self.model
            for at in order:
                plan, (row, _) = plans[at], results[at]
                if plan.may(model) != (row is not None):
                    break
                if row is not None:
                    plan.book(model, row)
            else:
                return model
        raise AssertionError(f"the model differs: {[why for _, why in results]}")

    # Proofs

    def check(self) -> None:
        """Every ledger as it stands, against the model."""
        last = self.model.days(today())[-1]
        for who, matter in enumerate(self.matters):
            shown = trust.balance(matter, self.account, last), trust.uncleared(matter, self.account, last)
            assert shown == (self.model.balance(who, last), self.model.waits(who, last))
            assert (trust.open_incident(matter, self.account) is not None) == (who in self.model.short)

    def prove(self) -> None:
        """Every balance on every day on which something happened, and the account as its page shows it."""
        for day in {change.day for change in self.model.changes}:
            for who, matter in enumerate(self.matters):
                assert trust.balance(matter, self.account, day) == self.model.balance(who, day)
        last = self.model.days(today())[-1]
        if self.number % 4 == 0:
            books = trust.books_of(self.world.carol, self.account)
            assert books.book_cents == books.ledgers_cents + books.float_cents
            assert books.bank_cents == self.model.bank(last)
        assert trust.firm_float(self.account) == self.model.balance(FLOAT, last)
        for key, bill in self.model.bills.items():
            assert ledger.invoice_balance(key) == bill.owed

    def expected(self) -> Iterator[tuple[str, int]]:
        """What another program must find: by account and matter, debit plus."""
        totals = self.model.totals(range(2))
        for who, matter in enumerate(self.matters):
            yield f"{ledger.client_money(self.account.id)}|{matter.number}", -totals[who]
        yield f"{ledger.firm_float(self.account.id)}|", -totals[FLOAT]
        yield f"{ledger.bank(self.account.id)}|", self.model.bank(dt.date.max)
        yield f"{self.at}|", self.model.at_gateway


def _tried(plan: Plan) -> tuple[Any, str]:
    """Do it as a request would, all or nothing: what it made, or why not."""
    try:
        with transaction():
            return plan.act(), "taken"
    except (Refused, IntegrityError) as problem:
        return None, str(problem)


def _alone(plan: Plan) -> tuple[Any, str]:
    """The same, by somebody else: on a connection of their own."""
    try:
        return _tried(plan)
    finally:
        db.db.close()


def play(world: World, number: int) -> Play:
    """Play a sequence.

    Raises:
        AssertionError: saying at which of its steps the portal and the model differ.
    """
    with clock.frozen(BEGINS + dt.timedelta(days=number % 300)) as advance:
        game, steps = Play(world, number, advance), steps_of(number)
        for at, step in enumerate(steps, 1):
            try:
                game.step(step)
            except AssertionError as problem:
                raise AssertionError(f"sequence {number}, step {at} of {steps[:at]}: {problem}") from problem
        game.prove()
    return game
