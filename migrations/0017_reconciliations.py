"""Reconciliations: what of the bank is what of the books, and the closings that lock a period.

A closing is let in only when its figures are those of the postings and of the bank's lines, and all equal; from then
on the database takes nothing that would change them: no posting, no line, no match of a day that is closed.
"""

from peewee import Database, SqliteDatabase
from playhouse.migrate import SchemaMigrator

from portal_app.schema import drop_functions, execute, function, guard

UP = [
    """CREATE TABLE bank_match (
    id {pk},
    bank_account_id BIGINT NOT NULL REFERENCES bank_account(id),
    cleared_on DATE NOT NULL,
    made_at TIMESTAMP NOT NULL,
    made_by_id BIGINT REFERENCES firm_user(id))""",
    "CREATE INDEX bank_match_day ON bank_match (bank_account_id, cleared_on)",
    """CREATE TABLE bank_match_line (
    line_id BIGINT NOT NULL PRIMARY KEY REFERENCES statement_line(id),
    match_id BIGINT NOT NULL REFERENCES bank_match(id) ON DELETE CASCADE)""",
    "CREATE INDEX bank_match_line_match ON bank_match_line (match_id)",
    """CREATE TABLE bank_match_posting (
    posting_id BIGINT NOT NULL PRIMARY KEY REFERENCES posting(id),
    match_id BIGINT NOT NULL REFERENCES bank_match(id) ON DELETE CASCADE)""",
    "CREATE INDEX bank_match_posting_match ON bank_match_posting (match_id)",
    """CREATE TABLE reconciliation_signature (
    id {pk},
    statement_id BIGINT NOT NULL REFERENCES bank_statement(id),
    snapshot_sha256 VARCHAR(64) NOT NULL,
    signed_by_id BIGINT REFERENCES firm_user(id),
    signed_at TIMESTAMP NOT NULL)""",
    "CREATE INDEX reconciliation_signature_statement ON reconciliation_signature (statement_id)",
    """CREATE TABLE reconciliation (
    id {pk},
    bank_account_id BIGINT NOT NULL REFERENCES bank_account(id),
    statement_id BIGINT NOT NULL REFERENCES bank_statement(id),
    fund VARCHAR(10) NOT NULL CHECK (fund IN ('operating', 'trust')),
    currency VARCHAR(3) NOT NULL,
    starts_on DATE NOT NULL,
    ends_on DATE NOT NULL,
    statement_cents BIGINT NOT NULL,
    in_transit_cents BIGINT NOT NULL CHECK (in_transit_cents >= 0),
    outstanding_cents BIGINT NOT NULL CHECK (outstanding_cents <= 0),
    at_gateways_cents BIGINT NOT NULL,
    other_cents BIGINT NOT NULL,
    adjusted_cents BIGINT NOT NULL,
    book_cents BIGINT NOT NULL,
    clients_cents BIGINT NOT NULL,
    float_cents BIGINT NOT NULL,
    snapshot TEXT NOT NULL CHECK (snapshot <> ''),
    snapshot_sha256 VARCHAR(64) NOT NULL UNIQUE,
    prepared_by_id BIGINT REFERENCES firm_user(id),
    prepared_at TIMESTAMP NOT NULL,
    closed_by_id BIGINT REFERENCES firm_user(id),
    closed_at TIMESTAMP NOT NULL,
    CHECK (starts_on <= ends_on),
    CHECK (adjusted_cents = statement_cents + in_transit_cents + outstanding_cents + at_gateways_cents + other_cents),
    CHECK (adjusted_cents = book_cents),
    CHECK (fund = 'operating' OR clients_cents + float_cents = book_cents),
    CHECK (fund = 'trust' OR (clients_cents = 0 AND float_cents = 0 AND at_gateways_cents = 0)))""",
    "CREATE INDEX reconciliation_account ON reconciliation (bank_account_id, ends_on)",
    "CREATE INDEX reconciliation_end ON reconciliation (ends_on)",
    """CREATE TABLE reconciliation_report (
    reconciliation_id BIGINT NOT NULL PRIMARY KEY REFERENCES reconciliation(id),
    storage_key VARCHAR(120) NOT NULL UNIQUE,
    size_bytes BIGINT NOT NULL CHECK (size_bytes > 0),
    sha256 VARCHAR(64) NOT NULL,
    stored_at TIMESTAMP NOT NULL)""",
    """CREATE TABLE reconciliation_reopening (
    reconciliation_id BIGINT NOT NULL PRIMARY KEY REFERENCES reconciliation(id),
    reason VARCHAR(200) NOT NULL CHECK (reason <> ''),
    reopened_by_id BIGINT NOT NULL REFERENCES firm_user(id),
    reopened_at TIMESTAMP NOT NULL)""",
]
TABLES = (
    "reconciliation_reopening reconciliation_report reconciliation reconciliation_signature bank_match_posting "
    "bank_match_line bank_match"
).split()
APPEND_ONLY = ("reconciliation", "reconciliation_signature", "reconciliation_report", "reconciliation_reopening")

STANDS = "NOT EXISTS (SELECT 1 FROM reconciliation_reopening o WHERE o.reconciliation_id = r.id)"


def closed(account: str, day: str) -> str:
    """SQL: a day of an account is closed."""
    return f"""EXISTS (SELECT 1 FROM reconciliation r WHERE r.bank_account_id = {account} AND r.ends_on >= {day}
        AND {STANDS})"""


POSTING_CLOSED = f"""EXISTS (SELECT 1 FROM reconciliation r
    WHERE r.ends_on >= (SELECT occurred_on FROM journal_entry WHERE id = NEW.entry_id)
    AND NEW.account_code IN ('bank:' || r.bank_account_id, 'trust:' || r.bank_account_id, 'float:' || r.bank_account_id)
    AND {STANDS})"""

OTHER_ACCOUNT = """(SELECT bank_account_id FROM {table} WHERE id = NEW.{column}) <>
    (SELECT bank_account_id FROM bank_match WHERE id = NEW.match_id)"""
OTHER_LEDGER = """(SELECT account_code FROM posting WHERE id = NEW.posting_id) <>
    (SELECT 'bank:' || bank_account_id FROM bank_match WHERE id = NEW.match_id)"""
MATCH_CLOSED = f"""EXISTS (SELECT 1 FROM bank_match m WHERE m.id = NEW.match_id
    AND {closed("m.bank_account_id", "m.cleared_on")})"""
MATCH_STANDS = "EXISTS (SELECT 1 FROM bank_match m WHERE m.id = OLD.match_id)"


def sum_on(*names: str) -> str:
    """SQL: what stands at the end of the period on the account's ledgers of these names, debit plus."""
    codes = ", ".join(f"'{name}:' || NEW.bank_account_id" for name in names)
    return f"""COALESCE((SELECT SUM(p.amount_cents) FROM posting p JOIN journal_entry e ON e.id = p.entry_id
        WHERE p.account_code IN ({codes}) AND e.occurred_on <= NEW.ends_on), 0)"""


# What gateways hold for a trust account is the other side of the account's own ledgers, entry by entry.
FIGURES_WRONG = f"""NEW.fund <> (SELECT fund FROM bank_account WHERE id = NEW.bank_account_id)
    OR NEW.statement_cents <> COALESCE((SELECT SUM(l.amount_cents) FROM statement_line l
        WHERE l.bank_account_id = NEW.bank_account_id AND l.booked_on <= NEW.ends_on), 0)
    OR NEW.book_cents - NEW.at_gateways_cents <> {sum_on("bank")}
    OR NEW.clients_cents <> -{sum_on("trust")}
    OR NEW.float_cents <> -{sum_on("float")}
    OR NOT EXISTS (SELECT 1 FROM bank_statement s WHERE s.id = NEW.statement_id AND s.ends_on = NEW.ends_on
        AND s.bank_account_id = NEW.bank_account_id AND s.imported_at IS NOT NULL)"""

LOOSE_LINE = """EXISTS (SELECT 1 FROM statement_line l WHERE l.bank_account_id = NEW.bank_account_id
    AND l.booked_on <= NEW.ends_on AND l.explanation = ''
    AND NOT EXISTS (SELECT 1 FROM bank_match_line b WHERE b.line_id = l.id))"""

UNEQUAL_MATCH = """EXISTS (SELECT 1 FROM bank_match m WHERE m.bank_account_id = NEW.bank_account_id
    AND COALESCE((SELECT SUM(l.amount_cents) FROM bank_match_line b JOIN statement_line l ON l.id = b.line_id
            WHERE b.match_id = m.id), 0)
        <> COALESCE((SELECT SUM(p.amount_cents) FROM bank_match_posting b JOIN posting p ON p.id = b.posting_id
            WHERE b.match_id = m.id), 0))"""

CLOSED_AFTER = closed("(SELECT bank_account_id FROM reconciliation WHERE id = NEW.reconciliation_id)",
                      "(SELECT ends_on FROM reconciliation WHERE id = NEW.reconciliation_id)").replace(
    "r.ends_on >=", "r.ends_on >")  # fmt: skip
WAY_OUT = "date the correction after it, or have an administrator reopen it"

GUARDS = [
    ("posting_period", "INSERT", "posting", f"T13: the period is reconciled and closed; {WAY_OUT}", POSTING_CLOSED),
    ("line_period_insert", "INSERT", "statement_line", "the period is reconciled and closed",
     closed("NEW.bank_account_id", "NEW.booked_on")),
    ("line_period_update", "UPDATE", "statement_line", "the period is reconciled and closed",
     closed("OLD.bank_account_id", "OLD.booked_on")),
    ("line_period_delete", "DELETE", "statement_line", "the period is reconciled and closed",
     closed("OLD.bank_account_id", "OLD.booked_on")),
    ("match_period_insert", "INSERT", "bank_match", "the period is reconciled and closed",
     closed("NEW.bank_account_id", "NEW.cleared_on")),
    ("match_period_delete", "DELETE", "bank_match", "the period is reconciled and closed",
     closed("OLD.bank_account_id", "OLD.cleared_on")),
    ("match_fixed", "UPDATE", "bank_match", "a match is made anew, not changed", ""),
    ("match_line_fixed", "UPDATE", "bank_match_line", "a match is made anew, not changed", ""),
    ("match_posting_fixed", "UPDATE", "bank_match_posting", "a match is made anew, not changed", ""),
    ("match_line_whole", "DELETE", "bank_match_line", "a match is taken back whole", MATCH_STANDS),
    ("match_posting_whole", "DELETE", "bank_match_posting", "a match is taken back whole", MATCH_STANDS),
    ("match_line_home", "INSERT", "bank_match_line", "a line of another account or of a closed period",
     OTHER_ACCOUNT.format(table="statement_line", column="line_id") + f" OR {MATCH_CLOSED}"),
    ("match_posting_home", "INSERT", "bank_match_posting", "a posting of another account or of a closed period",
     f"{OTHER_LEDGER} OR {MATCH_CLOSED}"),
    ("reconciliation_order", "INSERT", "reconciliation", "the period is reconciled and closed",
     closed("NEW.bank_account_id", "NEW.starts_on")),
    ("reconciliation_figures", "INSERT", "reconciliation", "the figures are not those of the books and the bank",
     FIGURES_WRONG),
    ("reconciliation_lines", "INSERT", "reconciliation", "a line of the bank is not accounted for", LOOSE_LINE),
    ("reconciliation_matches", "INSERT", "reconciliation", "a match does not sum", UNEQUAL_MATCH),
    ("reopening_last", "INSERT", "reconciliation_reopening", "only the last closing can be reopened", CLOSED_AFTER),
]  # fmt: skip


def up(migrator: SchemaMigrator, db: Database) -> None:
    execute(db, UP)
    for name, event, table, message, when in GUARDS:
        guard(db, name, event, table, message, when)
    for table in APPEND_ONLY:
        guard(db, f"{table}_no_update", "UPDATE", table, "append-only table")
        guard(db, f"{table}_no_delete", "DELETE", table, "append-only table")
    if not isinstance(db, SqliteDatabase):
        for table in APPEND_ONLY:
            db.execute_sql(
                f"CREATE TRIGGER {table}_no_truncate BEFORE TRUNCATE ON {table} EXECUTE FUNCTION no_truncate()"
            )
        # Whoever posts meanwhile is waited for, and whoever wants to waits: the figures are those that are kept.
        alone = "LOCK TABLE posting, statement_line, bank_match IN SHARE ROW EXCLUSIVE MODE; RETURN NEW;"
        function(db, "reconciliation_alone", alone)
        db.execute_sql(
            "CREATE TRIGGER reconciliation_a_alone BEFORE INSERT ON reconciliation FOR EACH ROW "
            "EXECUTE FUNCTION reconciliation_alone()"
        )


def down(migrator: SchemaMigrator, db: Database) -> None:
    lite = isinstance(db, SqliteDatabase)
    ours = set(TABLES)
    for name, _, table, _, _ in GUARDS:
        if table not in ours:
            db.execute_sql(f"DROP TRIGGER {name}" + ("" if lite else f" ON {table}"))
    execute(db, [f"DROP TABLE {table}" for table in TABLES])
    names = [name for name, *_ in GUARDS]
    names += [f"{table}_no_{event}" for table in APPEND_ONLY for event in ("update", "delete")]
    drop_functions(db, "reconciliation_alone", *names)
