"""Charges, refunds and credits as records: made, found, shown, moved from state to state with the event it raises."""

from __future__ import annotations

from typing import Any, Final

from portal_emulator import details as fields
from portal_emulator import events
from portal_emulator.refusal import Refusal, invalid, not_found, refuse
from portal_emulator.store import Thing
from portal_emulator.world import World

CHARGE: Final = "CHARGE"
REFUND: Final = "REFUND"
CREDIT: Final = "CREDIT"

PENDING: Final = "PENDING"
AUTHORIZED: Final = "AUTHORIZED"
COMPLETED: Final = "COMPLETED"
VOIDED: Final = "VOIDED"
FAILED: Final = "FAILED"

LARGEST: Final = 10**14 - 1
REFERENCE_LENGTH: Final = 128
EVENTS: Final = {
    PENDING: "transaction.pending_parent_settlement",
    AUTHORIZED: "transaction.authorized",
    COMPLETED: "transaction.completed",
    VOIDED: "transaction.voided",
    FAILED: "transaction.failed",
}
HIDDEN: Final = frozenset({"details", "returned"})


def new(world: World, kind: str, *, account_id: str, details: Thing, **properties: Any) -> Thing:
    """A record not yet kept: ``keep`` does that. The CVV is forgotten here."""
    record = {
        "id": world.new_id(),
        "created": world.stamp(),
        "modified": world.stamp(),
        "type": kind,
        "account_id": account_id,
        "details": {key: value for key, value in details.items() if key != "cvv"},
        **properties,
    }
    return {key: value for key, value in record.items() if value is not None}


def keep(world: World, record: Thing, *, event: str | None = None) -> Thing:
    """Keep the record and tell of it: by the status it has now, or by the event named."""
    record["modified"] = world.stamp()
    world.store.put("transaction", record)
    events.emit(world, event or EVENTS[record["status"]], shown(record))
    return record


def shown(record: Thing) -> Thing:
    """As lists and answers carry it; what is not set is absent."""
    view = {key: value for key, value in record.items() if key not in HIDDEN and value is not None}
    return view | {"method": fields.shown(record["details"])}


def shown_whole(world: World, record: Thing) -> Thing:
    """As the call for a single transaction answers: a charge with its refunds."""
    if record["type"] != CHARGE:
        return shown(record)
    return shown(record) | {"refunds": [shown(r) for r in refunds_of(world, record)]}


def find(world: World, identity: str, kind: str | None = None) -> Thing:
    record = world.store.get("transaction", identity)
    if record is None or kind not in {None, record["type"]}:
        raise not_found(kind.capitalize() if kind else "Transaction", identity)
    return record


def refunds_of(world: World, charge: Thing) -> list[Thing]:
    """Oldest first."""
    return [t for t in world.store.all("transaction") if t.get("charge_id") == charge["id"]]


def fail(world: World, record: Thing, code: str) -> Refusal:
    """The record is kept as failed; the error to answer with names it, and no other id is given."""
    keep(world, record | {"status": FAILED, "failure_code": code})
    return refuse(code, entity_id=record["id"])


# -- Checks of what a call asks for ------------------------------------------------------------


def amount_of(asked: Thing, field: str = "amount", *, least: int = 1) -> int:
    """Whole cents: a JSON integer, or the digits of one. Raises ``Refusal``."""
    value = asked.get(field)
    if value is None or value == "":
        raise invalid(field, "not_null")
    if isinstance(value, str) and value.removeprefix("-").isascii() and value.removeprefix("-").isdigit():
        value = int(value) if len(value) < 20 else LARGEST + 1
    if not isinstance(value, int) or isinstance(value, bool):
        raise invalid(field, "invalid")
    if value < least:
        raise invalid(field, "below_minimum_value")
    if value > LARGEST:
        raise invalid(field, "exceeds_maximum_value")
    return value


def reference_of(asked: Thing) -> str | None:
    value = asked.get("reference")
    if value is None or value == "":
        return None
    if not isinstance(value, str | int):
        raise invalid("reference", "invalid")
    if len(str(value)) > REFERENCE_LENGTH:
        raise invalid("reference", "invalid_length")
    return str(value)


def currency_of(asked: Thing) -> str:
    value = asked.get("currency")
    if value is None or value == "":
        return "USD"
    if not isinstance(value, str) or len(value) != 3:
        raise invalid("currency", "invalid")
    return value.upper()
