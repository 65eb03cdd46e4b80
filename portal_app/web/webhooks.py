"""Where gateways tell us of events. The address carries a secret, the plugin checks the signature; what is ours is
stored before it is answered, and looked into afterwards."""

from __future__ import annotations

import datetime as dt
import hmac
import logging

from flask import Blueprint, Response, abort, request

from portal_app import gateway_setup as setup
from portal_app import gateways
from portal_app.domain import audit
from portal_app.web.login import public

log = logging.getLogger(__name__)
blueprint = Blueprint("webhooks", __name__)
REFUSED_AGAIN = dt.timedelta(hours=1)  # whoever knows the address could fill the records


@blueprint.post("/webhooks/<code>/<secret>")
@public
def hear(code: str, secret: str) -> Response:
    """200 once it is kept; 400 for what the gateway did not send; 404 for an address that we never gave away."""
    gateway = setup.find(code)
    if gateway is None or not hmac.compare_digest(secret.encode(), gateway.webhook_secret.encode()):
        abort(404)
    headers = {name.lower(): value for name, value in request.headers.items()}
    try:
        new = gateways.hear(gateway, request.get_data(cache=False), headers)
    except gateways.NotOurs as problem:
        log.warning("webhook of gateway %s refused: %s", code, problem)
        audit.record_seldom(
            "refuse_webhook", within=REFUSED_AGAIN, subject=code, subject_ref=f"gateway:{gateway.id}",
            after={"reason": problem},
        )  # fmt: skip
        return _plain("not understood\n", 400)
    return _plain(f"{new} new\n", 200)


def _plain(text: str, status: int) -> Response:
    return Response(text, status, mimetype="text/plain")
