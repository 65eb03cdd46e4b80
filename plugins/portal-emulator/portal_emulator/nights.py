"""What time does: the nightly run, returns, chargebacks, holds that lapse, payments that fall due."""

from __future__ import annotations

import datetime as dt
from typing import Final

from portal_emulator import cards, recurring, webhooks
from portal_emulator.clock import moment_of, stamp
from portal_emulator.store import Thing
from portal_emulator.transactions import (
    AUTHORIZED,
    CHARGE,
    COMPLETED,
    FAILED,
    PENDING,
    REFUND,
    VOIDED,
    find,
    keep,
    refunds_of,
)
from portal_emulator.world import World

RETURN_AFTER: Final = dt.timedelta(days=5)
CHARGEBACK_AFTER: Final = dt.timedelta(days=60)
HOLD_LAPSES: Final = dt.timedelta(days=7)
CHARGEBACK: Final = "chargeback"
REJECTED: Final = "ach_deferred_refund_rejected_charge_failed"


def catch_up(world: World) -> int:
    """Run every night that has passed; returns how many."""
    count = 0
    with world:
        while world.next_night() <= world.now():
            world.store.put("meta", {**world.meta, "night": stamp(world.next_night())})
            run(world)
            count += 1
    return count


def advance(world: World, moment: dt.datetime) -> int:
    """Move the clock on, stopping at every night and every webhook that is due on the way; returns the nights run."""
    count = 0
    while True:
        with world:
            stops = [s for s in (world.next_night(), webhooks.next_due(world)) if s is not None and s <= moment]
            world.clock.move_to(min(stops, default=moment))
            world.note_time()
            count += catch_up(world)
        webhooks.deliver(world)
        if not stops:
            return count


def run(world: World) -> None:
    """One night."""
    charges_first = sorted(world.store.all("transaction"), key=lambda t: t["type"] == REFUND)
    for record in charges_first:
        _settle(world, find(world, record["id"]))
    for record in world.store.all("transaction"):
        _turn(world, record)
    recurring.collect(world)


def _settle(world: World, record: Thing) -> None:
    if record["status"] == AUTHORIZED and record["auto_capture"]:
        keep(world, record | {"status": COMPLETED})
    elif record["status"] == AUTHORIZED and _age(world, record) >= HOLD_LAPSES:
        keep(world, record | {"status": VOIDED})
    elif record["status"] == PENDING and find(world, record["charge_id"])["status"] == COMPLETED:
        keep(world, record | {"status": AUTHORIZED})


def _turn(world: World, record: Thing) -> None:
    """Money that the bank takes back."""
    if record["type"] != CHARGE or record["status"] not in {AUTHORIZED, COMPLETED}:
        return
    details = record["details"]
    code = cards.RETURNED.get(details.get("account_number", ""))
    if code and _age(world, record) >= RETURN_AFTER:
        give_back(world, record, code)
    if details.get("number") == cards.CHARGEBACK and _age(world, record) >= CHARGEBACK_AFTER:
        give_back(world, record, CHARGEBACK)


def give_back(world: World, record: Thing, code: str) -> Thing:
    """The charge fails although it had succeeded; refunds that waited for it fail with it."""
    for refund in refunds_of(world, record):
        if refund["status"] == PENDING:
            keep(world, refund | {"status": FAILED, "failure_code": REJECTED})
    return keep(world, record | {"status": FAILED, "failure_code": code})


def _age(world: World, record: Thing) -> dt.timedelta:
    """Days count from the day it was made, whatever the hour."""
    return world.now().date() - moment_of(record["created"]).date()


def indexed(world: World, things: list[Thing], call: str) -> list[Thing]:
    """Those that lists and searches show by now: while they lag, only what is older than the lag."""
    lag = world.faults.strike("lag", call)
    if lag is None:
        return things
    limit = world.now() - dt.timedelta(seconds=lag.seconds)
    return [t for t in things if moment_of(t["created"]) <= limit]
