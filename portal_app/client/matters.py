"""The filter by matter, which several pages share."""

from __future__ import annotations

from collections.abc import Sequence

from flask import abort

from portal_app.domain.documents import SeenMatter
from portal_app.web.once import part


def chosen(mine: Sequence[SeenMatter]) -> str:
    """The number of the matter that the address asks for, empty for all; 404 when it is none of theirs."""
    number = part("matter")
    if number and number not in {matter.number for matter in mine}:
        abort(404)
    return number
