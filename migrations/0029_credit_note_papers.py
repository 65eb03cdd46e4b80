"""A credit note has its paper among the matter's documents, as an invoice has."""

from peewee import Database
from playhouse.migrate import SchemaMigrator

from portal_app.schema import execute, guard, unguard

CHANGED = "OLD.document_id IS NOT NULL AND (NEW.document_id IS NULL OR NEW.document_id <> OLD.document_id)"
OTHER_MATTER = """NEW.document_id IS NOT NULL AND (SELECT matter_id FROM document WHERE id = NEW.document_id)
    <> (SELECT matter_id FROM invoice WHERE id = NEW.invoice_id)"""


def up(migrator: SchemaMigrator, db: Database) -> None:
    execute(db, [
        "ALTER TABLE invoice_adjustment ADD COLUMN document_id BIGINT REFERENCES document(id)",
        "CREATE UNIQUE INDEX invoice_adjustment_document ON invoice_adjustment (document_id)",
    ])  # fmt: skip
    guard(db, "adjustment_paper", "UPDATE", "invoice_adjustment", "a credit note keeps its paper", CHANGED)
    guard(db, "adjustment_home", "INSERT", "invoice_adjustment", "the paper is of another matter", OTHER_MATTER)


def down(migrator: SchemaMigrator, db: Database) -> None:
    for name in ("adjustment_home", "adjustment_paper"):
        unguard(db, name, "invoice_adjustment")
    execute(db, ["DROP INDEX invoice_adjustment_document", "ALTER TABLE invoice_adjustment DROP COLUMN document_id"])
