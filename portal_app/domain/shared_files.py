"""Files as lists show them: a portal user's own, and what was shared lately of a matter. One file, and its paper, is
documents.py's part."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Any, NamedTuple

from peewee import JOIN, ModelSelect, fn

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
    open_one = fn.MAX(other.id).filter(other.scan.not_in(sorted(HELD)))
    newest = other.select(fn.COALESCE(open_one, fn.MAX(other.id))).where(other.document == Document.id)
    share, version = DocumentShare, DocumentVersion
    return (
        documents.open_to(
            who_id, Document.public_id, Document.name, Matter.name, share.shared_at, share.first_seen_at, FirmUser.name,
            version.number, version.media_type, version.size_bytes, version.scan,
        )
        .join_from(Document, version, JOIN.LEFT_OUTER, on=(version.id == newest))
        .where((Document.kind == "file") & matters.is_asked(matter))
        .order_by(share.shared_at.desc(), share.id.desc())
        .limit(limit)
        .offset(offset)
    )  # fmt: skip


class Told(NamedTuple):
    """That a file was shared with somebody (``person``, a name), and when they first saw it."""

    document_id: int
    name: str
    shared_at: dt.datetime
    first_seen_at: dt.datetime | None
    person: str


@dataclass(frozen=True, slots=True)
class Lately:
    """A file with whom it was shared, when last, and whether any of them has seen it."""

    name: str
    shared_at: dt.datetime
    people: str
    count: int
    is_opened: bool


def lately(matter: Matter, files: int = 3) -> list[Lately]:
    """The last files of the matter that were shared (of the last 20 shares that are open), the newest first. Invoices'
    paper is none of them."""
    found: dict[int, list[Told]] = {}
    for row in _lately(matter.id, 20):
        found.setdefault(row.document_id, []).append(row)
    return [_one(rows) for rows in list(found.values())[:files]]


def _one(rows: list[Told]) -> Lately:
    people = ", ".join([row.person for row in rows])
    return Lately(rows[0].name, rows[0].shared_at, people, len(rows), any(row.first_seen_at for row in rows))


@prepared_as(Told)
def _lately(matter_id: Any, limit: Any) -> ModelSelect:
    share = DocumentShare
    rows = Document.select(Document.id, Document.name, share.shared_at, share.first_seen_at, PortalUser.name)
    is_open = (Document.matter == matter_id) & (Document.kind != "invoice") & share.ended_at.is_null()
    query = rows.join_from(Document, share).join(PortalUser).where(is_open)
    return query.order_by(share.shared_at.desc(), share.id.desc()).limit(limit)
