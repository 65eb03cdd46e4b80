"""The portal users' face."""

from flask import Blueprint

blueprint = Blueprint("client", __name__, url_prefix="/portal")
