"""Every fault with every timing of the webhook, every habit of the payer, and a fresh or stale index: each cell is run
through the real portal, and the gateway's own books are counted against the ledger."""

from __future__ import annotations

import datetime as dt
import itertools
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from enum import StrEnum

from portal_app import verify
from portal_app.testing.line import Fault
from portal_app.testing.proof.rig import Killed, Payer, Rig, is_held


class Hook(StrEnum):
    """When the gateway's webhooks arrive."""

    NEVER = "never"
    DURING = "before the answer"
    AFTER = "after the answer"
    LATE = "a day late"
    TWICE_REVERSED = "twice, the last first"


class Habit(StrEnum):
    """What the payer does."""

    WAITS = "waits"
    PRESSES_TWICE = "presses twice"
    SECOND_TAB = "second tab"
    SECOND_CARD = "second card"


KILLED_BEFORE, KILLED_AFTER, NO_FAULT = "killed before sending", "killed once it was taken", "no fault"
FAULTS: tuple[str, ...] = (
    NO_FAULT, Fault.REFUSED, Fault.LOST_BEFORE, Fault.LOST_AFTER, Fault.ERROR_BEFORE, Fault.ERROR_AFTER,
    Fault.GARBAGE_AFTER, Fault.TOO_MANY, KILLED_BEFORE, KILLED_AFTER,
)  # fmt: skip
WRONGS = ("double charges", "lost payments", "stuck payments", "wrong balances")
PATIENCE = tuple(
    dt.timedelta(minutes=minutes) for minutes in (1, 3, 15, 70, 7 * 60, 20 * 60, 3 * 24 * 60, 11 * 24 * 60)
)


@dataclass(frozen=True, slots=True)
class Cell:
    """One way that a payment can go."""

    fault: str
    hook: Hook
    habit: Habit
    is_stale: bool

    def __str__(self) -> str:
        index = "stale index" if self.is_stale else "fresh index"
        return f"{self.fault} · webhook {self.hook} · {self.habit} · {index}"


def cells() -> list[Cell]:
    """All of them."""
    return [Cell(*each) for each in itertools.product(FAULTS, Hook, Habit, (False, True))]


@dataclass(slots=True)
class Tally:
    """What was counted: cells run, and what was wrong, with the cells that it happened in."""

    cells: int = 0
    charges: int = 0
    wrong: dict[str, list[str]] = field(default_factory=lambda: {name: [] for name in WRONGS})

    @property
    def is_clean(self) -> bool:
        return not any(self.wrong.values())

    def add(self, other: Tally) -> None:
        self.cells, self.charges = self.cells + other.cells, self.charges + other.charges
        for name, where in other.wrong.items():
            self.wrong[name] += where

    def line(self) -> str:
        found = ", ".join(f"{name} {len(where)}" for name, where in self.wrong.items())
        return f"{self.cells} cells, {self.charges} charges: {found}"


def prove(rig: Rig, wanted: Iterable[Cell], tick: Callable[[], object] = lambda: None) -> Tally:
    """Run the cells one after another on one portal; at the end its books are proved as a whole."""
    tally, at = Tally(), _taking_request(rig)
    for cell in wanted:
        payer = run(rig, cell, at)
        tally.cells += 1
        if cell.fault == NO_FAULT and not rig.taken_of(payer):
            raise RuntimeError(f"the fake takes no payment any more, without any fault: {cell}")
        for wrong in _wrongs(rig, payer, tally):
            tally.wrong[wrong].append(str(cell))
        tick()
    tally.wrong["wrong balances"] += verify.verify().faults
    return tally


def _taking_request(rig: Rig) -> int:
    """Which of the requests of a charge takes the money, counted from 0: found by a charge that goes well."""
    rig.line.watches = True
    rig.line.arm(None)
    payer, first = rig.payer(), len(rig.line.sent)
    form = rig.open_form(payer)
    first = len(rig.line.sent)
    rig.press(payer, form)
    rig.line.watches = False
    made = rig.line.sent[first:]
    rig.new_deliveries()
    return next(number for number, sent in enumerate(made) if sent.has_moved)


def run(rig: Rig, cell: Cell, at: int) -> Payer:
    """One payer, from Pay Now to the end of everybody's patience."""
    payer = rig.payer()
    with rig.stale_index(cell.is_stale):
        forms = [rig.open_form(payer) for _ in range(2)]
        _arm(rig, cell, at)
        _press(rig, payer, forms[0])
        rig.line.arm(None)
        rig.line.before = rig.line.after = _quiet
        _habit(rig, cell, payer, forms)
        if cell.hook is Hook.AFTER:
            rig.deliver(rig.new_deliveries())
            rig.work()
        for wait in PATIENCE[:1]:
            rig.go_on(wait)
    for wait in PATIENCE[1:]:
        rig.go_on(wait)
        _deliver(rig, cell, wait)
    rig.work()
    return payer


def _quiet() -> None:
    return None


def _die() -> None:
    raise Killed


def _arm(rig: Rig, cell: Cell, at: int) -> None:
    """Plant the fault at the request that takes the money."""
    if cell.fault in set(Fault):
        rig.line.arm(Fault(cell.fault), at)
    else:
        rig.line.arm(None)
    actions = {KILLED_BEFORE: ("before", _die), KILLED_AFTER: ("after", _die)}
    side, action = actions.get(cell.fault, ("", _quiet))
    if cell.hook is Hook.DURING and not side:
        side, action = "after", rig.deliver_beside
    if side:
        setattr(rig.line, side, _at_request(rig, at, action))


def _at_request(rig: Rig, at: int, action: Callable[[], object]) -> Callable[[], object]:
    """Do it at request number ``at`` alone."""
    return lambda: action() if rig.line.count == at + 1 else None


def _press(rig: Rig, payer: Payer, form: dict[str, str]) -> None:
    try:
        rig.press(payer, form)
    except Killed:
        rig.restart()


def _habit(rig: Rig, cell: Cell, payer: Payer, forms: list[dict[str, str]]) -> None:
    """What the payer does once the first press has been answered, or has not."""
    if cell.habit is Habit.PRESSES_TWICE:
        rig.press(payer, forms[0])
    elif cell.habit is Habit.SECOND_TAB:
        rig.press(payer, forms[1])
    elif cell.habit is Habit.SECOND_CARD:
        rig.press(payer, rig.open_form(payer))
    for payment in payer.payments:
        payer.browser.get(f"/portal/payments/{payment.public_id}")


def _deliver(rig: Rig, cell: Cell, wait: dt.timedelta) -> None:
    """Webhooks that come late; those of never are thrown away."""
    if cell.hook is Hook.NEVER:
        rig.new_deliveries()
    elif cell.hook is not Hook.LATE or wait >= dt.timedelta(hours=20):
        fresh = rig.new_deliveries()
        twice = [*reversed(fresh), *reversed(fresh)] if cell.hook is Hook.TWICE_REVERSED else fresh
        rig.deliver(twice)
        rig.work()


def _wrongs(rig: Rig, payer: Payer, tally: Tally) -> Iterator[str]:
    taken, made = rig.taken_of(payer), payer.payments
    total = payer.invoice.total_cents
    tally.charges += len(taken)
    came = sum(row.amount_minor for row in taken)
    if len({row.reference for row in taken}) < len(taken) or came > total:
        yield "double charges"
    booked = sum(payment.paid_cents for payment in made if payment.state == "succeeded")
    if booked < came:
        yield "lost payments"
    if any(is_held(payment) for payment in made):
        yield "stuck payments"
    if rig.owed_on(payer) != total - came or booked > came:
        yield "wrong balances"
