"""Disputes: the payer's bank takes a payment back. They are decided at the gateway; here they are known and booked."""

from __future__ import annotations

from collections.abc import Sequence

from portal_app import clock, money
from portal_app.domain import firms, outbox
from portal_app.domain.payments import booking, recording
from portal_app.domain.payments.models import DISPUTE_EDGES, Dispute, Payment, PaymentChange
from portal_app.domain.payments.questions import ask
from portal_app.plugin_api import DisputeFact


def disputes_of(payment: Payment) -> list[Dispute]:
    return list(Dispute.select().where(Dispute.payment == payment.id).order_by(Dispute.id))


def dispute_states(payments: Sequence[Payment]) -> dict[int, str]:
    """How the newest dispute of each payment stands, by the payment's id; one query."""
    query = Dispute.select(Dispute.payment, Dispute.state).where(Dispute.payment.in_([row.id for row in payments]))
    return dict(query.order_by(Dispute.id).tuples()) if payments else {}


def open_disputes() -> list[Dispute]:
    """Those that the firm can still answer, with their payments; the most urgent first."""
    query = Dispute.select(Dispute, Payment).join(Payment).where(Dispute.state.in_(["inquiry", "open"]))
    return sorted(query, key=lambda row: row.respond_by or row.opened_at)


def note_disputes(payment: Payment, facts: Sequence[DisputeFact]) -> None:
    """Write down, book and announce what a look-up has named. Call it in a transaction, with the payment locked."""
    for fact in facts:
        if fact.currency.upper() != payment.currency or not 0 < fact.amount_minor <= money.MAX_CENTS:
            over = firms.amount(fact.amount_minor, fact.currency.upper())
            detail = f"A dispute over {over}, not in {payment.currency}."
            source = f"dispute:{payment.id}:{fact.gateway_reference}"
            ask("other_currency", source, detail, gateway=payment.gateway, payment=payment)
            continue
        _note(payment, fact)


def _note(payment: Payment, fact: DisputeFact) -> None:
    now, state = clock.now(), fact.state.value
    known = (Dispute.payment == payment.id) & (Dispute.gateway_reference == fact.gateway_reference)
    dispute: Dispute | None = Dispute.get_or_none(known)
    before = str(dispute.state) if dispute else ""
    if dispute is None:
        dispute = Dispute.create(
            payment=payment, gateway_reference=fact.gateway_reference, amount_cents=fact.amount_minor,
            reason=fact.reason, state=state, respond_by=fact.respond_by, opened_at=now, changed_at=now,
        )  # fmt: skip
    elif state not in DISPUTE_EDGES[before]:
        return
    booking.post_dispute(dispute, payment, before, state)
    Dispute.update(state=state, changed_at=now, respond_by=fact.respond_by).where(Dispute.id == dispute.id).execute()
    PaymentChange.create(payment=payment, state=f"dispute_{state}"[:16], note=fact.reason, changed_at=now)
    outbox.put("dispute_changed", dispute.id)
    recording.tell_dispute(dispute, payment, before, state)
