"""The control page: what was charged, the clock, the faults, the webhooks. No scripts."""

from __future__ import annotations

from typing import Any, Final

from flask import Blueprint, flash, get_flashed_messages, make_response, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from portal_emulator import control, nights, transactions, webhooks
from portal_emulator.clock import stamp
from portal_emulator.control import Refused
from portal_emulator.door import world
from portal_emulator.faults import KINDS
from portal_emulator.pages import slug
from portal_emulator.store import Thing
from portal_emulator.world import World

routes = Blueprint("desk", __name__)

POLICY: Final = (
    "default-src 'none'; style-src 'self'; img-src data:; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
)
SHOWN: Final = 50
FEW: Final = 20
STEPS: Final = {"hour": ("An hour", {"hours": 1}), "day": ("A day", {"days": 1}), "week": ("A week", {"weeks": 1})}


@routes.get("/")
def desk() -> Response:
    return _page()


def _page(error: str = "", status: int = 200) -> Response:
    here = world()
    with here:
        nights.catch_up(here)
        page = render_template(
            "desk.html",
            base=request.host_url + "v1",
            origin=request.host_url.rstrip("/"),
            here=here,
            accounts=_accounts(here),
            night=stamp(here.next_night()),
            steps=STEPS,
            kinds=KINDS.values(),
            on={fault.kind.name: fault for fault in here.faults.on()},
            records=[_row(record) for record in reversed(here.store.all("transaction")[-SHOWN:])],
            total=len(here.store.all("transaction")),
            deliveries=list(reversed(here.store.all("delivery")[-FEW:])),
            calls=list(reversed(here.calls))[:FEW],
            error=error,
            told=get_flashed_messages(),
        )
    answer = make_response(page, status)
    answer.headers["Content-Security-Policy"] = POLICY
    answer.headers["Cache-Control"] = "no-store"
    return answer


def _accounts(here: World) -> list[Thing]:
    merchant = here.merchant
    cards = [a | {"takes": "cards", "slug": slug(a["name"])} for a in merchant["merchant_accounts"]]
    return cards + [a | {"takes": "eChecks", "slug": ""} for a in merchant["ach_accounts"]]


def _row(record: Thing) -> Thing:
    shown = transactions.shown(record)
    bank = record["details"]["type"] == "bank"
    can = control.succeeded(record)
    number = shown["method"].get("account_number" if bank else "number", "")
    return shown | {"last": number[-4:], "bank": bank, "act": ("return" if bank else "chargeback") if can else ""}


def _done(told: str) -> Response:
    flash(told)
    return redirect(url_for("desk.desk"), 303)


@routes.errorhandler(Refused)
def refused(error: Refused) -> Response:
    return _page(str(error), 422)


@routes.post("/desk/clock")
def clock() -> Response:
    step, until = request.form.get("step", ""), request.form.get("to", "").strip()
    asked: Thing = {"advance": STEPS[step][1]} if step in STEPS else {"to": until}
    ran = control.moved(world(), asked)
    return _done(f"The clock shows {world().stamp()}; {ran} {'night' if ran == 1 else 'nights'} passed.")


@routes.post("/desk/faults")
def faults() -> Response:
    name = request.form.get("fault", "")
    if request.form.get("do") == "off":
        world().faults.switch_off(name)
        return _done("The fault is off.")
    asked: dict[str, Any] = {"fault": name, "only": request.form.get("only", "").strip()}
    for key in ("calls", "seconds"):
        typed = request.form.get(key, "").strip()
        if typed and not (typed.isascii() and typed.isdigit() and len(typed) < 8):
            raise Refused("Calls and seconds are whole numbers.")
        if typed:
            asked[key] = int(typed)
    control.switched_on(world(), asked)
    return _done(f"On: {KINDS[name].words[0].lower()}{KINDS[name].words[1:]}.")


@routes.post("/desk/webhooks")
def addresses() -> Response:
    control.addressed(world(), request.form.get("urls", "").split())
    return _done("New events go to these addresses.")


@routes.post("/desk/deliver")
def deliver() -> Response:
    sent = webhooks.deliver(world())
    return _done(f"{sent} sent." if sent else "Nothing was due.")


@routes.post("/desk/transactions/<identity>")
def act(identity: str) -> Response:
    if request.form.get("do") == "return":
        control.taken_back(world(), identity, control.RETURN_CODE, "bank")
        return _done("The eCheck came back.")
    control.taken_back(world(), identity, nights.CHARGEBACK, "card")
    return _done("The payment was charged back.")


@routes.post("/desk/reset")
def reset() -> Response:
    control.reset(world())
    return _done("All books are empty.")


@routes.get("/status")
def status() -> Thing:
    """As the vendor's own address of that name."""
    return {"status": "NORMAL"}
