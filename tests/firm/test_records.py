"""What people do in a browser is recorded by itself; administrators read it, clients read what concerns them."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from portal_app import worker
from portal_app.domain import access_log, audit, deposits, documents, invitations, pay_links
from portal_app.domain.audit import AuditEntry
from portal_app.domain.mail import Email
from portal_app.domain.matters import InvoiceRecipient
from portal_app.web import letters
from tests import trust as trusts
from tests.client.test_payments import only_payment, typed
from tests.deposits import ask, open_trust
from tests.world import World

As = Callable[[Any], FlaskClient]


def last() -> AuditEntry:
    found: AuditEntry = AuditEntry.select().order_by(AuditEntry.id.desc()).get()
    return found


def count() -> int:
    return int(AuditEntry.select().count())


def test_a_change_is_recorded_with_before_and_after(world: World, as_: As) -> None:
    path = f"/firm/matters/{world.matter.id}/documents/{world.document.id}"
    agent = {"User-Agent": "Test Browser 7", "X-Forwarded-For": "203.0.113.9"}
    assert as_(world.dan).post(path, data={"name": "Letter.txt", "folder": "Old"}, headers=agent).status_code == 303
    row = last()
    assert (row.words, row.firm_user_id, row.matter_id) == ("Rename document", world.dan.id, world.matter.id)
    assert (row.subject, row.subject_ref) == ("Engagement letter.txt", f"document:{world.document.id}")
    assert row.changes == [("name", "Engagement letter.txt", "Letter.txt"), ("folder", "", "Old")]
    assert (row.address, row.device) == ("127.0.0.1", "Test Browser 7"), "an address that anybody can claim is not kept"


def test_what_is_refused_or_only_looked_at_is_not_there(world: World, as_: As) -> None:
    browser, before = as_(world.dan), count()
    path = f"/firm/matters/{world.matter.id}/documents/{world.document.id}"
    assert browser.post(path, data={"name": "y" * 121}).status_code == 422
    assert browser.get(f"/firm/matters/{world.matter.id}").status_code == 200
    assert count() == before


def test_what_a_role_may_not_do_is_told_once_an_hour(world: World, as_: As) -> None:
    path = f"/firm/matters/{world.matter.id}/documents/{world.document.id}"
    for _ in range(3):
        assert as_(world.erin).post(path, data={"name": "No.txt"}).status_code == 403
    row = last()
    assert count() == 1
    assert (row.action, row.subject, row.firm_user_id) == ("refused", "rename document", world.erin.id)
    assert row.changes == [("address", "", path)]


def test_a_gateways_secrets_are_not_there_and_administrators_are_told(world: World, as_: As) -> None:
    sent = {"secret_key": "sk_live_very_secret", "name": "Cards"}
    as_(world.carol).post("/firm/payments/gateways/fake", data=sent)
    row = AuditEntry.get(AuditEntry.action == "save_gateway")
    assert "very_secret" not in row.before + row.after
    while worker.turn():
        pass
    assert not Email.select().where(Email.kind == "audit_alert").exists(), "carol is the only one, and did it herself"


def test_a_new_administrator_is_an_alarm_for_the_others(world: World, as_: As) -> None:
    world.dan.roles = "administrator attorney"
    world.dan.save()
    sent = {"name": "Nina New", "email": "nina@example.com", "roles": ["administrator"], "rate_cents": "0"}
    assert as_(world.dan).post("/firm/people", data=sent).status_code == 303
    while worker.turn():
        pass
    told = [row.to_address for row in Email.select().where(Email.kind == "audit_alert")]
    assert told == ["carol@example.com"]


def test_opening_and_downloading_are_recorded(world: World, as_: As) -> None:
    path = f"/firm/matters/{world.matter.id}/documents/{world.document.id}"
    for _ in range(2):
        as_(world.dan).get(path)
    as_(world.dan).get(f"{path}/file")
    as_(world.dan).head(f"{path}/file")
    as_(world.alice).get(f"/portal/documents/{world.document.public_id}/file")
    rows = audit.about([f"document:{world.document.id}"])
    done = [(row.action, row.firm_user_id, row.portal_user_id) for row in rows]
    assert done == [
        ("download", None, world.alice.id), ("download", world.dan.id, None), ("open", world.dan.id, None),
    ]  # fmt: skip


def test_administrators_search_page_and_export(world: World, as_: As, monkeypatch: pytest.MonkeyPatch) -> None:
    from portal_app.firm import records

    monkeypatch.setattr(records, "ROWS", 2)
    for number in range(3):
        audit.record("did_something", by=world.dan, subject=f"=cmd|{number}", after={"n": "<b>"})
    carol = as_(world.carol)
    page = carol.get("/firm/records").text
    assert "=cmd|2" in page
    assert "=cmd|0" not in page
    assert "&lt;b&gt;" in page
    assert "Older" in page
    older = carol.get(f"/firm/records?before={AuditEntry.select()[-2].id}").text
    assert "=cmd|0" in older
    assert "Nobody did such a thing" in carol.get("/firm/records?q=nothing-like-it").text
    odd_ones = ("since=never&until=31", "until=9999-12-31", "before=x", "person=firm:9999999999999999999", "action=%00")
    for odd in odd_ones:
        assert carol.get(f"/firm/records?{odd}").status_code == 200
    answer = carol.get("/firm/records.csv")
    table = list(csv.DictReader(io.StringIO(answer.text)))
    assert [row["subject"] for row in table] == ["'=cmd|2", "'=cmd|1", "'=cmd|0"]
    assert last().action == "export_records"
    assert as_(world.dan).get("/firm/records").status_code == 403


def test_a_client_reads_of_links_receipts_and_trust_papers(world: World, as_: As) -> None:
    bank = open_trust(world)
    deposit = ask(world, bank, 50_000)
    deposits.share(deposit, [world.alice], by=world.carol)
    token = pay_links.link_for(world.invoice, world.alice)
    guest, alice = as_(None), as_(world.alice)
    for _ in range(2):
        assert guest.get(f"/pay/{token}").status_code == 200
    alice.get(f"/portal/deposits/{deposit.public_id}")
    trusts.deposit(world, 1_000)
    InvoiceRecipient.update(reads_trust=True).where(InvoiceRecipient.portal_user == world.alice).execute()
    assert alice.get("/portal/trust/statement.csv").status_code == 200
    alice.head("/portal/trust/statement.csv")
    sent = guest.post(f"/pay/{token}/payments", data=typed("100.00")).headers["Location"]
    while worker.turn():
        pass
    assert guest.get(f"{sent}/receipt").status_code == 200
    receipt = only_payment().receipt_number
    as_(world.carol).get(f"/firm/payments/{only_payment().id}/receipt")
    pay_links.revoke(world.invoice, world.alice, by=world.carol)
    found = [(row.item, f"{row.who or 'Firm'} {row.did}") for row in access_log.of(world.alice)]
    for item, said in (
        (f"Invoice {world.invoice.number}", "Firm made a link to pay it without signing in"),
        (f"Invoice {world.invoice.number}", "Carol Quillfeather ended the link to pay it"),
        (f"Deposit request {deposit.number}", "Carol Quillfeather shared it with you"),
        (f"Deposit request {deposit.number}", "You opened it"),
        (f"Receipt {receipt}", "Whoever holds a link to pay downloaded it"),
        (f"Receipt {receipt}", "Carol Quillfeather downloaded it"),
        ("Trust statement", "You downloaded it"),
        (world.invoice.document.name, "Whoever holds a link to pay opened it"),
    ):
        assert found.count((item, said)) == 1, (item, said)
    assert token not in str([vars(row) for row in AuditEntry.select()])
    pressed = AuditEntry.get(AuditEntry.action == "guest_take")
    assert "Placeholder Lane" not in pressed.after, "an address could never be erased from here"
    assert ("amount", "", "100.00") in pressed.changes
    assert (pressed.portal_user_id, pressed.called) == (None, "Whoever holds a link to pay"), "it need not be alice"


def test_what_was_taken_back_is_no_longer_told_of(world: World, as_: As) -> None:
    documents.share(world.document, [], by=world.carol)
    as_(world.dan).get(f"/firm/matters/{world.matter.id}/documents/{world.document.id}/file")
    assert "Dan Wrenfield downloaded it" not in as_(world.alice).get("/portal/access").text


def test_a_client_reads_who_had_their_things(world: World, as_: As) -> None:
    as_(world.dan).get(f"/firm/matters/{world.matter.id}/documents/{world.document.id}/file")
    alice = as_(world.alice)
    alice.get(f"/portal/documents/{world.document.public_id}")
    documents.share(world.document, [world.alice, world.bob], by=world.carol)
    as_(world.bob).get(f"/portal/documents/{world.document.public_id}/file")
    page = alice.get("/portal/access").text
    for words in ("Dan Wrenfield downloaded it", "Carol Quillfeather shared it with you", "You opened it",
                  "Somebody else with whom it is shared downloaded it"):  # fmt: skip
        assert words in page, words
    assert "Bob" not in page
    documents.share(world.document, [world.bob], by=world.carol)
    page = alice.get("/portal/access").text
    assert "took it back" in page
    assert world.document.public_id not in page
    bobs = as_(world.bob).get("/portal/access").text
    assert "Dan Wrenfield downloaded it" not in bobs, "that was before it was shared with him"


def test_signing_in_and_failing_to_are_recorded_alike_for_everybody(world: World, as_: As) -> None:
    browser = as_(None)
    for email in ("dan@example.com", "nobody@example.com"):
        for _ in range(10):
            browser.post("/sign-in", data={"email": email, "password": "not the right one"})
    rows = [(row.action, row.subject) for row in AuditEntry.select().order_by(AuditEntry.id)]
    assert rows.count(("failed_sign_in", "Dan Wrenfield")) == 9
    assert rows.count(("many_failures", "Dan Wrenfield")) == 1
    assert rows.count(("failed_sign_in", "Somebody unknown")) == 9
    assert "nobody@example.com" not in str([vars(row) for row in AuditEntry.select()])
    while worker.turn():
        pass
    assert Email.select().where(Email.kind == "audit_alert").count() == 2


def test_an_export_is_recorded_and_told(world: World, as_: As) -> None:
    assert as_(world.erin).get("/firm/exports/beancount").status_code == 200
    row = last()
    assert (row.action, row.firm_user_id) == ("export_beancount", world.erin.id)
    before = count()
    assert as_(world.erin).head("/firm/exports/beancount").status_code == 200
    assert as_(world.carol).head("/firm/records.csv").status_code == 200
    assert count() == before, "a HEAD takes nothing away"


# Each thing that administrators are told of: how it is done, and what it is then called.
ALARMS: dict[str, Callable[[World, As], object]] = {
    "edit_firm_user": lambda w, as_: as_(w.carol).post(
        f"/firm/people/{w.erin.id}",
        data={"name": "Erin", "title": "", "roles": ["bookkeeper", "biller"], "rate": "", "rate_cents": ""},
    ),
    "save_gateway": lambda w, as_: as_(w.carol).post("/firm/payments/gateways/fake", data={"secret_key": "k"}),
    "disable_gateway": lambda w, as_: as_(w.carol).post("/firm/payments/gateways/fake/disable"),
    "export_records": lambda w, as_: as_(w.carol).get("/firm/records.csv"),
    "export_journal": lambda w, as_: as_(w.erin).get("/firm/exports/journal"),
    "read_link": lambda w, as_: as_(w.carol).get(f"/firm/mail/{Email.get(Email.kind == 'invitation').id}"),
    "many_failures": lambda w, as_: [
        as_(None).post("/sign-in", data={"email": w.bob.email, "password": f"wrong {number}"}) for number in range(10)
    ],
}


@pytest.mark.parametrize("action", sorted(ALARMS))
def test_each_alarm_reaches_the_other_administrators(world: World, as_: As, action: str) -> None:
    world.dan.roles = "administrator attorney"
    world.dan.save()
    letters.invitation(invitations.invite(world.frank, by=world.carol, days=1))
    ALARMS[action](world, as_)
    entry = AuditEntry.get(AuditEntry.action == action)
    while worker.turn():
        pass
    told = {row.to_address for row in Email.select().where(Email.fact.startswith(f"audit:{entry.id}:"))}
    assert told == {"carol@example.com", "dan@example.com"} - {entry.firm_user.email if entry.firm_user else ""}


def test_every_alarm_is_raised_somewhere(app: Flask) -> None:
    """A view that was renamed would silence its alarm."""
    views = {endpoint.rpartition(".")[2] for endpoint in app.view_functions}
    source = "".join(path.read_text("utf-8") for path in (Path(__file__).parents[2] / "portal_app").rglob("*.py"))
    said = set(re.findall(r'"([a-z_]+)"', source.replace("ALERTS = frozenset", "")))
    assert {name for name in audit.ALERTS if name not in views | said} == set()
