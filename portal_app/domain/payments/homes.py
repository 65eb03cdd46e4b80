"""Where a payment's money goes in the books, and from where it is taken back: the one place in which invoices and
deposits differ. Money for an invoice is the firm's: receivable, then unapplied. A deposit is the client's: one ledger,
that of its matter in the trust account it was asked for, at its gross amount (T01, T03, T07).
"""

from __future__ import annotations

from dataclasses import dataclass

from peewee import fn

from portal_app.db import locked, sum_of
from portal_app.domain import ledger
from portal_app.domain.deposits import DepositRequest
from portal_app.domain.invoices import Invoice
from portal_app.domain.ledger import RECEIVABLE, REFUNDS, UNAPPLIED, Leg, RunningTotal
from portal_app.domain.payments.models import Allocation, BankAccount, Gateway, GatewayRoute, Payment
from portal_app.plugin_api import Fund

_BACK = frozenset({RECEIVABLE, UNAPPLIED, REFUNDS})  # where money that came from a payer is, or has gone back to


@dataclass(frozen=True, slots=True)
class Codes:
    """What the entries of one fund are called."""

    paid: str
    held: str
    held_back: str
    refund: str
    refund_failed: str
    returned: str
    disputed: str


CODES = {
    Fund.OPERATING: Codes(
        "portal_payment", "payment_mismatch", "payment_returned", "refund", "refund_failed", "payment_bounced",
        "dispute_opened",
    ),
    Fund.TRUST: Codes(
        "trust_deposit", "trust_deposit", "reversal", "trust_refund", "reversal", "trust_returned", "trust_disputed"
    ),
}  # fmt: skip


def codes_of(payment: Payment) -> Codes:
    return CODES[Fund(payment.fund)]


def clearing_of(payment: Payment) -> str:
    """The account of what the gateway holds, of the payment's fund."""
    return clearing_at(payment.gateway_id, Fund(payment.fund))


def clearing_at(gateway_id: int, fund: Fund) -> str:
    code = ledger.clearing(str(Gateway.get_by_id(gateway_id).code), fund.value)
    if fund is Fund.TRUST:
        ledger.open_account(code, name="Deposits, not yet at the trust bank", kind="asset", fund="trust")
    return code


def deposit_of(payment: Payment) -> DepositRequest:
    """The request that a deposit is for."""
    row = Allocation.select(Allocation, DepositRequest).join(DepositRequest).where(Allocation.payment == payment.id)
    return row.get().deposit


def client_ledger(bank_account_id: int) -> str:
    """The account of clients' money in a trust bank account; opened when it is first needed."""
    account = BankAccount.get_by_id(bank_account_id)
    ledger.open_bank(account.id, name=account.name, fund=account.fund)
    return ledger.client_money(bank_account_id)


def held_in_trust(matter_id: int, bank_account_id: int) -> int:
    """What the firm holds for a matter in a trust account, in cents; below zero there is a shortfall."""
    of_matter = (RunningTotal.matter_id == matter_id) & (
        RunningTotal.account_code == ledger.client_money(bank_account_id)
    )
    return -sum_of(RunningTotal.select(fn.SUM(RunningTotal.balance_cents)).where(of_matter).scalar())


# Money comes


def credits_of(payment: Payment) -> list[Leg]:
    """The credits of a payment that succeeded."""
    if payment.is_deposit:
        request = deposit_of(payment)
        return [Leg(client_ledger(request.bank_account_id), -payment.paid_cents, request.matter_id)]
    return _on_invoices(payment)


def _on_invoices(payment: Payment) -> list[Leg]:
    """Each invoice's receivable; what an invoice no longer owes, and what came beyond what was asked for, becomes
    unapplied client money."""
    query = Allocation.select(Allocation, Invoice).join(Invoice).where(Allocation.payment == payment.id)
    rows = list(locked(query.order_by(Allocation.invoice)))
    left, legs = payment.paid_cents, []
    for number, row in enumerate(rows, 1):
        cents = left if number == len(rows) else min(row.amount_cents, left)
        applied = min(cents, max(ledger.invoice_balance(row.invoice_id), 0))
        legs.append(Leg(RECEIVABLE, -applied, row.invoice.matter_id, row.invoice_id))
        legs.append(Leg(UNAPPLIED, applied - cents, row.invoice.matter_id, row.invoice_id))
        left -= cents
    return legs


def place_of(payment: Payment, merchant_account: str) -> tuple[Fund, int]:
    """In whose account money came that was not asked for like this: the fund of the merchant account that the gateway
    named, and the bank account into which that pays. An account that nobody mapped is the payment's own."""
    routes = {row.fund: row for row in GatewayRoute.select().where(GatewayRoute.gateway == payment.gateway_id)}
    named = [row for row in routes.values() if row.merchant_account == merchant_account]
    row = named[0] if named else routes.get(payment.fund)
    return (Fund(row.fund), int(row.bank_account_id)) if row is not None else (Fund(payment.fund), 0)


def is_in_place(payment: Payment, merchant_account: str) -> bool:
    """Whether money at ``merchant_account`` is where this payment's belongs: in its fund (T06), and on its way to the
    trust account that a deposit was asked for."""
    fund, bank_account_id = place_of(payment, merchant_account)
    if fund is not Fund(payment.fund):
        return False
    return fund is Fund.OPERATING or bank_account_id == deposit_of(payment).bank_account_id


def matter_of(payment: Payment) -> int:
    """The matter of the first thing that a payment is for."""
    if payment.is_deposit:
        return int(deposit_of(payment).matter_id)
    row = Allocation.select(Allocation, Invoice).join(Invoice).where(Allocation.payment == payment.id)
    return int(row.order_by(Allocation.invoice).get().invoice.matter_id)


# Money goes back


def taken_back(payment: Payment, cents: int, owed: str) -> tuple[list[Leg], int]:
    """Debits over what is left of a payment, and the cents that go beyond it. Of invoices: unapplied money, then
    ``owed`` by invoice, the last first. A deposit is taken back from its own ledger, all of it: if that goes below
    zero, the truth is posted all the same (T10)."""
    if payment.is_deposit:
        request = deposit_of(payment)
        return [Leg(client_ledger(request.bank_account_id), cents, request.matter_id)], 0
    left, legs = cents, []
    for leg in left_of(payment):
        part = min(left, leg.amount_cents)
        if part:
            legs.append(Leg(UNAPPLIED if leg.account == UNAPPLIED else owed, part, leg.matter_id, leg.invoice_id))
        left -= part
    return legs, left


def left_of(payment: Payment) -> list[Leg]:
    """What of a payment is still where it was paid to, as positive amounts: unapplied money first, then invoices; or
    the deposit."""
    totals = ledger.totals_about(f"payment:{payment.id}")
    if payment.is_deposit:
        home = ledger.client_money(deposit_of(payment).bank_account_id)
        return [Leg(home, -leg.amount_cents, leg.matter_id) for leg in totals if leg.account == home]
    found: dict[tuple[bool, int | None, int | None], int] = {}
    for leg in totals:
        if leg.account in _BACK:
            key = (leg.account == UNAPPLIED, leg.matter_id, leg.invoice_id)
            found[key] = found.get(key, 0) - leg.amount_cents
    rows = [
        Leg(UNAPPLIED if is_unapplied else RECEIVABLE, cents, matter, invoice)
        for (is_unapplied, matter, invoice), cents in found.items()
        if cents > 0
    ]
    rows.reverse()
    return sorted(rows, key=lambda leg: leg.account != UNAPPLIED)
