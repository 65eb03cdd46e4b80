"""Trust, the firm's view: what each account holds and for whom, what is short, what waits; the firm's float."""

from __future__ import annotations

from typing import Any

from flask import Response, flash
from werkzeug.wrappers import Response as AnyResponse

from portal_app import clock
from portal_app.domain import matters, trust
from portal_app.domain.banks import BankAccount, bank_accounts
from portal_app.domain.errors import Refused
from portal_app.domain.trust import TrustIncident
from portal_app.firm.blueprint import blueprint
from portal_app.firm.trust_forms import ChargeForm, FloatForm, ReplenishForm
from portal_app.web.fragments import go, render
from portal_app.web.login import firm_only, firm_user
from portal_app.web.templates import current_firm, show_money

HOME = "/firm/trust"


def _page(status: int = 200, *, form: ReplenishForm | None = None, wrong: int = 0) -> Response:
    who, today = firm_user(), clock.today(current_firm().time_zone)
    incidents = trust.short_ledgers(who)
    forms = {row.id: ReplenishForm(formdata=None).at(row.id) for row, _ in incidents}
    forms |= {wrong: form.at(wrong)} if form is not None else {}
    lists = [trust.to_carry_out(), trust.not_cleared(today), trust.not_told(today)]
    seen = matters.among(who, {row.matter_id for rows in lists for row in rows})
    words, uncleared, untold = ([row for row in rows if row.matter_id in seen] for rows in lists)
    return render(
        "firm/trust/index.html", status=status, books=[trust.books_of(who, row) for row in bank_accounts("trust")],
        incidents=incidents, form=form, rule=form.rule if form else None, replenish_forms=forms,
        words=words, uncleared=uncleared, untold=untold, tell_by=trust.tell_by, pack=trust.pack(),
    )  # fmt: skip


@blueprint.get("/trust")
@firm_only("trust.read")
def trust_home() -> Response:
    return _page()


@blueprint.post("/trust/incidents/<int:incident_id>/replenishment")
@firm_only("trust.manage")
def replenish_shortfall(incident_id: int) -> AnyResponse:
    row, form = _incident(incident_id), ReplenishForm()
    try:
        if not form.validate():
            return _page(422, form=form, wrong=row.id)
        trust.replenish(
            row, form.chosen_operating, on=form.occurred_on.data, reference=form.reference.data or "", by=firm_user(),
            key=form.key.data,
        )  # fmt: skip
    except Refused as problem:
        form.refuse(problem)
        return _page(422, form=form, wrong=row.id)
    flash("The firm has made it whole. The incident is closed.", "good")
    return go(HOME)


def _incident(incident_id: int) -> TrustIncident:
    row = trust.find_incident(incident_id)
    if row.matter_id is not None:
        matters.find(firm_user(), row.matter_id)
    return row


# One account


def _account_page(account: BankAccount, status: int = 200, **forms: Any) -> Response:
    blank: dict[str, Any] = {"float_form": FloatForm(formdata=None), "charge_form": ChargeForm(formdata=None)}
    sent = next(iter(forms.values()), None)
    return render(
        "firm/trust/account.html", status=status, books=trust.books_of(firm_user(), account), form=sent,
        rule=sent.rule if sent else None, lines=trust.own_lines(account), policy=trust.in_force(), pack=trust.pack(),
        **blank | forms,
    )  # fmt: skip


@blueprint.get("/trust/accounts/<int:bank_account_id>")
@firm_only("trust.read")
def trust_account(bank_account_id: int) -> Response:
    return _account_page(trust.find_account(bank_account_id))


@blueprint.post("/trust/accounts/<int:bank_account_id>/float")
@firm_only("trust.manage")
def move_float(bank_account_id: int) -> AnyResponse:
    account, form = trust.find_account(bank_account_id), FloatForm()
    try:
        if not form.validate():
            return _account_page(account, 422, float_form=form)
        row = trust.move_float(
            account, form.chosen_operating, kind=form.kind.data, amount_cents=form.amount.data or 0,
            on=form.occurred_on.data, reference=form.reference.data or "", by=firm_user(), key=form.key.data,
        )  # fmt: skip
    except Refused as problem:
        form.refuse(problem)
        return _account_page(account, 422, float_form=form)
    done = "put in" if row.kind == "float_in" else "taken out"
    flash(f"{show_money(row.amount_cents)} of the firm's own money was {done}.", "good")
    return go(f"{HOME}/accounts/{account.id}")


@blueprint.post("/trust/accounts/<int:bank_account_id>/charges")
@firm_only("trust.manage")
def charge_float(bank_account_id: int) -> AnyResponse:
    account, form = trust.find_account(bank_account_id), ChargeForm()
    try:
        if not form.validate():
            return _account_page(account, 422, charge_form=form)
        row = trust.charge(
            account, amount_cents=form.amount.data or 0, on=form.occurred_on.data, what=form.what.data or "",
            by=firm_user(), key=form.key.data,
        )  # fmt: skip
    except Refused as problem:
        form.refuse(problem)
        return _account_page(account, 422, charge_form=form)
    flash(f"The charge of {show_money(row.amount_cents)} is on the firm's float.", "good")
    return go(f"{HOME}/accounts/{account.id}")
