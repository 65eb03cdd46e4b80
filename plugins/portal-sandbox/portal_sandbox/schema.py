"""The sandbox's tables, and its list of everything that moved money."""

from __future__ import annotations

import sqlite3

from portal_sandbox.charges import MERCHANT_ACCOUNTS

# Whoever pays in, the fee is asked of the firm's own money: a trust account never pays one.
_FEE_ACCOUNT = next(id for id, (_, fund) in MERCHANT_ACCOUNTS.items() if fund == "operating")
_TABLES = """
CREATE TABLE IF NOT EXISTS token (
    id TEXT PRIMARY KEY, method TEXT NOT NULL, brand TEXT NOT NULL, last4 TEXT NOT NULL, scenario TEXT NOT NULL,
    expires_at INTEGER NOT NULL
);
CREATE TABLE IF NOT EXISTS charge (
    id TEXT PRIMARY KEY, reference TEXT NOT NULL UNIQUE, amount_minor INTEGER NOT NULL CHECK (amount_minor > 0),
    currency TEXT NOT NULL, merchant_account TEXT NOT NULL, description TEXT NOT NULL, return_url TEXT NOT NULL,
    status TEXT NOT NULL, step TEXT NOT NULL, has_page INTEGER NOT NULL, method TEXT NOT NULL, brand TEXT NOT NULL,
    last4 TEXT NOT NULL, scenario TEXT NOT NULL, code TEXT NOT NULL, message TEXT NOT NULL,
    created_at INTEGER NOT NULL, due_at INTEGER NOT NULL
);
CREATE TABLE IF NOT EXISTS refund (
    id TEXT PRIMARY KEY, reference TEXT NOT NULL UNIQUE, charge_id TEXT NOT NULL REFERENCES charge (id),
    amount_minor INTEGER NOT NULL CHECK (amount_minor > 0), reason TEXT NOT NULL, status TEXT NOT NULL,
    created_at INTEGER NOT NULL, due_at INTEGER NOT NULL, is_void INTEGER NOT NULL, code TEXT NOT NULL,
    message TEXT NOT NULL
);
CREATE INDEX IF NOT EXISTS refund_of ON refund (charge_id);
CREATE TABLE IF NOT EXISTS dispute (
    id TEXT PRIMARY KEY, charge_id TEXT NOT NULL REFERENCES charge (id),
    amount_minor INTEGER NOT NULL CHECK (amount_minor > 0), status TEXT NOT NULL, reason TEXT NOT NULL,
    created_at INTEGER NOT NULL, respond_by INTEGER NOT NULL
);
CREATE INDEX IF NOT EXISTS dispute_of ON dispute (charge_id);
CREATE TABLE IF NOT EXISTS payout (
    id TEXT PRIMARY KEY, merchant_account TEXT NOT NULL, amount_minor INTEGER NOT NULL CHECK (amount_minor > 0),
    currency TEXT NOT NULL, created_at INTEGER NOT NULL
);
CREATE TABLE IF NOT EXISTS event (
    id TEXT PRIMARY KEY, kind TEXT NOT NULL, subject TEXT NOT NULL, told_id TEXT NOT NULL, reference TEXT NOT NULL,
    merchant_account TEXT NOT NULL, url TEXT NOT NULL, key TEXT NOT NULL, created_at INTEGER NOT NULL,
    next_at INTEGER NOT NULL, tries INTEGER NOT NULL, said TEXT NOT NULL,
    is_taken INTEGER NOT NULL
);
CREATE TABLE IF NOT EXISTS word (
    what TEXT NOT NULL, id INTEGER NOT NULL, status TEXT NOT NULL, reference TEXT NOT NULL, gateway TEXT NOT NULL,
    amount_minor INTEGER NOT NULL, currency TEXT NOT NULL, at INTEGER NOT NULL, PRIMARY KEY (what, id)
);
CREATE INDEX IF NOT EXISTS word_of ON word (reference);
"""
# A file of an earlier version lacks these.
_LATER = {
    "charge": {
        "settled_at": "INTEGER NOT NULL DEFAULT 0",
        "webhook_url": "TEXT NOT NULL DEFAULT ''",
        "webhook_key": "TEXT NOT NULL DEFAULT ''",
    },
    "payout": {"returned_at": "INTEGER NOT NULL DEFAULT 0"},
}
# ``net_minor`` is what a line does to the balance. The fee is 2.9 % and 30 cents, half a cent rounded up; whoever pays
# it once never gets it back.
_ENTRIES = f"""
DROP VIEW IF EXISTS entry;
CREATE VIEW entry AS
SELECT id, 'charge' AS kind, status, amount_minor, currency, merchant_account, created_at,
    CASE reference WHEN id THEN '' ELSE reference END AS reference, '' AS charge_id, description,
    CASE status WHEN 'succeeded' THEN amount_minor ELSE 0 END AS net_minor
FROM charge WHERE status IN ('succeeded', 'pending', 'declined', 'returned')
UNION ALL
SELECT CASE refund.is_void WHEN 1 THEN charge.id ELSE refund.id END, 'refund', refund.status, refund.amount_minor,
    charge.currency, charge.merchant_account, refund.created_at, refund.reference, charge.id, refund.reason,
    CASE WHEN refund.is_void = 1 OR refund.status = 'declined' THEN 0 ELSE -refund.amount_minor END
FROM refund JOIN charge ON charge.id = refund.charge_id
UNION ALL
SELECT 'fee_' || substr(id, 4), 'fee', 'succeeded', (amount_minor * 29 + 500) / 1000 + 30, currency,
    '{_FEE_ACCOUNT}', settled_at, '', id, 'Fee', -((amount_minor * 29 + 500) / 1000 + 30)
FROM charge WHERE settled_at > 0
UNION ALL
SELECT dispute.id, 'dispute', dispute.status, dispute.amount_minor, charge.currency, charge.merchant_account,
    dispute.created_at, '', charge.id, dispute.reason,
    CASE dispute.status WHEN 'won' THEN 0 ELSE -dispute.amount_minor END
FROM dispute JOIN charge ON charge.id = dispute.charge_id
UNION ALL
SELECT id, 'payout', CASE returned_at WHEN 0 THEN 'succeeded' ELSE 'returned' END, amount_minor, currency,
    merchant_account, max(created_at, returned_at), '', '', 'Payout',
    CASE returned_at WHEN 0 THEN -amount_minor ELSE 0 END
FROM payout;
"""  # noqa: S608  our own account's name


def prepare(db: sqlite3.Connection) -> None:
    """Make the tables, or bring those of an earlier version up to date."""
    db.execute("PRAGMA journal_mode = WAL")
    db.executescript(_TABLES)
    for table, columns in _LATER.items():
        known = {row["name"] for row in db.execute(f"PRAGMA table_info({table})")}
        for name, kind in columns.items():
            if name not in known:
                db.execute(f"ALTER TABLE {table} ADD COLUMN {name} {kind}")
    db.executescript(_ENTRIES)
