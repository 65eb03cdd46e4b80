"""Deposit requests: money asked for in advance, which the firm holds in trust for the client. They are no debt: no
interest runs on them, no discount is given (T21), and what was asked for never changes.

What came of a request is read from its payments (``payments.requests``); nothing here moves money.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence

from peewee import BigIntegerField, CharField, DateField, DateTimeField, ForeignKeyField, IntegerField, IntegrityError

from portal_app import clock, money
from portal_app.db import BaseModel, db, transaction
from portal_app.domain import firms, matters, outbox, sharing
from portal_app.domain.banks import BankAccount
from portal_app.domain.errors import Refused
from portal_app.domain.matters import Matter
from portal_app.domain.once import once
from portal_app.domain.people import FirmUser, PortalUser, new_public_id

PURPOSE_MAX = 200


class Evergreen(BaseModel):
    """A retainer that is filled up: when the matter's trust balance falls below ``threshold_cents``, as much is asked
    for as leads to ``target_cents``, due ``terms_days`` later. One at a time for a matter, until ``ended_at``."""

    matter = ForeignKeyField(Matter, backref="+")
    bank_account = ForeignKeyField(BankAccount, backref="+")
    threshold_cents = BigIntegerField()
    target_cents = BigIntegerField()
    terms_days = IntegerField()
    set_by = ForeignKeyField(FirmUser, null=True, backref="+")
    set_at = DateTimeField()
    ended_by = ForeignKeyField(FirmUser, null=True, backref="+")
    ended_at = DateTimeField(null=True)


class DepositRequest(BaseModel):
    """What was asked for: ``amount_cents`` into the trust account ``bank_account`` for one matter. Without
    ``created_by`` the worker asked, for ``evergreen``. ``payments.requests`` adds ``received_cents`` and
    ``is_withdrawn``; ``paper_key`` names the stored bytes of its paper."""

    public_id = CharField(max_length=32)
    number = CharField(max_length=20)
    matter = ForeignKeyField(Matter, backref="deposit_requests")
    bank_account = ForeignKeyField(BankAccount, backref="+")
    amount_cents = BigIntegerField()
    currency = CharField(max_length=3)
    purpose = CharField(max_length=PURPOSE_MAX)
    asked_on = DateField()
    due_on = DateField()
    evergreen = ForeignKeyField(Evergreen, null=True, backref="+")
    paper_key = CharField(max_length=120, default="")
    created_at = DateTimeField()
    created_by = ForeignKeyField(FirmUser, null=True, backref="+")

    received_cents = 0
    is_withdrawn = False

    @property
    def balance_cents(self) -> int:
        """What is still asked for, in cents."""
        return 0 if self.is_withdrawn else max(int(self.amount_cents) - int(self.received_cents), 0)

    def state(self, today: dt.date) -> str:
        """withdrawn, paid, overdue, part or open."""
        if self.is_withdrawn:
            return "withdrawn"
        if not self.balance_cents:
            return "paid"
        if self.due_on < today:
            return "overdue"
        return "part" if self.received_cents else "open"


class DepositWithdrawal(BaseModel):
    """The fact that a request is no longer asked for."""

    deposit = ForeignKeyField(DepositRequest, primary_key=True, backref="withdrawal")
    withdrawn_at = DateTimeField()
    withdrawn_by = ForeignKeyField(FirmUser, null=True, backref="+")
    reason = CharField(max_length=200)


class DepositShare(sharing.Share):
    item = ForeignKeyField(DepositRequest, column_name="deposit_id", object_id_name="item_id", backref="shares")


def ask(
    matter: Matter, *, amount_cents: int, purpose: str, due_on: dt.date, bank_account_id: int, by: FirmUser | None,
    key: str | None = None, people: Sequence[PortalUser] | None = None, evergreen: Evergreen | None = None,
) -> DepositRequest:  # fmt: skip
    """Ask for a deposit: its number, its shares with ``people`` (the matter's recipients when nobody is named), their
    e-mails and its paper are promised in one transaction. ``key`` (made with the form) becomes its public id: the same
    key is the same request.

    Raises:
        Refused: the matter is closed, the amount or the date cannot be, or (``SentAlready``) the key asked otherwise.
    """
    today = clock.today(firms.current().time_zone)
    said = {
        "matter": matter, "amount_cents": amount_cents, "purpose": purpose.strip(), "due_on": due_on,
        "bank_account": bank_account_id,
    }  # fmt: skip

    def make() -> DepositRequest:
        _refuse(matter, amount_cents, due_on, today)
        row: DepositRequest = DepositRequest.create(
            **said, public_id=key or new_public_id(), number=firms.deposit_number(today.year), asked_on=today,
            currency=firms.current().currency, created_at=clock.now(), created_by=by, evergreen=evergreen,
        )  # fmt: skip
        named = [row.portal_user for row in matters.recipients_of(matter)] if people is None else people
        share(row, named, by=by)
        outbox.put("deposit_pdf", row.id)
        return row

    return once(DepositRequest.public_id, key, make, said)


def _refuse(matter: Matter, amount_cents: int, due_on: dt.date, today: dt.date) -> None:
    if not matter.is_open:
        raise Refused("This matter is closed. Open it again before you ask for a deposit.")
    if not 0 < amount_cents <= money.MAX_CENTS:
        raise Refused("Enter an amount above zero.", "amount")
    if due_on < today:
        raise Refused("This day has passed. Choose today or a later one.", "due_on")


def share(request: DepositRequest, people: Sequence[PortalUser], *, by: FirmUser | None) -> None:
    """Share with ``people`` too; those who are new are told by e-mail."""
    sharing.share(DepositShare, request, people, by=by, topic="deposit_shared")


def set_people(request: DepositRequest, people: Sequence[PortalUser], *, by: FirmUser) -> None:
    """Share with exactly ``people``."""
    sharing.set_people(DepositShare, request, people, by=by, topic="deposit_shared")


def withdraw(request: DepositRequest, *, reason: str, by: FirmUser) -> None:
    """Ask for it no longer; what came stays where it is, in trust. Twice changes nothing."""
    row = {"deposit": request, "withdrawn_at": clock.now(), "withdrawn_by": by, "reason": reason.strip()[:200]}
    with transaction():
        DepositWithdrawal.insert(row).on_conflict_ignore().execute()


def keep_paper(request: DepositRequest, storage_key: str) -> bool:
    """Note where the paper's bytes lie, once. ``False``: there is one already."""
    with transaction():
        is_first = (DepositRequest.id == request.id) & (DepositRequest.paper_key == "")
        return bool(DepositRequest.update(paper_key=storage_key).where(is_first).execute())


# Evergreen retainers


def evergreen_of(matter: Matter) -> Evergreen | None:
    """The rule that fills up this matter's retainer, if there is one."""
    return Evergreen.get_or_none((Evergreen.matter == matter.id) & Evergreen.ended_at.is_null())


def keep_filled(
    matter: Matter, *, threshold_cents: int, target_cents: int, terms_days: int, bank_account_id: int, by: FirmUser
) -> Evergreen:
    """Ask for more by itself from now on, in place of the rule before.

    Raises:
        Refused: amounts that cannot be, with the field's name.
    """
    if not 0 < threshold_cents <= money.MAX_CENTS:
        raise Refused("Enter an amount above zero.", "threshold")
    if not threshold_cents <= target_cents <= money.MAX_CENTS:
        raise Refused("Fill it up to at least the amount below which more is asked for.", "target")
    values = {
        "bank_account_id": bank_account_id, "threshold_cents": threshold_cents, "target_cents": target_cents,
        "terms_days": terms_days,
    }  # fmt: skip
    try:
        with transaction(), db.atomic():
            known = evergreen_of(matter)
            if known is not None and all(getattr(known, name) == value for name, value in values.items()):
                return known
            stop_filling(matter, by=by)
            return Evergreen.create(matter=matter, set_by=by, set_at=clock.now(), **values)
    except IntegrityError:  # somebody else set one at the same moment
        found = evergreen_of(matter)
        if found is None:
            raise
        return found


def stop_filling(matter: Matter, *, by: FirmUser) -> None:
    """Ask for nothing by itself any more; what was asked for stays."""
    is_open = (Evergreen.matter == matter.id) & Evergreen.ended_at.is_null()
    with transaction():
        Evergreen.update(ended_at=clock.now(), ended_by=by).where(is_open).execute()


def evergreens() -> list[Evergreen]:
    """Every rule that holds, on open matters, with its matter."""
    query = Evergreen.select(Evergreen, Matter).join(Matter)
    return list(query.where(Evergreen.ended_at.is_null() & Matter.closed_on.is_null()).order_by(Evergreen.id))
