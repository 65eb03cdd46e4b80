"""Ways in by e-mail: a sign-in link, a link to choose a password, an invitation; and asking for a fresh one. Opening a
link changes nothing and signs nobody in, since mail filters open links, too: a button does."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from flask import Response, flash
from werkzeug.wrappers import Response as AnyResponse
from wtforms import PasswordField
from wtforms.validators import EqualTo, InputRequired

from portal_app import config
from portal_app.db import transaction
from portal_app.domain import invitations, outbox, people, policy, sign_ins, throttles
from portal_app.domain.errors import LinkUnusable, Refused
from portal_app.domain.invitations import Invitation, PasswordReset
from portal_app.domain.passwords import PASSWORD_MIN
from portal_app.domain.people import FirmUser, Login, PortalUser
from portal_app.domain.throttles import TooSoon
from portal_app.web import callers
from portal_app.web.doors import blueprint, let_in, sign_in_page, too_many, too_soon
from portal_app.web.fields import EmailLine, Line
from portal_app.web.forms import Form
from portal_app.web.fragments import go, render
from portal_app.web.login import public

TOPICS = {
    ("password", FirmUser): "firm_user_link", ("password", PortalUser): "portal_user_link",
    ("link", FirmUser): "firm_user_sign_in", ("link", PortalUser): "portal_user_sign_in",
}  # fmt: skip
SENT = "If {} belongs to somebody here, a link is on its way there. Look at the junk folder too."
SENT_AGAIN = "If this link was yours, a fresh one is on its way to the same address. Look at the junk folder too."


class AskLink(Form):
    email = EmailLine()


class Choose(Form):
    """``email`` is asked of those whom the firm knows no address of."""

    email = EmailLine("Your e-mail address")
    password = PasswordField("Choose a password", [InputRequired("Fill in this field.")])
    again = PasswordField("Type it again", [EqualTo("password", "The two are not the same.")])


# Asking for one


def promise(login: Login | None, about: str, *, wants: str) -> None:
    """Count the wish and, if there is such a person, let the worker write to them.

    The letter is made later, so that this takes as long for a stranger's address.

    Raises:
        TooSoon: too many wishes, for this person or from here.
    """
    with transaction():
        throttles.count({f"link:{about}": throttles.LINKS, f"link-from:{callers.address()}": throttles.LINKS_FROM})
        if login is not None:
            outbox.put(TOPICS[wants, type(login)], login.id)


def _ask_page(form: Form, status: int = 200) -> Response:
    return render("doors/password.html", status=status, form=form)


@blueprint.get("/password")
@public
def show_ask() -> Response:
    return _ask_page(AskLink())


@blueprint.post("/password")
@public
def ask() -> AnyResponse:
    return _ask("password", _ask_page)


@blueprint.post("/sign-in/link")
@public
def ask_sign_in_link() -> AnyResponse:
    """The sign-in page's other button: the same e-mail field."""
    return _ask("link", sign_in_page)


def _ask(wants: str, page: Callable[[Form, int], Response]) -> AnyResponse:
    form = AskLink()
    if not form.validate():
        return page(form, 422)
    email = form.email.data or ""
    try:
        promise(people.find_by_email(email), email, wants=wants)
    except TooSoon as problem:
        return too_soon(form, problem)
    flash(SENT.format(email))
    return go("/sign-in")


def _again(login: Login | None, token: str, *, wants: str) -> AnyResponse:
    """A fresh link to the address that the old one went to, whoever asks."""
    try:
        promise(login, login.email if login else token[:200], wants=wants)
    except TooSoon as problem:
        return too_soon(AskLink(), problem)
    flash(SENT_AGAIN)
    return go("/sign-in")


# A sign-in link


@blueprint.get("/sign-in/link/<token>")
@public
def show_sign_in_link(token: str) -> Response:
    try:
        link = sign_ins.find_link(token)
    except LinkUnusable:
        return _dead_link(token)
    return render("doors/link.html", who=link.login, token=token)


@blueprint.post("/sign-in/link/<token>")
@public
def enter_by_link(token: str) -> AnyResponse:
    try:
        who = sign_ins.use_link(token)
    except LinkUnusable:
        return _dead_link(token)
    sign_ins.forgive(who.email, callers.caller())
    return let_in(who)


def _dead_link(token: str) -> Response:
    minutes = config.active().sign_in_link_minutes
    return render("doors/dead_link.html", status=410, token=token, minutes=minutes)


@blueprint.post("/sign-in/link/<token>/again")
@public
def send_sign_in_link_again(token: str) -> AnyResponse:
    return _again(sign_ins.owner_of_link(token), token, wants="link")


# Choosing a password by a link


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of link that lets its holder choose a password, and its two pages."""

    find: Callable[[str], Invitation | PasswordReset]
    use: Callable[..., FirmUser | PortalUser]
    page: str
    dead_page: str


RESET = Kind(invitations.find_reset, invitations.reset_password, "doors/reset.html", "doors/dead_reset.html")
INVITATION = Kind(
    invitations.find_invitation, invitations.accept_invitation, "doors/invitation.html", "doors/dead_invitation.html"
)


def _choose_page(kind: Kind, link: Invitation | PasswordReset, form: Choose, token: str, status: int = 200) -> Response:
    allowed = policy.current()
    return render(
        kind.page, status=status, form=form, who=link.login, least=PASSWORD_MIN, token=token,
        may_password=allowed.allows(link.login, "password"), may_link=allowed.allows(link.login, "link"),
    )  # fmt: skip


def _dead_page(kind: Kind, token: str) -> Response:
    now = config.active()
    return render(kind.dead_page, status=410, token=token, days=now.invitation_days, minutes=now.password_reset_minutes)


def _show(kind: Kind, token: str) -> Response:
    try:
        return _choose_page(kind, kind.find(token), Choose(), token)
    except LinkUnusable:
        return _dead_page(kind, token)


def _use(kind: Kind, token: str) -> FirmUser | PortalUser | Response:
    """Take the password that was chosen: the person, or the page that says why not."""
    try:
        return _taken(kind, token, Choose())
    except LinkUnusable:
        return _dead_page(kind, token)


def _taken(kind: Kind, token: str, form: Choose, *, has_password: bool = True) -> FirmUser | PortalUser | Response:
    link = kind.find(token)
    if not has_password:
        del form.password, form.again
    if link.login.has_email:
        del form.email
    if form.validate():
        try:
            more = [] if link.login.has_email else [form.email.data or ""]
            return kind.use(token, form.password.data if has_password else None, *more)
        except Refused as problem:
            form.refuse(problem)
    if has_password:
        return _choose_page(kind, link, form, token, 422)
    return _choose_page(kind, link, _whole(form), token, 422)


def _whole(form: Choose) -> Choose:
    """The form with the fields that were left out, empty, and what was wrong with the others."""
    whole = Choose(formdata=None)
    whole.form_errors = form.form_errors
    if "email" in form:
        whole.email.data, whole.email.errors = form.email.data, form.email.errors
    return whole


@blueprint.get("/password/<token>")
@public
def show_reset(token: str) -> Response:
    return _show(RESET, token)


@blueprint.post("/password/<token>")
@public
def reset(token: str) -> AnyResponse:
    """A new password ends every session of its person, signs nobody in, and leaves the second factor as it is."""
    who = _use(RESET, token)
    if isinstance(who, Response):
        return who
    sign_ins.forgive(who.email, callers.caller())
    flash("Your new password is set. Sign in with it.", "good")
    return go("/sign-in")


@blueprint.post("/password/<token>/again")
@public
def send_reset_again(token: str) -> AnyResponse:
    return _again(invitations.owner_of_reset(token), token, wants="password")


@blueprint.get("/invitation/<token>")
@public
def show_invitation(token: str) -> Response:
    """Signs nobody in and changes nothing."""
    return _show(INVITATION, token)


@blueprint.post("/invitation/<token>")
@public
def accept(token: str) -> AnyResponse:
    try:
        link = invitations.find_invitation(token)
    except LinkUnusable:
        return _dead_page(INVITATION, token)
    if not policy.current().allows(link.login, "password"):
        return accept_without_password(token)
    who = _use(INVITATION, token)
    return who if isinstance(who, Response) else let_in(who)


@blueprint.post("/invitation/<token>/without-password")
@public
def accept_without_password(token: str) -> AnyResponse:
    """Where the firm allows it: whoever comes in by e-mailed links needs no password."""
    try:
        link = invitations.find_invitation(token)
        if not policy.current().allows(link.login, "link"):
            return _choose_page(INVITATION, link, Choose(formdata=None), token, 422)
        who = _taken(INVITATION, token, Choose(), has_password=False)
    except LinkUnusable:
        return _dead_page(INVITATION, token)
    return who if isinstance(who, Response) else let_in(who)


# The code of a letter


class LetterCode(Form):
    code = Line("Code", most=60)


@blueprint.get("/invitation")
@public
def show_letter_code() -> Response:
    return render("doors/letter_code.html", form=LetterCode())


@blueprint.post("/invitation")
@public
def enter_letter_code() -> AnyResponse:
    """To the invitation that the code opens. Tried too often from one place, it has to wait."""
    form, counted = LetterCode(), f"letter-code-from:{callers.address()}"
    if form.validate():
        code = invitations.plain_code(form.code.data or "")
        try:
            throttles.count({counted: throttles.LETTER_CODES})
            invitations.find_invitation(code)
        except TooSoon as problem:
            form.refuse(too_many(problem))
        except LinkUnusable:
            form.refuse(Refused("This code is not right, was used, or has expired.", "code"))
        else:
            throttles.take_back(counted)
            return go(f"/invitation/{code}")
    return render("doors/letter_code.html", status=422, form=form)


@blueprint.post("/invitation/<token>/again")
@public
def send_again(token: str) -> AnyResponse:
    return _again(invitations.owner_of_invitation(token), token, wants="password")
