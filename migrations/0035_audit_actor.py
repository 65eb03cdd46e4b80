"""Who it was where it was nobody who signed in: a gateway, or the holder of a link to pay. Empty: the portal itself."""

from peewee import Database
from playhouse.migrate import SchemaMigrator

from portal_app.schema import execute


def up(migrator: SchemaMigrator, db: Database) -> None:
    execute(db, ["ALTER TABLE audit_entry ADD COLUMN actor VARCHAR(60) NOT NULL DEFAULT ''"])


def down(migrator: SchemaMigrator, db: Database) -> None:
    execute(db, ["ALTER TABLE audit_entry DROP COLUMN actor"])
