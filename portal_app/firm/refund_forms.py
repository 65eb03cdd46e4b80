"""The forms that a payment's page offers for giving it back, or for saying how it ended."""

from __future__ import annotations

from typing import Any

from wtforms import HiddenField, RadioField
from wtforms.validators import Regexp

from portal_app import gateways
from portal_app.domain import payments
from portal_app.domain.payments import Payment
from portal_app.firm.once import OnceForm
from portal_app.web.forms import Form, Line, Money

WAYS = {"owed": "The invoice is owed again", "given_up": "The firm gives the fee up"}


class RefundForm(OnceForm):
    """``left``: the cents that could be refunded when the form was drawn."""

    left = HiddenField(validators=[Regexp(r"[0-9]{1,15}\Z", message="Open this page again, then fill it in.")])
    amount = Money("Amount")
    way = RadioField("What happens to the invoice", choices=WAYS, default="owed")
    reason = Line("Why is it given back?", most=200)


class ResolveForm(Form):
    note = Line("What did you see at the gateway?", most=150)


def drawn(row: Payment) -> dict[str, Any]:
    """What a payment's page needs to offer a refund, or to say why it cannot."""
    left = payments.refundable_cents(row)
    form = RefundForm(formdata=None, data={"amount": left, "left": left}) if left else None
    return {
        "refund_form": form if form is not None and gateways.can_refund(row) else None, "left_cents": left,
        "in_part": gateways.can_refund(row, in_part=True), "refunds": payments.refunds_of(row),
        "disputes": payments.disputes_of(row), "resolve_form": ResolveForm(formdata=None),
        "is_by_hand": payments.can_resolve_by_hand(row),
    }  # fmt: skip
