"""The books for Beancount 3: accounts, every entry with its facts as metadata, and what must stand on each account at
the end, to the cent."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator

from portal_app import tables
from portal_app.domain import firms
from portal_app.domain.exports import reading
from portal_app.domain.exports.plain_text import Frame
from portal_app.domain.exports.reading import Entry, Leg, Wanted


def lines(wanted: Wanted, today: dt.date) -> Iterator[str]:
    """The file, in pieces."""
    frame, firm = Frame.of(wanted, today), firms.current()
    yield f";; The books of {tables.one_line(firm.name)}, {_days(wanted)}. Debit is plus, credit is minus.\n"
    yield f'option "title" {_quoted(firm.name)}\noption "operating_currency" "{firm.currency}"\n\n'
    for account in frame.chart:
        yield f"{frame.opens} open {frame.names[account.code]}\n"
        yield f"  code: {_quoted(account.code)}\n  name: {_quoted(account.name)}\n"
    yield "\n"
    if frame.opening:
        yield f'{frame.opens} * "Brought forward"\n' + _legs(frame.opening, frame)
    for entry in reading.entries(wanted):
        yield _entry(entry, frame)
    after = frame.closes + dt.timedelta(days=1)  # Beancount looks at a balance in the morning
    for leg in frame.closing:
        yield f"{after} balance {frame.names[leg.account]}  {leg.amount} ~ 0 {leg.currency}\n"


def _days(wanted: Wanted) -> str:
    return f"from {wanted.since or 'the beginning'} to {wanted.until or 'the last entry'}"


def _entry(entry: Entry, frame: Frame) -> str:
    facts = [("entry", str(entry.id)), ("kind", entry.code), ("source", entry.source)]
    facts += [("reverses", str(entry.reverses or "")), ("hash", " ".join(entry.hashes))]
    told = "".join(f"  {name}: {_quoted(value)}\n" for name, value in facts if value)
    return f"{entry.occurred_on} * {_quoted(entry.description)}\n{told}" + _legs(entry.legs, frame)


def _legs(legs: list[Leg], frame: Frame) -> str:
    rows = []
    for leg in legs:
        rows.append(f"  {frame.names[leg.account]}  {leg.amount} {leg.currency}\n")
        about = (("matter", leg.matter), ("client", leg.client), ("invoice", leg.invoice))
        rows += [f"    {name}: {_quoted(value)}\n" for name, value in about if value]
    return "".join(rows) + "\n"


def _quoted(text: str) -> str:
    """A string as Beancount reads it back: everything else may stand in one."""
    return '"' + tables.one_line(text).replace("\\", "\\\\").replace('"', '\\"') + '"'
