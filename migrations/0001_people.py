"""The firm, its people, its clients, who may log in, and the ways in."""

from peewee import Database
from playhouse.migrate import SchemaMigrator

from portal_app.schema import execute

_WHO = """firm_user_id BIGINT REFERENCES firm_user(id),
    portal_user_id BIGINT REFERENCES portal_user(id)"""
_ONE = "CHECK ((firm_user_id IS NULL) <> (portal_user_id IS NULL))"

UP = [
    """CREATE TABLE firm (
    id INTEGER PRIMARY KEY CHECK (id = 1),
    name VARCHAR(120) NOT NULL CHECK (name <> ''),
    address TEXT NOT NULL,
    email VARCHAR(254) NOT NULL,
    phone VARCHAR(40) NOT NULL,
    accent VARCHAR(7) NOT NULL,
    logo_key VARCHAR(120) NOT NULL,
    currency VARCHAR(3) NOT NULL,
    locale VARCHAR(16) NOT NULL,
    time_zone VARCHAR(64) NOT NULL,
    payment_terms_days INTEGER NOT NULL CHECK (payment_terms_days BETWEEN 0 AND 365),
    invoice_note TEXT NOT NULL,
    help_text TEXT NOT NULL,
    created_at TIMESTAMP NOT NULL)""",
    """CREATE TABLE firm_user (
    id {pk},
    email VARCHAR(254) NOT NULL UNIQUE CHECK (email = lower(email)),
    name VARCHAR(120) NOT NULL CHECK (name <> ''),
    title VARCHAR(60) NOT NULL,
    roles VARCHAR(120) NOT NULL,
    rate_cents BIGINT NOT NULL CHECK (rate_cents >= 0),
    time_zone VARCHAR(64) NOT NULL,
    password_hash VARCHAR(255),
    created_at TIMESTAMP NOT NULL,
    registered_at TIMESTAMP,
    disabled_at TIMESTAMP,
    last_signed_in_at TIMESTAMP)""",
    """CREATE TABLE portal_user (
    id {pk},
    public_id VARCHAR(32) NOT NULL UNIQUE,
    email VARCHAR(254) NOT NULL UNIQUE CHECK (email = lower(email)),
    name VARCHAR(120) NOT NULL CHECK (name <> ''),
    time_zone VARCHAR(64) NOT NULL,
    password_hash VARCHAR(255),
    created_at TIMESTAMP NOT NULL,
    registered_at TIMESTAMP,
    disabled_at TIMESTAMP,
    last_signed_in_at TIMESTAMP)""",
    f"""CREATE TABLE invitation (
    id {{pk}},
    {_WHO},
    token_hash VARCHAR(64) NOT NULL UNIQUE,
    sent_by_id BIGINT REFERENCES firm_user(id),
    sent_at TIMESTAMP NOT NULL,
    expires_at TIMESTAMP NOT NULL,
    accepted_at TIMESTAMP,
    revoked_at TIMESTAMP,
    {_ONE})""",
    "CREATE INDEX invitation_firm_user ON invitation (firm_user_id)",
    "CREATE INDEX invitation_portal_user ON invitation (portal_user_id)",
    f"""CREATE TABLE password_reset (
    id {{pk}},
    {_WHO},
    token_hash VARCHAR(64) NOT NULL UNIQUE,
    created_at TIMESTAMP NOT NULL,
    expires_at TIMESTAMP NOT NULL,
    used_at TIMESTAMP,
    {_ONE})""",
    f"""CREATE TABLE session (
    id {{pk}},
    {_WHO},
    token_hash VARCHAR(64) NOT NULL UNIQUE,
    created_at TIMESTAMP NOT NULL,
    last_seen_at TIMESTAMP NOT NULL,
    {_ONE})""",
    "CREATE INDEX session_firm_user ON session (firm_user_id)",
    "CREATE INDEX session_portal_user ON session (portal_user_id)",
    """CREATE TABLE throttle (
    key VARCHAR(64) NOT NULL PRIMARY KEY,
    hits INTEGER NOT NULL,
    resets_at TIMESTAMP NOT NULL)""",
    """CREATE TABLE client (
    id {pk},
    kind VARCHAR(10) NOT NULL CHECK (kind IN ('person', 'company')),
    name VARCHAR(120) NOT NULL CHECK (name <> ''),
    email VARCHAR(254) NOT NULL,
    phone VARCHAR(40) NOT NULL,
    address TEXT NOT NULL,
    created_at TIMESTAMP NOT NULL,
    created_by_id BIGINT REFERENCES firm_user(id),
    key VARCHAR(32) UNIQUE)""",
    "CREATE INDEX client_name ON client (name)",
    """CREATE TABLE series (
    name VARCHAR(40) NOT NULL PRIMARY KEY,
    last INTEGER NOT NULL CHECK (last >= 0))""",
]


def up(migrator: SchemaMigrator, db: Database) -> None:
    execute(db, UP)


def down(migrator: SchemaMigrator, db: Database) -> None:
    tables = "series client throttle session password_reset invitation portal_user firm_user firm".split()
    execute(db, [f"DROP TABLE {table}" for table in tables])
