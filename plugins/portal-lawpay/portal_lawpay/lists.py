"""LawPay's lists, page by page, newest first. A list that does not add up is ``Unclear``, never an end."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from portal_lawpay.api import Api, Told, Unclear
from portal_lawpay.transactions import moment

PAGE_SIZE = 100
MOST_PAGES = 100


@dataclass(frozen=True, slots=True)
class Page:
    """One page: its rows, and whether others follow."""

    rows: tuple[Told, ...]
    has_more: bool

    @property
    def is_newest_first(self) -> bool:
        made = [found for row in self.rows if (found := moment(row, "created"))]
        return len(made) == len(self.rows) and made == sorted(made, reverse=True)


def page(api: Api, path: str, number: int, account_id: str = "") -> Page:
    """Page ``number``, from 1 on. Raises ``Unclear``."""
    told = api.read(path, page=number, page_size=PAGE_SIZE, account_id=account_id)
    rows, total, size = told.get("results"), told.get("total_entries"), told.get("page_size", PAGE_SIZE)
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise Unclear(f"{path}: no results")
    if type(total) is not int or type(size) is not int or size < 1 or told.get("page", number) != number:
        raise Unclear(f"{path}: another page than was asked for")
    has_more = number * size < total
    if has_more and not rows:
        raise Unclear(f"{path}: page {number} is empty and not the last")
    return Page(tuple(rows), has_more)


def pages(api: Api, path: str, account_id: str = "") -> Iterator[Page]:
    """All pages. Raises ``Unclear``, also when there are too many to be looked through."""
    for number in range(1, MOST_PAGES + 1):
        found = page(api, path, number, account_id)
        yield found
        if not found.has_more:
            return
    raise Unclear(f"{path}: more than {MOST_PAGES} pages")
