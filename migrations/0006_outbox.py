"""The outbox: what must happen after a commit, at least once; and the e-mails that it sends."""

from peewee import Database
from playhouse.migrate import SchemaMigrator

from portal_app.schema import execute

UP = [
    """CREATE TABLE outbox (
    id {pk},
    topic VARCHAR(40) NOT NULL,
    subject_id BIGINT NOT NULL,
    created_at TIMESTAMP NOT NULL,
    run_at TIMESTAMP NOT NULL,
    attempts INTEGER NOT NULL,
    leased_until TIMESTAMP,
    done_at TIMESTAMP,
    last_error VARCHAR(300) NOT NULL)""",
    "CREATE INDEX outbox_due ON outbox (run_at) WHERE done_at IS NULL",
    """CREATE TABLE email (
    id {pk},
    kind VARCHAR(40) NOT NULL,
    fact VARCHAR(80) NOT NULL UNIQUE,
    to_name VARCHAR(120) NOT NULL,
    to_address VARCHAR(254) NOT NULL,
    subject VARCHAR(200) NOT NULL,
    text TEXT NOT NULL,
    html TEXT NOT NULL,
    created_at TIMESTAMP NOT NULL,
    sent_at TIMESTAMP,
    last_error VARCHAR(300) NOT NULL)""",
    "CREATE INDEX email_unsent ON email (created_at) WHERE sent_at IS NULL",
]


def up(migrator: SchemaMigrator, db: Database) -> None:
    execute(db, UP)


def down(migrator: SchemaMigrator, db: Database) -> None:
    execute(db, ["DROP TABLE email", "DROP TABLE outbox"])
