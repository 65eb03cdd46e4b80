"""The books proved again, from the postings alone: ``portal verify``.

Every check asks the database for what does not hold and says it in a sentence. Nothing is repaired here.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from portal_app.db import connect, db, is_sqlite, sum_of
from portal_app.domain import store
from portal_app.domain.documents import DocumentVersion
from portal_app.domain.ledger import Account, account_balance
from portal_app.domain.payments import FREEING, HOLDING
from portal_app.domain.store import NotStored
from portal_app.money import bare


@dataclass(frozen=True, slots=True)
class Report:
    """What was looked at, as counts by name; what does not hold, a sentence each; and what stands on each account,
    in cents by its code, debit plus, credit minus."""

    counts: dict[str, int]
    faults: list[str]
    balances: dict[str, int]

    def summary(self) -> str:
        looked = ", ".join(f"{count} {name}" for name, count in self.counts.items())
        if not self.faults:
            return f"The books hold: {looked}."
        faults = len(self.faults)
        return f"The books do not hold: {faults} fault{'' if faults == 1 else 's'} in {looked}."

    def as_dict(self) -> dict[str, object]:
        return {
            "holds": not self.faults, "counts": self.counts, "faults": self.faults, "balances_cents": self.balances,
        }  # fmt: skip


def verify(*, with_documents: bool = False) -> Report:
    """Prove everything; ``with_documents`` also reads each stored document. Writes nothing."""
    connect()
    # One look at one state, whatever is being written beside, and without holding writers up.
    with db.atomic("DEFERRED" if is_sqlite() else "REPEATABLE READ"):
        faults = [fault for check in CHECKS for fault in check()]
        counts = {name: _count(table) for name, table in _COUNTED.items()}
        codes = [row.code for row in Account.select().order_by(Account.code)]
        balances = {code: account_balance(code) for code in codes}
    if with_documents:
        counts["document versions"] = DocumentVersion.select().count()
        faults += _documents()
    return Report(counts, faults, balances)


_COUNTED = {
    "journal entries": "journal_entry",
    "postings": "posting",
    "running totals": "running_total",
    "payments": "payment",
    "refunds": "refund",
}


def _count(table: str) -> int:
    return int(_rows(f"SELECT COUNT(*) FROM {table}")[0][0])  # noqa: S608  a name of our own


def _rows(sql: str) -> list[tuple[Any, ...]]:
    return list(db.execute_sql(sql).fetchall())


# The journal


def _unbalanced() -> Iterator[str]:
    sql = """SELECT p.entry_id, a.fund, p.currency, SUM(p.amount_cents) FROM posting p
        JOIN account a ON a.code = p.account_code
        GROUP BY p.entry_id, a.fund, p.currency HAVING SUM(p.amount_cents) <> 0 ORDER BY p.entry_id"""
    for entry, fund, currency, total in _rows(sql):
        yield f"Journal entry {entry} does not balance: {fund} postings sum to {bare(sum_of(total))} {currency}."


def _legs() -> Iterator[str]:
    sql = """SELECT e.id, e.legs, COUNT(p.id) FROM journal_entry e LEFT JOIN posting p ON p.entry_id = e.id
        GROUP BY e.id, e.legs HAVING COUNT(p.id) <> e.legs ORDER BY e.id"""
    for entry, legs, found in _rows(sql):
        yield f"Journal entry {entry} was written with {legs} postings and has {found}."


def _unsealed() -> Iterator[str]:
    sql = "SELECT id FROM journal_entry WHERE id NOT IN (SELECT entry_id FROM journal_seal) ORDER BY id"
    for (entry,) in _rows(sql):
        yield f"Journal entry {entry} has no seal."
    sql = "SELECT entry_id FROM journal_seal WHERE entry_id NOT IN (SELECT id FROM journal_entry) ORDER BY entry_id"
    for (entry,) in _rows(sql):
        yield f"Journal entry {entry} is sealed, and is gone."


def _strays() -> Iterator[str]:
    sql = """SELECT p.id, p.entry_id FROM posting p LEFT JOIN journal_entry e ON e.id = p.entry_id
        LEFT JOIN account a ON a.code = p.account_code WHERE e.id IS NULL OR a.code IS NULL ORDER BY p.id"""
    for posting, entry in _rows(sql):
        yield f"Posting {posting} belongs to journal entry {entry} or an account that does not exist."


def _reversals() -> Iterator[str]:
    sql = """SELECT b.id, o.id FROM journal_entry b JOIN journal_entry o ON o.id = b.reverses_id WHERE EXISTS (
        SELECT 1 FROM posting p WHERE p.entry_id IN (b.id, o.id)
        GROUP BY p.account_code, p.matter_id, p.invoice_id, p.currency HAVING SUM(p.amount_cents) <> 0) ORDER BY b.id"""
    for entry, reversed_one in _rows(sql):
        yield f"Journal entry {entry} is not the exact opposite of entry {reversed_one}, which it reverses."


def _totals() -> Iterator[str]:
    keys = "account_code, COALESCE(matter_id, 0) AS matter, COALESCE(invoice_id, 0) AS invoice, currency"
    sql = f"""SELECT account_code, matter, invoice, currency, SUM(kept), SUM(summed) FROM (
        SELECT {keys}, balance_cents AS kept, 0 AS summed FROM running_total
        UNION ALL SELECT {keys}, 0, amount_cents FROM posting) AS both_sides
        GROUP BY account_code, matter, invoice, currency HAVING SUM(kept) <> SUM(summed)
        ORDER BY account_code, matter, invoice"""  # noqa: S608  names of our own
    for account, matter, invoice, currency, kept, summed in _rows(sql):
        where = f"account {account}, matter {matter}, invoice {invoice}"
        yield (
            f"The running total of {where} is {bare(sum_of(kept))} {currency}, "
            f"but its postings sum to {bare(sum_of(summed))}."
        )


# Invoices and payments


def _invoices() -> Iterator[str]:
    """What was posted as owed on an invoice is its total; what was posted as paid is what the payments say."""
    sql = """SELECT i.id, i.number, CASE WHEN v.invoice_id IS NULL THEN i.total_cents ELSE 0 END,
        COALESCE((SELECT SUM(p.amount_cents) FROM posting p JOIN journal_entry e ON e.id = p.entry_id
            WHERE p.invoice_id = i.id AND p.account_code = 'receivable'
            AND e.code IN ('invoice_issued', 'invoice_voided')), 0),
        COALESCE((SELECT SUM(a.amount_cents) FROM allocation a JOIN payment y ON y.id = a.payment_id
            WHERE a.invoice_id = i.id AND y.state IN ('succeeded', 'returned') AND y.received_cents IS NULL), 0),
        COALESCE((SELECT SUM(-p.amount_cents) FROM posting p JOIN journal_entry e ON e.id = p.entry_id
            JOIN payment y ON e.source = 'payment:' || y.id || ':paid' AND y.received_cents IS NULL
            WHERE p.invoice_id = i.id AND p.account_code IN ('receivable', 'unapplied')), 0)
        FROM invoice i LEFT JOIN invoice_void v ON v.invoice_id = i.id WHERE i.number IS NOT NULL ORDER BY i.id"""
    for invoice, number, total, owed, allocated, paid in _rows(sql):
        if sum_of(owed) != sum_of(total):
            yield (
                f"Invoice {number} (id {invoice}) is over {bare(sum_of(total))}, but "
                f"{bare(sum_of(owed))} was posted as owed."
            )
        if sum_of(paid) != sum_of(allocated):
            yield (
                f"Invoice {number} (id {invoice}): its payments come to {bare(sum_of(allocated))}, but "
                f"{bare(sum_of(paid))} was posted as paid."
            )


def _invoice_lines() -> Iterator[str]:
    sql = """SELECT i.id, i.number, i.total_cents, COALESCE(SUM(l.amount_cents), 0) FROM invoice i
        LEFT JOIN invoice_line l ON l.invoice_id = i.id WHERE i.number IS NOT NULL
        GROUP BY i.id, i.number, i.total_cents HAVING COALESCE(SUM(l.amount_cents), 0) <> i.total_cents ORDER BY i.id"""
    for invoice, number, total, lines in _rows(sql):
        is_over, summed = bare(sum_of(total)), bare(sum_of(lines))
        yield f"Invoice {number} (id {invoice}) is over {is_over}, but its lines sum to {summed}."


def _unposted_invoices() -> Iterator[str]:
    sql = """SELECT id, number FROM invoice i WHERE number IS NOT NULL AND NOT EXISTS (
        SELECT 1 FROM journal_entry e WHERE e.source = 'invoice:' || i.id || ':issued') ORDER BY id"""
    for invoice, number in _rows(sql):
        yield f"Invoice {number} (id {invoice}) is issued, but is in no journal entry."


def _payments() -> Iterator[str]:
    """Each paid payment has exactly its entry, over its amount; nothing else was posted as paid."""
    sql = """SELECT y.id, COALESCE(y.received_cents, y.amount_cents), e.id,
            COALESCE((SELECT SUM(p.amount_cents) FROM posting p WHERE p.entry_id = e.id AND p.amount_cents > 0), 0)
        FROM payment y LEFT JOIN journal_entry e ON e.source = 'payment:' || y.id || ':paid'
        WHERE y.state IN ('succeeded', 'returned') ORDER BY y.id"""
    for payment, amount, entry, posted in _rows(sql):
        if entry is None:
            yield f"Payment {payment} succeeded, but is in no journal entry."
        elif sum_of(posted) != amount:
            yield (
                f"Payment {payment} is over {bare(amount)}, but its journal entry {entry} posts {bare(sum_of(posted))}."
            )
    sql = """SELECT e.id, e.source FROM journal_entry e WHERE e.code = 'portal_payment' AND NOT EXISTS (
        SELECT 1 FROM payment y WHERE y.state IN ('succeeded', 'returned') AND e.source = 'payment:' || y.id || ':paid')
        ORDER BY e.id"""
    for entry, source in _rows(sql):
        yield f"Journal entry {entry} says “Paid from portal” ({source}), but there is no such succeeded payment."


def _refunds() -> Iterator[str]:
    """What a refund gave back is what its standing entries take out of clearing; and never more than was paid."""
    sql = """SELECT r.id, r.payment_id, r.amount_cents, r.state, COALESCE((SELECT SUM(p.amount_cents) FROM posting p
            JOIN journal_entry e ON e.id = p.entry_id WHERE p.account_code LIKE 'clearing:%%'
            AND (e.source = 'payment:' || r.payment_id || ':refund:' || r.id
                OR e.source LIKE 'payment:' || r.payment_id || ':refund:' || r.id || ':%%')), 0)
        FROM refund r ORDER BY r.id"""
    for refund, payment, amount, state, cleared in _rows(sql):
        wanted = -amount if state == "succeeded" else 0
        if sum_of(cleared) != wanted:
            yield (
                f"Refund {refund} of payment {payment} is {state} over {bare(amount)}, but its journal entries give "
                f"back {bare(-sum_of(cleared))}."
            )


def _disputes() -> Iterator[str]:
    """An open dispute is on the account of disputed payments, a decided one is not."""
    sql = """SELECT d.id, d.payment_id, d.amount_cents, d.state, COALESCE((SELECT SUM(p.amount_cents) FROM posting p
            JOIN journal_entry e ON e.id = p.entry_id WHERE p.account_code = 'disputed'
            AND e.source LIKE 'payment:' || d.payment_id || ':dispute:' || d.id || ':%%'), 0)
        FROM dispute d ORDER BY d.id"""
    for dispute, payment, amount, state, booked in _rows(sql):
        if sum_of(booked) != (amount if state == "open" else 0):
            yield f"Dispute {dispute} of payment {payment} is {state}, but {bare(sum_of(booked))} of it is disputed."


def _allocations() -> Iterator[str]:
    sql = """SELECT y.id, y.amount_cents, COALESCE(SUM(a.amount_cents), 0) FROM payment y
        LEFT JOIN allocation a ON a.payment_id = y.id GROUP BY y.id, y.amount_cents
        HAVING COALESCE(SUM(a.amount_cents), 0) <> y.amount_cents ORDER BY y.id"""
    for payment, amount, allocated in _rows(sql):
        yield f"Payment {payment} is over {bare(amount)}, but {bare(sum_of(allocated))} of it is set against invoices."


def _attempts() -> Iterator[str]:
    sql = """SELECT y.id, y.state, t.state FROM payment y LEFT JOIN attempt t ON t.payment_id = y.id
        WHERE t.id IS NULL OR t.state <> y.state ORDER BY y.id"""
    for payment, state, attempt in _rows(sql):
        yield f"Payment {payment} is {state}, but its attempt at the gateway is {attempt or 'missing'}."


def _reservations() -> Iterator[str]:
    """What unfinished payments hold of an invoice is never more than it still owes: nobody can pay it twice. Unless
    a payment that was given up succeeded late, when its reservation was gone."""
    holding = ", ".join(f"'{state}'" for state in sorted(HOLDING - {"review"}))
    freeing = ", ".join(f"'{state}'" for state in sorted(FREEING))
    sql = f"""SELECT i.id, i.number, SUM(a.amount_cents), COALESCE((SELECT SUM(p.amount_cents) FROM posting p
            WHERE p.invoice_id = i.id AND p.account_code = 'receivable'), 0)
        FROM allocation a JOIN payment y ON y.id = a.payment_id JOIN invoice i ON i.id = a.invoice_id
        WHERE y.state IN ({holding}) AND NOT EXISTS (SELECT 1 FROM allocation b
            JOIN payment z ON z.id = b.payment_id AND z.state = 'succeeded'
            JOIN payment_change c ON c.payment_id = z.id AND c.state IN ({freeing}) WHERE b.invoice_id = i.id)
        GROUP BY i.id, i.number ORDER BY i.id"""  # noqa: S608  words of our own
    for invoice, number, held, owed in _rows(sql):
        if sum_of(held) > sum_of(owed):
            yield (
                f"Invoice {number} (id {invoice}) owes {bare(sum_of(owed))}, but unfinished payments hold "
                f"{bare(sum_of(held))} of it."
            )


# Documents


def _documents() -> Iterator[str]:
    for version in DocumentVersion.select().order_by(DocumentVersion.id).iterator():
        where = f"Version {version.number} of document {version.document_id}"
        try:
            digest = hashlib.sha256()
            for chunk in store.stream(version.storage_key):
                digest.update(chunk)
        except NotStored:
            yield f"{where} is not in the store ({version.storage_key})."
            continue
        if digest.hexdigest() != version.sha256:
            yield f"{where} has changed: its bytes are not those that were stored ({version.storage_key})."


CHECKS: tuple[Callable[[], Iterator[str]], ...] = (
    _unbalanced,
    _legs,
    _unsealed,
    _strays,
    _reversals,
    _totals,
    _invoices,
    _invoice_lines,
    _unposted_invoices,
    _payments,
    _refunds,
    _disputes,
    _allocations,
    _attempts,
    _reservations,
)
