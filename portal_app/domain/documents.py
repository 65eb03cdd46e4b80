"""Documents of a matter: versions whose bytes lie in an object store, shared with portal users one by one."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, NamedTuple

from peewee import JOIN, BigIntegerField, CharField, DateTimeField, ForeignKeyField, IntegerField, ModelSelect

from portal_app import clock, config
from portal_app.db import BaseModel, locked, transaction
from portal_app.domain import audit, clamd, matters, outbox, sharing, store
from portal_app.domain.calendar import Event, EventShare
from portal_app.domain.errors import Refused
from portal_app.domain.matters import Matter
from portal_app.domain.once import once
from portal_app.domain.people import FirmUser, PortalUser, new_public_id
from portal_app.domain.store import Stored
from portal_app.prepared import prepared_and_kept_as, prepared_of_ids

NAME_MAX = 120
HELD = frozenset({"waiting", "infected"})
# What a name promises, where it can be told from the first bytes.
_PROMISED = {
    "pdf": "application/pdf", "png": "image/png", "jpg": "image/jpeg", "jpeg": "image/jpeg", "gif": "image/gif",
}  # fmt: skip


class Held(Exception):
    """The malware scanner has not let this version through (yet)."""

    def __init__(self, version: DocumentVersion) -> None:
        super().__init__(f"version {version.id} is {version.scan}")
        self.is_infected = version.scan == "infected"


class Document(BaseModel):
    """A named file of a matter. ``kind`` is ``invoice`` for papers that the portal makes itself: of
    an issued invoice, or of a credit note on one."""

    public_id = CharField(max_length=32)
    matter = ForeignKeyField(Matter, backref="documents")
    name = CharField(max_length=NAME_MAX)
    folder = CharField(max_length=60, default="")
    kind = CharField(max_length=10, default="file")
    created_at = DateTimeField()
    created_by = ForeignKeyField(FirmUser, null=True, backref="+")
    changed_at = DateTimeField()
    removed_at = DateTimeField(null=True)

    version: DocumentVersion | None = None


class DocumentVersion(BaseModel):
    """The bytes of a document at one time. ``sha256`` is hexadecimal. ``scan``: none (nobody looks through files here),
    waiting, clean or infected; ``scan_found`` is what the scanner calls it."""

    document = ForeignKeyField(Document, backref="versions")
    number = IntegerField()
    storage_key = CharField(max_length=120)
    media_type = CharField(max_length=120)
    size_bytes = BigIntegerField()
    sha256 = CharField(max_length=64)
    created_at = DateTimeField()
    created_by = ForeignKeyField(FirmUser, null=True, backref="+")
    scan = CharField(max_length=10, default="none")
    scan_found = CharField(max_length=120, default="")

    @property
    def is_held(self) -> bool:
        """Whether nobody may open it: it was not looked through for malware yet, or something was found."""
        return self.scan in HELD


class DocumentShare(sharing.Share):
    item = ForeignKeyField(Document, column_name="document_id", object_id_name="item_id", backref="shares")
    first_downloaded_at = DateTimeField(null=True)


# Documents


def clean_name(text: str) -> str:
    """A file's name fit to be shown and offered for download: no path, no control characters, at most 120 long."""
    name = re.sub(
        r"[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]", "", text.replace("\\", "/").rsplit("/", 1)[-1]
    )
    name = " ".join(name.split()).strip(". ")
    if len(name) > NAME_MAX:
        stem, dot, extension = name.rpartition(".")
        tail = dot + extension if dot and len(extension) <= 10 else ""
        name = (stem if tail else name)[: NAME_MAX - len(tail)].rstrip() + tail
    return name or "Untitled"


def _refuse_disguised(name: str, media_type: str) -> None:
    """A name must not promise what the content is not (ASVS 5.2.2)."""
    ending = name.rpartition(".")[2].lower()
    if _PROMISED.get(ending, media_type) != media_type:
        raise Refused(f"“{name}” ends like {ending.upper()}, but its content is something else. Save it again.", "file")


def _checked(name: str, stored: Stored) -> Stored:
    """The bytes that were just stored, unless ``name`` disguises them: then they are thrown away again."""
    try:
        _refuse_disguised(clean_name(name), stored.media_type)
    except Refused:
        store.discard([stored.key])
        raise
    return stored


def add(
    matter: Matter, *, name: str, chunks: Iterable[bytes], limit_bytes: int, by: FirmUser | None, folder: str = ""
) -> Document:
    """Store a new document with its first version."""
    stored = _checked(name, store.put_bytes(chunks, limit_bytes=limit_bytes))
    with transaction():
        document = create(matter, name=clean_name(name), by=by, folder=folder)
        _add_version(document, stored, by)
    return document


def add_all(
    matter: Matter, files: Sequence[tuple[str, Iterable[bytes]]], *, limit_bytes: int, by: FirmUser, folder: str = "",
    key: str | None = None,
) -> None:  # fmt: skip
    """Store several new documents, ``(name, chunks)`` each: all of them, or none when one is too large. ``key`` (made
    with the form) becomes the public id of the first: the same key again adds nothing."""
    stored: list[Stored] = []
    added: list[Document] = []

    def make() -> Document:
        for (name, _), item in zip(files, stored, strict=True):
            public_id = "" if added else key
            added.append(create(matter, name=clean_name(name), by=by, folder=folder, public_id=public_id or ""))
            _add_version(added[-1], item, by)
        return added[0]

    try:
        for name, chunks in files:
            stored.append(_checked(name, store.put_bytes(chunks, limit_bytes=limit_bytes)))
        once(Document.public_id, key, make, {"matter": matter, "name": clean_name(files[0][0])})
    finally:
        if not added:
            store.discard([item.key for item in stored])


def create(
    matter: Matter, *, name: str, by: FirmUser | None, folder: str = "", kind: str = "file", public_id: str = ""
) -> Document:
    """A document whose bytes come later (an invoice's paper is rendered after it was issued)."""
    now = clock.now()
    return Document.create(
        public_id=public_id or new_public_id(), matter=matter, name=name, folder=" ".join(folder.split())[:60],
        kind=kind, created_at=now, changed_at=now, created_by=by,
    )  # fmt: skip


def add_version(
    document: Document, chunks: Iterable[bytes], *, limit_bytes: int, by: FirmUser | None
) -> DocumentVersion:
    """A newer version; the older ones stay. The bytes of the newest one are no newer version, but that one."""
    if document.kind == "invoice" and latest_versions([document]):
        raise Refused("A paper that was issued cannot be replaced.")
    stored = _checked(document.name, store.put_bytes(chunks, limit_bytes=limit_bytes))
    with transaction():
        fresh = locked(Document.select().where(Document.id == document.id)).get()
        newest = latest_versions([fresh]).get(fresh.id)
        if newest is not None and newest.sha256 == stored.sha256:
            store.discard([stored.key])
            return newest
        Document.update(changed_at=clock.now()).where(Document.id == document.id).execute()
        return _add_version(document, stored, by)


def attach_paper(document: Document, stored: Stored, *, is_announced: bool = True) -> bool:
    """The paper of an issued invoice or credit note has been made: keep it, and promise to tell everybody with whom it
    is shared. The document's own date stays that of the issue. ``False``: it has its paper already."""
    with transaction():
        fresh = locked(Document.select().where(Document.id == document.id)).get()
        if latest_versions([fresh]):
            return False
        _add_version(fresh, stored, None)
        for row in sharing.shares_of(DocumentShare, [fresh]).get(fresh.id, []) if is_announced else []:
            outbox.put("document_shared", row.id)
    return True


def _add_version(document: Document, stored: Stored, by: FirmUser | None) -> DocumentVersion:
    last = DocumentVersion.select().where(DocumentVersion.document == document.id).count()
    is_looked_through = bool(config.active().clamd) and document.kind != "invoice"  # that paper is our own
    version: DocumentVersion = DocumentVersion.create(
        document=document, number=last + 1, storage_key=stored.key, media_type=stored.media_type,
        size_bytes=stored.size_bytes, sha256=stored.sha256, created_at=clock.now(), created_by=by,
        scan="waiting" if is_looked_through else "none",
    )  # fmt: skip
    if is_looked_through:
        outbox.put("document_scan", version.id)
    return version


def scan(version: DocumentVersion) -> bool:
    """Have a waiting version looked through by the scanner of the settings; without one any more it is let through.
    Returns whether something was found.

    Raises:
        NoAnswer: the scanner did not say; the version goes on waiting.
    """
    if version.scan != "waiting":
        return False
    address = config.active().clamd
    verdict = clamd.scan(address, store.stream(version.storage_key)) if address else None
    result = "none" if verdict is None else "clean" if verdict.is_clean else "infected"
    with transaction():
        is_waiting = (DocumentVersion.id == version.id) & (DocumentVersion.scan == "waiting")
        found = verdict.found if verdict else ""
        DocumentVersion.update(scan=result, scan_found=found).where(is_waiting).execute()
        if result != "infected":  # those with whom it is shared were not told while it was held
            for row in sharing.shares_of(DocumentShare, [version.document]).get(version.document_id, []):
                outbox.put("document_shared", row.id)
        else:
            document = version.document
            audit.record(
                "hold_back_file", subject=document.name, subject_ref=f"document:{document.id}",
                matter_id=document.matter_id, after={"version": version.number, "scanner found": found},
            )  # fmt: skip
    version.scan, version.scan_found = result, found
    return result == "infected"


def rename(document: Document, *, name: str, folder: str) -> None:
    """A new name, or another folder. An invoice's paper keeps its name."""
    if document.kind == "invoice" and clean_name(name) != document.name:
        raise Refused("A paper that was issued keeps its name.", "name")
    if (version := latest_versions([document]).get(document.id)) is not None and document.kind != "invoice":
        _refuse_disguised(clean_name(name), version.media_type)
    with transaction():
        document.name, document.folder = clean_name(name), " ".join(folder.split())[:60]
        document.save(only=["name", "folder"])


def remove(document: Document, *, by: FirmUser) -> None:
    """Take a file away from everyone. An invoice's paper stays."""
    if document.kind == "invoice":
        raise Refused("A paper that was issued stays with the matter. Un-share it instead.")
    with transaction():
        sharing.set_people(DocumentShare, document, [], by=by)
        Document.update(removed_at=clock.now()).where(Document.id == document.id).execute()


def stream(version: DocumentVersion) -> Iterator[bytes]:
    """The bytes, in chunks.

    Raises:
        Held: nobody may open it (yet). NotStored: they are not there.
    """
    if version.is_held:
        raise Held(version)
    return store.stream(version.storage_key)


def for_matter(matter: Matter) -> list[Document]:
    """The matter's documents, by folder, the newest first."""
    query = Document.select().where((Document.matter == matter.id) & Document.removed_at.is_null())
    return list(query.order_by(Document.folder, Document.changed_at.desc(), Document.id.desc()))


def find(matter: Matter, document_id: int) -> Document:
    is_it = (Document.id == document_id) & (Document.matter == matter.id) & Document.removed_at.is_null()
    return Document.get(is_it)


def latest_versions(documents: Sequence[Document]) -> dict[int, DocumentVersion]:
    """The newest version of each, by document id; one query. A document without bytes is left out."""
    return {row.document_id: row for row in _versions_of([document.id for document in documents])}


def open_versions(documents: Sequence[Document]) -> dict[int, DocumentVersion]:
    """The newest version of each that may be opened: while a newer one is held, the one before it is still theirs. The
    newest, held, where there is no other; one query."""
    found: dict[int, DocumentVersion] = {}
    for row in _versions_of([document.id for document in documents]):
        if not row.is_held or row.document_id not in found or found[row.document_id].is_held:
            found[row.document_id] = row
    return found


@prepared_of_ids
def _versions_of(ids: Any) -> ModelSelect:
    return DocumentVersion.select().where(DocumentVersion.document.in_(ids)).order_by(DocumentVersion.number)


def versions_of(document: Document) -> list[DocumentVersion]:
    """Every version with whoever added it, the newest first."""
    rows = DocumentVersion.select(DocumentVersion, FirmUser).join(FirmUser, JOIN.LEFT_OUTER)
    query = rows.where(DocumentVersion.document == document.id)
    return list(query.order_by(DocumentVersion.number.desc()))


def share(document: Document, people: Sequence[PortalUser], *, by: FirmUser) -> None:
    """Share with exactly ``people``; those who are new are told by e-mail."""
    sharing.set_people(DocumentShare, document, people, by=by, topic="document_shared")


def people_of(matter: Matter) -> list[PortalUser]:
    """Portal users who can receive the matter's invoices or see something of it now, by name; one query."""
    recipients = matters.InvoiceRecipient.select(matters.InvoiceRecipient.portal_user).where(
        matters.InvoiceRecipient.matter == matter.id
    )
    papers = DocumentShare.select(DocumentShare.portal_user).join(Document)
    events = EventShare.select(EventShare.portal_user).join(Event)
    sees = PortalUser.id.in_(papers.where((Document.matter == matter.id) & DocumentShare.ended_at.is_null()))
    goes = PortalUser.id.in_(events.where((Event.matter == matter.id) & EventShare.ended_at.is_null()))
    return list(PortalUser.select().where(PortalUser.id.in_(recipients) | sees | goes).order_by(PortalUser.name))


def visible_to(who: PortalUser) -> ModelSelect:
    """Documents shared with ``who``, each with its share as ``document.documentshare``, its matter, and who shared."""
    return _seen_by(who.id)


def _seen_by(who_id: Any) -> ModelSelect:
    share = (*sharing.read_by(DocumentShare), DocumentShare.first_downloaded_at)
    return open_to(who_id, Document, *share, Matter.id, Matter.number, Matter.name, FirmUser.id, FirmUser.name)


def open_to(who_id: Any, *columns: Any) -> ModelSelect:
    """The query for these columns of documents, shares, matters and sharers, as one portal user sees them."""
    return (
        Document.select(*columns)
        .join_from(Document, DocumentShare)
        .join(FirmUser, JOIN.LEFT_OUTER, on=(DocumentShare.shared_by == FirmUser.id))
        .join_from(Document, Matter)
        .where((DocumentShare.portal_user == who_id) & DocumentShare.ended_at.is_null() & Document.removed_at.is_null())
    )


def find_for(who: PortalUser, public_id: str) -> Document:
    return visible_to(who).where(Document.public_id == public_id).get()


class SeenMatter(NamedTuple):
    """A matter of which a portal user can see something."""

    number: str
    name: str


def matters_of(who: PortalUser) -> tuple[SeenMatter, ...]:
    """Matters of which ``who`` can see something now, by name; one query."""
    return tuple(_matters_of(who.id))


@prepared_and_kept_as(SeenMatter)
def _matters_of(who_id: Any) -> ModelSelect:
    papers, events = seen_by(who_id)
    query = Matter.select(Matter.number, Matter.name).where(Matter.id.in_(papers + events))
    return query.order_by(Matter.name, Matter.id)


def seen_by(who_id: Any, *more: Any) -> tuple[ModelSelect, ModelSelect]:
    """The matters of which a portal user can see something now, by their documents and by their events, each with
    ``more``: two lists to be put together. (Two conditions with "or" would have PostgreSQL look at every matter.)"""
    papers = DocumentShare.select(Document.matter, *more).join(Document)
    events = EventShare.select(Event.matter, *more).join(Event)
    return (
        papers.where((DocumentShare.portal_user == who_id) & DocumentShare.ended_at.is_null()),
        events.where((EventShare.portal_user == who_id) & EventShare.ended_at.is_null()),
    )


def mark_downloaded(share: DocumentShare) -> None:
    """Note the first time that the bytes were fetched."""
    sharing.mark_seen([share])
    now: dt.datetime = clock.now()
    is_first = (DocumentShare.id == share.id) & DocumentShare.first_downloaded_at.is_null()
    with transaction():
        DocumentShare.update(first_downloaded_at=now).where(is_first).execute()
