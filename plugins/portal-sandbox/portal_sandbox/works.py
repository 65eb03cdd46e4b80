"""What stands behind the companion's routes: the till, and the faults that it can play."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime

from flask import current_app

from portal_sandbox.till import Till


@dataclass(frozen=True, slots=True)
class Works:
    till: Till
    sleep: Callable[[int], object]
    slow_seconds: int

    def today(self) -> date:
        return datetime.fromtimestamp(self.till.clock(), UTC).date()

    def spoil(self, fault: str) -> None:
        """Wait where the scenario wants a slow answer. The charge is committed by then."""
        if fault == "slow":
            self.sleep(self.slow_seconds)


def works() -> Works:
    found: Works = current_app.extensions["sandbox"]
    return found
