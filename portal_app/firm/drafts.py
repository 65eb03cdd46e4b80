"""Running an invoice: choose lines, preview, keep as a draft, issue."""

from __future__ import annotations

import datetime as dt

from flask import Response, flash, request
from werkzeug.wrappers import Response as AnyResponse

from portal_app.db import transaction
from portal_app.domain import invoices, matters, sharing, timekeeping
from portal_app.domain.documents import DocumentShare
from portal_app.domain.errors import Refused
from portal_app.domain.invoices import Invoice
from portal_app.domain.matters import Matter
from portal_app.firm.blueprint import blueprint
from portal_app.firm.invoice_forms import DatesForm, InvoiceForm
from portal_app.firm.invoices import draft_page
from portal_app.web.fragments import go, render
from portal_app.web.login import firm_only, firm_user
from portal_app.web.templates import show_money


def _choice(matter: Matter, form: InvoiceForm, *, draft: Invoice | None = None, status: int = 200) -> Response:
    """The page on which lines are chosen."""
    work = timekeeping.unbilled(matter)
    ticked = set(form.chosen)
    return render(
        "firm/invoices/new.html", "chosen", status=status, matter=matter, form=form, draft=draft, work=work,
        ticked=ticked, chosen_cents=sum(item.amount_cents for item in work if item.id in ticked),
        recipients=matters.recipients_of(matter), until=request.args.get("until", "")[:10],
    )  # fmt: skip


def _until() -> dt.date | None:
    try:
        return dt.date.fromisoformat(request.args.get("until", ""))
    except ValueError:
        return None


@blueprint.get("/matters/<int:matter_id>/invoices/new")
@firm_only("invoices.draft")
def new_invoice(matter_id: int) -> Response:
    matter = matters.find(firm_user(), matter_id)
    return _choice(matter, InvoiceForm.new(timekeeping.unbilled(matter), _until()))


@blueprint.post("/matters/<int:matter_id>/invoices/preview")
@firm_only("invoices.draft")
def preview_invoice(matter_id: int) -> Response:
    """The invoice as it will be; nothing is written."""
    matter = matters.find(firm_user(), matter_id)
    form = InvoiceForm()
    if form.validate():
        try:
            lines = invoices.preview(matter, form.chosen)
            return render(
                "firm/invoices/preview.html", matter=matter, form=form, lines=lines, sums=invoices.totals(lines),
                recipients=matters.recipients_of(matter),
            )  # fmt: skip
        except Refused as problem:
            form.refuse(problem)
    return _choice(matter, form, status=422)


@blueprint.post("/matters/<int:matter_id>/invoices")
@firm_only("invoices.draft")
def keep_draft(matter_id: int) -> AnyResponse:
    matter = matters.find(firm_user(), matter_id)
    form = InvoiceForm()
    if form.validate():
        try:
            draft = _draft(matter, form)
        except Refused as problem:
            form.refuse(problem)
        else:
            flash("Kept as a draft. Nothing is on the ledger yet.", "good")
            return go(f"/firm/invoices/{draft.id}")
    return _choice(matter, form, status=422)


def _draft(matter: Matter, form: InvoiceForm) -> Invoice:
    return invoices.draft(
        matter, form.chosen, by=firm_user(), note=form.text, terms_days=form.terms_days,
        public_id=form.key.data or "",
    )  # fmt: skip


@blueprint.post("/matters/<int:matter_id>/invoices/issued")
@firm_only("invoices.issue")
def issue_at_once(matter_id: int) -> AnyResponse:
    """From the preview to an issued invoice, with no draft left behind when it is refused."""
    matter = matters.find(firm_user(), matter_id)
    form = InvoiceForm()
    if form.validate():
        try:
            with transaction():
                return _issue(_draft(matter, form), form)
        except Refused as problem:
            form.refuse(problem)
    return _choice(matter, form, status=422)


@blueprint.route("/invoices/<int:invoice_id>/edit", methods=["GET", "POST"])
@firm_only("invoices.draft")
def edit_draft(invoice_id: int) -> AnyResponse:
    draft = invoices.find(firm_user(), invoice_id)
    if not draft.is_draft:
        return go(f"/firm/invoices/{draft.id}")
    if request.method == "GET":
        ticked = [line.work_item_id for line in invoices.lines_of(draft)]
        is_back = "lines" in request.args
        form = InvoiceForm(formdata=request.args) if is_back else InvoiceForm.of(draft, ticked)
        return _choice(draft.matter, form, draft=draft)
    form = InvoiceForm()
    if form.validate():
        try:
            invoices.change_draft(draft, form.chosen, note=form.text, terms_days=form.terms_days)
            flash("Saved.", "good")
            return go(f"/firm/invoices/{draft.id}")
        except Refused as problem:
            form.refuse(problem)
    return _choice(draft.matter, form, draft=draft, status=422)


@blueprint.post("/invoices/<int:invoice_id>/issue")
@firm_only("invoices.issue")
def issue_draft(invoice_id: int) -> AnyResponse:
    draft = invoices.find(firm_user(), invoice_id)
    form = DatesForm()
    if not draft.is_draft:
        return go(f"/firm/invoices/{draft.id}")
    if form.validate():
        try:
            return _issue(draft, form)
        except Refused as problem:
            form.refuse(problem)
    return draft_page(draft, form, status=422)


def _issue(draft: Invoice, form: DatesForm) -> AnyResponse:
    """Issue, and say what happened. A second press finds it issued and says nothing new."""
    is_first = draft.is_draft
    invoice = invoices.issue(
        draft, issued_on=form.issued_on.data, due_on=form.due_on.data, by=firm_user(), seen_cents=form.seen_cents
    )
    if is_first:
        shares = sharing.shares_of(DocumentShare, [invoice.document]).get(invoice.document_id, [])
        told = " and ".join(row.portal_user.name for row in shares)
        shared = f"It is shared with {told}, who get an e-mail" if told else "It is shared with nobody yet"
        said = f"Invoice {invoice.number} is issued: {show_money(invoice.total_cents)} is on the ledger. {shared}."
        flash(said, "good")
    return go(f"/firm/invoices/{invoice.id}")


@blueprint.post("/invoices/<int:invoice_id>/discard")
@firm_only("invoices.draft")
def discard_draft(invoice_id: int) -> AnyResponse:
    draft = invoices.find(firm_user(), invoice_id)
    try:
        invoices.discard(draft)
    except Refused as problem:
        flash(str(problem), "bad")
        return go(f"/firm/invoices/{draft.id}")
    flash("The draft is gone. Its work is unbilled, as before.", "good")
    return go(f"/firm/matters/{draft.matter_id}/invoices")
