"""Payments from the portal, as staff see them: the list, and one payment with its history."""

from __future__ import annotations

import json
from typing import Any

from flask import Response, abort, flash, request
from werkzeug.wrappers import Response as AnyResponse

from portal_app import gateway_setup, gateways, money
from portal_app.domain import ledger, payments, store
from portal_app.domain.errors import Refused
from portal_app.domain.payments import Payment
from portal_app.firm.blueprint import blueprint
from portal_app.firm.listing import more_of, rows_wanted
from portal_app.firm.refund_forms import drawn
from portal_app.web import files
from portal_app.web.fields import Line
from portal_app.web.forms import Form
from portal_app.web.fragments import go, render
from portal_app.web.login import firm_only, firm_user
from portal_app.web.templates import current_firm

GROUPS = {
    "": "All", "open": "Being confirmed", "review": "Held for review", "paid": "Paid",
    "back": "Refunded, returned or disputed", "refused": "Refused",
}  # fmt: skip


@blueprint.get("/payments")
@firm_only("payments.read")
def payments_index() -> Response:
    who, group, wanted = firm_user(), request.args.get("state", ""), rows_wanted()
    group = group if group in GROUPS else ""
    rows, has_more = more_of(payments.search(who, group=group, limit=wanted + 1), wanted)
    return render(
        "firm/payments/index.html", "payments", group=group, rows=rows, wanted=wanted, has_more=has_more,
        lines=payments.shown_allocations(who, rows), groups=GROUPS, back=payments.refunded_on(rows),
        open_questions=payments.count_open(), disputes=payments.dispute_states(rows),
    )  # fmt: skip


@blueprint.get("/payments/<int:payment_id>")
@firm_only("payments.read")
def payment(payment_id: int) -> Response:
    return show(payments.find(firm_user(), payment_id))


class GiveBackForm(Form):
    note = Line("How was it given back?", most=150)


def show(row: Payment, form: GiveBackForm | None = None, status: int = 200, **changed: Any) -> Response:
    """The page; ``changed`` forms come back with what was typed."""
    attempt = gateways.attempt_of(row)
    lines = payments.shown_allocations(firm_user(), [row])[row.id]
    return render(
        "firm/payments/show.html", status=status, payment=row, attempt=attempt, lines=lines,
        hidden_cents=row.amount_cents - sum(line.amount_cents for line in lines),
        changes=payments.changes_of(row), entries=ledger.told_about(firm_user(), f"payment:{row.id}"),
        evidence=json.loads(attempt.evidence),
        gateway_title=gateway_setup.title_of(row.gateway), form=form or GiveBackForm(formdata=None),
        **_mismatch(row), **(drawn(row) | changed),
    )  # fmt: skip


def _mismatch(row: Payment) -> dict[str, object]:
    """What came instead of what was asked for, for a payment that is held for review."""
    entry = payments.mismatch_of(row) if row.state == "review" else None
    if entry is None:
        return {"mismatch": None, "came": "", "is_amount_as_asked": False}
    leg = ledger.postings_of(entry)[0]
    cents, currency = leg.amount_cents, money.currency(leg.currency, current_firm().locale)
    is_as_asked = (cents, leg.currency) == (row.amount_cents, row.currency)
    return {"mismatch": entry, "came": money.show(cents, currency), "is_amount_as_asked": is_as_asked}


@blueprint.post("/payments/<int:payment_id>/look")
@firm_only("payments.read")
def look_at_payment(payment_id: int) -> AnyResponse:
    """Ask the gateway again, now."""
    before = payments.find(firm_user(), payment_id)
    after = gateways.look_again(before)
    if after.state == before.state:
        flash("The gateway was asked. There is no news yet; it will be asked again by itself.", "wait")
    else:
        flash("The gateway has answered.", "good")
    return go(f"/firm/payments/{before.id}")


@blueprint.post("/payments/<int:payment_id>/given-back")
@firm_only("payments.resolve")
def give_payment_back(payment_id: int) -> AnyResponse:
    """Somebody has given back, at the gateway, what was held for review."""
    row, form = payments.find(firm_user(), payment_id), GiveBackForm()
    if not form.validate():
        return show(row, form, 422)
    try:
        payments.give_back(row, note=form.note.data or "", by=firm_user())
    except Refused as problem:
        flash(str(problem), "bad")
    else:
        flash("Noted. What came is off the books, and the reserved amount can be paid again.", "good")
    return go(f"/firm/payments/{row.id}")


@blueprint.get("/payments/<int:payment_id>/receipt")
@firm_only("payments.read")
def payment_receipt(payment_id: int) -> Response:
    """Of payments on matters that its reader may all see: it names each of them."""
    row = payments.find(firm_user(), payment_id)
    lines = payments.shown_allocations(firm_user(), [row])[row.id]
    if not row.receipt_key or sum(line.amount_cents for line in lines) != row.amount_cents:
        abort(404)
    return files.send_pdf(store.read(row.receipt_key), f"Receipt {row.receipt_number}", about=row)
