"""The audit trail: who did what, when, from where, with what before and after; chained like the ledger.

Rows are appended and never changed. A purge, which is a row of its own, lets go of what is older than the firm keeps;
its hash is where the rest of the chain begins.
"""

from peewee import Database
from playhouse.migrate import SchemaMigrator

from portal_app import chain
from portal_app.schema import drop_functions, execute, guard, no_truncate_on

UP = [
    """CREATE TABLE audit_entry (
    id {pk},
    matter_id BIGINT NOT NULL,
    sequence BIGINT NOT NULL CHECK (sequence >= 1),
    previous VARCHAR(64) NOT NULL CHECK (LENGTH(previous) = 64),
    hash VARCHAR(64) NOT NULL UNIQUE CHECK (LENGTH(hash) = 64),
    happened_at TIMESTAMP NOT NULL,
    action VARCHAR(60) NOT NULL CHECK (action <> ''),
    firm_user_id BIGINT REFERENCES firm_user(id),
    portal_user_id BIGINT REFERENCES portal_user(id),
    subject VARCHAR(120) NOT NULL,
    subject_ref VARCHAR(60) NOT NULL,
    address VARCHAR(45) NOT NULL,
    device VARCHAR(120) NOT NULL,
    before TEXT NOT NULL,
    after TEXT NOT NULL,
    UNIQUE (matter_id, sequence))""",
    "CREATE INDEX audit_entry_subject ON audit_entry (subject_ref, id)",
    "CREATE INDEX audit_entry_firm_user ON audit_entry (firm_user_id, id)",
    "CREATE INDEX audit_entry_portal_user ON audit_entry (portal_user_id, id)",
    """CREATE TABLE audit_purge (
    id {pk},
    matter_id BIGINT NOT NULL,
    up_to BIGINT NOT NULL CHECK (up_to >= 1),
    hash VARCHAR(64) NOT NULL CHECK (LENGTH(hash) = 64),
    count BIGINT NOT NULL CHECK (count >= 1),
    purged_at TIMESTAMP NOT NULL,
    UNIQUE (matter_id, up_to))""",
]
ASTRAY = f"""NOT (NEW.sequence = 1 AND NEW.previous = '{chain.START}'
        AND NOT EXISTS (SELECT 1 FROM audit_entry e WHERE e.matter_id = NEW.matter_id))
    AND NOT EXISTS (SELECT 1 FROM audit_entry e WHERE e.matter_id = NEW.matter_id
        AND e.sequence = NEW.sequence - 1 AND e.hash = NEW.previous)"""
KEPT = """NOT EXISTS (SELECT 1 FROM audit_purge p WHERE p.matter_id = OLD.matter_id AND p.up_to >= OLD.sequence)
    OR NOT EXISTS (SELECT 1 FROM audit_entry e WHERE e.matter_id = OLD.matter_id AND e.sequence > OLD.sequence)"""
GUARDS = (
    ("audit_entry_follows", "INSERT", "audit_entry", "does not follow the last entry", ASTRAY),
    ("audit_entry_no_update", "UPDATE", "audit_entry", "append-only table", ""),
    ("audit_entry_kept", "DELETE", "audit_entry", "append-only table", KEPT),
    ("audit_purge_no_update", "UPDATE", "audit_purge", "append-only table", ""),
    ("audit_purge_no_delete", "DELETE", "audit_purge", "append-only table", ""),
)


def up(migrator: SchemaMigrator, db: Database) -> None:
    execute(db, UP)
    for name, event, table, message, when in GUARDS:
        guard(db, name, event, table, message, when)
    no_truncate_on(db, "audit_entry", "audit_purge")


def down(migrator: SchemaMigrator, db: Database) -> None:
    execute(db, ["DROP TABLE audit_entry", "DROP TABLE audit_purge"])
    drop_functions(db, *(name for name, *_ in GUARDS))
