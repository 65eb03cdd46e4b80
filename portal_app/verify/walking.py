"""Walking the chains entry by entry, in the database or in an export, and finding the first wrong byte."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from portal_app import chain

LOCATE_MOST = 3  # entries whose changed byte is looked for; it takes a second each
NUMBERS_MOST = 2000  # people, matters and invoices that are tried in place of another


class Link(NamedTuple):
    matter: int
    sequence: int
    previous: str
    hash: str


class Entry(NamedTuple):
    """As :func:`portal_app.chain.line_of` takes it, with its links."""

    values: Sequence[Any]
    legs: Sequence[Sequence[Any]]
    links: Sequence[Link]

    @property
    def number(self) -> int:
        return int(self.values[0])


def name_of(matter: int) -> str:
    return f"the chain of matter {matter}" if matter else "the chain of no matter"


class Walk:
    """Follows all chains at once. Links of one chain may come a little out of order (several writers)."""

    def __init__(self) -> None:
        self.heads: dict[int, tuple[int, str]] = {}
        self.waiting: dict[int, dict[int, tuple[Link, int]]] = {}
        self.located = 0

    def step(self, entry: Entry) -> Iterator[str]:
        """Take an entry; yields what is wrong with it."""
        line = chain.line_of(entry.values, entry.legs)
        digest = chain.digest(line)
        if not entry.links:
            yield f"Journal entry {entry.number} is in no chain."
        for link in entry.links:
            if chain.link(link.matter, link.sequence, link.previous, digest) != link.hash:
                yield self._explain(entry, link, line, digest)
            yield from self._follow(link, entry.number)

    def _follow(self, link: Link, number: int) -> Iterator[str]:
        waiting = self.waiting.setdefault(link.matter, {})
        waiting[link.sequence] = (link, number)
        while True:
            sequence, before = self.heads.get(link.matter, (0, chain.START))
            following = waiting.pop(sequence + 1, None)
            if following is None:
                return
            found, entry = following
            if found.previous != before:
                place = f"number {found.sequence} (journal entry {entry}) in {name_of(found.matter)}"
                yield f"{place} follows {found.previous}, but the hash before it is {before}.".capitalize()
            self.heads[link.matter] = (found.sequence, found.hash)

    def end(self) -> Iterator[str]:
        """What is left over when all entries have been taken."""
        for matter, waiting in sorted(self.waiting.items()):
            if waiting:
                sequence = self.heads.get(matter, (0, ""))[0] + 1
                yield f"Number {sequence} is missing in {name_of(matter)}; {len(waiting)} come after it."

    def _explain(self, entry: Entry, link: Link, line: str, digest: str) -> str:
        where = f"number {link.sequence} in {name_of(link.matter)}"
        made = chain.link(link.matter, link.sequence, link.previous, digest)
        if sum(a != b for a, b in zip(made, link.hash, strict=False)) == 1 and len(made) == len(link.hash):
            at = next(at for at in range(64) if made[at] != link.hash[at])
            return (
                f"Journal entry {entry.number}, {where}: byte {at} of its hash has changed: "
                f"expected {made}, found {link.hash}."
            )
        for place, previous in ((link.sequence, self.heads.get(link.matter, (0, ""))[1]), *_near(link)):
            if chain.link(link.matter, place, previous, digest) == link.hash:
                field, found, expected = (
                    ("number", link.sequence, place)
                    if place != link.sequence
                    else ("hash before it", link.previous, previous)
                )
                return f"Journal entry {entry.number}, {where}: its {field}: expected {expected}, found {found}."
        if self.located < LOCATE_MOST:
            self.located += 1
            found_at = locate(entry, link, line)
            if found_at is not None:
                return f"Journal entry {entry.number}, {where}: {found_at}."
        return (
            f"Journal entry {entry.number}, {where}: more than one byte of it has changed since it was written: its "
            f"hash is {made}, and {link.hash} was written."
        )


def _near(link: Link) -> Iterator[tuple[int, str]]:
    """Other numbers that the link may have had."""
    return ((number, link.previous) for number in range(max(link.sequence - 300, 1), link.sequence + 300))


def locate(entry: Entry, link: Link, line: str) -> str | None:
    """Which field has changed, and what was written there: the entry that another byte in one of its texts, one more
    or one fewer, another small number or another amount leads to the hash that was written. ``None``: none does."""
    found = _bytes(line)
    for text in _candidates(entry):
        expected = _bytes(text)
        if chain.link(link.matter, link.sequence, link.previous, chain.digest_of(expected)) == link.hash:
            return _sentence(found, expected)
    return None


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogateescape")


def _candidates(entry: Entry) -> Iterator[str]:
    """The entry as it may have been, one field changed."""
    for at, value in enumerate(entry.values):
        for other in _others(value):
            yield chain.line_of([*entry.values[:at], other, *entry.values[at + 1 :]], entry.legs)
    for number, leg in enumerate(entry.legs):
        rest = sum(each[4] for at, each in enumerate(entry.legs) if at != number and isinstance(each[4], int))
        for at, value in enumerate(leg):
            for other in (-rest,) if at == chain.LEG.index("cents") else _others(value):
                legs = [*entry.legs[:number], [*leg[:at], other, *leg[at + 1 :]], *entry.legs[number + 1 :]]
                yield chain.line_of(entry.values, legs)


def _others(value: Any) -> Iterator[Any]:
    """What may have stood in place of ``value``."""
    if not isinstance(value, str):
        yield None
        yield from range(NUMBERS_MOST)
        return
    raw = _bytes(value)
    every = [bytes([byte]) for byte in range(256)]
    for at in range(len(raw) + 1):
        before, after, rest = raw[:at], raw[at + 1 :], raw[at:]
        for changed in (
            before + after,
            *(before + byte + after for byte in every),
            *(before + byte + rest for byte in every),
        ):
            yield changed.decode("utf-8", "surrogateescape")


def _first_difference(one: bytes, other: bytes) -> int:
    return next((at for at, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), min(len(one), len(other)))


def _sentence(found: bytes, expected: bytes) -> str:
    """Byte, field, expected and found."""
    at = _first_difference(found, expected)
    is_now, was = (json.loads(text.decode("utf-8", "surrogateescape")) for text in (found, expected))
    for field in chain.FIELDS:
        if is_now.get(field) != was.get(field):
            name, now, then = field.replace("_", " "), is_now.get(field), was.get(field)
            if field == "legs":
                name, now, then = _leg(now, then)
            return f"byte {at}, {name}: expected {_shown(then)}, found {_shown(now)}"
    return f"byte {at} has changed"


def _leg(now: list[Any], then: list[Any]) -> tuple[str, Any, Any]:
    for number, (one, other) in enumerate(zip(now, then, strict=False), 1):
        for name, a, b in zip(chain.LEG, one, other, strict=False):
            if a != b:
                return f"{name} of leg {number}", a, b
    return "number of legs", len(now), len(then)


def _shown(value: object) -> str:
    return f"“{value}”" if isinstance(value, str) else "nothing" if value is None else str(value)
