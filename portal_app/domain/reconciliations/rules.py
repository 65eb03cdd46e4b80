"""What a state asks of reconciliations: how often, how soon, and who signs."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Rules:
    """``months``: how many a period has at most. ``within_days``: how long after its end it must be closed.
    ``inactive_days``: a client's money that has not moved for longer is flagged. ``two_people``: who reviews and closes
    is not who prepared. ``source``: where that is said."""

    months: int
    within_days: int
    inactive_days: int
    two_people: bool
    source: str


DEFAULT = Rules(
    months=1, within_days=30, inactive_days=365, two_people=False,
    source="ABA Model Rules for Client Trust Account Records, rule 1(i)",
)  # fmt: skip


def rules() -> Rules:
    """Those in force at this firm."""
    return DEFAULT
