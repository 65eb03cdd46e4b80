"""Long lists: what is searched, how many rows were asked for, and whether there are more."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

from portal_app.web.once import asked_for, part, typed

Row = TypeVar("Row")
STEP, MOST = 50, 2000


def words_of(name: str = "q") -> str:
    """What is searched for: one line, no control characters; from the form that was sent, or else the address."""
    sent = typed()
    text = sent[name] if name in sent else part(name)
    if not text.isprintable():
        text = "".join(filter(str.isprintable, text))
    return text[:80].strip()


def rows_wanted() -> int:
    """How many rows ``?rows=`` asks for, within reason."""
    text = asked_for("rows")
    return min(max(int(text), STEP), MOST) if text.isascii() and text.isdigit() and len(text) < 6 else STEP


def more_of(rows: Sequence[Row], wanted: int) -> tuple[list[Row], bool]:
    """The first ``wanted`` of ``rows``, of which one more was read, and whether there are more."""
    return list(rows[:wanted]), len(rows) > wanted and wanted < MOST


def number_of(name: str) -> int | None:
    """A whole number that the address gives; ``None`` when it gives none."""
    text = asked_for(name)
    return int(text) if text.isascii() and text.isdigit() and len(text) < 16 else None
