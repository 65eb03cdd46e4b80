"""Settings › Trust: by which state's rules the firm keeps its clients' money."""

from __future__ import annotations

from flask import Response, flash
from werkzeug.wrappers import Response as AnyResponse

from portal_app.domain import trust
from portal_app.domain.errors import Refused
from portal_app.firm.blueprint import blueprint
from portal_app.firm.trust_forms import PolicyForm
from portal_app.web.fragments import go, render
from portal_app.web.login import firm_only, firm_user

HERE = "/firm/settings/trust"


def _page(form: PolicyForm, status: int = 200) -> Response:
    return render("firm/settings/trust.html", status=status, form=form, pack=trust.pack(), packs=trust.packs())


@blueprint.get("/settings/trust")
@firm_only("firm.manage")
def trust_settings() -> Response:
    now = trust.in_force()
    return _page(PolicyForm(data={"pack": now.pack, "float_cap": now.float_cap_cents}))


@blueprint.post("/settings/trust")
@firm_only("firm.manage")
def save_trust_settings() -> AnyResponse:
    form = PolicyForm()
    try:
        if not form.validate():
            return _page(form, 422)
        trust.choose(form.pack.data, float_cap_cents=form.float_cap.data or 0, by=firm_user())
    except Refused as problem:
        form.refuse(problem)
        return _page(form, 422)
    flash("Saved. The rules hold from now on; what is booked stays booked.", "good")
    return go(HERE)
