"""Their invoices: the list, and one with its lines, payments and paper."""

from __future__ import annotations

from flask import Response

from portal_app import clock
from portal_app.client import matters
from portal_app.client.blueprint import blueprint
from portal_app.client.paging import Page
from portal_app.domain import documents, invoices, payments, sharing, trust
from portal_app.web import auditing
from portal_app.web.fragments import render
from portal_app.web.login import client_only, portal_user
from portal_app.web.templates import current_firm


@blueprint.get("/invoices")
@client_only
def invoice_list() -> Response:
    me = portal_user()
    mine = documents.matters_of(me)
    number = matters.chosen(mine)
    page = Page.asked()
    rows = page.cut(invoices.shared_with(me, matter=number, limit=page.fetch, offset=page.offset))
    return render(
        "client/invoices/index.html", "shared", invoices=rows, mine=mine, chosen=number, page=page,
        today_here=clock.today(current_firm().time_zone), given=payments.offer(me),
    )  # fmt: skip


@blueprint.get("/invoices/<public_id>")
@client_only
def invoice(public_id: str) -> Response:
    """The page; or only its paper, while that is being made. Opening it is noted."""
    me = portal_user()
    found = invoices.find_for(me, public_id)
    lines, rows = invoices.lines_of(found), payments.on_invoices([found.id])
    adjustments = [row for row in payments.adjustments_of(found) if row.undone_at is None]
    became, from_trust = payments.sums_of(found), trust.on_invoice(found.id)
    set_against = became.applied + trust.net_of(from_trust) + became.taken_cents
    paid = sum(row.amount_cents for row in rows if row.payment.paid_at)
    answer = render(
        "client/invoices/show.html", "paper", invoice=found, document=found.document, lines=lines,
        days=sorted({line.worked_on for line in lines}),
        groups=[(title, [line for line in lines if line.kind == kind]) for kind, title in GROUPS],
        sums=invoices.totals(lines), given=payments.offer(me), rows=rows,
        given_back_cents=payments.given_back_on(found, set_against), given_up_cents=became.given_up,
        aside_cents=paid - became.applied, from_trust=from_trust, taken=became.taken,
        adjustments=adjustments, notes=payments.papers_for(me, adjustments),
        version=documents.latest_versions([found.document]).get(found.document_id),
        today_here=clock.today(current_firm().time_zone), shared=found.document.documentshare,
    )  # fmt: skip
    auditing.opened("open", found.document, me)
    sharing.mark_seen([found.document.documentshare])
    return answer


GROUPS = (("time", "Time"), ("flat_fee", "Flat fees"), ("expense", "Expenses"))
