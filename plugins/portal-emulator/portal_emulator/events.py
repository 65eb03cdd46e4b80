"""What happened, as the gateway tells it: an envelope per event, kept for ever and queued for every webhook."""

from __future__ import annotations

import copy
import datetime as dt
from typing import Final

from portal_emulator.clock import stamp
from portal_emulator.refusal import not_found
from portal_emulator.store import Thing
from portal_emulator.world import World

WAITING: Final = "WAITING"
DELIVERED: Final = "DELIVERED"
GIVEN_UP: Final = "GIVEN_UP"
LOST: Final = "LOST"


def emit(world: World, kind: str, data: Thing) -> Thing:
    """``kind`` as in ``transaction.authorized``; ``data`` is the thing as it is now."""
    event = {"id": world.new_id(), "created": world.stamp(), "type": kind, "data": copy.deepcopy(data)}
    world.store.put("event", event)
    for address in world.webhooks:
        _queue(world, event, address)
    return event


def _queue(world: World, event: Thing, address: str) -> None:
    status, due = WAITING, world.now()
    if world.faults.strike("webhook_drop", event["type"]):
        status = LOST
    late = world.faults.strike("webhook_late", event["type"])
    if late:
        due += dt.timedelta(seconds=late.seconds)
    twice = world.faults.strike("webhook_duplicate", event["type"])
    swapped = world.faults.strike("webhook_reorder", event["type"])
    overtaken = swapped is not None and not _one_waits(world)
    for _ in range(2 if twice else 1):
        delivery = {
            "id": world.new_id(),
            "event_id": event["id"],
            "type": event["type"],
            "url": address,
            "status": status,
            "due": stamp(due),
            "attempts": 0,
            "answer": "",
            "after_next": overtaken,
        }
        world.store.put("delivery", delivery)


def _one_waits(world: World) -> bool:
    return any(d["after_next"] and d["status"] == WAITING for d in world.store.all("delivery"))


def get_event(world: World, identity: str) -> Thing:
    event = world.store.get("event", identity)
    if event is None:
        raise not_found("Event", identity)
    return event
