"""The portal users' face."""

from flask import Blueprint, abort, request

blueprint = Blueprint("client", __name__, url_prefix="/portal")


@blueprint.before_request
def refuse_nul() -> None:
    """PostgreSQL knows no NUL in a text; no address of ours has one."""
    if "\0" in request.path:
        abort(404)
