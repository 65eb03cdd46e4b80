"""What the firm's rule pack asks of reconciliations: how often, how soon, and who signs."""

from __future__ import annotations

from dataclasses import dataclass

from portal_app import config
from portal_app.domain import trust


@dataclass(frozen=True, slots=True)
class Rules:
    """``months``: how many a period has at most. ``within_days``: how long after its end it must be closed.
    ``inactive_days``: a client's money that has not moved for longer is flagged (T15). ``two_people``: who reviews and
    closes is not who prepared, by the pack or by the firm's own setting. ``words`` and ``source``: T14 as the pack
    says it."""

    months: int
    within_days: int
    inactive_days: int
    two_people: bool
    words: str
    source: str


def rules(code: str = "") -> Rules:
    """Those of the pack ``code``; without one, of the pack in force at this firm."""
    pack = trust.pack_of(code) if code else trust.pack()
    two = pack.choice("reconciliation_people") == "two" or config.active().reconcile_by_two
    return Rules(
        months=pack.number("reconciliation_months"), within_days=pack.number("reconciliation_days"),
        inactive_days=pack.number("inactive_days"), two_people=two, words=pack.rules["T14"].words,
        source=pack.rules["T14"].citation,
    )  # fmt: skip
