"""Matters, which staff may see them, and who can receive their invoices."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Sequence
from typing import Any, NamedTuple

from peewee import (
    JOIN,
    SQL,
    BooleanField,
    Cast,
    CharField,
    CompositeKey,
    DateField,
    DateTimeField,
    ForeignKeyField,
    ModelSelect,
    fn,
)

from portal_app import clock
from portal_app.db import BaseModel, has, pattern, transaction
from portal_app.domain import firms
from portal_app.domain.errors import Refused
from portal_app.domain.once import once
from portal_app.domain.people import Client, FirmUser, PortalUser
from portal_app.domain.readers import prepared_for, prepared_for_as, prepared_for_ids_as
from portal_app.prepared import prepared

BILLING_METHODS = {
    "hourly": "Hourly",
    "flat_fee": "Flat fee",
    "contingency": "Contingency",
    "not_billable": "Not billable",
}


NEAR_DAYS = 90  # from here on a statute of limitations is shown to everybody who sees the matter


class Matter(BaseModel):
    """One piece of work for one client. Unless ``is_restricted``, everyone at the firm sees it. ``client_matter_id`` is
    the client's own number for it, in LEDES files."""

    number = CharField(max_length=40)
    name = CharField(max_length=120)
    client = ForeignKeyField(Client, backref="matters")
    practice_area = CharField(max_length=120, default="")
    opposing_party = CharField(max_length=120, default="")
    billing_method = CharField(max_length=20, default="hourly")
    limitations_on = DateField(null=True)
    client_matter_id = CharField(max_length=20, default="")
    responsible_attorney = ForeignKeyField(FirmUser, null=True, backref="+")
    is_restricted = BooleanField(default=False)
    opened_on = DateField()
    closed_on = DateField(null=True)
    created_at = DateTimeField()
    created_by = ForeignKeyField(FirmUser, null=True, backref="+")
    key = CharField(max_length=32, null=True)

    @property
    def is_open(self) -> bool:
        return self.closed_on is None

    def days_to_file(self, today: dt.date) -> int | None:
        """How many days are left of the statute of limitations, below zero when it has passed; ``None`` while it is
        more than ``NEAR_DAYS`` away, without one, and once the matter is closed."""
        if not self.is_open or self.limitations_on is None:
            return None
        days = int((self.limitations_on - today).days)
        return days if days <= NEAR_DAYS else None

    @property
    def billing_method_name(self) -> str:
        return BILLING_METHODS[self.billing_method]


class MatterAccess(BaseModel):
    """A firm user who may see a restricted matter."""

    matter = ForeignKeyField(Matter, backref="access")
    firm_user = ForeignKeyField(FirmUser, backref="+")

    class Meta:
        primary_key = CompositeKey("matter", "firm_user")


class InvoiceRecipient(BaseModel):
    """A portal user with whom this matter's invoices are shared when they are issued. ``reads_trust``: who may read
    what the firm holds in trust on this matter; the client may, others only when somebody says so."""

    matter = ForeignKeyField(Matter, backref="recipients")
    portal_user = ForeignKeyField(PortalUser, backref="+")
    relation = CharField(max_length=40, default="")
    reads_trust = BooleanField(default=False)
    added_by = ForeignKeyField(FirmUser, null=True, backref="+")
    added_at = DateTimeField()


def is_asked(number: Any) -> Any:
    """For a query: its matter has this number, which is empty for all."""
    return (Matter.number == number) | (Cast(number, "TEXT") == "")


def visible_to(who: FirmUser) -> ModelSelect:
    """Matters that ``who`` may open, with their clients. Administrators see all."""
    query = Matter.select(Matter, Client).join(Client)
    return query if who.has_role("administrator") else query.where(_is_allowed(who.id))


def sees(who: FirmUser, matter: Any) -> Any:
    """For a query: the column ``matter`` names a matter that ``who`` may open. It is asked of each row that is found,
    since the matters of a firm, or those that are hidden from somebody, may be a long list. What is of no matter is not
    theirs: nothing hides it, so it is asked for."""
    is_one = matter.is_null(False)
    if who.has_role("administrator"):
        return is_one
    row = Matter.alias()
    hidden = row.select(SQL("1")).where((row.id == matter) & row.is_restricted & ~_is_on(row, who.id))
    return is_one & ~fn.EXISTS(hidden)


def _is_allowed(who_id: Any) -> Any:
    return ~Matter.is_restricted | _is_on(Matter, who_id)


def _is_on(matter: Any, who_id: Any) -> Any:
    """Of ``matter``, the table or its alias: it is theirs, or names them."""
    named = MatterAccess.select(SQL("1")).where((MatterAccess.matter == matter.id) & (MatterAccess.firm_user == who_id))
    # Nobody's matter is not theirs, and `sees` asks for the opposite: NULL would be neither.
    return (fn.COALESCE(matter.responsible_attorney, 0) == who_id) | fn.EXISTS(named)


def find(who: FirmUser, matter_id: int) -> Matter:
    """One matter through the person, with its client and responsible attorney; raises ``Matter.DoesNotExist`` for
    one that ``who`` may not see."""
    return _any.one(matter_id) if who.has_role("administrator") else _allowed.one(matter_id, who.id)


@prepared
def _any(matter_id: Any) -> ModelSelect:
    return (
        Matter.select(Matter, Client, FirmUser.id, FirmUser.name)
        .join_from(Matter, Client)
        .join_from(Matter, FirmUser, JOIN.LEFT_OUTER, on=Matter.responsible_attorney)
        .where(Matter.id == matter_id)
    )


@prepared
def _allowed(matter_id: Any, who_id: Any) -> ModelSelect:
    return _any.build(matter_id).where(_is_allowed(who_id))


def with_number(who: FirmUser, number: str) -> Matter | None:
    """The matter of this number, if there is one that ``who`` may see."""
    return visible_to(who).where(Matter.number == number.strip()).first()


def among(who: FirmUser, matter_ids: Collection[int]) -> dict[int, Matter]:
    """Those of these matters that ``who`` may see, by id; one query."""
    return {row.id: row for row in visible_to(who).where(Matter.id.in_(list(matter_ids)))} if matter_ids else {}


class Listed(NamedTuple):
    """A matter as a list shows it."""

    id: int
    number: str
    name: str
    client_id: int
    client_name: str
    practice_area: str
    opened_on: dt.date
    closed_on: dt.date | None

    @property
    def is_open(self) -> bool:
        return self.closed_on is None


def search(who: FirmUser, text: str, *, with_closed: bool = False, limit: int = 50, offset: int = 0) -> list[Listed]:
    """Matters whose number, name or client contains ``text``; the newest first."""
    words = text.strip()[:80]
    return _found(who, pattern(words), limit, offset, has_words=bool(words), with_closed=with_closed)


@prepared_for_as(Listed)
def _found(who: Any, words: Any, limit: Any, offset: Any, *, has_words: bool, with_closed: bool) -> ModelSelect:
    query = visible_to(who).select(
        Matter.id, Matter.number, Matter.name, Matter.client, Client.name, Matter.practice_area, Matter.opened_on,
        Matter.closed_on,
    )  # fmt: skip
    if has_words:
        query = query.where(has(Matter.number, words) | has(Matter.name, words) | has(Client.name, words))
    if not with_closed:
        query = query.where(Matter.closed_on.is_null())
    return query.order_by(Matter.opened_on.desc(), Matter.id.desc()).limit(limit).offset(offset)


def running_out(today: dt.date, who: FirmUser | None = None) -> list[Matter]:
    """Open matters whose statute of limitations is within ``NEAR_DAYS`` or past, the most urgent first, with clients
    and responsible attorneys: those that ``who`` may see, or all."""
    last = today + dt.timedelta(days=NEAR_DAYS)
    return _running_out(who, last) if who else list(_near(Matter.select(Matter, Client).join(Client), last))


@prepared_for
def _running_out(who: Any, last: Any) -> ModelSelect:
    return _near(visible_to(who), last)


def _near(query: ModelSelect, last: Any) -> ModelSelect:
    is_near = Matter.closed_on.is_null() & (Matter.limitations_on <= last)
    with_attorney = query.select_extend(FirmUser).join_from(
        Matter, FirmUser, JOIN.LEFT_OUTER, on=Matter.responsible_attorney
    )
    return with_attorney.where(is_near).order_by(Matter.limitations_on, Matter.id)


def for_client(who: FirmUser, client: Client) -> list[Matter]:
    """The client's matters that ``who`` may open: open ones first, then the newest."""
    order = (Matter.closed_on.is_null(False), Matter.opened_on.desc(), Matter.id.desc())
    return list(visible_to(who).where(Matter.client == client.id).order_by(*order))


def open_counts(who: FirmUser, clients: Sequence[Client]) -> dict[int, int]:
    """How many open matters each client has (that ``who`` may open), by the client's id; one query."""
    return {row.of: row.number for row in _open_counts(who, [client.id for client in clients])}


class _Count(NamedTuple):
    of: int
    number: int


@prepared_for_ids_as(_Count)
def _open_counts(who: Any, ids: Any) -> ModelSelect:
    rows = visible_to(who).where(Matter.client.in_(ids) & Matter.closed_on.is_null())
    return rows.select(Matter.client, fn.COUNT(Matter.id)).group_by(Matter.client)


def open_matter(
    *, number: str, name: str, client: Client, opened_on: dt.date, by: FirmUser, key: str | None = None,
    **details: object,
) -> Matter:  # fmt: skip
    """A new matter. An empty ``number`` takes the next of the year; the same ``key`` (made with the form) is the same
    matter.

    Raises:
        Refused: the number is taken.
    """
    said = {"name": name, "client": client, "opened_on": opened_on, **details}
    return once(
        Matter.key, key, said=said,
        make=lambda: Matter.create(
            **said, number=_take_number(number.strip(), opened_on.year), created_by=by, created_at=clock.now(), key=key
        ),
    )  # fmt: skip


def _take_number(number: str, year: int) -> str:
    number = number or _free_number(year)
    if Matter.select().where(Matter.number == number).exists():
        raise Refused(f"Matter {number} exists already.", "number")
    if number == firms.suggested_matter_number(year):
        firms.matter_number(year)
    return number


def _free_number(year: int) -> str:
    number = firms.matter_number(year)
    while Matter.select().where(Matter.number == number).exists():
        number = firms.matter_number(year)
    return number


def change(matter: Matter, **values: object) -> None:
    """Set fields of the matter: any of those a person may edit."""
    with transaction():
        if "number" in values:
            if not values["number"]:
                raise Refused("A matter has a number. Enter one.", "number")
            taken = Matter.select().where((Matter.number == values["number"]) & (Matter.id != matter.id))
            if taken.exists():
                raise Refused(f"Matter {values['number']} exists already.", "number")
        for name, value in values.items():
            setattr(matter, name, value)
        matter.save(only=list(values))


def close(matter: Matter, on: dt.date) -> None:
    if on < matter.opened_on:
        raise Refused("A matter cannot close before it was opened.", "closed_on")
    change(matter, closed_on=on)


def reopen(matter: Matter) -> None:
    change(matter, closed_on=None)


def set_access(matter: Matter, *, is_restricted: bool, staff: Sequence[FirmUser]) -> None:
    """Who at the firm may see the matter: everyone, or only ``staff`` (and administrators)."""
    with transaction():
        change(matter, is_restricted=is_restricted)
        MatterAccess.delete().where(MatterAccess.matter == matter.id).execute()
        for who in staff if is_restricted else []:
            MatterAccess.create(matter=matter, firm_user=who, force_insert=True)


def staff_of(matter: Matter) -> list[FirmUser]:
    """The people named on a restricted matter."""
    return list(FirmUser.select().join(MatterAccess).where(MatterAccess.matter == matter.id).order_by(FirmUser.name))


def recipients_of(matter: Matter) -> list[InvoiceRecipient]:
    """Who can receive invoices from this matter, with their portal users."""
    return _recipients_of(matter.id)


@prepared
def _recipients_of(matter_id: Any) -> ModelSelect:
    query = InvoiceRecipient.select(InvoiceRecipient, PortalUser).join(PortalUser)
    return query.where(InvoiceRecipient.matter == matter_id).order_by(InvoiceRecipient.id)


def find_recipient(matter: Matter, recipient_id: int) -> InvoiceRecipient:
    """One of them, with their portal user; raises ``InvoiceRecipient.DoesNotExist``."""
    query = InvoiceRecipient.select(InvoiceRecipient, PortalUser).join(PortalUser)
    is_it = (InvoiceRecipient.id == recipient_id) & (InvoiceRecipient.matter == matter.id)
    return query.where(is_it).get()


def add_recipient(matter: Matter, who: PortalUser, *, by: FirmUser, relation: str = "") -> InvoiceRecipient:
    """From now on the matter's invoices are shared with ``who``. Adding twice changes nothing."""
    with transaction():
        found: InvoiceRecipient | None = InvoiceRecipient.get_or_none(
            (InvoiceRecipient.matter == matter.id) & (InvoiceRecipient.portal_user == who.id)
        )
        if found is not None:
            return found
        return InvoiceRecipient.create(
            matter=matter, portal_user=who, relation=relation, added_by=by, added_at=clock.now(),
            reads_trust=relation.strip().lower() == "client",
        )  # fmt: skip


def change_recipient(row: InvoiceRecipient, *, relation: str, reads_trust: bool | None = None) -> None:
    """What the person is to the matter (client, spouse, accountant), and whether they may read its trust account;
    ``None`` leaves that as it is."""
    with transaction():
        row.relation = relation
        row.reads_trust = row.reads_trust if reads_trust is None else reads_trust
        row.save(only=["relation", "reads_trust"])


def trust_readers(matter: Matter) -> list[PortalUser]:
    """The portal users who may read what is held in trust on this matter, by name; those switched off are left out."""
    reads = (InvoiceRecipient.matter == matter.id) & InvoiceRecipient.reads_trust & PortalUser.disabled_at.is_null()
    return list(PortalUser.select().join(InvoiceRecipient).where(reads).order_by(PortalUser.name))


def read_in_trust_by(who: PortalUser) -> list[Matter]:
    """The matters whose trust account ``who`` may read, with clients, by name: the only door to it in ``client/``."""
    reads = (InvoiceRecipient.portal_user == who.id) & InvoiceRecipient.reads_trust
    query = Matter.select(Matter, Client).join_from(Matter, Client).join_from(Matter, InvoiceRecipient)
    return list(query.where(reads).order_by(Matter.name, Matter.id))


def remove_recipient(matter: Matter, who: PortalUser) -> None:
    """Later invoices are not shared with ``who``; what was shared stays until it is un-shared."""
    with transaction():
        InvoiceRecipient.delete().where(
            (InvoiceRecipient.matter == matter.id) & (InvoiceRecipient.portal_user == who.id)
        ).execute()
