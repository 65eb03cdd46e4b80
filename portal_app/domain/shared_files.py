"""Files as a portal user's lists show them. One file, and its paper, is documents.py's part."""

from __future__ import annotations

import datetime as dt
from typing import Any, NamedTuple

from peewee import JOIN, ModelSelect

from portal_app.domain import documents, matters
from portal_app.domain.documents import HELD, Document, DocumentShare, DocumentVersion
from portal_app.domain.matters import Matter
from portal_app.domain.people import FirmUser, PortalUser
from portal_app.prepared import prepared_as


class SharedFile(NamedTuple):
    """A file as its reader's lists show it: with its newest version that may be opened, or no ``version`` (its number),
    ``media_type``, ``size_bytes`` and ``scan``; ``shared_by`` is somebody's name, if anybody's."""

    public_id: str
    name: str
    matter: str
    shared_at: dt.datetime
    first_seen_at: dt.datetime | None
    shared_by: str | None
    version: int | None
    media_type: str | None
    size_bytes: int | None
    scan: str | None

    @property
    def is_held(self) -> bool:
        return self.scan in HELD


def of(who: PortalUser, *, matter: str = "", limit: int = 100, offset: int = 0) -> list[SharedFile]:
    """Files (not invoices' paper) shared with ``who``, the latest share first; ``matter`` is a matter's number, empty
    for all. One query."""
    return _files(who.id, matter, limit, offset)


@prepared_as(SharedFile)
def _files(who_id: Any, matter: Any, limit: Any, offset: Any) -> ModelSelect:
    other = DocumentVersion.alias()
    newest_first = (other.scan.in_(sorted(HELD)), other.id.desc())
    newest = other.select(other.id).where(other.document == Document.id).order_by(*newest_first).limit(1)
    share, version = DocumentShare, DocumentVersion
    return (
        documents.open_to(
            who_id, Document.public_id, Document.name, Matter.name, share.shared_at, share.first_seen_at, FirmUser.name,
            version.number, version.media_type, version.size_bytes, version.scan,
        )
        .join_from(Document, version, JOIN.LEFT_OUTER, on=(version.id == newest))
        .where((Document.kind == "file") & matters.is_asked(matter))
        .order_by(share.shared_at.desc(), Document.id.desc())
        .limit(limit)
        .offset(offset)
    )  # fmt: skip
