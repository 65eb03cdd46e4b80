"""Links that show one invoice and take its payment without an account."""

from peewee import Database
from playhouse.migrate import SchemaMigrator

from portal_app.schema import drop_functions, execute, guard

UP = [
    """CREATE TABLE pay_link (
    id {pk},
    invoice_id BIGINT NOT NULL REFERENCES invoice(id),
    portal_user_id BIGINT NOT NULL REFERENCES portal_user(id),
    nonce VARCHAR(32) NOT NULL UNIQUE,
    token_hash VARCHAR(64) NOT NULL UNIQUE,
    made_at TIMESTAMP NOT NULL,
    made_by_id BIGINT REFERENCES firm_user(id),
    expires_at TIMESTAMP NOT NULL,
    is_on_paper BOOLEAN NOT NULL,
    last_opened_at TIMESTAMP,
    ended_at TIMESTAMP,
    ended_by_id BIGINT REFERENCES firm_user(id))""",
    "CREATE UNIQUE INDEX pay_link_open ON pay_link (invoice_id, portal_user_id) WHERE ended_at IS NULL",
    """CREATE TABLE pay_link_payment (
    payment_id BIGINT NOT NULL PRIMARY KEY REFERENCES payment(id),
    pay_link_id BIGINT NOT NULL REFERENCES pay_link(id))""",
    "CREATE INDEX pay_link_payment_link ON pay_link_payment (pay_link_id)",
]


def up(migrator: SchemaMigrator, db: Database) -> None:
    execute(db, UP)
    guard(
        db, "pay_link_fixed", "UPDATE", "pay_link", "a link stays that of its invoice and person",
        "NEW.invoice_id <> OLD.invoice_id OR NEW.portal_user_id <> OLD.portal_user_id OR NEW.nonce <> OLD.nonce",
    )  # fmt: skip


def down(migrator: SchemaMigrator, db: Database) -> None:
    execute(db, [f"DROP TABLE {table}" for table in ("pay_link_payment", "pay_link")])
    drop_functions(db, "pay_link_fixed")
