"""Second factors: authenticator apps, recovery codes, passkeys and the challenges that they answer."""

from peewee import Database
from playhouse.migrate import SchemaMigrator

from portal_app.schema import execute

_WHO = """firm_user_id BIGINT REFERENCES firm_user(id),
    portal_user_id BIGINT REFERENCES portal_user(id)"""
_ONE = "CHECK ((firm_user_id IS NULL) <> (portal_user_id IS NULL))"

UP = [
    f"""CREATE TABLE authenticator (
    id {{pk}},
    firm_user_id BIGINT UNIQUE REFERENCES firm_user(id),
    portal_user_id BIGINT UNIQUE REFERENCES portal_user(id),
    sealed_secret TEXT NOT NULL,
    last_step BIGINT NOT NULL,
    added_at TIMESTAMP NOT NULL,
    {_ONE})""",
    f"""CREATE TABLE recovery_code (
    id {{pk}},
    {_WHO},
    code_hash VARCHAR(64) NOT NULL UNIQUE,
    made_at TIMESTAMP NOT NULL,
    used_at TIMESTAMP,
    {_ONE})""",
    "CREATE INDEX recovery_code_firm_user ON recovery_code (firm_user_id)",
    "CREATE INDEX recovery_code_portal_user ON recovery_code (portal_user_id)",
    f"""CREATE TABLE passkey (
    id {{pk}},
    public_id VARCHAR(32) NOT NULL UNIQUE,
    {_WHO},
    credential_id VARCHAR(1400) NOT NULL UNIQUE,
    public_key TEXT NOT NULL,
    sign_count BIGINT NOT NULL,
    name VARCHAR(60) NOT NULL CHECK (name <> ''),
    added_at TIMESTAMP NOT NULL,
    last_used_at TIMESTAMP,
    {_ONE})""",
    "CREATE INDEX passkey_firm_user ON passkey (firm_user_id)",
    "CREATE INDEX passkey_portal_user ON passkey (portal_user_id)",
    """CREATE TABLE challenge (
    challenge_hash VARCHAR(64) NOT NULL PRIMARY KEY,
    purpose VARCHAR(60) NOT NULL,
    expires_at TIMESTAMP NOT NULL)""",
]
TABLES = "challenge passkey recovery_code authenticator".split()


def up(migrator: SchemaMigrator, db: Database) -> None:
    execute(db, UP)


def down(migrator: SchemaMigrator, db: Database) -> None:
    execute(db, [f"DROP TABLE {table}" for table in TABLES])
