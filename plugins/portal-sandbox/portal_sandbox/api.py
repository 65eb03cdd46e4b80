"""The companion's JSON API: what the portal's server calls with its secret key, and what the card fields call."""

from __future__ import annotations

import re
from typing import Any

from flask import Blueprint, Response, jsonify, request
from flask.typing import ResponseReturnValue

from portal_sandbox import means
from portal_sandbox.charges import CURRENCY, MERCHANT_ACCOUNTS, Charge, Order
from portal_sandbox.scenarios import BY_KEY
from portal_sandbox.till import NoSuchCharge, OtherMoney, TokenSpent
from portal_sandbox.works import works

api = Blueprint("api", __name__, url_prefix="/v1")

KEY_PREFIX = "sk_sandbox_"
_MOST_CENTS = 10**11
_STEPS = {"pay": "/pay/", "challenge": "/challenge/"}
_PUBLIC = (
    *("id", "reference", "status", "amount_minor", "currency", "merchant_account"),
    *("method", "brand", "last4", "code", "message", "created_at"),
)


class BadRequest(ValueError):
    """A request that cannot be right. ``code`` is for programs, the message for people."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


@api.before_request
def check_key() -> ResponseReturnValue | None:
    # The card fields hold no secret: they may make tokens, and tokens alone move nothing.
    if request.endpoint == "api.make_token":
        return None
    if request.headers.get("Authorization", "").startswith(f"Bearer {KEY_PREFIX}"):
        return None
    return problem(401, "bad_key", f"The secret key must begin with {KEY_PREFIX}")


@api.post("/tokens")
def make_token() -> ResponseReturnValue:
    typed = body()
    method = "bank" if typed.get("method") == "bank" else "card"
    try:
        token = works().till.issue(means.read(method, typed, works().today()))
    except means.Mistyped as mistyped:
        return {"errors": mistyped.errors}, 422
    return {"id": token}, 201


@api.post("/charges")
def make_charge() -> ResponseReturnValue:
    sent = body()
    charge, is_new = works().till.charge(read_order(sent), word(sent, "token", 100))
    fault = BY_KEY[charge.scenario].fault if is_new and charge.scenario else ""
    works().spoil(fault)
    if fault == "lost":
        return problem(504, "lost_answer", "The charge was made, and the answer to it lost on purpose.")
    return shown(charge), 201 if is_new else 200


@api.get("/charges")
def list_charges() -> ResponseReturnValue:
    charge = works().till.find_for(request.args.get("reference", ""))
    return {"charges": [shown(charge)] if charge else []}


@api.post("/charges/<id>/cancel")
def cancel_charge(id: str) -> ResponseReturnValue:
    return shown(works().till.give_up(id))


@api.post("/sessions")
def open_session() -> ResponseReturnValue:
    return shown(works().till.open_page(read_order(body()))), 201


@api.get("/merchant")
def show_merchant() -> ResponseReturnValue:
    accounts = [
        {"id": id, "name": name, "fund": fund, "currency": CURRENCY} for id, (name, fund) in MERCHANT_ACCOUNTS.items()
    ]
    return {"name": "Sandbox", "is_rehearsal": True, "accounts": accounts}


@api.errorhandler(BadRequest)
def on_bad_request(error: BadRequest) -> ResponseReturnValue:
    return problem(422, error.code, str(error))


@api.errorhandler(TokenSpent)
def on_token_spent(_error: TokenSpent) -> ResponseReturnValue:
    return problem(422, "token_spent", "These details were used once already or are too old. Type them again.")


@api.errorhandler(OtherMoney)
def on_other_money(_error: OtherMoney) -> ResponseReturnValue:
    return problem(409, "other_money", "This reference belongs to a charge of another amount or account.")


@api.errorhandler(NoSuchCharge)
def on_no_such_charge(_error: NoSuchCharge) -> ResponseReturnValue:
    return problem(404, "no_such_charge", "There is no such charge.")


def problem(status: int, code: str, message: str) -> tuple[Response, int]:
    return jsonify(error={"code": code, "message": message}), status


def shown(charge: Charge) -> dict[str, Any]:
    """A charge as the API tells it. ``action_path`` is where the payer goes on, if anywhere."""
    told: dict[str, Any] = {name: getattr(charge, name) for name in _PUBLIC}
    return told | {"action_path": f"{_STEPS[charge.step]}{charge.id}" if charge.step else ""}


def body() -> dict[str, Any]:
    """The request's JSON object. A foreign page cannot send one without asking first, and gets no leave."""
    try:
        sent = request.get_json(silent=True)
    except RecursionError:
        sent = None
    if not isinstance(sent, dict):
        raise BadRequest("not_json", "Send a JSON object.")
    return sent


def read_order(sent: dict[str, Any]) -> Order:
    """The order in a request. Raises ``BadRequest``."""
    amount = sent.get("amount_minor")
    if type(amount) is not int or not 0 < amount <= _MOST_CENTS:
        raise BadRequest("bad_amount", "amount_minor is a positive number of cents.")
    account = word(sent, "merchant_account", 100)
    if account not in MERCHANT_ACCOUNTS:
        raise BadRequest("bad_account", "There is no such merchant account.")
    return_url = word(sent, "return_url", 2000)
    if not return_url.startswith(("http://", "https://")):
        raise BadRequest("bad_return_url", "return_url is a web address.")
    description = str(sent.get("description") or "")[:300]
    return Order(
        reference=word(sent, "reference", 200),
        amount_minor=amount,
        currency=word(sent, "currency", 3, r"[A-Z]{3}"),
        merchant_account=account,
        return_url=return_url,
        description=description.encode("utf-8", "replace").decode(),
    )


def word(sent: dict[str, Any], name: str, longest: int, pattern: str = r"[!-~]+") -> str:
    """A field of visible ASCII. Raises ``BadRequest``."""
    value = sent.get(name)
    if not isinstance(value, str) or len(value) > longest or not re.fullmatch(pattern, value):
        raise BadRequest(f"bad_{name}", f"{name} is missing or malformed.")
    return value
