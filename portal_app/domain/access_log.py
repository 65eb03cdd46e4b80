"""Who opened, downloaded, shared or took back each thing that a portal user may see or could see: their own access log.

Sharing is read from the shares themselves, opening from the audit trail, for as long as the thing was shared. Papers
that are theirs without being shared (receipts, statements of what is held in trust) and links to pay stand with it.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from peewee import JOIN

from portal_app.domain import audit, matters
from portal_app.domain.audit import AuditEntry
from portal_app.domain.calendar import Event, EventShare
from portal_app.domain.deposits import DepositRequest, DepositShare
from portal_app.domain.documents import Document, DocumentShare
from portal_app.domain.invoices import Invoice
from portal_app.domain.pay_links import PayLink
from portal_app.domain.payments import Payment
from portal_app.domain.people import FirmUser, PortalUser
from portal_app.domain.trust import TrustMovement
from portal_app.domain.trust_papers import TrustReceipt

OPENINGS = {"open": "opened", "view": "viewed", "download": "downloaded"}
MOST = 300
_SHARED = ((DocumentShare, Document), (EventShare, Event), (DepositShare, DepositRequest))


@dataclass(frozen=True, slots=True)
class Access:
    """``who``: a name; empty for the portal itself. ``link``: where the item is, while it is shared."""

    at: dt.datetime
    who: str
    is_me: bool
    did: str
    item: str
    link: str


@dataclass(frozen=True, slots=True)
class Item:
    """Something of theirs, and from when to when it was."""

    name: str
    link: str
    since: dt.datetime
    until: dt.datetime | None = None

    def had_at(self, moment: dt.datetime) -> bool:
        return moment >= self.since and (self.until is None or moment <= self.until)


def of(me: PortalUser) -> list[Access]:
    """The newest first, at most three hundred."""
    shares = [share for model, item in _SHARED for share in _shares(model, item, me)]
    found = [access for share in shares for access in _sharing(share)]
    found += list(_links(me))
    found += list(_openings(_papers(me) | _items(shares), me))
    return sorted(found, key=lambda access: access.at, reverse=True)[:MOST]


def _shares(model: Any, item: Any, me: PortalUser) -> list[Any]:
    """Every share of theirs, ended ones too, with who made and ended it."""
    ender = FirmUser.alias()
    query = (
        model.select(model, item, FirmUser, ender)
        .join_from(model, item)
        .join_from(model, FirmUser, JOIN.LEFT_OUTER, on=(model.shared_by == FirmUser.id))
        .join_from(model, ender, JOIN.LEFT_OUTER, on=(model.ended_by == ender.id), attr="ender")
    )
    return list(query.where(model.portal_user == me.id).order_by(model.id.desc()).limit(MOST))


def _sharing(share: Any) -> Iterator[Access]:
    by = share.shared_by.name if share.shared_by_id else ""
    yield Access(share.shared_at, by, False, "shared it with you", _name(share.item), _link(share))
    if share.ended_at is not None:
        ender = share.ender.name if share.ended_by_id else ""
        yield Access(share.ended_at, ender, False, "took it back", _name(share.item), "")


def _items(shares: list[Any]) -> dict[str, Item]:
    """Each thing by its row: named and ended by its newest share, theirs since the oldest."""
    since = {_ref(share): share.shared_at for share in shares}  # the newest come first
    found: dict[str, Item] = {}
    for share in shares:
        ref = _ref(share)
        found.setdefault(ref, Item(_name(share.item), _link(share), since[ref], share.ended_at))
    return found


def _papers(me: PortalUser) -> dict[str, Item]:
    """What is theirs without being shared: receipts of their payments, and papers about what is held in trust."""
    rows = Payment.select(Payment.id, Payment.public_id, Payment.receipt_number, Payment.created_at)
    paid = rows.where((Payment.portal_user == me.id) & (Payment.receipt_key != "")).order_by(Payment.id.desc())
    found = {
        f"payment:{row.id}": Item(f"Receipt {row.receipt_number}", f"/portal/payments/{row.public_id}", row.created_at)
        for row in paid.limit(MOST)
    }
    mine = [matter.id for matter in matters.read_in_trust_by(me)]
    entered = TrustReceipt.select(TrustReceipt, TrustMovement).join(TrustMovement)
    for row in entered.where(TrustMovement.matter.in_(mine)).limit(MOST) if mine else ():
        found[f"trustreceipt:{row.movement_id}"] = Item(f"Receipt {row.number}", "/portal/trust", row.made_at)
    found[f"portaluser:{me.id}"] = Item("Trust statement", "/portal/trust", me.created_at)
    return found


def _links(me: PortalUser) -> Iterator[Access]:
    """Links to pay one of their invoices without signing in: made, and ended."""
    ender = FirmUser.alias()
    query = (
        PayLink.select(PayLink, Invoice, FirmUser, ender)
        .join_from(PayLink, Invoice)
        .join_from(PayLink, FirmUser, JOIN.LEFT_OUTER, on=(PayLink.made_by == FirmUser.id))
        .join_from(PayLink, ender, JOIN.LEFT_OUTER, on=(PayLink.ended_by == ender.id), attr="ender")
    )
    for row in query.where(PayLink.portal_user == me.id).order_by(PayLink.id.desc()).limit(MOST):
        name = f"Invoice {row.invoice.number}"
        yield Access(row.made_at, row.made_by.name if row.made_by_id else "", False, MADE, name, "")
        if row.ended_at is not None:
            yield Access(row.ended_at, row.ender.name if row.ended_by_id else "", False, ENDED, name, "")


MADE, ENDED = "made a link to pay it without signing in", "ended the link to pay it"


def _openings(items: dict[str, Item], me: PortalUser) -> Iterator[Access]:
    for row in audit.about(list(items), MOST, OPENINGS):
        item = items[row.subject_ref]
        if item.had_at(row.happened_at):
            is_me = row.portal_user_id == me.id
            who = "You" if is_me else _who(row)
            yield Access(row.happened_at, who, is_me, f"{OPENINGS[row.action]} it", item.name, item.link)


def _who(row: AuditEntry) -> str:
    """Somebody of the firm by name; another portal user is not named to this one."""
    if row.portal_user_id:
        return "Somebody else with whom it is shared"
    return row.called


def _ref(share: Any) -> str:
    return f"{type(share.item)._meta.name}:{share.item_id}"


def _name(item: Document | Event | DepositRequest) -> str:
    if isinstance(item, DepositRequest):
        return f"Deposit request {item.number}"
    return str(item.name if isinstance(item, Document) else item.title)


def _link(share: Any) -> str:
    item = share.item
    if share.ended_at is not None or getattr(item, "removed_at", None) or getattr(item, "canceled_at", None):
        return ""
    noun = {Document: "documents", Event: "events", DepositRequest: "deposits"}[type(item)]
    return f"/portal/{noun}/{item.public_id}"
