"""The cast and their things, made through the domain: every test starts from here.

alice: client with access · bob: another client, sees nothing of hers · carol: attorney, administrator · dan:
associate · erin: bookkeeper · frank: invited, pending.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Any

from portal_app import clock, gateway_setup
from portal_app.db import transaction
from portal_app.domain import (
    calendar,
    documents,
    firms,
    invitations,
    invoices,
    matters,
    passwords,
    people,
    policy,
    timekeeping,
)
from portal_app.domain.calendar import Event
from portal_app.domain.documents import Document
from portal_app.domain.invoices import Invoice
from portal_app.domain.matters import Matter
from portal_app.domain.payments import BankAccount, Gateway
from portal_app.domain.people import Client, FirmUser, PortalUser
from portal_app.plugin_api import Fund, Mode

ZONE = "America/Chicago"
PASSWORD = "three grey herons wait"
SECRET = "sk_fake_very_secret"


@dataclass
class World:
    """Rows by the names that tests use; read again from the test's own database by :func:`load`."""

    carol: FirmUser
    dan: FirmUser
    erin: FirmUser
    alice: PortalUser
    bob: PortalUser
    frank: PortalUser
    client: Client
    matter: Matter
    bobs_matter: Matter
    invoice: Invoice
    second: Invoice
    bobs_invoice: Invoice
    draft: Invoice
    document: Document
    bobs_document: Document
    event: Event
    gateway: Gateway

    def refresh(self, name: str) -> Any:
        """The row as it is now."""
        row = getattr(self, name)
        setattr(self, name, type(row).get_by_id(row.id))
        return getattr(self, name)


IDS: dict[str, tuple[type[Any], int]] = {}


def today() -> dt.date:
    return clock.today(ZONE)


def build() -> World:
    """Fill an empty, migrated database."""
    firms.found(
        "Quillfeather & Larkspur LLP", address="12 Sample Row, Suite 400\nSpringfield, IL 62704",
        email="billing@example.com", phone="(555) 010-0142", time_zone=ZONE, law_firm_id="12-3456789",
    )  # fmt: skip
    hashed = passwords.hash_password(PASSWORD)
    staff = _staff(hashed)
    carol = staff["carol"]
    who = _portal_users(hashed)
    invitations.invite(who["frank"], by=carol, days=14)
    policy.change(
        client_ways=["password", "link", "passkey"], staff_ways=["password", "passkey"], client_factor=False,
        factor_roles=[], reason="Most tests are about something else.", by=carol,
    )  # fmt: skip
    gateway = _gateway(carol)
    client = people.add_client(
        kind="person", name="Alice Vasquez-Thornbury", email="alice@example.com", created_by=carol
    )
    other = people.add_client(kind="company", name="Sample Holdings Co.", created_by=carol)
    matter = _matter("Thornbury v. Example Mills, Inc.", client, carol)
    bobs_matter = _matter("Sample Holdings lease", other, carol)
    matters.add_recipient(matter, who["alice"], by=carol, relation="client")
    matters.add_recipient(matter, who["frank"], by=carol, relation="accountant")
    matters.add_recipient(bobs_matter, who["bob"], by=carol, relation="owner")
    late = _invoice(matter, carol, 300, 40, today() - dt.timedelta(days=45))
    second = _invoice(matter, staff["dan"], 200, 0, today() - dt.timedelta(days=5))
    bobs_invoice = _invoice(bobs_matter, carol, 100, 0, today())
    document = _document(matter, "Engagement letter.txt", who["alice"], carol)
    bobs_document = _document(bobs_matter, "Lease.txt", who["bob"], carol)
    event = calendar.add(
        matter, title="Mediation", starts_at=clock.now() + dt.timedelta(days=7), by=carol, time_zone=ZONE,
        place="Sample County Courthouse, Room 4",
    )  # fmt: skip
    calendar.share(event, [who["alice"]], by=carol)
    work = [_work(matter, staff["dan"], "Prepared the mediation brief", 150, 20_000) for _ in range(2)]
    draft = invoices.draft(matter, [work[0].id], by=carol)
    return World(
        **staff, **who, client=client, matter=matter, bobs_matter=bobs_matter, invoice=late, second=second,
        bobs_invoice=bobs_invoice, draft=draft, document=document, bobs_document=bobs_document, event=event,
        gateway=gateway,
    )  # fmt: skip


def remember(world: World) -> dict[str, tuple[type[Any], int]]:
    """What to read again from a copy of this database."""
    return {name: (type(row), row.id) for name, row in vars(world).items()}


def load(ids: dict[str, tuple[type[Any], int]]) -> World:
    return World(**{name: model.get_by_id(row_id) for name, (model, row_id) in ids.items()})


def _staff(hashed: str) -> dict[str, FirmUser]:
    cast = {
        "carol": ("Carol Quillfeather", ["administrator", "attorney"], "Partner", 42_500),
        "dan": ("Dan Wrenfield", ["attorney"], "Associate", 31_000),
        "erin": ("Erin Moss", ["bookkeeper"], "Bookkeeper", 14_500),
    }
    found = {}
    for key, (name, roles, title, rate) in cast.items():
        email = f"{key}@example.com"
        who = people.add_firm_user(email=email, name=name, roles=roles, time_zone=ZONE, title=title, rate_cents=rate)
        found[key] = _register(who, hashed)
    return found


def _portal_users(hashed: str) -> dict[str, PortalUser]:
    cast = {"alice": "Alice Vasquez-Thornbury", "bob": "Bob Placeholder", "frank": "Frank Okonkwo"}
    found = {
        key: people.add_portal_user(email=f"{key}@example.com", name=name, time_zone=ZONE) for key, name in cast.items()
    }
    for key in ("alice", "bob"):
        _register(found[key], hashed)
    return found


def _register(who: Any, hashed: str) -> Any:
    with transaction():
        who.password_hash, who.registered_at = hashed, clock.now()
        who.save()
    return who


def _gateway(by: FirmUser) -> Gateway:
    operating = BankAccount.create(name="Operating account", fund="operating", last4="8842")
    BankAccount.create(name="Trust account", fund="trust", last4="8859")
    gateway = gateway_setup.save("fake", {"secret_key": SECRET}, mode=Mode.TEST, by=by)
    gateway_setup.set_route(gateway, Fund.OPERATING, "fake-operating", operating)
    gateway_setup.test_connection(gateway)
    gateway_setup.enable(gateway, by=by)
    return gateway


def _matter(name: str, client: Client, by: FirmUser) -> Matter:
    opened_on = today() - dt.timedelta(days=120)
    return matters.open_matter(number="", name=name, client=client, opened_on=opened_on, by=by, responsible_attorney=by)


def _work(matter: Matter, who: FirmUser, text: str, hours: int, rate: int, kind: str = "time") -> timekeeping.WorkItem:
    return timekeeping.record(
        matter, kind=kind, timekeeper=who, worked_on=today() - dt.timedelta(days=1), description=text,
        quantity_hundredths=hours, rate_cents=rate, by=who,
    )  # fmt: skip


def _invoice(matter: Matter, by: FirmUser, hours: int, cost_dollars: int, issued_on: dt.date) -> Invoice:
    """``hours`` hundredths at $400.00, and an expense; due 30 days later."""
    items = [_work(matter, by, "Drafted the complaint and its exhibits", hours, 40_000)]
    if cost_dollars:
        items.append(_work(matter, by, "Filing fee", 100, cost_dollars * 100, kind="expense"))
    draft = invoices.draft(matter, [item.id for item in items], by=by)
    return invoices.issue(draft, issued_on=issued_on, due_on=issued_on + dt.timedelta(days=30), by=by)


def _document(matter: Matter, name: str, who: PortalUser, by: FirmUser) -> Document:
    document = documents.add(matter, name=name, chunks=[b"Dear client,\n"], limit_bytes=1000, by=by)
    documents.share(document, [who], by=by)
    return document
