"""Closed reconciliations: each still says what was closed, names the one before, and has the books' own figure."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator

from portal_app.db import sum_of
from portal_app.domain import store
from portal_app.domain.reconciliations import Reconciliation, ReconciliationReport, sha256_of
from portal_app.domain.statements import BankStatement
from portal_app.domain.store import NotStored
from portal_app.money import bare
from portal_app.verify.asking import rows


def _facts() -> Iterator[str]:
    known: dict[int, set[str]] = {}
    for row in Reconciliation.select().order_by(Reconciliation.id).iterator():
        where, before = f"Reconciliation {row.id} to {row.ends_on}", known.setdefault(row.bank_account_id, set())
        if sha256_of(row.snapshot) != row.snapshot_sha256:
            yield f"{where} does not say any more what was closed."
            continue
        if any(cents != getattr(row, name) for name, cents in row.facts["figures"].items()):
            yield f"{where}: its figures are not those of its report."
        if row.facts["previous"] and row.facts["previous"] not in before:
            yield f"{where} follows a reconciliation that is not there."
        before.add(row.snapshot_sha256)


def _books() -> Iterator[str]:
    sql = """SELECT r.id, r.ends_on, r.book_cents - r.at_gateways_cents, COALESCE((SELECT SUM(p.amount_cents)
            FROM posting p JOIN journal_entry e ON e.id = p.entry_id
            WHERE p.account_code = 'bank:' || r.bank_account_id AND e.occurred_on <= r.ends_on), 0)
        FROM reconciliation r WHERE NOT EXISTS (
            SELECT 1 FROM reconciliation_reopening o WHERE o.reconciliation_id = r.id) ORDER BY r.id"""
    for number, day, closed, posted in rows(sql):
        if sum_of(posted) != sum_of(closed):
            now = bare(sum_of(posted))
            yield f"Reconciliation {number} to {day} closed with {bare(closed)} in the books; now it is {now}."


def _bank() -> Iterator[str]:
    sql = """SELECT r.id, r.ends_on, r.statement_cents, COALESCE((SELECT SUM(l.amount_cents) FROM statement_line l
            WHERE l.bank_account_id = r.bank_account_id AND l.booked_on <= r.ends_on), 0)
        FROM reconciliation r WHERE NOT EXISTS (
            SELECT 1 FROM reconciliation_reopening o WHERE o.reconciliation_id = r.id) ORDER BY r.id"""
    for number, day, closed, told in rows(sql):
        if sum_of(told) != sum_of(closed):
            now = bare(sum_of(told))
            yield f"Reconciliation {number} to {day} closed with {bare(closed)} at the bank; its lines say {now} now."


def reports() -> Iterator[str]:
    """Each printed report is, byte for byte, the one that was printed, and each bank's file the one that came."""
    for report in ReconciliationReport.select().order_by(ReconciliationReport.reconciliation).iterator():
        yield from _bytes(f"The report of reconciliation {report.reconciliation_id}", report.storage_key, report.sha256)
    for file in BankStatement.select().order_by(BankStatement.id).iterator():
        yield from _bytes(f"The bank’s file of statement {file.id}", file.storage_key, file.sha256)


def _bytes(what: str, key: str, sha256: str) -> Iterator[str]:
    try:
        is_same = hashlib.sha256(store.read(key)).hexdigest() == sha256
    except NotStored:
        yield f"{what} is not in the store ({key})."
        return
    if not is_same:
        yield f"{what} has changed: its bytes are not those that were kept ({key})."


CHECKS = (_facts, _books, _bank)
