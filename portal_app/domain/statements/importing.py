"""From a bank's file to lines that can be matched: uploaded, read and shown, then imported whole or not at all."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from peewee import IntegrityError

from portal_app import clock, money
from portal_app.db import db, locked, transaction
from portal_app.domain import documents, firms, store
from portal_app.domain.errors import Refused
from portal_app.domain.once import once
from portal_app.domain.payments import BankAccount
from portal_app.domain.people import FirmUser
from portal_app.domain.statements import bankfiles, tables
from portal_app.domain.statements.models import BankStatement, StatementLine, StatementMapping
from portal_app.domain.statements.parsed import MOST_BYTES, Parsed, Row, identities
from portal_app.domain.statements.reading import balance_on
from portal_app.domain.statements.tables import Mapping

AT_ONCE = 500
KEPT_DAYS = 14  # a file that nobody imports

Told = Callable[[int], None]


@dataclass(frozen=True, slots=True)
class Preview:
    """What an import would do: the file as it was read; its rows that are new, in the order of their days; how many
    are known already; and the days and balances that it would have. ``gap_cents``: what is missing between the
    lines and the closing balance."""

    parsed: Parsed
    fresh: list[tuple[Row, str]]
    known: int
    starts_on: dt.date | None
    ends_on: dt.date | None
    opening_cents: int
    closing_cents: int
    before_cents: int
    is_first: bool
    is_opening_told: bool
    is_closing_told: bool

    @property
    def fresh_cents(self) -> int:
        return sum(row.amount_cents for row, _ in self.fresh)

    @property
    def gap_cents(self) -> int:
        brought = self.opening_cents if self.is_first else self.before_cents
        return self.closing_cents - brought - self.fresh_cents


# The file


def upload(
    account: BankAccount, *, name: str, chunks: Iterable[bytes], by: FirmUser | None, key: str | None = None
) -> BankStatement:
    """Keep a bank's file as it came. Nothing is imported yet. The same key again is the same file.

    Raises:
        Refused: the file is empty or too large.
    """
    stored = store.put_bytes(_limited(chunks), limit_bytes=MOST_BYTES, folder="statements")
    kept = False

    def make() -> BankStatement:
        nonlocal kept
        if not stored.size_bytes:
            raise Refused("The file is empty.", "file")
        kept = True
        return BankStatement.create(
            bank_account=account, key=key or stored.key.rpartition("/")[2], file_name=documents.clean_name(name),
            storage_key=stored.key, size_bytes=stored.size_bytes, sha256=stored.sha256, uploaded_at=clock.now(),
            uploaded_by=by, format="bankfile" if bankfiles.is_bankfile(store.read(stored.key)) else "table",
        )  # fmt: skip

    try:
        return once(BankStatement.key, key, make, {"bank_account": account, "sha256": stored.sha256})
    finally:
        if not kept:
            store.discard([stored.key])


def _limited(chunks: Iterable[bytes]) -> Iterator[bytes]:
    size = 0
    for chunk in chunks:
        size += len(chunk)
        if size > MOST_BYTES:
            raise Refused(f"A statement of more than {MOST_BYTES // (1024 * 1024)} MB is not read.", "file")
        yield chunk


def remove(statement: BankStatement) -> None:
    """Throw a statement away, with its lines: the file was the wrong one.

    Raises:
        Refused: a line of it is matched, or its days are reconciled and closed; the database keeps those anyway.
    """
    with transaction(), _kept_by_the_database():
        row = locked(BankStatement.select().where(BankStatement.id == statement.id)).get()
        later = BankStatement.select().where(
            (BankStatement.bank_account == row.bank_account_id) & (BankStatement.ends_on > row.ends_on)
        )
        if row.is_imported and later.exists():
            raise Refused("A later statement stands on this one. Remove that one first.")
        StatementLine.delete().where(StatementLine.statement == row.id).execute()
        BankStatement.delete().where(BankStatement.id == row.id).execute()
    store.discard([statement.storage_key])


@contextmanager
def _kept_by_the_database() -> Iterator[None]:
    try:
        with db.atomic():
            yield
    except IntegrityError:
        raise Refused("Lines of it are matched, somebody has signed for it, or its days are closed.") from None


def discard_forgotten() -> int:
    """Remove files that were uploaded long ago and never imported. Returns how many."""
    long_ago = clock.now() - dt.timedelta(days=KEPT_DAYS)
    rows = list(
        BankStatement.select().where(BankStatement.imported_at.is_null() & (BankStatement.uploaded_at < long_ago))
    )
    for row in rows:
        remove(row)
    return len(rows)


# Reading it


def mapping_for(statement: BankStatement) -> Mapping:
    """How the account's last table was read, if this one can be read so too; or a guess."""
    body = store.read(statement.storage_key)
    kept = StatementMapping.get_or_none(StatementMapping.bank_account == statement.bank_account_id)
    if kept is not None:
        mapping = Mapping.load(kept.mapping)
        if tables.read(body, mapping, firms.current().money).rows:
            return mapping
    return tables.guess(body, is_month_first=firms.current().locale.endswith("_US"))


def column_names(statement: BankStatement, mapping: Mapping) -> list[str]:
    return tables.columns(store.read(statement.storage_key), mapping)


def parse(statement: BankStatement, mapping: Mapping | None = None) -> Parsed:
    """The file, read anew. A table needs a mapping; the banks' own formats do not."""
    body, currency = store.read(statement.storage_key), firms.current().money
    if statement.format == "bankfile":
        return bankfiles.read(body, currency)
    return tables.read(body, mapping or mapping_for(statement), currency)


def preview(
    statement: BankStatement, mapping: Mapping | None = None, *, starts_on: dt.date | None = None,
    ends_on: dt.date | None = None, opening_cents: int | None = None, closing_cents: int | None = None,
) -> Preview:  # fmt: skip
    """What an import would do with these days and balances; those not given are taken from the file, or from what
    the account's lines come to so far. Changes nothing."""
    parsed = parse(statement, mapping)
    rows = sorted(parsed.rows, key=lambda row: row.booked_on)
    pairs = list(zip(rows, identities(rows), strict=True))
    known = _known(statement.bank_account_id, [identity for _, identity in pairs])
    fresh: list[tuple[Row, str]] = []
    for row, identity in pairs:
        if identity not in known:
            known.add(identity)
            fresh.append((row, identity))
    before, is_first = _before(statement.bank_account_id)
    told = closing_cents if closing_cents is not None else parsed.closing_cents
    named = opening_cents if opening_cents is not None else parsed.opening_cents
    opening = named
    if opening is None:  # few files name it
        last = told if told is not None else before + sum(row.amount_cents for row, _ in fresh)
        opening = last - parsed.sum_cents
    return Preview(
        parsed, fresh, len(pairs) - len(fresh), starts_on or parsed.first_on, ends_on or parsed.last_on, opening,
        told if told is not None else opening + parsed.sum_cents, before, is_first,
        named is not None, told is not None,
    )  # fmt: skip


def _known(account_id: int, wanted: Sequence[str]) -> set[str]:
    found: set[str] = set()
    for at in range(0, len(wanted), AT_ONCE):
        some = StatementLine.select(StatementLine.identity).where(
            (StatementLine.bank_account == account_id) & StatementLine.identity.in_(wanted[at : at + AT_ONCE])
        )
        found |= {row.identity for row in some}
    return found


def _before(account_id: int) -> tuple[int, bool]:
    """What the account's lines come to, which is what its last statement closed with; and whether there are none."""
    is_first = not BankStatement.select().where(
        (BankStatement.bank_account == account_id) & BankStatement.imported_at.is_null(False)
    ).exists()  # fmt: skip
    return balance_on(account_id), is_first


# Importing it


def import_statement(
    statement: BankStatement, mapping: Mapping | None = None, *, starts_on: dt.date | None = None,
    ends_on: dt.date | None = None, opening_cents: int | None = None, closing_cents: int | None = None,
    by: FirmUser | None = None, told: Told | None = None,
) -> Preview:  # fmt: skip
    """Keep the file's new lines: all of them, or none. ``told`` is called with how many lines have been written.

    Raises:
        Refused: a line cannot be read, the balances do not sum, the days do not follow on, or nothing is new.
    """
    with transaction():
        locked(BankAccount.select().where(BankAccount.id == statement.bank_account_id)).get()
        row = BankStatement.get_by_id(statement.id)
        found = preview(
            row, mapping, starts_on=starts_on, ends_on=ends_on, opening_cents=opening_cents,
            closing_cents=closing_cents,
        )  # fmt: skip
        if row.is_imported:
            return found
        for problem in check(row, found):
            raise problem
        try:
            with db.atomic():
                _write(row, found, by, told)
        except IntegrityError as problem:
            if "reconciled" not in str(problem):
                raise
            raise Refused("An entry is of a day that is reconciled and closed already. Nothing was imported.") from None
        if row.format == "table" and mapping is not None:
            _remember(row.bank_account_id, mapping, by)
    return found


def check(statement: BankStatement, found: Preview) -> Iterator[Refused]:
    """Why this cannot be imported as it is, most important first."""
    if found.parsed.problems:
        more = len(found.parsed.problems) - 1
        tail = f" {more} more cannot be read." if more else ""
        yield Refused(f"{found.parsed.problems[0]}{tail} Nothing was imported.")
    elif found.starts_on is None or found.ends_on is None:
        yield Refused("Say from which day to which day the statement goes.", "starts_on")
    elif found.ends_on < found.starts_on:
        yield Refused("The last day is before the first.", "ends_on")
    elif not found.is_closing_told:
        yield Refused("Enter the closing balance that the bank’s statement shows.", "closing")
    elif found.is_first and found.opening_cents and not found.is_opening_told:
        yield Refused(
            f"The entries and the closing balance leave {bare(found.opening_cents)} to begin with. Enter this opening "
            f"balance, if it is the bank’s.", "opening",
        )  # fmt: skip
    elif found.known and not found.fresh:
        yield Refused("Every entry of this file is imported already.")
    else:
        yield from _check_days(statement, found, found.starts_on, found.ends_on)
        yield from _check_sums(found)


def _check_days(
    statement: BankStatement, found: Preview, starts_on: dt.date, ends_on: dt.date
) -> Iterator[Refused]:  # fmt: skip
    first, last = found.parsed.first_on, found.parsed.last_on
    if first is not None and last is not None and (first < starts_on or last > ends_on):
        yield Refused(f"The file’s entries go from {first} to {last}: that is outside these days.", "starts_on")
    if ends_on > clock.today(firms.current().time_zone):
        yield Refused("The statement ends in the future.", "ends_on")
    last_end = _last_end(statement.bank_account_id)
    if last_end is not None and ends_on <= last_end:
        yield Refused(f"There is a statement of this account to {last_end} already.", "ends_on")


def _last_end(account_id: int) -> dt.date | None:
    row = (
        BankStatement.select(BankStatement.ends_on)
        .where((BankStatement.bank_account == account_id) & BankStatement.ends_on.is_null(False))
        .order_by(BankStatement.ends_on.desc())
        .first()
    )
    return row.ends_on if row else None


def _check_sums(found: Preview) -> Iterator[Refused]:
    """The opening balance and the entries come to the closing one, and the account's lines so far lead up to it."""
    own = found.closing_cents - found.opening_cents - found.parsed.sum_cents
    if own:
        yield Refused(
            f"The opening balance {bare(found.opening_cents)} and the entries, {bare(found.parsed.sum_cents)}, come to "
            f"{bare(found.opening_cents + found.parsed.sum_cents)}, not to the closing balance "
            f"{bare(found.closing_cents)}.", "closing",
        )  # fmt: skip
    elif found.gap_cents:
        yield Refused(
            f"The account’s lines so far come to {bare(found.before_cents)}; with this file’s new ones the balance "
            f"would be {bare(found.closing_cents - found.gap_cents)}, not {bare(found.closing_cents)}. A statement "
            f"between them is missing, or a line was left out.", "opening",
        )  # fmt: skip


def bare(cents: int) -> str:
    return money.bare(cents, firms.current().money)


def _write(statement: BankStatement, found: Preview, by: FirmUser | None, told: Told | None) -> None:
    rows = [_line(statement, at, row, identity) for at, (row, identity) in enumerate(found.fresh, 1)]
    if found.is_first and found.opening_cents:
        brought = Row(0, found.starts_on or clock.now().date(), "Balance brought forward", "", found.opening_cents)
        rows.insert(0, _line(statement, 0, brought, "opening") | {"kind": "opening"})
    for at in range(0, len(rows), AT_ONCE):
        StatementLine.insert_many(rows[at : at + AT_ONCE]).execute()
        if told is not None:
            told(min(at + AT_ONCE, len(rows)))
    BankStatement.update(
        starts_on=found.starts_on, ends_on=found.ends_on, opening_cents=found.opening_cents,
        closing_cents=found.closing_cents, imported_at=clock.now(), imported_by=by,
    ).where(BankStatement.id == statement.id).execute()  # fmt: skip


def _line(statement: BankStatement, at: int, row: Row, identity: str) -> dict[str, object]:
    return {
        "statement": statement.id, "bank_account": statement.bank_account_id, "position": at, "kind": "line",
        "booked_on": row.booked_on, "description": row.description, "reference": row.reference,
        "amount_cents": row.amount_cents, "identity": identity, "explanation": "", "note": "",
    }  # fmt: skip


def _remember(account_id: int, mapping: Mapping, by: FirmUser | None) -> None:
    values = {"mapping": mapping.dump(), "saved_at": clock.now(), "saved_by": by}
    StatementMapping.delete().where(StatementMapping.bank_account == account_id).execute()
    StatementMapping.create(force_insert=True, bank_account=account_id, **values)


__all__ = [
    "Preview",
    "check",
    "column_names",
    "discard_forgotten",
    "import_statement",
    "mapping_for",
    "parse",
    "preview",
    "remove",
    "upload",
]
