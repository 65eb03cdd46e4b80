"""The firm's own bank accounts: operating ones for its own money, trust ones for its clients'."""

from __future__ import annotations

from peewee import CharField

from portal_app.db import BaseModel
from portal_app.domain.errors import Refused

FUNDS = {"operating": "Operating", "trust": "Trust"}


class BankAccount(BaseModel):
    """One of the firm's own bank accounts: operating, or trust."""

    name = CharField(max_length=80)
    fund = CharField(max_length=10)
    last4 = CharField(max_length=4, default="")


def bank_accounts(fund: str = "") -> list[BankAccount]:
    """All of them, or those of one fund, by name."""
    query = BankAccount.select().order_by(BankAccount.fund, BankAccount.name)
    return list(query.where(BankAccount.fund == fund) if fund else query)


def check(name: str, fund: str, last4: str, but: int = 0) -> None:
    """Refuse details that cannot be a bank account's; ``but`` is the account that they are for."""
    if fund not in FUNDS:
        raise Refused("Choose operating or trust.", "fund")
    if last4 and not (last4.isascii() and last4.isdigit() and len(last4) == 4):
        raise Refused("Enter the last four digits alone, or nothing.", "last4")
    if BankAccount.select().where((BankAccount.name == name) & (BankAccount.id != but)).exists():
        raise Refused("There is a bank account of this name already.", "name")
