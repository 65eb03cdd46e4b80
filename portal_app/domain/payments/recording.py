"""What a gateway's answer has changed, for the audit trail: who said so is the gateway, and the entry's address and
device tell how it came to be asked (the payer's browser, a webhook, the follow-up, the daily sweep)."""

from __future__ import annotations

from portal_app import money
from portal_app.domain import audit
from portal_app.domain.payments.models import Dispute, Gateway, Payment, Refund
from portal_app.domain.payments.reading import allocations_of


def by(gateway: Gateway) -> str:
    return f"gateway:{gateway.code}"


def tell_payment(payment: Payment, before: str, code: str) -> None:
    """How a payment has ended: paid, refused, returned, or held for review."""
    _tell(payment, "payment", before, str(payment.state), int(payment.paid_cents or payment.amount_cents), code)


def tell_refund(refund: Refund, payment: Payment, before: str) -> None:
    _tell(payment, "refund", before, str(refund.state), int(refund.amount_cents), str(refund.code or ""))


def tell_dispute(dispute: Dispute, payment: Payment, before: str, state: str) -> None:
    _tell(payment, "dispute", before, state, int(dispute.amount_cents), str(dispute.reason))


def _tell(payment: Payment, what: str, before: str, state: str, cents: int, answer: str) -> None:
    rows = allocations_of(payment)
    names = ", ".join(str(row.item.number) for row in rows)
    said = {"state": state, "amount": f"{money.bare(cents)} {payment.currency}", "answer": answer}
    audit.record(
        f"{what}_{state}", by=by(payment.gateway), subject=f"Payment of {names}", subject_ref=f"payment:{payment.id}",
        matter_id=rows[0].item.matter_id if rows else 0, before={"state": before} if before else {},
        after={name: value for name, value in said.items() if value},
    )  # fmt: skip
