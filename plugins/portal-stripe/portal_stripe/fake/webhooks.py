"""Signed deliveries of events: as often and in whatever order a test wants."""

from __future__ import annotations

import hmac
import json
import random
import time
from collections.abc import Callable, Mapping
from hashlib import sha256

from portal_stripe.fake.core import Fake, shown

Send = Callable[[str, Mapping[str, str], bytes], object]


def signature(body: bytes, *secrets: str, at: int | None = None) -> str:
    """The ``Stripe-Signature`` header: one ``v1`` for each active secret, and a ``v0`` that nobody should believe."""
    moment = time.time_ns() // 10**9 if at is None else at
    signed = [hmac.new(each.encode(), b"%d." % moment + body, sha256).hexdigest() for each in secrets]
    return ",".join([f"t={moment}", *(f"v1={each}" for each in signed), "v0=" + "0" * 64])


def body_of(fake: Fake, event_id: str) -> bytes:
    """The exact bytes of an event."""
    return json.dumps(shown(fake.object(event_id)), indent=2).encode()


def deliver(fake: Fake, send: Send, *, times: int = 1, order: str = "as written", seed: int = 1) -> int:
    """Send every queued event ``times`` times with ``send(url, headers, body)``; returns how many were sent.

    ``order``: ``as written``, ``reversed`` or ``shuffled`` (by ``seed``).
    """
    with fake.lock:
        fake.tick()
        queue = list(fake.state["outbox"]) * times
        fake.state["outbox"].clear()
        fake.save()
    if order == "reversed":
        queue.reverse()
    if order == "shuffled":
        random.Random(seed).shuffle(queue)
    for number, event in queue:
        endpoint = fake.state["endpoints"][number]
        body = body_of(fake, event)
        headers = {"Content-Type": "application/json; charset=utf-8", "User-Agent": "Stripe/1.0"}
        send(endpoint["url"], headers | {"Stripe-Signature": signature(body, *endpoint["secrets"])}, body)
    return len(queue)
