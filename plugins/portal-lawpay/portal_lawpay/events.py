"""Events: an envelope whose ``id`` is the event's, around the transaction, whose id is another."""

from __future__ import annotations

import json

from portal_app.plugin_api import Delivery, Event, Rejected, Subject
from portal_lawpay.api import Told
from portal_lawpay.redaction import redacted
from portal_lawpay.transactions import text

MOST = 100
_SUBJECTS = {"CHARGE": Subject.CHARGE, "REFUND": Subject.REFUND}


def read(delivery: Delivery) -> list[Event] | Rejected:
    """LawPay does not sign: whoever knows the address can write here. So nothing of it is believed but that somebody
    has a reason to ask."""
    try:
        told = json.loads(delivery.body)
    except (ValueError, RecursionError):
        return Rejected(reason="not JSON")
    envelopes = told["events"] if isinstance(told, dict) and isinstance(told.get("events"), list) else [told]
    if not envelopes or len(envelopes) > MOST:
        return Rejected(reason="no events, or too many")
    found = [_event(each) for each in envelopes]
    events = [event for event in found if event is not None]
    return events if len(events) == len(found) else Rejected(reason="an event without an id or a type")


def transaction_of(envelope: Told) -> Told:
    """The transaction that an event is about; empty when it is about something else."""
    data = envelope.get("data")
    return data if isinstance(data, dict) and text(data, "type") in _SUBJECTS else {}


def _event(envelope: object) -> Event | None:
    if not isinstance(envelope, dict) or not text(envelope, "id") or not text(envelope, "type"):
        return None
    data = transaction_of(envelope)
    return Event(
        id=text(envelope, "id")[:120], kind=text(envelope, "type")[:80],
        subject=_SUBJECTS.get(text(data, "type"), Subject.CHARGE), reference=text(data, "reference")[:64],
        gateway_reference=text(data, "id")[:120], payload=redacted(envelope),
    )  # fmt: skip
