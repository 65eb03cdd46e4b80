"""Matters, who may see them, their events, documents, shares, and the work done on them."""

from peewee import Database
from playhouse.migrate import SchemaMigrator

from portal_app.schema import execute


def _share(noun: str, *more: str) -> list[str]:
    """Shares are facts that end and never vanish; at most one is open for each person."""
    columns = "".join(f"    {column},\n" for column in more)
    return [
        f"""CREATE TABLE {noun}_share (
    id {{pk}},
    {noun}_id BIGINT NOT NULL REFERENCES {noun}(id),
    portal_user_id BIGINT NOT NULL REFERENCES portal_user(id),
    shared_by_id BIGINT REFERENCES firm_user(id),
    shared_at TIMESTAMP NOT NULL,
    first_seen_at TIMESTAMP,
{columns}    ended_by_id BIGINT REFERENCES firm_user(id),
    ended_at TIMESTAMP)""",
        f"CREATE UNIQUE INDEX {noun}_share_open ON {noun}_share (portal_user_id, {noun}_id) WHERE ended_at IS NULL",
        f"CREATE INDEX {noun}_share_{noun} ON {noun}_share ({noun}_id)",
    ]


UP = [
    """CREATE TABLE matter (
    id {pk},
    number VARCHAR(40) NOT NULL UNIQUE CHECK (number <> ''),
    name VARCHAR(120) NOT NULL CHECK (name <> ''),
    client_id BIGINT NOT NULL REFERENCES client(id),
    practice_area VARCHAR(120) NOT NULL,
    opposing_party VARCHAR(120) NOT NULL,
    billing_method VARCHAR(20) NOT NULL
        CHECK (billing_method IN ('hourly', 'flat_fee', 'contingency', 'not_billable')),
    limitations_on DATE,
    responsible_attorney_id BIGINT REFERENCES firm_user(id),
    is_restricted BOOLEAN NOT NULL,
    opened_on DATE NOT NULL,
    closed_on DATE,
    created_at TIMESTAMP NOT NULL,
    created_by_id BIGINT REFERENCES firm_user(id),
    key VARCHAR(32) UNIQUE,
    CHECK (closed_on IS NULL OR closed_on >= opened_on))""",
    "CREATE INDEX matter_client ON matter (client_id)",
    """CREATE TABLE matter_access (
    matter_id BIGINT NOT NULL REFERENCES matter(id),
    firm_user_id BIGINT NOT NULL REFERENCES firm_user(id),
    PRIMARY KEY (matter_id, firm_user_id))""",
    "CREATE INDEX matter_access_firm_user ON matter_access (firm_user_id)",
    """CREATE TABLE invoice_recipient (
    id {pk},
    matter_id BIGINT NOT NULL REFERENCES matter(id),
    portal_user_id BIGINT NOT NULL REFERENCES portal_user(id),
    relation VARCHAR(40) NOT NULL,
    added_by_id BIGINT REFERENCES firm_user(id),
    added_at TIMESTAMP NOT NULL,
    UNIQUE (matter_id, portal_user_id))""",
    "CREATE INDEX invoice_recipient_portal_user ON invoice_recipient (portal_user_id)",
    """CREATE TABLE event (
    id {pk},
    public_id VARCHAR(32) NOT NULL UNIQUE,
    matter_id BIGINT NOT NULL REFERENCES matter(id),
    title VARCHAR(120) NOT NULL CHECK (title <> ''),
    place VARCHAR(200) NOT NULL,
    notes TEXT NOT NULL,
    starts_at TIMESTAMP NOT NULL,
    ends_at TIMESTAMP,
    is_all_day BOOLEAN NOT NULL,
    time_zone VARCHAR(64) NOT NULL,
    created_at TIMESTAMP NOT NULL,
    created_by_id BIGINT REFERENCES firm_user(id),
    canceled_at TIMESTAMP,
    CHECK (ends_at IS NULL OR ends_at >= starts_at))""",
    "CREATE INDEX event_matter ON event (matter_id, starts_at)",
    "CREATE INDEX event_starts ON event (starts_at)",
    *_share("event"),
    """CREATE TABLE document (
    id {pk},
    public_id VARCHAR(32) NOT NULL UNIQUE,
    matter_id BIGINT NOT NULL REFERENCES matter(id),
    name VARCHAR(120) NOT NULL CHECK (name <> ''),
    folder VARCHAR(60) NOT NULL,
    kind VARCHAR(10) NOT NULL CHECK (kind IN ('file', 'invoice')),
    created_at TIMESTAMP NOT NULL,
    created_by_id BIGINT REFERENCES firm_user(id),
    changed_at TIMESTAMP NOT NULL,
    removed_at TIMESTAMP)""",
    "CREATE INDEX document_matter ON document (matter_id, changed_at)",
    """CREATE TABLE document_version (
    id {pk},
    document_id BIGINT NOT NULL REFERENCES document(id),
    number INTEGER NOT NULL CHECK (number > 0),
    storage_key VARCHAR(120) NOT NULL UNIQUE,
    media_type VARCHAR(120) NOT NULL,
    size_bytes BIGINT NOT NULL CHECK (size_bytes >= 0),
    sha256 VARCHAR(64) NOT NULL,
    created_at TIMESTAMP NOT NULL,
    created_by_id BIGINT REFERENCES firm_user(id),
    UNIQUE (document_id, number))""",
    *_share("document", "first_downloaded_at TIMESTAMP"),
    """CREATE TABLE work_item (
    id {pk},
    matter_id BIGINT NOT NULL REFERENCES matter(id),
    kind VARCHAR(10) NOT NULL CHECK (kind IN ('time', 'expense', 'flat_fee')),
    timekeeper_id BIGINT NOT NULL REFERENCES firm_user(id),
    worked_on DATE NOT NULL,
    description TEXT NOT NULL CHECK (description <> ''),
    quantity_hundredths BIGINT NOT NULL CHECK (quantity_hundredths > 0),
    rate_cents BIGINT NOT NULL CHECK (rate_cents >= 0),
    amount_cents BIGINT NOT NULL CHECK (amount_cents >= 0),
    is_billable BOOLEAN NOT NULL,
    billed_invoice_id BIGINT,
    created_at TIMESTAMP NOT NULL,
    created_by_id BIGINT REFERENCES firm_user(id),
    key VARCHAR(32) UNIQUE)""",
    "CREATE INDEX work_item_matter ON work_item (matter_id, worked_on)",
    "CREATE INDEX work_item_unbilled ON work_item (matter_id) WHERE billed_invoice_id IS NULL",
]


def up(migrator: SchemaMigrator, db: Database) -> None:
    execute(db, UP)


def down(migrator: SchemaMigrator, db: Database) -> None:
    tables = (
        "work_item document_share document_version document event_share event invoice_recipient matter_access matter"
    )
    execute(db, [f"DROP TABLE {table}" for table in tables.split()])
