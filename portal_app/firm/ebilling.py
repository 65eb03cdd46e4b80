"""What LEDES files say of the firm and its timekeepers: one form, for administrators."""

from __future__ import annotations

from typing import Any

from flask import Response, flash
from werkzeug.wrappers import Response as AnyResponse

from portal_app.db import transaction
from portal_app.domain import firms, people
from portal_app.domain.people import TIMEKEEPER_CLASSES, FirmUser
from portal_app.firm.blueprint import blueprint
from portal_app.web.fields import Choice, Line
from portal_app.web.forms import Form
from portal_app.web.fragments import go, render
from portal_app.web.login import firm_only
from portal_app.web.templates import current_firm


class EbillingForm(Form):
    law_firm_id = Line("Law firm ID", most=20, is_required=False)


def _form(staff: list[FirmUser], **kwargs: Any) -> EbillingForm:
    """With two fields for each of the staff."""
    fields: dict[str, Any] = {}
    for who in staff:
        fields[f"id_{who.id}"] = Line("Timekeeper ID", most=20, is_required=False)
        choices = {"": "Not said", **TIMEKEEPER_CLASSES}
        fields[f"class_{who.id}"] = Choice("Classification", choices=choices, default="")
    form: EbillingForm = type("StaffEbillingForm", (EbillingForm,), fields)(**kwargs)
    return form


def _page(form: EbillingForm, staff: list[FirmUser], status: int = 200) -> Response:
    return render("firm/settings/ebilling.html", status=status, form=form, staff=staff)


@blueprint.get("/settings/e-billing")
@firm_only("firm.manage")
def ebilling() -> Response:
    staff = people.firm_users()
    now: dict[str, Any] = {"law_firm_id": current_firm().law_firm_id}
    for who in staff:
        now |= {f"id_{who.id}": who.timekeeper_id, f"class_{who.id}": who.timekeeper_class}
    return _page(_form(staff, data=now), staff)


@blueprint.post("/settings/e-billing")
@firm_only("firm.manage")
def save_ebilling() -> AnyResponse:
    staff = people.firm_users()
    form = _form(staff)
    if not form.validate():
        return _page(form, staff, 422)
    with transaction():
        firms.change(law_firm_id=form.law_firm_id.data or "")
        for who in staff:
            said = {"timekeeper_id": form[f"id_{who.id}"].data or "", "timekeeper_class": form[f"class_{who.id}"].data}
            if said != {name: getattr(who, name) for name in said}:
                people.change_timekeeper(who, **said)
    flash("Saved. LEDES files say it from now on.", "good")
    return go("/firm/settings/e-billing")
