"""The portal users' face."""

from flask import Blueprint, abort

from portal_app.web import once

blueprint = Blueprint("client", __name__, url_prefix="/portal")


@blueprint.before_request
def refuse_nul() -> None:
    """PostgreSQL knows no NUL in a text; no address of ours has one."""
    if "\0" in once.asked().path:
        abort(404)
