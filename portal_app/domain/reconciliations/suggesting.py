"""Which postings a line of the bank probably is. Arithmetic alone: values in, values out; a person accepts."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

BACK_OUT = dt.timedelta(days=180)  # a check may lie in a drawer for half a year
BACK_IN = dt.timedelta(days=30)
AHEAD = dt.timedelta(days=7)  # the bank knew before the books
RUN_BACK, RUN_AHEAD = dt.timedelta(days=14), dt.timedelta(days=2)
NEAREST = 20  # postings of one amount that are looked at for one line
MOST_IN_RUN = 60

_TOKEN = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{2,}")


@dataclass(frozen=True, slots=True)
class Item:
    """A line of the bank or a posting of the books: cents, plus into the account; ``text`` is all that it says."""

    id: int
    day: dt.date
    cents: int
    text: str


@dataclass(frozen=True, slots=True)
class Suggestion:
    """This line is these postings, whose sum it is. ``why`` is for the person who decides."""

    line_id: int
    posting_ids: tuple[int, ...]
    why: str


def suggest(lines: Sequence[Item], postings: Sequence[Item]) -> list[Suggestion]:
    """At most one suggestion for each line, each posting in one at most; by line, in the order given.

    First one posting for one line: the same amount, days that fit, and what shares a reference before what is merely
    near. Then several postings for one line: neighbours by day that come to its amount, as a payout or a deposit of
    several checks does.
    """
    found: dict[int, Suggestion] = {}
    used: set[int] = set()
    for *_, line, posting in sorted(_pairs(lines, postings), key=lambda pair: pair[:4]):
        if line.id not in found and posting.id not in used:
            used.add(posting.id)
            found[line.id] = Suggestion(line.id, (posting.id,), _why(line, posting))
    for line in lines:
        if line.id not in found:
            run = _run(line, [item for item in postings if item.id not in used])
            if run:
                used.update(run)
                found[line.id] = Suggestion(line.id, run, f"{len(run)} entries come to this amount")
    return [found[line.id] for line in lines if line.id in found]


def _pairs(lines: Sequence[Item], postings: Sequence[Item]) -> Iterator[tuple[bool, int, int, int, Item, Item]]:
    by_amount: dict[int, list[Item]] = {}
    for posting in postings:
        by_amount.setdefault(posting.cents, []).append(posting)
    tokens = {item.id: _tokens(item.text) for item in postings}
    for line in lines:
        back = BACK_OUT if line.cents < 0 else BACK_IN
        fits = [item for item in by_amount.get(line.cents, []) if line.day - back <= item.day <= line.day + AHEAD]
        fits.sort(key=lambda item, day=line.day: (abs((item.day - day).days), item.id))  # type: ignore[misc]
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


def _run(line: Item, postings: Sequence[Item]) -> tuple[int, ...]:
    """The ids of neighbours by day, two or more of the line's own direction, that come to its amount; the run that
    ends last, the shortest of those. Empty when there is none."""
    near = [
        item for item in postings
        if (item.cents > 0) == (line.cents > 0) and line.day - RUN_BACK <= item.day <= line.day + RUN_AHEAD
    ]  # fmt: skip
    near.sort(key=lambda item: (item.day, item.id))
    for end in range(len(near), 1, -1):
        total = 0
        for start in range(end - 1, max(end - MOST_IN_RUN, 0) - 1, -1):
            total += near[start].cents
            if total == line.cents and end - start > 1:
                return tuple(item.id for item in near[start:end])
            if abs(total) > abs(line.cents):
                break
    return ()
