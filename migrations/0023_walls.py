"""What browsers refused to run, what the payment page was when somebody looked at it, and files held until scanned."""

from peewee import Database, SqliteDatabase
from playhouse.migrate import SchemaMigrator

from portal_app.schema import drop_functions, execute, guard

UP = [
    """CREATE TABLE policy_report (
    id {pk},
    page VARCHAR(120) NOT NULL,
    directive VARCHAR(40) NOT NULL,
    blocked VARCHAR(120) NOT NULL,
    source VARCHAR(120) NOT NULL,
    count BIGINT NOT NULL CHECK (count > 0),
    first_at TIMESTAMP NOT NULL,
    last_at TIMESTAMP NOT NULL,
    UNIQUE (page, directive, blocked, source))""",
    """CREATE TABLE page_snapshot (
    id {pk},
    page VARCHAR(120) NOT NULL,
    facts TEXT NOT NULL,
    sha256 VARCHAR(64) NOT NULL,
    taken_at TIMESTAMP NOT NULL,
    is_accepted BOOLEAN NOT NULL)""",
    "CREATE INDEX page_snapshot_page ON page_snapshot (page, id)",
    """ALTER TABLE document_version ADD COLUMN scan VARCHAR(10) NOT NULL DEFAULT 'none'
        CHECK (scan IN ('none', 'waiting', 'clean', 'infected'))""",
    "ALTER TABLE document_version ADD COLUMN scan_found VARCHAR(120) NOT NULL DEFAULT ''",
    "CREATE INDEX document_version_held ON document_version (scan) WHERE scan IN ('waiting', 'infected')",
]


def up(migrator: SchemaMigrator, db: Database) -> None:
    execute(db, UP)
    guard(db, "page_snapshot_no_update", "UPDATE", "page_snapshot", "append-only table")
    guard(db, "page_snapshot_no_delete", "DELETE", "page_snapshot", "append-only table")


def down(migrator: SchemaMigrator, db: Database) -> None:
    execute(
        db,
        [
            "DROP INDEX document_version_held",
            "ALTER TABLE document_version DROP COLUMN scan_found",
            "ALTER TABLE document_version DROP COLUMN scan",
            f"DROP TABLE page_snapshot{'' if isinstance(db, SqliteDatabase) else ' CASCADE'}",
            "DROP TABLE policy_report",
        ],
    )
    drop_functions(db, "page_snapshot_no_update", "page_snapshot_no_delete")
