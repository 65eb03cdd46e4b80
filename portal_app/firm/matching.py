"""One line of the bank: what it is in the books, accepted, looked for, taken back, or explained."""

from __future__ import annotations

from flask import Response, flash, request
from werkzeug.wrappers import Response as AnyResponse

from portal_app.domain import reconciliations, statements
from portal_app.domain.errors import Refused
from portal_app.domain.statements import StatementLine
from portal_app.firm import statements as pages
from portal_app.firm.blueprint import blueprint
from portal_app.web.fields import Line
from portal_app.web.forms import Form
from portal_app.web.fragments import go, render
from portal_app.web.login import firm_only, firm_user
from portal_app.web.templates import plural

ID_DIGITS = 15


class ExplainForm(Form):
    note = Line("What did the bank do wrong?", most=200)


def chosen_ids(name: str) -> list[int]:
    """The ids that were chosen; what is no id is left out."""
    return [
        int(text) for text in request.values.getlist(name)
        if text.isascii() and text.isdigit() and len(text) <= ID_DIGITS
    ]  # fmt: skip


def _line_page(
    line: StatementLine, form: ExplainForm | None = None, problem: str = "", block: str = "found"
) -> Response:
    """The line; while it is open with what it may be. What is chosen stays, whatever is searched for next."""
    words = " ".join(request.values.get("q", "").split())[:100]
    standing = reconciliations.standings([line]).get(line.id)
    is_open = standing is None and not line.explanation
    sums = reconciliations.chosen(line.bank_account, [line.id, *chosen_ids("line")], chosen_ids("posting"))
    chosen = {row.id for row in sums.postings}, {row.id for row in sums.lines}
    found = reconciliations.candidates(line, words) if is_open else []
    others = reconciliations.other_lines(line, words) if is_open else []
    return render(
        "firm/statements/line.html", block, status=422 if form or problem else 200, line=line, standing=standing,
        found=[row for row in found if row.id not in chosen[0]], q=words, sums=sums, problem=problem,
        others=[row for row in others if row.id not in chosen[1]], form=form or ExplainForm(formdata=None),
        words=reconciliations.words_of, explanations=statements.EXPLANATIONS, is_open=is_open, books=_books_of(line),
    )  # fmt: skip


def _books_of(line: StatementLine) -> list[tuple[str, str, str]]:
    """Where what the books lack is booked: what it is, where, and which action that takes. Nothing is booked here."""
    account = line.bank_account
    if account.fund != "trust":
        return [("Payments and what gateways paid out", "/firm/payments", "payments.read")]
    return [
        ("The bank’s charge, the firm’s float", f"/firm/trust/accounts/{account.id}", "trust.manage"),
        ("A receipt or a payment out: the matter’s trust page", "/firm/trust", "trust.read"),
    ]


@blueprint.get("/statement-lines/<int:line_id>")
@firm_only("reconcile.read")
def statement_line(line_id: int) -> Response:
    return _line_page(statements.find_line(line_id))


@blueprint.get("/statement-lines/<int:line_id>/sums")
@firm_only("reconcile.read")
def chosen_sums(line_id: int) -> Response:
    """What is chosen comes to so much at the bank and so much in the books."""
    return _line_page(statements.find_line(line_id), block="sums")


@blueprint.post("/statement-lines/<int:line_id>/match")
@firm_only("reconcile.edit")
def match_line(line_id: int) -> AnyResponse:
    """This line, and perhaps others of the bank, are these postings: as many of each as come to one sum."""
    line = statements.find_line(line_id)
    try:
        reconciliations.match(line.bank_account, [line.id, *chosen_ids("line")], chosen_ids("posting"), by=firm_user())
    except Refused as problem:
        return _line_page(line, problem=str(problem))
    flash("Matched.", "good")
    return go(f"{pages.at(line.statement)}#line-{line.id}")


@blueprint.post("/statement-lines/<int:line_id>/explanation")
@firm_only("reconcile.edit")
def explain_line(line_id: int) -> AnyResponse:
    line, form = statements.find_line(line_id), ExplainForm()
    if not form.validate():
        return _line_page(line, form)
    try:
        reconciliations.explain(line, explanation="bank_error", note=form.note.data or "", by=firm_user())
    except Refused as problem:
        form.refuse(problem)
        return _line_page(line, form)
    flash("Noted. It stands in the reconciliation by this name.", "good")
    return go(f"{pages.at(line.statement)}#line-{line.id}")


@blueprint.post("/statement-lines/<int:line_id>/open")
@firm_only("reconcile.edit")
def open_line(line_id: int) -> AnyResponse:
    """Take back what was said about a line: its match, or its explanation."""
    line = statements.find_line(line_id)
    standing = reconciliations.standings([line]).get(line.id)
    try:
        if standing is not None:
            reconciliations.unmatch(standing.match)
        else:
            reconciliations.explain(line, explanation="", note="", by=firm_user())
    except Refused as problem:
        flash(str(problem), "bad")
    else:
        flash("Taken back. The line is open again.", "good")
    return go(f"{pages.at(line.statement)}#line-{line.id}")


@blueprint.post("/statements/<int:statement_id>/matches")
@firm_only("reconcile.edit")
def accept_suggestions(statement_id: int) -> AnyResponse:
    """One suggestion, or all that were on the page: only those of lines that are named."""
    found = statements.find(statement_id)
    try:
        count = reconciliations.accept_all(found, chosen_ids("line"), by=firm_user())
    except Refused as problem:
        flash(str(problem), "bad")
        return go(pages.at(found))
    if count:
        flash(f"{plural(count, 'line')} matched.", "good")
    else:
        flash("Nothing was matched: what was suggested has changed meanwhile.", "wait")
    return go(pages.at(found))
