"""Statements: a bank's file is brought, read, shown and imported; what it brought."""

from __future__ import annotations

from dataclasses import replace

from flask import Response, flash, request
from werkzeug.datastructures import MultiDict
from werkzeug.wrappers import Response as AnyResponse

from portal_app.domain import reconciliations, statements, throttles
from portal_app.domain.errors import Refused
from portal_app.domain.statements import BankStatement
from portal_app.firm import reconciliations as pages
from portal_app.firm.blueprint import blueprint
from portal_app.firm.statement_forms import StatementFileForm, StatementForm, delimiter_of, drawn, fill
from portal_app.web.fragments import go, render
from portal_app.web.login import firm_only, firm_user
from portal_app.web.templates import plural
from portal_app.web.uploads import chunks_of

SHOWN = 12  # rows of a preview, from the beginning and from the end


def at(statement: BankStatement) -> str:
    return f"/firm/statements/{statement.id}"


@blueprint.post("/reconciliations/accounts/<int:bank_account_id>/statements")
@firm_only("reconcile.edit")
def upload_statement(bank_account_id: int) -> AnyResponse:
    account, form = statements.account(bank_account_id), StatementFileForm()
    if not form.validate():
        return pages.account_page(account, form, 422)
    throttles.count({f"upload:{firm_user().id}": throttles.UPLOADS})
    file = form.file.data
    try:
        made = statements.upload(
            account, name=file.filename or "", chunks=chunks_of(file), by=firm_user(), key=form.key.data
        )
    except Refused as problem:
        form.refuse(problem)
        return pages.account_page(account, form, 422)
    return go(at(made))


@blueprint.get("/statements/<int:statement_id>")
@firm_only("reconcile.read")
def statement(statement_id: int) -> Response:
    found = statements.find(statement_id)
    if found.is_imported:
        return lines_page(found)
    form = _form(found, request.args)
    if request.args:
        form.validate()
    return _reading(found, form)


def _form(found: BankStatement, said: MultiDict[str, str] | None) -> StatementForm:
    """The form for a file; ``said``: what a preview asks for, ``None``: it was sent."""
    if found.format != "table":
        return drawn(None, [], said)
    kept = statements.mapping_for(found)
    mark, skip = delimiter_of(request.form if said is None else said, kept)
    return drawn(kept, statements.column_names(found, replace(kept, delimiter=mark, skip=skip)), said)


def _reading(found: BankStatement, form: StatementForm, status: int = 200) -> Response:
    """How a file is read, and what comes of it so."""
    shown = statements.preview(found, form.mapping, **form.given())
    why = [message for errors in form.errors.values() for message in errors] or [
        str(refusal) for refusal in statements.check(found, shown)
    ]
    fill(form, shown)
    rows = [row for row, _ in shown.fresh]
    return render(
        "firm/statements/reading.html", "preview", status=status, statement=found, form=form, shown=shown, why=why,
        first=rows[:SHOWN], last=rows[SHOWN:][-SHOWN:], left_out=max(len(rows) - 2 * SHOWN, 0),
        is_table=found.format == "table", problems=shown.parsed.problems[:SHOWN], notes=shown.parsed.notes[:SHOWN],
    )  # fmt: skip


@blueprint.post("/statements/<int:statement_id>/import")
@firm_only("reconcile.edit")
def import_statement(statement_id: int) -> AnyResponse:
    found = statements.find(statement_id)
    if found.is_imported:
        return go(at(found))
    form = _form(found, None)
    if not form.validate():
        return _reading(found, form, 422)
    try:
        made = statements.import_statement(found, form.mapping, **form.given(), by=firm_user())
    except Refused as problem:
        form.refuse(problem)
        return _reading(found, form, 422)
    known = f" {plural(made.known, 'entry was', 'entries were')} known already." if made.known else ""
    flash(f"{plural(len(made.fresh), 'entry', 'entries')} imported.{known}", "good")
    return go(at(found))


@blueprint.post("/statements/<int:statement_id>/remove")
@firm_only("reconcile.edit")
def remove_statement(statement_id: int) -> AnyResponse:
    found = statements.find(statement_id)
    try:
        statements.remove(found)
    except Refused as problem:
        flash(str(problem), "bad")
        return go(at(found))
    flash(f"{found.file_name} is thrown away.", "good")
    return go(pages.at(found.bank_account))


# What it brought


def lines_page(found: BankStatement, status: int = 200) -> Response:
    lines = statements.lines_of(found)
    until = reconciliations.locked_until(found.bank_account)
    is_closed = until is not None and found.ends_on <= until
    standings = reconciliations.standings(lines)
    suggested = {} if is_closed else reconciliations.suggestions(found)
    settled = [row for row in lines if row.id in standings or row.explanation]
    return render(
        "firm/statements/show.html", status=status, statement=found, lines=lines, standings=standings,
        suggested=suggested, is_closed=is_closed, words=reconciliations.words_of, left=len(lines) - len(settled),
        explanations=statements.EXPLANATIONS,
    )  # fmt: skip
