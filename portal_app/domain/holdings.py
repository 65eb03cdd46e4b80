"""What the portal holds about a portal user, table by table, and what becomes of it when they are erased: the one list
that the export, the erasure and the pages read. A test compares it with the database's own foreign keys."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from peewee import SQL, Select, Table, fn

from portal_app.db import db
from portal_app.domain.people import PortalUser


class Fate(StrEnum):
    """What becomes of rows when their person is erased."""

    REMOVED = "removed"
    ENDED = "ended"
    KEPT = "kept"


@dataclass(frozen=True, slots=True)
class Holding:
    """One table that points to a person; ``why`` is said to whoever erases."""

    table: str
    title: str
    fate: Fate
    why: str = ""


_BOOKS = "The books name the person only by number from then on, and would not add up without it."
_TRUST = "Records of clients’ money are kept for years after a matter ends (rule T16)."
_SHARED = "What the firm gave to whom, and when, is the firm’s own record."

# In this order: what points to another row goes before it.
HOLDINGS = (
    Holding("session", "Signed-in browsers", Fate.REMOVED),
    Holding("device", "Known devices", Fate.REMOVED),
    Holding("sign_in_link", "Links to sign in", Fate.REMOVED),
    Holding("authenticator", "Authenticator app", Fate.REMOVED),
    Holding("recovery_code", "Recovery codes", Fate.REMOVED),
    Holding("passkey", "Passkeys", Fate.REMOVED),
    Holding("password_reset", "Links to choose a password", Fate.REMOVED),
    Holding("invitation", "Invitations", Fate.REMOVED),
    Holding("invoice_recipient", "Whose matters’ invoices they receive, and as what", Fate.REMOVED),
    Holding(
        "pay_link", "Links to pay an invoice", Fate.ENDED,
        "They no longer open; which payment came by which link stays.",
    ),
    Holding("document_share", "Documents shared with them", Fate.ENDED, _SHARED),
    Holding("event_share", "Dates shared with them", Fate.ENDED, _SHARED),
    Holding("deposit_share", "Deposit requests shared with them", Fate.ENDED, _SHARED),
    Holding(
        "payment", "Payments", Fate.KEPT,
        f"{_BOOKS} The billing address is removed, except of payments into trust. {_TRUST}",
    ),
    Holding("journal_entry", "Journal entries", Fate.KEPT, _BOOKS),
    Holding(
        "audit_entry", "Audit trail", Fate.KEPT,
        "It cannot be changed, whoever asks. It is let go of when the firm’s retention ends.",
    ),
)  # fmt: skip


@dataclass(frozen=True)
class Held:
    """A holding and its rows of one person."""

    holding: Holding
    who: PortalUser

    @property
    def table(self) -> Table:
        return Table(self.holding.table).bind(db)

    @property
    def is_theirs(self) -> Any:
        """For a query on :attr:`table`."""
        return self.table.c.portal_user_id == self.who.id

    @property
    def counted(self) -> Any:
        """For a query: how many rows there are."""
        return self.table.select(fn.COUNT(SQL("*"))).where(self.is_theirs)

    def rows(self) -> list[dict[str, Any]]:
        """Every column of every row, the oldest first."""
        return list(self.table.select(SQL("*")).where(self.is_theirs).order_by(self.table.c.id).dicts())


def of(who: PortalUser) -> Iterator[Held]:
    """What there is; a table that this version's database does not have is passed over."""
    tables = set(db.get_tables())
    return (Held(holding, who) for holding in HOLDINGS if holding.table in tables)


def counts(who: PortalUser) -> list[tuple[Holding, int]]:
    """How many rows of each kind there are; one query for all of them."""
    found = list(of(who))
    (row,) = Select([], [held.counted for held in found]).bind(db).tuples()
    return [(held.holding, int(count)) for held, count in zip(found, row, strict=True)]
