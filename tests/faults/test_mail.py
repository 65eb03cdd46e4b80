"""E-mail that cannot be sent: it is kept, shown to the firm, tried again, and breaks no page."""

from __future__ import annotations

import contextlib
import datetime as dt
import socket
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest
from aiosmtpd.controller import Controller
from flask.testing import FlaskClient

from portal_app import clock, config, gateways, worker
from portal_app.config import Config
from portal_app.db import transaction
from portal_app.domain import mail, payments, store
from portal_app.domain.mail import Email
from portal_app.domain.outbox import Outbox
from portal_app.domain.payments import Payment
from portal_app.web import paper
from tests.domain.test_payments import order
from tests.world import World

As = Callable[[Any], FlaskClient]


class Office:
    """A mail server that answers RCPT as it is told, and keeps what it takes."""

    def __init__(self) -> None:
        self.answer = "250 OK"
        self.taken: list[bytes] = []

    async def handle_RCPT(self, _server: Any, _session: Any, envelope: Any, address: str, _options: Any) -> str:
        if self.answer.startswith("250"):
            envelope.rcpt_tos.append(address)
        return self.answer

    async def handle_DATA(self, _server: Any, _session: Any, envelope: Any) -> str:
        self.taken.append(envelope.content)
        return "250 OK"


@contextlib.contextmanager
def open_office(office: Office) -> Iterator[int]:
    controller = Controller(office, hostname="127.0.0.1", port=free_port())
    controller.start()
    yield controller.port
    controller.stop()


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as found:
        return int(found.getsockname()[1])


def use_server(settings: Config, port: int) -> None:
    config.use(replace(settings, mail_server="127.0.0.1", mail_port=port, mail_security="none"))


@pytest.fixture(autouse=True)
def _quiet(world: World) -> None:
    """Nothing is waiting but what the test writes."""
    with transaction():
        Outbox.delete().execute()


def written(world: World, **changes: str) -> Email:
    row: Email = mail.write("password_reset", world.alice, subject="Hello", text="Hello\n", html="", fact="test")
    if changes:
        with transaction():
            Email.update(**changes).where(Email.id == row.id).execute()
    return row


def assert_shown(world: World, as_: As, words: str) -> None:
    browser = as_(world.carol)
    assert "E-mail not sent" in browser.get("/firm").text
    assert words in browser.get("/firm/mail").text
    for who, path in ((world.alice, "/portal"), (world.dan, "/firm")):
        assert as_(who).get(path).status_code == 200


@pytest.mark.parametrize("answer", ["550 No such person", "451 Try again later", "421 Closing"])
def test_a_server_that_refuses_is_tried_again(world: World, as_: As, settings: Config, answer: str) -> None:
    office, row = Office(), written(world)
    office.answer = answer
    with open_office(office) as port, clock.frozen(clock.now()) as advance:
        use_server(settings, port)
        worker.turn()
        assert answer[:3] in Email.get_by_id(row.id).last_error
        assert_shown(world, as_, answer[4:])
        office.answer = "250 OK"
        advance(dt.timedelta(seconds=10))
        worker.turn()
        worker.turn()
    assert len(office.taken) == 1
    sent = Email.get_by_id(row.id)
    assert (sent.sent_at is not None, sent.last_error, sent.text) == (True, "", "")
    assert "E-mail not sent" not in as_(world.carol).get("/firm").text


def test_nobody_at_the_mail_servers_port(world: World, as_: As, settings: Config) -> None:
    row = written(world)
    use_server(settings, free_port())
    assert worker.turn() == 1
    assert "ConnectionRefusedError" in Email.get_by_id(row.id).last_error
    assert_shown(world, as_, "ConnectionRefusedError")


def test_a_server_that_never_answers_is_left(
    world: World, as_: As, settings: Config, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mail, "TIMEOUT_SECONDS", 1)
    row = written(world)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        use_server(settings, silent.getsockname()[1])
        worker.turn()
    assert Email.get_by_id(row.id).last_error.endswith("timed out")
    assert_shown(world, as_, "timed out")


def test_a_name_that_cannot_stand_in_a_header_is_shown_too(world: World, as_: As, settings: Config) -> None:
    row, office = written(world, to_name="Alice\r\nBcc: everybody@example.com"), Office()
    with open_office(office) as port:
        use_server(settings, port)
        worker.turn()
    assert office.taken == []
    assert Email.get_by_id(row.id).last_error
    assert_shown(world, as_, "Hello")


def test_money_is_followed_up_before_slow_mail(world: World, settings: Config, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[str] = []
    payment = gateways.charge(payments.start(world.alice, world.gateway, order(50_000)), "lost")
    written(world)
    monkeypatch.setattr(paper, "store_receipt", lambda _payment_id: None)
    monkeypatch.setattr(mail, "send", lambda *_args: seen.append(Payment.get_by_id(payment.id).state))
    with clock.frozen(clock.now() + dt.timedelta(minutes=1)):
        worker.turn()
    assert set(seen) == {"succeeded"}


def test_payer_and_firm_hear_of_a_payment_whose_receipt_cannot_be_stored(
    world: World, as_: As, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_args: Any, **_kwargs: Any) -> None:
        raise OSError("No space left on device")

    payment = gateways.charge(payments.start(world.alice, world.gateway, order(50_000)), "ok")
    with clock.frozen(clock.now()) as advance:
        with monkeypatch.context() as patch:
            patch.setattr(paper, "receipt_pdf", lambda _payment: b"%PDF-1.7\n")
            patch.setattr(store, "put_bytes", full)
            worker.turn()
            assert "being prepared" in as_(world.alice).get(f"/portal/payments/{payment.public_id}").text
        assert {row.kind for row in Email.select()} >= {"payment_succeeded", "payment_succeeded_firm"}
        count = Email.select().count()
        monkeypatch.setattr(paper, "receipt_pdf", lambda _payment: b"%PDF-1.7\n")
        advance(dt.timedelta(minutes=1))
        worker.turn()
    assert Payment.get_by_id(payment.id).receipt_key
    assert Email.select().count() == count, "nobody is told twice"
