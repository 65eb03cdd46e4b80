"""What needs somebody at the firm: counts and sums over all that a person may see, one query each."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Any, NamedTuple

from peewee import JOIN, SQL, Case, ModelSelect, Value, fn

from portal_app import clock
from portal_app.db import sum_of
from portal_app.domain import invoices, mail, matters, payments, timekeeping
from portal_app.domain.firms import Firm
from portal_app.domain.invitations import Invitation
from portal_app.domain.invoices import Invoice
from portal_app.domain.ledger import IS_OWED, RECEIVABLE, RunningTotal
from portal_app.domain.matters import Matter
from portal_app.domain.payments import Allocation, Payment, Question
from portal_app.domain.people import Client, FirmUser, PortalUser
from portal_app.domain.readers import prepared_for, prepared_for_as
from portal_app.domain.timekeeping import WorkItem

AGES = ("Not yet due", "1–30 days", "31–60 days", "61–90 days", "Over 90 days")
EXPIRES_SOON = dt.timedelta(days=2)


@dataclass(frozen=True, slots=True)
class Tally:
    """How many there are, and their sum in cents."""

    count: int = 0
    cents: int = 0

    def __add__(self, other: Tally) -> Tally:
        return Tally(self.count + other.count, self.cents + other.cents)


@dataclass(frozen=True, slots=True)
class Payments:
    """Payments from the portal: lately received, being confirmed, held for review; ``has_any`` at any time.
    ``questions`` about the firm's money that are open, once there is any payment."""

    received: Tally
    confirming: Tally
    review: Tally
    has_any: bool
    questions: int


@dataclass(frozen=True, slots=True)
class Work:
    """What can be billed: matters with unbilled work, and drafts of invoices."""

    unbilled: Tally
    drafts: Tally


@dataclass(frozen=True, slots=True)
class Invitations:
    """Open invitations: still good (of these, soon not), and expired before anybody accepted."""

    pending: int
    expiring: int
    expired: int


@dataclass(frozen=True, slots=True)
class Beginnings:
    """The newest of each thing that a firm begins with, by id; 0 when there is none yet."""

    client_id: int
    matter_id: int
    work_id: int
    portal_user_id: int


def receivables_by_age(who: FirmUser, today: dt.date) -> list[Tally]:
    """Open balances by days overdue: one tally for each of ``AGES``."""
    limits = [today - dt.timedelta(days=days) for days in (0, 30, 60, 90)]
    found = {int(row.age): Tally(int(row.many), sum_of(row.cents)) for row in _by_age(who, *limits)}
    return [found.get(at, Tally()) for at in range(len(AGES))]


class _Age(NamedTuple):
    age: int
    many: int
    cents: Any


@prepared_for_as(_Age)
def _by_age(who: Any, today: Any, first: Any, second: Any, third: Any) -> ModelSelect:
    limits = (today, first, second, third)
    age = Case(None, [(Invoice.due_on >= limit, at) for at, limit in enumerate(limits)], len(limits)).alias("age")
    of_invoice = (RunningTotal.invoice_id == Invoice.id) & (RunningTotal.account_code == RECEIVABLE)
    query = Invoice.select().join(RunningTotal, JOIN.INNER, on=of_invoice)
    is_open = Invoice.number.is_null(False) & IS_OWED
    query = query.where(is_open & matters.sees(who, Invoice.matter))
    return query.select(age, fn.COUNT(Invoice.id), fn.SUM(RunningTotal.balance_cents)).group_by(SQL("age"))


def work_to_bill(who: FirmUser) -> Work:
    """What is not billed yet, on matters that ``who`` may see."""
    drafts = invoices.drafts_query(who).select_extend(Value("drafts"))
    rows = drafts + timekeeping.unbilled_query(who).select_extend(Value("unbilled"))
    found = {name: Tally(int(count), sum_of(cents)) for count, cents, name in rows.tuples()}
    return Work(found["unbilled"], found["drafts"])


def oldest_overdue(who: FirmUser, today: dt.date) -> Invoice | None:
    """The open invoice that is past due for the longest time, with its client."""
    return next(iter(_oldest_overdue(who, today)), None)


@prepared_for
def _oldest_overdue(who: Any, today: Any) -> ModelSelect:
    is_late = Invoice.number.is_null(False) & (Invoice.due_on < today) & IS_OWED
    return invoices.firm_sees(who).where(is_late).order_by(Invoice.due_on, Invoice.id).limit(1)


def payments_since(who: FirmUser, since: dt.datetime) -> Payments:
    """Where the payments of the portal stand; "received" counts from ``since``."""
    rows: list[_Told] = _told(who, since)
    found = {(row.state, bool(row.is_new)): Tally(int(row.many), sum_of(row.cents)) for row in rows if row.state}
    confirming = [found[state, False] for state in payments.GROUPS["open"] if (state, False) in found]
    return Payments(
        received=found.get(("succeeded", True), Tally()), confirming=sum(confirming, Tally()),
        review=found.get(("review", False), Tally()), has_any=bool(rows[0].has_any), questions=int(rows[0].questions),
    )  # fmt: skip


class _Told(NamedTuple):
    state: str | None
    is_new: int
    many: int
    cents: Any
    questions: int
    has_any: bool


@prepared_for_as(_Told)
def _told(who: Any, since: Any) -> ModelSelect:
    is_new = Case(None, [(Payment.paid_at >= since, 1)], 0).alias("is_new")
    is_told = payments.IS_HOLDING | (Payment.paid_at >= since)
    sums = (fn.COUNT(Payment.id).alias("count"), fn.SUM(Payment.amount_cents).alias("cents"))
    told = payments.firm_sees(who).where(is_told).select(Payment.state, is_new, *sums)
    told = told.group_by(Payment.state, SQL("is_new")).alias("told")
    asked = Question.select(fn.COUNT(Question.id)).where(Question.closed_at.is_null())
    has_any = fn.EXISTS(payments.firm_sees(who).select(SQL("1")))
    query = Firm.select(told.c.state, told.c.is_new, told.c.count, told.c.cents, asked, has_any).where(Firm.id == 1)
    return query.join(told, JOIN.LEFT_OUTER, on=SQL("1 = 1"))


def lately_paid(who: FirmUser, limit: int = 5) -> list[Allocation]:
    """What the newest payments paid: allocations with their payments, payers, what they are for, and matters."""
    return _lately_paid(who, limit)


@prepared_for
def _lately_paid(who: Any, limit: Any) -> ModelSelect:
    paid = payments.firm_sees(who).where(Payment.state == "succeeded")
    newest = paid.select(Payment.id).order_by(Payment.paid_at.desc(), Payment.id.desc()).limit(limit)
    query = payments.with_items(Payment, PortalUser).join_from(Allocation, Payment).join(PortalUser)
    rows = query.where(Allocation.payment.in_(newest) & payments.is_on(who))
    return rows.order_by(Payment.paid_at.desc(), Payment.id.desc(), Invoice.id)


def open_invitations() -> Invitations:
    """Who was invited and has not come yet."""
    now = clock.now()
    stage = Case(
        None, [(Invitation.expires_at <= now, 0), (Invitation.expires_at <= now + EXPIRES_SOON, 1)], 2
    ).alias("stage")  # fmt: skip
    is_open = Invitation.accepted_at.is_null() & Invitation.revoked_at.is_null()
    rows = Invitation.select(stage, fn.COUNT(Invitation.id)).where(is_open).group_by(SQL("stage")).tuples()
    found = {int(at): int(count) for at, count in rows}
    soon = found.get(1, 0)
    return Invitations(pending=soon + found.get(2, 0), expiring=soon, expired=found.get(0, 0))


def waiting_mail(*, has_server: bool) -> int:
    """E-mails that need somebody: could not be sent, or, without a mail server, never will be."""
    query = mail.unsent()
    return int((query.where(mail.Email.last_error != "") if has_server else query).count())


def beginnings(who: FirmUser) -> Beginnings:
    """What a new firm has made already."""
    newest_matter = matters.visible_to(who).select(fn.MAX(Matter.id))
    newest = [model.select(fn.MAX(model.id)) for model in (Client, WorkItem, PortalUser)]
    row = Firm.select(newest[0], newest_matter, newest[1], newest[2]).where(Firm.id == 1).tuples().get()
    client, matter, work, portal_user = (int(value or 0) for value in row)
    return Beginnings(client, matter, work, portal_user)
