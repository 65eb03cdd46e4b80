"""The rest of the chart of accounts; client money in trust always names its matter."""

from peewee import Database, SqliteDatabase
from playhouse.migrate import SchemaMigrator

from portal_app.schema import drop_functions, guard

CHART = [
    ("tax", "Tax to be paid on", "liability"),
    ("credits", "Credit notes", "income"),
    ("bad_debt", "Bad debt", "expense"),
    ("bank_charges", "Bank charges", "expense"),
    ("trust_losses", "Trust shortfalls made good", "expense"),
    ("own_in_trust", "Own money in trust accounts", "asset"),
]


def up(migrator: SchemaMigrator, db: Database) -> None:
    for code, name, kind in CHART:
        values = f"('{code}', '{name}', '{kind}', 'operating')"
        db.execute_sql(f"INSERT INTO account (code, name, kind, fund) VALUES {values}")
    nameless = "SUBSTR(NEW.account_code, 1, 6) = 'trust:' AND NEW.matter_id IS NULL"
    guard(db, "posting_names_matter", "INSERT", "posting", "client money without a matter", nameless)


def down(migrator: SchemaMigrator, db: Database) -> None:
    """Refused, by the foreign keys, once something is posted on these accounts."""
    on = "" if isinstance(db, SqliteDatabase) else " ON {}"
    for trigger, table in (("posting_names_matter", "posting"), ("account_kept", "account")):
        db.execute_sql(f"DROP TRIGGER {trigger}{on.format(table)}")
    drop_functions(db, "posting_names_matter", "account_kept")
    codes = ", ".join(f"'{code}'" for code, _, _ in CHART)
    db.execute_sql(f"DELETE FROM account WHERE code IN ({codes})")
    guard(db, "account_kept", "DELETE", "account", "an account cannot be deleted")
