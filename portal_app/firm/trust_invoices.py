"""Apply trust: an invoice paid from its matter's money in trust."""

from __future__ import annotations

from flask import flash
from werkzeug.wrappers import Response as AnyResponse

from portal_app import clock
from portal_app.domain import draws, invoices, trust
from portal_app.domain.access import may
from portal_app.domain.errors import Refused
from portal_app.firm import invoices as invoice_pages
from portal_app.firm.blueprint import blueprint
from portal_app.firm.trust_forms import ApplyForm
from portal_app.web.fragments import go
from portal_app.web.login import firm_only, firm_user, fresh
from portal_app.web.templates import current_firm, show_money


@blueprint.post("/invoices/<int:invoice_id>/trust")
@firm_only("trust.authorise")
@fresh
def apply_trust(invoice_id: int) -> AnyResponse:
    """A lawyer authorises it; one who may also move trust money carries it out at once."""
    found, who = invoices.find(firm_user(), invoice_id), firm_user()
    if found.is_draft:
        return go(f"/firm/invoices/{found.id}")
    today, can_carry_out = clock.today(current_firm().time_zone), may(who, "trust.disburse")
    form = ApplyForm(trust.standings(found.matter, today))
    try:
        if not form.validate():
            return invoice_pages.issued_page(found, status=422, apply_form=form)
        word = draws.authorise(found, form.chosen, amount_cents=form.amount.data or 0, by=who, key=form.key.data)
        if can_carry_out:
            draws.apply(word, form.chosen_operating, on=today, by=who)
    except Refused as problem:
        form.refuse(problem)
        return invoice_pages.issued_page(found, status=422, apply_form=form)
    done = "is paid from trust" if can_carry_out else "from trust is authorized; it waits to be carried out"
    flash(f"{show_money(word.amount_cents)} {done}.", "good")
    return go(f"/firm/invoices/{found.id}")
