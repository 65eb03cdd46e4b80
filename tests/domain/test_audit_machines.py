"""What nobody has pressed is in the records, too: gateways, the follow-up, the sweep, retention, letters; on both
databases."""

from __future__ import annotations

import datetime as dt
import smtplib
from typing import Any

import pytest

from portal_app import clock, gateway_setup, gateways, worker
from portal_app.db import transaction
from portal_app.domain import audit, invitations, mail, payments
from portal_app.domain.audit import AuditEntry
from portal_app.domain.mail import Email
from portal_app.domain.outbox import Outbox
from portal_app.domain.payments import Gateway
from tests.domain.test_payments import pay
from tests.domain.test_sweep import deliver, line
from tests.fake_gateway import FakeGateway
from tests.world import World

GATEWAY = "gateway:fake"


def told(action: str) -> list[AuditEntry]:
    return list(AuditEntry.select().where(AuditEntry.action == action).order_by(AuditEntry.id))


def work() -> None:
    while worker.turn():
        pass


def due_now() -> None:
    with transaction():
        Outbox.update(run_at=clock.now()).where(Outbox.done_at.is_null()).execute()
        payments.Attempt.update(next_lookup_at=clock.now()).where(payments.Attempt.resolved_at.is_null()).execute()


def test_a_payment_ends_by_the_word_of_its_gateway(world: World, gateway: FakeGateway) -> None:
    paid = pay(world, 150_000)
    [row] = told("payment_succeeded")
    assert (row.actor, row.called, row.person) == (GATEWAY, "Payment service “fake”", None)
    assert (row.subject_ref, row.matter_id) == (f"payment:{paid.id}", world.matter.id)
    assert ("amount", "", "1,500.00 USD") in row.changes
    assert ("state", "submitting", "succeeded") in row.changes
    pay(world, 100, token="declined", key="key-2")
    assert len(told("payment_declined")) == 1
    assert list(audit.faults()) == []


def test_how_the_gateway_came_to_be_asked_is_told(world: World, gateway: FakeGateway) -> None:
    audit.come_from(lambda: audit.Origin("192.0.2.1", "A browser"))
    followed = pay(world, 100, token="lost")
    assert not told("payment_succeeded"), "an unknown outcome is no outcome"
    due_now()
    work()
    [row] = told("payment_succeeded")
    assert (row.subject_ref, row.address, row.device) == (f"payment:{followed.id}", "", "on the machine, follow-up")
    lost = pay(world, 200, token="lost", key="key-2")
    deliver(world, {"id": "ev_7", "kind": "charge.succeeded", "reference": gateways.attempt_of(lost).reference})
    work()
    assert told("payment_succeeded")[-1].device == "on the machine, webhook ev_7"
    [event] = told("webhook")
    assert (event.actor, event.subject) == (GATEWAY, "charge.succeeded")
    assert ("became", "", f"payment {lost.id}: succeeded") in event.changes
    audit.come_from(lambda: audit.MACHINE)


def test_an_event_about_nothing_of_ours_fills_no_records(world: World, gateway: FakeGateway) -> None:
    deliver(world, {"id": "ev_1", "kind": "balance.available"})
    work()
    event = payments.last_event(world.gateway)
    assert event is not None
    assert event.processed_at is not None
    assert told("webhook") == []


def test_a_sweep_is_told_and_one_that_goes_on_failing_once(world: World, gateway: FakeGateway) -> None:
    pay(world, 100)
    gateway.listed = [line(world, "ch_x", amount_minor=100)]
    gateways.sweep(world.gateway)
    no_line: Any = "no line"
    gateway.listed = [no_line]
    for _ in range(3):
        gateways.sweep(world.gateway)
    problems = [{name: after for name, _, after in row.changes}["problem"] for row in told("sweep")]
    assert [bool(problem) for problem in problems] == [False, True]
    assert {row.actor for row in told("sweep")} == {GATEWAY}


def test_refunds_and_disputes_are_told(world: World, gateway: FakeGateway) -> None:
    paid = pay(world, 150_000)
    refund = payments.start_refund(
        paid, amount_cents=100, expected_left_cents=150_000, is_owed_again=False, reason="Kindness", key="r-1",
        by=world.carol,
    )  # fmt: skip
    gateways.refund(refund)
    [row] = told("refund_succeeded")
    assert (row.actor, row.subject_ref) == (GATEWAY, f"payment:{paid.id}")
    assert ("amount", "", "1.00 USD") in row.changes


def test_a_forged_webhook_is_told_once_an_hour(world: World, as_: Any) -> None:
    address = f"/webhooks/fake/{world.gateway.webhook_secret}"
    for _ in range(3):
        assert as_(None).post(address, data=b"[]").status_code == 400
    [row] = told("refuse_webhook")
    assert (row.subject, row.address) == ("fake", "127.0.0.1")
    assert world.gateway.webhook_secret not in row.before + row.after


def test_a_paused_gateway_is_told_once(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gateway_setup.installation, "paused_gateways", lambda: list(Gateway.select()))
    for _ in range(2):
        gateway_setup.tell_paused()
    [row] = told("pause_gateway")
    assert row.subject == "fake"
    gateway_setup.bind(world.carol)
    gateway_setup.tell_paused()
    assert len(told("pause_gateway")) == 2, "it counted, and is a copy again"


@pytest.mark.parametrize(
    ("problem", "is_told"),
    [
        (smtplib.SMTPRecipientsRefused({"alice@example.com": (550, b"no such user")}), True),
        (smtplib.SMTPRecipientsRefused({"alice@example.com": (450, b"busy")}), False),
        (smtplib.SMTPDataError(554, b"spam"), True),
        (smtplib.SMTPAuthenticationError(535, b"who are you"), False),
        (ConnectionRefusedError(), False),
    ],
    ids=["nobody there", "later", "not taken", "not signed in", "no server"],
)
def test_a_letter_refused_for_good_is_told_once_and_names_nobody(
    world: World, monkeypatch: pytest.MonkeyPatch, problem: Exception, is_told: bool
) -> None:
    def refuse(*_: object) -> None:
        raise problem

    monkeypatch.setattr(mail, "_deliver", refuse)
    email = mail.write("new_device", world.alice, subject="A", text="B", html="C", fact="x")
    server = mail.Server("mail.example.com", 25, "none", "", "", "portal@example.com")
    for _ in range(2):
        with pytest.raises(type(problem)):
            mail.send(email.id, server, "Firm")
    rows = told("refuse_email")
    assert len(rows) == is_told
    assert "alice" not in str([vars(row) for row in rows])
    assert Email.get_by_id(email.id).last_error


def test_what_is_let_go_of_is_told(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    for _ in range(3):
        audit.record("did_something", by=world.dan)
    audit.purge(clock.now() + dt.timedelta(seconds=1))
    [row] = told("purge_records")
    assert ("entries", "", "2") in row.changes
    assert list(audit.faults()) == []


def test_registering_and_choosing_another_password_are_told(world: World) -> None:
    sent = invitations.ask_reset(world.alice)
    invitations.reset_password(sent.token, "seven tall grey herons")
    assert [row.portal_user_id for row in told("reset_password")] == [world.alice.id]
    sent = invitations.invite(world.frank, by=world.carol, days=1)
    invitations.accept_invitation(sent.token, "seven tall grey herons")
    assert [row.portal_user_id for row in told("accept_invitation")] == [world.frank.id]


def test_who_it_was_cannot_be_changed(world: World, gateway: FakeGateway) -> None:
    pay(world, 100)
    [row] = told("payment_succeeded")
    assert audit.digest(row) == row.hash
    row.actor = ""
    assert audit.digest(row) != row.hash
