"""One-time tokens and saved payment methods, and how a payment finds its method."""

from __future__ import annotations

from typing import Any, Final, NamedTuple

from portal_emulator import details as fields
from portal_emulator.refusal import invalid, not_found, refuse
from portal_emulator.store import Thing
from portal_emulator.world import World

CARD: Final = "card"
BANK: Final = "bank"


class Means(NamedTuple):
    """What a payment is made with. ``token`` is its one-time token; ``saved``: no CVV can be asked of it."""

    details: Thing
    token: Thing | None = None
    saved: bool = False


# -- One-time tokens ---------------------------------------------------------------------------


def create_token(world: World, asked: Thing) -> Thing:
    """Not validated: what is too long is cut, what is odd dropped. Raises ``Refusal`` for a method it cannot find."""
    base = find(world, asked["token_id"]).details if asked.get("token_id") else {}
    details = fields.read({**base, **{k: v for k, v in asked.items() if v is not None}}, lenient=True)
    token = _record(world, details) | {"used": False}
    if asked.get("form_data") is not None:
        token["form_data"] = asked["form_data"]
    return world.store.put("token", token)


def token_shown(token: Thing) -> Thing:
    view = method_shown(token)
    if "cvv" in token["details"]:
        view["cvv"] = "*" * len(token["details"]["cvv"])
    return view | ({"form_data": token["form_data"]} if "form_data" in token else {})


def get_token(world: World, identity: str) -> Thing:
    token = world.store.get("token", identity)
    if token is None:
        raise not_found("Token", identity)
    return token


# -- Saved cards and banks ---------------------------------------------------------------------


def save(world: World, kind: str, asked: Thing) -> Thing:
    """``kind`` is card or bank; from a token (which is used by it), a saved method, or the details themselves."""
    if asked.get("token_id"):
        means = find(world, asked["token_id"])
        details = means.details | fields.read({**asked, "type": means.details["type"]})
    else:
        means = Means(fields.read({**asked, "type": asked_kind(asked, kind)}))
        details = means.details
    if details["type"] != kind:
        raise refuse("incorrect_payment_type")
    fields.check(details)
    fault = fields.card_fault(details, world.today()) if kind == CARD else None
    if fault:
        raise refuse(fault)
    use(world, means)
    details.pop("cvv", None)
    return world.store.put("method", _record(world, details) | {"deleted": False})


def asked_kind(asked: Thing, kind: str) -> str:
    named = str(asked.get("type") or kind).lower()
    return named if named in {CARD, BANK} else kind


def method_shown(record: Thing) -> Thing:
    made = {key: record[key] for key in ("id", "created", "modified")}
    return made | fields.shown(record["details"], saved=True)


def get_saved(world: World, kind: str, identity: str) -> Thing:
    saved = world.store.get("method", identity)
    if saved is None or saved["deleted"] or saved["details"]["type"] != kind:
        raise not_found(kind.capitalize(), identity)
    return saved


def delete_saved(world: World, kind: str, identity: str) -> Thing:
    saved = get_saved(world, kind, identity)
    return world.store.put("method", {**saved, "deleted": True, "modified": world.stamp()})


def all_saved(world: World, kind: str) -> list[Thing]:
    """As shown, oldest first."""
    kept = [m for m in world.store.all("method") if not m["deleted"] and m["details"]["type"] == kind]
    return [method_shown(m) for m in kept]


# -- What a payment is made with ---------------------------------------------------------------


def means_of(world: World, method: Any) -> Means:
    """``method`` as in a charge: an id, or the details. Raises ``Refusal``; a token is not used up yet."""
    if isinstance(method, Means):  # a payment that the emulator makes itself
        return method
    if method is None or method in ("", {}):
        raise refuse("no_payment_method")
    if isinstance(method, str):
        return find(world, method)
    if not isinstance(method, dict):
        raise invalid("method", "invalid")
    if method.get("token_id"):
        return find(world, method["token_id"])
    return Means(fields.read(method))


def find(world: World, identity: Any) -> Means:
    token = world.store.get("token", str(identity))
    if token is not None and not token["used"]:
        return Means(dict(token["details"]), token)
    saved = world.store.get("method", str(identity))
    if saved is not None and not saved["deleted"]:
        return Means(dict(saved["details"]), saved=True)
    raise not_found("PaymentMethod", str(identity))


def use(world: World, means: Means) -> None:
    if means.token is not None:
        kept = {k: v for k, v in means.token["details"].items() if k != "cvv"}
        world.store.put("token", {**means.token, "details": kept, "used": True, "modified": world.stamp()})


def _record(world: World, details: Thing) -> Thing:
    return {"id": world.new_id(), "created": world.stamp(), "modified": world.stamp(), "details": details}
