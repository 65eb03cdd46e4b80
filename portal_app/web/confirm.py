"""Proving once more who you are, before something that matters: by the password, a code of the app, or a passkey. The
session goes on under a new token."""

from __future__ import annotations

from flask import Response, abort, request
from werkzeug.wrappers import Response as AnyResponse
from wtforms import PasswordField
from wtforms.validators import InputRequired

from portal_app.domain import factors, passkeys, passwords, policy, throttles
from portal_app.domain.errors import Refused
from portal_app.domain.people import FirmUser, Login
from portal_app.domain.throttles import TooSoon
from portal_app.web.doors import Signed, after, too_many
from portal_app.web.forms import Form
from portal_app.web.fragments import go, render
from portal_app.web.login import home_of, person, prove_again, safe_next
from portal_app.web.second_step import WRONG, Code


class Password(Form):
    password = PasswordField("Your password", [InputRequired("Fill in this field.")])


def _who() -> Login:
    who = person()
    if who is None:
        abort(404)
    return who


def _name(who: Login) -> str:
    return f"confirm:{type(who).__name__}:{who.id}"


def count(who: Login) -> None:
    """One more try at the password of somebody signed in. Raises ``TooSoon``."""
    throttles.count({_name(who): throttles.CODES})


def forget(who: Login) -> None:
    throttles.forget(_name(who))


def said(problem: Refused | TooSoon, field: str) -> Refused:
    return problem if isinstance(problem, Refused) else Refused(str(too_many(problem)), field)


def _page(form: Form | None = None, status: int = 200) -> Response:
    who = _who()
    has_password = bool(who.password_hash) and policy.current().allows(who, "password")
    home = home_of(who)
    return render(
        "account/confirm.html", status=status, who=who, base=f"{home}/account", has_password=has_password,
        layout="layout/firm.html" if isinstance(who, FirmUser) else "layout/client.html",
        form=form, password=form if isinstance(form, Password) else Password(formdata=None),
        code=form if isinstance(form, Code) else Code(formdata=None), signed=Signed(formdata=None),
        has_app=factors.has_app(who), has_passkeys=bool(passkeys.of(who)),
        target=safe_next(request.values.get("next")) or home,
    )  # fmt: skip


def _proved(who: Login) -> AnyResponse:
    forget(who)
    prove_again()
    return go(after(who, request.form.get("next")))


def page() -> Response:
    return _page()


def by_password() -> AnyResponse:
    who, form = _who(), Password()
    if not form.validate():
        return _page(form, 422)
    try:
        count(who)
        if not passwords.is_password(who.password_hash, form.password.data or ""):
            raise Refused("This is not your password.", "password")
    except (Refused, TooSoon) as problem:
        form.refuse(said(problem, "password"))
        return _page(form, 422)
    return _proved(who)


def by_code() -> AnyResponse:
    who, form = _who(), Code()
    if not form.validate():
        return _page(form, 422)
    try:
        if not factors.use_code(who, form.code.data or ""):
            raise Refused(WRONG, "code")
    except (Refused, TooSoon) as problem:
        form.refuse(said(problem, "code"))
        return _page(form, 422)
    return _proved(who)


def options() -> Response:
    return Response(passkeys.ask_to_prove(_who()), mimetype="application/json")


def by_passkey() -> AnyResponse:
    who, form = _who(), Signed()
    try:
        count(who)
        passkeys.prove(form.answer.data or "", who)
    except (Refused, TooSoon) as problem:
        form.form_errors.append(str(said(problem, "")))
        return _page(form, 422)
    return _proved(who)
