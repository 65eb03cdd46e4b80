"""Payments that come again: a recurring charge, its occurrences, and what is collected when one falls due."""

from __future__ import annotations

import datetime as dt
from typing import Any, Final

from portal_emulator import accounts, charges, events, schedule, wallet
from portal_emulator import details as fields
from portal_emulator.refusal import Refusal, invalid, not_found, refuse
from portal_emulator.store import Thing
from portal_emulator.transactions import amount_of, currency_of, find, reference_of
from portal_emulator.transactions import shown as transaction_shown
from portal_emulator.world import World

ACTIVE: Final = "ACTIVE"
COMPLETED: Final = "COMPLETED"
DELETED: Final = "DELETED"
PENDING: Final = "PENDING"
PAID: Final = "PAID"
IGNORED: Final = "IGNORED"
FAILED: Final = "FAILED"

LIMITS: Final = ("max_occurrences", "max_amount")


# -- Made --------------------------------------------------------------------------------------


def create(world: World, asked: Thing) -> Thing:
    """As in ``POST recurring/charges``. The first payment is due tomorrow at the earliest."""
    plan = schedule.read(asked.get("schedule"), prefix="schedule.", start=world.today())
    means = wallet.means_of(world, asked.get("method"))
    record = _record(world, asked, means, plan)
    if plan["start"] == world.today().isoformat():
        raise refuse("first_occurrence_due_immediately")
    if schedule.next_after(plan, world.today()) is None:
        raise refuse("no_occurrences_for_schedule")
    wallet.use(world, means)
    world.store.put("recurring", record)
    events.emit(world, "recurring_charge.created", shown(world, record))
    _plan_next(world, record)
    return get(world, record["id"])


def _record(world: World, asked: Thing, means: wallet.Means, plan: Thing) -> Thing:
    amount = amount_of(asked)
    limits = {name: amount_of(asked, name) for name in LIMITS if asked.get(name) is not None}
    if limits.get("max_amount", amount) < amount:
        raise invalid("max_amount", "below_minimum_value")
    account = accounts.account_for(world, asked.get("account_id"), means.details["type"])
    fields.check(means.details, prefix="method.")
    record = {
        "id": world.new_id(),
        "created": world.stamp(),
        "modified": world.stamp(),
        "status": ACTIVE,
        "account_id": account["id"],
        "details": {key: value for key, value in means.details.items() if key != "cvv"},
        "schedule": plan,
        "description": asked.get("description"),
        "amount": amount,
        "currency": currency_of(asked),
        "reference": reference_of(asked),
        "data": asked.get("data"),
        **limits,
    }
    return {key: value for key, value in record.items() if value is not None}


def charge_and_recur(world: World, asked: Thing, *, client_ip: str | None = None) -> Thing:
    """A charge with ``recur``: when it is authorized, it is the first payment of a new recurring charge."""
    recur = asked["recur"]
    plan = schedule.read(recur, prefix="recur.", start=world.today())
    if asked.get("auto_capture") in (False, "false"):
        raise invalid("auto_capture", "invalid")
    means = wallet.means_of(world, asked.get("method"))
    again = {key: recur.get(key) for key in ("description", *LIMITS)}
    again |= {key: asked.get(key) for key in ("account_id", "currency", "reference", "data")}
    again["amount"] = asked.get("amount") if recur.get("amount") is None else recur["amount"]
    record = _record(world, again, means, plan)
    first = _occurrence(world, record, world.today(), amount_of(asked))
    ids = {"recurring_charge_id": record["id"], "recurring_charge_occurrence_id": first["id"]}
    charge = charges.charge(world, asked, client_ip=client_ip, **ids)
    world.store.put("recurring", record)
    events.emit(world, "recurring_charge.created", shown(world, record))
    _paid(world, first, charge)
    _plan_next(world, record)
    return charge


def _occurrence(world: World, record: Thing, due: dt.date, amount: int) -> Thing:
    made = {"id": world.new_id(), "created": world.stamp(), "modified": world.stamp()}
    rest = {"amount": amount, "status": PENDING, "due_date": due.isoformat(), "attempts": 0, "transactions": []}
    return {**made, "recurring_charge_id": record["id"], **rest}


def _plan_next(world: World, record: Thing) -> None:
    """One pending occurrence at a time; where none is left, the recurring charge is complete."""
    past = occurrences_of(world, record["id"])
    if record["status"] != ACTIVE or any(o["status"] == PENDING for o in past):
        return
    amount, due = _next_amount(record, past), _next_due(world, record, past)
    if amount < 1 or due is None or len(past) >= record.get("max_occurrences", len(past) + 1):
        _complete(world, record, "schedule_complete")
        return
    occurrence = world.store.put("occurrence", _occurrence(world, record, due, amount))
    events.emit(world, "recurring_charge.occurrence.created", occurrence_shown(world, occurrence))


def _next_amount(record: Thing, past: list[Thing]) -> int:
    spent = sum(o["amount"] for o in past if o["status"] in {PAID, FAILED})
    return int(min(record["amount"], record.get("max_amount", record["amount"] + spent) - spent))


def _next_due(world: World, record: Thing, past: list[Thing]) -> dt.date | None:
    days = [dt.date.fromisoformat(o["due_date"]) for o in past if o["status"] != PENDING]
    return schedule.next_after(record["schedule"], max([world.today(), *days]))


def _complete(world: World, record: Thing, reason: str) -> Thing:
    changed = record | {"status": COMPLETED, "status_reason": reason, "modified": world.stamp()}
    world.store.put("recurring", changed)
    events.emit(world, "recurring_charge.completed", shown(world, changed))
    return changed


# -- Found and shown ---------------------------------------------------------------------------


def get(world: World, identity: str) -> Thing:
    record = world.store.get("recurring", identity)
    if record is None:
        raise not_found("RecurringCharge", identity)
    return record


def occurrences_of(world: World, identity: str) -> list[Thing]:
    """By due date."""
    own = [o for o in world.store.all("occurrence") if o["recurring_charge_id"] == identity]
    return sorted(own, key=lambda o: o["due_date"])


def occurrence(world: World, identity: str, occurrence_id: str) -> Thing:
    found = world.store.get("occurrence", occurrence_id)
    if found is None or found["recurring_charge_id"] != get(world, identity)["id"]:
        raise not_found("RecurringChargeOccurrence", occurrence_id)
    return found


def shown(world: World, record: Thing) -> Thing:
    own = occurrences_of(world, record["id"])
    tried = [o for o in own if o["status"] in {PAID, FAILED}]
    view = {key: value for key, value in record.items() if key != "details"}
    view |= {"method": fields.shown(record["details"])}
    view |= {"total_occurrences": len(tried), "total_amount": sum(o["amount"] for o in tried)}
    waiting = next((o for o in own if o["status"] == PENDING), None)
    return view | ({"next_payment": waiting["due_date"]} if waiting else {})


def shown_new(world: World, record: Thing) -> Thing:
    """As the answer to its making: with its occurrences."""
    own = [occurrence_shown(world, o) for o in occurrences_of(world, record["id"])]
    return shown(world, record) | {"occurrences": own}


def occurrence_shown(world: World, found: Thing) -> Thing:
    made = [world.store.get("transaction", identity) for identity in found["transactions"]]
    return found | {"transactions": [transaction_shown(t) for t in made if t is not None]}


# -- Changed -----------------------------------------------------------------------------------


def update(world: World, identity: str, asked: Thing) -> Thing:
    """Nulls change nothing. Details of the method may be changed one by one; a new schedule moves what is pending."""
    record = get(world, identity)
    if record["status"] != ACTIVE:
        raise refuse("unavailable_for_current_status")
    asked = {key: value for key, value in asked.items() if value is not None}
    changed = record | {key: asked[key] for key in ("description", "data") if key in asked}
    changed |= {key: amount_of(asked, key) for key in ("amount", *LIMITS) if key in asked}
    if "reference" in asked:
        changed["reference"] = reference_of(asked)
    if "schedule" in asked:
        changed["schedule"] = schedule.read(
            asked["schedule"], prefix="schedule.", start=dt.date.fromisoformat(record["schedule"]["start"])
        )
    if asked.get("method"):
        changed["details"] = _changed_details(world, record, asked["method"])
    _move_pending(world, changed)
    changed["modified"] = world.stamp()
    world.store.put("recurring", changed)
    events.emit(world, "recurring_charge.updated", shown(world, changed))
    return changed


def _changed_details(world: World, record: Thing, method: Any) -> Thing:
    if isinstance(method, dict) and not method.get("token_id"):
        read_ = fields.read({"type": record["details"]["type"], **method})
        details = read_ if read_["type"] != record["details"]["type"] else record["details"] | read_
        means = wallet.Means(details)
    else:
        means = wallet.means_of(world, method)
    fields.check(means.details, prefix="method.")
    accounts.account_for(world, record["account_id"], means.details["type"])
    wallet.use(world, means)
    return {key: value for key, value in means.details.items() if key != "cvv"}


def _move_pending(world: World, changed: Thing) -> None:
    own = occurrences_of(world, changed["id"])
    pending = next((o for o in own if o["status"] == PENDING), None)
    if pending is None:
        return
    past = [o for o in own if o is not pending]
    due, amount = _next_due(world, changed, past), _next_amount(changed, past)
    if due is None or amount < 1:
        raise refuse("update_results_in_no_occurrences")
    if (due.isoformat(), amount) != (pending["due_date"], pending["amount"]):
        _change(world, pending, "updated", due_date=due.isoformat(), amount=amount)


def cancel(world: World, identity: str) -> Thing:
    record = get(world, identity)
    if record["status"] != ACTIVE:
        raise refuse("unavailable_for_current_status")
    _drop_pending(world, record)
    return _complete(world, record, "user_canceled")


def delete(world: World, identity: str) -> Thing:
    record = get(world, identity)
    if record["status"] == DELETED:
        raise not_found("RecurringCharge", identity)
    _drop_pending(world, record)
    changed = world.store.put("recurring", record | {"status": DELETED, "modified": world.stamp()})
    events.emit(world, "recurring_charge.deleted", shown(world, changed))
    return changed


def _drop_pending(world: World, record: Thing) -> None:
    for pending in occurrences_of(world, record["id"]):
        if pending["status"] == PENDING:
            _change(world, pending, "ignored", status=IGNORED)


def _change(world: World, found: Thing, event: str, **changes: Any) -> Thing:
    changed = world.store.put("occurrence", found | changes | {"modified": world.stamp()})
    events.emit(world, f"recurring_charge.occurrence.{event}", occurrence_shown(world, changed))
    return changed


# -- Paid --------------------------------------------------------------------------------------


def pay(world: World, identity: str, occurrence_id: str, *, client_ip: str | None = None) -> Thing:
    """Before it is due, or again after it failed or was ignored. Raises what the charge raises."""
    record, found = get(world, identity), occurrence(world, identity, occurrence_id)
    if record["status"] == DELETED or found["status"] == PAID:
        raise refuse("unavailable_for_current_status")
    return _pay(world, record, found, client_ip)


def _pay(world: World, record: Thing, found: Thing, client_ip: str | None = None) -> Thing:
    asked: Thing = {key: record[key] for key in ("account_id", "currency", "reference", "data") if key in record}
    asked |= {"amount": found["amount"], "method": wallet.Means(dict(record["details"]), saved=True)}
    ids = {"recurring_charge_id": record["id"], "recurring_charge_occurrence_id": found["id"]}
    try:
        charge = charges.charge(world, asked, client_ip=client_ip, **ids)
    except Refusal as error:
        failed = error.messages[0].get("entity_id")
        tried = [*found["transactions"], *([failed] if failed else [])]
        _change(world, found, "failed", status=FAILED, transactions=tried, **_attempt(world, found))
        _plan_next(world, record)
        raise
    paid = _paid(world, found, charge)
    _plan_next(world, record)
    return paid


def _paid(world: World, found: Thing, charge: Thing) -> Thing:
    tried = [*found["transactions"], find(world, charge["id"])["id"]]
    return _change(world, found, "paid", status=PAID, transactions=tried, **_attempt(world, found))


def _attempt(world: World, found: Thing) -> Thing:
    return {"attempts": found["attempts"] + 1, "last_attempt": world.stamp()}


def ignore(world: World, identity: str, occurrence_id: str) -> Thing:
    record, found = get(world, identity), occurrence(world, identity, occurrence_id)
    if found["status"] == PAID:
        raise refuse("unavailable_for_current_status")
    changed = _change(world, found, "ignored", status=IGNORED)
    _plan_next(world, record)
    return changed


def collect(world: World) -> None:
    """Every occurrence that is due today or was before."""
    for found in world.store.all("occurrence"):
        record = get(world, found["recurring_charge_id"])
        due = found["due_date"] <= world.today().isoformat()
        if found["status"] == PENDING and record["status"] == ACTIVE and due:
            try:
                _pay(world, record, found)
            except Refusal:
                continue  # told by the occurrence's own event
