"""Receipts for trust money that did not come through the portal, and their paper."""

from peewee import Database
from playhouse.migrate import SchemaMigrator

from portal_app.schema import drop_functions, execute, guard

UP = [
    """CREATE TABLE trust_receipt (
    movement_id BIGINT NOT NULL PRIMARY KEY REFERENCES trust_movement(id),
    public_id VARCHAR(32) NOT NULL UNIQUE,
    number VARCHAR(20) NOT NULL UNIQUE CHECK (number <> ''),
    paper_key VARCHAR(120) NOT NULL,
    made_at TIMESTAMP NOT NULL)""",
]


def up(migrator: SchemaMigrator, db: Database) -> None:
    execute(db, UP)
    changed = "NEW.movement_id <> OLD.movement_id OR NEW.number <> OLD.number OR NEW.public_id <> OLD.public_id"
    guard(db, "trust_receipt_fixed", "UPDATE", "trust_receipt", "a receipt keeps its number", changed)
    guard(db, "trust_receipt_kept", "DELETE", "trust_receipt", "a receipt cannot be deleted")


def down(migrator: SchemaMigrator, db: Database) -> None:
    execute(db, ["DROP TABLE trust_receipt"])
    drop_functions(db, "trust_receipt_fixed", "trust_receipt_kept")
