"""Changing the firm's own bank accounts, into which gateways pay."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from peewee import IntegrityError

from portal_app.db import transaction
from portal_app.domain.banks import BankAccount, check
from portal_app.domain.errors import Refused
from portal_app.domain.payments.models import GatewayRoute
from portal_app.domain.trust import has_books

TAKEN = "There is a bank account of this name already."


def add_bank_account(*, name: str, fund: str, last4: str) -> BankAccount:
    """One more.

    Raises:
        Refused: with the field's name.
    """
    with _saving():
        check(name, fund, last4)
        return BankAccount.create(name=name, fund=fund, last4=last4)


def change_bank_account(account: BankAccount, *, name: str, fund: str, last4: str) -> None:
    """New details. Money of a gateway that pays into it, and a client's money in it, cannot change its fund.

    Raises:
        Refused: with the field's name.
    """
    with _saving():
        check(name, fund, last4, but=account.id)
        if fund != account.fund and GatewayRoute.select().where(GatewayRoute.bank_account == account.id).exists():
            raise Refused("A gateway pays into this account. Choose another one there first.", "fund")
        if fund != account.fund and has_books(account):
            raise Refused("Clients' money is in the books of this account. It stays a trust account.", "fund")
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
