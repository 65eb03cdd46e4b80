"""Throttles with growing waits, known devices, sessions that say how they were proved, e-mailed sign-in links, and what
the firm allows."""

from peewee import Database
from playhouse.migrate import SchemaMigrator

from portal_app.schema import execute

_WHO = """firm_user_id BIGINT REFERENCES firm_user(id),
    portal_user_id BIGINT REFERENCES portal_user(id)"""
_ONE = "CHECK ((firm_user_id IS NULL) <> (portal_user_id IS NULL))"

# Sessions and throttles live for hours: everybody signs in anew after this step.
UP = [
    "DROP TABLE session",
    "DROP TABLE throttle",
    """CREATE TABLE throttle (
    key VARCHAR(64) NOT NULL PRIMARY KEY,
    hits INTEGER NOT NULL CHECK (hits >= 0),
    open_at TIMESTAMP NOT NULL,
    forget_at TIMESTAMP NOT NULL)""",
    "CREATE INDEX throttle_forget ON throttle (forget_at)",
    f"""CREATE TABLE device (
    id {{pk}},
    {_WHO},
    token_hash VARCHAR(64) NOT NULL,
    name VARCHAR(80) NOT NULL,
    first_seen_at TIMESTAMP NOT NULL,
    last_seen_at TIMESTAMP NOT NULL,
    UNIQUE (token_hash, firm_user_id),
    UNIQUE (token_hash, portal_user_id),
    {_ONE})""",
    "CREATE INDEX device_firm_user ON device (firm_user_id)",
    "CREATE INDEX device_portal_user ON device (portal_user_id)",
    f"""CREATE TABLE session (
    id {{pk}},
    {_WHO},
    token_hash VARCHAR(64) NOT NULL UNIQUE,
    device_id BIGINT REFERENCES device(id),
    address VARCHAR(64) NOT NULL,
    created_at TIMESTAMP NOT NULL,
    last_seen_at TIMESTAMP NOT NULL,
    proved_at TIMESTAMP,
    {_ONE})""",
    "CREATE INDEX session_firm_user ON session (firm_user_id)",
    "CREATE INDEX session_portal_user ON session (portal_user_id)",
    f"""CREATE TABLE sign_in_link (
    id {{pk}},
    {_WHO},
    token_hash VARCHAR(64) NOT NULL UNIQUE,
    created_at TIMESTAMP NOT NULL,
    expires_at TIMESTAMP NOT NULL,
    used_at TIMESTAMP,
    {_ONE})""",
    "CREATE INDEX sign_in_link_firm_user ON sign_in_link (firm_user_id)",
    "CREATE INDEX sign_in_link_portal_user ON sign_in_link (portal_user_id)",
    """CREATE TABLE sign_in_policy (
    id INTEGER PRIMARY KEY CHECK (id = 1),
    client_ways VARCHAR(60) NOT NULL CHECK (client_ways <> ''),
    staff_ways VARCHAR(60) NOT NULL CHECK (staff_ways <> ''),
    client_factor BOOLEAN NOT NULL,
    factor_roles VARCHAR(120) NOT NULL,
    reason VARCHAR(200) NOT NULL,
    changed_at TIMESTAMP NOT NULL,
    changed_by_id BIGINT REFERENCES firm_user(id))""",
]

DOWN = [
    *(f"DROP TABLE {table}" for table in ("sign_in_policy", "sign_in_link", "session", "device", "throttle")),
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
]


def up(migrator: SchemaMigrator, db: Database) -> None:
    execute(db, UP)


def down(migrator: SchemaMigrator, db: Database) -> None:
    execute(db, DOWN)
