"""The firm's own bank accounts, into which gateways pay."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from peewee import IntegrityError

from portal_app.db import transaction
from portal_app.domain.errors import Refused
from portal_app.domain.payments.models import BankAccount, GatewayRoute

FUNDS = {"operating": "Operating", "trust": "Trust"}
TAKEN = "There is a bank account of this name already."


def bank_accounts(fund: str = "") -> list[BankAccount]:
    """All of them, or those of one fund, by name."""
    query = BankAccount.select().order_by(BankAccount.fund, BankAccount.name)
    return list(query.where(BankAccount.fund == fund) if fund else query)


def add_bank_account(*, name: str, fund: str, last4: str) -> BankAccount:
    """One more.

    Raises:
        Refused: with the field's name.
    """
    with _saving():
        _check(name, fund, last4)
        return BankAccount.create(name=name, fund=fund, last4=last4)


def change_bank_account(account: BankAccount, *, name: str, fund: str, last4: str) -> None:
    """New details. Money of a gateway that pays into it cannot change its fund.

    Raises:
        Refused: with the field's name.
    """
    with _saving():
        _check(name, fund, last4, but=account.id)
        if fund != account.fund and GatewayRoute.select().where(GatewayRoute.bank_account == account.id).exists():
            raise Refused("A gateway pays into this account. Choose another one there first.", "fund")
        account.name, account.fund, account.last4 = name, fund, last4
        account.save()


@contextmanager
def _saving() -> Iterator[None]:
    """A transaction in which somebody else may take the same name at the same moment."""
    try:
        with transaction():
            yield
    except IntegrityError:
        raise Refused(TAKEN, "name") from None


def _check(name: str, fund: str, last4: str, but: int = 0) -> None:
    if fund not in FUNDS:
        raise Refused("Choose operating or trust.", "fund")
    if last4 and not (last4.isascii() and last4.isdigit() and len(last4) == 4):
        raise Refused("Enter the last four digits alone, or nothing.", "last4")
    if BankAccount.select().where((BankAccount.name == name) & (BankAccount.id != but)).exists():
        raise Refused(TAKEN, "name")
