"""What stands behind the companion's routes: the books and who works with them, and the faults that it can play."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime

from flask import current_app

from portal_sandbox.books import Books
from portal_sandbox.office import Office
from portal_sandbox.postman import Postman
from portal_sandbox.scenarios import Scenario
from portal_sandbox.till import Till


@dataclass(frozen=True, slots=True)
class Works:
    books: Books
    till: Till
    office: Office
    postman: Postman
    sleep: Callable[[int], object]
    slow_seconds: int

    def today(self) -> date:
        return datetime.fromtimestamp(self.books.clock(), UTC).date()

    def is_lost(self, scenario: Scenario) -> bool:
        """Play the scenario's fault: wait where it wants a slow answer; returns whether the answer is to be lost.
        What was asked for is committed by then."""
        if scenario.fault == "slow":
            self.sleep(self.slow_seconds)
        return scenario.fault == "lost"


def works() -> Works:
    found: Works = current_app.extensions["sandbox"]
    return found
