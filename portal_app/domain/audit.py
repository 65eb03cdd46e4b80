"""The audit trail: who did what, when, from where, with what before and after. Append-only, chained like the ledger.

An entry is written in the transaction of what it tells: the fact and its record are there together or not at all. For
what people do in a browser that happens by itself (:func:`expect`); what the machine or a command does says so with
:func:`record`. Secrets never come here, whatever they are given as.

Each matter has a chain of its own (0: the firm's), so that people who work on different matters do not wait for each
other. An entry's hash is the SHA-256 of the words ``portal-audit-1``, the hash before, and the entry as one line of
compact JSON, with line breaks between. OWASP ASVS 16.2, 16.4.2.

What is not done by a person has an actor: ``gateway:CODE`` said so, or ``link:17`` was held by whoever did it; none is
the portal itself, at work by itself or by a command.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import json
import re
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any

from peewee import JOIN, BigIntegerField, CharField, DateTimeField, ForeignKeyField, ModelSelect, TextField, fn

from portal_app import chain, clock
from portal_app.db import BaseModel, before_commit, db, is_sqlite, transaction
from portal_app.domain import outbox
from portal_app.domain.people import FirmUser, PortalUser
from portal_app.prepared import Prepared, prepared

# What administrators are told of by e-mail at once.
ALERTS = frozenset(
    "add_firm_user edit_firm_user save_gateway enable_gateway disable_gateway save_roads bind_installation "
    "rotate_secrets many_failures read_link erase_portal_user erase_client".split()
)
_LOCK = 7_246_303  # any constant: the advisory locks of these chains on PostgreSQL
_HIDDEN = re.compile(r"passw|secret|token|csrf|hash|^key$|_key|once|settings|evidence|code$|^seen$", re.IGNORECASE)
_MOST_FIELDS, _MOST_SIGNS = 40, 200

Values = Mapping[str, Any]
Who = FirmUser | PortalUser | str | None  # a text is an actor


class AuditEntry(BaseModel):
    """One thing that was done. ``subject`` is what it was done to, as it was called; ``subject_ref`` names its row
    ("document:17"). ``before`` and ``after`` are JSON: what changed, or what was sent. Without a person it was
    ``actor``."""

    matter_id = BigIntegerField()
    sequence = BigIntegerField()
    previous = CharField(max_length=64)
    hash = CharField(max_length=64)
    happened_at = DateTimeField()
    action = CharField(max_length=60)
    firm_user = ForeignKeyField(FirmUser, null=True, backref="+")
    portal_user = ForeignKeyField(PortalUser, null=True, backref="+")
    subject = CharField(max_length=120)
    subject_ref = CharField(max_length=60)
    address = CharField(max_length=45)
    device = CharField(max_length=120)
    before = TextField()
    after = TextField()
    actor = CharField(max_length=60, default="")

    @property
    def words(self) -> str:
        """What was done, as a sentence's beginning: "Rename document"."""
        return str(self.action).replace("_", " ").capitalize()

    @property
    def person(self) -> FirmUser | PortalUser | None:
        return self.firm_user or self.portal_user

    @property
    def called(self) -> str:
        """Who it was, for people."""
        if self.person is not None:
            return str(self.person.name)
        kind, _, name = str(self.actor).partition(":")
        return {"gateway": f"Payment service “{name}”", "link": "Whoever holds a link to pay"}.get(kind, "The portal")

    @property
    def changes(self) -> list[tuple[str, str, str]]:
        """Name, before and after of each value; before is empty where something was only sent."""
        before, after = json.loads(self.before), json.loads(self.after)
        names = dict.fromkeys([*before, *after])
        return [(name.replace("_", " "), str(before.get(name, "")), str(after.get(name, ""))) for name in names]


class AuditPurge(BaseModel):
    """Entries of a chain up to a number that the firm no longer keeps; ``hash`` is the last one's."""

    matter_id = BigIntegerField()
    up_to = BigIntegerField()
    hash = CharField(max_length=64)
    count = BigIntegerField()
    purged_at = DateTimeField()


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a request came from: its address, and what its browser calls itself."""

    address: str = ""
    device: str = ""


@dataclass(slots=True)
class Pending:
    """What somebody is about to do. ``compare`` is asked for (before, after) inside the transaction that did it."""

    action: str
    by: Who
    subject: str = ""
    subject_ref: str = ""
    matter_id: int = 0
    compare: Callable[[], tuple[Values, Values]] = field(default=lambda: ({}, {}))


MACHINE = Origin(device="on the machine")  # the worker, and commands
_origin: ContextVar[Callable[[], Origin]] = ContextVar("origin", default=lambda: MACHINE)
_pending: ContextVar[Pending | None] = ContextVar("pending", default=None)


def come_from(origin: Callable[[], Origin]) -> None:
    """From here on, what is done is done from there; and nothing is expected. ``origin`` is asked when something is
    recorded: most requests record nothing."""
    _origin.set(origin)
    _pending.set(None)


@contextmanager
def working(part: str) -> Iterator[None]:
    """What is done in here is done by the machine by itself; ``part`` says how it came to it."""
    kept = _origin.set(lambda: Origin(device=f"{MACHINE.device}, {part}"))
    try:
        yield
    finally:
        _origin.reset(kept)


@contextmanager
def expect(pending: Pending) -> Iterator[None]:
    """Record ``pending`` with the first transaction that commits in here. What is refused commits nothing, and leaves
    no entry."""
    kept = _pending.set(pending)
    try:
        yield
    finally:
        _pending.reset(kept)


def _keep_pending() -> None:
    pending = _pending.get()
    if pending is None:
        return
    _pending.set(None)
    before, after = pending.compare()
    record(
        pending.action, by=pending.by, subject=pending.subject, subject_ref=pending.subject_ref,
        matter_id=pending.matter_id, before=before, after=after,
    )  # fmt: skip


before_commit(_keep_pending)


def record(
    action: str, *, by: Who = None, subject: str = "", subject_ref: str = "", matter_id: int = 0,
    before: Values | None = None, after: Values | None = None,
) -> AuditEntry:  # fmt: skip
    """Append an entry. Joins the caller's transaction."""
    origin = _origin.get()()
    row = AuditEntry(
        matter_id=matter_id, happened_at=clock.now(), action=action[:60], subject=_line(subject)[:120],
        firm_user=by if isinstance(by, FirmUser) else None, portal_user=by if isinstance(by, PortalUser) else None,
        subject_ref=subject_ref[:60], address=origin.address[:45], device=_line(origin.device)[:120],
        before=_json(before or {}), after=_json(after or {}), actor=by[:60] if isinstance(by, str) else "",
    )  # fmt: skip
    with transaction():
        _append(row)
        if is_alert(action):
            outbox.put("audit_alert", row.id)
    return row


def record_seldom(
    action: str, *, within: dt.timedelta, subject_ref: str, by: Who = None, **about: Any
) -> AuditEntry | None:
    """As :func:`record`, unless the same was recorded of the same row within this time: for what a stranger, or a
    machine that tries again, could do without end."""
    told = _LATELY[type(by) if isinstance(by, BaseModel) else str]
    if told(subject_ref, action, by.id if isinstance(by, BaseModel) else by or "", clock.now() - within):
        return None
    return record(action, by=by, subject_ref=subject_ref, **about)


def _lately(column: Any) -> Prepared:
    """Whether somebody (of this ``column``) was recorded to have done the same lately."""

    def build(subject_ref: Any, action: Any, who: Any, since: Any) -> ModelSelect:
        same = (AuditEntry.subject_ref == subject_ref) & (AuditEntry.action == action) & (column == who)
        return AuditEntry.select(AuditEntry.id).where(same & (AuditEntry.happened_at > since)).limit(1)

    return prepared(build)


_LATELY: dict[type, Prepared] = {
    FirmUser: _lately(AuditEntry.firm_user),
    PortalUser: _lately(AuditEntry.portal_user),
    str: _lately(AuditEntry.actor),
}


def _append(row: AuditEntry) -> None:
    if not is_sqlite():
        db.execute_sql("SELECT pg_advisory_xact_lock(%s, %s)", (_LOCK, row.matter_id % 2**31))
    last = AuditEntry.select().where(AuditEntry.matter_id == row.matter_id).order_by(AuditEntry.sequence.desc()).first()
    row.sequence, row.previous = (last.sequence + 1, last.hash) if last is not None else (1, chain.START)
    row.hash = digest(row)
    row.save(force_insert=True)


def digest(row: AuditEntry) -> str:
    values = [
        row.matter_id, row.sequence, str(row.happened_at), row.action, row.firm_user_id, row.portal_user_id,
        row.subject, row.subject_ref, row.address, row.device, row.before, row.after,
    ]  # fmt: skip
    values += [row.actor] if row.actor else []  # entries from before there were actors have none
    text = f"portal-audit-1\n{row.previous}\n{chain.encode(values)}"
    return hashlib.sha256(text.encode("utf-8", "surrogateescape")).hexdigest()


def is_alert(action: str) -> bool:
    return action in ALERTS or action.startswith("export_")


def _line(text: str) -> str:
    return " ".join("".join(sign if sign.isprintable() else " " for sign in text).split())


def _json(values: Values) -> str:
    kept = {
        _line(str(name))[:60]: "(not recorded)" if _HIDDEN.search(str(name)) else _line(str(value))[:_MOST_SIGNS]
        for name, value in list(values.items())[:_MOST_FIELDS]
    }
    return chain.encode(kept)


# Reading


@dataclass(frozen=True, slots=True, kw_only=True)
class Search:
    """What is looked for. ``person``: "firm:3", "portal:7", "machine", "gateway" or "link"; ``text`` in
    subjects, values and addresses; ``before_id`` pages on."""

    text: str = ""
    action: str = ""
    person: str = ""
    since: dt.date | None = None
    until: dt.date | None = None
    before_id: int | None = None


def find(search: Search, limit: int) -> list[AuditEntry]:
    """The newest first, with their people."""
    query = _with_people().where(*_conditions(search)).order_by(AuditEntry.id.desc())
    return list(query.limit(limit))


def _with_people() -> ModelSelect:
    joined = AuditEntry.select(AuditEntry, FirmUser, PortalUser)
    return joined.join_from(AuditEntry, FirmUser, JOIN.LEFT_OUTER).join_from(AuditEntry, PortalUser, JOIN.LEFT_OUTER)


def _conditions(search: Search) -> list[Any]:
    words = search.text.strip()[:80]
    kind, _, number = search.person.partition(":")
    is_nobody = AuditEntry.firm_user.is_null() & AuditEntry.portal_user.is_null()
    who = int(number) if number.isascii() and number.isdigit() and len(number) < 18 else 0
    given = {
        "text": (words, fn.LOWER(AuditEntry.subject).contains(words.lower()) | AuditEntry.address.contains(words)
                 | AuditEntry.before.contains(words) | AuditEntry.after.contains(words)),
        "action": (search.action, AuditEntry.action == search.action),
        "firm": (kind == "firm", AuditEntry.firm_user == who),
        "portal": (kind == "portal", AuditEntry.portal_user == who),
        "machine": (kind == "machine", is_nobody & (AuditEntry.actor == "")),
        "actor": (kind in {"gateway", "link"}, AuditEntry.actor.startswith(f"{kind}:")),
        "since": (search.since, AuditEntry.happened_at >= search.since),
        "until": (search.until, AuditEntry.happened_at < (search.until or dt.date.min) + dt.timedelta(days=1)),
        "before": (search.before_id, AuditEntry.id < (search.before_id or 0)),
        "every": (True, AuditEntry.id > 0),
    }  # fmt: skip
    return [condition for is_given, condition in given.values() if is_given]


def actions() -> list[str]:
    """Every kind of thing that was ever done, by name."""
    return [row[0] for row in AuditEntry.select(AuditEntry.action).distinct().order_by(AuditEntry.action).tuples()]


def about(refs: list[str], limit: int = 500, actions: Collection[str] = ()) -> list[AuditEntry]:
    """What was done to these rows (or only these kinds of it), the newest first, with people; one query."""
    is_asked = AuditEntry.subject_ref.in_(refs)
    if actions:
        is_asked &= AuditEntry.action.in_(sorted(actions))
    return list(_with_people().where(is_asked).order_by(AuditEntry.id.desc()).limit(limit)) if refs else []


# Keeping


def purge(older_than: dt.datetime) -> int:
    """Let go of entries from before ``older_than``; the last one of each chain stays. Returns how many."""
    newest = AuditEntry.select(AuditEntry.matter_id, fn.MAX(AuditEntry.sequence)).group_by(AuditEntry.matter_id)
    ends = dict(newest.tuples())
    old = AuditEntry.select(AuditEntry.matter_id, fn.MAX(AuditEntry.sequence), fn.COUNT(AuditEntry.id))
    gone = 0
    for matter_id, last, _ in old.where(AuditEntry.happened_at < older_than).group_by(AuditEntry.matter_id).tuples():
        up_to = min(int(last), int(ends[matter_id]) - 1)
        with transaction():
            row = AuditEntry.get_or_none((AuditEntry.matter_id == matter_id) & (AuditEntry.sequence == up_to))
            if row is None:
                continue
            among = (AuditEntry.matter_id == matter_id) & (AuditEntry.sequence <= up_to)
            count = AuditEntry.select().where(among).count()
            AuditPurge.create(matter_id=matter_id, up_to=up_to, hash=row.hash, count=count, purged_at=clock.now())
            gone += int(AuditEntry.delete().where(among).execute())
    if gone:
        record("purge_records", subject="Audit trail", after={"before": f"{older_than:%Y-%m-%d}", "entries": gone})
    return gone


def faults() -> Iterator[str]:
    """What does not hold in the chains, a sentence each: the first wrong entry of each is named."""
    begins = {row.matter_id: row for row in AuditPurge.select().order_by(AuditPurge.up_to)}
    broken: set[int] = set()
    last: dict[int, tuple[int, str]] = {matter: (row.up_to, row.hash) for matter, row in begins.items()}
    for row in AuditEntry.select().order_by(AuditEntry.matter_id, AuditEntry.sequence).iterator():
        sequence, previous = last.get(row.matter_id, (0, chain.START))
        last[row.matter_id] = (row.sequence, row.hash)
        if row.matter_id in broken:
            continue
        if row.sequence != sequence + 1 or row.previous != previous:
            broken.add(row.matter_id)
            yield f"Audit entry {row.id} (chain {row.matter_id}) does not follow number {sequence} of its chain."
        elif row.hash != digest(row):
            broken.add(row.matter_id)
            yield f"Audit entry {row.id} (chain {row.matter_id}, number {row.sequence}) was changed."
