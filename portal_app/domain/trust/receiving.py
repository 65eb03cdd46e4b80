"""Money comes into trust, clears, and is sometimes taken back by the payer's bank."""

from __future__ import annotations

import datetime as dt

from portal_app import clock
from portal_app.db import transaction
from portal_app.domain import ledger, outbox
from portal_app.domain.banks import BankAccount
from portal_app.domain.errors import Refused
from portal_app.domain.ledger import Leg
from portal_app.domain.matters import Matter
from portal_app.domain.people import FirmUser, PortalUser
from portal_app.domain.trust import balances
from portal_app.domain.trust.books import (
    at_bank,
    book,
    by_source,
    check_day,
    entry_of,
    known,
    legs_of,
    new_key,
    open_books,
    opposite_of,
    turn,
    values,
)
from portal_app.domain.trust.incidents import open_for
from portal_app.domain.trust.models import METHODS, TrustClearing, TrustMovement, TrustNotice
from portal_app.domain.trust.policy import pack, refused

RECEIPTS = ("check", "wire", "cash", "card", "bank")


def receive(
    matter: Matter, account: BankAccount, *, amount_cents: int, received_on: dt.date, payer: str, purpose: str,
    method: str, reference: str = "", by: FirmUser | PortalUser | None = None, key: str | None = None,
    source: str = "", at: str = "", description: str = "",
) -> TrustMovement:  # fmt: skip
    """A client's money comes into trust, at its gross amount (T07). The same ``key`` is the same receipt.

    ``at``: the clearing account of a gateway that has taken it (see :func:`books.open_clearing`); the bank otherwise.
    ``source`` names the journal's source fact, when the caller has one.

    Raises:
        RuleRefused: it is no trust account (T04), the day has not come, or who paid and for what is missing (T11).
    """
    if not (payer.strip() and purpose.strip()) or method not in RECEIPTS:
        raise refused("T11", "Say who paid, how and what for.", "payer")
    check_day(received_on)
    with transaction():
        open_books(account)
        turn(account)
        row = known(key)
        if row is not None:
            return row
        key = new_key(key)
        days = pack().clearing_days(method)
        row = TrustMovement(**values(
            source=source or f"trust:{key}", key=key, kind="receipt", bank_account=account, matter=matter,
            amount_cents=amount_cents, occurred_on=received_on, party=payer.strip(), purpose=purpose.strip(),
            method=method, reference=reference, clears_on=received_on + dt.timedelta(days=days),
            recorded_by=by if isinstance(by, FirmUser) else None,
        ))  # fmt: skip
        book(row, legs_of(row, bank=at), description or f"Trust deposit, {METHODS[method].lower()}", by=by)
        outbox.put("trust_received", row.id)
    return row


def clear(row: TrustMovement, *, on: dt.date, note: str, by: FirmUser | None = None) -> None:
    """The bank has settled a receipt: it may be spent from ``on`` (T09). Twice changes nothing.

    Raises:
        Refused: it is no receipt, or the day is before it came or has not come yet.
    """
    if row.kind != "receipt":
        raise Refused("Only a receipt clears.")
    check_day(on)
    if on < row.occurred_on:
        raise refused("T09", "It cannot clear before it was received.", "cleared_on")
    with transaction():
        turn(row.bank_account)
        TrustClearing.insert(
            movement=row, cleared_on=on, note=note[:200], recorded_by=by, recorded_at=clock.now()
        ).on_conflict_ignore().execute()


def tell(row: TrustMovement, *, how: str, by: FirmUser | None = None) -> None:
    """The client was told of a receipt (T18). Twice changes nothing."""
    with transaction():
        TrustNotice.insert(movement=row, told_at=clock.now(), how=how[:120], told_by=by).on_conflict_ignore().execute()


def receipt_of(source: str) -> TrustMovement | None:
    """The receipt that was booked for this source fact."""
    return TrustMovement.get_or_none((TrustMovement.source == source) & (TrustMovement.kind == "receipt"))


# Taken back


def post_returned(
    receipt: TrustMovement, *, cents: int, on: dt.date, reason: str, source: str, kind: str = "return",
    by: FirmUser | PortalUser | None = None,
) -> TrustMovement:  # fmt: skip
    """The payer's bank has taken a deposit back, or disputes it (``kind="dispute"``): the same deposit, on the same
    ledger, where its money was (T10). The truth is booked even when it takes the ledger below zero; then a shortfall
    incident opens, draws stop and people are alerted. The same ``source`` again changes nothing.

    Raises:
        RuleRefused: it is more than is left of that deposit.
    """
    with transaction():
        turn(receipt.bank_account)
        done = by_source(source)
        if done is not None:
            return done
        row = TrustMovement(**values(
            source=source, key=source, kind=kind, bank_account=receipt.bank_account_id, matter=receipt.matter_id,
            amount_cents=cents, occurred_on=on, party=receipt.party, purpose=reason or "Returned by the bank",
            method=receipt.method, reference=receipt.reference, of=receipt,
            recorded_by=by if isinstance(by, FirmUser) else None,
        ))  # fmt: skip
        code = ledger.client_money(receipt.bank_account_id)
        short = cents - balances.lowest_from(code, int(receipt.matter_id), on)
        if short > 0:
            open_for(row, short)
        title = "Trust deposit disputed" if kind == "dispute" else "Trust deposit returned by the bank"
        book(row, legs_of(row, bank=at_bank(receipt)), title, by=by)
    return row


def record_return(
    receipt: TrustMovement, *, cents: int, on: dt.date, reason: str, by: FirmUser, key: str
) -> TrustMovement:
    """A person has learned of it from the bank. The same ``key`` is once.

    Raises:
        Refused: it is no receipt of theirs: a gateway tells of its own.
        RuleRefused: it is more than is left of it, or the day has not come or is before it was received.
    """
    if receipt.kind != "receipt" or not str(receipt.source).startswith("trust:"):
        raise Refused("The gateway tells of this by itself.")
    check_day(on)
    if on < receipt.occurred_on:
        raise refused("T10", "It cannot come back before it was received.", "occurred_on")
    return post_returned(receipt, cents=cents, on=on, reason=reason, source=f"trust:{key}:returned", by=by)


def post_dispute_won(disputed: TrustMovement, *, on: dt.date, by: FirmUser | None = None) -> TrustMovement:
    """A dispute is won: the money is the client's again. Twice changes nothing."""
    with transaction():
        turn(disputed.bank_account)
        source = f"{disputed.source}:reversed"
        done = by_source(source)
        if done is not None:
            return done
        row = TrustMovement(**values(
            source=source, key=source[-64:], kind="dispute_won", bank_account=disputed.bank_account_id,
            matter=disputed.matter_id, amount_cents=disputed.amount_cents, occurred_on=on, party=disputed.party,
            purpose="Dispute won", method=disputed.method, reference=disputed.reference, of=disputed.of_id,
            recorded_by=by,
        ))  # fmt: skip
        entry = entry_of(disputed)
        return book(row, opposite_of(entry), "Trust deposit, dispute won", by=by, reverses=entry)


# Mistakes


def correct(row: TrustMovement, *, on: dt.date, reason: str, by: FirmUser) -> TrustMovement:
    """Take back what was recorded by mistake, by its exact opposite, linked to it (T13). Twice changes nothing.

    Raises:
        RuleRefused: the money it brought is not there any more (T02), or held (T19).
        Refused: it is itself a correction, or a bank's doing, or stands in the portal's own payments.
    """
    if row.kind in {"reversal", "return", "dispute", "dispute_won"} or not str(row.source).startswith("trust:"):
        raise Refused("This cannot be taken back here: it is what a bank or a gateway has said.")
    check_day(on)
    with transaction():
        turn(row.bank_account)
        entry = entry_of(row)
        source = f"{entry.source}:reversed"
        done = by_source(source)
        if done is not None:
            return done
        if TrustMovement.select().where(TrustMovement.of == row.id).exists():
            raise Refused("A bank has taken back a part of this deposit. What is left goes back as a refund.")
        opposite = TrustMovement(**values(
            source=source, key=source[-64:], kind="reversal", bank_account=row.bank_account_id, matter=row.matter_id,
            to_matter=row.to_matter_id, invoice_id=row.invoice_id, amount_cents=row.amount_cents, occurred_on=on,
            party=row.party, purpose=reason, method="book", of=row, recorded_by=by,
        ))  # fmt: skip
        legs = opposite_of(entry)
        _check_there(row.bank_account_id, legs, on)
        return book(opposite, legs, f"Correction: {entry.description}", by=by, reverses=entry)


def undo(row: TrustMovement, *, on: dt.date, reason: str, by: FirmUser | None = None) -> TrustMovement:
    """The exact opposite of a movement that the portal's own payments have booked, linked to it (T13): the fact behind
    it is no longer so. Twice changes nothing.

    Raises:
        RuleRefused: the money it brought is not there any more (T02), or held (T19).
    """
    with transaction():
        turn(row.bank_account)
        entry = entry_of(row)
        source = f"{entry.source}:reversed"
        done = by_source(source)
        if done is not None:
            return done
        opposite = TrustMovement(**values(
            source=source, key=source[-64:], kind="reversal", bank_account=row.bank_account_id, matter=row.matter_id,
            amount_cents=row.amount_cents, occurred_on=on, party=row.party, purpose=reason, method="book", of=row,
            recorded_by=by,
        ))  # fmt: skip
        legs = opposite_of(entry)
        _check_there(row.bank_account_id, legs, on)
        return book(opposite, legs, reason, by=by, reverses=entry)


def taken_back(receipt: TrustMovement) -> int:
    """How much of a deposit its payer's bank, or the gateway, has taken back, in cents."""
    signs = {"return": 1, "dispute": 1, "dispute_won": -1}
    rows = TrustMovement.select(TrustMovement.kind, TrustMovement.amount_cents).where(TrustMovement.of == receipt.id)
    return sum(signs.get(row.kind, 0) * int(row.amount_cents) for row in rows)


def _check_there(bank_account_id: int, legs: list[Leg], on: dt.date) -> None:
    code = ledger.client_money(bank_account_id)
    for leg in legs:
        if leg.account == code and leg.amount_cents > balances.lowest_from(code, leg.matter_id or 0, on):
            raise refused("T02", "A part of this money has left the ledger already.")
