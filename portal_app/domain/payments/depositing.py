"""How deposits are booked: through ``trust``, on the one ledger of their matter, at their gross amount (T01, T07).

The journal's sources are those of every payment (``payment:<id>:…``). What the payer's bank or the gateway has done is
booked as it is, even when it takes the ledger below zero (T10); what the firm does needs a lawyer's word (T12).
"""

from __future__ import annotations

import datetime as dt

from portal_app import clock
from portal_app.db import db
from portal_app.domain import firms, ledger, trust
from portal_app.domain.banks import BankAccount
from portal_app.domain.deposits import DepositRequest
from portal_app.domain.invoices import Invoice
from portal_app.domain.matters import Matter
from portal_app.domain.payments.models import Allocation, Gateway, GatewayRoute, Payment, Refund
from portal_app.domain.payments.questions import ask
from portal_app.domain.people import FirmUser
from portal_app.domain.trust import RuleRefused, TrustAuthorisation, TrustMovement
from portal_app.plugin_api import Fund, Outcome


def _today() -> dt.date:
    return clock.today(firms.current().time_zone)


def deposit_of(payment: Payment) -> DepositRequest:
    """The request that a deposit is for, with its matter."""
    query = Allocation.select(Allocation, DepositRequest, Matter).join(DepositRequest).join(Matter)
    return query.where(Allocation.payment == payment.id).get().deposit


def ledger_of(payment: Payment) -> tuple[Matter, BankAccount]:
    """Whose ledger a deposit is on: its matter's, in the trust account that it was asked for."""
    request = deposit_of(payment)
    return request.matter, BankAccount.get_by_id(request.bank_account_id)


def clearing_at(gateway_id: int, account: BankAccount) -> str:
    """The account of what a gateway has taken for a trust account, and not yet paid out."""
    code = str(Gateway.get_by_id(gateway_id).code)
    return trust.open_clearing(code, account, f"{account.name}: deposits at {code}")


# Where money is


def place_of(payment: Payment, merchant_account: str) -> GatewayRoute | None:
    """Where money came to: the road of the merchant account that the gateway named. One that nobody mapped is taken for
    the payment's own."""
    routes = {row.fund: row for row in GatewayRoute.select().where(GatewayRoute.gateway == payment.gateway_id)}
    named = [row for row in routes.values() if row.merchant_account == merchant_account]
    return named[0] if named else routes.get(payment.fund)


def is_in_place(payment: Payment, merchant_account: str) -> bool:
    """Whether money at ``merchant_account`` is where this payment's belongs: in its fund (T06), and on its way to the
    trust account that a deposit was asked for."""
    row = place_of(payment, merchant_account)
    if row is None or row.fund != payment.fund:
        return row is None
    return not payment.is_deposit or row.bank_account_id == deposit_of(payment).bank_account_id


# Money comes


def post_paid(payment: Payment) -> None:
    matter, account = ledger_of(payment)
    purpose = f"{deposit_of(payment).purpose}"
    _receive(payment, matter, account, payment.paid_cents, "paid", "Deposit from portal", purpose)


def _receive(
    payment: Payment, matter: Matter, account: BankAccount, cents: int, step: str, title: str, purpose: str
) -> TrustMovement:
    source = f"payment:{payment.id}:{step}"
    return trust.receive(
        matter, account, amount_cents=cents, received_on=_today(), payer=payment.portal_user.name, purpose=purpose,
        method=payment.method, by=payment.portal_user, key=source, source=source, description=title,
        at=clearing_at(payment.gateway_id, account),
    )  # fmt: skip


def post_mismatch(payment: Payment, outcome: Outcome, row: GatewayRoute) -> None:
    """Money that was not asked for like this came into a trust account: it is the client's all the same, on the
    matter's ledger, until a person decides. Money in another currency is not booked, a person is asked."""
    cents, currency = outcome.amount_minor or 0, outcome.currency.upper()
    if currency and currency != payment.currency:
        detail = f"{firms.amount(cents, currency)} came into trust, not {payment.currency}."
        ask("other_currency", f"payment:{payment.id}:mismatch", detail, gateway=payment.gateway, payment=payment)
        return
    title = "Payment that differs from what was asked"
    _receive(payment, _matter_of(payment), row.bank_account, cents, "mismatch", title, title)


def _matter_of(payment: Payment) -> Matter:
    """The matter of the first thing that a payment is for."""
    if payment.is_deposit:
        return deposit_of(payment).matter
    query = Allocation.select(Allocation, Invoice, Matter).join(Invoice).join(Matter)
    return query.where(Allocation.payment == payment.id).order_by(Allocation.invoice).first().invoice.matter


def reverse(source: str, *, reason: str, by: FirmUser | None = None) -> None:
    """The linked opposite of what was booked for ``source``.

    Raises:
        RuleRefused: what it brought is not there any more (T02).
    """
    trust.undo(TrustMovement.get(TrustMovement.source == source), on=_today(), reason=reason, by=by)


# Money goes back


def authorised(payment: Payment, cents: int, *, reason: str, key: str, by: FirmUser) -> TrustAuthorisation:
    """The lawyer's word that a deposit may be given back (T12): that of whoever asks, or one that waits for exactly
    this.

    Raises:
        RuleRefused: there is none, or the ledger does not let it go (T02, T09, T10, T19).
    """
    matter, account = ledger_of(payment)
    if not by.has_role("attorney"):
        waiting = (row for row in trust.to_carry_out(matter) if row.kind == "refund" and row.amount_cents == cents)
        for row in waiting:
            if row.bank_account_id == account.id:
                return row
    purpose = reason or f"Deposit {deposit_of(payment).number} given back"
    return trust.authorise(
        matter, account, kind="refund", amount_cents=cents, payee=payment.portal_user.name, purpose=purpose, by=by,
        key=f"refund:{key}"[:64],
    )  # fmt: skip


def post_refund(refund: Refund, payment: Payment, source: str) -> None:
    """The gateway has given it back. With its authorisation it is a refund; without one (it was made at the gateway, or
    another amount came, or the ledger has not got it any more) it is booked as what the gateway took back."""
    word = refund.authorisation
    is_authorised = word is not None and word.amount_cents == refund.amount_cents
    is_used = is_authorised and TrustMovement.select().where(TrustMovement.authorisation == word.id).exists()
    _, account = ledger_of(payment)
    if is_authorised and not is_used:
        try:
            with db.atomic():
                trust.pay_out(
                    word, on=_today(), method=payment.method, by=refund.made_by, source=source, key=source,
                    at=clearing_at(payment.gateway_id, account),
                )  # fmt: skip
                return
        except RuleRefused:
            pass  # it has happened all the same
    post_returned(payment, refund.amount_cents, source, "Given back at the gateway")


def post_returned(payment: Payment, cents: int, source: str, reason: str, kind: str = "return") -> None:
    """A bank or the gateway has taken a deposit back (T10). More than is left of that deposit is nobody's money here:
    a person is asked about it."""
    receipt = trust.receipt_of(f"payment:{payment.id}:paid")
    left = int(receipt.amount_cents) - trust.taken_back(receipt) if receipt is not None else 0
    if receipt is not None and min(cents, left) > 0:
        trust.post_returned(
            receipt, cents=min(cents, left), on=_today(), reason=reason, source=source, kind=kind,
            by=payment.portal_user,
        )  # fmt: skip
    if cents > left:
        was = firms.amount(cents, payment.currency)
        detail = f"{was} was taken back; only {firms.amount(left, payment.currency)} is left of it."
        ask("trust", source, detail, gateway=payment.gateway, payment=payment)


def post_dispute_won(source: str) -> None:
    trust.post_dispute_won(TrustMovement.get(TrustMovement.source == source), on=_today())


# Money reaches the bank


def note_settled(gateway: Gateway, on: dt.date) -> int:
    """A payout was seen: deposits that the gateway does not hold any more, the oldest first, are collected, and may be
    spent (T09). Returns how many."""
    held = ledger.account_balance(ledger.clearing(gateway.code, Fund.TRUST.value))
    query = TrustMovement.select(TrustMovement, BankAccount).join(BankAccount)
    about = [
        f"payment:{row.id}:paid"
        for row in Payment.select(Payment.id)
        .where((Payment.gateway == gateway.id) & (Payment.fund == Fund.TRUST.value) & (Payment.state == "succeeded"))
        .order_by(Payment.id.desc())
        .limit(1000)
    ]
    settled = 0
    for row in query.where(TrustMovement.source.in_(about)).order_by(TrustMovement.id.desc()):
        if held > 0:  # the newest are what it still holds
            held -= int(row.amount_cents)
            continue
        if row.clears_on > _today():
            trust.clear(row, on=min(max(on, row.occurred_on), _today()), note="Paid out by the gateway")
            settled += 1
    return settled
