"""The hash chain of each matter, its checkpoints, totals by month, and the rest of the chart of accounts.

An entry has a link in the chain of each matter that it touches, or in chain 0. The seal's trigger refuses an entry
whose links are missing or do not follow, so nothing unchained can be committed. A link also keeps what the client owed
on the matter after the entry, so that a page of the matter's ledger costs the same however long the ledger is.

Totals of an account used to be one row, which every writer had to wait for. They are now rows by month, and on
PostgreSQL a writer takes whichever of a month's rows (slots) nobody else holds.
"""

from collections.abc import Iterator
from itertools import groupby
from typing import Any

from peewee import Database, SqliteDatabase
from playhouse.migrate import SchemaMigrator

from portal_app import chain
from portal_app.schema import drop_functions, execute, function, guard, unguard

CHART = [
    ("tax", "Tax to be paid on", "liability"),
    ("credits", "Credit notes", "income"),
    ("bad_debt", "Bad debt", "expense"),
    ("bank_charges", "Bank charges", "expense"),
    ("trust_losses", "Trust shortfalls made good", "expense"),
    ("own_in_trust", "Own money in trust accounts", "asset"),
]

UP = [
    """CREATE TABLE chain_link (
    matter_id BIGINT NOT NULL,
    sequence BIGINT NOT NULL CHECK (sequence >= 1) {whole sequence},
    entry_id BIGINT NOT NULL REFERENCES journal_entry(id),
    previous VARCHAR(64) NOT NULL CHECK (LENGTH(previous) = 64),
    hash VARCHAR(64) NOT NULL CHECK (LENGTH(hash) = 64),
    debit_cents BIGINT NOT NULL CHECK (debit_cents >= 0) {whole debit_cents},
    credit_cents BIGINT NOT NULL CHECK (credit_cents >= 0) {whole credit_cents},
    balance_cents BIGINT NOT NULL {whole balance_cents},
    PRIMARY KEY (matter_id, sequence),
    UNIQUE (entry_id, matter_id))""",
    "CREATE INDEX chain_link_owed ON chain_link (matter_id, sequence) WHERE debit_cents + credit_cents <> 0",
    """CREATE TABLE checkpoint (
    number BIGINT NOT NULL PRIMARY KEY CHECK (number >= 1),
    made_at TIMESTAMP NOT NULL,
    previous VARCHAR(64) NOT NULL UNIQUE CHECK (LENGTH(previous) = 64),
    hash VARCHAR(64) NOT NULL UNIQUE CHECK (LENGTH(hash) = 64))""",
    """CREATE TABLE checkpoint_head (
    checkpoint_number BIGINT NOT NULL REFERENCES checkpoint(number) DEFERRABLE INITIALLY DEFERRED,
    matter_id BIGINT NOT NULL,
    sequence BIGINT NOT NULL,
    hash VARCHAR(64) NOT NULL,
    PRIMARY KEY (checkpoint_number, matter_id),
    FOREIGN KEY (matter_id, sequence) REFERENCES chain_link(matter_id, sequence))""",
    "CREATE INDEX checkpoint_head_chain ON checkpoint_head (matter_id, sequence)",
    """CREATE TABLE account_total (
    account_code VARCHAR(40) NOT NULL REFERENCES account(code),
    currency VARCHAR(3) NOT NULL,
    month VARCHAR(7) NOT NULL,
    slot BIGINT NOT NULL,
    balance_cents BIGINT NOT NULL {whole balance_cents},
    PRIMARY KEY (account_code, currency, month, slot))""",
    """INSERT INTO account_total (account_code, currency, month, slot, balance_cents)
    SELECT p.account_code, p.currency, {month}, 0, SUM(p.amount_cents)
    FROM posting p JOIN journal_entry e ON e.id = p.entry_id GROUP BY p.account_code, p.currency, {month}""",
    "DELETE FROM running_total WHERE matter_id = 0",
    "DROP INDEX posting_account",
    "CREATE INDEX posting_account ON posting (account_code, id, amount_cents)",
    "CREATE INDEX journal_entry_day ON journal_entry (occurred_on, id)",
    "CREATE INDEX journal_entry_code ON journal_entry (code, id)",
]

# What a posting adds to the totals.
ADD_MATTER = [
    """INSERT INTO running_total (account_code, matter_id, invoice_id, currency, balance_cents)
    SELECT NEW.account_code, NEW.matter_id, COALESCE(NEW.invoice_id, 0), NEW.currency, 0
    WHERE NEW.matter_id IS NOT NULL AND NOT EXISTS (SELECT 1 FROM running_total WHERE account_code = NEW.account_code
        AND matter_id = NEW.matter_id AND invoice_id = COALESCE(NEW.invoice_id, 0)
        AND currency = NEW.currency){race};""",
    """UPDATE running_total SET balance_cents = balance_cents + NEW.amount_cents
    WHERE NEW.matter_id IS NOT NULL AND account_code = NEW.account_code AND matter_id = NEW.matter_id
        AND invoice_id = COALESCE(NEW.invoice_id, 0) AND currency = NEW.currency;""",
]
ADD_ACCOUNT_LITE = [
    """INSERT INTO account_total (account_code, currency, month, slot, balance_cents)
    SELECT NEW.account_code, NEW.currency, {month}, 0, 0 FROM journal_entry e WHERE e.id = NEW.entry_id
    AND NOT EXISTS (SELECT 1 FROM account_total WHERE account_code = NEW.account_code AND currency = NEW.currency
        AND month = {month} AND slot = 0);""",
    """UPDATE account_total SET balance_cents = balance_cents + NEW.amount_cents
    WHERE account_code = NEW.account_code AND currency = NEW.currency
        AND month = (SELECT {month} FROM journal_entry e WHERE e.id = NEW.entry_id) AND slot = 0;""",
]
ADD_ACCOUNT_POSTGRES = """
    SELECT {month} INTO the_month FROM journal_entry e WHERE e.id = NEW.entry_id;
    SELECT t.slot INTO the_slot FROM account_total t
    WHERE t.account_code = NEW.account_code AND t.currency = NEW.currency AND t.month = the_month
    ORDER BY t.slot LIMIT 1 FOR UPDATE SKIP LOCKED;
    IF FOUND THEN
        UPDATE account_total SET balance_cents = balance_cents + NEW.amount_cents
        WHERE account_code = NEW.account_code AND currency = NEW.currency AND month = the_month AND slot = the_slot;
    ELSE
        INSERT INTO account_total (account_code, currency, month, slot, balance_cents)
        VALUES (NEW.account_code, NEW.currency, the_month, txid_current(), NEW.amount_cents);
    END IF;"""

UNBALANCED = """(SELECT COUNT(*) FROM posting WHERE entry_id = NEW.entry_id)
        <> COALESCE((SELECT legs FROM journal_entry WHERE id = NEW.entry_id), 0)
    OR EXISTS (SELECT 1 FROM posting p JOIN account a ON a.code = p.account_code WHERE p.entry_id = NEW.entry_id
        GROUP BY a.fund, p.currency HAVING SUM(p.amount_cents) <> 0)"""
UNCHAINED = """ OR (SELECT COUNT(*) FROM chain_link WHERE entry_id = NEW.entry_id) <> (
        SELECT CASE COUNT(DISTINCT matter_id) WHEN 0 THEN 1 ELSE COUNT(DISTINCT matter_id) END
        FROM posting WHERE entry_id = NEW.entry_id)
    OR EXISTS (SELECT 1 FROM chain_link l WHERE l.entry_id = NEW.entry_id AND (
        (l.matter_id = 0) = EXISTS (SELECT 1 FROM posting p WHERE p.entry_id = l.entry_id
            AND p.matter_id IS NOT NULL AND l.matter_id IN (0, p.matter_id))
        OR l.debit_cents <> COALESCE((SELECT SUM(p.amount_cents) FROM posting p WHERE p.entry_id = l.entry_id
            AND p.matter_id = l.matter_id AND p.account_code = 'receivable' AND p.amount_cents > 0), 0)
        OR l.credit_cents <> COALESCE((SELECT -SUM(p.amount_cents) FROM posting p WHERE p.entry_id = l.entry_id
            AND p.matter_id = l.matter_id AND p.account_code = 'receivable' AND p.amount_cents < 0), 0)))"""
ASTRAY = f"""NOT (NEW.sequence = 1 AND NEW.previous = '{chain.START}'
        AND NEW.balance_cents = NEW.debit_cents - NEW.credit_cents)
    AND NOT EXISTS (SELECT 1 FROM chain_link l WHERE l.matter_id = NEW.matter_id AND l.sequence = NEW.sequence - 1
        AND l.hash = NEW.previous AND l.balance_cents + NEW.debit_cents - NEW.credit_cents = NEW.balance_cents)"""
CHECKPOINT_ASTRAY = f"""NOT (NEW.number = 1 AND NEW.previous = '{chain.START}')
    AND NOT EXISTS (SELECT 1 FROM checkpoint c WHERE c.number = NEW.number - 1 AND c.hash = NEW.previous)"""
SEALED = "EXISTS (SELECT 1 FROM journal_seal WHERE entry_id = NEW.entry_id)"
CLOSED = "EXISTS (SELECT 1 FROM checkpoint WHERE number = NEW.checkpoint_number)"
NAMELESS = "SUBSTR(NEW.account_code, 1, 6) = 'trust:' AND NEW.matter_id IS NULL"
APPEND_ONLY = ("chain_link", "checkpoint", "checkpoint_head")


def up(migrator: SchemaMigrator, db: Database) -> None:
    lite = isinstance(db, SqliteDatabase)
    execute(db, [_filled(text, lite) for text in UP])
    for code, name, kind in CHART:
        values = f"('{code}', '{name}', '{kind}', 'operating')"
        db.execute_sql(f"INSERT INTO account (code, name, kind, fund) VALUES {values}")
    for row in _links(db):
        written = ", ".join(f"'{value}'" if isinstance(value, str) else str(value) for value in row)
        columns = "matter_id, sequence, entry_id, previous, hash, debit_cents, credit_cents, balance_cents"
        db.execute_sql(f"INSERT INTO chain_link ({columns}) VALUES ({written})")
    _walls(db)
    unguard(db, "posting_totals", "posting")
    _keep_totals(db, lite)


def _walls(db: Database) -> None:
    guard(db, "posting_names_matter", "INSERT", "posting", "client money without a matter", NAMELESS)
    guard(db, "link_late", "INSERT", "chain_link", "the entry is sealed", SEALED)
    guard(db, "link_follows", "INSERT", "chain_link", "the link does not follow the one before", ASTRAY)
    guard(db, "head_late", "INSERT", "checkpoint_head", "the checkpoint is made", CLOSED)
    guard(
        db, "checkpoint_follows", "INSERT", "checkpoint", "the checkpoint does not follow the one before",
        CHECKPOINT_ASTRAY,
    )  # fmt: skip
    for table in APPEND_ONLY:
        guard(db, f"{table}_no_update", "UPDATE", table, "append-only table")
        guard(db, f"{table}_no_delete", "DELETE", table, "append-only table")
    if not isinstance(db, SqliteDatabase):  # no_truncate() itself is there since migration 0004
        for table in APPEND_ONLY:
            db.execute_sql(
                f"CREATE TRIGGER {table}_no_truncate BEFORE TRUNCATE ON {table} EXECUTE FUNCTION no_truncate()"
            )
    unguard(db, "seal_checked", "journal_seal")
    guard(
        db,
        "seal_checked",
        "INSERT",
        "journal_seal",
        "the entry is not balanced, complete and chained",
        UNBALANCED + UNCHAINED,
    )


def _filled(text: str, lite: bool) -> str:
    """``{month}`` and ``{whole column}`` in this database's words."""
    text = text.replace("{month}", "SUBSTR(e.occurred_on, 1, 7)" if lite else "TO_CHAR(e.occurred_on, 'YYYY-MM')")
    for column in ("sequence", "debit_cents", "credit_cents", "balance_cents"):
        text = text.replace(f"{{whole {column}}}", f"CHECK (typeof({column}) = 'integer')" if lite else "")
    return text


def _keep_totals(db: Database, lite: bool) -> None:
    adds = " ".join(text.replace("{race}", "" if lite else " ON CONFLICT DO NOTHING") for text in ADD_MATTER)
    if lite:
        body = _filled(adds + " ".join(ADD_ACCOUNT_LITE), lite)
        db.execute_sql(f"CREATE TRIGGER posting_totals AFTER INSERT ON posting BEGIN {body} END")
        return
    body = _filled(adds + ADD_ACCOUNT_POSTGRES, lite)
    db.execute_sql(
        "CREATE FUNCTION posting_totals() RETURNS trigger AS $body$ DECLARE the_month TEXT; the_slot BIGINT; "
        f"BEGIN {body} RETURN NULL; END $body$ LANGUAGE plpgsql"
    )
    db.execute_sql(
        "CREATE TRIGGER posting_totals AFTER INSERT ON posting FOR EACH ROW EXECUTE FUNCTION posting_totals()"
    )


# Entries that are there already get their links, in the order in which they were written


def _links(db: Database) -> Iterator[tuple[Any, ...]]:
    heads: dict[int, tuple[int, str, int]] = {}
    for values, legs in _entries(db):
        digest = chain.digest(chain.line_of(values, legs))
        for matter in sorted({leg[1] for leg in legs if leg[1] is not None}) or [0]:
            sequence, previous, balance = heads.get(matter, (0, chain.START, 0))
            owed = [leg[4] for leg in legs if leg[1] == matter and leg[0] == "receivable"]
            debit, credit = sum(cents for cents in owed if cents > 0), -sum(cents for cents in owed if cents < 0)
            sequence, balance = sequence + 1, balance + debit - credit
            made = chain.link(matter, sequence, previous, digest)
            yield matter, sequence, values[0], previous, made, debit, credit, balance
            heads[matter] = (sequence, made, balance)


def _entries(db: Database) -> Iterator[tuple[tuple[Any, ...], list[tuple[Any, ...]]]]:
    sql = """SELECT e.id, e.posted_at, e.occurred_on, e.code, e.description, e.source,
        e.reverses_id, e.firm_user_id, e.portal_user_id, p.account_code, p.matter_id, p.invoice_id, p.currency,
        p.amount_cents FROM journal_entry e JOIN posting p ON p.entry_id = e.id ORDER BY e.id, p.id"""
    rows = list(db.execute_sql(sql).fetchall())
    for values, group in groupby(rows, key=lambda row: row[:9]):
        number, posted_at, occurred_on, *others = values
        yield (number, str(posted_at), str(occurred_on), *others), [row[9:] for row in group]


# The way back


OLD_TOTALS = [
    """INSERT INTO running_total (account_code, matter_id, invoice_id, currency, balance_cents)
    SELECT NEW.account_code, COALESCE(NEW.matter_id, 0), COALESCE(NEW.invoice_id, 0), NEW.currency, 0
    WHERE NOT EXISTS (SELECT 1 FROM running_total WHERE account_code = NEW.account_code
        AND matter_id = COALESCE(NEW.matter_id, 0) AND invoice_id = COALESCE(NEW.invoice_id, 0)
        AND currency = NEW.currency){race};""",
    """UPDATE running_total SET balance_cents = balance_cents + NEW.amount_cents
    WHERE account_code = NEW.account_code AND matter_id = COALESCE(NEW.matter_id, 0)
        AND invoice_id = COALESCE(NEW.invoice_id, 0) AND currency = NEW.currency;""",
]
DOWN = [
    """INSERT INTO running_total (account_code, matter_id, invoice_id, currency, balance_cents)
    SELECT account_code, 0, COALESCE(invoice_id, 0), currency, SUM(amount_cents) FROM posting WHERE matter_id IS NULL
    GROUP BY account_code, COALESCE(invoice_id, 0), currency""",
    "DROP TABLE checkpoint_head",
    "DROP TABLE checkpoint",
    "DROP TABLE chain_link",
    "DROP TABLE account_total",
    "DROP INDEX journal_entry_day",
    "DROP INDEX journal_entry_code",
    "DROP INDEX posting_account",
    "CREATE INDEX posting_account ON posting (account_code)",
]


def down(migrator: SchemaMigrator, db: Database) -> None:
    """Refused, by the foreign keys, once something is posted on the accounts that came with it."""
    lite = isinstance(db, SqliteDatabase)
    unguard(db, "posting_names_matter", "posting")
    unguard(db, "posting_totals", "posting")
    unguard(db, "seal_checked", "journal_seal")
    unguard(db, "account_kept", "account")
    execute(db, [text if lite or "DROP TABLE" not in text else f"{text} CASCADE" for text in DOWN])
    codes = ", ".join(f"'{code}'" for code, _, _ in CHART)
    db.execute_sql(f"DELETE FROM account WHERE code IN ({codes})")
    guards = [f"{table}_no_{event}" for table in APPEND_ONLY for event in ("update", "delete")]
    drop_functions(db, "link_late", "link_follows", "head_late", "checkpoint_follows", *guards)
    guard(db, "account_kept", "DELETE", "account", "an account cannot be deleted")
    guard(db, "seal_checked", "INSERT", "journal_seal", "the entry is not balanced or not complete", UNBALANCED)
    body = " ".join(text.replace("{race}", "" if lite else " ON CONFLICT DO NOTHING") for text in OLD_TOTALS)
    if lite:
        db.execute_sql(f"CREATE TRIGGER posting_totals AFTER INSERT ON posting BEGIN {body} END")
        return
    function(db, "posting_totals", body + " RETURN NULL;")
    db.execute_sql(
        "CREATE TRIGGER posting_totals AFTER INSERT ON posting FOR EACH ROW EXECUTE FUNCTION posting_totals()"
    )
