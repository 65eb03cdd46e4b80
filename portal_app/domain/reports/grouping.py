"""Rows of a report: by client, attorney, matter; what a reader may see; and the filters, the same for all of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from peewee import JOIN, ModelSelect

from portal_app.db import sum_of
from portal_app.domain import matters
from portal_app.domain.ledger import Account, JournalEntry, Posting
from portal_app.domain.matters import Matter
from portal_app.domain.people import Client, FirmUser
from portal_app.domain.reports.definition import Column, Link, Wanted, narrowed

GROUPS = {"client": "Client", "attorney": "Responsible attorney", "matter": "Matter"}
NOBODY = "Nobody yet"
NO_MATTER = "No matter"
Key = tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class Group:
    """How rows are told from one another: the first of ``fields`` is an id. ``columns`` are what is said of each."""

    fields: Key
    order: Key
    columns: tuple[Column, ...]


BY: dict[str, Group] = {
    "client": Group((Client.id, Client.name), (Client.name, Client.id), (Column("client", "Client"),)),
    "attorney": Group(
        (FirmUser.id, FirmUser.name), (FirmUser.name, FirmUser.id), (Column("attorney", "Responsible attorney"),)
    ),
    "matter": Group(
        (Matter.id, Matter.number, Matter.name, Client.name), (Matter.number, Matter.id),
        (Column("matter", "Matter", "code"), Column("matter_name", "Name"), Column("client", "Client")),
    ),
}  # fmt: skip


def booked(wanted: Wanted) -> ModelSelect:
    """Postings of these days with their entries and accounts. The cross join makes SQLite go by the days first; it
    keeps no statistics, and would read every posting that there is."""
    query = JournalEntry.select().join_from(JournalEntry, Posting, JOIN.CROSS).join_from(Posting, Account)
    query = query.where(Posting.entry == JournalEntry.id)
    query = query.where(JournalEntry.occurred_on >= wanted.since) if wanted.since else query
    return query.where(JournalEntry.occurred_on <= wanted.until) if wanted.until else query


def joined(query: ModelSelect, matter: Any) -> ModelSelect:
    """With the matters whose id stands in the column ``matter``, their clients and responsible attorneys. What is for
    no matter stays."""
    return (
        query.join_from(query.model, Matter, JOIN.LEFT_OUTER, on=(matter == Matter.id))
        .join_from(Matter, Client, JOIN.LEFT_OUTER, on=(Matter.client == Client.id))
        .join_from(Matter, FirmUser, JOIN.LEFT_OUTER, on=(Matter.responsible_attorney == FirmUser.id))
    )


def narrow(query: ModelSelect, who: FirmUser | None, wanted: Wanted) -> ModelSelect:
    """Only what the reader may see and asks for. What is for no matter is the firm's own: everybody there sees it."""
    if who is not None and not who.has_role("administrator"):
        query = query.where(Matter.id.is_null() | Matter.id.in_(matters.visible_to(who).select(Matter.id)))
    for chosen, column in (
        (wanted.client_id, Matter.client), (wanted.attorney_id, Matter.responsible_attorney),
        (wanted.matter_id, Matter.id),
    ):  # fmt: skip
        query = query.where(column == chosen) if chosen else query
    return query


def sums(query: ModelSelect, by: str, *figures: Any) -> dict[Key, list[int]]:
    """Whole figures for each group, by what :data:`BY` says of it, in its order."""
    group = BY[by]
    rows = query.select(*group.fields, *figures).group_by(*group.fields).order_by(*group.order).tuples()
    wide = len(group.fields)
    return {tuple(row[:wide]): [sum_of(value) for value in row[wide:]] for row in rows}


def label(by: str, key: Key) -> Key:
    """The first cells of a row: of a client or attorney the name; of a matter its number, name and client."""
    if by == "matter":
        return (NO_MATTER, "", "") if key[0] is None else tuple(key[1:])
    return (key[1] or (NOBODY if by == "attorney" else NO_MATTER),)


def link(by: str, key: Key, finer: str) -> Link | None:
    """From a client or attorney to this report of theirs, by ``finer``; from a matter to its ledger."""
    if key[0] is None:
        return None
    return Link("matter", key[0]) if by == "matter" else narrowed(by=finer, **{f"{by}_id": int(key[0])})


def name_of(by: str, key: Key) -> str:
    """What a bar of a chart is called."""
    cells = label(by, key)
    return str(cells[1] if by == "matter" and cells[1] else cells[0])
