"""Events on their way to the merchant: POSTed unsigned, tried again every ten minutes until the answer is 200."""

from __future__ import annotations

import datetime as dt
import http.client
import json
from collections.abc import Callable
from typing import Final
from urllib.parse import urlsplit

from portal_emulator.clock import moment_of, stamp
from portal_emulator.events import DELIVERED, GIVEN_UP, WAITING
from portal_emulator.store import Thing
from portal_emulator.world import World

RETRY_AFTER: Final = dt.timedelta(minutes=10)
ATTEMPTS: Final = 25
PATIENCE: Final = 10  # seconds for an answer

Post = Callable[[str, bytes], int]


def over_http(address: str, payload: bytes) -> int:
    """The answer's status. Raises ``OSError`` or ``http.client.HTTPException`` where there is none."""
    parts = urlsplit(address)
    kind = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
    connection = kind(parts.hostname or "", parts.port, timeout=PATIENCE)
    try:
        target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        connection.request("POST", target, payload, {"Content-Type": "application/json", "User-Agent": "emulator"})
        return connection.getresponse().status
    finally:
        connection.close()


def valid(address: str) -> bool:
    try:
        parts = urlsplit(address)
        return parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.port != 0
    except ValueError:
        return False


def next_due(world: World) -> dt.datetime | None:
    return min((_when(d) for d in world.store.all("delivery") if d["status"] == WAITING), default=None)


def _when(delivery: Thing) -> dt.datetime:
    """At the latest: one that is to be overtaken may go earlier, right after the next."""
    return moment_of(delivery["due"]) + (RETRY_AFTER if delivery["after_next"] else dt.timedelta())


def due(world: World) -> list[Thing]:
    """In the order to send them."""
    waiting = [d for d in world.store.all("delivery") if d["status"] == WAITING]
    prompt = [d for d in waiting if _when(d) <= world.now()]
    latest = max((d["due"] for d in prompt), default="")
    overtaken = [d for d in waiting if d["after_next"] and d not in prompt and d["due"] <= latest]
    return prompt + overtaken


def deliver(world: World) -> int:
    """Send what is due, without holding up the calls that the receiver makes; returns how many went."""
    with world.sending:
        with world:
            batch = due(world)
        for delivery in batch:
            with world:
                event = world.store.get("event", delivery["event_id"])
            note(world, delivery, "purged" if event is None else _send(world.post, delivery["url"], event))
    return len(batch)


def _send(post: Post, address: str, event: Thing) -> str:
    try:
        return str(post(address, json.dumps(event).encode()))
    except (OSError, http.client.HTTPException) as error:
        return type(error).__name__


def note(world: World, delivery: Thing, outcome: str) -> None:
    attempts = delivery["attempts"] + 1
    status = DELIVERED if outcome == "200" else GIVEN_UP if attempts >= ATTEMPTS else WAITING
    with world:
        later = stamp(world.now() + RETRY_AFTER)
        changes = {"attempts": attempts, "status": status, "answer": outcome, "due": later, "after_next": False}
        world.store.put("delivery", delivery | changes)
