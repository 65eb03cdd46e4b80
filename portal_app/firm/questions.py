"""Payments › Questions: what about money only a person can answer."""

from __future__ import annotations

from flask import Response, abort, flash
from werkzeug.wrappers import Response as AnyResponse
from wtforms.validators import Regexp

from portal_app import gateway_setup as setup
from portal_app.domain import payments
from portal_app.domain.payments import Question
from portal_app.firm.blueprint import blueprint
from portal_app.web.fields import Hidden, Line
from portal_app.web.forms import Form
from portal_app.web.fragments import go, render
from portal_app.web.login import firm_only, firm_user
from portal_app.web.templates import plural

LIST = "/firm/payments/questions"


class AnswerForm(Form):
    note = Line("What was found?", most=200)


class AnswerAllForm(AnswerForm):
    """``upto``: the last question of the kind that was on the page; one that came since is not answered with it."""

    upto = Hidden(validators=[Regexp(r"[0-9]{1,15}\Z", message="Open this page again, then fill it in.")])


def _page(form: AnswerForm | None = None, wrong: int | str = "", status: int = 200) -> Response:
    """``wrong``: the question, or the kind of question, whose answer has to be corrected."""
    rows = payments.open_questions()
    titles = {row.gateway_id: setup.title_of(row.gateway) for row in rows if row.gateway_id}
    kinds = {kind: [row for row in rows if row.kind == kind] for kind in payments.KINDS}
    return render(
        "firm/payments/questions.html", status=status, kinds={kind: found for kind, found in kinds.items() if found},
        words=payments.KINDS, titles=titles, wrong=wrong, form=form, blank=AnswerForm(formdata=None),
        open_questions=payments.count_open(),
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


@blueprint.post("/payments/questions/all/<about>")
@firm_only("payments.resolve")
def answer_questions(about: str) -> AnyResponse:
    """One note for all of a kind that were on the page."""
    if about not in payments.KINDS:
        abort(404)
    form = AnswerAllForm()
    if not form.validate():
        return _page(form, about, 422)
    count = payments.answer_all(about, upto_id=int(form.upto.data or 0), note=form.note.data or "", by=firm_user())
    flash(f"{plural(count, 'question')} answered.", "good")
    return go(LIST)
