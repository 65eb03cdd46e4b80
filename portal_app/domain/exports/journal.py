"""The journal as tables: every posting with all about it, and the shorter one that accountants' programs take."""

from __future__ import annotations

from collections.abc import Iterator

from portal_app import money, tables
from portal_app.domain.exports import reading
from portal_app.domain.exports.reading import Leg, Wanted
from portal_app.tables import inert

JOURNAL = (
    "entry", "occurred_on", "posted_at", "kind", "description", "source", "reverses", "account", "account_name",
    "account_kind", "fund", "matter", "client", "invoice", "currency", "debit", "credit", "amount",
    "hash",
)  # fmt: skip
GENERAL_LEDGER = (
    "Date", "Journal number", "Account code", "Account name", "Debit", "Credit", "Memo", "Matter", "Client", "Source",
)  # fmt: skip


def journal(wanted: Wanted) -> Iterator[str]:
    """One row for each posting, in the order of days and entries."""
    return tables.lines(JOURNAL, _journal_rows(wanted))


def _journal_rows(wanted: Wanted) -> Iterator[list[str]]:
    chart = {row.code: (row.code, inert(row.name), row.kind, row.fund) for row in reading.accounts()}
    for entry in reading.entries(wanted):
        head = [
            str(entry.id), entry.occurred_on.isoformat(), f"{entry.posted_at:%Y-%m-%dT%H:%M:%SZ}", entry.code,
            inert(entry.description), inert(entry.source), str(entry.reverses or ""),
        ]  # fmt: skip
        hashes = " ".join(entry.hashes)
        for leg in entry.legs:
            names = [inert(leg.matter), inert(leg.client), inert(leg.invoice)]
            yield [*head, *chart[leg.account], *names, leg.currency, *_sides(leg), leg.amount, hashes]


def general_ledger(wanted: Wanted) -> Iterator[str]:
    """What most accounting programs import: one row for each posting, debit and credit apart. With a first day, the
    balances brought forward stand first, as journal number 0."""
    return tables.lines(GENERAL_LEDGER, _ledger_rows(wanted))


def _ledger_rows(wanted: Wanted) -> Iterator[list[str]]:
    names = {row.code: inert(row.name) for row in reading.accounts()}
    if wanted.since:
        for leg in reading.opening(wanted):
            yield _ledger_row(wanted.since.isoformat(), "0", "Brought forward", "opening", leg, names)
    for entry in reading.entries(wanted):
        memo, source = inert(entry.description), inert(entry.source)
        for leg in entry.legs:
            yield _ledger_row(entry.occurred_on.isoformat(), str(entry.id), memo, source, leg, names)


def _ledger_row(day: str, number: str, memo: str, source: str, leg: Leg, names: dict[str, str]) -> list[str]:
    memo = f"{memo}, invoice {inert(leg.invoice)}" if leg.invoice and leg.invoice not in memo else memo
    return [
        day, number, leg.account, names[leg.account], *_sides(leg), memo, inert(leg.matter), inert(leg.client), source,
    ]  # fmt: skip


def _sides(leg: Leg) -> tuple[str, str]:
    """Debit and credit, one of them empty."""
    size = money.plain(abs(leg.amount_cents), money.currency(leg.currency))
    return (size, "") if leg.amount_cents > 0 else ("", size)
