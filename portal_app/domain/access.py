"""Which role may do what: the one table. ``portal roles`` and the docs draw it; routes name an action each."""

from __future__ import annotations

from collections.abc import Collection
from enum import StrEnum
from functools import lru_cache

from portal_app.domain.people import ROLES, FirmUser

EVERYONE = frozenset(ROLES)
ADMINISTRATOR = frozenset({"administrator"})

ACTIONS: dict[str, frozenset[str]] = {
    "firm.read": EVERYONE,
    "matters.edit": frozenset({"administrator", "attorney", "biller"}),
    "clients.edit": frozenset({"administrator", "attorney", "biller"}),
    "portal_users.invite": frozenset({"administrator", "attorney", "biller"}),
    "documents.edit": frozenset({"administrator", "attorney", "biller"}),
    "events.edit": frozenset({"administrator", "attorney", "biller"}),
    "time.edit": frozenset({"administrator", "attorney", "biller"}),
    "deposits.edit": frozenset({"administrator", "attorney", "biller", "bookkeeper"}),
    "invoices.draft": frozenset({"administrator", "attorney", "biller", "bookkeeper"}),
    "invoices.issue": frozenset({"administrator", "attorney", "biller"}),
    "invoices.void": frozenset({"administrator", "biller", "bookkeeper"}),
    "invoices.adjust": frozenset({"administrator", "biller", "bookkeeper"}),
    "ledger.read": EVERYONE,
    "books.read": frozenset({"administrator", "bookkeeper"}),
    "payments.read": EVERYONE,
    "payments.resolve": frozenset({"administrator", "bookkeeper"}),
    "trust.read": EVERYONE,
    "trust.receive": frozenset({"administrator", "attorney", "bookkeeper"}),
    "trust.authorise": frozenset({"attorney"}),
    "trust.disburse": frozenset({"administrator", "bookkeeper"}),
    "trust.hold": frozenset({"administrator", "attorney", "bookkeeper"}),
    "trust.release": frozenset({"administrator", "attorney", "bookkeeper"}),
    "trust.manage": frozenset({"administrator", "bookkeeper"}),
    "reconcile.read": frozenset({"administrator", "bookkeeper"}),
    "reconcile.edit": frozenset({"administrator", "bookkeeper"}),
    "reconcile.close": frozenset({"administrator", "bookkeeper"}),
    "reconcile.reopen": ADMINISTRATOR,
    "reports.read": EVERYONE,
    "exports.make": frozenset({"administrator", "bookkeeper"}),
    "people.manage": ADMINISTRATOR,
    "gateways.manage": ADMINISTRATOR,
    "firm.manage": ADMINISTRATOR,
    "mail.read": ADMINISTRATOR,
    "records.read": ADMINISTRATOR,
}


def may(who: FirmUser, action: str) -> bool:
    """Whether ``who`` may do ``action``. An unknown action is a mistake in the program."""
    return who.has_role(*ACTIONS[action])


@lru_cache(maxsize=64)
def actions_of(roles: frozenset[str]) -> frozenset[str]:
    """All that these roles may do together."""
    return frozenset(action for action, allowed in ACTIONS.items() if not allowed.isdisjoint(roles))


class Answer(StrEnum):
    """How a route answers a kind of visitor."""

    YES = "yes"
    REFUSED = "403"
    NOT_FOUND = "404"
    SIGN_IN = "sign in"


PORTAL, NOBODY = "portal user", "signed out"


def answer(action: str, visitor: str | Collection[str]) -> Answer:
    """How a route that demands ``action`` ("public", "portal", or one of the table) answers ``visitor``: ``PORTAL``,
    ``NOBODY``, or the roles of somebody at the firm. The guards decide by the same table; a test walks every route as
    everybody and compares."""
    if action == "public":
        return Answer.YES
    if visitor == NOBODY:
        return Answer.SIGN_IN
    if visitor == PORTAL or action == "portal":
        return Answer.YES if (visitor, action) == (PORTAL, "portal") else Answer.NOT_FOUND
    return Answer.REFUSED if ACTIONS[action].isdisjoint(visitor) else Answer.YES
