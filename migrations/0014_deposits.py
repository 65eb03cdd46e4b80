"""Deposit requests: money asked for in advance, into a trust account; and payments that are for one of them.

What a payment is for is an invoice or a deposit request, exactly one of them, and its fund says which: money for an
invoice never goes to a trust merchant account, money for a deposit never to an operating one, whatever the code does.
"""

from peewee import Database, SqliteDatabase
from playhouse.migrate import SchemaMigrator

from portal_app.schema import drop_functions, execute, guard

UP = [
    """CREATE TABLE evergreen (
    id {pk},
    matter_id BIGINT NOT NULL REFERENCES matter(id),
    bank_account_id BIGINT NOT NULL REFERENCES bank_account(id),
    threshold_cents BIGINT NOT NULL CHECK (threshold_cents > 0),
    target_cents BIGINT NOT NULL,
    terms_days INTEGER NOT NULL CHECK (terms_days BETWEEN 0 AND 365),
    set_by_id BIGINT REFERENCES firm_user(id),
    set_at TIMESTAMP NOT NULL,
    ended_by_id BIGINT REFERENCES firm_user(id),
    ended_at TIMESTAMP,
    CHECK (target_cents >= threshold_cents))""",
    "CREATE UNIQUE INDEX evergreen_open ON evergreen (matter_id) WHERE ended_at IS NULL",
    """CREATE TABLE deposit_request (
    id {pk},
    public_id VARCHAR(32) NOT NULL UNIQUE,
    number VARCHAR(20) NOT NULL UNIQUE CHECK (number <> ''),
    matter_id BIGINT NOT NULL REFERENCES matter(id),
    bank_account_id BIGINT NOT NULL REFERENCES bank_account(id),
    amount_cents BIGINT NOT NULL CHECK (amount_cents > 0),
    currency VARCHAR(3) NOT NULL,
    purpose VARCHAR(200) NOT NULL CHECK (purpose <> ''),
    asked_on DATE NOT NULL,
    due_on DATE NOT NULL,
    evergreen_id BIGINT REFERENCES evergreen(id),
    paper_key VARCHAR(120) NOT NULL,
    created_at TIMESTAMP NOT NULL,
    created_by_id BIGINT REFERENCES firm_user(id),
    CHECK (due_on >= asked_on))""",
    "CREATE INDEX deposit_request_matter ON deposit_request (matter_id)",
    """CREATE TABLE deposit_withdrawal (
    deposit_id BIGINT NOT NULL PRIMARY KEY REFERENCES deposit_request(id),
    withdrawn_at TIMESTAMP NOT NULL,
    withdrawn_by_id BIGINT REFERENCES firm_user(id),
    reason VARCHAR(200) NOT NULL)""",
    """CREATE TABLE deposit_share (
    id {pk},
    deposit_id BIGINT NOT NULL REFERENCES deposit_request(id),
    portal_user_id BIGINT NOT NULL REFERENCES portal_user(id),
    shared_by_id BIGINT REFERENCES firm_user(id),
    shared_at TIMESTAMP NOT NULL,
    first_seen_at TIMESTAMP,
    ended_by_id BIGINT REFERENCES firm_user(id),
    ended_at TIMESTAMP)""",
    "CREATE UNIQUE INDEX deposit_share_open ON deposit_share (deposit_id, portal_user_id) WHERE ended_at IS NULL",
    "CREATE INDEX deposit_share_portal_user ON deposit_share (portal_user_id)",
    "ALTER TABLE invoice_recipient ADD COLUMN reads_trust BOOLEAN NOT NULL DEFAULT FALSE",
    "ALTER TABLE refund ADD COLUMN authorisation_id BIGINT REFERENCES trust_authorisation(id)",
    "UPDATE invoice_recipient SET reads_trust = TRUE WHERE LOWER(TRIM(relation)) = 'client'",
]

NEW_ALLOCATION = """CREATE TABLE allocation_new (
    payment_id BIGINT NOT NULL REFERENCES payment(id),
    invoice_id BIGINT REFERENCES invoice(id),
    deposit_id BIGINT REFERENCES deposit_request(id),
    amount_cents BIGINT NOT NULL CHECK (amount_cents > 0),
    UNIQUE (payment_id, invoice_id),
    CHECK ((invoice_id IS NULL) <> (deposit_id IS NULL)))"""
COPIED = """INSERT INTO allocation_new (payment_id, invoice_id, amount_cents)
    SELECT payment_id, invoice_id, amount_cents FROM allocation WHERE invoice_id IS NOT NULL"""
ALLOCATION_INDEXES = [
    "CREATE UNIQUE INDEX allocation_one_deposit ON allocation (payment_id) WHERE deposit_id IS NOT NULL",
    "CREATE INDEX allocation_deposit ON allocation (deposit_id) WHERE deposit_id IS NOT NULL",
]
OLD_ALLOCATION = """CREATE TABLE allocation_new (
    payment_id BIGINT NOT NULL REFERENCES payment(id),
    invoice_id BIGINT NOT NULL REFERENCES invoice(id),
    amount_cents BIGINT NOT NULL CHECK (amount_cents > 0),
    PRIMARY KEY (payment_id, invoice_id))"""

OTHER_FUND = """(SELECT fund FROM payment WHERE id = NEW.payment_id)
    <> (CASE WHEN NEW.deposit_id IS NULL THEN 'operating' ELSE 'trust' END)"""
OTHER_BANK = """NEW.deposit_id IS NOT NULL AND NOT EXISTS (
    SELECT 1 FROM payment p JOIN gateway_route r ON r.gateway_id = p.gateway_id AND r.fund = p.fund
    JOIN deposit_request d ON d.id = NEW.deposit_id AND d.bank_account_id = r.bank_account_id
    WHERE p.id = NEW.payment_id)"""
OTHER_MERCHANT = """NOT EXISTS (SELECT 1 FROM payment p
    JOIN gateway_route r ON r.gateway_id = p.gateway_id AND r.fund = p.fund
    WHERE p.id = NEW.payment_id AND r.merchant_account = NEW.merchant_account)"""
MIXED_ROUTE = """(SELECT fund FROM bank_account WHERE id = NEW.bank_account_id) <> NEW.fund
    OR EXISTS (SELECT 1 FROM gateway_route r WHERE r.gateway_id = NEW.gateway_id AND r.fund <> NEW.fund
        AND r.merchant_account = NEW.merchant_account)"""
NOT_TRUST = "(SELECT fund FROM bank_account WHERE id = NEW.bank_account_id) <> 'trust'"
CHANGED = " OR ".join(
    f"NEW.{name} <> OLD.{name}"
    for name in ("public_id", "number", "matter_id", "bank_account_id", "amount_cents", "currency", "purpose", "due_on")
)


def up(migrator: SchemaMigrator, db: Database) -> None:
    execute(db, UP)
    _rebuild(db, NEW_ALLOCATION)
    execute(db, ALLOCATION_INDEXES)
    guard(db, "allocation_fund", "INSERT", "allocation", "T06: invoices are paid to operating, deposits to trust",
          OTHER_FUND)  # fmt: skip
    guard(db, "allocation_bank", "INSERT", "allocation", "T06: the deposit is for another trust account", OTHER_BANK)
    guard(db, "attempt_merchant", "INSERT", "attempt", "T06: the merchant account takes money of another fund",
          OTHER_MERCHANT)  # fmt: skip
    for event in ("INSERT", "UPDATE"):
        guard(db, f"gateway_route_{event.lower()}", event, "gateway_route", "T06: one account for two funds",
              MIXED_ROUTE)  # fmt: skip
    guard(db, "deposit_request_trust", "INSERT", "deposit_request", "T04: deposits go to a trust account", NOT_TRUST)
    guard(db, "evergreen_trust", "INSERT", "evergreen", "T04: deposits go to a trust account", NOT_TRUST)
    guard(db, "deposit_request_fixed", "UPDATE", "deposit_request", "what was asked for cannot change", CHANGED)
    guard(db, "deposit_request_kept", "DELETE", "deposit_request", "what was asked for cannot be deleted")
    for event in ("UPDATE", "DELETE"):
        name = f"deposit_withdrawal_no_{event.lower()}"
        guard(db, name, event, "deposit_withdrawal", "append-only table")


def _rebuild(db: Database, statement: str) -> None:
    """Give ``allocation`` the columns of ``statement``, with its rows and its triggers."""
    events = ("UPDATE", "DELETE")
    execute(db, [
        statement,
        COPIED,
        "DROP TABLE allocation",
        "ALTER TABLE allocation_new RENAME TO allocation",
        "CREATE INDEX allocation_invoice ON allocation (invoice_id)",
    ])  # fmt: skip
    drop_functions(db, *(f"allocation_no_{event.lower()}" for event in events))
    for event in events:
        guard(db, f"allocation_no_{event.lower()}", event, "allocation", "append-only table")


def down(migrator: SchemaMigrator, db: Database) -> None:
    names = [f"gateway_route_{event} ON gateway_route" for event in ("insert", "update")]
    names.append("attempt_merchant ON attempt")
    lite = isinstance(db, SqliteDatabase)
    execute(db, [f"DROP TRIGGER {name.split()[0] if lite else name}" for name in names])
    _rebuild(db, OLD_ALLOCATION)
    execute(db, ["ALTER TABLE invoice_recipient DROP COLUMN reads_trust"])
    execute(db, ["ALTER TABLE refund DROP COLUMN authorisation_id"])
    tables = "deposit_share deposit_withdrawal deposit_request evergreen"
    execute(db, [f"DROP TABLE {table}" for table in tables.split()])
    drop_functions(
        db, "allocation_fund", "allocation_bank", "attempt_merchant", "gateway_route_insert", "gateway_route_update",
        "deposit_request_trust", "evergreen_trust", "deposit_request_fixed", "deposit_request_kept",
        "deposit_withdrawal_no_update", "deposit_withdrawal_no_delete",
    )  # fmt: skip
