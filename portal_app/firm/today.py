"""The first page of staff: what needs them, what came in, what is next."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import groupby

from flask import Response

from portal_app import clock
from portal_app.domain import calendar, matters, payments, reconciliations, trust
from portal_app.domain import today as desk
from portal_app.domain.access import may
from portal_app.domain.matters import Matter
from portal_app.domain.people import FirmUser
from portal_app.domain.today import Payments, Tally
from portal_app.firm import first_steps
from portal_app.firm.blueprint import blueprint
from portal_app.web import letters
from portal_app.web.fragments import render
from portal_app.web.login import firm_only, firm_user
from portal_app.web.templates import current_firm, plural, writing, zone

NEWS_DAYS = 7
SOON_DAYS = 7
REMIND = dt.timedelta(days=14)


@dataclass(frozen=True, slots=True)
class Item:
    """A line of "What needs me". ``is_news``: good to know, but nobody has to do anything."""

    count: int
    title: str
    detail: str
    href: str
    cents: int | None = None
    kind: str = ""
    is_news: bool = False


@blueprint.get("")
@firm_only("firm.read")
def today() -> Response:
    who, day = firm_user(), clock.today(zone())
    ages = desk.receivables_by_age(who, day)
    paid = desk.payments_since(who, clock.now() - dt.timedelta(days=NEWS_DAYS))
    limits = matters.running_out(day, who)
    about_money = (*_billing(who, day, ages), *_payments(paid), *_questions(who, paid), *_trust(who, day))
    found = (*_limits(limits, day), *about_money, *_banks(who, day), *_people(who))
    items = [item for item in found if item.count]
    items.sort(key=lambda item: item.is_news)
    midnight = dt.datetime.combine(day + dt.timedelta(days=2), dt.time.min)
    events = calendar.coming_up(who, until=clock.to_utc(midnight, zone()))
    lately = desk.lately_paid(who) if paid.has_any else []
    return render(
        "firm/today/index.html", day=day, items=items, needed=sum(not item.is_news for item in items),
        # A payment proves that every first step was taken long ago.
        steps=[] if paid.has_any else first_steps.steps_for(who),
        ages=list(zip(desk.AGES, ages, strict=True)), total=sum(ages, Tally()),
        paid=[(payment, list(rows)) for payment, rows in groupby(lately, key=lambda row: row.payment)],
        limits=limits, events=events,
    )  # fmt: skip


def _limits(rows: list[Matter], day: dt.date) -> Iterator[Item]:
    if rows:
        left = rows[0].days_to_file(day) or 0
        when = "has passed" if left < 0 else "runs out today" if left == 0 else f"runs out in {plural(left, 'day')}"
        title = "Statute of limitations is near" if len(rows) == 1 else "Statutes of limitations are near"
        kind = "bad" if left <= SOON_DAYS else ""
        yield Item(len(rows), title, f"That of {rows[0].name} {when}.", "#limits", kind=kind)


def _billing(who: FirmUser, day: dt.date, ages: list[Tally]) -> Iterator[Item]:
    late = sum(ages[1:], Tally())
    oldest = desk.oldest_overdue(who, day) if late.count else None
    if oldest is not None:
        days = plural((day - oldest.due_on).days, "day")
        yield Item(
            late.count, "Invoice past due" if late.count == 1 else "Invoices past due",
            f"{'It' if late.count == 1 else 'The oldest'} is {days} late, {oldest.matter.client.name}.",
            "/firm/invoices?state=overdue", late.cents, "bad",
        )  # fmt: skip
    work = desk.work_to_bill(who)
    title = "Matter with unbilled work" if work.unbilled.count == 1 else "Matters with unbilled work"
    yield Item(work.unbilled.count, title, "Not on any issued invoice yet.", "/firm/time", work.unbilled.cents)
    yield from _deposits(who, day)
    title = "Draft invoice to issue" if work.drafts.count == 1 else "Draft invoices to issue"
    said = "A draft changes nothing until it is issued."
    yield Item(work.drafts.count, title, said, "/firm/invoices?state=draft", work.drafts.cents)


def _deposits(who: FirmUser, day: dt.date) -> Iterator[Item]:
    asked = payments.waiting_deposits(who, clock.today(current_firm().time_zone))
    late = [row for row in asked if row.due_on < day]
    low = [row for row in asked if row.due_on >= day]
    titles = {True: "Deposit not paid in time", False: "Retainer is low, more was asked for by itself"}
    several = {True: "Deposits not paid in time", False: "Retainers are low, more was asked for by itself"}
    for rows in filter(None, (late, low)):
        is_late, first = rows is late, rows[0]
        yield Item(
            len(rows), (titles if len(rows) == 1 else several)[is_late], f"{first.number}, {first.matter.name}.",
            f"/firm/matters/{first.matter_id}/deposits", sum(row.balance_cents for row in rows), is_news=not is_late,
        )  # fmt: skip


def _payments(paid: Payments) -> Iterator[Item]:
    yield Item(
        paid.review.count, "Payment held for review" if paid.review.count == 1 else "Payments held for review",
        "What came in differs from what was asked for. Somebody must look.",
        "/firm/payments?state=review", paid.review.cents, "bad",
    )  # fmt: skip
    yield Item(
        paid.received.count,
        "New payment from the portal" if paid.received.count == 1 else "New payments from the portal",
        f"In the last {NEWS_DAYS} days, already in the ledgers.",
        "/firm/payments?state=paid", paid.received.cents, is_news=True,
    )  # fmt: skip
    yield Item(
        paid.confirming.count,
        "Payment being confirmed" if paid.confirming.count == 1 else "Payments being confirmed",
        "The gateway is asked again and again until it is certain.",
        "/firm/payments?state=open", paid.confirming.cents, is_news=True,
    )  # fmt: skip


def _questions(who: FirmUser, paid: Payments) -> Iterator[Item]:
    if may(who, "payments.resolve"):
        count = paid.questions
        title = "Question about money" if count == 1 else "Questions about money"
        yield Item(
            count, title, "The books and a gateway differ. Only a person can say why.", "/firm/payments/questions"
        )


def _trust(who: FirmUser, day: dt.date) -> Iterator[Item]:
    """Clients' money that is short, of which a client was not told in time, that waits to be paid, or could pay."""
    found = trust.alerts(who)
    title = "Trust shortfall" if found.short == 1 else "Trust shortfalls"
    yield Item(
        found.short, title, "The firm replenishes it with its own money. Nothing is drawn meanwhile.", "/firm/trust",
        found.short_cents, "bad",
    )  # fmt: skip
    if found.untold_since is not None:
        days = trust.pack_of(found.pack).number("notice_days")
        left = (found.untold_since - day).days + days
        title = "Client to tell of money in trust" if found.untold == 1 else "Clients to tell of money in trust"
        when = f"{plural(-left, 'day')} late by the rules." if left < 0 else f"The first within {plural(left, 'day')}."
        yield Item(found.untold, title, when, "/firm/trust", found.untold_cents, "bad" if left < 0 else "")
    if may(who, "trust.disburse"):
        title = (
            "Authorized trust payment to carry out" if found.words == 1 else "Authorized trust payments to carry out"
        )
        yield Item(
            found.words, title, "A lawyer has said yes. Book it once it is paid.", "/firm/trust", found.words_cents
        )
    if may(who, "trust.read") and may(who, "reports.read"):
        title = "Matter owes, and has money in trust" if found.covered == 1 else "Matters owe, and have money in trust"
        yield Item(
            found.covered, title, "On a lawyer’s word, what has cleared can pay so much of their invoices.",
            "/firm/reports/standing?by=matter", found.covered_cents, is_news=True,
        )  # fmt: skip


def _banks(who: FirmUser, day: dt.date) -> Iterator[Item]:
    """Reconciliations that are due: news while there is time, a duty when it is over."""
    if may(who, "reconcile.read"):
        late = [row for row in reconciliations.due(day) if row.due_on - day <= REMIND]
        over = [row for row in late if row.is_late]
        if late:
            first = late[0]
            title = "Reconciliation is overdue" if over else "Reconciliation is due"
            said = f"{first.account.name} to {writing().day(first.ends_on)}, by {writing().day(first.due_on)}."
            yield Item(len(over or late), title, said, "/firm/reconciliations", kind="bad" if over else "")


def _people(who: FirmUser) -> Iterator[Item]:
    if may(who, "portal_users.invite"):
        found = desk.open_invitations()
        expired = f"{found.expired} expired. " if found.expired else ""
        soon = f"{found.expiring} will expire within two days." if found.expiring else ""
        count = found.pending + found.expired
        yield Item(
            count, "Invitation pending" if count == 1 else "Invitations pending",
            f"{expired}{soon}".strip() or "Sent, and not accepted yet.",
            "/firm/people" if may(who, "people.manage") else "", is_news=not (found.expired or found.expiring),
        )  # fmt: skip
    if may(who, "mail.read"):
        has_server = letters.server() is not None
        count = desk.waiting_mail(has_server=has_server)
        why = "The mail server refused." if has_server else "No mail server is set: hand over what they say yourself."
        title = "E-mail not sent" if count == 1 else "E-mails not sent"
        yield Item(count, title, why, "/firm/mail", kind="bad" if has_server else "")
