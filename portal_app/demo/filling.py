"""Filling an empty folder with the demo: every act at its own time, by the domain's own functions."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from functools import partial

from portal_app import clock, founding
from portal_app.config import Config
from portal_app.db import BaseModel, transaction
from portal_app.demo import PASSWORD, banking, billing, holding, story, things
from portal_app.demo.paying import Checkout
from portal_app.demo.year import Year
from portal_app.domain import invitations, mail, matters, people, policy, sessions
from portal_app.domain.calendar import EventShare
from portal_app.domain.deposits import DepositShare
from portal_app.domain.documents import DocumentShare
from portal_app.domain.payments import Payment, Refund
from portal_app.domain.people import FirmUser, PortalUser
from portal_app.web import letters


def fill(settings: Config) -> None:
    """Found the firm and live through its year. The rehearsal gateway is served meanwhile: payments really go there."""
    with Checkout(settings) as checkout:
        year = Year()
        plan_people(year)
        year.at(story.FOUNDED, 11, lambda: checkout.set_up(year.staff["carol"]))
        plan_matters(year)
        things.plan(year)
        billing.plan(year, checkout)
        holding.plan(year)
        banking.plan(year)
        plan_visits(year)
        year.live(Postman(year.moment(-3, 0)).write)
        billing.take_by_phone(year, checkout)


class Postman:
    """Writes each letter on its own day, and hands over all but the last days': the demo itself has no mail server.
    The worker, which makes the papers later, finds them written."""

    def __init__(self, until: dt.datetime) -> None:
        self.until = until
        self.seen: dict[type[BaseModel], int] = {
            DocumentShare: 0, EventShare: 0, DepositShare: 0, Payment: 0, Refund: 0,
        }  # fmt: skip

    def write(self) -> None:
        for model, letter in (
            (DocumentShare, letters.document_shared),
            (EventShare, letters.event_shared),
            (DepositShare, letters.deposit_shared),
            (Payment, letters.payment_changed),
            (Refund, letters.refund_changed),
        ):
            for row in model.select().where(model.id > self.seen[model]).order_by(model.id):
                letter(row.id)
                self.seen[model] = row.id
        for email in mail.unsent() if clock.now() < self.until else ():
            mail.mark_sent(email)


def plan_people(year: Year) -> None:
    """The firm, who works there, and who is invited to the portal."""
    year.at(story.FOUNDED, 8, lambda: _found(year))
    for key in [key for key in story.STAFF if key != "carol"]:
        year.at(story.FOUNDED, 9, partial(_hire, year, key))
    for key, (_, offset) in story.PORTAL_USERS.items():
        year.at(offset, 9, partial(_invite, year, key))


def _found(year: Year) -> None:
    name, title, roles, rate = story.STAFF["carol"]
    who = founding.found(
        story.FIRM, admin_name=name, admin_email="carol@example.com", password=PASSWORD, time_zone=story.ZONE,
        roles=roles, **story.DETAILS,
    )  # fmt: skip
    people.change_firm_user(who, name=name, roles=roles, title=title, rate_cents=rate)
    people.change_timekeeper(who, timekeeper_id="", timekeeper_class=story.CLASSES["carol"])
    policy.change(
        client_ways=["password", "link", "passkey"], staff_ways=["password", "link", "passkey"], client_factor=False,
        factor_roles=[], reason=story.NO_FACTOR, by=who,
    )  # fmt: skip
    year.staff["carol"] = who


def _hire(year: Year, key: str) -> None:
    name, title, roles, rate = story.STAFF[key]
    who = people.add_firm_user(
        email=f"{key}@example.com", name=name, roles=roles, time_zone=story.ZONE, title=title, rate_cents=rate
    )
    invitations.accept_invitation(invitations.invite(who, by=year.staff["carol"], days=14).token, PASSWORD)
    year.staff[key] = FirmUser.get_by_id(who.id)
    people.change_timekeeper(year.staff[key], timekeeper_id="", timekeeper_class=story.CLASSES[key])


def _invite(year: Year, key: str) -> None:
    name, _ = story.PORTAL_USERS[key]
    with transaction():
        who = people.add_portal_user(email=f"{key}@example.com", name=name, time_zone=story.ZONE)
        sent = invitations.invite(who, by=year.staff["carol"], days=14)
        letters.invitation(sent)
    if key not in story.NOT_REGISTERED:
        invitations.accept_invitation(sent.token, PASSWORD)
    year.portal_users[key] = PortalUser.get_by_id(who.id)


def plan_matters(year: Year) -> None:
    """Clients come with their first matter."""
    for case in story.CASES:
        year.at(case.opened, 10, partial(_open, year, case))
        reminders = [] if case.limit_days is None else [case.limit_days - days for days in letters.REMIND_DAYS]
        for offset in reminders:
            if offset <= 0:
                year.at(offset, 8, letters.limitations)
        for who, relation in case.recipients:
            invited = story.PORTAL_USERS[who][1]
            year.at(max(case.opened, invited), 12, partial(_add_recipient, year, case.key, who, relation))
        if case.closed is not None:
            year.at(case.closed, 16, partial(_close, year, case.key, case.closed))


def _open(year: Year, case: story.Case) -> None:
    carol = year.staff["carol"]
    attorney = year.staff[case.attorney]
    with transaction():
        year.matters[case.key] = matters.open_matter(
            number="", name=case.name, client=_client(year, case.client), opened_on=year.day(case.opened), by=carol,
            practice_area=case.area, opposing_party=case.opponent, billing_method=case.method,
            limitations_on=None if case.limit_days is None else year.day(case.limit_days),
            responsible_attorney=attorney,
        )  # fmt: skip
        if case.is_restricted:
            staff = [attorney, year.staff["gwen"]]
            matters.set_access(year.matters[case.key], is_restricted=True, staff=staff)


def _client(year: Year, key: str) -> people.Client:
    if key not in year.clients:
        kind, name, street = story.CLIENTS[key]
        year.clients[key] = people.add_client(
            kind=kind, name=name, address=f"{street}\nSpringfield, IL 62704", created_by=year.staff["carol"],
            phone=f"(555) 010-{1000 + 17 * len(year.clients):04d}", email=f"{key}@example.com",
        )  # fmt: skip
    return year.clients[key]


def _add_recipient(year: Year, key: str, who: str, relation: str) -> None:
    matters.add_recipient(year.matters[key], year.portal_users[who], by=year.staff["carol"], relation=relation)


def _close(year: Year, key: str, offset: int) -> None:
    matters.close(year.matters[key], year.day(offset))


def plan_visits(year: Year) -> None:
    """When people were last here; nobody is signed in."""
    for offset, key in ((-1, "erin"), (-2, "dan"), (-4, "gwen")):
        year.at(offset, 17, partial(_visit, year.staff, key))
    for offset, key in ((-1, "alice"), (-5, "harriet"), (-9, "idris"), (-3, "bob")):
        year.at(offset, 19, partial(_visit, year.portal_users, key))


def _visit(known: Mapping[str, FirmUser | PortalUser], key: str) -> None:
    sessions.end(sessions.start(known[key]))
