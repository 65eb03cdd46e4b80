"""Preparing, closing and reopening. A closing is kept for ever with everything that its report says; from then on the
database takes nothing that would change the period."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator

from peewee import IntegrityError

from portal_app import clock, money
from portal_app.db import db, hold, locked, transaction
from portal_app.domain import firms, ledger, outbox
from portal_app.domain.errors import Refused
from portal_app.domain.firms import Firm
from portal_app.domain.payments import BankAccount
from portal_app.domain.people import FirmUser
from portal_app.domain.reconciliations.figures import Figures, figures, sha256_of
from portal_app.domain.reconciliations.models import (
    Reconciliation,
    ReconciliationReopening,
    ReconciliationReport,
    ReconciliationSignature,
)
from portal_app.domain.reconciliations.reading import last_of, signatures, standing
from portal_app.domain.statements import BankStatement
from portal_app.domain.store import Stored


def why_not(found: Figures, firm: Firm | None = None) -> Iterator[str]:
    """Why this cannot be closed; nothing when it can. ``firm``: whoever has it already need not look it up."""

    def bare(cents: int) -> str:
        return money.bare(cents, (firm or firms.current()).money)

    if found.closed_until is not None and found.ends_on <= found.closed_until:
        yield "The period is closed already."
    if found.loose:
        count = len(found.loose)
        yield f"{count} line{'' if count == 1 else 's'} of the bank {'is' if count == 1 else 'are'} not accounted for."
    if found.adjusted_cents != found.book_cents:
        yield f"The bank and the books are {bare(found.difference_cents)} apart."
    if found.is_trust and found.owed_cents != found.book_cents:
        yield f"The clients’ ledgers and the books are {bare(found.owed_cents - found.book_cents)} apart."


def current(statement: BankStatement, firm: Firm | None = None) -> Figures:
    """The figures as they stand now, to the end of the statement; ``firm`` as for :func:`why_not`."""
    return figures(statement, (firm or firms.current()).currency)


def sign(statement: BankStatement, *, by: FirmUser | None) -> ReconciliationSignature:
    """Put one's name under the figures as they stand: this is prepared. Twice is once.

    Raises:
        Refused: the figures are not equal, or the period is closed.
    """
    with transaction():
        found = current(statement)
        for problem in why_not(found):
            raise Refused(problem)
        digest = sha256_of(found.snapshot())
        newest = next(iter(signatures(statement)), None)
        if newest is not None and newest.snapshot_sha256 == digest and _is(newest.signed_by_id, by):
            return newest
        return ReconciliationSignature.create(
            statement=statement, snapshot_sha256=digest, signed_by=by, signed_at=clock.now()
        )


def _is(person_id: int | None, who: FirmUser | None) -> bool:
    return person_id == (who.id if who is not None else None)


def prepared(statement: BankStatement, found: Figures) -> ReconciliationSignature | None:
    """The newest signature under exactly these figures; one under others counts no more."""
    digest = sha256_of(found.snapshot())
    return next((row for row in signatures(statement) if row.snapshot_sha256 == digest), None)


def close(statement: BankStatement, *, by: FirmUser | None) -> Reconciliation:
    """Close the period to the end of the statement; its report is printed and kept. Twice is once.

    Where two people are asked for, who closes is not who prepared; else who closes prepares as well.

    Raises:
        Refused: the figures are not equal, or nobody else has prepared them.
    """
    with transaction():
        hold("posting", "statement_line", "bank_match")
        locked(BankAccount.select().where(BankAccount.id == statement.bank_account_id)).get()
        done = standing(Reconciliation.statement == statement.id).first()
        if done is not None:
            return done
        found = current(statement)
        for problem in why_not(found):
            raise Refused(problem)
        signed = prepared(statement, found)
        if found.rules.two_people and found.is_trust:
            _check_two(signed, by)
        made = _keep(found, signed or sign(statement, by=by), by)
        outbox.put("reconciliation_report", made.id)
    return made


def _check_two(signed: ReconciliationSignature | None, by: FirmUser | None) -> None:
    if by is None:
        raise Refused("Two people are asked for: it is closed on its page, by somebody with a name.")
    if signed is None:
        raise Refused("Nobody has prepared these figures. Somebody else prepares, then you close.")
    if _is(signed.signed_by_id, by):
        raise Refused("You have prepared these figures. Somebody else reviews and closes them.")


def _keep(found: Figures, signed: ReconciliationSignature, by: FirmUser | None) -> Reconciliation:
    snapshot = found.snapshot(anchored=_anchor())
    try:
        with db.atomic():
            return Reconciliation.create(
                bank_account=found.account, statement=found.statement, fund=found.account.fund,
                currency=found.currency, starts_on=found.starts_on, ends_on=found.ends_on, **found.totals(),
                snapshot=snapshot, snapshot_sha256=sha256_of(snapshot), prepared_by=signed.signed_by_id,
                prepared_at=signed.signed_at, closed_by=by, closed_at=clock.now(),
            )  # fmt: skip
    except IntegrityError as problem:
        raise Refused(f"The database refuses to close this: {str(problem).splitlines()[0]}.") from None


def _anchor() -> dict[str, object]:
    """The checkpoint over every matter's chain as it is now: what is closed rests on it."""
    point = ledger.check_in(at_least=dt.timedelta(0)) or ledger.last_checkpoint()
    return {} if point is None else {"checkpoint": {"number": point.number, "hash": point.hash}}


def reopen(closed: Reconciliation, *, reason: str, by: FirmUser) -> None:
    """Open a closed period again. The closing and its report stay; the next one says which it replaces.

    Raises:
        Refused: without a reason, or when a later period is closed.
    """
    if not reason.strip():
        raise Refused("Say why the period has to be opened again.", "reason")
    with transaction():
        locked(BankAccount.select().where(BankAccount.id == closed.bank_account_id)).get()
        if ReconciliationReopening.get_or_none(ReconciliationReopening.reconciliation == closed.id):
            return
        last = last_of(closed.bank_account)
        if last is None or last.id != closed.id:
            raise Refused("Only the last closed period of an account can be opened again.")
        ReconciliationReopening.create(
            force_insert=True, reconciliation=closed, reason=reason.strip()[:200], reopened_by=by,
            reopened_at=clock.now(),
        )  # fmt: skip


def keep_report(closed: Reconciliation, stored: Stored) -> bool:
    """The report has been printed: keep it. ``False``: it has one already."""
    with transaction():
        locked(BankAccount.select().where(BankAccount.id == closed.bank_account_id)).get()
        if ReconciliationReport.get_or_none(ReconciliationReport.reconciliation == closed.id):
            return False
        ReconciliationReport.create(
            force_insert=True, reconciliation=closed, storage_key=stored.key, size_bytes=stored.size_bytes,
            sha256=stored.sha256, stored_at=clock.now(),
        )  # fmt: skip
    return True
