"""Tables for other programs, as downloads: figures without ornament, days of the address."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Sequence

from flask import Response

from portal_app import money, tables
from portal_app.web import once
from portal_app.web.templates import current_firm


def day_of(name: str) -> dt.date | None:
    """A day that the address gives, if it is one that a firm could mean."""
    typed = once.asked_for(name)
    if not typed:
        return None
    try:
        day = dt.date.fromisoformat(typed)
    except ValueError:
        return None
    return day if 1900 <= day.year <= 2200 else None


def table(name: str, head: str, rows: Iterable[Sequence[str | int | None]]) -> Response:
    """A download, sent while it is read: it may be as long as the books. Whole numbers are cents."""
    plain = name.replace('"', "").replace("/", "-").encode("ascii", "replace").decode()
    headers = {"Content-Disposition": f'attachment; filename="{plain}"'}
    currency = money.currency(current_firm().currency)
    cells = ([money.plain(cell, currency) if isinstance(cell, int) else cell or "" for cell in row] for row in rows)
    return Response(tables.lines(head.split(","), cells), content_type="text/csv; charset=utf-8", headers=headers)
