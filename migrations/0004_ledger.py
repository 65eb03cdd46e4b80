"""The ledger: double entry that the database itself enforces.

An entry points, by a deferred foreign key, at its seal; the seal's trigger lets it in only when the entry's postings
sum to zero for each fund and currency and are as many as the entry says. So nothing unbalanced or unsealed can be
committed, by whatever code. Running totals are written by a trigger and re-proved by ``portal verify``.
"""

from peewee import Database, SqliteDatabase
from playhouse.migrate import SchemaMigrator

from portal_app.schema import drop_functions, execute, function, guard, no_truncate

CHART = [
    ("receivable", "Accounts receivable", "asset", "operating"),
    ("unapplied", "Unapplied client money", "liability", "operating"),
    ("suspense", "Suspense", "liability", "operating"),
    ("fees", "Legal fees", "income", "operating"),
    ("costs", "Recovered costs", "income", "operating"),
    ("refunds", "Refunded fees", "income", "operating"),
    ("surcharges", "Card surcharges", "income", "operating"),
    ("merchant_fees", "Merchant fees", "expense", "operating"),
    ("disputed", "Disputed payments", "asset", "operating"),
]

UP = [
    """CREATE TABLE account (
    code VARCHAR(40) NOT NULL PRIMARY KEY,
    name VARCHAR(120) NOT NULL,
    kind VARCHAR(10) NOT NULL CHECK (kind IN ('asset', 'liability', 'equity', 'income', 'expense')),
    fund VARCHAR(10) NOT NULL CHECK (fund IN ('operating', 'trust')))""",
    """CREATE TABLE journal_seal (
    entry_id BIGINT NOT NULL PRIMARY KEY,
    sealed_at TIMESTAMP NOT NULL)""",
    """CREATE TABLE journal_entry (
    id {pk},
    posted_at TIMESTAMP NOT NULL,
    occurred_on DATE NOT NULL,
    code VARCHAR(40) NOT NULL,
    description VARCHAR(200) NOT NULL,
    source VARCHAR(80){bytes} NOT NULL UNIQUE,
    legs INTEGER NOT NULL CHECK (legs >= 2),
    reverses_id BIGINT UNIQUE REFERENCES journal_entry(id),
    firm_user_id BIGINT REFERENCES firm_user(id),
    portal_user_id BIGINT REFERENCES portal_user(id),
    FOREIGN KEY (id) REFERENCES journal_seal(entry_id) DEFERRABLE INITIALLY DEFERRED)""",
    """CREATE TABLE posting (
    id {pk},
    entry_id BIGINT NOT NULL REFERENCES journal_entry(id),
    account_code VARCHAR(40) NOT NULL REFERENCES account(code),
    matter_id BIGINT REFERENCES matter(id),
    invoice_id BIGINT REFERENCES invoice(id),
    currency VARCHAR(3) NOT NULL,
    amount_cents BIGINT NOT NULL CHECK (amount_cents <> 0) {whole},
    CHECK (invoice_id IS NULL OR matter_id IS NOT NULL))""",
    "CREATE INDEX posting_entry ON posting (entry_id)",
    "CREATE INDEX posting_matter ON posting (matter_id, account_code, entry_id)",
    "CREATE INDEX posting_invoice ON posting (invoice_id)",
    "CREATE INDEX posting_account ON posting (account_code)",
    """CREATE TABLE running_total (
    account_code VARCHAR(40) NOT NULL,
    matter_id BIGINT NOT NULL,
    invoice_id BIGINT NOT NULL,
    currency VARCHAR(3) NOT NULL,
    balance_cents BIGINT NOT NULL {whole},
    PRIMARY KEY (account_code, matter_id, invoice_id, currency))""",
    "CREATE INDEX running_total_matter ON running_total (matter_id, account_code)",
    "CREATE INDEX running_total_invoice ON running_total (invoice_id, account_code)",
]

ADD_UP = [
    """INSERT INTO running_total (account_code, matter_id, invoice_id, currency, balance_cents)
    SELECT NEW.account_code, COALESCE(NEW.matter_id, 0), COALESCE(NEW.invoice_id, 0), NEW.currency, 0
    WHERE NOT EXISTS (SELECT 1 FROM running_total WHERE account_code = NEW.account_code
        AND matter_id = COALESCE(NEW.matter_id, 0) AND invoice_id = COALESCE(NEW.invoice_id, 0)
        AND currency = NEW.currency){race};""",
    """UPDATE running_total SET balance_cents = balance_cents + NEW.amount_cents
    WHERE account_code = NEW.account_code AND matter_id = COALESCE(NEW.matter_id, 0)
        AND invoice_id = COALESCE(NEW.invoice_id, 0) AND currency = NEW.currency;""",
]

SEAL_IS_WRONG = """(SELECT COUNT(*) FROM posting WHERE entry_id = NEW.entry_id)
        <> COALESCE((SELECT legs FROM journal_entry WHERE id = NEW.entry_id), 0)
    OR EXISTS (SELECT 1 FROM posting p JOIN account a ON a.code = p.account_code WHERE p.entry_id = NEW.entry_id
        GROUP BY a.fund, p.currency HAVING SUM(p.amount_cents) <> 0)"""

APPEND_ONLY = ("journal_entry", "posting", "journal_seal")
LATE = "EXISTS (SELECT 1 FROM journal_seal WHERE entry_id = NEW.entry_id)"


def up(migrator: SchemaMigrator, db: Database) -> None:
    lite = isinstance(db, SqliteDatabase)
    # Sources are looked up by their beginnings: ordered by bytes, whatever language the database speaks.
    order = "" if lite else ' COLLATE "C"'
    execute(db, [text.replace("{whole}", _whole(text) if lite else "").replace("{bytes}", order) for text in UP])
    for code, name, kind, fund in CHART:
        db.execute_sql(f"INSERT INTO account (code, name, kind, fund) VALUES ('{code}', '{name}', '{kind}', '{fund}')")
    guard(db, "posting_late", "INSERT", "posting", "the entry is sealed", LATE)
    guard(db, "seal_checked", "INSERT", "journal_seal", "the entry is not balanced or not complete", SEAL_IS_WRONG)
    for table in APPEND_ONLY:
        guard(db, f"{table}_no_update", "UPDATE", table, "append-only table")
        guard(db, f"{table}_no_delete", "DELETE", table, "append-only table")
    guard(
        db,
        "account_fixed",
        "UPDATE",
        "account",
        "an account cannot change its nature",
        "NEW.code <> OLD.code OR NEW.kind <> OLD.kind OR NEW.fund <> OLD.fund",
    )
    guard(db, "account_kept", "DELETE", "account", "an account cannot be deleted")
    no_truncate(db, *APPEND_ONLY)
    _keep_totals(db, lite)


def _whole(text: str) -> str:
    column = "balance_cents" if "running_total" in text else "amount_cents"
    return f"CHECK (typeof({column}) = 'integer')"


def _keep_totals(db: Database, lite: bool) -> None:
    body = " ".join(text.replace("{race}", "" if lite else " ON CONFLICT DO NOTHING") for text in ADD_UP)
    if lite:
        db.execute_sql(f"CREATE TRIGGER posting_totals AFTER INSERT ON posting BEGIN {body} END")
        return
    function(db, "posting_totals", body + " RETURN NULL;")
    db.execute_sql(
        "CREATE TRIGGER posting_totals AFTER INSERT ON posting FOR EACH ROW EXECUTE FUNCTION posting_totals()"
    )


def down(migrator: SchemaMigrator, db: Database) -> None:
    cascade = "" if isinstance(db, SqliteDatabase) else " CASCADE"
    tables = ("running_total", "posting", "journal_entry", "journal_seal", "account")
    execute(db, [f"DROP TABLE {table}{cascade}" for table in tables])
    guards = [f"{table}_no_{event}" for table in APPEND_ONLY for event in ("update", "delete")]
    drop_functions(
        db, "posting_late", "seal_checked", "account_fixed", "account_kept", "no_truncate", "posting_totals", *guards
    )
