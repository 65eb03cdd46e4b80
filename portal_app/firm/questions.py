"""Payments › Questions: what about money only a person can answer."""

from __future__ import annotations

from flask import Response, abort, flash
from werkzeug.wrappers import Response as AnyResponse

from portal_app import gateway_setup as setup
from portal_app.domain import payments
from portal_app.domain.payments import Question
from portal_app.firm.blueprint import blueprint
from portal_app.web.forms import Form, Line
from portal_app.web.fragments import go, render
from portal_app.web.login import firm_only, firm_user

LIST = "/firm/payments/questions"


class AnswerForm(Form):
    note = Line("What was found?", most=200)


def _page(form: AnswerForm | None = None, wrong: int = 0, status: int = 200) -> Response:
    """``wrong``: the question whose answer has to be corrected."""
    rows = payments.open_questions()
    titles = {row.gateway_id: setup.title_of(row.gateway) for row in rows if row.gateway_id}
    return render(
        "firm/payments/questions.html", status=status, rows=rows, kinds=payments.KINDS, titles=titles, wrong=wrong,
        form=form or AnswerForm(formdata=None), blank=AnswerForm(formdata=None),
    )  # fmt: skip


@blueprint.get("/payments/questions")
@firm_only("payments.resolve")
def questions() -> Response:
    return _page()


@blueprint.post("/payments/questions/<int:question_id>")
@firm_only("payments.resolve")
def answer_question(question_id: int) -> AnyResponse:
    found: Question | None = Question.get_or_none(Question.id == question_id)
    if found is None:
        abort(404)
    form = AnswerForm()
    if not form.validate():
        return _page(form, found.id, 422)
    payments.answer(found, note=form.note.data or "", by=firm_user())
    flash("Answered.", "good")
    return go(LIST)
