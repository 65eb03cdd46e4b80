"""Deposits in tests: a gateway that takes them, and a request on Alice's matter."""

from __future__ import annotations

import datetime as dt
from typing import Any

from portal_app import gateway_setup
from portal_app.domain import deposits
from portal_app.domain.deposits import DepositRequest
from portal_app.domain.payments import BankAccount
from portal_app.plugin_api import Fund, Method
from tests.world import World, today


def open_trust(world: World) -> BankAccount:
    """The fake gateway takes deposits, too, into the cast's trust account."""
    bank = BankAccount.get(BankAccount.fund == "trust")
    gateway_setup.set_route(world.gateway, Fund.TRUST, "fake-trust", bank)
    gateway_setup.set_roads({(Fund.TRUST, method): world.gateway for method in Method}, by=world.carol)
    return bank


def ask(world: World, bank: BankAccount, cents: int, **changes: Any) -> DepositRequest:
    """Ask Alice for a deposit."""
    values: dict[str, Any] = {"purpose": "Retainer", "due_on": today() + dt.timedelta(days=14), "by": world.carol}
    return deposits.ask(world.matter, amount_cents=cents, bank_account_id=bank.id, **values | changes)
