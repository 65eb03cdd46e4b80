"""What all of the companion's JSON API obeys: the key, the shape of a request, the words of a refusal."""

from __future__ import annotations

import re
from typing import Any

from flask import Blueprint, Response, jsonify, request
from flask.typing import ResponseReturnValue

from portal_sandbox.charges import MERCHANT_ACCOUNTS
from portal_sandbox.office import Refused
from portal_sandbox.till import NoSuchCharge, OtherMoney, TokenSpent

KEY_PREFIX = "sk_sandbox_"
_BEARER = "Bearer "
_MOST_CENTS = 10**11
_TOKENS = "api.make_token"


class BadRequest(ValueError):
    """A request that cannot be right. ``code`` is for programs, the message for people."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


def make(name: str) -> Blueprint:
    """A part of the API that obeys the rules."""
    part = Blueprint(name, __name__, url_prefix="/v1")
    part.before_request(check_key)
    for kind, handler in _HANDLERS.items():
        part.register_error_handler(kind, handler)
    return part


def key() -> str:
    """The secret key that came with the request."""
    return request.headers.get("Authorization", "").removeprefix(_BEARER)


def check_key() -> ResponseReturnValue | None:
    # The card fields hold no secret: they may make tokens, and tokens alone move nothing.
    if request.endpoint == _TOKENS:
        return None
    if request.headers.get("Authorization", "").startswith(f"{_BEARER}{KEY_PREFIX}"):
        return None
    return problem(401, "bad_key", f"The secret key must begin with {KEY_PREFIX}")


def problem(status: int, code: str, message: str) -> tuple[Response, int]:
    return jsonify(error={"code": code, "message": message}), status


def body() -> dict[str, Any]:
    """The request's JSON object. A foreign page cannot send one without asking first, and gets no leave."""
    try:
        sent = request.get_json(silent=True)
    except RecursionError:
        sent = None
    if not isinstance(sent, dict):
        raise BadRequest("not_json", "Send a JSON object.")
    return sent


def word(sent: dict[str, Any], name: str, longest: int, pattern: str = r"[!-~]+") -> str:
    """A field of visible ASCII. Raises ``BadRequest``."""
    value = sent.get(name)
    if not isinstance(value, str) or len(value) > longest or not re.fullmatch(pattern, value):
        raise BadRequest(f"bad_{name}", f"{name} is missing or malformed.")
    return value


def words(sent: dict[str, Any], name: str) -> str:
    """What people wrote, cut to what is kept of it."""
    return str(sent.get(name) or "")[:300].encode("utf-8", "replace").decode()


def amount(sent: dict[str, Any]) -> int:
    """``amount_minor`` of a request. Raises ``BadRequest``."""
    found = sent.get("amount_minor")
    if type(found) is not int or not 0 < found <= _MOST_CENTS:
        raise BadRequest("bad_amount", "amount_minor is a positive number of cents.")
    return found


def account(sent: dict[str, Any]) -> str:
    """``merchant_account`` of a request. Raises ``BadRequest``."""
    found = word(sent, "merchant_account", 100)
    if found not in MERCHANT_ACCOUNTS:
        raise BadRequest("bad_account", "There is no such merchant account.")
    return found


def address(sent: dict[str, Any], name: str) -> str:
    """A web address in a request. Raises ``BadRequest``."""
    found = word(sent, name, 2000)
    if not found.startswith(("http://", "https://")):
        raise BadRequest(f"bad_{name}", f"{name} is a web address.")
    return found


def _refused(error: Any) -> ResponseReturnValue:
    return problem(422, error.code, str(error))


def _token_spent(_error: Exception) -> ResponseReturnValue:
    return problem(422, "token_spent", "These details were used once already or are too old. Type them again.")


def _other_money(_error: Exception) -> ResponseReturnValue:
    return problem(409, "other_money", "This reference belongs to other money: another amount, account or charge.")


def _no_such_charge(_error: Exception) -> ResponseReturnValue:
    return problem(404, "no_such_charge", "There is no such charge.")


_HANDLERS: dict[type[Exception], Any] = {
    BadRequest: _refused,
    Refused: _refused,
    TokenSpent: _token_spent,
    OtherMoney: _other_money,
    NoSuchCharge: _no_such_charge,
}
