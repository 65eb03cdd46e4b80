"""Between the password and the session: the code of an app, a recovery code, a passkey; or setting up an app, where the
firm asks for a second factor and there is none yet."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps

from flask import Response, request
from werkzeug.wrappers import Response as AnyResponse
from wtforms.validators import InputRequired

from portal_app import vault
from portal_app.domain import factors, passkeys, throttles
from portal_app.domain.errors import Refused
from portal_app.domain.people import FirmUser, Login, PortalUser
from portal_app.domain.sessions import Session
from portal_app.domain.throttles import TooSoon
from portal_app.web import qr
from portal_app.web.doors import Signed, after, blueprint, too_many
from portal_app.web.fields import Hidden, Line
from portal_app.web.forms import Form
from portal_app.web.fragments import go, render
from portal_app.web.login import complete, half, public, safe_next

WRONG = "This code is not right, or was used before. Type the newest one."


class Code(Form):
    code = Line("Code", most=60)


class SetUp(Form):
    """``sealed`` is the secret that the QR code shows, sealed with whose it is to become."""

    sealed = Hidden("", [InputRequired("This form has lost a part. Reload the page and try again.")])
    code = Line("Code that the app shows", most=12)


# Setting up an app, here and on the account's pages


def new_set_up(who: Login) -> SetUp:
    """The form with a fresh secret."""
    form = SetUp(formdata=None)
    form.sealed.data = vault.seal(f"{type(who).__name__} {who.id} {factors.new_secret()}")
    return form


def secret_of(form: SetUp, who: Login) -> str:
    """The secret that the form carries; empty when it is not one that was shown to ``who``."""
    try:
        kind, number, secret = vault.unseal(form.sealed.data or "").split()
    except (vault.Unreadable, ValueError):
        return ""
    return secret if (kind, number) == (type(who).__name__, str(who.id)) else ""


def set_up_page(template: str, form: SetUp, who: Login, status: int = 200, **context: object) -> Response:
    secret = secret_of(form, who)
    if not secret:
        errors, form = form.form_errors, new_set_up(who)
        secret, form.form_errors = secret_of(form, who), errors
    address = factors.address_of(who, secret)
    groups = [secret[at : at + 4] for at in range(0, len(secret), 4)]
    return render(
        template, status=status, form=form, qr=qr.svg(address, "The QR code of your secret"), secret=" ".join(groups),
        **context,
    )  # fmt: skip


def add_app(form: SetUp, who: Login) -> list[str]:
    """Fresh recovery codes; empty when the form has to be corrected, with the reasons at its fields."""
    if not form.validate():
        return []
    secret = secret_of(form, who)
    try:
        if not secret:
            raise Refused("This form was open for too long. Scan the new code.")
        return factors.add_app(who, secret, form.code.data or "")
    except TooSoon as problem:
        form.refuse(too_many(problem))
    except Refused as problem:
        form.refuse(problem)
    return []


# The step itself


def _waiting(view: Callable[[Session], AnyResponse]) -> Callable[[], AnyResponse]:
    """The route is for a browser whose second factor is still to come; others begin at the sign-in page."""

    @wraps(view)
    def checked() -> AnyResponse:
        row = half()
        return go("/sign-in") if row is None else view(row)

    return checked


def _page(who: FirmUser | PortalUser, form: Code, status: int = 200) -> Response:
    return render(
        "doors/code.html", status=status, form=form, signed=Signed(formdata=None), has_app=factors.has_app(who),
        has_passkeys=bool(passkeys.of(who)), target=_target(),
    )  # fmt: skip


def _target() -> str:
    return safe_next(request.values.get("next")) or ""


@blueprint.get("/sign-in/code")
@public
@_waiting
def show_code(row: Session) -> AnyResponse:
    who = row.login
    if factors.has_any(who):
        return _page(who, Code())
    return set_up_page("doors/set_up.html", new_set_up(who), who, target=_target())


@blueprint.post("/sign-in/code")
@public
@_waiting
def enter_code(row: Session) -> AnyResponse:
    who, form = row.login, Code()
    if not form.validate():
        return _page(who, form, 422)
    try:
        is_right = factors.use_code(who, form.code.data or "")
    except TooSoon as problem:
        form.refuse(too_many(problem))
        return _page(who, form, 429)
    if not is_right:
        form.refuse(Refused(WRONG, "code"))
        return _page(who, form, 422)
    complete(row)
    return go(after(who, request.form.get("next")))


@blueprint.post("/sign-in/code/passkey/options")
@public
@_waiting
def code_passkey_options(row: Session) -> AnyResponse:
    return Response(passkeys.ask_to_prove(row.login), mimetype="application/json")


@blueprint.post("/sign-in/code/passkey")
@public
@_waiting
def enter_code_by_passkey(row: Session) -> AnyResponse:
    form, who = Signed(), row.login
    try:
        throttles.count({f"code-passkey:{row.id}": throttles.CODES})
        passkeys.prove(form.answer.data or "", who)
    except (Refused, TooSoon) as problem:
        page = Code(formdata=None)
        page.form_errors.append(str(problem) if isinstance(problem, Refused) else str(too_many(problem)))
        return _page(who, page, 422)
    complete(row)
    return go(after(who, request.form.get("next")))


@blueprint.post("/sign-in/code/app")
@public
@_waiting
def set_up_app(row: Session) -> AnyResponse:
    """For whoever has none yet: who has one proves it, and changes it on the account's pages."""
    who = row.login
    if factors.has_any(who):
        return go("/sign-in/code")
    form = SetUp()
    codes = add_app(form, who)
    if not codes:
        return set_up_page("doors/set_up.html", form, who, 422, target=_target())
    complete(row)
    return render("doors/codes.html", codes=codes, target=after(who, request.form.get("next")))
