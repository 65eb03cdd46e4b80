"""The books for hledger: accounts with their types, every entry with its facts as tags, and what must stand on each
account at the end. ``hledger check --strict ordereddates`` holds.

hledger has no quotes. A semicolon would begin a comment and a comma end a tag's value, and square brackets are taken
for dates; so a semicolon is written as a comma, a comma in a tag is left out, and brackets are round.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator

from portal_app import money, tables
from portal_app.domain import firms
from portal_app.domain.exports import reading
from portal_app.domain.exports.plain_text import Frame
from portal_app.domain.exports.reading import Entry, Leg, Wanted

TYPES = {"asset": "A", "liability": "L", "equity": "E", "income": "R", "expense": "X"}
_TEXT = str.maketrans(";[]", ",()")
_TAG = str.maketrans(";,[]", "  ()")


def lines(wanted: Wanted, today: dt.date) -> Iterator[str]:
    """The file, in pieces."""
    frame, firm = Frame.of(wanted, today), firms.current()
    yield f"; The books of {_text(firm.name)}. Debit is plus, credit is minus.\ndecimal-mark .\n"
    used = {firm.currency} | {leg.currency for leg in frame.closing}
    yield "".join(f"commodity {_sample(code)} {code}\n" for code in sorted(used)) + "\n"
    for account in frame.chart:
        tags = f"type:{TYPES[account.kind]}, code:{_tag(account.code)}, name:{_tag(account.name)}"
        yield f"account {frame.names[account.code]}  ; {tags}\n"
    yield "\n"
    if frame.opening:
        yield f"{frame.opens} * Brought forward\n" + _legs(frame.opening, frame)
    for entry in reading.entries(wanted):
        yield _entry(entry, frame)
    if frame.closing:
        yield f"{frame.closes} * What must stand on each account\n"
        for leg in frame.closing:
            yield f"    {frame.names[leg.account]}  0 {leg.currency} = {leg.amount} {leg.currency}\n"


def _sample(currency: str) -> str:
    """An amount that shows the currency's digits; the decimal mark must be there."""
    text = money.plain(100000, money.currency(currency))
    return text if "." in text else f"{text}."


def _entry(entry: Entry, frame: Frame) -> str:
    facts = [("kind", entry.code), ("source", entry.source)]
    facts += [("reverses", str(entry.reverses or "")), ("hash", " ".join(entry.hashes))]
    told = ", ".join(f"{name}:{_tag(value)}" for name, value in facts if value)
    return f"{entry.occurred_on} * ({entry.id}) {_text(entry.description)}  ; {told}\n" + _legs(entry.legs, frame)


def _legs(legs: list[Leg], frame: Frame) -> str:
    rows = []
    for leg in legs:
        about = (("matter", leg.matter), ("client", leg.client), ("invoice", leg.invoice))
        told = ", ".join(f"{name}:{_tag(value)}" for name, value in about if value)
        rows.append(f"    {frame.names[leg.account]}  {leg.amount} {leg.currency}{'  ; ' + told if told else ''}\n")
    return "".join(rows) + "\n"


def _text(text: str) -> str:
    return " ".join(tables.one_line(text).translate(_TEXT).split())


def _tag(text: str) -> str:
    return " ".join(tables.one_line(text).translate(_TAG).split())
