"""The staff's face."""

from flask import Blueprint

blueprint = Blueprint("firm", __name__, url_prefix="/firm")
