"""Carrying out what was authorised, releasing what was held, and one movement: cleared, told, corrected."""

from __future__ import annotations

from typing import Any

from flask import Response, flash
from werkzeug.wrappers import Response as AnyResponse

from portal_app import clock
from portal_app.domain import draws, matters, trust, trust_papers
from portal_app.domain.banks import bank_accounts
from portal_app.domain.errors import Refused
from portal_app.domain.matters import Matter
from portal_app.domain.trust import TrustAuthorisation, TrustMovement
from portal_app.firm import matter_trust
from portal_app.firm.blueprint import blueprint
from portal_app.firm.trust_forms import ClearForm, CorrectForm, PayForm, ReleaseForm, ReturnForm, TellForm
from portal_app.web.fragments import go, render
from portal_app.web.login import firm_only, firm_user, fresh
from portal_app.web.templates import current_firm, show_money


def _matter(matter_id: int) -> Matter:
    return matters.find(firm_user(), matter_id)


@blueprint.post("/trust/authorisations/<int:authorisation_id>/payment")
@firm_only("trust.disburse")
@fresh
def carry_out(authorisation_id: int) -> AnyResponse:
    word, form = trust.find_authorisation(firm_user(), authorisation_id), PayForm()
    matter = _matter(word.matter_id)
    try:
        if not form.validate():
            return matter_trust.page(matter, 422, pay_form=form, wrong=word.id)
        row = _carry_out(word, form)
    except Refused as problem:
        form.refuse(problem)
        return matter_trust.page(matter, 422, pay_form=form, wrong=word.id)
    flash(f"{show_money(row.amount_cents)} to {row.party} is booked.", "good")
    return go(f"/firm/matters/{matter.id}/trust?account={row.bank_account_id}")


def _carry_out(word: TrustAuthorisation, form: PayForm) -> TrustMovement:
    by, on = firm_user(), form.occurred_on.data
    if word.kind == "transfer":
        return trust.transfer(word, on=on, by=by)
    if word.kind == "application":
        operating = bank_accounts("operating")
        if not operating:
            raise Refused("The firm has no operating account yet. An administrator adds one in Settings.")
        return draws.apply(word, operating[0], on=on, by=by)
    return trust.pay_out(word, on=on, method=form.method.data, reference=form.reference.data or "", by=by)


@blueprint.post("/trust/authorisations/<int:authorisation_id>/withdrawal")
@firm_only("trust.authorise")
def withdraw_authorisation(authorisation_id: int) -> AnyResponse:
    word = trust.find_authorisation(firm_user(), authorisation_id)
    try:
        trust.withdraw(word, by=firm_user())
    except Refused as problem:
        flash(str(problem), "bad")
    else:
        flash("The authorization is withdrawn. Nothing was paid.", "good")
    return go(f"/firm/matters/{word.matter_id}/trust?account={word.bank_account_id}")


@blueprint.post("/trust/holds/<int:hold_id>/release")
@firm_only("trust.release")
def release_hold(hold_id: int) -> AnyResponse:
    row, form = trust.find_hold(firm_user(), hold_id), ReleaseForm()
    matter = _matter(row.matter_id)
    try:
        if not form.validate():
            return matter_trust.page(matter, 422, release_form=form, wrong=row.id)
        trust.release(row, note=form.note.data or "", by=firm_user())
    except Refused as problem:
        form.refuse(problem)
        return matter_trust.page(matter, 422, release_form=form, wrong=row.id)
    flash(f"{show_money(row.amount_cents)} is released.", "good")
    return go(f"/firm/matters/{matter.id}/trust?account={row.bank_account_id}")


# One movement


def _page(row: TrustMovement, status: int = 200, **forms: Any) -> Response:
    found = trust.described(row)
    blank: dict[str, Any] = {
        "clear_form": ClearForm(formdata=None), "tell_form": TellForm(formdata=None),
        "correct_form": CorrectForm(formdata=None),
        "return_form": ReturnForm(formdata=None, data={"amount": row.amount_cents}),
    }  # fmt: skip
    sent = next(iter(forms.values()), None)
    return render(
        "firm/trust/movement.html", status=status, row=found, entry=trust.entry_of(row), form=sent,
        receipt=trust_papers.receipts_of([row.id]).get(row.id),
        matter=_matter(row.matter_id) if row.matter_id else None, rule=getattr(sent, "rule", None),
        back=trust.correction_of(row), tell_by=trust.tell_by(row, trust.pack()), can_correct=_can_correct(row),
        **blank | forms,
    )  # fmt: skip


def _can_correct(row: TrustMovement) -> bool:
    is_own = str(row.source).startswith("trust:") and row.kind not in {"reversal", "return", "dispute", "dispute_won"}
    return is_own and trust.correction_of(row) is None


@blueprint.get("/trust/movements/<int:movement_id>")
@firm_only("trust.read")
def trust_movement(movement_id: int) -> Response:
    return _page(trust.find(firm_user(), movement_id))


@blueprint.post("/trust/movements/<int:movement_id>/clearing")
@firm_only("trust.manage")
def clear_receipt(movement_id: int) -> AnyResponse:
    row, form = trust.find(firm_user(), movement_id), ClearForm()
    try:
        if not form.validate():
            return _page(row, 422, clear_form=form)
        trust.clear(row, on=form.cleared_on.data, note=form.note.data or "", by=firm_user())
    except Refused as problem:
        form.refuse(problem)
        return _page(row, 422, clear_form=form)
    flash("It has cleared and may be spent.", "good")
    return go(_of(row))


@blueprint.post("/trust/movements/<int:movement_id>/notice")
@firm_only("trust.receive")
def tell_of_receipt(movement_id: int) -> AnyResponse:
    row, form = trust.find(firm_user(), movement_id), TellForm()
    if not form.validate():
        return _page(row, 422, tell_form=form)
    trust.tell(row, how=form.how.data or "", by=firm_user())
    flash("Noted: the client knows.", "good")
    return go(_of(row))


@blueprint.post("/trust/movements/<int:movement_id>/return")
@firm_only("trust.manage")
def return_receipt(movement_id: int) -> AnyResponse:
    """The bank has returned a check or wire that staff recorded; a gateway tells of its own."""
    row, form = trust.find(firm_user(), movement_id), ReturnForm()
    try:
        if not form.validate():
            return _page(row, 422, return_form=form)
        trust.record_return(
            row, cents=form.amount.data or 0, on=form.occurred_on.data, reason=form.reason.data or "", by=firm_user(),
            key=form.key.data or "",
        )  # fmt: skip
    except Refused as problem:
        form.refuse(problem)
        return _page(row, 422, return_form=form)
    flash("Booked. If its ledger is short now, Trust says by how much.", "good")
    return go(_of(row))


@blueprint.post("/trust/movements/<int:movement_id>/correction")
@firm_only("trust.manage")
def correct_movement(movement_id: int) -> AnyResponse:
    row, form = trust.find(firm_user(), movement_id), CorrectForm()
    try:
        if not form.validate():
            return _page(row, 422, correct_form=form)
        today = clock.today(current_firm().time_zone)
        trust.correct(row, on=today, reason=form.reason.data or "", by=firm_user())
    except Refused as problem:
        form.refuse(problem)
        return _page(row, 422, correct_form=form)
    flash("Taken back by its opposite. Both stay in the books.", "good")
    return go(_of(row))


def _of(row: TrustMovement) -> str:
    return f"/firm/trust/movements/{row.id}"
