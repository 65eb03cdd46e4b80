"""Which postings a line of the bank probably is. Arithmetic alone: values in, values out; a person accepts."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial

BACK_OUT = dt.timedelta(days=180)  # a check may lie in a drawer for half a year
BACK_IN = dt.timedelta(days=30)
AHEAD = dt.timedelta(days=7)  # the bank knew before the books
RUN_BACK, RUN_AHEAD = dt.timedelta(days=14), dt.timedelta(days=2)
NEAREST = 20  # postings of one amount that are looked at for one line
MOST_IN_RUN, MOST_IN_GROUP = 60, 12
NEAREST_COMBINED, MOST_COMBINED = 16, 6  # entries of which combinations are tried, and how many at once

_TOKEN = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{2,}")
_YEAR = re.compile(r"(19|20)\d\d(-\d\d){0,2}")


@dataclass(frozen=True, slots=True)
class Item:
    """A line of the bank or a posting of the books: cents, plus into the account; ``text`` is all that it says."""

    id: int
    day: dt.date
    cents: int
    text: str


@dataclass(frozen=True, slots=True)
class Suggestion:
    """These lines are these postings: both sides have one sum. ``why`` is for the person who decides."""

    line_ids: tuple[int, ...]
    posting_ids: tuple[int, ...]
    why: str


def suggest(lines: Sequence[Item], postings: Sequence[Item]) -> list[Suggestion]:
    """Each line and each posting in one suggestion at most; by their first line, in the order given.

    One posting for one line where they share a reference; then all that name one reference, on both sides, where they
    come to one sum; then one for one by amount and day; last several postings for one line, as a deposit of several
    checks or a payout is, and one posting for several lines.
    """
    found = _Found(lines, postings)
    pairs = sorted(_pairs(lines, postings), key=lambda pair: pair[:4])
    found.take_pairs(pair[4:] for pair in pairs if not pair[0])
    found.take_named()
    found.take_pairs(pair[4:] for pair in pairs if pair[0])
    for line in found.lines_left():
        group = _group(line, found.postings_left(), RUN_BACK, RUN_AHEAD)
        if group:
            found.take([line.id], group, f"{len(group)} entries come to this amount")
    for posting in found.postings_left():
        group = _group(posting, found.lines_left(), RUN_AHEAD, RUN_BACK)
        if group:
            found.take(group, [posting.id], f"{len(group)} lines come to this entry’s amount")
    return found.in_order()


class _Found:
    """What is suggested so far, and what is left on each side."""

    def __init__(self, lines: Sequence[Item], postings: Sequence[Item]) -> None:
        self._lines = {item.id: item for item in lines}
        self._postings = {item.id: item for item in postings}
        self._places = {item.id: place for place, item in enumerate(lines)}
        self._suggestions: list[Suggestion] = []

    def lines_left(self) -> list[Item]:
        return list(self._lines.values())

    def postings_left(self) -> list[Item]:
        return list(self._postings.values())

    def take(self, line_ids: Iterable[int], posting_ids: Iterable[int], why: str) -> None:
        made = Suggestion(tuple(line_ids), tuple(posting_ids), why)
        self._suggestions.append(made)
        for id in made.line_ids:
            del self._lines[id]
        for id in made.posting_ids:
            del self._postings[id]

    def take_pairs(self, pairs: Iterable[tuple[Item, Item]]) -> None:
        for line, posting in pairs:
            if line.id in self._lines and posting.id in self._postings:
                self.take([line.id], [posting.id], _why(line, posting))

    def take_named(self) -> None:
        """What names one reference: a slip's number on several lines, a payout's on several entries."""
        names = dict.fromkeys(name for item in self.lines_left() for name in sorted(_tokens(item.text)))
        for name in names:
            if _YEAR.fullmatch(name):
                continue
            lines = [item for item in self.lines_left() if name in _tokens(item.text)]
            rows = [item for item in self.postings_left() if name in _tokens(item.text)]
            is_group = lines and rows and len(lines) <= MOST_IN_GROUP and len(rows) <= MOST_IN_RUN
            if is_group and sum(item.cents for item in lines) == sum(item.cents for item in rows):
                ids = [item.id for item in lines], [item.id for item in rows]
                self.take(*ids, f"All that say {name} come to one sum on both sides")

    def in_order(self) -> list[Suggestion]:
        return sorted(self._suggestions, key=lambda row: min(self._places[id] for id in row.line_ids))


def _nearness(day: dt.date, item: Item) -> tuple[int, int]:
    return abs((item.day - day).days), item.id


def _pairs(lines: Sequence[Item], postings: Sequence[Item]) -> Iterator[tuple[bool, int, int, int, Item, Item]]:
    by_amount: dict[int, list[Item]] = {}
    for posting in postings:
        by_amount.setdefault(posting.cents, []).append(posting)
    tokens = {item.id: _tokens(item.text) for item in postings}
    for line in lines:
        back = BACK_OUT if line.cents < 0 else BACK_IN
        fits = [item for item in by_amount.get(line.cents, []) if line.day - back <= item.day <= line.day + AHEAD]
        fits.sort(key=partial(_nearness, line.day))
        own = _tokens(line.text)
        for at, posting in enumerate(fits):
            is_other = not (own & tokens[posting.id])
            if at < NEAREST or not is_other:
                yield is_other, abs((posting.day - line.day).days), line.id, posting.id, line, posting


def _tokens(text: str) -> set[str]:
    """Words with a figure in them: a check's number, a payout's or an invoice's. Zeros in front do not count."""
    return {word.lower().lstrip("0") for word in _TOKEN.findall(text) if any(sign.isdigit() for sign in word)} - {""}


def _why(line: Item, posting: Item) -> str:
    shared = sorted(_tokens(line.text) & _tokens(posting.text))
    if shared:
        return f"Same amount, and both say {shared[0]}"
    days = abs((posting.day - line.day).days)
    return "Same amount and day" if not days else f"Same amount, {days} day{'' if days == 1 else 's'} apart"


def _group(one: Item, others: Sequence[Item], back: dt.timedelta, ahead: dt.timedelta) -> tuple[int, ...]:
    """The ids of two or more of ``others``, of the same direction and near in time, that come to ``one``'s amount:
    neighbours by day, or the one combination of a few that does. Empty when there is none."""
    near = [
        item for item in others
        if (item.cents > 0) == (one.cents > 0) and one.day - back <= item.day <= one.day + ahead
    ]  # fmt: skip
    near.sort(key=lambda item: (item.day, item.id))
    return _run(one.cents, near) or _combination(one, near)


def _run(cents: int, near: Sequence[Item]) -> tuple[int, ...]:
    """The run of neighbours that ends last, the shortest of those."""
    for end in range(len(near), 1, -1):
        total = 0
        for start in range(end - 1, max(end - MOST_IN_RUN, 0) - 1, -1):
            total += near[start].cents
            if total == cents and end - start > 1:
                return tuple(item.id for item in near[start:end])
            if abs(total) > abs(cents):
                break
    return ()


def _combination(one: Item, near: Sequence[Item]) -> tuple[int, ...]:
    """Where exactly one combination of at most :data:`MOST_COMBINED` of the nearest comes to the amount, that one."""
    fits = [item for item in near if abs(item.cents) < abs(one.cents)]
    fits.sort(key=lambda item: (abs((item.day - one.day).days), item.id))
    reached: list[tuple[int, tuple[int, ...]]] = [(0, ())]
    exact: list[tuple[int, ...]] = []
    for item in fits[:NEAREST_COMBINED]:
        for total, ids in list(reached):
            more = total + item.cents
            if more == one.cents:
                exact.append((*ids, item.id))
                if len(exact) > 1:
                    return ()
            elif abs(more) < abs(one.cents) and len(ids) + 1 < MOST_COMBINED:
                reached.append((more, (*ids, item.id)))
    return exact[0] if exact else ()
