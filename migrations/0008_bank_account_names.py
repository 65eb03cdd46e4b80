"""A bank account's name is its own: two presses at the same moment made two of one name."""

from itertools import count

from peewee import Database
from playhouse.migrate import SchemaMigrator

from portal_app.schema import execute

LONGEST = 80


def up(migrator: SchemaMigrator, db: Database) -> None:
    _number_doubles(db)
    execute(db, ["CREATE UNIQUE INDEX bank_account_name ON bank_account (name)"])


def down(migrator: SchemaMigrator, db: Database) -> None:
    execute(db, ["DROP INDEX bank_account_name"])


def _number_doubles(db: Database) -> None:
    """The first of a name keeps it; those after it are called "Operating (2)" and so on."""
    rows = db.execute_sql("SELECT id, name FROM bank_account ORDER BY id").fetchall()
    taken, seen = {name for _, name in rows}, set[str]()
    for row_id, name in rows:
        if name not in seen:
            seen.add(name)
            continue
        marks = (f" ({number})" for number in count(2))
        new = next(told for mark in marks if (told := name[: LONGEST - len(mark)] + mark) not in taken)
        taken.add(new)
        db.execute_sql(f"UPDATE bank_account SET name = {db.param} WHERE id = {db.param}", (new, row_id))
