"""Matches of the bank's lines with the books' postings, sealed: one that does not sum cannot be committed.

A match points, by a deferred foreign key, at its seal; the seal's trigger lets it in only when the match's lines and
postings come to one sum, and from then on nothing joins it. Matches made before keep no seal; a closing looks at them.
"""

from peewee import Database
from playhouse.migrate import SchemaMigrator

from portal_app.schema import execute, guard, unguard

UP = [
    """CREATE TABLE bank_match_seal (
    token VARCHAR(40) NOT NULL PRIMARY KEY,
    match_id BIGINT NOT NULL UNIQUE REFERENCES bank_match(id) ON DELETE CASCADE)""",
    """ALTER TABLE bank_match ADD COLUMN seal VARCHAR(40)
    REFERENCES bank_match_seal(token) DEFERRABLE INITIALLY DEFERRED""",
]

COUNT = """((SELECT COUNT(*) FROM bank_match_line b WHERE b.match_id = NEW.match_id)
    + (SELECT COUNT(*) FROM bank_match_posting b WHERE b.match_id = NEW.match_id))"""
AT_BANK = """COALESCE((SELECT SUM(l.amount_cents) FROM bank_match_line b JOIN statement_line l ON l.id = b.line_id
    WHERE b.match_id = NEW.match_id), 0)"""
IN_BOOKS = """COALESCE((SELECT SUM(p.amount_cents) FROM bank_match_posting b JOIN posting p ON p.id = b.posting_id
    WHERE b.match_id = NEW.match_id), 0)"""
OTHER_SEAL = "NOT EXISTS (SELECT 1 FROM bank_match m WHERE m.id = NEW.match_id AND m.seal = NEW.token)"
LATE = """NOT EXISTS (SELECT 1 FROM bank_match m WHERE m.id = NEW.match_id AND m.seal IS NOT NULL
    AND NOT EXISTS (SELECT 1 FROM bank_match_seal s WHERE s.match_id = m.id))"""
STANDS = "EXISTS (SELECT 1 FROM bank_match m WHERE m.id = OLD.match_id)"
MADE_ANEW = "a match is made anew, not changed"

GUARDS = [
    ("match_sealed", "INSERT", "bank_match", "a match needs its seal", "NEW.seal IS NULL"),
    ("match_line_late", "INSERT", "bank_match_line", MADE_ANEW, LATE),
    ("match_posting_late", "INSERT", "bank_match_posting", MADE_ANEW, LATE),
    ("match_seal_sums", "INSERT", "bank_match_seal", "a match does not sum",
     f"{COUNT} < 2 OR {AT_BANK} <> {IN_BOOKS} OR {OTHER_SEAL}"),
    ("match_seal_fixed", "UPDATE", "bank_match_seal", MADE_ANEW, ""),
    ("match_seal_whole", "DELETE", "bank_match_seal", "a match is taken back whole", STANDS),
]  # fmt: skip


def up(migrator: SchemaMigrator, db: Database) -> None:
    execute(db, UP)
    for name, event, table, message, when in GUARDS:
        guard(db, name, event, table, message, when)


def down(migrator: SchemaMigrator, db: Database) -> None:
    for name, _, table, _, _ in GUARDS:
        unguard(db, name, table)
    execute(db, ["ALTER TABLE bank_match DROP COLUMN seal", "DROP TABLE bank_match_seal"])
