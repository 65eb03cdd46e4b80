"""The door of ``/v1``: who may call, what a body may be, and how every error is said."""

from __future__ import annotations

import json
from base64 import b64decode
from typing import Any, Final, cast

from flask import Blueprint, Flask, Response, current_app, jsonify, make_response, request
from werkzeug.exceptions import HTTPException
from werkzeug.wrappers import Response as AnyResponse

from portal_emulator import nights, places
from portal_emulator.refusal import Refusal, refuse
from portal_emulator.store import Thing
from portal_emulator.world import World

FORM: Final = "application/x-www-form-urlencoded"
TOKENS: Final = "/v1/tokens"


def world() -> World:
    return cast(World, current_app.extensions["emulator"])


def interface(name: str) -> Blueprint:
    """Routes of ``/v1``, with the door before them."""
    routes = Blueprint(name, __name__, url_prefix="/v1")
    routes.before_request(_come_in)
    routes.after_request(_from_any_page)
    return routes


def say_errors(app: Flask) -> None:
    app.register_error_handler(Refusal, refused)
    app.register_error_handler(HTTPException, _no_such_thing)


def _come_in() -> None:
    """Time that has passed since the last call takes effect first."""
    if request.method != "OPTIONS":
        nights.catch_up(world())
        _allow(world())


def _makes_token() -> bool:
    return request.path == TOKENS and request.method == "POST"


def _allow(here: World) -> None:
    """The secret key may do all; the public key makes tokens, nothing else."""
    keys = {here.secret_key, here.public_key} if _makes_token() else {here.secret_key}
    ranges = here.merchant["api_allowed_ip_address_ranges"]
    if _key() not in keys or not places.within(request.remote_addr or "", ranges):
        raise refuse("not_authorized")


def _key() -> str:
    scheme, _, value = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() == "basic":
        try:
            name, _, password = b64decode(value.strip(), validate=True).decode().partition(":")
        except ValueError:
            return ""
        return name if not password else ""
    if _makes_token() and request.mimetype == FORM:
        return request.form.get("public_key", "")
    return ""


def _from_any_page(response: Response) -> Response:
    if request.path == TOKENS:  # called by scripts in the merchant's own pages
        response.headers["Access-Control-Allow-Origin"] = "*"
        response.headers["Access-Control-Allow-Headers"] = "Authorization, Content-Type"
    return response


def refused(error: Refusal) -> Response:
    response = make_response(jsonify(messages=error.messages), error.status)
    if error.status == 401:
        response.headers["WWW-Authenticate"] = 'Basic realm="emulator"'
    return response


def _no_such_thing(error: HTTPException) -> AnyResponse:
    if not request.path.startswith("/v1/"):
        return error.get_response()
    codes = {404: "resource_not_found", 500: "server_error"}
    return refused(refuse(codes.get(error.code or 500, "invalid_request")))


def body() -> Thing:
    """The call's JSON object; nothing at all and null are an empty one. Raises ``Refusal``."""
    raw = request.get_data()
    if not raw.strip():
        return {}
    if request.mimetype == FORM:
        raise refuse("invalid_request")
    try:
        asked = json.loads(raw)
    except ValueError as error:
        raise refuse("malformed_request") from error
    if asked is None:
        return {}
    if not isinstance(asked, dict):
        raise refuse("malformed_request")
    return asked


def client_ip() -> str | None:
    return request.headers.get("X-Relayed-IP-Address")


def answer(thing: Any) -> Response:
    return jsonify(thing)


def lagging(things: list[Thing]) -> list[Thing]:
    """Without those that the lists do not show yet, while they lag."""
    return nights.indexed(world(), things, f"{request.method} {request.path}")
