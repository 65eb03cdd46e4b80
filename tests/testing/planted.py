"""How a mistake is planted: a small change to the good gateway, a sentence, and the check that must catch it."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass

from portal_app.testing.skeleton.example_wire import ExampleWire


@dataclass(frozen=True)
class Mistake:
    make: Callable[[], object]
    says: str
    caught_by: tuple[str, ...]
    wire: type[ExampleWire]
    host: Callable[[], AbstractContextManager[object]]

    @property
    def name(self) -> str:
        return getattr(self.make, "__name__", "mistake")


MISTAKES: list[Mistake] = []


def planted(
    *checks: str,
    wire: type[ExampleWire] = ExampleWire,
    host: Callable[[], AbstractContextManager[object]] = nullcontext,
) -> Callable[[Callable[[], object]], Callable[[], object]]:
    """Plant the class: each of ``checks`` must catch it. ``host`` plants something in the portal itself meanwhile."""

    def plant(make: Callable[[], object]) -> Callable[[], object]:
        MISTAKES.append(Mistake(make, (make.__doc__ or "").strip(), checks, wire, host))
        return make

    return plant
