"""The trust account's bank: its statements of the months before, matched and closed, one by two people."""

from __future__ import annotations

import csv
import datetime as dt
import io
from functools import partial

from portal_app.demo.year import Year
from portal_app.domain import reconciliations, statements
from portal_app.domain.banks import BankAccount, bank_accounts
from portal_app.domain.ledger import Posting

DAYS_LATER = 4  # after the month's end, the bookkeeper has the statement


def plan(year: Year) -> None:
    """Last month's statement, and one of all that was before."""
    last = year.today.replace(day=1) - dt.timedelta(days=1)
    before = last.replace(day=1) - dt.timedelta(days=1)
    for ends_on in (before, last):
        year.at((ends_on - year.today).days + DAYS_LATER, 9, partial(_reconcile, year, ends_on))


def _reconcile(year: Year, ends_on: dt.date) -> None:
    account, erin = bank_accounts("trust")[0], year.staff["erin"]
    postings = reconciliations.open_postings(account, ends_on)
    until = reconciliations.locked_until(account)
    starts_on = until + dt.timedelta(days=1) if until else min(row.entry.occurred_on for row in postings)
    rows = _told(postings, starts_on, ends_on)
    name = f"trust-{ends_on:%Y-%m}.csv"
    found = statements.upload(account, name=name, chunks=[_file(rows)], by=erin)
    closing = statements.balance_on(account.id) + sum(cents for _, cents, _, _ in rows)
    statements.import_statement(
        found, statements.mapping_for(found), starts_on=starts_on, ends_on=ends_on, closing_cents=closing, by=erin
    )
    _close(year, account, found.id)


def _close(year: Year, account: BankAccount, statement_id: int) -> None:
    statement = statements.find(statement_id)
    lines = [row.id for row in reconciliations.open_lines(account)]
    reconciliations.accept_all(statement, lines, by=year.staff["erin"])
    reconciliations.sign(statement, by=year.staff["erin"])
    reconciliations.close(statement, by=year.staff["carol"])


def _told(postings: list[Posting], since: dt.date, until: dt.date) -> list[tuple[dt.date, int, str, str]]:
    """What the bank has seen by then: deposits a day after the books, checks a few days, its
    own charges at once; the rest is outstanding."""
    found = []
    for row in postings:
        movement = getattr(row.entry, "movement", None)
        number = movement.reference if movement else ""
        days = 1 if row.amount_cents > 0 else 3 if number else 0
        seen_on = max(row.entry.occurred_on + dt.timedelta(days=days), since)
        if seen_on <= until:
            words = "DEPOSIT" if row.amount_cents > 0 else "CHECK PAID" if number else "SERVICE CHARGE"
            found.append((seen_on, row.amount_cents, words, number))
    return sorted(found)


def _file(rows: list[tuple[dt.date, int, str, str]]) -> bytes:
    target = io.StringIO()
    table = csv.writer(target)
    table.writerow(["Date", "Description", "Amount", "Check Number"])
    for day, cents, words, number in rows:
        amount = f"{'-' if cents < 0 else ''}{abs(cents) // 100}.{abs(cents) % 100:02d}"
        table.writerow([f"{day:%m/%d/%Y}", words, amount, number])
    return target.getvalue().encode()
