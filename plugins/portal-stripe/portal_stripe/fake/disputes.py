"""Disputes: opened and closed by a test's hand; the money leaves at once and comes back when the firm wins."""

from __future__ import annotations

from portal_stripe.fake import charges
from portal_stripe.fake.core import DAY, ApiError, Fake, Object, Params, Scope
from portal_stripe.fake.wire import LISTING, listed, route

FEE = 1500


def open_dispute(fake: Fake, charge_id: str, *, amount: int = 0, reason: str = "fraudulent") -> Object:
    """A payer's bank takes the money back. One of a bank debit is lost at once. ``amount`` 0 means all of it."""
    with fake.lock:
        charge = fake.object(charge_id)
        is_card = charge["payment_method_details"]["type"] == "card"
        dispute = fake.add(
            fake.scope_of(charge),
            "dispute",
            "dp",
            amount=amount or charge["amount"],
            balance_transactions=[],
            charge=charge_id,
            currency=charge["currency"],
            evidence_details={"due_by": fake.now + 7 * DAY, "has_evidence": False},
            is_charge_refundable=False,
            metadata={},
            payment_intent=charge["payment_intent"],
            reason=reason,
            status="needs_response" if is_card else "lost",
        )
        charge["disputed"] = True
        _move(fake, dispute, -dispute["amount"], FEE, "dispute")
        fake.emit(dispute, "charge.dispute.created", "charge.dispute.funds_withdrawn")
        if not is_card:
            fake.emit(dispute, "charge.dispute.closed")
        fake.save()
        return dispute


def close_dispute(fake: Fake, id: str, *, is_won: bool) -> Object:
    """The card scheme decides."""
    with fake.lock:
        dispute = fake.object(id)
        if dispute["status"] in {"won", "lost"}:
            raise ApiError(400, "This dispute is already closed.")
        dispute["status"] = "won" if is_won else "lost"
        if is_won:
            _move(fake, dispute, dispute["amount"], -FEE, "dispute_reversal")
            fake.emit(dispute, "charge.dispute.funds_reinstated")
        fake.emit(dispute, "charge.dispute.closed")
        fake.save()
        return dispute


def _move(fake: Fake, dispute: Object, amount: int, fee: int, category: str) -> None:
    entry = charges.balance(fake, dispute, "adjustment", amount, fee, category)
    dispute["balance_transactions"].append(dict(entry))


@route("GET", "/disputes/<id>")
def retrieve(fake: Fake, scope: Scope, params: Params, id: str) -> Object:
    return fake.find(scope, "dispute", id)


@route("GET", "/disputes", f"{LISTING} charge payment_intent")
def list_disputes(fake: Fake, scope: Scope, params: Params) -> Object:
    return listed(fake, params, "/v1/disputes", charges.of_intent(fake.all("dispute", scope), params))
