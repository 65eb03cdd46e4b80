"""Charges in the companion's JSON API: what the portal's server calls with its secret key, and what the card fields
call."""

from __future__ import annotations

from typing import Any

from flask import request
from flask.typing import ResponseReturnValue

from portal_sandbox import api_rules as rules
from portal_sandbox import means
from portal_sandbox.charges import CURRENCY, MERCHANT_ACCOUNTS, Charge, Order
from portal_sandbox.disputes import Dispute
from portal_sandbox.events import key_of
from portal_sandbox.refunds import Refund
from portal_sandbox.works import works

api = rules.make("api")

_STEPS = {"pay": "/pay/", "challenge": "/challenge/"}
_PUBLIC = (
    *("id", "reference", "status", "amount_minor", "currency", "merchant_account"),
    *("method", "brand", "last4", "code", "message", "created_at"),
)


@api.post("/tokens")
def make_token() -> ResponseReturnValue:
    typed = rules.body()
    method = "bank" if typed.get("method") == "bank" else "card"
    try:
        token = works().till.issue(means.read(method, typed, works().today()))
    except means.Mistyped as mistyped:
        return {"errors": mistyped.errors}, 422
    return {"id": token}, 201


@api.post("/charges")
def make_charge() -> ResponseReturnValue:
    sent = rules.body()
    charge, is_new = works().till.charge(read_order(sent), rules.word(sent, "token", 100))
    if is_new and works().is_lost(charge.rehearses):
        return rules.problem(504, "lost_answer", "The charge was made, and the answer to it lost on purpose.")
    return shown(charge), 201 if is_new else 200


@api.get("/charges")
def list_charges() -> ResponseReturnValue:
    """The one charge of a reference."""
    with works().books.reading() as rows:
        charge = rows.one(Charge, reference=request.args.get("reference", ""))
    return {"charges": [shown(charge)] if charge else []}


@api.post("/charges/<id>/cancel")
def cancel_charge(id: str) -> ResponseReturnValue:
    return shown(works().till.give_up(id))


@api.post("/sessions")
def open_session() -> ResponseReturnValue:
    return shown(works().till.open_page(read_order(rules.body()))), 201


@api.get("/merchant")
def show_merchant() -> ResponseReturnValue:
    """Its accounts take whatever currency is asked about: a rehearsal is in the firm's own."""
    currency = request.args.get("currency", CURRENCY)
    accounts = [
        {"id": id, "name": name, "fund": fund, "currency": currency} for id, (name, fund) in MERCHANT_ACCOUNTS.items()
    ]
    return {"name": "Sandbox", "is_rehearsal": True, "accounts": accounts}


def shown(charge: Charge) -> dict[str, Any]:
    """A charge as the API tells it, with its refunds and disputes. ``action_path`` is where the payer goes on, if
    anywhere."""
    told: dict[str, Any] = {name: getattr(charge, name) for name in _PUBLIC}
    told["action_path"] = f"{_STEPS[charge.step]}{charge.id}" if charge.step else ""
    with works().books.reading() as rows:
        told["refunds"] = [shown_refund(each, charge) for each in rows.some(Refund, charge_id=charge.id)]
        told["disputes"] = [shown_dispute(each, charge) for each in rows.some(Dispute, charge_id=charge.id)]
    return told


def shown_refund(refund: Refund, charge: Charge) -> dict[str, Any]:
    names = ("reference", "status", "amount_minor", "code", "message", "created_at")
    told: dict[str, Any] = {name: getattr(refund, name) for name in names}
    told |= {"id": refund.told_id, "charge": charge.id, "currency": charge.currency}
    return told | {"merchant_account": charge.merchant_account}


def shown_dispute(dispute: Dispute, charge: Charge) -> dict[str, Any]:
    names = ("id", "status", "amount_minor", "reason", "respond_by")
    return {name: getattr(dispute, name) for name in names} | {"currency": charge.currency}


def read_order(sent: dict[str, Any]) -> Order:
    """The order in a request. Raises ``BadRequest``."""
    return Order(
        reference=rules.word(sent, "reference", 200),
        amount_minor=rules.amount(sent),
        currency=rules.word(sent, "currency", 3, r"[A-Z]{3}"),
        merchant_account=rules.account(sent),
        return_url=rules.address(sent, "return_url"),
        description=rules.words(sent, "description"),
        webhook_url=rules.address(sent, "webhook_url") if sent.get("webhook_url") else "",
        webhook_key=key_of(rules.key()),
    )
