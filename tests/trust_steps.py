"""What may happen to trust money, as sequences made by chance: the same number, the same sequence."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass

WEIGHTS = {
    "deposit": 5, "word": 5, "pay": 6, "transfer": 3, "bounce": 2, "dispute": 2, "won": 1, "void": 4, "hold": 2,
    "release": 1, "clear": 1, "replenish": 2, "payout": 2, "float_in": 1, "float_out": 1, "charge": 1, "apply": 3,
    "void_bill": 1, "wait": 5,
}  # fmt: skip
KINDS, WEIGHED = list(WEIGHTS), list(WEIGHTS.values())
THEN = {
    "word": "pay", "dispute": "won", "hold": "release", "float_in": "float_out", "charge": "replenish",
    "bounce": "replenish",
}  # fmt: skip
AT_ONCE = ("deposit", "pay", "pay", "transfer", "bounce", "void", "hold", "apply", "float_out", "charge")


@dataclass(frozen=True)
class Step:
    """What may happen: to one of two matters, how much, how many days ago, and which of several."""

    kind: str
    who: int
    cents: int
    back: int
    pick: int


Steps = list[tuple[Step, ...]]


def steps_of(number: int) -> Steps:
    """The sequence of this number, always the same. Of ten, two have steps that two people do at the same moment, two
    an invoice, one a period that is closed."""
    chance = random.Random(number)

    def one(kinds: Sequence[str], weights: Sequence[int] | None = None) -> Step:
        kind = chance.choices(kinds, weights)[0]
        return Step(
            kind, chance.randrange(2), chance.randint(1, 100), chance.choice((0, 0, 0, 1, 3, 12)), chance.randrange(10)
        )

    found: Steps = [(one(["deposit"]),), (one(["deposit"]),)]
    for _ in range(chance.randint(3, 11)):
        is_pair = number % 5 == 0 and chance.randrange(3) == 0
        found.append((one(AT_ONCE), one(AT_ONCE)) if is_pair else (one(KINDS, WEIGHED),))
        if (then := THEN.get(found[-1][0].kind)) and chance.randrange(2):
            found.append((one([then]),))
    if number % 5 == 1:
        found.insert(1, (one(["bill"]),))
        for _ in range(2):
            found.insert(chance.randrange(3, len(found)), (one(["apply"]),))
    if number % 10 == 2:
        found.insert(chance.randrange(2, len(found)), (one(["close"]),))
    return found
