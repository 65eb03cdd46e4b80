"""The books of a trust bank account, and how each kind of movement is booked in them: the recipes.

``bank:<id>`` what is at the bank, ``clearing:<gateway>:trust`` what a gateway still has, ``trust:<id>`` what belongs to
the clients, by matter, ``float:<id>`` what is the firm's own. After every entry the first two are the last two.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Sequence
from typing import Any

from peewee import IntegrityError, ModelSelect

from portal_app import clock
from portal_app.db import db, is_sqlite, transaction
from portal_app.domain import firms, ledger
from portal_app.domain.banks import BankAccount
from portal_app.domain.ledger import (
    BANK_CHARGES,
    OWN_IN_TRUST,
    RECEIVABLE,
    TRUST_LOSSES,
    JournalEntry,
    Leg,
)
from portal_app.domain.people import FirmUser, PortalUser, new_public_id
from portal_app.domain.trust.models import CODES, TrustBook, TrustMovement
from portal_app.domain.trust.policy import refused
from portal_app.prepared import prepared

# Accounts


def open_books(account: BankAccount) -> None:
    """Make sure that a trust bank account has its accounts in the chart.

    Raises:
        RuleRefused: it is no trust account (T04).
    """
    if account.fund != "trust":
        raise refused("T04", f"{account.name} is not a trust account.", "bank_account")
    if has_books(account):
        return
    ledger.open_bank(account.id, name=account.name, fund="trust")
    for code, part in ((ledger.bank, "bank"), (ledger.client_money, "ledger"), (ledger.firm_float, "float")):
        _belongs(code(account.id), account, part)


def open_clearing(gateway_code: str, account: BankAccount, name: str) -> str:
    """The clearing account of a gateway that pays into this trust account, for good; its code.

    Raises:
        RuleRefused: the gateway's trust money already belongs to another trust account (T01).
    """
    open_books(account)
    code = ledger.clearing(gateway_code, "trust")
    if TrustBook.get_or_none(TrustBook.account == code) is None:
        ledger.open_account(code, name=name, kind="asset", fund="trust")
        _belongs(code, account, "clearing")
    if TrustBook.get_by_id(code).bank_account_id != account.id:
        raise refused("T01", "What this gateway has taken belongs to another trust account.", "bank_trust")
    return code


def _belongs(code: str, account: BankAccount, part: str) -> None:
    TrustBook.insert(account=code, bank_account=account, part=part).on_conflict_ignore().execute()


def has_books(account: BankAccount) -> bool:
    """Whether a trust bank account is, or was, in use."""
    return bool(_books_of(account.id))


@prepared
def _books_of(account_id: Any) -> ModelSelect:
    return TrustBook.select().where(TrustBook.bank_account == account_id)


def turn(account: BankAccount) -> None:
    """Wait until nobody else is booking on this trust account; inside a transaction, before anything is read."""
    if not is_sqlite():
        query = BankAccount.select(BankAccount.id).where(BankAccount.id == account.id)
        query.for_update("FOR NO KEY UPDATE").get()


# Recipes


def legs_of(row: TrustMovement, *, bank: str = "", operating: str = "") -> list[Leg]:
    """The legs of a movement. ``bank``: the account where the money is, if not at the bank; ``operating``: the firm's
    own bank account, where the firm's money goes or comes from."""
    bank = bank or ledger.bank(row.bank_account_id)
    cents, client = row.amount_cents, ledger.client_money(row.bank_account_id)
    if row.kind == "transfer":
        return [Leg(client, cents, row.matter_id), Leg(client, -cents, row.to_matter_id)]
    if row.kind in {"receipt", "replenishment"}:
        legs = [Leg(bank, cents), Leg(client, -cents, row.matter_id)]
    elif row.kind == "float_in":
        legs = [Leg(bank, cents), Leg(ledger.firm_float(row.bank_account_id), -cents)]
    elif row.kind in {"float_out", "charge"}:
        legs = [Leg(ledger.firm_float(row.bank_account_id), cents), Leg(bank, -cents)]
    else:
        legs = [Leg(client, cents, row.matter_id), Leg(bank, -cents)]
    return [*legs, *_own_side(row, operating)]


def _own_side(row: TrustMovement, operating: str) -> list[Leg]:
    """The same movement in the firm's own books."""
    cents = row.amount_cents
    if row.kind == "application":
        return [Leg(operating, cents), Leg(RECEIVABLE, -cents, row.matter_id, row.invoice_id)]
    pairs = {
        "replenishment": (TRUST_LOSSES, operating),
        "float_in": (OWN_IN_TRUST, operating),
        "float_out": (operating, OWN_IN_TRUST),
        "charge": (BANK_CHARGES, OWN_IN_TRUST),
    }
    if row.kind not in pairs:
        return []
    debit, credit = pairs[row.kind]
    return [Leg(debit, cents), Leg(credit, -cents)]


def open_operating(account: BankAccount) -> str:
    """The code of the account of one of the firm's own bank accounts."""
    ledger.open_bank(account.id, name=account.name, fund="operating")
    return ledger.bank(account.id)


# Writing


def book(
    row: TrustMovement, legs: Sequence[Leg], description: str, *, by: FirmUser | PortalUser | None = None,
    reverses: JournalEntry | None = None,
) -> TrustMovement:  # fmt: skip
    """Write a movement and its journal entry, as one. Joins the caller's transaction.

    Raises:
        RuleRefused: the database's own guards found a rule broken.
    """
    row.created_at = clock.now()
    with transaction():
        try:
            with db.atomic():
                row.save(force_insert=True)
                ledger.post(
                    CODES[row.kind], legs, occurred_on=row.occurred_on, description=description, source=row.source,
                    currency=firms.current().currency, by=by, reverses=reverses,
                )  # fmt: skip
        except IntegrityError as problem:
            raise said(problem) from None
    return row


def said(problem: IntegrityError) -> Exception:
    """What a guard of the database said, as a refusal in the words of the firm's rules; any other problem as it is."""
    found = re.match(r"(T[0-9]{2}): ([^\n]+)", str(problem))
    return refused(found[1], f"{found[2][:1].upper()}{found[2][1:]}.") if found else problem


def new_key(key: str | None) -> str:
    return key or new_public_id()


def known(key: str | None) -> TrustMovement | None:
    """The movement that a form with this key made before."""
    return _by_key.first(key) if key else None


@prepared
def _by_key(key: Any) -> ModelSelect:
    return TrustMovement.select().where(TrustMovement.key == key)


def by_source(source: str) -> TrustMovement | None:
    """The movement that was booked for this source fact."""
    found: TrustMovement | None = _by_source.first(source)
    return found


@prepared
def _by_source(source: Any) -> ModelSelect:
    return TrustMovement.select().where(TrustMovement.source == source)


def entry_of(row: TrustMovement) -> JournalEntry:
    return ledger.entry_of(row.source)


def opposite_of(entry: JournalEntry) -> list[Leg]:
    return [
        Leg(leg.account_code, -leg.amount_cents, leg.matter_id, leg.invoice_id) for leg in ledger.postings_of(entry)
    ]


def at_bank(row: TrustMovement) -> str:
    """Where the money of a movement came to, or left: the account of its bank, or of the gateway that has it."""
    parts = {book.account_code: book.part for book in _books_of(row.bank_account_id)}
    return next(
        str(leg.account_code)
        for leg in ledger.postings_of(entry_of(row))
        if parts.get(leg.account_code) in {"bank", "clearing"}
    )


def check_day(day: dt.date) -> None:
    """No movement is booked before it has happened."""
    if day > clock.today(firms.current().time_zone):
        raise refused("T11", "This day has not come yet.", "occurred_on")


def values(**given: Any) -> dict[str, Any]:
    """A movement's fields, with texts cut to what their columns hold."""
    most = {"party": 120, "purpose": 200, "reference": 80}
    return {name: str(value)[: most[name]] if name in most else value for name, value in given.items()}
