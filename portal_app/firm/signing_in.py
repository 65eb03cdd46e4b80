"""Settings › Signing in: which ways the firm allows, and whom it asks for a second factor."""

from __future__ import annotations

from flask import Response, flash
from werkzeug.wrappers import Response as AnyResponse
from wtforms import BooleanField

from portal_app import config
from portal_app.domain import factors, people, policy, sessions
from portal_app.domain.errors import Refused
from portal_app.domain.people import ROLES
from portal_app.domain.policy import Policy
from portal_app.firm.blueprint import blueprint
from portal_app.firm.matter_forms import Checkboxes
from portal_app.web.fields import Line
from portal_app.web.forms import Form
from portal_app.web.fragments import go, render
from portal_app.web.login import firm_only, firm_user, fresh

URL = "/firm/settings/signing-in"
WAYS = {"password": "A password", "link": "An e-mailed link, without a password", "passkey": "A passkey"}


class PolicyForm(Form):
    """All of it at once."""

    client_ways = Checkboxes("Clients sign in with", choices=WAYS)
    staff_ways = Checkboxes("People of the firm sign in with", choices=WAYS)
    factor_roles = Checkboxes("Who of the firm needs one", choices={role: role.capitalize() for role in ROLES})
    client_factor = BooleanField("Clients need one, too")
    reason = Line("Why administrators need none", most=200, is_required=False)


def _page(form: PolicyForm, status: int = 200) -> Response:
    now = config.active()
    return render("firm/settings/signing_in.html", status=status, form=form, limits=now, current=policy.current())


@blueprint.get("/settings/signing-in")
@firm_only("firm.manage")
@fresh
def signing_in() -> Response:
    now = policy.current()
    return _page(
        PolicyForm(
            data={
                "client_ways": now.client_ways.split(), "staff_ways": now.staff_ways.split(), "reason": now.reason,
                "factor_roles": now.factor_roles.split(), "client_factor": now.client_factor,
            }
        )
    )  # fmt: skip


@blueprint.post("/settings/signing-in")
@firm_only("firm.manage")
@fresh
def save_signing_in() -> AnyResponse:
    form, me = PolicyForm(), firm_user()
    if not form.validate():
        return _page(form, 422)
    try:
        if me.has_role(*(form.factor_roles.data or [])) and not factors.has_any(me):
            raise Refused(
                "Set up your own second factor first, under Account: you would be signed out.", "factor_roles"
            )
        made = policy.change(
            client_ways=form.client_ways.data or [], staff_ways=form.staff_ways.data or [],
            client_factor=bool(form.client_factor.data), factor_roles=form.factor_roles.data or [],
            reason=form.reason.data or "", by=me,
        )  # fmt: skip
    except Refused as problem:
        form.refuse(problem)
        return _page(form, 422)
    count = _sign_out_those_without(made)
    more = f" {count} who had no second factor yet must sign in again." if count else ""
    flash(f"Saved. It holds from the next sign-in on.{more}", "good")
    return go(URL)


def _sign_out_those_without(made: Policy) -> int:
    """Whoever of the firm is signed in without the factor that is asked for now signs in anew. Returns how many."""
    needing = [who for who in people.active_firm_users() if made.needs_factor(who) and not factors.has_any(who)]
    return sum(sessions.end_all(who) > 0 for who in needing)
