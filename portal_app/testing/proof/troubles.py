"""What goes wrong in a simulated month: on the line, with the process, the disk, the mail server and the clocks."""

from __future__ import annotations

import datetime as dt
import random
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from unittest import mock

from peewee import OperationalError

from portal_app import clock
from portal_app.domain import mail, store
from portal_app.testing.line import Fault
from portal_app.testing.proof.rig import Killed, Rig, quiet
from portal_app.testing.wire import Wire

FULL = OSError("No space left on device")
WRITES = ("INSERT", "UPDATE", "DELETE", "insert", "update", "delete")
CHANGES = (*WRITES, "COMMIT")
OUTAGES = (Fault.REFUSED, Fault.LOST_BEFORE, Fault.ERROR_BEFORE, Fault.TOO_MANY, Fault.LOST_AFTER, Fault.ERROR_AFTER)
JUMPS = tuple(dt.timedelta(minutes=minutes) for minutes in (-2 * 1440, -360, -20, -2, 2, 20, 360, 2 * 1440))


class Troubles:
    """Draws what goes wrong, one thing at a time. ``had`` counts what there was."""

    def __init__(self, rig: Rig, chance: random.Random) -> None:
        self.rig, self.chance = rig, chance
        self.had: Counter[str] = Counter()
        self.outage: Fault | None = None
        self.off = dt.timedelta()
        self.steps_left = 0

    @contextmanager
    def one(self) -> Iterator[None]:
        """One trouble, or none, for what is done inside. An outage and a wrong clock last for some more."""
        self._go_on()
        kinds: list[Callable[[ExitStack], object]] = [
            *[self.nothing] * 8, *[self.request_fails] * 2, *[self.dies_before_request] * 2,
            *[self.dies_after_request] * 2, *[self.dies_at_write] * 2, self.disk_full_of_rows,
            self.disk_full_of_files, self.mail_server_dead, self.list_lags, self.gateway_down, self.clock_wrong,
        ]  # fmt: skip
        kind = self.chance.choice(kinds)
        self.had[getattr(kind, "__name__", "")] += 1
        with ExitStack() as stack:
            stack.callback(self._heal)
            kind(stack)
            yield

    def end(self) -> None:
        """Everything is well again, for good."""
        self.steps_left = 1
        self._go_on()
        self._heal()

    def _go_on(self) -> None:
        self.steps_left -= 1
        if self.steps_left <= 0:
            self.rig.set_clock_off(-self.off)
            self.off, self.outage = dt.timedelta(), None

    def _heal(self) -> None:
        line = self.rig.line
        line.before = line.after = lambda: None
        line.arm(self.outage, lasts=True)
        self.rig.pulse = quiet

    # The line

    def nothing(self, _stack: ExitStack) -> None:
        """All is well, but for what still lasts."""
        self.rig.line.arm(self.outage, lasts=True)

    def request_fails(self, _stack: ExitStack) -> None:
        self.rig.line.arm(self.chance.choice(sorted(Fault)), self.chance.randrange(3))

    def gateway_down(self, _stack: ExitStack) -> None:
        """For some steps, nights among them."""
        self.outage, self.steps_left = self.chance.choice(OUTAGES), self.chance.randrange(2, 9)
        self.rig.line.arm(self.outage, lasts=True)

    def list_lags(self, stack: ExitStack) -> None:
        """What is made now is not found by a search, as long as the manifest says that this may be."""
        horizon = max(self.rig.manifest.absence_horizon_seconds - 1, 1)
        self.rig.stale_until = clock.now() + dt.timedelta(seconds=horizon)
        if type(self.rig.wire).lag is not Wire.lag:
            self.rig.wire.lag(True)
            stack.callback(self.rig.wire.lag, False)

    # The process

    def dies_before_request(self, _stack: ExitStack) -> None:
        self.rig.line.before = self._dying(self.chance.randrange(3))

    def dies_after_request(self, _stack: ExitStack) -> None:
        self.rig.line.after = self._dying(self.chance.randrange(3))

    def _dying(self, at: int) -> Callable[[], object]:
        """At request number ``at``."""

        def die() -> None:
            if self.rig.line.count == at + 1:
                raise Killed

        return die

    def dies_at_write(self, _stack: ExitStack) -> None:
        """Before any write or commit; what is dead says nothing more to the database. Reads are not counted: how many
        there are depends on what the process remembers, and one seed is to be one run."""
        left = self.chance.randrange(40)

        def pulse(sql: str) -> None:
            nonlocal left
            left -= sql.startswith(CHANGES)
            if left < 0:
                raise Killed

        self.rig.pulse = pulse

    # The disk and the mail

    def disk_full_of_rows(self, _stack: ExitStack) -> None:
        """Some writes still find room, the rest does not."""
        room = self.chance.randrange(40)

        def pulse(sql: str) -> None:
            nonlocal room
            room -= sql.startswith(WRITES)
            if room < 0 and sql.startswith(CHANGES):
                raise OperationalError("database or disk is full")

        self.rig.pulse = pulse

    def disk_full_of_files(self, stack: ExitStack) -> None:
        stack.enter_context(mock.patch.object(store, "put_bytes", side_effect=FULL))

    def mail_server_dead(self, stack: ExitStack) -> None:
        stack.enter_context(mock.patch.object(mail, "send", side_effect=OSError("Connection refused")))

    # The clock

    def clock_wrong(self, _stack: ExitStack) -> None:
        """The portal's clock jumps, and for some steps later back."""
        if not self.off:
            self.off, self.steps_left = self.chance.choice(JUMPS), self.chance.randrange(2, 9)
            self.rig.set_clock_off(self.off)
