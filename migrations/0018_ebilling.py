"""What LEDES files need besides the invoice: identifiers of the firm, the client and the matter as the client's own
system knows them, timekeepers' classes, and the codes of work."""

from peewee import Database
from playhouse.migrate import SchemaMigrator

from portal_app.schema import execute

ID = "VARCHAR(20) NOT NULL DEFAULT '' CHECK (length({name}) <= 20)"
CODE = "VARCHAR(5) NOT NULL DEFAULT '' CHECK (length({name}) <= 5)"
CLASS = "VARCHAR(2) NOT NULL DEFAULT '' CHECK ({name} IN ('', 'PT', 'AS', 'OC', 'LA', 'OT'))"
COLUMNS = [
    ("firm", "law_firm_id", ID),
    ("client", "ledes_id", ID),
    ("matter", "client_matter_id", ID),
    ("firm_user", "timekeeper_id", ID),
    ("firm_user", "timekeeper_class", CLASS),
    ("work_item", "task_code", CODE),
    ("work_item", "activity_code", CODE),
    ("work_item", "expense_code", CODE),
]


def up(migrator: SchemaMigrator, db: Database) -> None:
    execute(db, [f"ALTER TABLE {table} ADD COLUMN {name} {kind}".format(name=name) for table, name, kind in COLUMNS])


def down(migrator: SchemaMigrator, db: Database) -> None:
    execute(db, [f"ALTER TABLE {table} DROP COLUMN {name}" for table, name, _ in reversed(COLUMNS)])
