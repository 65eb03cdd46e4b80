"""The books of a trust bank account, and how each kind of movement is booked in them: the recipes.

``bank:<id>`` what is at the bank, ``clearing:<gateway>:trust`` what a gateway still has, ``trust:<id>`` what belongs to
the clients, by matter, ``float:<id>`` what is the firm's own. After every entry the first two are the last two.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Sequence
from typing import Any

from peewee import IntegrityError

from portal_app import clock
from portal_app.db import db, is_sqlite, transaction
from portal_app.domain import firms, ledger
from portal_app.domain.banks import BankAccount
from portal_app.domain.ledger import RECEIVABLE, JournalEntry, Leg
from portal_app.domain.people import FirmUser, PortalUser, new_public_id
from portal_app.domain.trust.models import CODES, TrustBook, TrustMovement
from portal_app.domain.trust.policy import refused

FIRM_IN_TRUST, BANK_CHARGES, TRUST_LOSSES = "firm_in_trust", "bank_charges", "trust_losses"
_OF_THE_FIRM = {
    FIRM_IN_TRUST: ("The firm's money in trust accounts", "asset"),
    BANK_CHARGES: ("Bank charges", "expense"),
    TRUST_LOSSES: ("Client money made good by the firm", "expense"),
}


# Accounts


def ledger_of(bank_account_id: int) -> str:
    """The code of the account of what belongs to the clients; every posting on it names a matter."""
    return f"trust:{bank_account_id}"


def float_of(bank_account_id: int) -> str:
    """The code of the account of the firm's own money in a trust account."""
    return f"float:{bank_account_id}"


def clearing_of(gateway_code: str) -> str:
    """The code of the account of trust money that a gateway has taken and not yet paid out."""
    return f"clearing:{gateway_code}:trust"


def open_books(account: BankAccount) -> None:
    """Make sure that a trust bank account has its accounts in the chart.

    Raises:
        RuleRefused: it is no trust account (T04).
    """
    if account.fund != "trust":
        raise refused("T04", f"{account.name} is not a trust account.", "bank_account")
    _open(ledger.bank(account.id), account, "bank", account.name, "asset")
    _open(ledger_of(account.id), account, "ledger", f"{account.name}, clients", "liability")
    _open(float_of(account.id), account, "float", f"{account.name}, the firm's float", "equity")


def open_clearing(gateway_code: str, account: BankAccount, name: str) -> str:
    """The clearing account of a gateway that pays into this trust account, for good; its code.

    Raises:
        RuleRefused: the gateway's trust money already belongs to another trust account (T01).
    """
    open_books(account)
    code = clearing_of(gateway_code)
    _open(code, account, "clearing", name, "asset")
    if TrustBook.get_by_id(code).bank_account_id != account.id:
        raise refused("T01", "What this gateway has taken belongs to another trust account.", "bank_trust")
    return code


def _open(code: str, account: BankAccount, part: str, name: str, kind: str) -> None:
    if TrustBook.get_or_none(TrustBook.account == code) is None:
        ledger.open_account(code, name=name[:120], kind=kind, fund="trust")
        TrustBook.insert(account=code, bank_account=account, part=part).on_conflict_ignore().execute()


def has_books(account: BankAccount) -> bool:
    """Whether a trust bank account is, or was, in use."""
    return bool(TrustBook.select().where(TrustBook.bank_account == account.id).exists())


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
    cents, client = row.amount_cents, ledger_of(row.bank_account_id)
    if row.kind == "transfer":
        return [Leg(client, cents, row.matter_id), Leg(client, -cents, row.to_matter_id)]
    if row.kind in {"receipt", "dispute_won", "replenishment"}:
        legs = [Leg(bank, cents), Leg(client, -cents, row.matter_id)]
    elif row.kind == "float_in":
        legs = [Leg(bank, cents), Leg(float_of(row.bank_account_id), -cents)]
    elif row.kind in {"float_out", "charge"}:
        legs = [Leg(float_of(row.bank_account_id), cents), Leg(bank, -cents)]
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
        "float_in": (FIRM_IN_TRUST, operating),
        "float_out": (operating, FIRM_IN_TRUST),
        "charge": (BANK_CHARGES, FIRM_IN_TRUST),
    }
    if row.kind not in pairs:
        return []
    debit, credit = pairs[row.kind]
    return [Leg(debit, cents), Leg(credit, -cents)]


def open_own() -> None:
    """Make sure of the firm's own accounts for its dealings with trust accounts."""
    for code, (name, kind) in _OF_THE_FIRM.items():
        ledger.open_account(code, name=name, kind=kind, fund="operating")


def open_operating(account: BankAccount) -> str:
    """The code of the account of one of the firm's own bank accounts."""
    open_own()
    code = ledger.bank(account.id)
    ledger.open_account(code, name=account.name, kind="asset", fund="operating")
    return code


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
    return TrustMovement.get_or_none(TrustMovement.key == key) if key else None


def entry_of(row: TrustMovement) -> JournalEntry:
    return ledger.entry_of(row.source)


def at_bank(row: TrustMovement) -> str:
    """Where the money of a movement came to, or left: the account of its bank, or of the gateway that has it."""
    parts = {
        book.account_code: book.part for book in TrustBook.select().where(TrustBook.bank_account == row.bank_account_id)
    }
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
