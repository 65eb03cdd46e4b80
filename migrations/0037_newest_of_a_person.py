"""A person's newest payments and files are read in the order of an index, and nothing is sorted for them."""

from peewee import Database
from playhouse.migrate import SchemaMigrator

from portal_app.schema import execute

INDEXES = {
    "payment_newest": "payment (portal_user_id, id DESC)",
    "document_share_newest": "document_share (portal_user_id, shared_at DESC, id DESC) WHERE ended_at IS NULL",
}


def up(migrator: SchemaMigrator, db: Database) -> None:
    execute(db, [f"CREATE INDEX {name} ON {where}" for name, where in INDEXES.items()])


def down(migrator: SchemaMigrator, db: Database) -> None:
    execute(db, [f"DROP INDEX {name}" for name in INDEXES])
