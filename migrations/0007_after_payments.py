"""What comes after a payment: refunds, disputes; what gateways tell; and what waits for a person."""

from peewee import Database
from playhouse.migrate import SchemaMigrator

from portal_app.schema import drop_functions, execute, guard

UP = [
    """CREATE TABLE refund (
    id {pk},
    reference VARCHAR(32) NOT NULL UNIQUE,
    payment_id BIGINT NOT NULL REFERENCES payment(id),
    key VARCHAR(64) UNIQUE,
    amount_cents BIGINT NOT NULL CHECK (amount_cents > 0),
    reason VARCHAR(200) NOT NULL,
    is_owed_again BOOLEAN NOT NULL,
    made_by_id BIGINT REFERENCES firm_user(id),
    state VARCHAR(16) NOT NULL CHECK (state IN (
        'ready', 'submitting', 'pending', 'unknown', 'succeeded', 'declined', 'not_submitted')),
    gateway_reference VARCHAR(120) NOT NULL,
    code VARCHAR(60) NOT NULL,
    message TEXT NOT NULL,
    evidence TEXT NOT NULL,
    lookups INTEGER NOT NULL,
    created_at TIMESTAMP NOT NULL,
    changed_at TIMESTAMP NOT NULL,
    submitted_at TIMESTAMP,
    resolved_at TIMESTAMP,
    next_lookup_at TIMESTAMP,
    leased_until TIMESTAMP)""",
    "CREATE INDEX refund_payment ON refund (payment_id)",
    "CREATE INDEX refund_due ON refund (next_lookup_at) WHERE resolved_at IS NULL",
    """CREATE TABLE dispute (
    id {pk},
    payment_id BIGINT NOT NULL REFERENCES payment(id),
    gateway_reference VARCHAR(120) NOT NULL,
    amount_cents BIGINT NOT NULL CHECK (amount_cents > 0),
    reason VARCHAR(120) NOT NULL,
    state VARCHAR(16) NOT NULL CHECK (state IN ('inquiry', 'open', 'won', 'lost')),
    respond_by TIMESTAMP,
    opened_at TIMESTAMP NOT NULL,
    changed_at TIMESTAMP NOT NULL,
    UNIQUE (payment_id, gateway_reference))""",
    "CREATE INDEX dispute_open ON dispute (state) WHERE state IN ('inquiry', 'open')",
    """CREATE TABLE gateway_event (
    id {pk},
    gateway_id BIGINT NOT NULL REFERENCES gateway(id),
    event_id VARCHAR(120) NOT NULL,
    kind VARCHAR(80) NOT NULL,
    subject VARCHAR(10) NOT NULL,
    reference VARCHAR(64) NOT NULL,
    gateway_reference VARCHAR(120) NOT NULL,
    evidence TEXT NOT NULL,
    received_at TIMESTAMP NOT NULL,
    processed_at TIMESTAMP,
    tries INTEGER NOT NULL,
    result VARCHAR(200) NOT NULL,
    UNIQUE (gateway_id, event_id))""",
    "CREATE INDEX gateway_event_received ON gateway_event (gateway_id, received_at)",
    """CREATE TABLE gateway_sweep (
    id {pk},
    gateway_id BIGINT NOT NULL REFERENCES gateway(id),
    since TIMESTAMP NOT NULL,
    until TIMESTAMP NOT NULL,
    started_at TIMESTAMP NOT NULL,
    finished_at TIMESTAMP,
    found INTEGER NOT NULL,
    error VARCHAR(300) NOT NULL)""",
    "CREATE INDEX gateway_sweep_gateway ON gateway_sweep (gateway_id, id)",
    """CREATE TABLE gateway_transaction (
    id {pk},
    gateway_id BIGINT NOT NULL REFERENCES gateway(id),
    kind VARCHAR(10) NOT NULL,
    external_id VARCHAR(120) NOT NULL,
    outcome VARCHAR(16) NOT NULL,
    amount_cents BIGINT NOT NULL CHECK (amount_cents >= 0),
    fee_cents BIGINT NOT NULL CHECK (fee_cents >= 0),
    currency VARCHAR(3) NOT NULL,
    merchant_account VARCHAR(80) NOT NULL,
    reference VARCHAR(64) NOT NULL,
    charge_gateway_reference VARCHAR(120) NOT NULL,
    description VARCHAR(200) NOT NULL,
    occurred_at TIMESTAMP NOT NULL,
    seen_at TIMESTAMP NOT NULL,
    attempt_id BIGINT REFERENCES attempt(id),
    entry_id BIGINT REFERENCES journal_entry(id),
    UNIQUE (gateway_id, kind, external_id))""",
    """CREATE TABLE question (
    id {pk},
    kind VARCHAR(40) NOT NULL,
    source VARCHAR(200) NOT NULL UNIQUE,
    gateway_id BIGINT REFERENCES gateway(id),
    payment_id BIGINT REFERENCES payment(id),
    detail TEXT NOT NULL,
    opened_at TIMESTAMP NOT NULL,
    closed_at TIMESTAMP,
    closed_by_id BIGINT REFERENCES firm_user(id),
    note VARCHAR(200) NOT NULL)""",
    "CREATE INDEX question_open ON question (opened_at) WHERE closed_at IS NULL",
    "CREATE INDEX attempt_gateway_reference ON attempt (gateway_reference) WHERE gateway_reference <> ''",
]
TABLES = "question gateway_transaction gateway_sweep gateway_event dispute refund".split()


def up(migrator: SchemaMigrator, db: Database) -> None:
    execute(db, UP)
    guard(
        db, "refund_fixed", "UPDATE", "refund", "a refund cannot change its payment", "NEW.payment_id <> OLD.payment_id"
    )
    for table in ("refund", "dispute", "gateway_event", "question"):
        guard(db, f"{table}_kept", "DELETE", table, "what happened cannot be deleted")


def down(migrator: SchemaMigrator, db: Database) -> None:
    execute(db, ["DROP INDEX attempt_gateway_reference", *(f"DROP TABLE {table}" for table in TABLES)])
    drop_functions(db, "refund_fixed", "refund_kept", "dispute_kept", "gateway_event_kept", "question_kept")
