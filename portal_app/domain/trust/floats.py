"""The firm's own money in a trust account: a float for the bank's charges, and no more (T08)."""

from __future__ import annotations

import datetime as dt

from portal_app import money
from portal_app.db import transaction
from portal_app.domain import firms, ledger
from portal_app.domain.banks import BankAccount
from portal_app.domain.people import FirmUser
from portal_app.domain.trust import balances
from portal_app.domain.trust.books import (
    book,
    check_day,
    known,
    legs_of,
    new_key,
    open_books,
    open_operating,
    turn,
    values,
)
from portal_app.domain.trust.incidents import open_for
from portal_app.domain.trust.models import TrustMovement
from portal_app.domain.trust.policy import in_force, refused

TITLES = {
    "float_in": "Firm's float put in",
    "float_out": "Firm's float taken out",
    "charge": "Bank charge",
}


def move_float(
    account: BankAccount, operating: BankAccount, *, kind: str, amount_cents: int, on: dt.date, reference: str,
    by: FirmUser, key: str | None = None,
) -> TrustMovement:  # fmt: skip
    """Put the firm's money in (``kind="float_in"``) or take it out (``"float_out"``). The same ``key`` is once.

    Raises:
        RuleRefused: more than the cap (T08), more than is there (T02), or not the firm's own bank account (T03).
    """
    if operating.fund != "operating":
        raise refused("T03", "The float comes from an operating account, and goes back there.", "operating")
    check_day(on)
    with transaction():
        open_books(account)
        turn(account)
        row = known(key)
        if row is not None:
            return row
        there, cap = balances.firm_float(account), int(in_force().float_cap_cents)
        if kind == "float_in" and there + amount_cents > cap:
            most = money.show(cap, firms.current().money)
            raise refused("T08", f"The firm keeps at most {most} in a trust account.", "amount")
        if kind == "float_out" and amount_cents > balances.lowest_from(ledger.firm_float(account.id), 0, on):
            raise refused("T02", "There is not as much of the firm's own money in this account.", "amount")
        row = _row(account, kind, amount_cents, on, "The firm", TITLES[kind], reference, by, new_key(key))
        return book(row, legs_of(row, operating=open_operating(operating)), TITLES[kind], by=by)


def charge(
    account: BankAccount, *, amount_cents: int, on: dt.date, what: str, by: FirmUser, key: str | None = None
) -> TrustMovement:
    """The bank has taken a charge. It comes out of the float; what the float does not cover the bank took from the
    clients, and a shortfall incident says so (T08, T10). The same ``key`` is once."""
    check_day(on)
    with transaction():
        open_books(account)
        turn(account)
        row = known(key)
        if row is not None:
            return row
        row = _row(account, "charge", amount_cents, on, account.name, what, "", by, new_key(key))
        short = amount_cents - balances.lowest_from(ledger.firm_float(account.id), 0, on)
        if short > 0:
            open_for(row, short)
        return book(row, legs_of(row), f"Bank charge: {what}", by=by)


def _row(
    account: BankAccount, kind: str, cents: int, on: dt.date, party: str, purpose: str, reference: str, by: FirmUser,
    key: str,
) -> TrustMovement:  # fmt: skip
    return TrustMovement(**values(
        source=f"trust:{key}", key=key, kind=kind, bank_account=account, amount_cents=cents, occurred_on=on,
        party=party, purpose=purpose, method="transfer" if kind != "charge" else "book", reference=reference,
        recorded_by=by,
    ))  # fmt: skip
