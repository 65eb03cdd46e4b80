"""Somebody's own account, the same for both faces: how they sign in, and where they are signed in."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from flask import Blueprint, Response, abort, flash, request
from werkzeug.wrappers import Response as AnyResponse
from wtforms import BooleanField, PasswordField
from wtforms.validators import EqualTo, InputRequired

from portal_app.db import transaction
from portal_app.domain import factors, invitations, passkeys, policy, sessions
from portal_app.domain.errors import Refused
from portal_app.domain.passwords import PASSWORD_MIN
from portal_app.domain.people import FirmUser, Login
from portal_app.domain.throttles import TooSoon
from portal_app.web import confirm, letters
from portal_app.web.doors import Signed
from portal_app.web.fields import Line
from portal_app.web.forms import Form
from portal_app.web.fragments import go, render
from portal_app.web.login import fresh, home_of, person, visit
from portal_app.web.second_step import SetUp, add_app, new_set_up, set_up_page


class ChangePassword(Form):
    old = PasswordField("Your password now", [InputRequired("Fill in this field.")])
    password = PasswordField("Choose a new one", [InputRequired("Fill in this field.")])
    again = PasswordField("Type it again", [EqualTo("password", "The two are not the same.")])
    everywhere = BooleanField("Sign out my other devices", default=True)


class NameKey(Signed):
    """A new passkey, with the name that its owner gives it."""

    name = Line("Name of the passkey", most=60, is_required=False)


class Rename(Form):
    name = Line("Name", most=60)


def me() -> Login:
    who = person()
    if who is None:
        abort(404)
    return who


def base() -> str:
    return f"{home_of(person())}/account"


def draw(template: str, *, status: int = 200, **context: Any) -> Response:
    """A page of the account on the face of its owner."""
    return render(template, status=status, layout=layout(), base=base(), **context)


def layout() -> str:
    return "layout/firm.html" if isinstance(person(), FirmUser) else "layout/client.html"


def index() -> Response:
    """How its owner signs in, and where they are signed in."""
    who, allowed = me(), policy.current()
    return draw(
        "account/index.html", rows=sessions.of(who), here=visit().row.id, keys=passkeys.of(who),
        app=factors.app_of(who), codes_left=factors.codes_left(who), is_needed=allowed.needs_factor(who),
        key_form=NameKey(formdata=None), form=None,
        ways={way: allowed.allows(who, way) for way in policy.WAYS},
    )  # fmt: skip


def end_session() -> AnyResponse:
    """Sign out one device of one's own, named by the form."""
    number = request.form.get("session", type=int) or 0
    if sessions.end_one(me(), number if number < 2**63 else 0):
        flash("That device is signed out.", "good")
    return go(base())


def end_sessions() -> AnyResponse:
    """Sign out everywhere but here."""
    sessions.end_all(me(), but=visit().row.id)
    flash("Every other device is signed out.", "good")
    return go(base())


# Password


def password() -> AnyResponse:
    """Change one's own, with the old one."""
    who, form = me(), ChangePassword()
    if not who.password_hash or not policy.current().allows(who, "password"):
        return go(base())
    if request.method == "POST" and form.validate():
        try:
            confirm.count(who)
            with transaction():
                invitations.change_password(who, form.old.data or "", form.password.data or "")
                letters.way_changed(who, "Your password was changed.")
        except (Refused, TooSoon) as problem:
            form.refuse(confirm.said(problem, "old"))
        else:
            confirm.forget(who)
            if form.everywhere.data:
                sessions.end_all(who, but=visit().row.id)
            flash("Your new password is set.", "good")
            return go(base())
    status = 422 if form.errors else 200
    return draw("account/password.html", status=status, form=form, who=who, least=PASSWORD_MIN)


# An authenticator app, and recovery codes


def app() -> AnyResponse:
    who = me()
    if request.method != "POST":
        return set_up_page("account/app.html", new_set_up(who), who, layout=layout(), base=base())
    form = SetUp()
    with transaction():
        codes = add_app(form, who)
        if codes:
            letters.way_changed(who, "An authenticator app was set up as your second factor.")
    if not codes:
        return set_up_page("account/app.html", form, who, 422, layout=layout(), base=base())
    return draw("account/codes.html", codes=codes)


def remove_app() -> AnyResponse:
    who = me()
    if policy.current().needs_factor(who) and not passkeys.of(who):
        flash(
            "The firm asks for a second factor. Add a passkey first, or set up another app in place of this one.", "bad"
        )
        return go(base())
    with transaction():
        factors.remove_app(who)
        letters.way_changed(who, "Your authenticator app was removed: signing in no longer asks for its code.")
    flash("The app is removed.", "good")
    return go(base())


def new_codes() -> AnyResponse:
    """Fresh recovery codes, shown once."""
    who = me()
    if not factors.has_any(who):
        return go(base())
    with transaction():
        codes = factors.new_codes(who)
        letters.way_changed(who, "New recovery codes were made. The ones before no longer work.")
    return draw("account/codes.html", codes=codes)


# Passkeys


def key_options() -> Response:
    """What the browser needs to make a passkey, for our script; JSON."""
    return Response(passkeys.ask_to_register(me()), mimetype="application/json")


def add_key() -> AnyResponse:
    who, form = me(), NameKey()
    try:
        if not policy.current().allows(who, "passkey"):
            raise Refused("The firm does not allow passkeys.")
        if not form.validate():
            raise Refused("The passkey was not saved. Its name may have 60 characters.")
        with transaction():
            passkeys.register(who, form.answer.data or "", form.name.data or "")
            letters.way_changed(who, "A passkey was added to your account.")
        flash("The passkey is saved. You can sign in with it from now on.", "good")
    except Refused as problem:
        flash(str(problem), "bad")
    return go(base())


def rename_key(public_id: str) -> AnyResponse:
    who, form = me(), Rename()
    if public_id not in {key.public_id for key in passkeys.of(who)}:
        abort(404)
    if form.validate():
        passkeys.rename(who, public_id, form.name.data or "")
    else:
        flash("Give the passkey a name of at most 60 characters.", "bad")
    return go(base())


def remove_key(public_id: str) -> AnyResponse:
    who = me()
    mine = passkeys.of(who)
    is_last = [key.public_id for key in mine] == [public_id] and not factors.has_app(who)
    if is_last and policy.current().needs_factor(who):
        flash("The firm asks for a second factor. Set up an app first, or add another passkey.", "bad")
        return go(base())
    with transaction():
        if not passkeys.remove(who, public_id):
            abort(404)
        letters.way_changed(who, "A passkey was removed from your account.")
    flash("The passkey is removed.", "good")
    return go(base())


# Path, method, view; and whether its owner must have proved lately who they are
ROUTES: tuple[tuple[str, str, Callable[..., AnyResponse], bool], ...] = (
    ("", "GET", index, False),
    ("/sessions/end", "POST", end_session, False),
    ("/sessions/end-others", "POST", end_sessions, False),
    ("/password", "GET", password, False),
    ("/password", "POST", password, False),
    ("/app", "GET", app, True),
    ("/app", "POST", app, True),
    ("/app/remove", "POST", remove_app, True),
    ("/codes", "POST", new_codes, True),
    ("/passkeys/options", "POST", key_options, True),
    ("/passkeys", "POST", add_key, True),
    ("/passkeys/<public_id>/rename", "POST", rename_key, True),
    ("/passkeys/<public_id>/remove", "POST", remove_key, True),
    ("/confirm", "GET", confirm.page, False),
    ("/confirm", "POST", confirm.by_password, False),
    ("/confirm/code", "POST", confirm.by_code, False),
    ("/confirm/passkey/options", "POST", confirm.options, False),
    ("/confirm/passkey", "POST", confirm.by_passkey, False),
)


def add_routes(blueprint: Blueprint, guard: Callable[[Any], Any]) -> None:
    """The account's pages on one face; ``guard`` is its door."""
    for path, method, view, is_fresh in ROUTES:
        blueprint.add_url_rule(
            f"/account{path}", f"account_{view.__module__.rpartition('.')[2]}_{view.__name__}_{method}",
            guard(fresh(view) if is_fresh else view), methods=[method],
        )  # fmt: skip
