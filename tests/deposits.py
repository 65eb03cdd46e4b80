"""Deposits in tests: a gateway that takes them, a request on Alice's matter, paying it, spending it."""

from __future__ import annotations

import datetime as dt
from typing import Any

from portal_app import clock, gateway_setup, gateways
from portal_app.domain import deposits, ledger, payments, trust
from portal_app.domain.deposits import DepositRequest
from portal_app.domain.payments import BankAccount, Payment
from portal_app.plugin_api import Fund, Method
from tests.domain.test_payments import order
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


def pay(world: World, cents: int, token: str = "ok", key: str = "deposit-1", **changes: object) -> Payment:
    started = payments.start(world.alice, world.gateway, order(cents, key, fund=Fund.TRUST, **changes))
    return gateways.charge(started, token)


def held(world: World, bank: BankAccount) -> int:
    return trust.balance(world.matter, bank)


def entry(source: str) -> list[tuple[str, int, int | None]]:
    return [(leg.account_code, leg.amount_cents, leg.matter_id) for leg in ledger.postings_of(ledger.entry_of(source))]


def collect(payment: Payment) -> None:
    """The bank has settled it."""
    receipt = trust.receipt_of(f"payment:{payment.id}:paid")
    assert receipt is not None
    trust.clear(receipt, on=today(), note="Settled")


def spend(world: World, bank: BankAccount, cents: int) -> None:
    """The gateway pays out, and a lawyer has something paid from it."""
    held = ledger.account_balance("clearing:fake:trust")
    ledger.post(
        "trust_payout", [ledger.Leg(f"bank:{bank.id}", held), ledger.Leg("clearing:fake:trust", -held)],
        source=f"gateway:{world.gateway.id}:payout:{clock.now()}", occurred_on=today(), description="Out",
        currency="USD",
    )  # fmt: skip
    word = trust.authorise(
        world.matter, bank, kind="disbursement", amount_cents=cents, payee="Court", purpose="Filing fee", by=world.dan
    )
    trust.pay_out(word, on=today(), method="check", by=world.erin, reference="1")
