"""The books for other programs: plain-text journals, tables, LEDES. Each is made in pieces, from one state of the
database, however long it takes."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from portal_app.db import one_state
from portal_app.domain import firms, reports
from portal_app.domain.exports import beancount, hledger, journal, ledes, paid, reading
from portal_app.domain.exports.reading import Wanted

CSV, TEXT = "text/csv", "text/plain"


@dataclass(frozen=True, slots=True)
class Export:
    """A kind of file. ``about`` says what it is for; without ``has_first_day`` it shows a state, as of the last day.
    ``count`` is how many steps ``write`` tells :attr:`Wanted.moved` of; 0 when it tells nothing."""

    name: str
    title: str
    about: str
    extension: str
    media_type: str
    write: Callable[[Wanted, dt.date], Iterator[str]]
    count: Callable[[Wanted], int] = reading.count
    has_first_day: bool = True

    def file_name(self, wanted: Wanted, today: dt.date) -> str:
        """With the years, so that files of several exports sort."""
        first = f"-{wanted.since}" if wanted.since and self.has_first_day else ""
        return f"{self.name}{first}-{wanted.until or today}.{self.extension}"


def steady(pieces: Iterator[str]) -> Iterator[str]:
    """The same pieces, all read from one state of the books, whatever is written meanwhile; nobody has to wait."""
    with one_state():
        yield from pieces


def _report(name: str, by: str) -> Callable[[Wanted, dt.date], Iterator[str]]:
    def write(wanted: Wanted, today: dt.date) -> Iterator[str]:
        asked = reports.Wanted(today=today, until=wanted.until, by=by)
        yield from reports.csv(reports.REPORTS[name].table(wanted.who, asked), firms.current().money)

    return write


def _no_steps(_wanted: Wanted) -> int:
    return 0


_ALL = (
    Export(
        "beancount", "Beancount", "The whole journal for Beancount 3, with balances that it checks.", "beancount", TEXT,
        beancount.lines,
    ),
    Export(
        "hledger", "hledger", "The whole journal for hledger, with balances that it checks.", "journal", TEXT,
        hledger.lines,
    ),
    Export(
        "general-ledger", "General ledger", "For the accountant’s program: a row for each posting.", "csv", CSV,
        lambda wanted, _today: journal.general_ledger(wanted),
    ),
    Export(
        "journal", "Journal", "Every posting with everything that the portal knows of it.", "csv", CSV,
        lambda wanted, _today: journal.journal(wanted),
    ),
    Export(
        "receivables", "Receivables", "What is owed on each invoice, and how long it is overdue.", "csv", CSV,
        _report("receivables", "invoice"), _no_steps, has_first_day=False,
    ),
    Export(
        "trust", "Trust", "What is held for each client’s matter on each trust account.", "csv", CSV,
        _report("trust", "ledger"), _no_steps, has_first_day=False,
    ),
    Export(
        "payments", "Payments", "What clients paid from the portal, and for which invoices.", "csv", CSV,
        lambda wanted, _today: paid.payments(wanted), _no_steps,
    ),
    Export(
        "ledes", "LEDES 1998B", "Issued invoices for clients’ e-billing systems.", "txt", TEXT,
        lambda wanted, _today: ledes.batch(wanted), ledes.count,
    ),
)  # fmt: skip
EXPORTS = {export.name: export for export in _ALL}

__all__ = ["EXPORTS", "Export", "Wanted", "ledes", "steady"]
