"""Money given back, returned and disputed, for tests: refunds, what a gateway tells later, voids."""

from __future__ import annotations

from typing import Any

from portal_app import clock, gateways
from portal_app.domain import ledger, payments
from portal_app.domain.payments import Payment, Refund
from portal_app.plugin_api import DisputeFact, DisputeState, Outcome, OutcomeKind
from tests.world import World

GONE = OutcomeKind.RETURNED


def owed(world: World) -> int:
    return ledger.matter_balances([world.matter]).get(world.matter.id, 0)


def give(
    world: World, payment: Payment, cents: int, *, key: str = "r1", left: int = -1, is_owed_again: bool = True
) -> Refund:
    expected = payments.refundable_cents(payment) if left < 0 else left
    row = payments.start_refund(
        payment, amount_cents=cents, expected_left_cents=expected, is_owed_again=is_owed_again, reason="Asked for it",
        key=key, by=world.erin,
    )  # fmt: skip
    return gateways.refund(row)


def look(payment: Payment, **changes: Any) -> Payment:
    """The gateway says something about the charge."""
    attempt = gateways.attempt_of(payment)
    values = {
        "kind": OutcomeKind.SUCCEEDED, "gateway_reference": attempt.gateway_reference, "currency": "USD",
        "amount_minor": payment.amount_cents, "merchant_account": attempt.merchant_account,
    }  # fmt: skip
    return payments.settle(attempt.id, Outcome(**(values | changes)), absence_horizon_seconds=60)


def dispute(state: DisputeState, cents: int = 150_000) -> tuple[DisputeFact, ...]:
    return (DisputeFact(gateway_reference="dp_1", state=state, amount_minor=cents, currency="USD", reason="fraud"),)


# Voiding what was paid and went back


def void(world: World) -> None:
    payments.void_invoice(world.invoice, reason="Wrong client", on=clock.today("UTC"), by=world.carol)
