"""Money leaves a client's ledger: a lawyer authorises it first, then it is paid out, given back or transferred."""

from __future__ import annotations

import datetime as dt

from peewee import IntegrityError

from portal_app import clock, money
from portal_app.db import db, transaction
from portal_app.domain import firms, ledger
from portal_app.domain.banks import BankAccount
from portal_app.domain.errors import Refused
from portal_app.domain.matters import Matter
from portal_app.domain.people import FirmUser
from portal_app.domain.trust import balances
from portal_app.domain.trust.books import (
    book,
    check_day,
    known,
    legs_of,
    new_key,
    open_books,
    said,
    turn,
    values,
)
from portal_app.domain.trust.models import METHODS, OUT, TrustAuthorisation, TrustMovement
from portal_app.domain.trust.policy import refused

PAID_BY = ("check", "wire", "card", "bank")  # never in cash: a payment names its payee
TITLES = {
    "disbursement": "Trust disbursement",
    "refund": "Trust money given back",
    "transfer": "Trust transfer",
    "application": "Paid from trust",
}


def authorise(
    matter: Matter, account: BankAccount, *, kind: str, amount_cents: int, payee: str, purpose: str, by: FirmUser,
    to_matter: Matter | None = None, invoice_id: int | None = None, key: str | None = None,
) -> TrustAuthorisation:  # fmt: skip
    """A lawyer's word, before the money moves (T12). The same ``key`` is the same word.

    Raises:
        RuleRefused: it is no lawyer's (T12), the ledger has not got as much (T02), payee or purpose is missing (T11).
    """
    if not by.has_role("attorney"):
        raise refused("T12", "Only a lawyer can authorize this.")
    if not (payee.strip() and purpose.strip()) or kind not in OUT:
        raise refused("T11", "Say who is paid, and what for.", "payee")
    if to_matter is not None and to_matter.id == matter.id:
        raise refused("T03", "Choose another matter.", "to_matter")
    with transaction():
        found: TrustAuthorisation | None = (
            TrustAuthorisation.get_or_none(TrustAuthorisation.key == key) if key else None
        )
        if found is not None:
            return found
        open_books(account)
        turn(account)
        check_available(matter, account, amount_cents, clock.today(firms.current().time_zone))
        try:
            with db.atomic():
                return TrustAuthorisation.create(
                    key=new_key(key), kind=kind, bank_account=account, matter=matter, to_matter=to_matter,
                    invoice_id=invoice_id, amount_cents=amount_cents, payee=payee.strip()[:120],
                    purpose=purpose.strip()[:200], authorised_by=by, authorised_at=clock.now(),
                )  # fmt: skip
        except IntegrityError as problem:
            raise said(problem) from None


def withdraw(row: TrustAuthorisation, *, by: FirmUser) -> None:
    """Take the word back while nothing was paid on it. Twice changes nothing."""
    with transaction():
        turn(row.bank_account)
        if is_used(row):
            raise refused("T12", "It was carried out already.")
        TrustAuthorisation.update(withdrawn_by=by, withdrawn_at=clock.now()).where(
            (TrustAuthorisation.id == row.id) & TrustAuthorisation.withdrawn_at.is_null()
        ).execute()


def is_used(row: TrustAuthorisation) -> bool:
    return bool(TrustMovement.select().where(TrustMovement.authorisation == row.id).exists())


def check_available(matter: Matter, account: BankAccount, cents: int, on: dt.date) -> None:
    """Refuse to draw more than a ledger lets go of on ``on``, saying which rule is in the way.

    Raises:
        RuleRefused: short (T10), not there (T02), not cleared (T09) or held (T19).
    """
    hand = firms.current().money
    if balances.open_incident(matter, account) is not None:
        raise refused("T10", "This ledger is short. Nothing is drawn on it until the firm has replenished it.")
    lowest = balances.lowest_from(ledger.client_money(account.id), matter.id, on)
    if cents > lowest:
        day = "on that day or a later one" if on < clock.today(firms.current().time_zone) else "there"
        raise refused("T02", f"Only {money.show(max(lowest, 0), hand)} is {day}.", "amount")
    cleared, held = balances.lowest_cleared(matter, account, on), balances.held(matter, account)
    if cents > cleared:
        raise refused("T09", f"Only {money.show(max(cleared, 0), hand)} has cleared.", "amount")
    if held and cents > balances.not_held(matter, account, on):
        raise refused("T19", f"{money.show(held, hand)} is held because it is disputed.", "amount")


def pay_out(
    row: TrustAuthorisation, *, on: dt.date, method: str, by: FirmUser, reference: str = "", source: str = "",
    at: str = "", key: str | None = None,
) -> TrustMovement:  # fmt: skip
    """Carry out an authorised disbursement or refund. Twice is once.

    ``at``: the clearing account of the gateway that gives it back; the bank otherwise. ``source`` names the journal's
    source fact, when the caller has one.

    Raises:
        RuleRefused: the money is not there, not cleared or held on that day, or the word was taken back.
    """
    if method not in PAID_BY:
        raise refused("T11", "Choose how it was paid: never in cash.", "method")
    with transaction():
        done = begin(row, on)
        if done is not None:
            return done
        movement = _movement(row, on=on, method=method, reference=reference, by=by, source=source, key=key)
        _check_bank(row, on, at)
        title = f"{TITLES[row.kind]}, {METHODS[method].lower()}, {row.payee}"
        return book(movement, legs_of(movement, bank=at), title, by=by)


def transfer(row: TrustAuthorisation, *, on: dt.date, by: FirmUser) -> TrustMovement:
    """Carry out an authorised transfer between two matters: an explicit pair, in one trust account (T03)."""
    with transaction():
        done = begin(row, on)
        if done is not None:
            return done
        movement = _movement(row, on=on, method="book", reference="", by=by)
        return book(movement, legs_of(movement), f"{TITLES['transfer']}: {row.purpose}", by=by)


def apply(row: TrustAuthorisation, operating: str, *, on: dt.date, by: FirmUser) -> TrustMovement:
    """Carry out an authorised payment of an invoice from trust: one pair, one source (T05). The caller has checked the
    invoice, under its lock; ``operating`` is the account of the firm's own bank account."""
    with transaction():
        done = begin(row, on)
        if done is not None:
            return done
        movement = _movement(row, on=on, method="transfer", reference="", by=by)
        _check_bank(row, on, "")
        return book(movement, legs_of(movement, operating=operating), "Paid from trust", by=by)


def begin(row: TrustAuthorisation, on: dt.date) -> TrustMovement | None:
    """Take the turn and check the ledger; what was carried out before, if it was."""
    check_day(on)
    turn(row.bank_account)
    done: TrustMovement | None = TrustMovement.get_or_none(TrustMovement.authorisation == row.id)
    if done is not None:
        return done
    row = TrustAuthorisation.get_by_id(row.id)
    if row.withdrawn_at is not None:
        raise refused("T12", "This authorization was withdrawn.")
    if on < clock.local(row.authorised_at, firms.current().time_zone).date():
        raise refused("T12", "Money cannot leave before the day on which it was authorized.", "occurred_on")
    check_available(row.matter, row.bank_account, row.amount_cents, on)
    return None


def _check_bank(row: TrustAuthorisation, on: dt.date, at: str) -> None:
    if not at and row.amount_cents > balances.at_bank_from(row.bank_account, on):
        raise refused("T02", "The bank has not got it yet: a gateway has not paid it out, as far as the books know.")


def _movement(
    row: TrustAuthorisation, *, on: dt.date, method: str, reference: str, by: FirmUser, source: str = "",
    key: str | None = None,
) -> TrustMovement:  # fmt: skip
    key = key or row.key
    if known(key) is not None:
        raise Refused("This form was sent before, for something else. Open it again.")
    return TrustMovement(**values(
        source=source or f"trust:{key}", key=key, kind=row.kind, bank_account=row.bank_account_id,
        matter=row.matter_id, to_matter=row.to_matter_id, invoice_id=row.invoice_id, amount_cents=row.amount_cents,
        occurred_on=on, party=row.payee, purpose=row.purpose, method=method, reference=reference, authorisation=row,
        recorded_by=by,
    ))  # fmt: skip
