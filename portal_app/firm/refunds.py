"""Giving a payment back, and the ways out that only a person can choose."""

from __future__ import annotations

from flask import flash
from werkzeug.wrappers import Response as AnyResponse

from portal_app import gateways
from portal_app.domain import payments
from portal_app.domain.errors import Refused
from portal_app.domain.payments import Payment, Refund
from portal_app.firm import payments as payment_pages
from portal_app.firm.blueprint import blueprint
from portal_app.firm.refund_forms import RefundForm, ResolveForm
from portal_app.web.fragments import go
from portal_app.web.login import firm_only, firm_user

SAID = {
    "succeeded": ("Given back. The payer was told.", "good"),
    "pending": ("The refund is on its way. The payer was told.", "good"),
    "declined": ("The gateway refused the refund. Nothing was given back.", "bad"),
    "not_submitted": ("The gateway could not be reached. Nothing was given back.", "bad"),
}
UNCLEAR = ("The gateway has not answered clearly. It is asked again by itself; do not refund a second time.", "wait")
WHOLE_ONLY = "This gateway gives back whole payments only."


def _of(row: Payment) -> str:
    return f"/firm/payments/{row.id}"


@blueprint.post("/payments/<int:payment_id>/refunds")
@firm_only("payments.resolve")
def refund_payment(payment_id: int) -> AnyResponse:
    row, form = payments.find(firm_user(), payment_id), RefundForm()
    try:
        if not form.validate():
            return payment_pages.show(row, status=422, refund_form=form)
        made = _start(row, form)
    except Refused as problem:
        form.refuse(problem)
        return payment_pages.show(row, status=422, refund_form=form)
    flash(*SAID.get(gateways.refund(made).state, UNCLEAR))
    return go(_of(row))


def _start(row: Payment, form: RefundForm) -> Refund:
    cents, left = form.amount.data or 0, int(form.left.data or 0)
    if cents != row.paid_cents and not gateways.can_refund(row, in_part=True):
        raise Refused(WHOLE_ONLY, "amount")
    return payments.start_refund(
        row, amount_cents=cents, expected_left_cents=left, is_owed_again=form.way.data == "owed",
        reason=form.reason.data or "", key=form.key.data or "", by=firm_user(),
    )  # fmt: skip


@blueprint.post("/payments/<int:payment_id>/refunds/look")
@firm_only("payments.read")
def look_at_refunds(payment_id: int) -> AnyResponse:
    """Ask the gateway now about every refund of this payment that is open."""
    row = payments.find(firm_user(), payment_id)
    for refund in payments.refunds_of(row):
        if refund.state in payments.REFUND_OPEN:
            gateways.look_again_at_refund(refund)
    flash("The gateway was asked.", "good")
    return go(_of(row))


@blueprint.post("/payments/<int:payment_id>/applied")
@firm_only("payments.resolve")
def apply_payment(payment_id: int) -> AnyResponse:
    """What came, and was held for review, pays the invoices all the same."""
    row, form = payments.find(firm_user(), payment_id), payment_pages.GiveBackForm()
    if not form.validate():
        return payment_pages.show(row, form, 422)
    try:
        payments.apply_received(row, note=form.note.data or "", by=firm_user())
    except Refused as problem:
        flash(str(problem), "bad")
    else:
        flash("Applied. What came is on what was to be paid.", "good")
    return go(_of(row))


@blueprint.post("/payments/<int:payment_id>/resolved/<any(taken, not_taken):what>")
@firm_only("payments.resolve")
def resolve_payment(payment_id: int, what: str) -> AnyResponse:
    """Somebody has looked at the gateway's own pages, because it gives the portal no answer any more."""
    row, form = payments.find(firm_user(), payment_id), ResolveForm()
    if not form.validate():
        return payment_pages.show(row, status=422, resolve_form=form)
    try:
        payments.resolve_by_hand(row, is_paid=what == "taken", note=form.note.data or "", by=firm_user())
    except Refused as problem:
        flash(str(problem), "bad")
    else:
        flash("Noted. The books say so now.", "good")
    return go(_of(row))
