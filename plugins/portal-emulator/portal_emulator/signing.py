"""Signatures that clients draw: on a charge, at its capture, or on their own."""

from __future__ import annotations

from typing import Any, Final

from portal_emulator import transactions
from portal_emulator.refusal import Message, Refusal, flaw, invalid, not_found, refuse
from portal_emulator.store import Thing
from portal_emulator.world import World

LENGTHS: Final = {"data": 8192, "mime_type": 64}


def of(asked: Any, *, prefix: str = "") -> Thing | None:
    """The signature in a call, None where there is none. Raises ``Refusal``; ``context`` starts with ``prefix``."""
    if asked is None:
        return None
    if not isinstance(asked, dict):
        raise invalid("signature", "invalid")
    flaws: list[Message] = []
    for field, longest in LENGTHS.items():
        value = asked.get(field)
        if value is None or value == "":
            flaws.append(flaw(field, "not_blank", prefix))
        elif not isinstance(value, str):
            flaws.append(flaw(field, "invalid", prefix))
        elif len(value) > longest:
            flaws.append(flaw(field, "invalid_length", prefix))
    if flaws:
        raise Refusal(422, flaws)
    return {field: asked[field] for field in LENGTHS}


def keep(world: World, signature: Thing) -> Thing:
    return world.store.put("signature", {"id": world.new_id(), "created": world.stamp(), **signature})


def get(world: World, identity: str) -> Thing:
    signature = world.store.get("signature", identity)
    if signature is None:
        raise not_found("Signature", identity)
    return signature


def sign(world: World, identity: str, asked: Thing) -> Thing:
    """Once; a gratuity only while the charge is not captured."""
    record = transactions.find(world, identity)
    signature = of(asked)
    gratuity = transactions.amount_of(asked, "gratuity", least=0) if asked.get("gratuity") is not None else None
    captured = record["status"] == transactions.COMPLETED
    signable = record["type"] == transactions.CHARGE and (captured or record["status"] == transactions.AUTHORIZED)
    if signature is None or not signable or "signature_id" in record or (captured and gratuity is not None):
        raise refuse("not_valid_for_transaction_status")
    changed = record | {"signature_id": keep(world, signature)["id"]}
    if gratuity is not None:
        changed["gratuity"] = gratuity
    return transactions.keep(world, changed, event="transaction.updated")
