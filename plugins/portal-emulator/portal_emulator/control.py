"""``/control``: the same switches as on the control page, as JSON, for tests and scripts."""

from __future__ import annotations

import datetime as dt
from dataclasses import asdict
from typing import Any, Final
from urllib.parse import urlsplit

from flask import Blueprint, Flask, Response, abort, jsonify, request
from werkzeug.exceptions import HTTPException

from portal_emulator import cards, nights, transactions, webhooks
from portal_emulator.clock import moment_of, stamp
from portal_emulator.door import world
from portal_emulator.faults import KINDS, Fault
from portal_emulator.store import Thing
from portal_emulator.world import World

routes = Blueprint("control", __name__, url_prefix="/control")

UNITS: Final = ("minutes", "hours", "days", "weeks")
LONGEST: Final = dt.timedelta(days=3660)
RETURN_CODE: Final = "ach_insufficient_funds"


class Refused(ValueError):
    """What was asked for makes no sense; says so in words for people."""


def guard(app: Flask) -> None:
    """Pages of other sites have nothing to say here, although the browser could reach this machine."""

    @app.before_request
    def own_pages_only() -> None:
        if request.method in {"GET", "HEAD", "OPTIONS"} or request.path.startswith("/v1/"):
            return
        origin = request.headers.get("Origin")
        if origin is not None and urlsplit(origin).netloc != request.host:
            abort(403)


# -- What can be done --------------------------------------------------------------------------


def moved(here: World, asked: Thing) -> int:
    """``{"advance": {"days": 1}}`` or ``{"to": "2019-07-01"}``; returns the nights that passed. Raises ``Refused``."""
    try:
        if "to" in asked:
            target = moment_of(str(asked["to"]))
        else:
            steps = {unit: whole(asked["advance"].get(unit, 0), unit) for unit in UNITS}
            target = here.now() + dt.timedelta(**steps)
    except (KeyError, AttributeError, ValueError, OverflowError) as error:
        raise Refused('Say how far: {"advance": {"days": 1}}, or to when: {"to": "2019-07-01"}.') from error
    if target < here.now():
        raise Refused("The clock only goes forward.")
    if target - here.now() > LONGEST:
        raise Refused("Ten years at a time, no more.")
    return nights.advance(here, target)


def whole(value: Any, name: str) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        raise Refused(f"{name} must be a whole number, 0 or more.")
    return value


def switched_on(here: World, asked: Thing) -> Fault:
    name, only = asked.get("fault"), asked.get("only", "")
    if not isinstance(name, str) or name not in KINDS:
        raise Refused(f"There is no such fault. There are: {', '.join(KINDS)}.")
    if not isinstance(only, str):
        raise Refused("only must be a part of METHOD /path, such as POST /v1/charges.")
    numbers = {key: whole(asked[key], key) for key in ("calls", "seconds") if asked.get(key) is not None}
    if numbers.get("calls") == 0:
        raise Refused("calls must be 1 or more; leave it out to keep the fault on until it is switched off.")
    return here.faults.switch_on(name, only=only, **numbers)


def addressed(here: World, addresses: Any) -> list[str]:
    if not isinstance(addresses, list) or not all(isinstance(a, str) and webhooks.valid(a) for a in addresses):
        raise Refused("A webhook's address starts with http:// or https://.")
    with here:
        here.set_webhooks(addresses)
        return here.webhooks


def taken_back(here: World, identity: str, code: str, kind: str) -> Thing:
    """Return an eCheck (``kind`` bank) or charge a card payment back (card) at once. Raises ``Refused``."""
    with here:
        record = here.store.get("transaction", identity)
        if record is None or record["type"] != transactions.CHARGE or record["details"]["type"] != kind:
            raise Refused("There is no such charge.")
        if not succeeded(record):
            raise Refused("Only a charge that succeeded can be taken back.")
        return transactions.shown(nights.give_back(here, record, code))


def succeeded(record: Thing) -> bool:
    """A charge whose money is on its way or there; a hold is not."""
    taken = record["status"] == transactions.AUTHORIZED and record["auto_capture"]
    return record["type"] == transactions.CHARGE and (taken or record["status"] == transactions.COMPLETED)


def reset(here: World) -> None:
    """Books, faults, calls: all gone. Merchant, accounts, webhooks and clock stay."""
    with here:
        for kind in "transaction recurring occurrence signature event delivery token method".split():
            here.store.clear(kind)
        here.faults.clear()
        here.calls.clear()


# -- The interface -----------------------------------------------------------------------------


@routes.errorhandler(Refused)
def refused(error: Refused) -> tuple[Response, int]:
    return jsonify(error=str(error)), 422


@routes.errorhandler(HTTPException)
def http_error(error: HTTPException) -> tuple[Response, int]:
    return jsonify(error=error.description), error.code or 500


def asked() -> Thing:
    found = request.get_json(silent=True)
    if not isinstance(found, dict):
        raise Refused("Send a JSON object, as application/json.")
    return found


def fault_shown(fault: Fault) -> Thing:
    return {"fault": fault.kind.name, "calls": fault.calls, "seconds": fault.seconds, "only": fault.only}


@routes.get("/state")
def state() -> Response:
    here = world()
    with here:
        return jsonify(
            now=here.stamp(),
            next_night=stamp(here.next_night()),
            secret_key=here.secret_key,
            public_key=here.public_key,
            webhooks=here.webhooks,
            faults=[fault_shown(f) for f in here.faults.on()],
            transactions=len(here.store.all("transaction")),
            events=len(here.store.all("event")),
        )


@routes.post("/clock")
def clock() -> Response:
    ran = moved(world(), asked())
    return jsonify(now=world().stamp(), nights=ran)


@routes.get("/faults")
def faults() -> Response:
    known = [{"fault": k.name, "words": k.words, "scope": k.scope, "seconds": k.seconds} for k in KINDS.values()]
    return jsonify(on=[fault_shown(f) for f in world().faults.on()], known=known)


@routes.post("/faults")
def switch_on() -> Response:
    return jsonify(fault_shown(switched_on(world(), asked())))


@routes.delete("/faults")
def heal() -> tuple[str, int]:
    world().faults.clear()
    return "", 204


@routes.delete("/faults/<name>")
def switch_off(name: str) -> tuple[str, int]:
    world().faults.switch_off(name)
    return "", 204


@routes.get("/webhooks")
def addresses() -> Response:
    with world() as here:
        return jsonify(urls=here.webhooks)


@routes.put("/webhooks")
def set_addresses() -> Response:
    return jsonify(urls=addressed(world(), asked().get("urls")))


@routes.get("/deliveries")
def deliveries() -> Response:
    with world() as here:
        return jsonify(here.store.all("delivery"))


@routes.post("/deliveries")
def deliver() -> Response:
    return jsonify(sent=webhooks.deliver(world()))


@routes.get("/transactions")
def every_transaction() -> Response:
    """All of them, oldest first, whatever the lists lag."""
    with world() as here:
        return jsonify([transactions.shown_whole(here, t) for t in here.store.all("transaction")])


@routes.post("/transactions/<identity>/return")
def give_back(identity: str) -> Response:
    code = str((request.get_json(silent=True) or {}).get("code") or RETURN_CODE)
    return jsonify(taken_back(world(), identity, code, "bank"))


@routes.post("/transactions/<identity>/chargeback")
def charge_back(identity: str) -> Response:
    return jsonify(taken_back(world(), identity, nights.CHARGEBACK, "card"))


@routes.get("/calls")
def calls() -> Response:
    """The last thousand calls, oldest first: when, what, the answer's status (0: none), the fault that struck."""
    with world() as here:
        return jsonify([asdict(call) for call in here.calls])


@routes.get("/numbers")
def numbers() -> Response:
    """Every test number and what it does."""
    return jsonify(
        approved=list(cards.APPROVED),
        failing=cards.FAILING,
        cvv=cards.CVV_RESULTS,
        avs=cards.AVS_RESULTS | {cards.AVS_POSTAL_ONLY: "POSTAL_CODE", cards.AVS_ADDRESS_ONLY: "ADDRESS"},
        chargeback=cards.CHARGEBACK,
        bank_failing=cards.BANK_FAILING,
        bank_returned=cards.RETURNED,
    )


@routes.post("/reset")
def start_over() -> tuple[str, int]:
    reset(world())
    return "", 204
