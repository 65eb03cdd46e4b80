"""The web application: keys, idempotency, faults; then the one handler of the path."""

from __future__ import annotations

import hashlib
import json
import re
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from flask import Flask, Response, request
from werkzeug.serving import make_server

from portal_stripe.fake import wire
from portal_stripe.fake.core import DAY, ApiError, Fake, Fault, Object, Request, Scope
from portal_stripe.fake.disputes import close_dispute, open_dispute
from portal_stripe.fake.pages import pages
from portal_stripe.fake.payouts import pay_out

_KEY = re.compile(r"Bearer (sk|rk|pk)_(test|live)_(\w+)")
_PUBLIC = {("POST", "/v1/payment_methods"), ("POST", "/v1/confirmation_tokens")}
LOST = "X-Fake-Lost"


def create(fake: Fake) -> Flask:
    """The application of one ``fake``."""
    app = Flask("portal_stripe.fake")
    app.extensions["stripe"] = fake
    app.register_blueprint(pages)
    app.add_url_rule("/v1/<path:_path>", "api", lambda _path: serve(fake), methods=["GET", "POST", "DELETE"])
    app.add_url_rule("/_control/<name>", "control", lambda name: control(fake, name), methods=["POST"])
    return app


def serve(fake: Fake) -> Response:
    """Answer one API request."""
    raw = request.get_data(as_text=True) if request.method == "POST" else request.query_string.decode()
    params = wire.decode(raw)
    fake.requests.append(Request(request.method, request.path, params, dict(request.headers)))
    try:
        scope = scope_of(request.headers.get("Authorization", ""), request.method, request.path)
    except ApiError as problem:
        return answer(problem.status, problem.body)
    fault = next_fault(fake, request.method, request.path)
    if fault and fault.kind == "rate":
        return answer(429, error("invalid_request_error", "Too many requests", "rate_limit"))
    key = request.headers.get("Idempotency-Key", "")
    if request.method != "POST" or not key:
        return ended(fault, *run(fake, scope, params, fault))
    return keyed(fake, scope, params, raw, f"{scope.name} {key}", fault)


def scope_of(header: str, method: str, path: str) -> Scope:
    """Whose key this is. Raises ``ApiError`` 401 or 403."""
    match = _KEY.fullmatch(header)
    if match is None or match[3] == "revoked":
        raise ApiError(401, "Invalid API Key provided: sk_test_***oked")
    if match[1] == "pk" and (method, path) not in _PUBLIC:
        message = "This API call cannot be made with a publishable API key. Please use a secret API key."
        raise ApiError(401, message, code="secret_key_required")
    if match[1] == "rk" and match[3].endswith("_narrow"):
        raise ApiError(403, "The provided key does not have the required permissions for this endpoint.")
    return Scope(f"acct_{match[3].removesuffix('_narrow')}", match[2] == "live", match[1] == "pk")


def keyed(fake: Fake, scope: Scope, params: Object, raw: str, key: str, fault: Fault | None) -> Response:
    """A request with an idempotency key: once begun, its first answer is the only one, for a day."""
    print_ = hashlib.sha256(f"{request.path}?{raw}".encode()).hexdigest()
    with fake.lock:
        kept = fake.state["keys"].get(key)
        if kept and kept["at"] <= fake.now - DAY:
            kept = fake.state["keys"].pop(key) and None
        if kept and kept["print"] != print_:
            message = (
                "Keys for idempotent requests can only be used with the same parameters they were first used with."
            )
            return answer(400, error("idempotency_error", message))
        if kept:
            return ended(fault, kept["status"], kept["body"], headers={"Idempotent-Replayed": "true"})
        if key in fake.in_flight:
            message = "There is currently another in-progress request using this Idempotent Key."
            return answer(409, error("idempotency_error", message, "idempotency_key_in_use"))
        fake.in_flight.add(key)
    try:
        status, body, is_kept = run(fake, scope, params, fault)
        if is_kept:
            with fake.lock:
                fake.state["keys"][key] = {"at": fake.now, "print": print_, "status": status, "body": body}
                fake.save()
    finally:
        fake.in_flight.discard(key)
    return ended(fault, status, body, is_kept)


def run(fake: Fake, scope: Scope, params: Object, fault: Fault | None) -> tuple[int, Object, bool]:
    """Status, body, and whether an idempotency key remembers them."""
    if fault and fault.kind == "slow":
        time.sleep(fault.seconds)
    broken = error("api_error", "Sorry! There was an error while talking to one of our backends.")
    if fault and fault.kind == "error_before":
        return 500, broken, True
    with fake.lock:
        fake.tick()
        try:
            status, body, is_kept = 200, wire.call(fake, scope, request.method, request.path, params), True
        except ApiError as problem:
            status, body, is_kept = problem.status, problem.body, problem.is_kept
        fake.save()
    return (500, broken, True) if fault and fault.kind == "error_after" else (status, body, is_kept)


def error(type: str, message: str, code: str = "") -> Object:
    return {"error": {"type": type, "message": message} | ({"code": code} if code else {})}


def ended(
    fault: Fault | None, status: int, body: Object, _is_kept: bool = True, headers: dict[str, str] | None = None
) -> Response:
    """The answer, unless it is lost or garbled on its way."""
    if fault and fault.kind == "garbage":
        return Response("<html>504 upstream</html>", 200)
    if fault and fault.kind == "lost":
        if socket := request.environ.get("werkzeug.socket"):
            socket.shutdown(2)
        return Response("", 200, {LOST: "1"})
    return answer(status, body, headers)


def answer(status: int, body: Any, headers: dict[str, str] | None = None) -> Response:
    made = Response(json.dumps(body, indent=2), status, {"Request-Id": "req_fake"} | (headers or {}))
    made.mimetype = "application/json"
    return made


def next_fault(fake: Fake, method: str, path: str) -> Fault | None:
    with fake.lock:
        for fault in fake.faults:
            if fault.times > 0 and fault.method == method and path.startswith(fault.path):
                fault.times -= 1
                return fault
    return None


def control(fake: Fake, name: str) -> Response:
    """What a test in another process may do: JSON in, JSON out."""
    told: dict[str, Any] = request.get_json(silent=True) or {}
    doings: dict[str, Callable[..., object]] = {
        "advance": fake.advance,
        "fault": fake.fault,
        "listen": fake.listen,
        "open-dispute": lambda charge, **more: open_dispute(fake, charge, **more)["id"],
        "close-dispute": lambda id, is_won: close_dispute(fake, id, is_won=is_won)["id"],
        "pay-out": lambda **whose: (pay_out(fake, **whose) or {}).get("id"),
    }
    return answer(200, {"done": doings[name](**told)})


@contextmanager
def served(fake: Fake) -> Iterator[str]:
    """The application on a free port of this machine; its origin."""
    server = make_server("127.0.0.1", 0, create(fake), threaded=True)
    fake.origin = f"http://localhost:{server.port}"
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield fake.origin
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
