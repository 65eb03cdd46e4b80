"""The outbox keeps its promises at least once, whatever fails."""

from __future__ import annotations

import datetime as dt

import pytest

from portal_app import clock
from portal_app.db import transaction
from portal_app.domain import outbox
from portal_app.domain.outbox import Outbox

pytestmark = pytest.mark.usefixtures("world")


@pytest.fixture(autouse=True)
def _empty(world: object) -> None:
    with transaction():
        Outbox.delete().execute()


def test_a_promise_is_kept_once_and_in_order() -> None:
    done: list[int] = []
    outbox.put("note", 1)
    outbox.put("note", 2)
    outbox.put("note", 3, delay_seconds=60)
    assert outbox.run_due({"note": done.append}) == 2
    assert outbox.run_due({"note": done.append}) == 0
    assert done == [1, 2]


def test_what_was_rolled_back_was_never_promised() -> None:
    def promise_and_fail() -> None:
        with transaction():
            outbox.put("note", 1)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        promise_and_fail()
    assert Outbox.select().count() == 0


def test_a_failure_is_kept_and_tried_later_and_later() -> None:
    tries: list[int] = []

    def fail(number: int) -> None:
        tries.append(number)
        raise OSError("no route to host")

    outbox.put("note", 1)
    with clock.frozen(clock.now()) as advance:
        outbox.run_due({"note": fail})
        outbox.run_due({"note": fail})
        assert (tries, outbox.troubles()) == ([1], 1)
        for seconds in (5, 30, 120):
            advance(dt.timedelta(seconds=seconds))
            outbox.run_due({"note": fail})
        assert len(tries) == 4
        assert "no route to host" in Outbox.get().last_error
        advance(dt.timedelta(hours=1))
        outbox.run_due({"note": tries.append})
    assert outbox.troubles() == 0
    assert Outbox.get().done_at is not None


def test_a_worker_that_died_is_replaced_when_its_lease_ends() -> None:
    def die(_number: int) -> None:
        raise SystemExit  # not an Exception: the process ends here

    done: list[int] = []
    outbox.put("note", 7)
    with clock.frozen(clock.now()) as advance:
        with pytest.raises(SystemExit):
            outbox.run_due({"note": die})
        assert outbox.run_due({"note": done.append}) == 0
        advance(dt.timedelta(seconds=outbox.LEASE_SECONDS + 1))
        assert outbox.run_due({"note": done.append}) == 1
    assert done == [7]
