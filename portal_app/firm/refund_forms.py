"""The forms that a payment's page offers for giving it back, or for saying how it ended."""

from __future__ import annotations

from typing import Any

from wtforms.validators import Regexp

from portal_app import gateways
from portal_app.domain import payments
from portal_app.domain.payments import Dispute, Payment
from portal_app.firm.once import OnceForm
from portal_app.web.fields import Hidden, Line, Money, Radios
from portal_app.web.forms import Form

WAYS = {"owed": "The invoice is owed again", "given_up": "The firm gives the fee up"}


class RefundForm(OnceForm):
    """``left``: the cents that could be refunded when the form was drawn."""

    left = Hidden("", validators=[Regexp(r"[0-9]{1,15}\Z", message="Open this page again, then fill it in.")])
    amount = Money("Amount")
    way = Radios("What happens to the invoice", choices=WAYS, default="owed")
    reason = Line("Why is it given back?", most=200)


class ResolveForm(Form):
    note = Line("What did you see at the gateway?", most=150)


def drawn(row: Payment) -> dict[str, Any]:
    """What a payment's page needs to offer a refund, or to say why it cannot."""
    left, in_part = payments.refundable_cents(row), gateways.can_refund(row, in_part=True)
    disputes = payments.disputes_of(row)
    why_not = _why_not(row, left, disputes, in_part=in_part)
    form = RefundForm(formdata=None, data={"amount": left, "left": left}) if left and not why_not else None
    return {
        "refund_form": form, "left_cents": left, "in_part": in_part, "why_not": why_not,
        "refunds": payments.refunds_of(row), "disputes": disputes, "resolve_form": ResolveForm(formdata=None),
        "is_by_hand": payments.can_resolve_by_hand(row),
    }  # fmt: skip


def _why_not(row: Payment, left: int, disputes: list[Dispute], *, in_part: bool) -> str:
    """Why what is left of a payment cannot be given back here; empty when it can, or when nothing is left."""
    if any(dispute.state in {"inquiry", "open"} for dispute in disputes):
        return "It is disputed. Answer the dispute at the gateway; a refund now could pay twice."
    if not left:
        return ""
    if not gateways.can_refund(row):
        return "This gateway cannot be told to give money back. Do it on its own pages; the portal learns of it there."
    if not in_part and left != row.paid_cents:
        return "This gateway gives back whole payments only, and a part of this one is gone already."
    return ""
