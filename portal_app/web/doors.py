"""The doors: sign in and out, choose a password by a link, ask for a fresh link. Nothing here tells a stranger who has
an account: the answers are the same, and take the same time."""

from __future__ import annotations

import ipaddress
import logging
from collections.abc import Callable
from dataclasses import dataclass

from flask import Blueprint, Response, flash, request
from werkzeug.exceptions import TooManyRequests
from werkzeug.wrappers import Response as AnyResponse
from wtforms import PasswordField
from wtforms.validators import EqualTo, InputRequired

from portal_app import config
from portal_app.db import db, transaction
from portal_app.domain import invitations, outbox, people, sessions
from portal_app.domain.errors import LinkUnusable, Refused
from portal_app.domain.invitations import Invitation, PasswordReset
from portal_app.domain.passwords import PASSWORD_MIN, is_password
from portal_app.domain.people import FirmUser, Login, PortalUser
from portal_app.web.forms import EmailLine, Form, Line
from portal_app.web.fragments import go, render
from portal_app.web.login import home_of, person, public, safe_next, sign_in, sign_out

log = logging.getLogger(__name__)
blueprint = Blueprint("doors", __name__)

WINDOW_SECONDS = 15 * 60
ACCOUNT_TRIES, NETWORK_TRIES = 10, 50  # from one network: for one account, and wrong ones in all
EVERYWHERE_TRIES = 100  # wrong ones for one account: so many that no single stranger shuts somebody out
ACCOUNT_LINKS, NETWORK_LINKS = 5, 25
LINK_TOPICS = {FirmUser: "firm_user_link", PortalUser: "portal_user_link"}


class SignIn(Form):
    email = Line("E-mail", most=254)
    password = PasswordField("Password", [InputRequired("Fill in this field.")])


class AskLink(Form):
    email = EmailLine()


class Choose(Form):
    password = PasswordField("Choose a password", [InputRequired("Fill in this field.")])
    again = PasswordField("Type it again", [EqualTo("password", "The two are not the same.")])


def _network() -> str:
    """Where the request comes from: an IPv4 address, or the /64 that one IPv6 customer has for himself."""
    try:
        address = ipaddress.ip_address(request.remote_addr or "")
    except ValueError:
        return "unknown"
    if address.version == 6:
        return str(ipaddress.ip_network((address, 64), strict=False))
    return str(address)


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


# Signing in and out


def _after(who: FirmUser | PortalUser, target: str | None) -> str:
    """Where to go: the page that was asked for if it is on this person's side, otherwise home."""
    home, wanted = home_of(who), safe_next(target)
    return wanted if wanted and (wanted + "/").startswith((home + "/", home + "?")) else home


def _sign_in_page(form: SignIn, status: int = 200) -> Response:
    target = safe_next(request.values.get("next")) or ""
    return render("doors/sign_in.html", status=status, form=form, target=target)


@blueprint.get("/sign-in")
@public
def show_sign_in() -> AnyResponse:
    who = person()
    return _sign_in_page(SignIn()) if who is None else go(_after(who, request.args.get("next")))


@blueprint.post("/sign-in")
@public
def enter() -> AnyResponse:
    form = SignIn()
    if not form.validate():
        return _sign_in_page(form, 422)
    email, password = form.email.data or "", form.password.data or ""
    here, account, network = _counters(email)
    # Counted before the look, so that many tries at once count; the others only when wrong: an office shares a network.
    is_too_often = sessions.count_try(here, window_seconds=WINDOW_SECONDS) > ACCOUNT_TRIES
    if (
        is_too_often
        or sessions.is_throttled(network, NETWORK_TRIES)
        or sessions.is_throttled(account, EVERYWHERE_TRIES)
    ):
        raise TooManyRequests(retry_after=WINDOW_SECONDS)
    who = _known(email, password)
    if who is None:
        for wrong in (network, account):
            sessions.count_try(wrong, window_seconds=WINDOW_SECONDS)
        log.warning("sign-in refused, from %s", _network())
        form.form_errors.append("This e-mail address and this password do not belong together.")
        return _sign_in_page(form, 422)
    sessions.forget_tries(here)
    _let_in(who)
    return go(_after(who, request.form.get("next")))


def _counters(email: str) -> tuple[str, str, str]:
    """What is counted: this account from here, this account from anywhere, anything from here."""
    account = f"sign-in:{email.strip().lower()}"
    return f"{account}:{_network()}", account, f"sign-in-from:{_network()}"


def _known(email: str, password: str) -> FirmUser | PortalUser | None:
    """The person, if the password is right. For nobody, the unregistered and the disabled it takes just as long."""
    who = people.find_by_email(email)
    is_right = is_password(who.password_hash if who else None, password)
    return who if who is not None and is_right and who.disabled_at is None else None


def _let_in(who: FirmUser | PortalUser) -> None:
    sign_out()
    sign_in(who)
    log.info("%s %s signed in, from %s", type(who).__name__, who.id, _network())


@blueprint.post("/sign-out")
@public
def leave() -> AnyResponse:
    """The server forgets the session, the browser what it kept. ``cookies`` would reach the firm's other sites."""
    sign_out()
    flash("You are signed out.", "good")
    response = go("/sign-in")
    response.headers["Clear-Site-Data"] = '"cache", "storage"'
    return response


# A forgotten password


def _ask_page(form: AskLink, status: int = 200) -> Response:
    return render("doors/password.html", status=status, form=form)


@blueprint.get("/password")
@public
def show_ask() -> Response:
    return _ask_page(AskLink())


@blueprint.post("/password")
@public
def ask() -> AnyResponse:
    form = AskLink()
    if not form.validate():
        return _ask_page(form, 422)
    email = form.email.data or ""
    if not _promise_link(people.find_by_email(email), email):
        raise TooManyRequests(retry_after=WINDOW_SECONDS)
    flash(f"If {email} belongs to somebody here, a link is on its way there. Look at the junk folder too.")
    return go("/sign-in")


def _promise_link(login: Login | None, about: str) -> bool:
    """Count the wish and, if there is such a person, let the worker write to them; ``False``: too many wishes.

    The letter is made later, so that this takes as long for a stranger's address.
    """
    with transaction():
        of_account = sessions.count_try(f"link:{about}", window_seconds=WINDOW_SECONDS)
        of_network = sessions.count_try(f"link-from:{_network()}", window_seconds=WINDOW_SECONDS)
        if of_account > ACCOUNT_LINKS or of_network > NETWORK_LINKS:
            return False
        if login is not None:
            outbox.put(LINK_TOPICS[type(login)], login.id)
    return True


# Choosing a password by a link


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of link that lets its holder choose a password, and its two pages."""

    find: Callable[[str], Invitation | PasswordReset]
    use: Callable[[str, str], FirmUser | PortalUser]
    page: str
    dead_page: str


RESET = Kind(invitations.find_reset, invitations.reset_password, "doors/reset.html", "doors/dead_reset.html")
INVITATION = Kind(
    invitations.find_invitation, invitations.accept_invitation, "doors/invitation.html", "doors/dead_invitation.html"
)


def _choose_page(kind: Kind, link: Invitation | PasswordReset, form: Choose, status: int = 200) -> Response:
    return render(kind.page, status=status, form=form, who=link.login, least=PASSWORD_MIN, here=request.path)


def _dead_page(kind: Kind, token: str) -> Response:
    return render(kind.dead_page, status=410, token=token, days=config.active().invitation_days)


def _show(kind: Kind, token: str) -> Response:
    try:
        return _choose_page(kind, kind.find(token), Choose())
    except LinkUnusable:
        return _dead_page(kind, token)


def _use(kind: Kind, token: str) -> FirmUser | PortalUser | Response:
    """Take the password that was chosen: the person, or the page that says why not."""
    form = Choose()
    try:
        link = kind.find(token)
        if not form.validate():
            return _choose_page(kind, link, form, 422)
        try:
            return kind.use(token, form.password.data or "")
        except Refused as problem:
            form.refuse(problem)
            return _choose_page(kind, link, form, 422)
    except LinkUnusable:
        return _dead_page(kind, token)


@blueprint.get("/password/<token>")
@public
def show_reset(token: str) -> Response:
    return _show(RESET, token)


@blueprint.post("/password/<token>")
@public
def reset(token: str) -> AnyResponse:
    """A new password ends every session of its person, and signs nobody in."""
    who = _use(RESET, token)
    if isinstance(who, Response):
        return who
    for counter in _counters(who.email)[:2]:
        sessions.forget_tries(counter)
    flash("Your new password is set. Sign in with it.", "good")
    return go("/sign-in")


@blueprint.get("/invitation/<token>")
@public
def show_invitation(token: str) -> Response:
    """Signs nobody in and changes nothing: mail filters open links, too."""
    return _show(INVITATION, token)


@blueprint.post("/invitation/<token>")
@public
def accept(token: str) -> AnyResponse:
    who = _use(INVITATION, token)
    if isinstance(who, Response):
        return who
    _let_in(who)
    return go(home_of(who))


@blueprint.post("/invitation/<token>/again")
@public
def send_again(token: str) -> AnyResponse:
    """A fresh link to the address that the old one went to, whoever asks."""
    if not _promise_link(invitations.owner_of_invitation(token), token):
        raise TooManyRequests(retry_after=WINDOW_SECONDS)
    flash("If this link was yours, a fresh one is on its way to the same address. Look at the junk folder too.")
    return go("/sign-in")
