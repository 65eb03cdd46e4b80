"""Reconciliations: which accounts are due, an account's statements and closings, and one closing with its report."""

from __future__ import annotations

from flask import Response, abort, flash
from werkzeug.wrappers import Response as AnyResponse

from portal_app import clock
from portal_app.domain import banks, matters, reconciliations, statements, store
from portal_app.domain.banks import BankAccount
from portal_app.domain.errors import Refused
from portal_app.domain.reconciliations import Reconciliation
from portal_app.firm.blueprint import blueprint
from portal_app.firm.statement_forms import StatementFileForm
from portal_app.web import files
from portal_app.web.fields import Line
from portal_app.web.forms import Form
from portal_app.web.fragments import go, render
from portal_app.web.login import firm_only, firm_user
from portal_app.web.templates import zone


class ReopenForm(Form):
    reason = Line("Why does it have to be opened again?", most=200)


def at(account: BankAccount) -> str:
    return f"/firm/reconciliations/accounts/{account.id}"


@blueprint.get("/reconciliations")
@firm_only("reconcile.read")
def reconciliations_index() -> Response:
    return render(
        "firm/reconciliations/index.html", rows=reconciliations.overview(banks.bank_accounts(), clock.today(zone())),
        rules=reconciliations.rules(),
    )  # fmt: skip


@blueprint.get("/reconciliations/accounts/<int:bank_account_id>")
@firm_only("reconcile.read")
def reconciled_account(bank_account_id: int) -> Response:
    return account_page(statements.account(bank_account_id))


def account_page(account: BankAccount, form: StatementFileForm | None = None, status: int = 200) -> Response:
    closed = reconciliations.of_account(account)
    return render(
        "firm/reconciliations/account.html", status=status, account=account, statements=statements.of_account(account),
        closed=closed, due=reconciliations.due_of(account, clock.today(zone())), form=form or StatementFileForm(),
        until=reconciliations.locked_until(account), most_mb=statements.MOST_BYTES // (1024 * 1024),
        covered={row.statement_id: row.id for row in closed if row.reopening is None},
    )  # fmt: skip


@blueprint.get("/reconciliations/<int:reconciliation_id>")
@firm_only("reconcile.read")
def reconciliation(reconciliation_id: int) -> Response:
    return _page(reconciliations.find(reconciliation_id))


def _page(closed: Reconciliation, form: ReopenForm | None = None) -> Response:
    ids = {row["matter_id"] for row in closed.facts["clients"] if row["matter_id"]}
    last = reconciliations.last_of(closed.bank_account)
    return render(
        "firm/reconciliations/show.html", status=422 if form else 200, closed=closed, facts=closed.facts,
        seen=matters.among(firm_user(), ids), is_last=last is not None and last.id == closed.id,
        form=form or ReopenForm(formdata=None),
    )  # fmt: skip


@blueprint.get("/reconciliations/<int:reconciliation_id>/pdf")
@firm_only("reconcile.read")
def reconciliation_pdf(reconciliation_id: int) -> Response:
    """The report as it was printed when the period was closed."""
    closed = reconciliations.find(reconciliation_id)
    if closed.report is None:
        abort(404)
    name = f"Reconciliation {closed.bank_account.name} {closed.ends_on.isoformat()}.pdf"
    return files.send_pdf(store.read(closed.report.storage_key), name, about=closed, as_download=False)


@blueprint.post("/reconciliations/<int:reconciliation_id>/reopening")
@firm_only("reconcile.reopen")
def reopen_reconciliation(reconciliation_id: int) -> AnyResponse:
    closed, form = reconciliations.find(reconciliation_id), ReopenForm()
    if not form.validate():
        return _page(closed, form)
    try:
        reconciliations.reopen(closed, reason=form.reason.data or "", by=firm_user())
    except Refused as problem:
        form.refuse(problem)
        return _page(closed, form)
    flash("Opened again. The closing and its report stay on record.", "wait")
    return go(at(closed.bank_account))
