"""The journal by itself: balanced, complete, sealed, reversed exactly; and the totals that are kept of it."""

from __future__ import annotations

from collections.abc import Iterator

from portal_app.db import is_sqlite, sum_of
from portal_app.money import bare
from portal_app.verify.asking import rows


def _unbalanced() -> Iterator[str]:
    sql = """SELECT p.entry_id, a.fund, p.currency, SUM(p.amount_cents) FROM posting p
        JOIN account a ON a.code = p.account_code
        GROUP BY p.entry_id, a.fund, p.currency HAVING SUM(p.amount_cents) <> 0 ORDER BY p.entry_id"""
    for entry, fund, currency, total in rows(sql):
        yield f"Journal entry {entry} does not balance: {fund} postings sum to {bare(sum_of(total))} {currency}."


def _legs() -> Iterator[str]:
    sql = """SELECT e.id, e.legs, COUNT(p.id) FROM journal_entry e LEFT JOIN posting p ON p.entry_id = e.id
        GROUP BY e.id, e.legs HAVING COUNT(p.id) <> e.legs ORDER BY e.id"""
    for entry, legs, found in rows(sql):
        yield f"Journal entry {entry} was written with {legs} postings and has {found}."


def _unsealed() -> Iterator[str]:
    sql = "SELECT id FROM journal_entry WHERE id NOT IN (SELECT entry_id FROM journal_seal) ORDER BY id"
    for (entry,) in rows(sql):
        yield f"Journal entry {entry} has no seal."
    sql = "SELECT entry_id FROM journal_seal WHERE entry_id NOT IN (SELECT id FROM journal_entry) ORDER BY entry_id"
    for (entry,) in rows(sql):
        yield f"Journal entry {entry} is sealed, and is gone."


def _strays() -> Iterator[str]:
    sql = """SELECT p.id, p.entry_id FROM posting p LEFT JOIN journal_entry e ON e.id = p.entry_id
        LEFT JOIN account a ON a.code = p.account_code WHERE e.id IS NULL OR a.code IS NULL ORDER BY p.id"""
    for posting, entry in rows(sql):
        yield f"Posting {posting} belongs to journal entry {entry} or an account that does not exist."


def _reversals() -> Iterator[str]:
    sql = """SELECT b.id, o.id FROM journal_entry b JOIN journal_entry o ON o.id = b.reverses_id WHERE EXISTS (
        SELECT 1 FROM posting p WHERE p.entry_id IN (b.id, o.id)
        GROUP BY p.account_code, p.matter_id, p.invoice_id, p.currency HAVING SUM(p.amount_cents) <> 0) ORDER BY b.id"""
    for entry, reversed_one in rows(sql):
        yield f"Journal entry {entry} is not the exact opposite of entry {reversed_one}, which it reverses."


def _totals() -> Iterator[str]:
    keys = "account_code, matter_id AS matter, COALESCE(invoice_id, 0) AS invoice, currency"
    sql = f"""SELECT account_code, matter, invoice, currency, SUM(kept), SUM(summed) FROM (
        SELECT {keys}, balance_cents AS kept, 0 AS summed FROM running_total
        UNION ALL SELECT {keys}, 0, amount_cents FROM posting WHERE matter_id IS NOT NULL) AS both_sides
        GROUP BY account_code, matter, invoice, currency HAVING SUM(kept) <> SUM(summed)
        ORDER BY account_code, matter, invoice"""  # noqa: S608  names of our own
    for account, matter, invoice, currency, kept, summed in rows(sql):
        where = f"account {account}, matter {matter}, invoice {invoice}"
        yield (
            f"The running total of {where} is {bare(sum_of(kept))} {currency}, "
            f"but its postings sum to {bare(sum_of(summed))}."
        )


def _months() -> Iterator[str]:
    month = "SUBSTR(e.occurred_on, 1, 7)" if is_sqlite() else "TO_CHAR(e.occurred_on, 'YYYY-MM')"
    sql = f"""SELECT account_code, currency, month, SUM(kept), SUM(summed) FROM (
        SELECT account_code, currency, month, balance_cents AS kept, 0 AS summed FROM account_total
        UNION ALL SELECT p.account_code, p.currency, {month}, 0, p.amount_cents
        FROM posting p JOIN journal_entry e ON e.id = p.entry_id) AS both_sides
        GROUP BY account_code, currency, month HAVING SUM(kept) <> SUM(summed)
        ORDER BY account_code, month"""  # noqa: S608  words of our own
    for account, currency, name, kept, summed in rows(sql):
        yield (
            f"The total of account {account} for {name} is {bare(sum_of(kept))} {currency}, "
            f"but its postings sum to {bare(sum_of(summed))}."
        )


CHECKS = (_unbalanced, _legs, _unsealed, _strays, _reversals, _totals, _months)
