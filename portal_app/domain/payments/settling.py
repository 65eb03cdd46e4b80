"""The one road to "paid": every answer about an attempt, from whatever side it comes, goes through ``settle``."""

from __future__ import annotations

import datetime as dt

from portal_app import clock
from portal_app.db import locked, transaction
from portal_app.domain import firms, ledger, outbox
from portal_app.domain.errors import Refused
from portal_app.domain.payments import booking, depositing, disputing, recording, refunding
from portal_app.domain.payments.following import LOOKUP_SECONDS, is_late, note_answer, plan_lookup, proves_absence
from portal_app.domain.payments.models import DEFINITE, EDGES, PAID, Attempt, Payment, PaymentChange
from portal_app.domain.payments.questions import ask
from portal_app.domain.people import FirmUser
from portal_app.plugin_api import Outcome, OutcomeKind

BY_HAND = frozenset({"submitting", "unknown", "action_required", "pending"})
BY_HAND_AFTER = dt.timedelta(hours=1)
GIVEN_BACK = "The firm gave this payment back."


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

    What the state table does not allow (an old answer that comes late) changes nothing. Refunds and disputes that the
    answer names are written down with it. Returns the payment as it is.
    """
    with transaction():
        attempt: Attempt = locked(Attempt.select().where(Attempt.id == attempt_id)).get()
        payment: Payment = locked(Payment.select().where(Payment.id == attempt.payment_id)).get()
        note_answer(attempt, outcome)
        if outcome.redirect_url:
            attempt.redirect_url = outcome.redirect_url
            attempt.save(only=["redirect_url"])
        state = _state_for(payment, attempt, outcome, absence_horizon_seconds)
        if state == payment.state or state not in EDGES[payment.state]:
            plan_lookup(attempt, is_definite=payment.state in DEFINITE)
        else:
            _book(payment, state, outcome)
            _write(payment, attempt, state, outcome)
        if payment.state in PAID:
            _note_doubt(payment, attempt, outcome, absence_horizon_seconds)
            refunding.note_refunds(payment, outcome.refunds)
            disputing.note_disputes(payment, outcome.disputes)
    return payment


def _book(payment: Payment, state: str, outcome: Outcome) -> None:
    if state == "succeeded":
        booking.post_paid(payment)
    elif state == "review":
        booking.post_mismatch(payment, outcome)
    elif state == "returned":
        booking.post_returned(payment, outcome.amount_minor or payment.paid_cents)


def _state_for(payment: Payment, attempt: Attempt, outcome: Outcome, horizon: int) -> str:
    if outcome.kind is OutcomeKind.ABSENT:
        return "not_submitted" if proves_absence(attempt, horizon) else str(payment.state)
    if outcome.kind is OutcomeKind.UNKNOWN and payment.state != "submitting":
        return str(payment.state)
    if outcome.kind is OutcomeKind.SUCCEEDED and not _is_as_asked(payment, attempt, outcome):
        # What was held for review once and given back since does not come up again.
        return str(payment.state) if booking.mismatch_of(payment) else "review"
    if outcome.kind is OutcomeKind.RETURNED:
        return _state_returned(payment)
    return outcome.kind.value


def _state_returned(payment: Payment) -> str:
    """A charge that was voided as our own refund of it has gone back, too; one that never succeeded was declined."""
    if payment.state not in PAID:
        return "declined"
    return str(payment.state) if refunding.settle_void(payment) else "returned"


def _note_doubt(payment: Payment, attempt: Attempt, outcome: Outcome, horizon: int) -> None:
    """The books say paid, and the gateway now says something else: nothing is changed, a person is asked."""
    is_contradicted = outcome.kind in {OutcomeKind.DECLINED, OutcomeKind.CANCELED}
    kind = ""
    if outcome.kind is OutcomeKind.ABSENT and is_late(attempt, horizon):
        kind = "not_listed"
    elif is_contradicted or (outcome.kind is OutcomeKind.SUCCEEDED and payment.state == "returned"):
        kind = "contradiction"
    if kind:
        detail = f"{firms.amount(payment.paid_cents, payment.currency)}; the gateway says “{outcome.kind}”."
        ask(kind, f"payment:{payment.id}:{outcome.kind}", detail, gateway=payment.gateway, payment=payment)


def _is_as_asked(payment: Payment, attempt: Attempt, outcome: Outcome) -> bool:
    return (
        outcome.amount_minor == payment.amount_cents
        and outcome.currency.upper() == payment.currency
        and outcome.merchant_account == attempt.merchant_account
        and depositing.is_in_place(payment, outcome.merchant_account)
    )


def _write(payment: Payment, attempt: Attempt, state: str, outcome: Outcome) -> None:
    now, before = clock.now(), str(payment.state)
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
    plan_lookup(attempt, is_definite=state in DEFINITE)
    if state in DEFINITE or state == "pending":
        outbox.put("payment_changed", payment.id)
    if state in DEFINITE:
        recording.tell_payment(payment, before, outcome.code)


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
        entry = booking.mismatch_of(fresh)
        if fresh.state == "canceled" and entry is not None:
            return
        _refuse_unheld(fresh)
        if entry is not None:
            booking.reverse_mismatch(entry, by=by)
        _decide(fresh, "canceled", note=note, by=by, message=GIVEN_BACK)


def apply_received(payment: Payment, *, note: str, by: FirmUser) -> None:
    """Somebody keeps what was held for review: it pays the invoices that were to be paid, as far as it goes; what is
    more becomes unapplied client money. Twice changes nothing.

    Raises:
        Refused: it is not held for review, or came in another currency or as an amount that cannot be booked.
    """
    with transaction():
        fresh: Payment = locked(Payment.select().where(Payment.id == payment.id)).get()
        entry = booking.mismatch_of(fresh)
        if fresh.state == "succeeded" and entry is not None:
            return
        _refuse_unheld(fresh)
        came = ledger.postings_of(entry)[0] if entry is not None else None
        if entry is None or came is None or came.currency != fresh.currency:
            raise Refused("What came cannot be set against these invoices. Give it back at the gateway instead.")
        if came.account_code != booking.clearing_of(fresh):
            raise Refused("It came into the account of another fund (T06). Give it back at the gateway instead.")
        fresh.received_cents = came.amount_cents
        booking.take_mismatch(fresh, entry, by=by)
        _decide(fresh, "succeeded", note=note, by=by, received_cents=came.amount_cents)


def resolve_by_hand(payment: Payment, *, is_paid: bool, note: str, by: FirmUser) -> None:
    """Somebody has looked at the gateway's own pages, because it cannot be asked any more: the payment was taken, or
    it was not and never will be. ``note`` says what was seen there. Twice changes nothing.

    Raises:
        Refused: it is resolved otherwise, was never sent, or was sent only just now.
    """
    state = "succeeded" if is_paid else "canceled"
    with transaction():
        fresh: Payment = locked(Payment.select().where(Payment.id == payment.id)).get()
        if fresh.state == state:
            return
        if not can_resolve_by_hand(fresh):
            raise Refused("This payment is not open any more, or is being confirmed just now. Look at it again.")
        if is_paid:
            booking.post_paid(fresh)
        _decide(fresh, state, note=note, by=by, message="" if is_paid else "The firm has found that it was not taken.")


def can_resolve_by_hand(payment: Payment) -> bool:
    """Whether it is open for so long that a person may have to say how it ended."""
    return payment.state in BY_HAND and clock.now() - payment.created_at >= BY_HAND_AFTER


def _refuse_unheld(payment: Payment) -> None:
    if payment.state != "review":
        raise Refused("This payment is not held for review.")


def _decide(payment: Payment, state: str, *, note: str, by: FirmUser, **change: object) -> None:
    """A person has said how it ends."""
    now = clock.now()
    if state == "succeeded":
        number = firms.receipt_number(clock.today(firms.current().time_zone).year)
        change |= {"paid_at": now, "receipt_number": number}
    Payment.update(state=state, changed_at=now, **change).where(Payment.id == payment.id).execute()
    ended = {"state": state, "resolved_at": now, "next_lookup_at": None, "leased_until": None}
    Attempt.update(**ended).where(Attempt.payment == payment.id).execute()
    PaymentChange.create(payment=payment, state=state, note=f"{by.name}: {note}"[:200], changed_at=now)
    if state == "succeeded":
        outbox.put("payment_changed", payment.id)


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
