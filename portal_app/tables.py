"""Tables for other programs: CSV as RFC 4180 has it, in which no cell is taken for a formula."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Iterator, Sequence

_FORMULA = re.compile(r"\s*[=+\-@\N{FULLWIDTH EQUALS SIGN}\N{FULLWIDTH PLUS SIGN}"
                      r"\N{FULLWIDTH HYPHEN-MINUS}\N{FULLWIDTH COMMERCIAL AT}|]")  # fmt: skip
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]+")
BATCH = 500


def inert(text: str) -> str:
    """A text on one line that no spreadsheet takes for a formula: such a one gets an apostrophe in front."""
    line = one_line(text)
    return f"'{line}" if _FORMULA.match(line) else line


def one_line(text: str) -> str:
    """Without control characters and line ends; spaces stand for them."""
    return _CONTROL.sub(" ", text)


def lines(head: Sequence[str], rows: Iterable[Sequence[str]]) -> Iterator[str]:
    """CSV in pieces of some hundred lines, the head first. Cells are written as they are: see :func:`inert`."""
    target = io.StringIO()
    table = csv.writer(target)
    table.writerow(head)
    for number, row in enumerate(rows, 1):
        table.writerow(row)
        if number % BATCH == 0:
            yield target.getvalue()
            target.seek(0)
            target.truncate()
    yield target.getvalue()
