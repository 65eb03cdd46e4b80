"""From an invoice's page: credit note, write-off, taking either back, and applying unapplied money."""

from __future__ import annotations

from flask import flash
from werkzeug.wrappers import Response as AnyResponse

from portal_app.domain import invoices, payments
from portal_app.domain.errors import Refused
from portal_app.firm import invoices as invoice_pages
from portal_app.firm.blueprint import blueprint
from portal_app.firm.invoice_forms import AdjustForm, UnappliedForm
from portal_app.web.fragments import go
from portal_app.web.login import firm_only, firm_user
from portal_app.web.templates import show_money


@blueprint.post("/invoices/<int:invoice_id>/adjustments")
@firm_only("invoices.adjust")
def adjust_invoice(invoice_id: int) -> AnyResponse:
    found, form = invoices.find(firm_user(), invoice_id), AdjustForm()
    try:
        if not form.validate():
            return invoice_pages.issued_page(found, status=422, adjust_form=form)
        row = payments.adjust(
            found, kind=form.kind.data, amount_cents=form.amount.data or 0, reason=form.reason.data or "",
            key=form.key.data or "", by=firm_user(),
        )  # fmt: skip
    except Refused as problem:
        form.refuse(problem)
        return invoice_pages.issued_page(found, status=422, adjust_form=form)
    said = f"Credit note {row.number} is on the ledger. The client is told." if row.number else "It is written off."
    flash(said, "good")
    return go(f"/firm/invoices/{found.id}")


@blueprint.post("/invoices/<int:invoice_id>/adjustments/<int:adjustment_id>/undo")
@firm_only("invoices.adjust")
def undo_adjustment(invoice_id: int, adjustment_id: int) -> AnyResponse:
    found = invoices.find(firm_user(), invoice_id)
    row = payments.find_adjustment(found, adjustment_id)
    payments.undo(row, by=firm_user())
    flash(f"Taken back: {show_money(row.amount_cents)} is owed again.", "good")
    return go(f"/firm/invoices/{found.id}")


@blueprint.post("/invoices/<int:invoice_id>/apply-unapplied")
@firm_only("invoices.adjust")
def apply_unapplied(invoice_id: int) -> AnyResponse:
    found, form = invoices.find(firm_user(), invoice_id), UnappliedForm()
    try:
        if not form.validate():
            return invoice_pages.issued_page(found, status=422, unapplied_form=form)
        cents = payments.apply_unapplied(found, expected_cents=int(form.unapplied.data or 0), by=firm_user())
    except Refused as problem:
        form.refuse(problem)
        return invoice_pages.issued_page(found, status=422, unapplied_form=form)
    flash(f"{show_money(cents)} of unapplied money has paid this invoice.", "good")
    return go(f"/firm/invoices/{found.id}")
