"""What the two plain-text bookkeeping formats have in common: how accounts are called, and the order of a file."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterable
from dataclasses import dataclass

from portal_app.domain.exports import reading
from portal_app.domain.exports.reading import Leg, Wanted
from portal_app.domain.ledger import Account

ROOTS = {
    "asset": "Assets",
    "liability": "Liabilities",
    "equity": "Equity",
    "income": "Income",
    "expense": "Expenses",
}


def account_names(chart: Iterable[Account]) -> dict[str, str]:
    """For each account's code what it is called: its nature, its fund, its code. ``clearing:stripe`` of operating
    money is ``Assets:Operating:Clearing:Stripe``. No two are alike."""
    found: dict[str, str] = {}
    for account in chart:
        parts = [_part(part) for part in account.code.split(":")]
        name = ":".join([ROOTS[account.kind], _part(account.fund), *parts])
        taken, number, base = set(found.values()), 2, name
        while name in taken:
            name, number = f"{base}-{number}", number + 1
        found[account.code] = name
    return found


def _part(text: str) -> str:
    """As both programs take it: letters, digits and dashes, the first one large."""
    plain = re.sub(r"[^A-Za-z0-9]+", "-", text).strip("-") or "X"
    return "-".join(word[0].upper() + word[1:] for word in plain.split("-"))


@dataclass(frozen=True, slots=True)
class Frame:
    """What stands around the entries: the chart with its names, the day that accounts open, what stood there before
    (``opening``), and what must stand there afterwards (``closing``), on the day ``closes``."""

    chart: list[Account]
    names: dict[str, str]
    opens: dt.date
    opening: list[Leg]
    closing: list[Leg]
    closes: dt.date

    @classmethod
    def of(cls, wanted: Wanted, today: dt.date) -> Frame:
        chart = reading.accounts()
        first = reading.first_day(wanted) or wanted.since or wanted.until or today
        if wanted.since:
            first = wanted.since - dt.timedelta(days=1)
        last = wanted.until or reading.last_day(wanted) or first
        return cls(
            chart, account_names(chart), first, list(reading.opening(wanted)), reading.closing(wanted), max(last, first)
        )
