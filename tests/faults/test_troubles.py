"""What goes wrong in a simulated month, each by itself: it strikes as it says, and is over when it says."""

from __future__ import annotations

import datetime as dt
import random
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from peewee import OperationalError

from portal_app import clock
from portal_app.db import db, transaction
from portal_app.domain import mail, outbox, store
from portal_app.domain.outbox import Outbox
from portal_app.testing.line import Fault
from portal_app.testing.proof.rig import Killed, Rig
from portal_app.testing.proof.troubles import JUMPS, Troubles
from tests.faults.test_proof import rig


@pytest.fixture(scope="module")
def portal(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rig]:
    with rig("sandbox", Path(tmp_path_factory.mktemp("troubles"))) as found:
        yield found


@pytest.fixture
def troubles(portal: Rig) -> Iterator[Troubles]:
    found = Troubles(portal, random.Random(3))
    yield found
    found.end()


def promise() -> None:
    with transaction():
        outbox.put("email", 1)


def promise_often(times: int) -> None:
    for _ in range(times):
        promise()


def promises() -> int:
    return Outbox.select().where(Outbox.topic == "email").count()


def test_a_process_that_died_says_nothing_more_to_the_database(portal: Rig, troubles: Troubles) -> None:
    before = promises()
    with ExitStack() as stack:
        troubles.dies_at_write(stack)
        with pytest.raises(Killed):
            promise_often(200)
        for _ in range(2):
            with pytest.raises(Killed):
                promises()
    assert not db.in_transaction()
    portal.restart()
    assert before <= promises() <= before + 40


def test_it_can_die_between_the_last_statement_and_the_commit(portal: Rig) -> None:
    before, heard = promises(), list[str]()
    portal.pulse = heard.append
    promise()
    assert heard[-1] == "COMMIT"

    def die_at_commit(sql: str) -> None:
        if sql == "COMMIT":
            raise Killed

    portal.pulse = die_at_commit
    with pytest.raises(Killed):
        promise()
    portal.restart()
    assert promises() == before + 1


def test_a_full_disk_takes_some_rows_and_then_none(portal: Rig, troubles: Troubles) -> None:
    with ExitStack() as stack:
        troubles.disk_full_of_rows(stack)
        with pytest.raises(OperationalError, match="disk is full"):
            promise_often(50)
        kept = promises()
        with pytest.raises(OperationalError):
            promise()
        assert promises() == kept  # reading goes on
    troubles.end()
    promise()
    assert promises() == kept + 1


def test_files_and_letters_fail_only_while_it_lasts(troubles: Troubles) -> None:
    put, send = store.put_bytes, mail.send
    with ExitStack() as stack:
        troubles.disk_full_of_files(stack)
        troubles.mail_server_dead(stack)
        with pytest.raises(OSError, match="No space left"):
            store.put_bytes([b"x"], limit_bytes=1)
        assert mail.send is not send
    assert (store.put_bytes, mail.send) == (put, send)


def test_a_wrong_clock_comes_right_again_to_the_second(portal: Rig, troubles: Troubles) -> None:
    before = clock.now()
    with ExitStack() as stack:
        troubles.clock_wrong(stack)
    assert clock.now() - before in JUMPS
    assert portal.wire.now().replace(tzinfo=None) == before  # the gateway's does not jump
    for _ in range(10):
        troubles._go_on()
    assert clock.now() == before


def test_an_outage_outlasts_the_step_and_ends(portal: Rig, troubles: Troubles) -> None:
    with ExitStack() as stack:
        troubles.gateway_down(stack)
    troubles._heal()
    assert portal.line.lasts
    assert portal.line.fault in set(Fault)
    for _ in range(10):
        troubles._go_on()
    troubles._heal()
    assert portal.line.fault is None


def test_a_lagging_list_hides_what_is_new_until_the_horizon(portal: Rig, troubles: Troubles) -> None:
    with ExitStack() as stack:
        troubles.list_lags(stack)
    assert portal.is_stale
    portal.go_on(dt.timedelta(seconds=portal.manifest.absence_horizon_seconds + 1))
    assert not portal.is_stale


def test_every_kind_is_drawn(troubles: Troubles) -> None:
    for _ in range(300):
        with troubles.one():
            pass
    named = {name for name, each in vars(Troubles).items() if callable(each) and "_stack" in each.__code__.co_varnames}
    named |= {name for name, each in vars(Troubles).items() if callable(each) and "stack" in each.__code__.co_varnames}
    assert set(troubles.had) == named - {"one"}
    assert len(troubles.had) >= 10
