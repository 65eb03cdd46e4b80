"""Who may sign in: people at the firm with their roles, and portal users. For administrators."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from flask import Response, flash
from werkzeug.wrappers import Response as AnyResponse

from portal_app.db import transaction
from portal_app.domain import erasing, factors, people, sessions
from portal_app.domain import invitations as ways_in
from portal_app.domain.errors import Refused
from portal_app.domain.people import ROLES, FirmUser, Login, PortalUser
from portal_app.firm import invitations
from portal_app.firm.blueprint import blueprint
from portal_app.firm.listing import more_of, rows_wanted, words_of
from portal_app.firm.matter_forms import Checkboxes
from portal_app.web import letters
from portal_app.web.fields import EmailLine, Line, Money
from portal_app.web.forms import Form
from portal_app.web.fragments import go, render
from portal_app.web.login import firm_only, fresh
from portal_app.web.templates import current_firm

ROLE_HINTS = {
    "administrator": "Everything, with people, gateways and settings; sees every matter.",
    "attorney": "Clients, matters, documents, time and invoices.",
    "biller": "As an attorney, and voids invoices.",
    "bookkeeper": "Reads everything, drafts and voids invoices.",
}
MODELS: dict[str, type[FirmUser] | type[PortalUser]] = {"people": FirmUser, "portal-users": PortalUser}


class FirmUserForm(Form):
    """``email`` is asked once: it is how somebody signs in."""

    name = Line("Name")
    email = EmailLine()
    roles = Checkboxes("Roles", choices={role: role.capitalize() for role in ROLES})
    title = Line("Title", most=60, is_required=False)
    rate_cents = Money("Hourly rate", may_be_zero=True, is_required=False)

    def details(self) -> dict[str, Any]:
        """As :func:`people.change_firm_user` takes them."""
        return {
            "name": self.name.data, "roles": self.roles.data or [], "title": self.title.data,
            "rate_cents": self.rate_cents.data or 0,
        }  # fmt: skip


@blueprint.get("/people")
@firm_only("people.manage")
def people_list() -> Response:
    words, wanted = words_of(), rows_wanted()
    rows, has_more = more_of(people.search_portal_users(words, limit=wanted + 1), wanted)
    return render(
        "firm/people/index.html", "portal_users", staff=invitations.cards(people.firm_users()),
        rows=invitations.cards(rows), q=words, wanted=wanted, has_more=has_more,
    )  # fmt: skip


@blueprint.get("/people/new")
@firm_only("people.manage")
@fresh
def new_firm_user() -> Response:
    return render("firm/people/edit.html", form=FirmUserForm(), who=None, hints=ROLE_HINTS)


@blueprint.post("/people")
@firm_only("people.manage")
@fresh
def add_firm_user() -> AnyResponse:
    form = FirmUserForm()
    if form.validate():
        try:
            with transaction():
                zone = current_firm().time_zone
                who = people.add_firm_user(email=form.email.data or "", time_zone=zone, **form.details())
                said = invitations.send(who)
        except Refused as problem:
            form.refuse(problem)
        else:
            flash(said, "good")
            return go("/firm/people")
    return render("firm/people/edit.html", status=422, form=form, who=None, hints=ROLE_HINTS)


@blueprint.route("/people/<int:person_id>", methods=["GET", "POST"])
@firm_only("people.manage")
@fresh
def edit_firm_user(person_id: int) -> AnyResponse:
    who: FirmUser = FirmUser.get_by_id(person_id)
    now = {"name": who.name, "title": who.title, "rate_cents": who.rate_cents, "roles": sorted(who.role_set)}
    form = FirmUserForm(data=now)
    del form.email
    if form.is_sent and form.validate():
        try:
            people.change_firm_user(who, **form.details())
        except Refused as problem:
            form.refuse(problem)
        else:
            flash("Saved.", "good")
            return go("/firm/people")
    return render("firm/people/edit.html", status=422 if form.errors else 200, form=form, who=who, hints=ROLE_HINTS)


@blueprint.post(
    "/<any(people, 'portal-users'):kind>/<int:person_id>/"
    "<any(invite, revoke, disable, enable, 'sign-out', 'reset-factors'):step>"
)
@firm_only("people.manage")
@fresh
def take_step(kind: str, person_id: int, step: str) -> AnyResponse:
    """Invite (again), revoke, disable or enable somebody, sign them out, or help them when their second factor is gone;
    disabling signs them out everywhere at once."""
    who = MODELS[kind].get_by_id(person_id)
    try:
        if isinstance(who, PortalUser) and erasing.of(who):
            raise Refused("They were erased, and have no way in any more.")
        flash(STEPS[step](who), "good")
    except Refused as problem:
        flash(str(problem), "bad")
    return go("/firm/people")


def _revoke(who: Login) -> str:
    ways_in.revoke_invitations(who)
    return f"The invitation of {who.name} no longer works."


def _disable(who: FirmUser | PortalUser) -> str:
    ways_in.disable(who)
    return f"{who.name} can no longer sign in and is signed out everywhere."


def _enable(who: FirmUser | PortalUser) -> str:
    ways_in.enable(who)
    return f"{who.name} can sign in again."


def _sign_out(who: FirmUser | PortalUser) -> str:
    count = sessions.end_all(who)
    return f"{who.name} is signed out everywhere." if count else f"{who.name} was not signed in."


def _reset_factors(who: FirmUser | PortalUser) -> str:
    with transaction():
        factors.reset(who)
        sessions.end_all(who)
        letters.way_changed(who, "The firm has taken your second factors and passkeys off your account.")
    return f"{who.name} signs in without a second factor now, and sets up a new one where the firm asks for it."


STEPS: dict[str, Callable[..., str]] = {
    "invite": invitations.send, "revoke": _revoke, "disable": _disable, "enable": _enable, "sign-out": _sign_out,
    "reset-factors": _reset_factors,
}  # fmt: skip
