"""Clients' money in trust: whose books an account belongs to, what each ledger came to on each day, and the facts
behind every entry: receipts, authorised withdrawals, returns, holds, shortfalls. The rules that say what may be booked
come with 0013.
"""

from peewee import Database, SqliteDatabase
from playhouse.migrate import SchemaMigrator

from portal_app.schema import drop_functions, execute, function, guard

KINDS = (
    "'receipt', 'disbursement', 'refund', 'application', 'transfer', 'return', 'dispute', 'dispute_won', "
    "'replenishment', 'float_in', 'float_out', 'charge', 'reversal'"
)
OUT = "'disbursement', 'refund', 'application', 'transfer'"
ABOUT_ANOTHER = "'return', 'dispute', 'dispute_won', 'reversal'"
OF_THE_FIRM = "'float_in', 'float_out', 'charge'"

UP = [
    """CREATE TABLE trust_book (
    account_code VARCHAR(40) NOT NULL PRIMARY KEY REFERENCES account(code),
    bank_account_id BIGINT NOT NULL REFERENCES bank_account(id),
    part VARCHAR(10) NOT NULL CHECK (part IN ('bank', 'clearing', 'ledger', 'float')))""",
    "CREATE UNIQUE INDEX trust_book_part ON trust_book (bank_account_id, part) WHERE part <> 'clearing'",
    """CREATE TABLE trust_day (
    account_code VARCHAR(40) NOT NULL REFERENCES trust_book(account_code),
    matter_id BIGINT NOT NULL,
    day DATE NOT NULL,
    balance_cents BIGINT NOT NULL,
    PRIMARY KEY (account_code, matter_id, day))""",
    "CREATE INDEX trust_day_matter ON trust_day (matter_id, account_code, day)",
    f"""CREATE TABLE trust_authorisation (
    id {{pk}},
    key VARCHAR(64) NOT NULL UNIQUE,
    kind VARCHAR(16) NOT NULL CHECK (kind IN ({OUT})),
    bank_account_id BIGINT NOT NULL REFERENCES bank_account(id),
    matter_id BIGINT NOT NULL REFERENCES matter(id),
    to_matter_id BIGINT REFERENCES matter(id) CHECK (to_matter_id <> matter_id),
    invoice_id BIGINT REFERENCES invoice(id),
    amount_cents BIGINT NOT NULL CHECK (amount_cents > 0),
    payee VARCHAR(120) NOT NULL CHECK (payee <> ''),
    purpose VARCHAR(200) NOT NULL CHECK (purpose <> ''),
    authorised_by_id BIGINT NOT NULL REFERENCES firm_user(id),
    authorised_at TIMESTAMP NOT NULL,
    withdrawn_by_id BIGINT REFERENCES firm_user(id),
    withdrawn_at TIMESTAMP,
    CHECK ((withdrawn_by_id IS NULL) = (withdrawn_at IS NULL)),
    CHECK ((kind = 'transfer') = (to_matter_id IS NOT NULL)),
    CHECK ((kind = 'application') = (invoice_id IS NOT NULL)))""",
    "CREATE INDEX trust_authorisation_matter ON trust_authorisation (matter_id)",
    f"""CREATE TABLE trust_movement (
    id {{pk}},
    source VARCHAR(80){{bytes}} NOT NULL UNIQUE REFERENCES journal_entry(source) DEFERRABLE INITIALLY DEFERRED,
    key VARCHAR(64) NOT NULL UNIQUE,
    kind VARCHAR(16) NOT NULL CHECK (kind IN ({KINDS})),
    bank_account_id BIGINT NOT NULL REFERENCES bank_account(id),
    matter_id BIGINT REFERENCES matter(id),
    to_matter_id BIGINT REFERENCES matter(id),
    invoice_id BIGINT REFERENCES invoice(id),
    amount_cents BIGINT NOT NULL CHECK (amount_cents > 0),
    occurred_on DATE NOT NULL,
    party VARCHAR(120) NOT NULL CHECK (party <> ''),
    purpose VARCHAR(200) NOT NULL CHECK (purpose <> ''),
    method VARCHAR(16) NOT NULL CHECK (method IN ('check', 'wire', 'cash', 'card', 'bank', 'transfer', 'book')),
    reference VARCHAR(80) NOT NULL,
    authorisation_id BIGINT UNIQUE REFERENCES trust_authorisation(id),
    of_id BIGINT REFERENCES trust_movement(id),
    clears_on DATE,
    recorded_by_id BIGINT REFERENCES firm_user(id),
    created_at TIMESTAMP NOT NULL,
    CHECK ((matter_id IS NULL) = (kind IN ({OF_THE_FIRM})) OR kind = 'reversal'),
    CHECK ((kind IN ({OUT})) = (authorisation_id IS NOT NULL)),
    CHECK ((kind IN ({ABOUT_ANOTHER})) = (of_id IS NOT NULL)),
    CHECK ((kind = 'receipt') = (clears_on IS NOT NULL)),
    CHECK (clears_on IS NULL OR clears_on >= occurred_on))""",
    "CREATE INDEX trust_movement_ledger ON trust_movement (matter_id, bank_account_id, clears_on)",
    "CREATE INDEX trust_movement_of ON trust_movement (of_id) WHERE of_id IS NOT NULL",
    "CREATE INDEX trust_movement_invoice ON trust_movement (invoice_id) WHERE invoice_id IS NOT NULL",
    """CREATE TABLE trust_clearing (
    movement_id BIGINT NOT NULL PRIMARY KEY REFERENCES trust_movement(id),
    cleared_on DATE NOT NULL,
    note VARCHAR(200) NOT NULL,
    recorded_by_id BIGINT REFERENCES firm_user(id),
    recorded_at TIMESTAMP NOT NULL)""",
    """CREATE TABLE trust_notice (
    movement_id BIGINT NOT NULL PRIMARY KEY REFERENCES trust_movement(id),
    told_at TIMESTAMP NOT NULL,
    how VARCHAR(120) NOT NULL CHECK (how <> ''),
    told_by_id BIGINT REFERENCES firm_user(id))""",
    """CREATE TABLE trust_incident (
    id {pk},
    source VARCHAR(80){bytes} NOT NULL UNIQUE REFERENCES journal_entry(source) DEFERRABLE INITIALLY DEFERRED,
    bank_account_id BIGINT NOT NULL REFERENCES bank_account(id),
    matter_id BIGINT REFERENCES matter(id),
    shortfall_cents BIGINT NOT NULL CHECK (shortfall_cents > 0),
    opened_at TIMESTAMP NOT NULL,
    closed_at TIMESTAMP,
    closed_by_id BIGINT REFERENCES firm_user(id))""",
    "CREATE INDEX trust_incident_open ON trust_incident (bank_account_id, matter_id) WHERE closed_at IS NULL",
    """CREATE TABLE trust_hold (
    id {pk},
    key VARCHAR(64) NOT NULL UNIQUE,
    bank_account_id BIGINT NOT NULL REFERENCES bank_account(id),
    matter_id BIGINT NOT NULL REFERENCES matter(id),
    amount_cents BIGINT NOT NULL CHECK (amount_cents > 0),
    reason VARCHAR(200) NOT NULL CHECK (reason <> ''),
    held_by_id BIGINT NOT NULL REFERENCES firm_user(id),
    held_at TIMESTAMP NOT NULL,
    released_by_id BIGINT REFERENCES firm_user(id),
    released_at TIMESTAMP,
    release_note VARCHAR(200) NOT NULL,
    CHECK (released_by_id IS NULL OR released_by_id <> held_by_id),
    CHECK ((released_by_id IS NULL) = (released_at IS NULL)))""",
    "CREATE INDEX trust_hold_open ON trust_hold (matter_id, bank_account_id) WHERE released_at IS NULL",
    """CREATE TABLE trust_policy (
    id {pk},
    pack VARCHAR(30) NOT NULL CHECK (pack <> ''),
    float_cap_cents BIGINT NOT NULL CHECK (float_cap_cents >= 0),
    chosen_by_id BIGINT REFERENCES firm_user(id),
    chosen_at TIMESTAMP NOT NULL)""",
]
TABLES = (
    "trust_policy trust_hold trust_incident trust_notice trust_clearing trust_movement trust_authorisation trust_day "
    "trust_book"
).split()
APPEND_ONLY = "trust_book trust_movement trust_clearing trust_notice trust_policy".split()
KEPT = "trust_authorisation trust_incident trust_hold".split()

# What the firm's money lies in: on a day that has no row yet, a ledger stands where it stood the day before.
KEEP_DAYS = [
    """INSERT INTO trust_day (account_code, matter_id, day, balance_cents)
    SELECT NEW.account_code, {ledger}, e.occurred_on, COALESCE((SELECT d.balance_cents FROM trust_day d
        WHERE d.account_code = NEW.account_code AND d.matter_id = {ledger} AND d.day < e.occurred_on
        ORDER BY d.day DESC LIMIT 1), 0)
    FROM journal_entry e JOIN trust_book b ON b.account_code = NEW.account_code
    WHERE e.id = NEW.entry_id AND NOT EXISTS (SELECT 1 FROM trust_day d
        WHERE d.account_code = NEW.account_code AND d.matter_id = {ledger} AND d.day = e.occurred_on);""",
    """UPDATE trust_day SET balance_cents = balance_cents + NEW.amount_cents
    WHERE account_code = NEW.account_code AND matter_id = {ledger}
        AND day >= (SELECT e.occurred_on FROM journal_entry e WHERE e.id = NEW.entry_id);""",
]
LEDGER = """(CASE WHEN EXISTS (SELECT 1 FROM trust_book l WHERE l.account_code = NEW.account_code
    AND l.part = 'ledger') THEN COALESCE(NEW.matter_id, 0) ELSE 0 END)"""


def up(migrator: SchemaMigrator, db: Database) -> None:
    lite = isinstance(db, SqliteDatabase)
    order = "" if lite else ' COLLATE "C"'
    execute(db, [text.replace("{bytes}", order) for text in UP])
    for table in APPEND_ONLY:
        guard(db, f"{table}_no_update", "UPDATE", table, "append-only table")
    for table in (*APPEND_ONLY, *KEPT, "trust_day"):
        guard(db, f"{table}_no_delete", "DELETE", table, "what happened to trust money cannot be deleted")
    _keep_days(db, lite)
    if not lite:
        _take_turns(db)
        for table in (*APPEND_ONLY, *KEPT):
            db.execute_sql(
                f"CREATE TRIGGER {table}_no_truncate BEFORE TRUNCATE ON {table} EXECUTE FUNCTION no_truncate()"
            )


def _keep_days(db: Database, lite: bool) -> None:
    body = " ".join(text.replace("{ledger}", LEDGER) for text in KEEP_DAYS)
    if lite:
        db.execute_sql(f"CREATE TRIGGER posting_trust_days AFTER INSERT ON posting BEGIN {body} END")
        return
    in_trust = "EXISTS (SELECT 1 FROM trust_book b WHERE b.account_code = NEW.account_code)"
    function(db, "posting_trust_days", f"IF {in_trust} THEN {body} END IF; RETURN NULL;")
    db.execute_sql(
        "CREATE TRIGGER posting_trust_days AFTER INSERT ON posting FOR EACH ROW EXECUTE FUNCTION posting_trust_days()"
    )


def _take_turns(db: Database) -> None:
    """Whoever books on a trust account, or writes a fact about one, waits for its turn until the other has committed:
    two draws at once each see the other's. (SQLite has one writer anyway.)"""
    lock = "PERFORM 1 FROM bank_account k WHERE k.id = {account} FOR NO KEY UPDATE; RETURN NEW;"
    of_book = "(SELECT b.bank_account_id FROM trust_book b WHERE b.account_code = NEW.account_code)"
    function(db, "posting_a_turn", lock.replace("{account}", of_book))
    function(db, "trust_a_turn", lock.replace("{account}", "NEW.bank_account_id"))
    db.execute_sql(
        "CREATE TRIGGER posting_a_turn BEFORE INSERT ON posting FOR EACH ROW EXECUTE FUNCTION posting_a_turn()"
    )
    for table in ("trust_movement", "trust_incident", "trust_hold"):
        db.execute_sql(
            f"CREATE TRIGGER a_turn BEFORE INSERT OR UPDATE ON {table} FOR EACH ROW EXECUTE FUNCTION trust_a_turn()"
        )


def down(migrator: SchemaMigrator, db: Database) -> None:
    if isinstance(db, SqliteDatabase):
        execute(db, ["DROP TRIGGER posting_trust_days"])
    else:
        execute(db, [f"DROP TRIGGER {name} ON posting" for name in ("posting_trust_days", "posting_a_turn")])
    execute(db, [f"DROP TABLE {table}" for table in TABLES])
    kept = [f"{table}_no_delete" for table in (*APPEND_ONLY, *KEPT, "trust_day")]
    fixed = [f"{table}_no_update" for table in APPEND_ONLY]
    drop_functions(db, "posting_trust_days", "posting_a_turn", "trust_a_turn", *kept, *fixed)
