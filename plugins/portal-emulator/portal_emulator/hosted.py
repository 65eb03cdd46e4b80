"""A look-alike of the vendor's hosted fields: one script for the host page, one framed page per field.

The number and the code stay in the frames: they find each other there and make the token themselves.
"""

from __future__ import annotations

from typing import Final

from flask import Blueprint, Response, abort, current_app, make_response, render_template

routes = Blueprint("hosted", __name__)

FIELDS: Final = {  # type: (label, what a browser may fill in)
    "credit_card_number": ("Card number", "cc-number"),
    "cvv": ("Card code", "cc-csc"),
    "routing_number": ("Routing number", "off"),
    "bank_account_number": ("Account number", "off"),
}
FRAME_POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src data:; "
    "base-uri 'none'; form-action 'none'; frame-ancestors *"
)


@routes.get("/hosted-fields/<version>/fields.js")
@routes.get("/hostedfields/<version>/fieldGen_<same>.js")
def script(version: str, same: str = "") -> Response:
    """The same for every version that a page asks for."""
    if same not in {"", version}:
        abort(404)
    answer = current_app.send_static_file("fields.js")
    answer.headers["Access-Control-Allow-Origin"] = "*"  # so that a page may state its digest
    answer.headers["Cross-Origin-Resource-Policy"] = "cross-origin"
    return answer


@routes.get("/hosted-fields/frame/<kind>")
def frame(kind: str) -> Response:
    if kind not in FIELDS:
        abort(404)
    label, fill = FIELDS[kind]
    answer = make_response(render_template("frame.html", kind=kind, label=label, fill=fill))
    answer.headers["Content-Security-Policy"] = FRAME_POLICY
    answer.headers["Cache-Control"] = "no-store"
    return answer
