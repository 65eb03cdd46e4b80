"""Inviting somebody from the firm's side, and where people stand between invited and registered."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from flask import request
from markupsafe import Markup

from portal_app import config
from portal_app.db import transaction
from portal_app.domain import access
from portal_app.domain import invitations as ways_in
from portal_app.domain.errors import Refused
from portal_app.domain.invitations import Invitation, InvitedAlready, Standing
from portal_app.domain.people import FirmUser, Login, PortalUser
from portal_app.web import letters
from portal_app.web.login import firm_user

log = logging.getLogger(__name__)

AnyLogin = TypeVar("AnyLogin", FirmUser, PortalUser)

# Each standing's words, its kind and its sign.
WORDS = {
    Standing.REGISTERED: ("Registered", "good", "done"),
    Standing.PENDING: ("Invitation pending", "wait", "clock"),
    Standing.EXPIRED: ("Expired", "bad", "off"),
    Standing.REVOKED: ("Revoked", "bad", "off"),
    Standing.DISABLED: ("Disabled", "bad", "off"),
    Standing.NEVER_INVITED: ("Not invited yet", "", "info"),
}


@dataclass(frozen=True, slots=True)
class Card(Generic[AnyLogin]):
    """A person with where they stand."""

    login: AnyLogin
    invitation: Invitation | None
    standing: Standing

    @property
    def words(self) -> tuple[str, str, str]:
        return WORDS[self.standing]

    @property
    def is_waiting(self) -> bool:
        return self.standing == Standing.PENDING

    @property
    def can_be_invited(self) -> bool:
        """Whether the next step is a first or another invitation (a pending one is sent again instead)."""
        return self.standing in {Standing.EXPIRED, Standing.REVOKED, Standing.NEVER_INVITED}


def cards(logins: Sequence[AnyLogin]) -> list[Card[AnyLogin]]:
    """Where each stands; one query."""
    last = ways_in.last_invitations(list(logins))
    return [Card(who, last.get(who.id), ways_in.standing_of(who, last.get(who.id))) for who in logins]


def send(login: Login) -> str:
    """Invite ``login`` by letter; returns what to tell the inviter. A form that was pressed twice (it names the last
    invitation that it knew of) sends one letter.

    Raises:
        Refused: registered or disabled people are not invited.
    """
    if not login.has_email:
        raise Refused(f"No e-mail address of {login.name} is known. Print a letter with a code instead.")
    after = request.form.get("last", type=int)
    try:
        with transaction():
            letters.invitation(ways_in.invite(login, by=firm_user(), days=config.active().invitation_days, after=after))
    except InvitedAlready:
        log.info("pressed twice: %s was invited already", login.email)
    if config.active().mail_server:
        return f"An invitation is on its way to {login.email}."
    if access.may(firm_user(), "mail.read"):
        return Markup(
            "No mail server is set, so the invitation was not sent: it is kept under <a href='/firm/mail'>E-mails</a>."
        )
    return "No mail server is set, so the invitation was not sent: an administrator finds it under E-mails."
