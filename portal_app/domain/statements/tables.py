"""Statements as tables (CSV): read by a mapping that a person checks once, and that is remembered for the account."""

from __future__ import annotations

import csv
import datetime as dt
import io
import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, fields, replace
from typing import Any

from portal_app import money
from portal_app.domain.statements.parsed import (
    DESCRIPTION_MOST,
    MOST_LINES,
    REFERENCE_MOST,
    Parsed,
    Problem,
    Row,
    clean,
)

ORDERS = {
    "mdy": "Month first: 07/16/2026",
    "dmy": "Day first: 16.07.2026",
    "ymd": "Year first: 2026-07-16",
}
DELIMITERS = {",": "Comma", ";": "Semicolon", "\t": "Tab", "|": "Vertical bar"}
DECIMALS = {".": "1,234.50", ",": "1.234,50"}
NONE = -1
SAMPLE = 60

_WORDS = {
    "date": ("date", "posted", "posting date", "transaction date", "booking date", "datum", "buchungstag", "valuta"),
    "text": ("description", "memo", "details", "payee", "name", "narrative", "text", "verwendungszweck", "particulars"),
    "amount": ("amount", "betrag", "value", "transaction amount", "amount (usd)"),
    "debit": ("debit", "withdrawal", "withdrawals", "paid out", "money out", "soll", "debits", "payments"),
    "credit": ("credit", "deposit", "deposits", "paid in", "money in", "haben", "credits"),
    "reference": ("check number", "check #", "check", "check no", "reference", "ref", "cheque", "number", "slip #"),
}


@dataclass(frozen=True, slots=True)
class Mapping:
    """Which column says what, by number from 0; -1 is none. ``skip``: lines above the first entry, headings included.
    Either ``amount``, or ``debit`` (out) and ``credit`` (in). ``is_reversed``: the bank writes what goes out as plus.
    """

    delimiter: str = ","
    skip: int = 1
    date: int = 0
    order: str = "mdy"
    text: int = 1
    text2: int = NONE
    reference: int = NONE
    amount: int = 2
    debit: int = NONE
    credit: int = NONE
    is_reversed: bool = False
    decimal: str = "."

    def dump(self) -> str:
        return json.dumps(asdict(self), sort_keys=True)

    @classmethod
    def load(cls, text: str) -> Mapping:
        """What :meth:`dump` wrote; what is not known any more is left out."""
        kept: dict[str, Any] = json.loads(text)
        known = {item.name for item in fields(cls)}
        return cls(**{name: value for name, value in kept.items() if name in known})


class Unreadable(ValueError):
    """A cell is not what the mapping says it is."""


def decode(body: bytes) -> str:
    """The text of a file: UTF-8, with or without a mark, or else Windows' Western code page, in which any bytes are."""
    for encoding in ("utf-8-sig", "cp1252"):
        try:
            return body.decode(encoding)
        except UnicodeDecodeError:
            continue
    return body.decode("latin-1")


def cells(body: bytes, delimiter: str) -> Iterator[tuple[int, list[str]]]:
    """Each record with the line at which it ends; empty ones are left out.

    Raises:
        csv.Error: a quotation mark is never closed, or a cell is endless.
    """
    reader = csv.reader(io.StringIO(decode(body), newline=""), delimiter=delimiter, strict=True)
    for record in reader:
        if any(cell.strip() for cell in record):
            yield reader.line_num, record


def sample(body: bytes, delimiter: str, most: int = SAMPLE) -> list[tuple[int, list[str]]]:
    """The first records, as far as they can be read."""
    found: list[tuple[int, list[str]]] = []
    try:
        for item in cells(body, delimiter):
            found.append(item)
            if len(found) == most:
                break
    except csv.Error:
        pass
    return found


def columns(body: bytes, mapping: Mapping) -> list[str]:
    """What each column is called: by the last line above the entries, or by its letter and an example."""
    rows = sample(body, mapping.delimiter)
    width = max((len(record) for _, record in rows), default=0)
    above = [record for line, record in rows if line <= mapping.skip]
    below = next((record for line, record in rows if line > mapping.skip), [])
    names = []
    for at in range(width):
        head = above[-1][at] if above and at < len(above[-1]) else ""
        example = below[at] if at < len(below) else ""
        letter = chr(ord("A") + at) if at < 26 else str(at + 1)
        names.append(clean(head, 40) or f"Column {letter}" + (f" ({clean(example, 30)})" if example.strip() else ""))
    return names


def read(body: bytes, mapping: Mapping, currency: money.Currency) -> Parsed:
    """The rows below the headings. Each line that cannot be read is a problem; a movement of nothing is only noted."""
    found, line = Parsed(), 0
    try:
        for line, record in cells(body, mapping.delimiter):
            if line <= mapping.skip:
                continue
            if len(found.rows) + len(found.problems) >= MOST_LINES:
                found.problems.append(Problem(0, f"The file has more than {MOST_LINES:,} entries. Import it in parts."))
                break
            _take(found, line, record, mapping, currency)
    except csv.Error as problem:
        found.problems.append(Problem(0, f"The file is no table that can be read: {problem}."))
    if not line and not found.problems:
        found.problems.append(Problem(0, "There is nothing in this file."))
    elif not found.rows and not found.problems:
        found.notes.append("There is no entry in this file: nothing moved on the account.")
    return found


def _take(found: Parsed, line: int, record: Sequence[str], mapping: Mapping, currency: money.Currency) -> None:
    try:
        row = _row(line, record, mapping, currency)
    except Unreadable as problem:
        found.problems.append(Problem(line, str(problem)))
        return
    if row.amount_cents:
        found.rows.append(row)
    else:
        found.notes.append(f"Line {line} moves no money and is left out.")


def _row(line: int, record: Sequence[str], mapping: Mapping, currency: money.Currency) -> Row:
    texts = [_cell(record, at) for at in (mapping.text, mapping.text2)]
    return Row(
        line, day(_cell(record, mapping.date), mapping.order), clean(" ".join(texts), DESCRIPTION_MOST),
        clean(_cell(record, mapping.reference), REFERENCE_MOST), _amount(record, mapping, currency),
    )  # fmt: skip


def _cell(record: Sequence[str], at: int) -> str:
    return record[at].strip() if 0 <= at < len(record) else ""


def _amount(record: Sequence[str], mapping: Mapping, currency: money.Currency) -> int:
    if mapping.amount != NONE:
        value = cents(_cell(record, mapping.amount), mapping.decimal, currency.precision)
        return -value if mapping.is_reversed else value
    out, into = (_cell(record, at) for at in (mapping.debit, mapping.credit))
    if not out and not into:
        raise Unreadable("there is no amount.")
    # Some banks write what goes out with a minus in its own column, some without.
    values = [cents(text, mapping.decimal, currency.precision) if text else 0 for text in (out, into)]
    if all(values):
        raise Unreadable("there is an amount in both columns.")
    return values[1] - abs(values[0])


def day(text: str, order: str) -> dt.date:
    """A day in figures, whatever stands between them; two-digit years are of this century.

    Raises:
        Unreadable: with what was found.
    """
    word = re.split(r"[T\s]", text.strip(), maxsplit=1)[0]  # a time of day may follow
    compact = re.fullmatch(r"([0-9]{4})([0-9]{2})([0-9]{2})", word) if order == "ymd" else None
    parts = compact or re.fullmatch(r"([0-9]{1,4})[-./]([0-9]{1,2})[-./]([0-9]{1,4})", word)
    if parts is None:
        raise Unreadable(f"“{clean(text, 40)}” is no date." if text.strip() else "there is no date.")
    figures = dict(zip(order, parts.groups(), strict=True))
    year = int(figures["y"]) + (2000 if len(figures["y"]) == 2 else 0)
    try:
        found = dt.date(year, int(figures["m"]), int(figures["d"]))
    except ValueError:
        raise Unreadable(f"there is no day “{clean(text, 40)}” ({ORDERS[order].split(':')[0].lower()}).") from None
    if not 1990 <= found.year <= 2200:
        raise Unreadable(f"“{clean(text, 40)}” is not a year of this portal.")
    return found


def cents(text: str, decimal: str, precision: int) -> int:
    """An amount as banks write it: signs before or after, parentheses for minus, a currency's sign, groups of three.

    Raises:
        Unreadable: anything else, more decimals than the currency has, or an amount past all reason.
    """
    typed = re.sub(r"[\s'’$€£¥]", "", text).replace("−", "-")
    is_negative = typed.startswith("(") and typed.endswith(")")
    typed = typed.strip("()") if is_negative else typed
    sign = re.fullmatch(r"([+-]?)([^+-]+)([+-]?)", typed)
    group = "," if decimal == "." else "."
    figures = rf"([0-9]{{1,12}}|[0-9]{{1,3}}(?:{re.escape(group)}[0-9]{{3}})+)?(?:{re.escape(decimal)}([0-9]*))?"
    found = re.fullmatch(figures, sign[2]) if sign and not (sign[1] and sign[3]) else None
    if found is None or not (found[1] or found[2]):
        raise Unreadable(f"“{clean(text, 40)}” is no amount." if text.strip() else "there is no amount.")
    part = (found[2] or "").rstrip("0")
    if len(part) > precision:
        raise Unreadable(f"“{clean(text, 40)}” has a part of a cent.")
    value = int((found[1] or "0").replace(group, "") + part.ljust(precision, "0"))
    if value > money.MAX_CENTS:
        raise Unreadable(f"“{clean(text, 40)}” is more than this portal can hold.")
    return -value if is_negative or "-" in (sign[1] + sign[3] if sign else "") else value


def guess(body: bytes, *, is_month_first: bool = True) -> Mapping:
    """The mapping that reads most of a file: by its headings, then by trying. A person checks it in the preview."""
    delimiter = max(DELIMITERS, key=lambda mark: _evenness(sample(body, mark)))
    rows = sample(body, delimiter)
    mapping = _by_headings(rows, Mapping(delimiter=delimiter))
    below = [record for line, record in rows if line > mapping.skip]
    orders = sorted(ORDERS, key=lambda order: (order == "dmy") if is_month_first else (order == "mdy"))
    order = max(orders, key=lambda order: _days([_cell(record, mapping.date) for record in below], order))
    columns_of_money = [at for at in (mapping.amount, mapping.debit, mapping.credit) if at != NONE]

    def amounts(decimal: str) -> int:
        return sum(
            _reads(below, lambda record, at=at: cents(_cell(record, at), decimal, 2)) for at in columns_of_money
        )  # fmt: skip

    return replace(mapping, order=order, decimal=max(DECIMALS, key=amounts))


def _days(texts: Sequence[str], order: str) -> tuple[int, int]:
    """How many of the texts are days, and how near each other those are: a statement is of a month, not of a year."""
    found = []
    for text in texts:
        try:
            found.append(day(text, order))
        except Unreadable:
            continue
    return len(found), -(max(found) - min(found)).days if found else 0


def _evenness(rows: Sequence[tuple[int, list[str]]]) -> int:
    widths = [len(record) for _, record in rows]
    return sum(width >= 3 for width in widths) * max(widths, default=0)


def _by_headings(rows: Sequence[tuple[int, list[str]]], mapping: Mapping) -> Mapping:
    for line, record in rows[:20]:
        heads = [cell.strip().casefold() for cell in record]
        found = {name: _column(heads, words) for name, words in _WORDS.items()}
        if found["date"] == NONE or found["amount"] == NONE == found["credit"]:
            continue
        is_one = found["amount"] != NONE
        return replace(
            mapping, skip=line, date=found["date"], text=max(found["text"], 0), reference=found["reference"],
            amount=found["amount"], debit=NONE if is_one else found["debit"],
            credit=NONE if is_one else found["credit"],
        )  # fmt: skip
    return replace(mapping, skip=0)


def _column(heads: Sequence[str], words: Sequence[str]) -> int:
    """The column called by one of the words, the more telling word first."""
    for word in words:
        if word in heads:
            return heads.index(word)
    return next((at for at, head in enumerate(heads) if any(word in head for word in words[:3])), NONE)


def _reads(rows: Sequence[Sequence[str]], read_one: Any) -> int:
    count = 0
    for record in rows:
        try:
            read_one(record)
            count += 1
        except Unreadable:
            continue
    return count
