"""Who opened, downloaded, shared or took back each thing that a portal user may see or could see: their own access log.

Sharing is read from the shares themselves, opening from the audit trail, from the day on which the thing was shared.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from peewee import JOIN

from portal_app.domain import audit
from portal_app.domain.audit import AuditEntry
from portal_app.domain.calendar import Event, EventShare
from portal_app.domain.documents import Document, DocumentShare
from portal_app.domain.people import FirmUser, PortalUser

OPENINGS = {"open": "opened", "view": "viewed", "download": "downloaded"}
MOST = 300


@dataclass(frozen=True, slots=True)
class Access:
    """``who``: a name; empty for the portal itself. ``link``: where the item is, while it is shared."""

    at: dt.datetime
    who: str
    is_me: bool
    did: str
    item: str
    link: str


def of(me: PortalUser) -> list[Access]:
    """The newest first, at most three hundred."""
    shares = [*_shares(DocumentShare, Document, me), *_shares(EventShare, Event, me)]
    found = [access for share in shares for access in _sharing(share)]
    found += list(_openings(shares, me))
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


def _openings(shares: list[Any], me: PortalUser) -> Iterator[Access]:
    by_ref: dict[str, Any] = {}
    for share in shares:  # the newest share of an item leads; the oldest says since when
        by_ref.setdefault(_ref(share), share)
    since = {_ref(share): share.shared_at for share in shares}
    for row in audit.about(list(by_ref), limit=MOST):
        if row.action in OPENINGS and row.happened_at >= since[row.subject_ref]:
            share = by_ref[row.subject_ref]
            is_me = row.portal_user_id == me.id
            who = "You" if is_me else _who(row)
            yield Access(row.happened_at, who, is_me, f"{OPENINGS[row.action]} it", _name(share.item), _link(share))


def _who(row: AuditEntry) -> str:
    """Somebody of the firm by name; another portal user is not named to this one."""
    return str(row.firm_user.name) if row.firm_user_id else "Somebody else with whom it is shared"


def _ref(share: Any) -> str:
    return f"{type(share.item)._meta.name}:{share.item_id}"


def _name(item: Document | Event) -> str:
    return str(item.name if isinstance(item, Document) else item.title)


def _link(share: Any) -> str:
    item = share.item
    if share.ended_at is not None or getattr(item, "removed_at", None) or getattr(item, "canceled_at", None):
        return ""
    noun = "documents" if isinstance(share.item, Document) else "events"
    return f"/portal/{noun}/{share.item.public_id}"
