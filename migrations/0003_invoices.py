"""Invoices: a draft changes nothing; once issued, its number, sums and lines can never change."""

from peewee import Database, SqliteDatabase
from playhouse.migrate import SchemaMigrator

from portal_app.schema import drop_functions, execute, guard

UP = [
    """CREATE TABLE invoice (
    id {pk},
    public_id VARCHAR(32) NOT NULL UNIQUE,
    matter_id BIGINT NOT NULL REFERENCES matter(id),
    number VARCHAR(20) UNIQUE,
    note TEXT NOT NULL,
    terms_days INTEGER NOT NULL CHECK (terms_days BETWEEN 0 AND 365),
    issued_on DATE,
    due_on DATE,
    total_cents BIGINT NOT NULL CHECK (total_cents >= 0),
    currency VARCHAR(3) NOT NULL,
    document_id BIGINT UNIQUE REFERENCES document(id),
    created_at TIMESTAMP NOT NULL,
    created_by_id BIGINT REFERENCES firm_user(id),
    issued_at TIMESTAMP,
    issued_by_id BIGINT REFERENCES firm_user(id),
    CHECK ((number IS NULL) = (issued_at IS NULL)),
    CHECK ((number IS NULL) = (issued_on IS NULL)),
    CHECK ((number IS NULL) = (due_on IS NULL)),
    CHECK ((number IS NULL) = (document_id IS NULL)),
    CHECK (due_on >= issued_on),
    CHECK (number IS NULL OR total_cents > 0))""",
    "CREATE INDEX invoice_matter ON invoice (matter_id)",
    "CREATE INDEX invoice_draft ON invoice (created_at) WHERE number IS NULL",
    """CREATE TABLE invoice_line (
    id {pk},
    invoice_id BIGINT NOT NULL REFERENCES invoice(id),
    position INTEGER NOT NULL,
    work_item_id BIGINT NOT NULL REFERENCES work_item(id) ON DELETE CASCADE,
    kind VARCHAR(10) NOT NULL,
    worked_on DATE NOT NULL,
    description TEXT NOT NULL,
    timekeeper_name VARCHAR(120) NOT NULL,
    quantity_hundredths BIGINT NOT NULL,
    rate_cents BIGINT NOT NULL,
    amount_cents BIGINT NOT NULL,
    UNIQUE (invoice_id, position),
    UNIQUE (invoice_id, work_item_id))""",
    "CREATE INDEX invoice_line_work_item ON invoice_line (work_item_id)",
    """CREATE TABLE invoice_void (
    invoice_id BIGINT NOT NULL PRIMARY KEY REFERENCES invoice(id),
    voided_at TIMESTAMP NOT NULL,
    voided_by_id BIGINT REFERENCES firm_user(id),
    reason VARCHAR(200) NOT NULL)""",
]

_SEALED = " OR ".join(
    f"NEW.{column} IS DISTINCT FROM OLD.{column}"
    for column in "public_id matter_id number note issued_on due_on total_cents currency document_id issued_at".split()
)
_ISSUED = "EXISTS (SELECT 1 FROM invoice WHERE id = {row}.invoice_id AND number IS NOT NULL)"


def up(migrator: SchemaMigrator, db: Database) -> None:
    execute(db, UP)
    lite = isinstance(db, SqliteDatabase)
    different = _SEALED.replace("IS DISTINCT FROM", "IS NOT") if lite else _SEALED
    guard(
        db,
        "invoice_sealed",
        "UPDATE",
        "invoice",
        "an issued invoice cannot be changed",
        f"OLD.number IS NOT NULL AND ({different})",
    )
    guard(db, "invoice_kept", "DELETE", "invoice", "an issued invoice cannot be deleted", "OLD.number IS NOT NULL")
    for event, row in (("INSERT", "NEW"), ("UPDATE", "OLD"), ("DELETE", "OLD")):
        guard(
            db,
            f"invoice_line_{event.lower()}",
            event,
            "invoice_line",
            "the lines of an issued invoice cannot be changed",
            _ISSUED.format(row=row),
        )
    guard(db, "invoice_void_update", "UPDATE", "invoice_void", "append-only table")
    guard(db, "invoice_void_delete", "DELETE", "invoice_void", "append-only table")


def down(migrator: SchemaMigrator, db: Database) -> None:
    execute(db, [f"DROP TABLE {table}" for table in ("invoice_void", "invoice_line", "invoice")])
    drop_functions(
        db,
        "invoice_sealed",
        "invoice_kept",
        "invoice_line_insert",
        "invoice_line_update",
        "invoice_line_delete",
        "invoice_void_update",
        "invoice_void_delete",
    )
