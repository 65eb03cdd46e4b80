"""The rules of trust accounting that the database itself keeps, whatever the code does. Each refusal names its rule.

Most of them look at an entry when it is sealed: by then its postings, the movement behind it (``m``) and what each
ledger comes to on each day (``trust_day``) are written.
"""

from peewee import Database, SqliteDatabase
from playhouse.migrate import SchemaMigrator

from portal_app.schema import drop_functions, execute, guard

OUT = "('disbursement', 'refund', 'application', 'transfer')"
IN = "('receipt', 'dispute_won', 'replenishment', 'float_in')"
TRUST = "posting p JOIN trust_book b ON b.account_code = p.account_code"
SEALED = f"{TRUST} JOIN journal_entry e ON e.id = p.entry_id"
MOVEMENT = "JOIN trust_movement m ON m.source = e.source"

# T01

NO_BOOKS = """EXISTS (SELECT 1 FROM account a WHERE a.code = NEW.account_code AND a.fund = 'trust')
    AND NOT EXISTS (SELECT 1 FROM trust_book b WHERE b.account_code = NEW.account_code)"""
NO_MATTER = """NEW.matter_id IS NULL AND EXISTS (
    SELECT 1 FROM trust_book b WHERE b.account_code = NEW.account_code AND b.part = 'ledger')"""
BOOK_IS_WRONG = """NOT EXISTS (SELECT 1 FROM account a, bank_account k WHERE a.code = NEW.account_code
    AND a.fund = 'trust' AND k.id = NEW.bank_account_id AND k.fund = 'trust')"""
LOPSIDED = f"""EXISTS (SELECT 1 FROM {TRUST} WHERE p.entry_id = NEW.entry_id
    GROUP BY b.bank_account_id, p.currency HAVING SUM(p.amount_cents) <> 0)"""

# T02: a ledger is a liability, so above zero is overdrawn; the account at the bank is an asset. Only an entry that
# takes money out is looked at. What a payer's bank has taken back, or the bank itself, is booked even so: on a ledger
# or the float with its incident, and whatever the account then comes to. So is a gateway's payout.

BY_A_BANK = "('trust_returned', 'trust_disputed', 'trust_bank_charge')"
BELOW_ZERO = f"""EXISTS (SELECT 1 FROM {SEALED} JOIN trust_day d ON d.account_code = p.account_code
        AND d.matter_id = (CASE b.part WHEN 'ledger' THEN p.matter_id ELSE 0 END) AND d.day >= e.occurred_on
    WHERE p.entry_id = NEW.entry_id AND (
        (b.part IN ('ledger', 'float') AND p.amount_cents > 0 AND d.balance_cents > 0
            AND NOT (e.code IN {BY_A_BANK} AND EXISTS (SELECT 1 FROM trust_incident i WHERE i.source = e.source
                AND i.bank_account_id = b.bank_account_id AND i.closed_at IS NULL)))
        OR (b.part = 'bank' AND p.amount_cents < 0 AND d.balance_cents < 0
            AND e.code NOT IN {BY_A_BANK} AND e.code <> 'trust_payout')))"""

# T03, T11: behind whatever touches a ledger or the float stands one movement, and the two agree.

NO_FACT = f"""EXISTS (SELECT 1 FROM {TRUST} WHERE p.entry_id = NEW.entry_id AND b.part IN ('ledger', 'float'))
    AND NOT EXISTS (SELECT 1 FROM journal_entry e {MOVEMENT} WHERE e.id = NEW.entry_id
        AND e.occurred_on = m.occurred_on AND (
            (m.kind = 'reversal' AND e.reverses_id IS NOT NULL AND EXISTS (SELECT 1 FROM trust_movement o
                JOIN journal_entry f ON f.source = o.source WHERE o.id = m.of_id AND f.id = e.reverses_id))
            OR (m.kind <> 'reversal' AND (m.kind = 'dispute_won' OR e.reverses_id IS NULL)
                AND (SELECT COUNT(*) FROM {TRUST} WHERE p.entry_id = NEW.entry_id AND b.part IN ('ledger', 'float'))
                    = (CASE m.kind WHEN 'transfer' THEN 2 ELSE 1 END)
                AND EXISTS (SELECT 1 FROM {TRUST} WHERE p.entry_id = NEW.entry_id
                    AND b.bank_account_id = m.bank_account_id
                    AND b.part = (CASE WHEN m.matter_id IS NULL THEN 'float' ELSE 'ledger' END)
                    AND COALESCE(p.matter_id, 0) = COALESCE(m.matter_id, 0)
                    AND p.amount_cents = (CASE WHEN m.kind IN {IN} THEN -m.amount_cents ELSE m.amount_cents END))
                AND (m.kind <> 'transfer' OR EXISTS (SELECT 1 FROM {TRUST} WHERE p.entry_id = NEW.entry_id
                    AND b.bank_account_id = m.bank_account_id AND b.part = 'ledger'
                    AND p.matter_id = m.to_matter_id AND p.amount_cents = -m.amount_cents)))))"""

# T13: a correction is the exact opposite of what it corrects.

NOT_OPPOSITE = f"""EXISTS (SELECT 1 FROM {TRUST} WHERE p.entry_id = NEW.entry_id)
    AND EXISTS (SELECT 1 FROM journal_entry e WHERE e.id = NEW.entry_id AND e.reverses_id IS NOT NULL
        AND EXISTS (SELECT 1 FROM posting p WHERE p.entry_id IN (e.id, e.reverses_id)
            GROUP BY p.account_code, p.matter_id, p.invoice_id, p.currency HAVING SUM(p.amount_cents) <> 0))"""

# T05

NOT_PAYABLE = """NEW.kind = 'application' AND NOT EXISTS (SELECT 1 FROM invoice v
    JOIN document_share s ON s.document_id = v.document_id AND s.ended_at IS NULL
    WHERE v.id = NEW.invoice_id AND v.number IS NOT NULL AND v.matter_id = NEW.matter_id
        AND NOT EXISTS (SELECT 1 FROM invoice_void x WHERE x.invoice_id = v.id))"""
OVERPAID = f"""EXISTS (SELECT 1 FROM journal_entry e {MOVEMENT} WHERE e.id = NEW.entry_id AND m.kind = 'application'
    AND (NOT EXISTS (SELECT 1 FROM posting p WHERE p.entry_id = e.id AND p.account_code = 'receivable'
            AND p.invoice_id = m.invoice_id AND p.matter_id = m.matter_id AND p.amount_cents = -m.amount_cents)
        OR (SELECT SUM(p.amount_cents) FROM posting p WHERE p.invoice_id = m.invoice_id
            AND p.account_code = 'receivable') < 0))"""

# T07, T21: the operating side of an entry about trust money is an invoice or a bank account, or an asset or a cost of
# the firm's own; never income, never a processor's fee.

FEE_IN_TRUST = f"""EXISTS (SELECT 1 FROM {TRUST} WHERE p.entry_id = NEW.entry_id)
    AND EXISTS (SELECT 1 FROM posting p JOIN account a ON a.code = p.account_code WHERE p.entry_id = NEW.entry_id
        AND a.fund = 'operating' AND (a.kind = 'income' OR a.code = 'merchant_fees'))"""

# T08

FLOAT_TOO_LARGE = f"""EXISTS (SELECT 1 FROM {SEALED} {MOVEMENT} WHERE p.entry_id = NEW.entry_id AND b.part = 'float'
    AND m.kind = 'float_in' AND p.amount_cents < 0 AND -(SELECT d.balance_cents FROM trust_day d
            WHERE d.account_code = p.account_code AND d.matter_id = 0 ORDER BY d.day DESC LIMIT 1)
        > (SELECT y.float_cap_cents FROM trust_policy y ORDER BY y.id DESC LIMIT 1))"""

# T09, T19: what leaves a ledger leaves what is not cleared where it is, on its day and on every later one; and what is
# held, now.

TAKEN_BACK = """COALESCE((
    SELECT SUM(CASE t.kind WHEN 'dispute_won' THEN -t.amount_cents ELSE t.amount_cents END)
    FROM trust_movement t WHERE t.of_id = r.id{by_then}), 0)"""
BACK = TAKEN_BACK.format(by_then="")
BACK_BY_THEN = TAKEN_BACK.format(by_then=" AND t.occurred_on <= d.day")
UNCLEARED = f"""COALESCE((SELECT SUM(r.amount_cents - {BACK_BY_THEN}) FROM trust_movement r
    WHERE r.kind = 'receipt' AND r.matter_id = p.matter_id AND r.bank_account_id = b.bank_account_id
        AND r.occurred_on <= d.day AND r.clears_on > d.day AND NOT EXISTS (SELECT 1 FROM trust_clearing c
            WHERE c.movement_id = r.id AND c.cleared_on <= d.day)), 0)"""
HELD = """COALESCE((SELECT SUM(h.amount_cents) FROM trust_hold h WHERE h.matter_id = p.matter_id
    AND h.bank_account_id = b.bank_account_id AND h.released_at IS NULL), 0)"""
LAST = """NOT EXISTS (SELECT 1 FROM trust_day l WHERE l.account_code = d.account_code
    AND l.matter_id = d.matter_id AND l.day > d.day)"""
_DRAWN = f"""EXISTS (SELECT 1 FROM {SEALED} {MOVEMENT} JOIN trust_day d ON d.account_code = p.account_code
        AND d.matter_id = p.matter_id AND d.day >= e.occurred_on
    WHERE p.entry_id = NEW.entry_id AND b.part = 'ledger' AND p.amount_cents > 0
    AND m.kind IN ('disbursement', 'refund', 'application', 'transfer', 'reversal')"""
NOT_CLEARED = f"{_DRAWN} AND {UNCLEARED} > 0 AND -d.balance_cents < {UNCLEARED})"
IS_HELD = f"{_DRAWN} AND {HELD} > 0 AND {LAST} AND -d.balance_cents < {UNCLEARED} + {HELD})"
HELD_TOO_MUCH = """NEW.released_at IS NULL AND NEW.amount_cents + COALESCE((SELECT SUM(h.amount_cents) FROM trust_hold h
        WHERE h.matter_id = NEW.matter_id AND h.bank_account_id = NEW.bank_account_id AND h.released_at IS NULL), 0)
    > COALESCE((
    SELECT -d.balance_cents FROM trust_day d JOIN trust_book b ON b.account_code = d.account_code
    WHERE b.bank_account_id = NEW.bank_account_id AND b.part = 'ledger' AND d.matter_id = NEW.matter_id
    ORDER BY d.day DESC LIMIT 1), 0)"""
HOLD_CHANGED = " OR ".join(
    f"NEW.{column} <> OLD.{column}"
    for column in "id key bank_account_id matter_id amount_cents reason held_by_id held_at".split()
)

# T10

NOT_OF_THAT_DEPOSIT = f"""NEW.kind IN ('return', 'dispute') AND NOT EXISTS (SELECT 1 FROM trust_movement r
    WHERE r.id = NEW.of_id AND r.kind = 'receipt' AND r.matter_id = NEW.matter_id
        AND r.bank_account_id = NEW.bank_account_id AND r.amount_cents >= NEW.amount_cents + {BACK})"""
NOT_OF_THAT_DISPUTE = f"""NEW.kind = 'dispute_won' AND NOT EXISTS (SELECT 1 FROM trust_movement r
    WHERE r.id = NEW.of_id AND r.kind = 'receipt' AND r.matter_id = NEW.matter_id
        AND r.bank_account_id = NEW.bank_account_id AND NEW.amount_cents <= {BACK})"""
STOPPED = f"""NEW.kind IN {OUT} AND EXISTS (SELECT 1 FROM trust_incident i WHERE i.closed_at IS NULL
    AND i.matter_id = NEW.matter_id AND i.bank_account_id = NEW.bank_account_id)"""
NOT_REPLENISHED = """NEW.closed_at IS NOT NULL AND COALESCE((
    SELECT d.balance_cents FROM trust_day d JOIN trust_book b ON b.account_code = d.account_code
    WHERE b.bank_account_id = NEW.bank_account_id AND d.matter_id = COALESCE(NEW.matter_id, 0)
        AND b.part = (CASE WHEN NEW.matter_id IS NULL THEN 'float' ELSE 'ledger' END)
    ORDER BY d.day DESC LIMIT 1), 0) > 0"""
INCIDENT_CHANGED = """OLD.closed_at IS NOT NULL OR NEW.source <> OLD.source
    OR NEW.bank_account_id <> OLD.bank_account_id OR COALESCE(NEW.matter_id, 0) <> COALESCE(OLD.matter_id, 0)
    OR NEW.shortfall_cents <> OLD.shortfall_cents OR NEW.opened_at <> OLD.opened_at"""

# T12

NO_LAWYER = """NOT EXISTS (SELECT 1 FROM firm_user u WHERE u.id = NEW.authorised_by_id AND u.disabled_at IS NULL
    AND REPLACE(' ' || u.roles || ' ', ' attorney ', '') <> ' ' || u.roles || ' ')"""
NOT_AUTHORISED = f"""NEW.kind IN {OUT} AND NOT EXISTS (SELECT 1 FROM trust_authorisation a
    WHERE a.id = NEW.authorisation_id AND a.kind = NEW.kind AND a.bank_account_id = NEW.bank_account_id
        AND a.matter_id = NEW.matter_id AND COALESCE(a.to_matter_id, 0) = COALESCE(NEW.to_matter_id, 0)
        AND COALESCE(a.invoice_id, 0) = COALESCE(NEW.invoice_id, 0) AND a.amount_cents = NEW.amount_cents
        AND a.payee = NEW.party AND a.withdrawn_at IS NULL AND a.authorised_at <= NEW.created_at)"""
USED = "EXISTS (SELECT 1 FROM trust_movement m WHERE m.authorisation_id = OLD.id) OR OLD.withdrawn_at IS NOT NULL"
AUTHORISATION_CHANGED = " OR ".join(
    f"NEW.{column} <> OLD.{column}"
    for column in (
        "id key kind bank_account_id matter_id amount_cents payee purpose authorised_by_id authorised_at"
    ).split()
)
TARGET_CHANGED = """COALESCE(NEW.to_matter_id, 0) <> COALESCE(OLD.to_matter_id, 0)
    OR COALESCE(NEW.invoice_id, 0) <> COALESCE(OLD.invoice_id, 0)"""

# T20

NOT_EMPTY = """NEW.closed_on IS NOT NULL AND OLD.closed_on IS NULL AND EXISTS (SELECT 1 FROM running_total r
    WHERE r.matter_id = NEW.id AND (r.account_code IN ('unapplied', 'suspense') OR r.account_code IN (
        SELECT b.account_code FROM trust_book b WHERE b.part = 'ledger'))
    GROUP BY r.account_code, r.currency HAVING SUM(r.balance_cents) <> 0)"""

HAS_BOOKS = """NEW.fund <> OLD.fund AND EXISTS (SELECT 1 FROM trust_book b WHERE b.bank_account_id = OLD.id)"""

# name, event, table, what is said, when
GUARDS = (
    ("trust_books_are_trusts", "INSERT", "trust_book", "T01: only trust money is in a trust account", BOOK_IS_WRONG),
    ("trust_fund_kept", "UPDATE", "bank_account", "T01: there is trust money in this account", HAS_BOOKS),
    ("trust_t01_books", "INSERT", "posting", "T01: trust money is in the books of one trust account", NO_BOOKS),
    ("trust_t01_matter", "INSERT", "posting", "T01: a trust posting names one matter", NO_MATTER),
    ("trust_t01_sum", "INSERT", "journal_seal", "T01: the books of each trust account balance", LOPSIDED),
    ("trust_t02", "INSERT", "journal_seal", "T02: a trust ledger or account would be below zero", BELOW_ZERO),
    ("trust_t05_invoice", "INSERT", "trust_movement", "T05: only an issued, shared invoice is paid", NOT_PAYABLE),
    ("trust_t05_balance", "INSERT", "journal_seal", "T05: no more than the invoice still owes", OVERPAID),
    ("trust_t07", "INSERT", "journal_seal", "T07: no fee and no income in an entry of trust money", FEE_IN_TRUST),
    ("trust_t08", "INSERT", "journal_seal", "T08: the firm keeps no more than its float in trust", FLOAT_TOO_LARGE),
    ("trust_t09", "INSERT", "journal_seal", "T09: a deposit that has not cleared cannot be spent", NOT_CLEARED),
    ("trust_t10_deposit", "INSERT", "trust_movement", "T10: not that deposit, or more of it", NOT_OF_THAT_DEPOSIT),
    ("trust_t10_dispute", "INSERT", "trust_movement", "T10: no more comes back than went", NOT_OF_THAT_DISPUTE),
    ("trust_t10_stop", "INSERT", "trust_movement", "T10: this ledger is short, nothing is drawn on it", STOPPED),
    ("trust_t10_closed", "UPDATE", "trust_incident", "T10: the shortfall is not replenished", NOT_REPLENISHED),
    ("trust_t10_kept", "UPDATE", "trust_incident", "T10: what an incident says is kept", INCIDENT_CHANGED),
    ("trust_t11", "INSERT", "journal_seal", "T11: the facts behind a trust entry are missing", NO_FACT),
    ("trust_t12_lawyer", "INSERT", "trust_authorisation", "T12: only a lawyer authorises", NO_LAWYER),
    ("trust_t12", "INSERT", "trust_movement", "T12: no lawyer has authorised this withdrawal", NOT_AUTHORISED),
    ("trust_t12_used", "UPDATE", "trust_authorisation", "T12: it is used or withdrawn", USED),
    ("trust_t12_kept", "UPDATE", "trust_authorisation", "T12: what is authorised is kept", AUTHORISATION_CHANGED),
    ("trust_t12_target", "UPDATE", "trust_authorisation", "T12: what is authorised is kept", TARGET_CHANGED),
    ("trust_t13", "INSERT", "journal_seal", "T13: a correction is the exact opposite", NOT_OPPOSITE),
    ("trust_t19", "INSERT", "journal_seal", "T19: a held amount cannot be drawn", IS_HELD),
    ("trust_t19_there", "INSERT", "trust_hold", "T19: no more is held than is there", HELD_TOO_MUCH),
    ("trust_t19_kept", "UPDATE", "trust_hold", "T19: a hold is released once, and not changed",
     f"OLD.released_at IS NOT NULL OR {HOLD_CHANGED}"),
    ("trust_t20", "UPDATE", "matter", "T20: there is client money on this matter", NOT_EMPTY),
)  # fmt: skip

FLOAT_CAP_CENTS = 50_000  # of the default rule pack


def up(migrator: SchemaMigrator, db: Database) -> None:
    for name, event, table, said, when in GUARDS:
        guard(db, name, event, table, said, when)
    db.execute_sql(
        "INSERT INTO trust_policy (pack, float_cap_cents, chosen_at) "
        f"VALUES ('aba', {FLOAT_CAP_CENTS}, CURRENT_TIMESTAMP)"
    )


def down(migrator: SchemaMigrator, db: Database) -> None:
    lite = isinstance(db, SqliteDatabase)
    execute(db, [f"DROP TRIGGER {name}" + ("" if lite else f" ON {table}") for name, _, table, _, _ in GUARDS])
    drop_functions(db, *(name for name, *_ in GUARDS))
