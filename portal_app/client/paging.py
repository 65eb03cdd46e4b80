"""Long lists in pages, each with an address of its own."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeVar
from urllib.parse import urlencode

from flask import request

T = TypeVar("T")
ROWS = 50
LAST = 10_000


@dataclass(slots=True)
class Page:
    """Page ``number`` of a list, counted from 1. Fetch ``fetch`` rows: one more than shown says that there is more."""

    number: int
    has_more: bool = False

    @classmethod
    def asked(cls) -> Page:
        """The page that the address asks for; the first when that is none."""
        typed = request.args.get("page", "")
        return cls(min(int(typed), LAST) if typed.isascii() and typed.isdigit() and 0 < len(typed) < 6 else 1)

    def __post_init__(self) -> None:
        self.number = max(self.number, 1)

    @property
    def fetch(self) -> int:
        return ROWS + 1

    @property
    def offset(self) -> int:
        return (self.number - 1) * ROWS

    def cut(self, rows: list[T]) -> list[T]:
        self.has_more = len(rows) > ROWS
        return rows[:ROWS]

    @property
    def newer(self) -> str | None:
        return _address(self.number - 1) if self.number > 1 else None

    @property
    def older(self) -> str | None:
        return _address(self.number + 1) if self.has_more else None


def _address(number: int) -> str:
    matter = request.args.get("matter", "")
    return f"{request.path}?{urlencode({'matter': matter, 'page': number} if matter else {'page': number})}"
