"""Invoices: lists, an issued invoice, a draft, its paper, voiding."""

from __future__ import annotations

from typing import Any

from flask import Response, flash, request
from werkzeug.wrappers import Response as AnyResponse

from portal_app import clock
from portal_app.domain import documents, draws, invoices, matters, pay_links, payments, sharing, timekeeping, trust
from portal_app.domain.access import may
from portal_app.domain.documents import DocumentShare, DocumentVersion
from portal_app.domain.errors import Refused
from portal_app.domain.invoices import Invoice
from portal_app.domain.payments import Sums
from portal_app.domain.store import NotStored
from portal_app.firm.blueprint import blueprint
from portal_app.firm.invoice_forms import AdjustForm, DatesForm, UnappliedForm, VoidForm
from portal_app.firm.listing import more_of, rows_wanted, words_of
from portal_app.firm.trust_forms import ApplyForm
from portal_app.web import files
from portal_app.web.fragments import go, render
from portal_app.web.login import firm_only, firm_user
from portal_app.web.templates import current_firm

STATES = {
    "all": "All", "draft": "Drafts", "open": "Open", "overdue": "Past due", "paid": "Paid", "void": "Void",
}  # fmt: skip


@blueprint.get("/invoices")
@firm_only("firm.read")
def all_invoices() -> Response:
    words, wanted = words_of(), rows_wanted()
    state = request.args.get("state", "all")
    state = state if state in STATES else "all"
    today = clock.today(current_firm().time_zone)
    found = invoices.search(firm_user(), words, state, today=today, limit=wanted + 1)
    rows, has_more = more_of(found, wanted)
    return render(
        "firm/invoices/index.html", "invoices", rows=rows, has_more=has_more, wanted=wanted, q=words, state_name=state,
        states=STATES,
    )  # fmt: skip


@blueprint.get("/matters/<int:matter_id>/invoices")
@firm_only("firm.read")
def matter_invoices(matter_id: int) -> Response:
    matter = matters.find(firm_user(), matter_id)
    unbilled_cents = timekeeping.unbilled_cents(matter)
    rows = invoices.for_matter(matter)
    return render("firm/invoices/matter.html", matter=matter, rows=rows, unbilled_cents=unbilled_cents)


@blueprint.get("/invoices/<int:invoice_id>")
@firm_only("firm.read")
def invoice(invoice_id: int) -> Response:
    found = invoices.find(firm_user(), invoice_id)
    if found.is_draft:
        return draft_page(found, DatesForm.from_terms(found.terms_days))
    return issued_page(found, VoidForm())


def draft_page(draft: Invoice, form: DatesForm, *, status: int = 200) -> Response:
    """A draft: as it would be issued now, with the dates still open."""
    lines = invoices.lines_of(draft)
    return render(
        "firm/invoices/draft.html", status=status, invoice=draft, matter=draft.matter, form=form, lines=lines,
        sums=invoices.totals(lines), recipients=matters.recipients_of(draft.matter),
    )  # fmt: skip


def issued_page(
    found: Invoice, form: VoidForm | None = None, *, status: int = 200, apply_form: ApplyForm | None = None,
    adjust_form: AdjustForm | None = None, unapplied_form: UnappliedForm | None = None,
) -> Response:  # fmt: skip
    """An issued invoice; the forms are those that were sent and refused."""
    lines = invoices.lines_of(found)
    rows = payments.on_invoices([found.id])
    held = [row for row in rows if row.payment.is_open]
    became, from_trust = payments.sums_of(found), trust.on_invoice(found.id)
    drawn = trust.net_of(from_trust)
    return render(
        "firm/invoices/show.html", "paper", status=status, invoice=found, matter=found.matter, lines=lines,
        sums=invoices.totals(lines), paid=[row for row in rows if not row.payment.is_open], held=held,
        held_cents=sum(row.amount_cents for row in held), applied_cents=became.applied,
        form=form or VoidForm(formdata=None),
        given_back_cents=payments.given_back_on(found, became.applied + drawn + became.taken_cents),
        given_up_cents=became.given_up,
        version=_paper(found), drawn_cents=drawn, from_trust=from_trust, **_trust(found, apply_form),
        shares=sharing.shares_of(DocumentShare, [found.document]).get(found.document_id, []),
        void=found.void.first() if found.is_void else None, taken=became.taken, pay_links=pay_links.of_invoice(found),
        **_less(found, became, sum(row.amount_cents for row in held), adjust_form, unapplied_form),
    )  # fmt: skip


def _trust(found: Invoice, sent: ApplyForm | None) -> dict[str, Any]:
    """Where its matter has money in trust that may pay it, what waits to be paid, and the form."""
    today = clock.today(current_firm().time_zone)
    places: list[trust.Standing] = []
    if found.balance_cents > 0 and may(firm_user(), "trust.authorise"):
        places = [row for row in trust.standings(found.matter, today) if row.available_cents]
    least = min(found.balance_cents, places[0].available_cents) if places else 0
    blank = ApplyForm(places, formdata=None, data={"amount": least}) if places else None
    return {
        "places": places, "apply_form": sent or blank, "rule": sent.rule if sent else None,
        "words": draws.waiting(found) if places else [],
    }  # fmt: skip


def _less(
    found: Invoice, became: Sums, held_cents: int, adjust_form: AdjustForm | None, unapplied_form: UnappliedForm | None
) -> dict[str, Any]:
    """What a page needs so that less can be owed: credit notes, write-offs, unapplied money."""
    unapplied, can = became.unapplied, max(found.balance_cents - held_cents, 0)
    return {
        "adjustments": payments.adjustments_of(found), "adjustable_cents": can, "unapplied_cents": unapplied,
        "kinds": payments.ADJUSTMENTS,
        "adjust_form": adjust_form or AdjustForm(formdata=None, data={"amount": can}),
        "unapplied_form": unapplied_form or UnappliedForm(formdata=None, data={"unapplied": unapplied}),
    }  # fmt: skip


def _paper(found: Invoice) -> DocumentVersion | None:
    """The PDF, once it is made."""
    return documents.latest_versions([found.document]).get(found.document_id)


@blueprint.get("/invoices/<int:invoice_id>/pdf")
@firm_only("firm.read")
def invoice_pdf(invoice_id: int) -> Response:
    found = invoices.find(firm_user(), invoice_id)
    version = None if found.is_draft else _paper(found)
    if version is None:
        raise NotStored(f"invoice {invoice_id}")
    return files.send(found.document, version, as_download="download" in request.args)


@blueprint.post("/invoices/<int:invoice_id>/void")
@firm_only("invoices.void")
def void_invoice(invoice_id: int) -> AnyResponse:
    found = invoices.find(firm_user(), invoice_id)
    form = VoidForm()
    if found.is_draft:
        return go(f"/firm/invoices/{found.id}")
    if form.validate():
        try:
            today = clock.today(current_firm().time_zone)
            payments.void_invoice(found, reason=form.reason.data or "", on=today, by=firm_user())
        except Refused as problem:
            form.refuse(problem)
        else:
            flash(f"Invoice {found.number} is void. Its work is unbilled again.", "good")
            return go(f"/firm/invoices/{found.id}")
    return issued_page(found, form, status=422)
