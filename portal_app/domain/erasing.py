"""Erasing a person as far as the keeping of records allows: GDPR article 17 with its paragraph 3 (b) and (e), and T16.

The rows of the books stay, and with them ``portal verify``; a portal user's row stays as a number with no name, no
address and no way in. An erasure is a row of its own and cannot be taken back.
"""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterator
from dataclasses import asdict

from peewee import CharField, DateTimeField, ForeignKeyField

from portal_app import clock
from portal_app.db import BaseModel, locked, transaction
from portal_app.domain import audit, holdings, invitations, trust
from portal_app.domain.documents import Document
from portal_app.domain.errors import Refused
from portal_app.domain.holdings import Fate
from portal_app.domain.mail import Email
from portal_app.domain.matters import Matter
from portal_app.domain.outbox import Outbox
from portal_app.domain.payments import IS_HOLDING, Payment
from portal_app.domain.people import ERASED, Client, FirmUser, PortalUser
from portal_app.plugin_api import BillingAddress, Fund

NAME = "Former portal user {0}"
CLIENT_NAME = "Former client {0}"
REASON_MAX = 300
NOTHING = json.dumps(asdict(BillingAddress(name="", address1="", city="", state="", postal_code="")))


class Erasure(BaseModel):
    """Who was erased, why, when and by whom; the name is not in it."""

    portal_user = ForeignKeyField(PortalUser, null=True, backref="+")
    client = ForeignKeyField(Client, null=True, backref="+")
    reason = CharField(max_length=REASON_MAX)
    erased_at = DateTimeField()
    erased_by = ForeignKeyField(FirmUser, backref="+")


def of(who: PortalUser | Client) -> Erasure | None:
    """The erasure of a person, if there was one."""
    column = Erasure.portal_user if isinstance(who, PortalUser) else Erasure.client
    found: Erasure | None = Erasure.get_or_none(column == who.id)
    return found


# Portal users


def obstacle(who: PortalUser) -> str:
    """Why a portal user cannot be erased now: a sentence, or nothing."""
    if Payment.select().where((Payment.portal_user == who.id) & IS_HOLDING).exists():
        return "A payment of theirs is not decided yet. Wait until it is, so that they can be told."
    return ""


def erase(who: PortalUser, *, reason: str, by: FirmUser) -> Erasure:
    """Take away everything about a portal user that need not be kept. All or nothing; the person is signed out.

    Raises:
        Refused: a payment of theirs is still open, there is no reason, or they were erased already.
    """
    with transaction():
        list(locked(PortalUser.select().where(PortalUser.id == who.id)))
        made = _write_down(who, reason, by)
        if problem := obstacle(who):
            raise Refused(problem)
        invitations.disable(who)
        for held in holdings.of(who):
            if held.holding.fate is Fate.REMOVED:
                held.table.delete().where(held.is_theirs).execute()
            elif held.holding.fate is Fate.ENDED:
                is_open = held.is_theirs & held.table.c.ended_at.is_null()
                held.table.update({held.table.c.ended_at: clock.now()}).where(is_open).execute()
        _forget_letters(str(who.email))
        is_operating = (Payment.portal_user == who.id) & (Payment.fund == Fund.OPERATING.value)
        Payment.update(billing=NOTHING).where(is_operating).execute()
        PortalUser.update(
            name=NAME.format(who.id), email=f"{who.id}{ERASED}", password_hash=None, registered_at=None,
            last_signed_in_at=None, time_zone="UTC", disabled_at=clock.now(),
        ).where(PortalUser.id == who.id).execute()  # fmt: skip
        made.save(force_insert=True)
        _tell(made, NAME.format(who.id), who)
    return made


def _tell(made: Erasure, called: str, who: PortalUser | Client) -> None:
    """Into the audit trail, without the name that is gone."""
    action = "erase_portal_user" if made.portal_user_id else "erase_client"
    ref = f"{who._meta.name}:{who.id}"
    audit.record(action, by=made.erased_by, subject=called, subject_ref=ref, after={"reason": made.reason})


def _write_down(who: PortalUser | Client, reason: str, by: FirmUser) -> Erasure:
    """The row about it; saved last, since from then on the person's row does not change any more."""
    reason = " ".join(reason.split())[:REASON_MAX]
    if not reason:
        raise Refused("Say why: who asked, and when.", "reason")
    if of(who) is not None:
        raise Refused("They were erased already.")
    column = "portal_user" if isinstance(who, PortalUser) else "client"
    return Erasure(**{column: who}, reason=reason, erased_at=clock.now(), erased_by=by)


def _forget_letters(address: str) -> None:
    """What was sent to ``address`` stays as a fact of its day; what still waits is not sent any more."""
    theirs = Email.to_address == address
    waiting = Email.select(Email.id).where(theirs & Email.sent_at.is_null())
    Outbox.delete().where((Outbox.topic == "email") & Outbox.subject_id.in_(waiting)).execute()
    Email.delete().where(theirs & Email.sent_at.is_null()).execute()
    Email.update(
        to_name="", to_address="", subject="(erased)", text="", html="", last_error=""
    ).where(theirs).execute()  # fmt: skip


def letters_to(address: str) -> int:
    """How many e-mails to ``address`` the portal knows of."""
    return int(Email.select().where(Email.to_address == address).count()) if address else 0


# Clients


def kept_because(client: Client, on: dt.date) -> Iterator[str]:
    """Why a client's name and address must stay on ``on``: a sentence for each matter that keeps them."""
    for matter in Matter.select().where(Matter.client == client.id).order_by(Matter.id):
        if matter.closed_on is None:
            yield f"{matter.number} is open."
            continue
        try:
            trust.check_purge(matter, on)
        except Refused as problem:
            yield f"{matter.number}: {problem}"


def erase_client(client: Client, *, reason: str, by: FirmUser, on: dt.date) -> Erasure:
    """Take away a client's name, address, telephone and e-mail, once none of their matters keeps them.

    Raises:
        Refused: a matter is open, or the records of its money are still kept (T16); no reason; erased already.
    """
    with transaction():
        list(locked(Client.select().where(Client.id == client.id)))
        made = _write_down(client, reason, by)
        problems = list(kept_because(client, on))
        if problems:
            raise Refused(" ".join(problems))
        _forget_letters(str(client.email) or "-")
        gone = {"name": CLIENT_NAME.format(client.id), "email": "", "phone": "", "address": ""}
        Client.update(**gone).where(Client.id == client.id).execute()
        made.save(force_insert=True)
        _tell(made, CLIENT_NAME.format(client.id), client)
    return made


def papers_of(client: Client) -> int:
    """How many documents lie in a client's matters; they are the firm's file, and are not touched."""
    mine = Matter.select(Matter.id).where(Matter.client == client.id)
    return int(Document.select().where(Document.matter.in_(mine)).count())
