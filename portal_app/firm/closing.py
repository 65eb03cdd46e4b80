"""The reconciliation to the end of a statement: its three figures, its signatures, its closing."""

from __future__ import annotations

from flask import Response, flash
from werkzeug.wrappers import Response as AnyResponse

from portal_app.domain import matters, reconciliations, statements
from portal_app.domain.errors import Refused
from portal_app.domain.reconciliations import Figures
from portal_app.domain.statements import BankStatement
from portal_app.firm.blueprint import blueprint
from portal_app.firm.matching import chosen_ids
from portal_app.web.fragments import go, render
from portal_app.web.login import firm_only, firm_user
from portal_app.web.templates import current_firm


def _find(statement_id: int) -> BankStatement:
    """An imported statement."""
    found = statements.find(statement_id)
    if not found.is_imported:
        raise BankStatement.DoesNotExist
    return found


def _at(statement: BankStatement) -> str:
    return f"/firm/statements/{statement.id}/reconciliation"


@blueprint.get("/statements/<int:statement_id>/reconciliation")
@firm_only("reconcile.read")
def reconciliation_work(statement_id: int) -> AnyResponse:
    found = _find(statement_id)
    figures = reconciliations.current(found, current_firm())
    if figures.closed_until is not None and found.ends_on <= figures.closed_until:
        return go(f"/firm/reconciliations/{reconciliations.covering(found).id}")
    return _draw(found, figures)


def _page(found: BankStatement, problem: str) -> Response:
    return _draw(found, reconciliations.current(found, current_firm()), problem)


def _draw(found: BankStatement, figures: Figures, problem: str = "") -> Response:
    who, why = firm_user(), list(reconciliations.why_not(figures, current_firm()))
    signed = None if why else reconciliations.prepared(found, figures)
    seen = matters.among(who, {row.matter_id for row in figures.clients if row.matter_id})
    return render(
        "firm/reconciliations/work.html", "figures", status=422 if problem else 200, statement=found, figures=figures,
        why=why, signed=signed, problem=problem, seen=seen,
        is_mine=signed is not None and signed.signed_by_id == who.id,
        needs_two=figures.rules.two_people and figures.is_trust,
    )  # fmt: skip


@blueprint.post("/statements/<int:statement_id>/reconciliation/signature")
@firm_only("reconcile.edit")
def sign_reconciliation(statement_id: int) -> AnyResponse:
    found = _find(statement_id)
    try:
        reconciliations.sign(found, by=firm_user())
    except Refused as problem:
        return _page(found, str(problem))
    flash("Prepared, with your name. Somebody else may review and close it now.", "good")
    return go(_at(found))


@blueprint.post("/statements/<int:statement_id>/reconciliation/close")
@firm_only("reconcile.close")
def close_reconciliation(statement_id: int) -> AnyResponse:
    found = _find(statement_id)
    try:
        made = reconciliations.close(found, by=firm_user())
    except Refused as problem:
        return _page(found, str(problem))
    flash("Closed. The report is being printed; the period is locked.", "good")
    return go(f"/firm/reconciliations/{made.id}")


@blueprint.post("/statements/<int:statement_id>/reconciliation/offsets")
@firm_only("reconcile.edit")
def match_offsets(statement_id: int) -> AnyResponse:
    """Postings that cancel each other, such as an entry and its reversal, need no line of the bank."""
    found = _find(statement_id)
    try:
        reconciliations.match(found.bank_account, [], chosen_ids("posting"), by=firm_user())
    except Refused as problem:
        return _page(found, str(problem))
    flash("They cancel each other and are not outstanding any more.", "good")
    return go(_at(found))
