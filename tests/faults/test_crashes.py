"""The process is killed at each point between "Pay Now" and "paid": nothing is lost, and it is charged once."""

from __future__ import annotations

import datetime as dt
import socket
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

from portal_app import clock, config, db, gateway_setup, gateways, plugins
from portal_app.domain import ledger, payments, trust
from portal_app.domain.errors import Refused
from portal_app.domain.payments import BankAccount, Payment
from portal_app.plugin_api import Fund, Mode
from portal_app.serving import Beside, server_for
from portal_app.verify import verify
from portal_sandbox.companion import create
from tests.conftest import Engine
from tests.deposits import ask
from tests.domain.test_payments import order
from tests.faults.dying_payer import DEAD, POINTS
from tests.world import World

CARD = {"method": "card", "number": "4242424242424242", "expires": "12 / 40", "code": "123"}


@dataclass
class Sandbox:
    """The real rehearsal gateway behind real HTTP, whose memory outlives the portal's process."""

    url: str
    gateway: payments.Gateway

    def token(self) -> str:
        answer = httpx.post(f"{self.url}/v1/tokens", json=CARD, headers={"Origin": self.url})
        assert answer.status_code == 201, answer.text
        return str(answer.json()["id"])

    def taken(self, reference: str) -> int:
        """How many cents the gateway took for this attempt."""
        answer = httpx.get(
            f"{self.url}/v1/charges", params={"reference": reference}, headers={"Authorization": "Bearer sk_sandbox_x"}
        )
        charges = answer.json()["charges"]
        return sum(int(charge["amount_minor"]) for charge in charges if charge["status"] == "succeeded")


@pytest.fixture(params=["sqlite", "postgresql"])
def engine(request: pytest.FixtureRequest) -> Engine:
    found: Engine = request.getfixturevalue(f"{request.param}_engine")
    return found


@pytest.fixture
def sandbox(world: World, settings: config.Config, tmp_path: Path) -> Iterator[Sandbox]:
    server = server_for(create(str(tmp_path / "companion")), socket.create_server(("127.0.0.1", 0)), threads=2)
    beside = Beside(server)
    url = f"http://localhost:{server.effective_port}"
    config.use(config.load({}, data=settings.data, database=settings.database, companion_url=url, secret_key="k" * 64))
    plugins.use(plugins.load())
    gateway_setup.disable(world.gateway, by=world.carol)
    gateway = gateway_setup.save("sandbox", {}, mode=Mode.TEST, by=world.carol)
    gateway_setup.set_route(
        gateway, Fund.OPERATING, "sandbox-operating", BankAccount.get(BankAccount.fund == "operating")
    )
    gateway_setup.set_route(gateway, Fund.TRUST, "sandbox-trust", BankAccount.get(BankAccount.fund == "trust"))
    assert gateway_setup.test_connection(gateway).is_ok
    gateway_setup.enable(gateway, by=world.carol)
    yield Sandbox(url, gateway)
    beside.stop()


def run_and_die(sandbox: Sandbox, point: str, fund: Fund = Fund.OPERATING) -> None:
    current = config.active()
    db.db.close()
    words = [current.data, current.database_url, sandbox.url, sandbox.token(), point, fund.value]
    done = subprocess.run(
        [sys.executable, "-m", "tests.faults.dying_payer", *words],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == DEAD, done.stderr
    db.connect()


@pytest.mark.parametrize("point", POINTS)
def test_killed_at_any_point_nothing_is_lost_and_it_is_charged_once(world: World, sandbox: Sandbox, point: str) -> None:
    run_and_die(sandbox, point)

    payment = Payment.get()
    reference = gateways.attempt_of(payment).reference
    if payment.state != "succeeded":
        with pytest.raises(Refused):  # until it is certain, the amount is held
            payments.start(world.alice, sandbox.gateway, order(204_000, "again"))
    with clock.frozen(clock.now()) as advance:
        for _ in range(4):
            advance(dt.timedelta(minutes=20))
            gateways.recover()

    payment = Payment.get_by_id(payment.id)
    taken = sandbox.taken(reference)
    assert taken == (0 if point in {"written", "submitting", "asked"} else 50_000)
    assert payment.state == ("succeeded" if taken else "not_submitted")
    assert ledger.account_balance("clearing:sandbox") == taken
    assert ledger.matter_balances([world.matter]).get(world.matter.id, 0) == 204_000 - taken

    again = gateways.charge(payments.start(world.alice, sandbox.gateway, order(50_000, "one")), sandbox.token())
    assert again.id == payment.id, "the form that was open is still the same payment"
    assert ledger.account_balance("clearing:sandbox") == taken


@pytest.mark.parametrize("point", POINTS)
def test_killed_at_any_point_a_deposit_is_charged_once_and_is_on_its_ledger(
    world: World, sandbox: Sandbox, point: str
) -> None:
    bank = BankAccount.get(BankAccount.fund == "trust")
    request = ask(world, bank, 80_000)
    run_and_die(sandbox, point, Fund.TRUST)

    payment = Payment.get()
    reference = gateways.attempt_of(payment).reference
    if payment.state != "succeeded":
        with pytest.raises(Refused):  # until it is certain, the amount is held
            payments.start(world.alice, sandbox.gateway, order(80_000, "again", fund=Fund.TRUST))
    with clock.frozen(clock.now()) as advance:
        for _ in range(4):
            advance(dt.timedelta(minutes=20))
            gateways.recover()

    taken = sandbox.taken(reference)
    assert taken == (0 if point in {"written", "submitting", "asked"} else 50_000)
    assert Payment.get_by_id(payment.id).state == ("succeeded" if taken else "not_submitted")
    assert trust.balance(world.matter, bank) == taken
    assert ledger.account_balance("clearing:sandbox:trust") == taken
    assert ledger.account_balance("clearing:sandbox") == 0
    assert payments.find_deposit_for(world.alice, request.public_id).balance_cents == 80_000 - taken
    assert not verify().faults
