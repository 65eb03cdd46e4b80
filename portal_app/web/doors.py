"""The doors: sign in and out by password or passkey. Nothing here tells a stranger who has an account: the answers are
the same, and take the same time."""

from __future__ import annotations

import logging

from flask import Blueprint, Response, flash, request
from werkzeug.wrappers import Response as AnyResponse
from wtforms import PasswordField
from wtforms.validators import InputRequired

from portal_app.db import db
from portal_app.domain import passkeys, policy, sign_ins, throttles
from portal_app.domain.errors import Refused
from portal_app.domain.people import FirmUser, PortalUser
from portal_app.domain.throttles import TooSoon
from portal_app.web import callers
from portal_app.web.fields import Hidden, Line
from portal_app.web.forms import Form
from portal_app.web.fragments import go, render
from portal_app.web.login import home_of, person, public, safe_next, sign_in, sign_out

log = logging.getLogger(__name__)
blueprint = Blueprint("doors", __name__)


class SignIn(Form):
    email = Line("E-mail", most=254)
    password = PasswordField("Password", [InputRequired("Fill in this field.")])


class Signed(Form):
    """What a passkey has signed; our script fills it in."""

    answer = Hidden("", [InputRequired("The passkey did not answer. Try again.")])


@blueprint.get("/")
@public
def start() -> AnyResponse:
    return go(home_of(person()))


@blueprint.get("/health")
@public
def health() -> Response:
    """For watchdogs: the database answers. When it does not, the error handler says 503."""
    db.execute_sql("SELECT 1")
    return Response("ok\n", mimetype="text/plain")


# Signing in


def after(who: FirmUser | PortalUser, target: str | None) -> str:
    """Where to go: the page that was asked for if it is on this person's side, otherwise home."""
    home, wanted = home_of(who), safe_next(target)
    return wanted if wanted and (wanted + "/").startswith((home + "/", home + "?")) else home


def sign_in_page(form: Form, status: int = 200) -> Response:
    """``form`` is a :class:`SignIn`, or a refused other way in, whose sentences it shows."""
    shown = form if isinstance(form, SignIn) else SignIn(formdata=None)
    if shown is not form:
        shown.form_errors = [*form.form_errors, *(text for field in form for text in field.errors)]
    target = safe_next(request.values.get("next")) or ""
    return render(
        "doors/sign_in.html", status=status, form=shown, target=target, signed=Signed(formdata=None),
        policy=policy.current(),
    )  # fmt: skip


def too_many(problem: TooSoon) -> Refused:
    minutes = (problem.seconds + 59) // 60
    return Refused(f"There were too many tries. Wait {minutes} minute{'s' if minutes > 1 else ''}.", "code")


def too_soon(form: Form, problem: TooSoon) -> Response:
    """The sign-in page once more, with what helps meanwhile."""
    minutes = (problem.seconds + 59) // 60
    form.form_errors.append(
        f"There were too many tries. Wait {minutes} minute{'s' if minutes > 1 else ''}, or have a link e-mailed to you."
    )
    answer = sign_in_page(form, 429)
    answer.headers["Retry-After"] = str(problem.seconds)
    return answer


@blueprint.get("/sign-in")
@public
def show_sign_in() -> AnyResponse:
    who = person()
    return sign_in_page(SignIn()) if who is None else go(after(who, request.args.get("next")))


@blueprint.post("/sign-in")
@public
def enter() -> AnyResponse:
    form = SignIn()
    if not form.validate():
        return sign_in_page(form, 422)
    try:
        who = sign_ins.by_password(form.email.data or "", form.password.data or "", callers.caller())
    except TooSoon as problem:
        log.warning("too many tries to sign in, from %s", callers.address())
        return too_soon(form, problem)
    if who is None:
        log.warning("sign-in refused, from %s", callers.address())
        form.form_errors.append("This e-mail address and this password do not belong together.")
        return sign_in_page(form, 422)
    return let_in(who)


def let_in(who: FirmUser | PortalUser, *, has_both: bool = False) -> AnyResponse:
    """On to where they wanted, or to the second factor."""
    target = request.form.get("next")
    is_whole = sign_in(who, has_both=has_both)
    log.info("%s %s proved who they are, from %s", type(who).__name__, who.id, callers.address())
    if is_whole:
        return go(after(who, target))
    wanted = safe_next(target)
    return go("/sign-in/code" + (f"?{_query(wanted)}" if wanted else ""))


def _query(target: str) -> str:
    from urllib.parse import urlencode

    return urlencode({"next": target})


@blueprint.post("/sign-in/passkey/options")
@public
def passkey_options() -> Response:
    """What the browser needs to look for a passkey, for our script; JSON."""
    throttles.count({f"passkey-from:{callers.address()}": throttles.ADDRESS})
    return Response(passkeys.ask_to_prove(None), mimetype="application/json")


@blueprint.post("/sign-in/passkey")
@public
def enter_by_passkey() -> AnyResponse:
    form = Signed()
    if not form.validate():
        return sign_in_page(form, 422)
    try:
        who = passkeys.prove(form.answer.data or "", None)
        if not policy.current().allows(who, "passkey"):
            raise Refused(passkeys.NOT_ACCEPTED)
    except Refused as problem:
        log.warning("passkey refused, from %s", callers.address())
        form.form_errors.append(str(problem))
        return sign_in_page(form, 422)
    throttles.take_back(f"passkey-from:{callers.address()}")
    return let_in(who, has_both=True)


@blueprint.post("/sign-out")
@public
def leave() -> AnyResponse:
    """The server forgets the session, the browser what it kept. ``cookies`` would reach the firm's other sites, and
    forget that this device is known."""
    sign_out()
    flash("You are signed out.", "good")
    response = go("/sign-in")
    response.headers["Clear-Site-Data"] = '"cache", "storage"'
    return response
