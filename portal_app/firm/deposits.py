"""A matter's deposit requests: asking, sharing, withdrawing; and the rule that keeps its retainer filled."""

from __future__ import annotations

import datetime as dt
from typing import Any

from flask import Response, abort, flash, request
from werkzeug.wrappers import Response as AnyResponse
from wtforms import IntegerField
from wtforms.validators import InputRequired, NumberRange

from portal_app import clock
from portal_app.domain import deposits, matters, payments, sharing, store
from portal_app.domain.deposits import PURPOSE_MAX, DepositRequest, DepositShare, Evergreen
from portal_app.domain.errors import Refused
from portal_app.domain.matters import Matter
from portal_app.firm.blueprint import blueprint
from portal_app.firm.once import OnceForm
from portal_app.firm.sharing import Panel, open_panel, read_choice, sentence
from portal_app.web import files
from portal_app.web.fields import Choice, Day, Line, Money
from portal_app.web.forms import Form
from portal_app.web.fragments import go, is_fragment_request, render
from portal_app.web.login import firm_only, firm_user
from portal_app.web.templates import current_firm, show_money

TERMS_DAYS = 14


def _accounts() -> dict[Any, str]:
    rows = payments.bank_accounts("trust")
    return {row.id: row.name + (f", ending {row.last4}" if row.last4 else "") for row in rows}


class AskForm(OnceForm):
    amount = Money("Amount")
    purpose = Line("What it is for", most=PURPOSE_MAX)
    due_on = Day("Asked for by")
    bank_account = Choice("Trust account", coerce=int, choices={})

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.bank_account.choices = _accounts()


class EvergreenForm(Form):
    scope = "kept"
    threshold = Money("When less is held than")
    target = Money("Ask for as much as makes it")
    terms_days = IntegerField("Days to pay", [
        InputRequired("Fill in this field."), NumberRange(0, 365, "Enter a number of days from 0 to 365."),
    ])  # fmt: skip
    bank_account = Choice("Trust account", coerce=int, choices={})

    def __init__(self, rule: Evergreen | None = None, **kwargs: Any) -> None:
        start = {"terms_days": TERMS_DAYS}
        if rule is not None:
            start = {
                "threshold": rule.threshold_cents, "target": rule.target_cents, "terms_days": rule.terms_days,
                "bank_account": rule.bank_account_id,
            }  # fmt: skip
        super().__init__(data=start, **kwargs)
        self.bank_account.choices = _accounts()


class WithdrawForm(Form):
    reason = Line("Why is it withdrawn?", most=200)


def _home(matter: Matter) -> str:
    return f"/firm/matters/{matter.id}/deposits"


def _list(
    matter: Matter, *blocks: str, form: AskForm | None = None, rule_form: EvergreenForm | None = None,
    withdraw_form: WithdrawForm | None = None, panel: Panel | None = None, said: str = "", status: int = 200,
) -> Response:  # fmt: skip
    """The matter's requests; beside them the form of a new one, or the share panel."""
    rows, rule = payments.deposits_of(matter), deposits.evergreen_of(matter)
    today = clock.today(current_firm().time_zone)
    fresh = {"due_on": today + dt.timedelta(days=TERMS_DAYS)}
    came: dict[int, list[payments.Allocation]] = {}
    for row in payments.on_deposits([row.id for row in rows]):
        came.setdefault(row.deposit_id, []).append(row)
    return render(
        "firm/deposits/index.html", *blocks, status=status, matter=matter, rows=rows, came=came, today_here=today,
        form=form or AskForm(formdata=None, data=fresh), rule=rule, sharing=panel, said=said,
        rule_form=rule_form or EvergreenForm(rule, formdata=None), accounts=_accounts(),
        withdraw_form=withdraw_form or WithdrawForm(formdata=None), shares=sharing.shares_of(DepositShare, rows),
    )  # fmt: skip


@blueprint.get("/matters/<int:matter_id>/deposits")
@firm_only("firm.read")
def matter_deposits(matter_id: int) -> Response:
    return _list(matters.find(firm_user(), matter_id), "panel", "deposits")


@blueprint.post("/matters/<int:matter_id>/deposits")
@firm_only("deposits.edit")
def ask_for_deposit(matter_id: int) -> AnyResponse:
    matter, form = matters.find(firm_user(), matter_id), AskForm()
    if not form.validate():
        return _list(matter, "panel", form=form, status=422)
    try:
        made = deposits.ask(
            matter, amount_cents=form.amount.data or 0, purpose=form.purpose.data or "", due_on=form.due_on.data,
            bank_account_id=form.bank_account.data, key=form.key.data, by=firm_user(),
        )  # fmt: skip
    except Refused as problem:
        form.refuse(problem)
        return _list(matter, "panel", form=form, status=422)
    shared = [row.portal_user for row in sharing.shares_of(DepositShare, [made]).get(made.id, [])]
    return _done(matter, f"{show_money(made.amount_cents)} is asked for. {sentence(shared, made.number)}")


def _found(matter_id: int, deposit_id: int) -> DepositRequest:
    row = payments.find_deposit(firm_user(), deposit_id)
    if row.matter_id != matter_id:
        abort(404)
    return row


@blueprint.post("/matters/<int:matter_id>/deposits/<int:deposit_id>/withdraw")
@firm_only("deposits.edit")
def withdraw_deposit(matter_id: int, deposit_id: int) -> AnyResponse:
    row, form = _found(matter_id, deposit_id), WithdrawForm()
    if not form.validate():
        return _list(row.matter, "panel", "deposits", withdraw_form=form, status=422)
    try:
        payments.withdraw_deposit(row, reason=form.reason.data or "", by=firm_user())
    except Refused as problem:
        form.refuse(problem)
        return _list(row.matter, "panel", "deposits", withdraw_form=form, status=422)
    return _done(row.matter, f"{row.number} is withdrawn. What came of it stays in trust.")


@blueprint.route("/matters/<int:matter_id>/deposits/<int:deposit_id>/share", methods=["GET", "POST"])
@firm_only("deposits.edit")
def share_deposit(matter_id: int, deposit_id: int) -> AnyResponse:
    row = _found(matter_id, deposit_id)
    try:
        people = read_choice() if request.method == "POST" else None
    except Refused as problem:
        return _list(row.matter, "panel", panel=_panel(row, str(problem)), status=422)
    if people is None:
        return _list(row.matter, "panel", "deposits", panel=_panel(row))
    deposits.set_people(row, people, by=firm_user())
    return _done(row.matter, sentence(people, row.number))


def _panel(row: DepositRequest, problem: str = "") -> Panel:
    shares = sharing.shares_of(DepositShare, [row]).get(row.id, [])
    base, title = f"{_home(row.matter)}/{row.id}", f"Deposit request {row.number}"
    return open_panel(
        row.matter, shares, item_id=row.id, title=title, base=base, home=_home(row.matter), problem=problem
    )


@blueprint.get("/matters/<int:matter_id>/deposits/<int:deposit_id>/pdf")
@firm_only("firm.read")
def deposit_pdf(matter_id: int, deposit_id: int) -> Response:
    row = _found(matter_id, deposit_id)
    if not row.paper_key:
        abort(404)
    return files.send_pdf(store.read(row.paper_key), f"Deposit request {row.number}", about=row)


# Evergreen retainers


@blueprint.post("/matters/<int:matter_id>/evergreen")
@firm_only("deposits.edit")
def keep_filled(matter_id: int) -> AnyResponse:
    matter, form = matters.find(firm_user(), matter_id), EvergreenForm()
    if not form.validate():
        return _list(matter, "evergreen", rule_form=form, status=422)
    try:
        deposits.keep_filled(
            matter, threshold_cents=form.threshold.data or 0, target_cents=form.target.data or 0,
            terms_days=form.terms_days.data or 0, bank_account_id=form.bank_account.data, by=firm_user(),
        )  # fmt: skip
    except Refused as problem:
        form.refuse(problem)
        return _list(matter, "evergreen", rule_form=form, status=422)
    flash("The retainer is kept filled from now on: more is asked for by itself.", "good")
    return go(_home(matter))


@blueprint.post("/matters/<int:matter_id>/evergreen/stop")
@firm_only("deposits.edit")
def stop_filling(matter_id: int) -> AnyResponse:
    matter = matters.find(firm_user(), matter_id)
    deposits.stop_filling(matter, by=firm_user())
    flash("Nothing is asked for by itself any more. Open requests stay.", "good")
    return go(_home(matter))


def _done(matter: Matter, said: str) -> AnyResponse:
    if is_fragment_request():
        return _list(matter, "panel", "deposits", said=said)
    flash(said, "good")
    return go(_home(matter))
