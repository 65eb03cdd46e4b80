"""Credit notes and write-offs: less is owed on an issued invoice, for a reason; taken back, never edited."""

from peewee import Database, SqliteDatabase
from playhouse.migrate import SchemaMigrator

from portal_app.schema import drop_functions, execute, guard

UP = [
    """CREATE TABLE invoice_adjustment (
    id {pk},
    invoice_id BIGINT NOT NULL REFERENCES invoice(id),
    kind VARCHAR(12) NOT NULL CHECK (kind IN ('credit_note', 'written_off')),
    number VARCHAR(20) UNIQUE,
    amount_cents BIGINT NOT NULL CHECK (amount_cents > 0),
    reason VARCHAR(200) NOT NULL,
    key VARCHAR(64) NOT NULL UNIQUE,
    made_at TIMESTAMP NOT NULL,
    made_by_id BIGINT NOT NULL REFERENCES firm_user(id),
    undone_at TIMESTAMP,
    undone_by_id BIGINT REFERENCES firm_user(id),
    CHECK ((kind = 'credit_note') = (number IS NOT NULL)),
    CHECK ((undone_at IS NULL) = (undone_by_id IS NULL)))""",
    "CREATE INDEX invoice_adjustment_invoice ON invoice_adjustment (invoice_id)",
]
CHANGED = """OLD.undone_at IS NOT NULL OR NEW.invoice_id <> OLD.invoice_id OR NEW.kind <> OLD.kind
    OR NEW.amount_cents <> OLD.amount_cents OR NEW.reason <> OLD.reason OR NEW.made_at <> OLD.made_at"""


def up(migrator: SchemaMigrator, db: Database) -> None:
    execute(db, UP)
    table = "invoice_adjustment"
    guard(db, "adjustment_fixed", "UPDATE", table, "an adjustment is only ever taken back", CHANGED)
    guard(db, "adjustment_kept", "DELETE", table, "what happened cannot be deleted")


def down(migrator: SchemaMigrator, db: Database) -> None:
    cascade = "" if isinstance(db, SqliteDatabase) else " CASCADE"
    execute(db, [f"DROP TABLE invoice_adjustment{cascade}"])
    drop_functions(db, "adjustment_fixed", "adjustment_kept")
