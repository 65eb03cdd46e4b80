"""Gateways, the firm's bank accounts, payments and the attempts to take them."""

from peewee import Database
from playhouse.migrate import SchemaMigrator

from portal_app.schema import drop_functions, execute, guard

STATES = (
    "'ready', 'submitting', 'pending', 'action_required', 'unknown', "
    "'succeeded', 'declined', 'canceled', 'not_submitted', 'review', 'returned'"
)

UP = [
    """CREATE TABLE bank_account (
    id {pk},
    name VARCHAR(80) NOT NULL CHECK (name <> ''),
    fund VARCHAR(10) NOT NULL CHECK (fund IN ('operating', 'trust')),
    last4 VARCHAR(4) NOT NULL)""",
    """CREATE TABLE gateway (
    id {pk},
    plugin VARCHAR(30) NOT NULL,
    code VARCHAR(30) NOT NULL UNIQUE CHECK (code <> ''),
    name VARCHAR(60) NOT NULL,
    settings TEXT NOT NULL,
    mode VARCHAR(4) NOT NULL CHECK (mode IN ('test', 'live')),
    webhook_secret VARCHAR(64) NOT NULL UNIQUE CHECK (webhook_secret <> ''),
    enabled_at TIMESTAMP,
    settings_saved_at TIMESTAMP NOT NULL,
    changed_by_id BIGINT REFERENCES firm_user(id),
    tested_at TIMESTAMP,
    is_healthy BOOLEAN,
    health TEXT NOT NULL)""",
    """CREATE TABLE gateway_route (
    gateway_id BIGINT NOT NULL REFERENCES gateway(id),
    fund VARCHAR(10) NOT NULL CHECK (fund IN ('operating', 'trust')),
    merchant_account VARCHAR(80) NOT NULL CHECK (merchant_account <> ''),
    bank_account_id BIGINT NOT NULL REFERENCES bank_account(id),
    PRIMARY KEY (gateway_id, fund))""",
    """CREATE TABLE payment_road (
    fund VARCHAR(10) NOT NULL CHECK (fund IN ('operating', 'trust')),
    method VARCHAR(4) NOT NULL CHECK (method IN ('card', 'bank')),
    gateway_id BIGINT NOT NULL REFERENCES gateway(id),
    PRIMARY KEY (fund, method),
    FOREIGN KEY (gateway_id, fund) REFERENCES gateway_route(gateway_id, fund))""",
    """CREATE TABLE installation (
    id {pk},
    token VARCHAR(64) NOT NULL UNIQUE,
    inode VARCHAR(20) NOT NULL,
    public_url TEXT NOT NULL,
    bound_at TIMESTAMP NOT NULL,
    bound_by_id BIGINT REFERENCES firm_user(id))""",
    f"""CREATE TABLE payment (
    id {{pk}},
    public_id VARCHAR(32) NOT NULL UNIQUE,
    portal_user_id BIGINT NOT NULL REFERENCES portal_user(id),
    gateway_id BIGINT NOT NULL REFERENCES gateway(id),
    key VARCHAR(64) NOT NULL,
    fund VARCHAR(10) NOT NULL CHECK (fund IN ('operating', 'trust')),
    method VARCHAR(4) NOT NULL CHECK (method IN ('card', 'bank')),
    amount_cents BIGINT NOT NULL CHECK (amount_cents > 0),
    currency VARCHAR(3) NOT NULL,
    billing TEXT NOT NULL,
    state VARCHAR(16) NOT NULL CHECK (state IN ({STATES})),
    message TEXT NOT NULL,
    method_summary VARCHAR(80) NOT NULL,
    received_cents BIGINT CHECK (received_cents > 0),
    receipt_number VARCHAR(20) UNIQUE,
    receipt_key VARCHAR(120) NOT NULL,
    created_at TIMESTAMP NOT NULL,
    changed_at TIMESTAMP NOT NULL,
    paid_at TIMESTAMP,
    UNIQUE (portal_user_id, key),
    CHECK ((receipt_number IS NULL) = (paid_at IS NULL)))""",
    "CREATE INDEX payment_changed ON payment (changed_at)",
    """CREATE INDEX payment_open ON payment (portal_user_id)
    WHERE state IN ('ready', 'submitting', 'pending', 'action_required', 'unknown', 'review')""",
    """CREATE TABLE allocation (
    payment_id BIGINT NOT NULL REFERENCES payment(id),
    invoice_id BIGINT NOT NULL REFERENCES invoice(id),
    amount_cents BIGINT NOT NULL CHECK (amount_cents > 0),
    PRIMARY KEY (payment_id, invoice_id))""",
    "CREATE INDEX allocation_invoice ON allocation (invoice_id)",
    f"""CREATE TABLE attempt (
    id {{pk}},
    reference VARCHAR(32) NOT NULL UNIQUE,
    payment_id BIGINT NOT NULL REFERENCES payment(id),
    flow VARCHAR(10) NOT NULL CHECK (flow IN ('fields', 'redirect')),
    merchant_account VARCHAR(80) NOT NULL,
    state VARCHAR(16) NOT NULL CHECK (state IN ({STATES})),
    gateway_reference VARCHAR(120) NOT NULL,
    redirect_url TEXT NOT NULL,
    code VARCHAR(60) NOT NULL,
    evidence TEXT NOT NULL,
    lookups INTEGER NOT NULL,
    created_at TIMESTAMP NOT NULL,
    submitted_at TIMESTAMP,
    resolved_at TIMESTAMP,
    next_lookup_at TIMESTAMP,
    leased_until TIMESTAMP)""",
    "CREATE UNIQUE INDEX attempt_payment ON attempt (payment_id)",
    "CREATE INDEX attempt_due ON attempt (next_lookup_at) WHERE resolved_at IS NULL",
    """CREATE TABLE payment_change (
    id {pk},
    payment_id BIGINT NOT NULL REFERENCES payment(id),
    state VARCHAR(16) NOT NULL,
    note VARCHAR(200) NOT NULL,
    changed_at TIMESTAMP NOT NULL)""",
    "CREATE INDEX payment_change_payment ON payment_change (payment_id)",
]


def up(migrator: SchemaMigrator, db: Database) -> None:
    execute(db, UP)
    for table in ("allocation", "payment_change", "installation"):
        for event in ("UPDATE", "DELETE"):
            guard(db, f"{table}_no_{event.lower()}", event, table, "append-only table")
    guard(
        db,
        "payment_fixed",
        "UPDATE",
        "payment",
        "a payment cannot change its amount, payer or gateway",
        "NEW.amount_cents <> OLD.amount_cents OR NEW.currency <> OLD.currency OR NEW.fund <> OLD.fund"
        " OR NEW.portal_user_id <> OLD.portal_user_id OR NEW.gateway_id <> OLD.gateway_id",
    )
    guard(db, "payment_kept", "DELETE", "payment", "a payment cannot be deleted")


def down(migrator: SchemaMigrator, db: Database) -> None:
    tables = "payment_change attempt allocation payment payment_road gateway_route gateway bank_account installation"
    execute(db, [f"DROP TABLE {table}" for table in tables.split()])
    drop_functions(
        db,
        "payment_fixed",
        "payment_kept",
        "allocation_no_update",
        "allocation_no_delete",
        "payment_change_no_update",
        "payment_change_no_delete",
        "installation_no_update",
        "installation_no_delete",
    )
