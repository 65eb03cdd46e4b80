"""How the portal looks: the firm's one colour, and its logo."""

from __future__ import annotations

from flask import Response, flash, request
from flask_wtf.file import FileField
from werkzeug.datastructures import FileStorage
from werkzeug.wrappers import Response as AnyResponse

from portal_app.domain import firms, logos
from portal_app.domain.errors import Refused
from portal_app.domain.firms import BadAccent
from portal_app.firm.blueprint import blueprint
from portal_app.web.fields import Line
from portal_app.web.forms import Form
from portal_app.web.fragments import go, render
from portal_app.web.login import firm_only
from portal_app.web.templates import current_firm
from portal_app.web.uploads import chunks_of

URL = "/firm/settings/look"


class ColourForm(Form):
    accent = Line("Color of the firm", most=7)


class LogoForm(Form):
    logo = FileField("Logo")


def _page(*, form: Form | None = None, status: int = 200) -> Response:
    """``accent`` is the colour to look at; ``problem`` why it cannot be taken."""
    accent, problem = request.args.get("accent", current_firm().accent)[:20], ""
    colour = form if isinstance(form, ColourForm) else ColourForm(formdata=None, data={"accent": accent})
    logo = form if isinstance(form, LogoForm) else LogoForm(formdata=None)
    try:
        accent = firms.checked_accent(accent)
    except BadAccent as refused:
        accent, problem = "", str(refused)
    return render(
        "firm/settings/look.html", "preview", status=status, colour=colour, logo=logo, form=form or colour,
        accent=accent, night=firms.night(accent) if accent else "", problem=problem, limit=logos.LIMIT_BYTES,
    )  # fmt: skip


@blueprint.get("/settings/look")
@firm_only("firm.manage")
def look() -> Response:
    return _page()


@blueprint.post("/settings/look")
@firm_only("firm.manage")
def save_colour() -> AnyResponse:
    form = ColourForm()
    if not form.validate():
        return _page(form=form, status=422)
    try:
        firms.change(accent=form.accent.data)
    except Refused as problem:
        form.refuse(problem)
        return _page(form=form, status=422)
    flash("Saved. This is the color of the portal now.", "good")
    return go(URL)


@blueprint.post("/settings/look/logo")
@firm_only("firm.manage")
def save_logo() -> AnyResponse:
    form = LogoForm()
    file = form.logo.data
    try:
        if not isinstance(file, FileStorage) or not file.filename:
            raise Refused("Choose a picture first.", "logo")
        logos.change(chunks_of(file))
    except Refused as problem:
        form.refuse(problem)
        return _page(form=form, status=422)
    flash("Saved. The logo stands on every page and on new papers.", "good")
    return go(URL)


@blueprint.post("/settings/look/logo/remove")
@firm_only("firm.manage")
def remove_logo() -> AnyResponse:
    logos.remove()
    flash("Removed. The firm’s initial stands in its place.", "good")
    return go(URL)
