"""Tables for other programs: cells that no spreadsheet takes for a formula, figures without ornament."""

from __future__ import annotations

import csv
import datetime as dt
import io
from collections.abc import Iterable, Iterator, Sequence

from flask import Response, request

from portal_app import money
from portal_app.web.templates import current_firm

FORMULA = tuple(
    "=+-@\N{FULLWIDTH EQUALS SIGN}\N{FULLWIDTH PLUS SIGN}\N{FULLWIDTH HYPHEN-MINUS}\N{FULLWIDTH COMMERCIAL AT}|"
)
TOGETHER = 500  # lines in a piece of what is sent


def inert(text: str) -> str:
    """A cell that no spreadsheet takes for a formula."""
    return f"'{text}" if text.lstrip().startswith(FORMULA) else text


def day_of(name: str) -> dt.date | None:
    """A day that the address gives; what is none is left out."""
    try:
        return dt.date.fromisoformat(request.args.get(name, ""))
    except ValueError:
        return None


def table(name: str, head: str, rows: Iterable[Sequence[str | int | None]]) -> Response:
    """A download, sent while it is read: it may be as long as the books. Whole numbers are cents."""
    plain = name.replace('"', "").replace("/", "-").encode("ascii", "replace").decode()
    headers = {"Content-Disposition": f'attachment; filename="{plain}"'}
    body = _pieces(head.split(","), rows, money.currency(current_firm().currency))
    return Response(body, content_type="text/csv; charset=utf-8", headers=headers)


def _pieces(head: list[str], rows: Iterable[Sequence[str | int | None]], currency: money.Currency) -> Iterator[str]:
    target = io.StringIO()
    writer = csv.writer(target)
    writer.writerow(head)
    for number, row in enumerate(rows, 1):
        writer.writerow([_figure(cell, currency) if isinstance(cell, int) else cell for cell in row])
        if number % TOGETHER == 0:
            yield target.getvalue()
            target.seek(0)
            target.truncate()
    yield target.getvalue()


def _figure(cents: int, currency: money.Currency) -> str:
    """1234.50: no signs that a program would stumble over."""
    return money.bare(cents, currency).replace(",", "").replace("−", "-")
