"""What a page asks for is found without looking through all that a firm has ever had: invoices with something open, new
payments, the newest matters, invoices and work, what fails, what is a person's."""

from peewee import Database
from playhouse.migrate import SchemaMigrator

from portal_app.schema import execute

INDEXES = {
    "running_total_owed": "running_total (account_code, invoice_id) WHERE balance_cents > 0",
    "invoice_newest": "invoice ((number IS NULL) DESC, issued_on DESC, id DESC)",
    "work_item_newest": "work_item (worked_on DESC, id DESC)",
    "matter_newest": "matter (opened_on DESC, id DESC)",
    "payment_paid": "payment (paid_at)",
    "portal_user_name": "portal_user (name, id)",
    "document_share_portal_user": "document_share (portal_user_id, id)",
    "event_share_portal_user": "event_share (portal_user_id, id)",
    "pay_link_portal_user": "pay_link (portal_user_id)",
    "password_reset_portal_user": "password_reset (portal_user_id)",
    "trust_hold_matter": "trust_hold (matter_id, id)",
    "journal_entry_portal_user": "journal_entry (portal_user_id) WHERE portal_user_id IS NOT NULL",
    "outbox_failing": "outbox (id) WHERE done_at IS NULL AND last_error <> ''",
    "email_to_address": "email (to_address)",
}


def up(migrator: SchemaMigrator, db: Database) -> None:
    execute(db, [f"CREATE INDEX {name} ON {where}" for name, where in INDEXES.items()])


def down(migrator: SchemaMigrator, db: Database) -> None:
    execute(db, [f"DROP INDEX {name}" for name in INDEXES])
