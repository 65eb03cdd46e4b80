"""How much e-mails say, and the erasure of what the portal holds about a person: one row for each, never changed."""

from peewee import Database, SqliteDatabase
from playhouse.migrate import SchemaMigrator

from portal_app.schema import drop_functions, execute, guard, unguard

UP = [
    "ALTER TABLE firm ADD COLUMN letters VARCHAR(5) NOT NULL DEFAULT 'full' CHECK (letters IN ('full', 'brief'))",
    """CREATE TABLE erasure (
    id {pk},
    portal_user_id BIGINT UNIQUE REFERENCES portal_user(id),
    client_id BIGINT UNIQUE REFERENCES client(id),
    reason VARCHAR(300) NOT NULL CHECK (reason <> ''),
    erased_at TIMESTAMP NOT NULL,
    erased_by_id BIGINT NOT NULL REFERENCES firm_user(id),
    CHECK ((portal_user_id IS NULL) <> (client_id IS NULL)))""",
]
STAYS = "EXISTS (SELECT 1 FROM erasure e WHERE e.{0}_id = OLD.id)"


def up(migrator: SchemaMigrator, db: Database) -> None:
    execute(db, UP)
    guard(db, "erasure_no_update", "UPDATE", "erasure", "append-only table")
    guard(db, "erasure_no_delete", "DELETE", "erasure", "append-only table")
    for table in ("portal_user", "client"):
        guard(db, f"{table}_stays_erased", "UPDATE", table, "erased for good", STAYS.format(table))


def down(migrator: SchemaMigrator, db: Database) -> None:
    for table in ("portal_user", "client"):
        unguard(db, f"{table}_stays_erased", table)
    execute(
        db,
        [
            f"DROP TABLE erasure{'' if isinstance(db, SqliteDatabase) else ' CASCADE'}",
            "ALTER TABLE firm DROP COLUMN letters",
        ],
    )
    drop_functions(db, "erasure_no_update", "erasure_no_delete")
