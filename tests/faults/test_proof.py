"""The proof, in part: every n-th cell of the matrix and some simulated days, for each gateway on both databases."""

from __future__ import annotations

import datetime as dt
import logging
from collections.abc import Callable, Iterator
from importlib.metadata import entry_points
from itertools import count
from pathlib import Path
from typing import Any
from unittest import mock

import pytest

from portal_app import gateways
from portal_app.cli.prove import WIRES
from portal_app.domain import payments
from portal_app.gateways import asking
from portal_app.plugin_api import Method, Outcome, OutcomeKind
from portal_app.testing import Says
from portal_app.testing.line import Fault
from portal_app.testing.proof import matrix
from portal_app.testing.proof.months import Firm
from portal_app.testing.proof.rig import Killed, Rig
from tests.postgres import Cluster

NAMES = ["lawpay", "sandbox", "stripe"]
NUMBERS = count()
EVERY = 29  # a prime: all faults, habits and timings come up
DAYS = 4


@pytest.fixture(scope="module")
def cluster() -> Iterator[Cluster]:
    found = Cluster()
    yield found
    found.stop()


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request: pytest.FixtureRequest) -> str:
    if request.param == "sqlite":
        return ""
    cluster: Cluster = request.getfixturevalue("cluster")
    return cluster.create(f"proof{next(NUMBERS)}")


@pytest.fixture(autouse=True)
def quiet() -> Iterator[None]:
    """The faults are meant: their traces would only hide a failure."""
    logging.disable(logging.CRITICAL)
    yield
    logging.disable(logging.NOTSET)


def rig(name: str, folder: Path, database: str = "") -> Rig:
    gateway = next(iter(entry_points(group="portal_app.plugins", name=name))).load()
    wire: Any = next(iter(entry_points(group=WIRES, name=name))).load()
    return Rig(gateway, wire(), folder, database)


def test_every_bundled_gateway_brings_a_fake_of_its_wire() -> None:
    assert entry_points(group=WIRES).names == set(NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_a_fake_takes_money_however_long_the_proof_lasts(name: str) -> None:
    """All cells together take many years of its clock: a card that expires in their midst would prove nothing."""
    wire: Any = next(iter(entry_points(group=WIRES, name=name))).load()()
    begun = wire.now()
    wire.advance(dt.timedelta(days=20 * 365))
    assert wire.now() - begun >= dt.timedelta(days=20 * 365)
    assert wire.token(Says.APPROVED, Method.CARD)
    wire.close()


@pytest.mark.parametrize("name", NAMES)
def test_no_fault_charges_twice_or_loses_a_payment(name: str, database: str, tmp_path: Path) -> None:
    cells = matrix.cells()[NAMES.index(name) :: EVERY]
    with rig(name, tmp_path, database) as proving:
        tally = matrix.prove(proving, cells)
    assert tally.wrong == {wrong: [] for wrong in matrix.WRONGS}
    assert tally.charges > len(cells) // 4


@pytest.mark.parametrize("name", NAMES)
def test_some_days_of_a_firm_with_everything_going_wrong(name: str, database: str, tmp_path: Path) -> None:
    with rig(name, tmp_path, database) as proving:
        run = Firm(proving, seed=7, days=DAYS).live()
    assert run.wrong == []
    assert run.charges


def test_one_seed_is_one_run(tmp_path: Path) -> None:
    traces = []
    for number in range(2):
        with rig("sandbox", tmp_path / str(number)) as proving:
            traces.append(Firm(proving, seed=11, days=DAYS).live().trace)
    assert traces[0] == traces[1]
    assert len(traces[0]) > DAYS


def answer_lost(proving: Rig, books: Callable[[], object], deed: Callable[[], object]) -> None:
    """The process dies as soon as the deed stands in the gateway's books; two days ahead by the portal's clock."""

    def die() -> None:
        if books():
            raise Killed

    ahead = dt.timedelta(days=2)
    proving.set_clock_off(ahead)
    proving.line.after = die
    with pytest.raises(Killed):
        deed()
    proving.line.after = lambda: None
    proving.restart()
    proving.set_clock_off(-ahead)
    for _ in range(5):
        proving.go_on(dt.timedelta(days=1))
        gateways.sweep_due()


@pytest.mark.parametrize("name", NAMES)
def test_what_was_sent_by_a_wrong_clock_is_found_by_the_sweep(name: str, tmp_path: Path) -> None:
    """A search looks where our clock says that it was sent, and finds nothing; the list names it all the same."""
    with rig(name, tmp_path) as proving:
        payer = proving.payer()
        answer_lost(proving, lambda: proving.taken_of(payer), lambda: proving.press(payer, proving.open_form(payer)))
        [payment] = payer.payments
        assert (payment.state, proving.owed_on(payer)) == ("succeeded", 0)

        refund = payments.start_refund(
            payment, amount_cents=20_000, expected_left_cents=50_000, is_owed_again=True, reason="Too much",
            by=proving.admin, key="r",
        )  # fmt: skip
        answer_lost(proving, proving.wire.refunds, lambda: gateways.refund(refund))
        assert [row.state for row in payments.refunds_of(payment)] == ["succeeded"]
        assert proving.owed_on(payer) == 20_000


def test_a_host_that_calls_unknown_failed_is_found_out(tmp_path: Path) -> None:
    """The proof itself can fail: the mistake that most others make shows up in it."""
    failed = Outcome(kind=OutcomeKind.DECLINED, message="Failed.")
    cells = [matrix.Cell(Fault.LOST_AFTER, matrix.Hook.NEVER, habit, False) for habit in matrix.Habit]
    with mock.patch.object(asking, "UNKNOWN", failed), rig("sandbox", tmp_path) as proving:
        tally = matrix.prove(proving, cells)
    assert tally.wrong["lost payments"]
    assert tally.wrong["double charges"]
