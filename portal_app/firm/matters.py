"""Matters: the list, a new one, the page of one and its people."""

from __future__ import annotations

from flask import Response, flash, request
from werkzeug.wrappers import Response as AnyResponse

from portal_app import clock
from portal_app.domain import firms, invoices, ledger, matters, shared_files, timekeeping
from portal_app.domain.errors import Refused
from portal_app.domain.matters import Matter
from portal_app.firm.blueprint import blueprint
from portal_app.firm.listing import more_of, rows_wanted, words_of
from portal_app.firm.matter_facts import facts_of
from portal_app.firm.matter_forms import NewMatterForm
from portal_app.firm.recipients import recipients_context
from portal_app.web.fragments import go, render
from portal_app.web.login import firm_only, firm_user
from portal_app.web.once import asked_for
from portal_app.web.templates import current_firm


@blueprint.get("/matters")
@firm_only("firm.read")
def matter_list() -> Response:
    who, words, wanted = firm_user(), words_of(), rows_wanted()
    with_closed = asked_for("closed") == "yes"
    found = matters.search(who, words, with_closed=with_closed, limit=wanted + 1)
    rows, has_more = more_of(found, wanted)
    return render(
        "firm/matters/index.html", "matters", q=words, with_closed=with_closed, rows=rows, wanted=wanted,
        has_more=has_more, owed=ledger.matter_balances(rows),
    )  # fmt: skip


@blueprint.get("/matters/new")
@firm_only("matters.edit")
def new_matter() -> Response:
    today = clock.today(current_firm().time_zone)
    form = NewMatterForm(data={
        "number": firms.suggested_matter_number(today.year), "opened_on": today,
        "client": request.args.get("client", type=int), "responsible_attorney": _usual_attorney(),
    })  # fmt: skip
    return render("firm/matters/new.html", form=form, has_clients=len(form.client.choices or ()) > 1)


def _usual_attorney() -> int:
    who = firm_user()
    return who.id if who.has_role("attorney") else 0


@blueprint.post("/matters")
@firm_only("matters.edit")
def add_matter() -> AnyResponse:
    form = NewMatterForm()
    if form.validate():
        try:
            matter = matters.open_matter(by=firm_user(), **form.values())
        except Refused as problem:
            form.refuse(problem)
        else:
            flash(f"Matter {matter.number} is open. Now say how it is billed and who may see it.", "good")
            return go(f"/firm/matters/{matter.id}/settings")
    return render("firm/matters/new.html", status=422, form=form, has_clients=True)


@blueprint.get("/matters/<int:matter_id>")
@firm_only("firm.read")
def matter(matter_id: int) -> Response:
    return overview(matters.find(firm_user(), matter_id))


def overview(
    matter: Matter, *, editing: str = "", form: object = None, left: str = "", status: int = 200
) -> Response:  # fmt: skip
    """The matter's page. ``editing`` is the fact shown as ``form``; the form of ``left`` was here a moment ago."""
    unpaid = invoices.unpaid(matter)
    return render(
        "firm/matters/show.html", status=status, matter=matter, tab="overview", facts=facts_of(matter),
        editing=editing, left=left, form=form, **recipients_context(matter), unpaid=unpaid,
        owed_cents=sum(invoice.balance_cents for invoice in unpaid),
        unbilled_cents=timekeeping.unbilled_cents(matter), lines=ledger.lately(matter, 3),
        shared=shared_files.lately(matter),
    )  # fmt: skip
