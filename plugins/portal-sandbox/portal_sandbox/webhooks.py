"""A webhook as the portal gets it: verified on its raw bytes, then read. Nothing here touches the network."""

from __future__ import annotations

import hmac
import json
import re
from typing import Any

from portal_app.plugin_api import Delivery, Event, Rejected, Subject
from portal_sandbox.events import HEADER, digest, key_of

TOLERANCE_SECONDS = 300
_SIGNATURE = re.compile(r"t=([0-9]{1,12}),v1=([0-9a-f]{64})", re.ASCII)


def read(delivery: Delivery, secret_key: str) -> list[Event] | Rejected:
    """The one event of a delivery that was signed with ``secret_key`` less than five minutes ago."""
    signed = _SIGNATURE.fullmatch(delivery.headers.get(HEADER, ""))
    if not signed:
        return Rejected(reason="not signed")
    at, given = signed.groups()
    if not hmac.compare_digest(given, digest(delivery.body, key_of(secret_key), at)):
        return Rejected(reason="the signature is of other bytes or another key")
    if abs(int(delivery.received_at.timestamp()) - int(at)) > TOLERANCE_SECONDS:
        return Rejected(reason="signed too long ago, or in the future")
    try:
        return [_event(json.loads(delivery.body))]
    except (ValueError, KeyError, TypeError, RecursionError):
        return Rejected(reason="not understood")


def _event(told: dict[str, Any]) -> Event:
    texts = {name: told[name] for name in ("id", "kind", "reference", "object", "merchant_account")}
    if not all(isinstance(text, str) for text in texts.values()):
        raise TypeError("a text was expected")
    return Event(
        id=texts["id"],
        kind=texts["kind"],
        subject=Subject(told["subject"]),
        reference=texts["reference"],
        gateway_reference=texts["object"],
        merchant_account=texts["merchant_account"],
        payload={**texts, "subject": told["subject"], "created_at": told.get("created_at")},
    )
