"""Changing a matter: its facts in place, its settings page, closing and reopening it."""

from __future__ import annotations

from flask import Response, abort, flash
from werkzeug.wrappers import Response as AnyResponse

from portal_app import clock
from portal_app.db import transaction
from portal_app.domain import deposits, matters, trust
from portal_app.domain.errors import Refused
from portal_app.domain.matters import Matter
from portal_app.firm.blueprint import blueprint
from portal_app.firm.matter_facts import fact_of
from portal_app.firm.matter_forms import FACTS, AccessForm, CloseForm, MatterForm, SettingsForm
from portal_app.firm.matters import overview
from portal_app.firm.recipients import recipients_context
from portal_app.web.fragments import go, is_fragment_request, render
from portal_app.web.login import firm_only, firm_user
from portal_app.web.templates import current_firm


@blueprint.get("/matters/<int:matter_id>/facts/<field>")
@firm_only("firm.read")
def fact(matter_id: int, field: str) -> AnyResponse:
    """One fact as it stands: what leaving its form shows again."""
    matter, field = matters.find(firm_user(), matter_id), _known(field)
    return _row(matter, field) if is_fragment_request() else overview(matter, left=field)


@blueprint.route("/matters/<int:matter_id>/facts/<field>/edit", methods=["GET", "POST"])
@firm_only("matters.edit")
def edit_fact(matter_id: int, field: str) -> AnyResponse:
    """One fact of the matter's page as a form, in its place. Others that are open keep what was typed."""
    matter = matters.find(firm_user(), matter_id)
    form = _fact_form(matter, _known(field))
    if not form.is_sent:
        return _edit(matter, field, form)
    if form.validate():
        try:
            _save_fact(matter, form)
        except Refused as problem:
            form.refuse(problem)
    if form.errors:
        return _edit(matters.find(firm_user(), matter_id), field, form, status=422)
    try:
        now = matters.find(firm_user(), matter_id)
    except Matter.DoesNotExist:
        flash("Saved. This matter is hidden from you from now on.", "good")
        return go("/firm/matters")
    return _row(now, field, "matter_head") if is_fragment_request() else go(_place(now, field))


def _known(name: str) -> str:
    return name if name in FACTS else abort(404)


def _place(matter: Matter, name: str) -> str:
    return f"/firm/matters/{matter.id}#fact-{name}"


def _edit(matter: Matter, name: str, form: MatterForm | AccessForm, status: int = 200) -> Response:
    if is_fragment_request():
        return _row(matter, name, form=form, status=status)
    return overview(matter, editing=name, form=form, status=status)


def _row(matter: Matter, name: str, *blocks: str, form: object = None, status: int = 200) -> Response:
    return render(
        "firm/matters/fact.html", "fact", *blocks, status=status, matter=matter, tab="overview",
        facts=[fact_of(matter, name)], editing=name if form else "", left=name, form=form,
    )  # fmt: skip


def _fact_form(matter: Matter, field: str) -> MatterForm | AccessForm:
    if field == "access":
        return AccessForm(data=AccessForm.now(matter, matters.staff_of(matter)))
    return MatterForm.of(matter, only=field)


def _save_fact(matter: Matter, form: MatterForm | AccessForm) -> None:
    if isinstance(form, AccessForm):
        matters.set_access(matter, is_restricted=form.is_restricted, staff=form.chosen())
    else:
        matters.change(matter, **form.values())


@blueprint.get("/matters/<int:matter_id>/settings")
@firm_only("matters.edit")
def settings(matter_id: int) -> Response:
    matter = matters.find(firm_user(), matter_id)
    return settings_page(matter)


def settings_page(
    matter: Matter, *blocks: str, status: int = 200, form: SettingsForm | None = None, closing: CloseForm | None = None
) -> Response:
    """“Edit matter”; forms that were not sent show the matter as it is."""
    now = AccessForm.now(matter, matters.staff_of(matter))
    now |= {"billing_method": matter.billing_method, "limitations_on": matter.limitations_on}
    return render(
        "firm/matters/settings.html", *blocks, status=status, matter=matter, **recipients_context(matter),
        form=form or SettingsForm(formdata=None, data=now),
        closing=closing or CloseForm(formdata=None, closed_on=clock.today(current_firm().time_zone)),
        rule=deposits.evergreen_of(matter),
    )  # fmt: skip


@blueprint.post("/matters/<int:matter_id>/settings")
@firm_only("matters.edit")
def save_settings(matter_id: int) -> AnyResponse:
    matter = matters.find(firm_user(), matter_id)
    form = SettingsForm()
    if not form.validate():
        return settings_page(matter, status=422, form=form)
    with transaction():
        matters.change(matter, billing_method=form.billing_method.data, limitations_on=form.limitations_on.data)
        matters.set_access(matter, is_restricted=form.is_restricted, staff=form.chosen())
    flash("Saved.", "good")
    return go(f"/firm/matters/{matter.id}/settings")


@blueprint.post("/matters/<int:matter_id>/close")
@firm_only("matters.edit")
def close_matter(matter_id: int) -> AnyResponse:
    matter = matters.find(firm_user(), matter_id)
    form = CloseForm()
    if form.validate():
        try:
            trust.close_matter(matter, form.closed_on.data)
        except Refused as problem:
            form.refuse(problem)
        else:
            flash("The matter is closed.", "good")
            return go(f"/firm/matters/{matter.id}")
    return settings_page(matter, status=422, closing=form)


@blueprint.post("/matters/<int:matter_id>/reopen")
@firm_only("matters.edit")
def reopen_matter(matter_id: int) -> AnyResponse:
    matter = matters.find(firm_user(), matter_id)
    matters.reopen(matter)
    flash("The matter is open again.", "good")
    return go(f"/firm/matters/{matter.id}")
