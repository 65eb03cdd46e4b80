"""What is wrong after a simulated month, a sentence each: the gateway's own books against ours, and ours by
themselves."""

from __future__ import annotations

import datetime as dt
from collections.abc import Container, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from portal_app import gateways, verify
from portal_app.domain import ledger, payments
from portal_app.domain.outbox import Outbox
from portal_app.domain.payments import Dispute, Payment, Refund
from portal_app.testing.proof.matrix import WRONGS
from portal_app.testing.proof.rig import Payer, Rig, is_held
from portal_app.testing.wire import Taken

if TYPE_CHECKING:
    from portal_app.testing.proof.months import Run

DOUBLE, LOST, STUCK, BALANCES = WRONGS
PATIENCE = dt.timedelta(days=10)  # after it a person looks at the gateway's own pages


def taken(rig: Rig) -> dict[str, Taken]:
    """What the gateway took, by our reference."""
    return {row.reference: row for row in rig.wire.charges()}


def by_reference(rig: Rig) -> dict[str, str]:
    """What the gateway calls what it took."""
    return {reference: row.gateway_reference for reference, row in taken(rig).items()}


def count(rig: Rig, run: Run, payers: Sequence[Payer], taken_back: Container[str]) -> list[str]:
    """All that is wrong; the run is told how much there was."""
    rows = {gateways.attempt_of(payment).reference: payment for payment in Payment.select()}
    came = [row for row in rig.wire.charges() if row.reference in rows]
    run.charges, run.refunds, run.disputes = len(came), Refund.select().count(), Dispute.select().count()
    return [
        *_charges(rows, came, taken_back),
        *_refunds(rig),
        *_promises(),
        *_invoices(payers),
        *verify.verify().faults,
    ]


def _charges(rows: Mapping[str, Payment], came: Sequence[Taken], taken_back: Container[str]) -> Iterator[str]:
    """Our payments by reference, against what the gateway took. What a bank took back before the portal had heard that
    it came is declined."""
    amounts = {row.reference: row.amount_minor for row in came}
    if len(amounts) < len(came):
        yield DOUBLE
    for reference, payment in rows.items():
        is_paid = payment.state in payments.PAID
        if reference in amounts and not is_paid and not (payment.state == "declined" and reference in taken_back):
            yield f"{LOST}: {reference} is {payment.state}"
        if is_paid and payment.paid_cents != amounts.get(reference, 0):
            yield f"{BALANCES}: payment {payment.id} of {payment.paid_cents}, and {amounts.get(reference, 0)} was taken"
        if is_held(payment):
            yield f"{STUCK}: payment {payment.id} is {payment.state}"


def _refunds(rig: Rig) -> Iterator[str]:
    if Refund.select().where(Refund.state.in_(payments.REFUND_OPEN)).exists():
        yield f"{STUCK}: a refund"
    given = sum(row.amount_minor for row in rig.wire.refunds())
    booked = sum(row.amount_cents for row in Refund.select().where(Refund.state == "succeeded"))
    if given != booked:
        yield f"{BALANCES}: the gateway gave back {given}, {booked} is booked"


def _promises() -> Iterator[str]:
    """Every letter, receipt and word to a plugin that was promised has been given."""
    for row in Outbox.select().where(Outbox.done_at.is_null()):
        yield f"{STUCK}: {row.topic} {row.subject_id}: {row.last_error}"


def _invoices(payers: Sequence[Payer]) -> Iterator[str]:
    for payer in payers:
        if ledger.invoice_balance(payer.invoice.id) < 0:
            yield f"{BALANCES}: invoice {payer.invoice.number} owes less than nothing"
