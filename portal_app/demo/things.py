"""Documents and events of the demo's year."""

from __future__ import annotations

import datetime as dt
from functools import partial

from portal_app.demo import story
from portal_app.demo.papers import paper
from portal_app.demo.year import Year
from portal_app.domain import calendar, documents, sharing
from portal_app.domain.calendar import EventShare
from portal_app.domain.documents import Document, DocumentShare
from portal_app.domain.people import PortalUser

LIMIT_BYTES = 1024 * 1024


def plan(year: Year) -> None:
    """Papers are added, shared and read; dates are set and shared."""
    for key, name, folder, offset, title, people, is_seen in story.PAPERS:
        year.at(offset, 11, partial(_add, year, key, name, folder, offset, title, people))
        for who in people if is_seen else ():
            year.at(offset + 1, 18, partial(_read, year, who, name))
    for offset in range(-150, -7, 7):
        year.at(offset, 21, _look_around)
    for number, event in enumerate(story.EVENTS):
        year.at(min(event[3] - 14, -1 - number % 5), 15, partial(_set_date, year, event))


def _add(
    year: Year, key: str, name: str, folder: str, offset: int, title: str, people: tuple[str, ...]
) -> None:  # fmt: skip
    matter, dan = year.matters[key], year.staff["dan"]
    lines = [
        matter.name,
        f"{story.FIRM}, {year.day(offset):%B} {year.day(offset).day}, {year.day(offset).year}",
        "",
        "This is a made-up paper of a made-up matter. It stands here so that there is",
        "something to open, to download and to share.",
    ]
    body = paper(title, lines) if name.endswith(".pdf") else "\n".join([title, *lines, ""]).encode()
    document = documents.add(matter, name=name, folder=folder, chunks=[body], limit_bytes=LIMIT_BYTES, by=dan)
    if people:
        documents.share(document, [year.portal_users[who] for who in people], by=year.staff["carol"])


def _look_around() -> None:
    """Once a week those who are registered open the invoices and dates that they were told of."""
    for model in (DocumentShare, EventShare):
        rows = model.select(model, PortalUser).join(PortalUser)
        unseen = rows.where(model.first_seen_at.is_null() & PortalUser.registered_at.is_null(False))
        if model is DocumentShare:
            unseen = unseen.join_from(model, Document).where(Document.kind == "invoice")
        sharing.mark_seen(unseen)


def _read(year: Year, who: str, name: str) -> None:
    shares = DocumentShare.select().join(Document).where(Document.name == name)
    for share in shares.where(DocumentShare.portal_user == year.portal_users[who].id):
        documents.mark_downloaded(share)


def _set_date(year: Year, event: tuple[str, str, str, int, int, int, tuple[str, ...]]) -> None:
    key, title, place, offset, hour, minutes, people = event
    weekend = max(year.day(offset).weekday() - 4, 0)  # Saturday 1, Sunday 2: moved to the next Monday
    starts_at = year.moment(offset + (3 - weekend if weekend else 0), hour)
    row = calendar.add(
        year.matters[key], title=title, place=place, starts_at=starts_at, time_zone=story.ZONE,
        ends_at=starts_at + dt.timedelta(minutes=minutes) if minutes else None, by=year.staff["carol"],
    )  # fmt: skip
    if people:
        calendar.share(row, [year.portal_users[who] for who in people], by=year.staff["carol"])
