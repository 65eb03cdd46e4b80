"""What the portal believes of a request, told to ``portal doctor`` alone: whether the proxies are set right."""

from __future__ import annotations

from flask import Blueprint, Response, abort, current_app, jsonify, request
from itsdangerous import BadSignature, URLSafeTimedSerializer

from portal_app import config
from portal_app.web.login import public

blueprint = Blueprint("probe", __name__)
PATH = "/health/seen"
HEADER = "X-Portal-Doctor"
_LIFE_SECONDS = 60


def _signer(key: str) -> URLSafeTimedSerializer:
    return URLSafeTimedSerializer(key, salt="portal doctor")


def token() -> str:
    """What proves, for a minute, that whoever asks has the installation's key."""
    return str(_signer(config.secret_key(config.active())).dumps("seen"))


@blueprint.get(PATH)
@public
def seen() -> Response:
    """Where this request came from as the portal believes it. Nothing to anybody without the key: 404."""
    try:
        _signer(str(current_app.config["SECRET_KEY"])).loads(request.headers.get(HEADER, ""), max_age=_LIFE_SECONDS)
    except BadSignature:
        abort(404)
    before = request.environ.get("werkzeug.proxy_fix.orig", {})
    return jsonify(
        remote=request.remote_addr,
        scheme=request.scheme,
        host=request.host,
        peer=before.get("REMOTE_ADDR", request.remote_addr),
        forwarded=request.environ.get("HTTP_X_FORWARDED_FOR", ""),
    )
