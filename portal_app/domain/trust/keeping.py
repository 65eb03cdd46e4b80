"""What may not be closed or thrown away while it is about clients' money (T16, T20)."""

from __future__ import annotations

import datetime as dt

from peewee import fn

from portal_app import money
from portal_app.db import sum_of, transaction
from portal_app.domain import firms, matters
from portal_app.domain.errors import Refused
from portal_app.domain.ledger import SUSPENSE, UNAPPLIED, RunningTotal
from portal_app.domain.matters import Matter
from portal_app.domain.trust.balances import accounts_of, balance
from portal_app.domain.trust.models import TrustMovement
from portal_app.domain.trust.policy import pack, refused


def close_matter(matter: Matter, on: dt.date) -> None:
    """Close a matter on which no client money is left.

    Raises:
        RuleRefused: money is in trust, or not applied to an invoice (T20).
        Refused: the day is before it was opened.
    """
    with transaction():
        check_empty(matter)
        matters.close(matter, on)


def check_empty(matter: Matter) -> None:
    """Refuse when a matter has money of its client's, in trust or not applied."""
    hand = firms.current().money
    for account in accounts_of(matter):
        cents = balance(matter, account)
        if cents:
            said = f"{money.show(cents, hand)} is in {account.name}. Give it back, transfer it or apply it first."
            raise refused("T20", said, "closed_on")
    open_cents = RunningTotal.select(fn.SUM(RunningTotal.balance_cents)).where(
        (RunningTotal.matter_id == matter.id) & RunningTotal.account_code.in_([UNAPPLIED, SUSPENSE])
    )
    cents = -sum_of(open_cents.scalar())
    if cents:
        said = f"{money.show(cents, hand)} was paid and is on no invoice. Give it back or apply it first."
        raise refused("T20", said, "closed_on")


def kept_until(matter: Matter) -> dt.date | None:
    """The day from which the records of a closed matter's trust money may be thrown away; ``None`` while it is open."""
    if matter.closed_on is None:
        return None
    last = TrustMovement.select(fn.MAX(TrustMovement.occurred_on)).where(
        (TrustMovement.matter == matter.id) | (TrustMovement.to_matter == matter.id)
    )
    latest = last.scalar() or matter.closed_on
    latest = dt.date.fromisoformat(latest) if isinstance(latest, str) else latest
    return _years_after(max(matter.closed_on, latest), pack().number("retention_years"))


def _years_after(day: dt.date, years: int) -> dt.date:
    try:
        return day.replace(year=day.year + years)
    except ValueError:  # a 29th of February
        return day.replace(year=day.year + years, month=3, day=1)


def check_purge(matter: Matter, on: dt.date) -> None:
    """Refuse to throw away a matter, or its client, before the records of its money may go (T16). Whatever deletes one
    asks here first; the portal itself deletes neither.

    Raises:
        RuleRefused: saying until when they are kept.
    """
    moved = (TrustMovement.matter == matter.id) | (TrustMovement.to_matter == matter.id)
    if not TrustMovement.select().where(moved).exists():
        if matter.closed_on is None:
            raise Refused("An open matter is not thrown away.")
        return
    until = kept_until(matter)
    if until is None:
        raise refused("T16", "The matter is open.")
    if on < until:
        raise refused("T16", f"The records of this matter's money are kept until {until.isoformat()}.")
