"""How a mistake is planted: a small change to the good gateway, a sentence, and the check that must catch it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from portal_app.testing.skeleton.example_wire import ExampleWire


@dataclass(frozen=True)
class Mistake:
    make: Callable[[], object]
    says: str
    caught_by: tuple[str, ...]
    wire: type[ExampleWire]

    @property
    def name(self) -> str:
        return getattr(self.make, "__name__", "mistake")


MISTAKES: list[Mistake] = []


def planted(
    *checks: str, wire: type[ExampleWire] = ExampleWire
) -> Callable[[Callable[[], object]], Callable[[], object]]:
    """Plant the class (or whatever makes a gateway): each of ``checks`` must catch it."""

    def plant(make: Callable[[], object]) -> Callable[[], object]:
        MISTAKES.append(Mistake(make, (make.__doc__ or "").strip(), checks, wire))
        return make

    return plant
