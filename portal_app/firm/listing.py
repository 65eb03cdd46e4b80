"""Long lists: what is searched, how many rows were asked for, and whether there are more."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

from flask import request

Row = TypeVar("Row")
STEP, MOST = 50, 2000


def words_of(name: str = "q") -> str:
    """What is searched for: one line, no control characters; from the form that was sent, or else the address."""
    typed = request.form.get(name, request.args.get(name, ""))
    return "".join(sign for sign in typed if sign.isprintable())[:80].strip()


def rows_wanted() -> int:
    """How many rows ``?rows=`` asks for, within reason."""
    typed = request.args.get("rows", "")
    return min(max(int(typed), STEP), MOST) if typed.isascii() and typed.isdigit() and len(typed) < 6 else STEP


def more_of(rows: Sequence[Row], wanted: int) -> tuple[list[Row], bool]:
    """The first ``wanted`` of ``rows``, of which one more was read, and whether there are more."""
    return list(rows[:wanted]), len(rows) > wanted and wanted < MOST


def number_of(name: str) -> int | None:
    """A whole number that the address gives; ``None`` when it gives none."""
    typed = request.args.get(name, "")
    return int(typed) if typed.isascii() and typed.isdigit() and len(typed) < 16 else None
