"""Erasing a person: what goes, what stays and why; the books hold. On both databases."""

from __future__ import annotations

import datetime as dt
import io
import json
import re
import zipfile
from typing import Any

import pytest
from peewee import IntegrityError

from portal_app import clock, gateways, worker
from portal_app.db import db, transaction
from portal_app.domain import (
    documents,
    erasing,
    holdings,
    invitations,
    mail,
    matters,
    outbox,
    payments,
    people,
    person_files,
    sessions,
    trust,
)
from portal_app.domain.erasing import Erasure
from portal_app.domain.errors import LinkUnusable, Refused
from portal_app.domain.invitations import Invitation
from portal_app.domain.mail import Email
from portal_app.domain.people import Client, PortalUser
from portal_app.verify import verify
from tests import trust as trusts
from tests.domain.test_payments import order, pay
from tests.world import World, today

WHY = "Asked for it by letter on Monday"


def entries(who: Any) -> tuple[dict[str, Any], zipfile.ZipFile]:
    out = io.BytesIO()
    person_files.write(out, who)
    archive = zipfile.ZipFile(out)
    return json.loads(archive.read("person.json")), archive


@pytest.mark.usefixtures("world")
def test_every_table_that_points_to_a_portal_user_has_its_word() -> None:
    pointing = {
        table for table in db.get_tables() for key in db.get_foreign_keys(table) if key.dest_table == "portal_user"
    }
    own = {"erasure"}  # says that they were erased
    assert pointing - own <= {holding.table for holding in holdings.HOLDINGS}
    assert all(holding.why for holding in holdings.HOLDINGS if holding.fate is not holdings.Fate.REMOVED)


def test_what_need_not_be_kept_is_gone_and_the_books_hold(world: World) -> None:
    paid, alice = pay(world, 10_000), world.alice
    address, name = alice.email, alice.name
    mail.write("invitation", alice, subject="One", text="a link", html="a link", fact="one")
    sent = mail.write("invitation", alice, subject="Hello Alice", text="a link", html="a link", fact="two")
    mail.mark_sent(sent)
    token = sessions.start(alice)
    invitations.ask_reset(alice)
    before = verify().balances

    erasing.erase(alice, reason=f"  {WHY} ", by=world.carol)

    now = PortalUser.get_by_id(alice.id)
    assert (now.name, now.password_hash, now.registered_at) == (f"Former portal user {alice.id}", None, None)
    assert now.disabled_at is not None
    assert people.find_by_email(address) is None
    assert now not in people.search_portal_users("")
    counts = {holding.table: count for holding, count in holdings.counts(now)}
    assert counts["session"] == counts["password_reset"] == counts["invoice_recipient"] == counts["invitation"] == 0
    assert counts["payment"] == 1
    assert sessions.find(token) is None
    assert list(documents.visible_to(now)) == []
    assert Email.select().where(Email.to_address == address).count() == 0
    assert Email.get_by_id(sent.id).subject == "(erased)"
    while worker.turn():
        pass
    assert outbox.troubles() == 0
    assert [row.kind for row in Email.select().where(Email.to_address.endswith(people.ERASED))] == []
    billing = payments.Payment.get_by_id(paid.id).billing_address
    assert (billing.name, billing.address1, billing.postal_code) == ("", "", "")
    kept = json.dumps([db.execute_sql(f'SELECT * FROM "{table}"').fetchall() for table in db.get_tables()], default=str)
    assert address not in kept.replace(world.client.email, "")
    assert name not in kept.replace(world.client.name, "")
    found = verify()
    assert (found.faults, found.balances) == ([], before)
    row = erasing.of(now)
    assert row is not None
    assert (row.reason, row.erased_by) == (WHY, world.carol)


def test_a_payment_into_trust_keeps_its_address(world: World) -> None:
    paid = pay(world, 10_000)
    with transaction():
        db.execute_sql(
            "DROP TRIGGER payment_fixed" + ("" if "sqlite" in type(db.obj).__name__.lower() else " ON payment")
        )
        payments.Payment.update(fund="trust").where(payments.Payment.id == paid.id).execute()
    erasing.erase(world.alice, reason=WHY, by=world.carol)
    assert payments.Payment.get_by_id(paid.id).billing_address.name != ""


def test_nobody_is_erased_while_a_payment_of_theirs_is_open(world: World) -> None:
    payment = pay(world, 10_000, "pending")
    with pytest.raises(Refused, match="not decided yet"):
        erasing.erase(world.alice, reason=WHY, by=world.carol)
    assert PortalUser.get_by_id(world.alice.id).name == world.alice.name
    assert Erasure.select().count() == 0
    assert payments.Payment.get_by_id(payment.id).state == "pending"
    assert gateways.attempt_of(payment).resolved_at is None


def test_an_erasure_has_a_reason_and_is_for_good(world: World) -> None:
    with pytest.raises(Refused, match="Say why"):
        erasing.erase(world.bob, reason=" \n", by=world.carol)
    erasing.erase(world.bob, reason=WHY, by=world.carol)
    with pytest.raises(Refused, match="already"):
        erasing.erase(world.bob, reason=WHY, by=world.carol)
    with pytest.raises(IntegrityError, match="erased for good"), transaction():
        PortalUser.update(name="Bob").where(PortalUser.id == world.bob.id).execute()
    for change in (Erasure.update(reason="other"), Erasure.delete()):
        with pytest.raises(IntegrityError, match="append-only"), transaction():
            change.execute()


def test_who_was_invited_and_is_erased_cannot_come_in(world: World) -> None:
    sent = invitations.invite(world.frank, by=world.carol, days=14)
    erasing.erase(world.frank, reason=WHY, by=world.carol)
    assert Invitation.select().where(Invitation.portal_user == world.frank.id).count() == 0
    with pytest.raises(LinkUnusable):
        invitations.find_invitation(sent.token)


# Clients: their name is part of the records of their money


def test_a_client_is_kept_while_records_of_their_money_are(world: World) -> None:
    assert list(erasing.kept_because(world.client, today())) == [f"{world.matter.number} is open."]
    trusts.deposit(world, 500, ago=3)
    trusts.draw(world, 500)
    trust.close_matter(world.matter, today())
    (why,) = erasing.kept_because(world.client, today())
    assert "T16" in why or "kept until" in why
    with pytest.raises(Refused, match="kept until"):
        erasing.erase_client(world.client, reason=WHY, by=world.carol, on=today())
    assert Client.get_by_id(world.client.id).name == world.client.name
    late = today() + dt.timedelta(days=366 * 8)
    assert list(erasing.kept_because(world.client, late)) == []
    erasing.erase_client(world.client, reason=WHY, by=world.carol, on=late)
    gone = Client.get_by_id(world.client.id)
    assert (gone.name, gone.email, gone.phone, gone.address) == (f"Former client {gone.id}", "", "", "")
    assert verify().faults == []


def test_a_client_without_trust_money_is_erased_once_their_matters_are_closed(world: World) -> None:
    client = people.add_client(kind="person", name="Gail Sample", email="gail@example.com", created_by=world.carol)
    matter = matters.open_matter(number="", name="Will", client=client, opened_on=today(), by=world.carol)
    with pytest.raises(Refused, match="is open"):
        erasing.erase_client(client, reason=WHY, by=world.carol, on=today())
    matters.close(matter, today())
    erasing.erase_client(client, reason=WHY, by=world.carol, on=today())
    assert Client.get_by_id(client.id).email == ""
    with pytest.raises(IntegrityError), transaction():
        Client.update(name="Gail").where(Client.id == client.id).execute()


# The file about one person


def test_the_file_has_what_is_theirs(world: World) -> None:
    pay(world, 10_000)
    documents.share(world.document, [world.alice, world.frank], by=world.carol)
    found, archive = entries(world.alice)
    assert found["person"]["email"] == world.alice.email
    assert [row["amount_cents"] for row in found["held"]["payment"]] == [10_000]
    assert "postal_code" in found["held"]["payment"][0]["billing"]
    assert {row["document"] for row in found["held"]["document_share"]} >= {world.document.name}
    assert {row["number"] for row in found["invoices"]} == {world.invoice.number, world.second.number}
    assert found["payments_are_for"][0]["invoice"] == world.invoice.number
    assert any("Engagement letter" in name for name in archive.namelist())
    assert archive.testzip() is None


def test_the_file_has_no_secrets_and_nobody_elses_data(world: World) -> None:
    documents.share(world.document, [world.alice, world.frank], by=world.carol)
    payments.start(world.alice, world.gateway, order(10_000, "a-key-of-a-form"))
    invitations.ask_reset(world.alice)
    sessions.start(world.alice)
    for who in (world.alice, world.client):
        text = json.dumps(entries(who)[0])
        others = [world.bob, world.frank, world.carol, world.dan, world.erin]
        assert [row.name for row in others if row.name in text or row.email in text] == []
        assert world.bobs_matter.name not in text
        assert not re.search(r"[0-9a-f]{64}|\$argon2|a-key-of-a-form", text)
        assert not re.search(r'"[a-z_]*(hash|token|secret)[a-z_]*":', text)
    _, archive = entries(world.alice)
    assert [name for name in archive.namelist() if "Lease" in name] == []


def test_after_an_erasure_the_file_is_empty_of_them(world: World) -> None:
    erasing.erase(world.alice, reason=WHY, by=world.carol)
    found, archive = entries(PortalUser.get_by_id(world.alice.id))
    text = json.dumps(found)
    assert "alice@example.com" not in text
    assert archive.namelist() == ["person.json"]
    assert found["kept_when_erased"]["document_share"]
    assert found["made_at"] <= str(clock.now())
