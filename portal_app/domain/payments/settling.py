"""The one road to "paid": every answer about an attempt, from whatever side it comes, goes through ``settle``."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterator
from dataclasses import dataclass

from portal_app import clock, money
from portal_app.db import locked, transaction
from portal_app.domain import firms, ledger, outbox
from portal_app.domain.errors import Refused
from portal_app.domain.invoices import Invoice
from portal_app.domain.ledger import RECEIVABLE, SUSPENSE, UNAPPLIED, JournalEntry, Leg
from portal_app.domain.payments.models import DEFINITE, EDGES, Allocation, Attempt, Gateway, Payment, PaymentChange
from portal_app.domain.people import FirmUser
from portal_app.plugin_api import Outcome, OutcomeKind

LOOKUP_SECONDS = (30, 120, 600, 3600)
LOOKUP_LATER_SECONDS = 6 * 3600
LEASE_SECONDS = 60
GIVEN_BACK = "The firm gave this payment back."


@dataclass(frozen=True, slots=True)
class Due:
    """An unresolved attempt that this process has leased, to be asked about now."""

    attempt: Attempt
    payment: Payment


def mark_submitting(payment: Payment) -> Attempt | None:
    """Commit that the attempt is being sent, before anything is sent. ``None``: somebody else has it."""
    now = clock.now()
    with transaction():
        won = (
            Payment.update(state="submitting", changed_at=now)
            .where((Payment.id == payment.id) & (Payment.state == "ready"))
            .execute()
        )
        if not won:
            return None
        attempt: Attempt = Attempt.get(Attempt.payment == payment.id)
        attempt.state, attempt.submitted_at = "submitting", now
        attempt.next_lookup_at = now + dt.timedelta(seconds=LOOKUP_SECONDS[0])
        attempt.save(only=["state", "submitted_at", "next_lookup_at"])
        PaymentChange.create(payment=payment, state="submitting", changed_at=now)
    payment.state = "submitting"
    return attempt


def settle(attempt_id: int, outcome: Outcome, *, absence_horizon_seconds: int = 0) -> Payment:
    """Write down what is now known of an attempt: state, journal entry and outbox in one transaction.

    What the state table does not allow (an old answer that comes late) changes nothing. Returns the payment as it is.
    """
    with transaction():
        attempt: Attempt = locked(Attempt.select().where(Attempt.id == attempt_id)).get()
        payment: Payment = locked(Payment.select().where(Payment.id == attempt.payment_id)).get()
        _note_reference(attempt, outcome)
        state = _state_for(payment, attempt, outcome, absence_horizon_seconds)
        if state == payment.state or state not in EDGES[payment.state]:
            _plan_lookup(attempt, payment)
            return payment
        if state == "succeeded":
            _post_paid(payment)
        elif state == "review":
            _post_suspense(payment, outcome)
        _write(payment, attempt, state, outcome)
    return payment


def _note_reference(attempt: Attempt, outcome: Outcome) -> None:
    if outcome.gateway_reference:
        attempt.gateway_reference = outcome.gateway_reference[:120]
    if outcome.redirect_url:
        attempt.redirect_url = outcome.redirect_url
    if outcome.code:
        attempt.code = outcome.code[:60]
    if outcome.payload:
        attempt.evidence = json.dumps(outcome.payload, sort_keys=True, default=str)
    attempt.save(only=["gateway_reference", "redirect_url", "code", "evidence"])


def _state_for(payment: Payment, attempt: Attempt, outcome: Outcome, horizon: int) -> str:
    if outcome.kind is OutcomeKind.ABSENT:
        return "not_submitted" if _proves_absence(attempt, horizon) else str(payment.state)
    if outcome.kind is OutcomeKind.UNKNOWN and payment.state != "submitting":
        return str(payment.state)
    if outcome.kind is OutcomeKind.SUCCEEDED and not _is_as_asked(payment, attempt, outcome):
        # What was held for review once and given back since does not come up again.
        return str(payment.state) if mismatch_of(payment) else "review"
    return outcome.kind.value


def _proves_absence(attempt: Attempt, horizon: int) -> bool:
    """An index that lags says "absent" of money that was taken: that is a proof only after the horizon, and never of
    what the gateway has acknowledged already."""
    sent = attempt.submitted_at
    is_late = sent is None or clock.now() >= sent + dt.timedelta(seconds=horizon)
    return is_late and not attempt.gateway_reference


def _is_as_asked(payment: Payment, attempt: Attempt, outcome: Outcome) -> bool:
    return (
        outcome.amount_minor == payment.amount_cents
        and outcome.currency.upper() == payment.currency
        and outcome.merchant_account == attempt.merchant_account
    )


def _write(payment: Payment, attempt: Attempt, state: str, outcome: Outcome) -> None:
    now = clock.now()
    payment.state, payment.changed_at, payment.message = state, now, outcome.message
    if outcome.method_summary:
        payment.method_summary = outcome.method_summary[:80]
    if state == "succeeded":
        payment.paid_at = now
        payment.receipt_number = firms.receipt_number(clock.today(firms.current().time_zone).year)
    payment.save()
    attempt.state = state
    attempt.resolved_at = now if state in DEFINITE else None
    attempt.save(only=["state", "resolved_at"])
    PaymentChange.create(payment=payment, state=state, note=outcome.code[:200], changed_at=now)
    _plan_lookup(attempt, payment)
    if state in DEFINITE or state == "pending":
        outbox.put("payment_changed", payment.id)


def _plan_lookup(attempt: Attempt, payment: Payment) -> None:
    """When to ask again: soon at first, then patiently; never once it is definite."""
    if payment.state in DEFINITE:
        attempt.next_lookup_at = None
    else:
        asked = attempt.lookups
        wait = LOOKUP_SECONDS[asked] if asked < len(LOOKUP_SECONDS) else LOOKUP_LATER_SECONDS
        attempt.next_lookup_at = clock.in_seconds(wait)
    attempt.leased_until = None
    attempt.save(only=["next_lookup_at", "leased_until"])


def _post_paid(payment: Payment) -> None:
    """Clearing against each invoice's receivable; what an invoice no longer owes becomes unapplied client money."""
    rows = list(
        locked(
            Allocation.select(Allocation, Invoice)
            .join(Invoice)
            .where(Allocation.payment == payment.id)
            .order_by(Allocation.invoice)
        )
    )
    legs = [Leg(ledger.clearing(_code(payment)), payment.amount_cents)]
    for row in rows:
        owed = max(ledger.invoice_balance(row.invoice_id), 0)
        applied = min(row.amount_cents, owed)
        legs.append(Leg(RECEIVABLE, -applied, row.invoice.matter_id, row.invoice_id))
        legs.append(Leg(UNAPPLIED, applied - row.amount_cents, row.invoice.matter_id, row.invoice_id))
    ledger.post(
        "portal_payment", legs, occurred_on=clock.today(firms.current().time_zone), description="Paid from portal",
        source=f"payment:{payment.id}:paid", currency=payment.currency, by=payment.portal_user,
    )  # fmt: skip


def _post_suspense(payment: Payment, outcome: Outcome) -> None:
    """Money came that is not the money asked for: it is booked, on suspense, and a person decides. An amount that
    cannot be is not booked."""
    cents = outcome.amount_minor or 0
    if not 0 < cents <= money.MAX_CENTS:
        return
    legs = [Leg(ledger.clearing(_code(payment)), cents), Leg(SUSPENSE, -cents)]
    ledger.post(
        "payment_mismatch", legs, occurred_on=clock.today(firms.current().time_zone),
        description="Payment that differs from what was asked", source=_mismatch(payment),
        currency=outcome.currency.upper() or payment.currency, by=payment.portal_user,
    )  # fmt: skip


def _mismatch(payment: Payment) -> str:
    return f"payment:{payment.id}:mismatch"


def mismatch_of(payment: Payment) -> JournalEntry | None:
    """The journal entry that booked, on suspense, money other than that asked for."""
    return JournalEntry.get_or_none(JournalEntry.source == _mismatch(payment))


def is_given_back(payment: Payment) -> bool:
    """Whether the firm gave back what came for it: it was charged after all."""
    return bool(payment.state == "canceled" and payment.message == GIVEN_BACK)


def give_back(payment: Payment, *, note: str, by: FirmUser) -> None:
    """Somebody has given back, at the gateway, what was held for review: it comes off suspense, and what was reserved
    for it is free again. Twice changes nothing. ``note`` says how it was given back.

    Raises:
        Refused: it is not held for review.
    """
    with transaction():
        fresh: Payment = locked(Payment.select().where(Payment.id == payment.id)).get()
        entry, now = mismatch_of(fresh), clock.now()
        if fresh.state == "canceled" and entry is not None:
            return
        if fresh.state != "review":
            raise Refused("This payment is not held for review.")
        if entry is not None:
            today, description = clock.today(firms.current().time_zone), "Payment that differed, given back"
            ledger.reverse(entry, code="payment_returned", occurred_on=today, description=description, by=by)
        Payment.update(state="canceled", message=GIVEN_BACK, changed_at=now).where(Payment.id == fresh.id).execute()
        Attempt.update(state="canceled").where(Attempt.payment == fresh.id).execute()
        PaymentChange.create(payment=fresh, state="canceled", note=f"{by.name}: {note}"[:200], changed_at=now)


def _code(payment: Payment) -> str:
    return str(Gateway.get_by_id(payment.gateway_id).code)


def claim_due(limit: int = 20) -> Iterator[Due]:
    """Unresolved attempts whose next look is due, each leased when it is its turn, so that no other worker asks at the
    same time."""
    now = clock.now()
    is_due = (
        Attempt.resolved_at.is_null()
        & (Attempt.next_lookup_at <= now)
        & (Attempt.leased_until.is_null() | (Attempt.leased_until < now))
    )
    rows = Attempt.select(Attempt, Payment).join(Payment).where(is_due).order_by(Attempt.next_lookup_at).limit(limit)
    return (Due(row, row.payment) for row in list(rows) if claim(row))


def claim(attempt: Attempt) -> bool:
    """Lease one unresolved attempt and count the look; ``False`` when another worker has it or it is resolved."""
    now = clock.now()
    is_free = Attempt.resolved_at.is_null() & (Attempt.leased_until.is_null() | (Attempt.leased_until < now))
    with transaction():
        return bool(
            Attempt.update(leased_until=clock.in_seconds(LEASE_SECONDS), lookups=Attempt.lookups + 1)
            .where((Attempt.id == attempt.id) & is_free)
            .execute()
        )


def give_up_unsent(payment: Payment) -> bool:
    """Free a payment that was written down but never sent. ``False`` when it was sent after all."""
    now = clock.now()
    with transaction():
        won = (
            Payment.update(state="not_submitted", changed_at=now)
            .where((Payment.id == payment.id) & (Payment.state == "ready"))
            .execute()
        )
        if won:
            change = {"state": "not_submitted", "resolved_at": now, "next_lookup_at": None, "leased_until": None}
            Attempt.update(**change).where(Attempt.payment == payment.id).execute()
            PaymentChange.create(payment=payment, state="not_submitted", note="left before sending", changed_at=now)
    return bool(won)
