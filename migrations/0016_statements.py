"""The bank's side: statements as they came, their lines, and how each account's tables are read."""

from peewee import Database, SqliteDatabase
from playhouse.migrate import SchemaMigrator

from portal_app.schema import drop_functions, execute, guard

UP = [
    """CREATE TABLE bank_statement (
    id {pk},
    bank_account_id BIGINT NOT NULL REFERENCES bank_account(id),
    key VARCHAR(64) NOT NULL UNIQUE,
    file_name VARCHAR(120) NOT NULL,
    storage_key VARCHAR(120) NOT NULL UNIQUE,
    size_bytes BIGINT NOT NULL CHECK (size_bytes > 0),
    sha256 VARCHAR(64) NOT NULL,
    format VARCHAR(10) NOT NULL CHECK (format IN ('table', 'bankfile')),
    uploaded_at TIMESTAMP NOT NULL,
    uploaded_by_id BIGINT REFERENCES firm_user(id),
    starts_on DATE,
    ends_on DATE,
    opening_cents BIGINT,
    closing_cents BIGINT,
    imported_at TIMESTAMP,
    imported_by_id BIGINT REFERENCES firm_user(id),
    CHECK ((imported_at IS NULL) = (starts_on IS NULL)),
    CHECK ((imported_at IS NULL) = (ends_on IS NULL)),
    CHECK ((imported_at IS NULL) = (opening_cents IS NULL)),
    CHECK ((imported_at IS NULL) = (closing_cents IS NULL)),
    CHECK (starts_on <= ends_on))""",
    "CREATE UNIQUE INDEX bank_statement_end ON bank_statement (bank_account_id, ends_on) WHERE ends_on IS NOT NULL",
    """CREATE TABLE statement_line (
    id {pk},
    statement_id BIGINT NOT NULL REFERENCES bank_statement(id),
    bank_account_id BIGINT NOT NULL REFERENCES bank_account(id),
    position INTEGER NOT NULL,
    kind VARCHAR(10) NOT NULL CHECK (kind IN ('line', 'opening')),
    booked_on DATE NOT NULL,
    description VARCHAR(300) NOT NULL,
    reference VARCHAR(80) NOT NULL,
    amount_cents BIGINT NOT NULL CHECK (amount_cents <> 0) {whole},
    identity VARCHAR(80) NOT NULL,
    explanation VARCHAR(20) NOT NULL CHECK (explanation IN ('', 'bank_error')),
    note VARCHAR(200) NOT NULL,
    explained_at TIMESTAMP,
    explained_by_id BIGINT REFERENCES firm_user(id),
    UNIQUE (bank_account_id, identity),
    CHECK ((explanation = '') = (explained_at IS NULL)),
    CHECK (explanation = '' OR note <> ''))""",
    "CREATE INDEX statement_line_statement ON statement_line (statement_id, booked_on)",
    "CREATE INDEX statement_line_day ON statement_line (bank_account_id, booked_on)",
    """CREATE TABLE statement_mapping (
    bank_account_id BIGINT NOT NULL PRIMARY KEY REFERENCES bank_account(id),
    mapping TEXT NOT NULL,
    saved_at TIMESTAMP NOT NULL,
    saved_by_id BIGINT REFERENCES firm_user(id))""",
]

FILE = ("bank_account_id", "key", "file_name", "storage_key", "size_bytes", "sha256", "format")
LINE = ("statement_id", "bank_account_id", "position", "kind", "booked_on", "description", "reference", "amount_cents",
        "identity")  # fmt: skip
ELSEWHERE = "(SELECT bank_account_id FROM bank_statement WHERE id = NEW.statement_id) <> NEW.bank_account_id"


def up(migrator: SchemaMigrator, db: Database) -> None:
    whole = "CHECK (typeof(amount_cents) = 'integer')" if isinstance(db, SqliteDatabase) else ""
    execute(db, [text.replace("{whole}", whole) for text in UP])
    says = " OR ".join(f"NEW.{name} <> OLD.{name}" for name in FILE)
    guard(db, "bank_statement_fixed", "UPDATE", "bank_statement", "a statement stays as it came",
          f"OLD.imported_at IS NOT NULL OR {says}")  # fmt: skip
    guard(db, "statement_line_fixed", "UPDATE", "statement_line", "what the bank says cannot be changed",
          " OR ".join(f"NEW.{name} <> OLD.{name}" for name in LINE))  # fmt: skip
    guard(db, "statement_line_home", "INSERT", "statement_line", "a line of another account", ELSEWHERE)


def down(migrator: SchemaMigrator, db: Database) -> None:
    execute(db, [f"DROP TABLE {table}" for table in ("statement_mapping", "statement_line", "bank_statement")])
    drop_functions(db, "bank_statement_fixed", "statement_line_fixed", "statement_line_home")
