"""Refunds: written down before anything is sent, never more than is left of a payment, booked once they are made."""

from __future__ import annotations

import datetime as dt
import secrets
from collections.abc import Sequence

from peewee import JOIN, IntegrityError, fn

from portal_app import clock, money
from portal_app.db import locked, sum_of, transaction
from portal_app.domain import firms, outbox, trust
from portal_app.domain.deposits import DepositRequest
from portal_app.domain.errors import Refused
from portal_app.domain.matters import Matter
from portal_app.domain.payments import booking, depositing, recording
from portal_app.domain.payments.following import LOOKUP_SECONDS, note_answer, plan_lookup, proves_absence
from portal_app.domain.payments.models import (
    REFUND_EDGES,
    REFUND_FREEING,
    REFUND_OPEN,
    Allocation,
    Dispute,
    Payment,
    Refund,
)
from portal_app.domain.payments.questions import ask
from portal_app.domain.people import FirmUser
from portal_app.plugin_api import Outcome, OutcomeKind, RefundFact

READY_SECONDS = 15 * 60  # one that was not sent by then never will be


def refunds_of(payment: Payment) -> list[Refund]:
    """All refunds of a payment, with who made them, in order."""
    query = Refund.select(Refund, FirmUser).join(FirmUser, JOIN.LEFT_OUTER)
    return list(query.where(Refund.payment == payment.id).order_by(Refund.id))


def refunded_on(payments: Sequence[Payment]) -> dict[int, int]:
    """Cents given back, or on their way back, of each payment, by its id; one query."""
    query = Refund.select(Refund.payment, fn.SUM(Refund.amount_cents)).where(
        Refund.payment.in_([payment.id for payment in payments]) & Refund.state.not_in(REFUND_FREEING)
    )
    return {row[0]: sum_of(row[1]) for row in query.group_by(Refund.payment).tuples()} if payments else {}


def refundable_cents(payment: Payment) -> int:
    """How much can be given back now: what is left of it in the books, less what is on its way back. Of a deposit no
    more than its client-matter ledger still lets go: what was drawn is not there any more."""
    if payment.state != "succeeded":
        return 0
    if payment.is_deposit:
        return max(min(booking.left_cents(payment) - _on_its_way(payment), _uncommitted(payment)), 0)
    return max(booking.left_cents(payment) - _on_its_way(payment), 0)


def _on_its_way(payment: Payment) -> int:
    open_cents = Refund.select(fn.SUM(Refund.amount_cents)).where(
        (Refund.payment == payment.id) & Refund.state.in_(REFUND_OPEN)
    )
    return sum_of(open_cents.scalar())


def _uncommitted(payment: Payment) -> int:
    """What may leave the ledger of a deposit's matter now (T02, T09, T10, T19), less every refund from it that is on
    its way."""
    matter, account = depositing.ledger_of(payment)
    others = (
        Refund.select(fn.SUM(Refund.amount_cents))
        .join(Payment)
        .join(Allocation, on=(Allocation.payment == Payment.id))
        .join(DepositRequest, on=(Allocation.deposit == DepositRequest.id))
    )
    from_it = (DepositRequest.matter == matter.id) & (DepositRequest.bank_account_id == account.id)
    going = others.where(from_it & Refund.state.in_(REFUND_OPEN))
    return trust.available(matter, account, clock.today(firms.current().time_zone)) - sum_of(going.scalar())


def start_refund(
    payment: Payment, *, amount_cents: int, expected_left_cents: int, is_owed_again: bool, reason: str, key: str,
    by: FirmUser,
) -> Refund:  # fmt: skip
    """Write a refund down and reserve its amount; nothing is sent yet. The same ``key`` gives the same refund.

    ``expected_left_cents`` is what the form said could be refunded: two people who refund at once do not both succeed.

    Raises:
        Refused: not paid, disputed, more than is left, or refunded by somebody else meanwhile.
    """
    try:
        with transaction():
            fresh: Payment = locked(Payment.select().where(Payment.id == payment.id)).get()
            if fresh.is_deposit:  # two deposits of one matter share its ledger
                locked(Matter.select(Matter.id).where(Matter.id == depositing.deposit_of(fresh).matter_id)).get()
            found: Refund | None = Refund.get_or_none(Refund.key == key)
            if found is not None:
                return found
            _refuse_refund(fresh, amount_cents, expected_left_cents)
            said = {"key": key, "reason": reason, "is_owed_again": is_owed_again and not fresh.is_deposit}
            if fresh.is_deposit:
                said["authorisation"] = depositing.authorised(fresh, amount_cents, reason=reason, key=key, by=by)
            return _create(fresh, amount_cents, **said, made_by=by)
    except IntegrityError:
        found = Refund.get_or_none(Refund.key == key)
        if found is None:
            raise
        return found


def _refuse_refund(payment: Payment, amount_cents: int, expected_left_cents: int) -> None:
    left = refundable_cents(payment)
    written = money.show(left, firms.current().money)
    if payment.state != "succeeded":
        raise Refused("Only a payment that succeeded can be refunded.")
    is_disputed = (Dispute.payment == payment.id) & Dispute.state.in_(["inquiry", "open"])
    if Dispute.select().where(is_disputed).exists():
        raise Refused("This payment is disputed. Answer the dispute at the gateway; a refund now could pay twice.")
    if left != expected_left_cents:
        raise Refused(f"The payment has changed meanwhile: {written} of it can be refunded now.", "amount")
    if not 0 < amount_cents <= left:
        raise Refused(f"You can refund up to {written}.", "amount")


def _create(payment: Payment, amount_cents: int, **values: object) -> Refund:
    now = clock.now()
    return Refund.create(
        reference=secrets.token_hex(16), payment=payment, amount_cents=amount_cents, created_at=now, changed_at=now,
        next_lookup_at=now + dt.timedelta(seconds=READY_SECONDS), **values,
    )  # fmt: skip


def mark_refund_submitting(refund: Refund) -> bool:
    """Commit that it is being sent, before anything is sent. ``False``: somebody else has sent it."""
    now = clock.now()
    change = {
        "state": "submitting", "submitted_at": now, "changed_at": now,
        "next_lookup_at": now + dt.timedelta(seconds=LOOKUP_SECONDS[0]),
    }  # fmt: skip
    with transaction():
        won = Refund.update(change).where((Refund.id == refund.id) & (Refund.state == "ready")).execute()
    if won:
        refund.state, refund.submitted_at = "submitting", now
    return bool(won)


def give_up_unsent_refund(refund: Refund) -> bool:
    """Free a refund that was written down but never sent."""
    now = clock.now()
    ended = {"state": "not_submitted", "changed_at": now, "resolved_at": now, "next_lookup_at": None}
    with transaction():
        return bool(Refund.update(ended).where((Refund.id == refund.id) & (Refund.state == "ready")).execute())


def settle_refund(refund_id: int, outcome: Outcome, *, absence_horizon_seconds: int = 0) -> Refund:
    """Write down what is now known of a refund: state, journal entry and outbox in one transaction."""
    with transaction():
        payment_id = Refund.get_by_id(refund_id).payment_id
        payment: Payment = locked(Payment.select().where(Payment.id == payment_id)).get()
        refund: Refund = locked(Refund.select().where(Refund.id == refund_id)).get()
        note_answer(refund, outcome)
        state = _state_for(refund, outcome, absence_horizon_seconds)
        if state == refund.state or state not in REFUND_EDGES[refund.state]:
            plan_lookup(refund, is_definite=refund.state not in REFUND_OPEN)
            return refund
        if state == "succeeded":
            _take_amount(refund, payment, outcome)
            booking.post_refund(refund, payment)
        elif refund.state == "succeeded":
            booking.reverse_refund(refund, payment)
        before = str(refund.state)
        _write(refund, state, outcome)
        if state not in REFUND_OPEN:
            recording.tell_refund(refund, payment, before)
    return refund


def _state_for(refund: Refund, outcome: Outcome, horizon: int) -> str:
    kind = outcome.kind
    if kind is OutcomeKind.ABSENT:
        return "not_submitted" if proves_absence(refund, horizon) else str(refund.state)
    if kind is OutcomeKind.UNKNOWN and refund.state != "submitting":
        return str(refund.state)
    if kind in {OutcomeKind.RETURNED, OutcomeKind.CANCELED}:
        return "declined"  # it was on its way, and came back
    return "unknown" if kind is OutcomeKind.ACTION_REQUIRED else kind.value


def _take_amount(refund: Refund, payment: Payment, outcome: Outcome) -> None:
    """What the gateway says that it gave back is what is booked; a person is told when that is not what was asked."""
    came = outcome.amount_minor or refund.amount_cents
    if came == refund.amount_cents or not 0 < came <= money.MAX_CENTS:
        return
    asked, gave = (firms.amount(cents, payment.currency) for cents in (refund.amount_cents, came))
    detail = f"{asked} was to be given back; the gateway says {gave}."
    ask("refund_differs", f"refund:{refund.id}", detail, gateway=payment.gateway, payment=payment)
    refund.amount_cents = came


def _write(refund: Refund, state: str, outcome: Outcome) -> None:
    now = clock.now()
    refund.state, refund.changed_at, refund.message = state, now, outcome.message
    refund.resolved_at = None if state in REFUND_OPEN else now
    refund.save(only=["state", "changed_at", "message", "resolved_at", "amount_cents"])
    plan_lookup(refund, is_definite=state not in REFUND_OPEN)
    if state != "unknown":
        outbox.put("refund_changed", refund.id)


# What the gateway tells of a charge's refunds


def settle_void(payment: Payment) -> bool:
    """Whether a charge that the gateway says has gone back went back as our own refund of all of it; that refund is
    then settled. Call it in a transaction, with the payment locked."""
    whole = [row for row in refunds_of(payment) if row.state not in REFUND_FREEING]
    if sum(row.amount_cents for row in whole) < payment.paid_cents:
        return False
    for row in whole:
        if row.state in REFUND_OPEN - {"ready"}:
            settle_refund(row.id, Outcome(kind=OutcomeKind.SUCCEEDED, amount_minor=row.amount_cents))
    return True


def note_refunds(payment: Payment, facts: Sequence[RefundFact]) -> None:
    """Write down the refunds that a look-up has named: ours are settled, others become known. Call it in a
    transaction, with the payment locked."""
    for fact in facts:
        refund = _matching(payment, fact)
        if refund is None and fact.kind not in {OutcomeKind.SUCCEEDED, OutcomeKind.PENDING}:
            continue
        if refund is None and fact.amount_minor:
            refund = _create(payment, fact.amount_minor, reason="Made at the gateway", gateway_reference="")
            Refund.update(state="submitting", submitted_at=clock.now()).where(Refund.id == refund.id).execute()
        if refund is not None:
            outcome = Outcome(
                kind=fact.kind, gateway_reference=fact.gateway_reference, amount_minor=fact.amount_minor or None
            )
            settle_refund(refund.id, outcome)


def _matching(payment: Payment, fact: RefundFact) -> Refund | None:
    """Ours by reference or by the gateway's id; otherwise one that was sent, has had no answer, and is as large."""
    rows = refunds_of(payment)
    by_id = [row for row in rows if fact.gateway_reference and row.gateway_reference == fact.gateway_reference]
    by_reference = [row for row in rows if fact.reference and row.reference == fact.reference]
    is_unanswered = {"submitting", "unknown"}
    alike = [
        row
        for row in rows
        if not fact.reference
        and not row.gateway_reference
        and row.state in is_unanswered
        and row.amount_cents == fact.amount_minor
    ]
    return next(iter([*by_reference, *by_id, *alike]), None)
