"""LEDES 1998B as a receiver reads it: written from the format's own rules, knowing nothing of who wrote the file."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import datetime
from decimal import Decimal, InvalidOperation
from itertools import groupby

FIELDS = (
    "INVOICE_DATE INVOICE_NUMBER CLIENT_ID LAW_FIRM_MATTER_ID INVOICE_TOTAL BILLING_START_DATE BILLING_END_DATE "
    "INVOICE_DESCRIPTION LINE_ITEM_NUMBER EXP/FEE/INV_ADJ_TYPE LINE_ITEM_NUMBER_OF_UNITS LINE_ITEM_ADJUSTMENT_AMOUNT "
    "LINE_ITEM_TOTAL LINE_ITEM_DATE LINE_ITEM_TASK_CODE LINE_ITEM_EXPENSE_CODE LINE_ITEM_ACTIVITY_CODE TIMEKEEPER_ID "
    "LINE_ITEM_DESCRIPTION LAW_FIRM_ID LINE_ITEM_UNIT_COST TIMEKEEPER_NAME TIMEKEEPER_CLASSIFICATION CLIENT_MATTER_ID"
).split()
REQUIRED = [*FIELDS[:7], "LINE_ITEM_NUMBER", "EXP/FEE/INV_ADJ_TYPE", "LINE_ITEM_TOTAL", "LINE_ITEM_DATE", "LAW_FIRM_ID"]
DAYS = ["INVOICE_DATE", "BILLING_START_DATE", "BILLING_END_DATE", "LINE_ITEM_DATE"]
WIDTHS = dict.fromkeys(
    ["INVOICE_NUMBER", "CLIENT_ID", "LAW_FIRM_MATTER_ID", "LINE_ITEM_NUMBER", "LAW_FIRM_ID", "CLIENT_MATTER_ID"], 20
) | {"TIMEKEEPER_NAME": 30}
AMOUNTS = {
    "INVOICE_TOTAL": (12, 4), "LINE_ITEM_NUMBER_OF_UNITS": (10, 4), "LINE_ITEM_ADJUSTMENT_AMOUNT": (12, 4),
    "LINE_ITEM_TOTAL": (12, 4), "LINE_ITEM_UNIT_COST": (10, 4),
}  # fmt: skip
OF_INVOICE = [*FIELDS[:8], "LAW_FIRM_ID", "CLIENT_MATTER_ID"]

Line = dict[str, str]


def faults(text: str) -> list[str]:
    """What a receiver would refuse the file for, a sentence each."""
    found = [] if text.isascii() else ["not ASCII"]
    records = text.split("[]\r\n")
    if records.pop() != "":
        found.append("the last record has no end")
    if records[:1] != ["LEDES1998B"]:
        found.append("no head")
    if records[1:2] != ["|".join(FIELDS)]:
        found.append("no row of names")
    rows = [record.split("|") for record in records[2:]]
    for row in rows:
        if len(row) != len(FIELDS):
            return [*found, f"{len(row)} fields"]
    lines = [dict(zip(FIELDS, row, strict=True)) for row in rows]
    found += [fault for line in lines for fault in _of_line(line)]
    for number, group in groupby(lines, key=lambda line: line["INVOICE_NUMBER"]):
        found += _of_invoice(number, list(group))
    numbers = [number for number, _ in groupby(line["INVOICE_NUMBER"] for line in lines)]
    return found + ["an invoice is torn apart"] * (len(numbers) != len(set(numbers)))


def _of_line(line: Line) -> Iterator[str]:
    yield from (f"{name} is empty" for name in REQUIRED if not line[name])
    yield from (f"{name} is no date: {line[name]}" for name in DAYS if not _is_day(line[name]))
    yield from (f"{name} is too long" for name, wide in WIDTHS.items() if len(line[name]) > wide)
    yield from (f"{name} breaks the line" for name, text in line.items() if re.search(r"[\r\n\[\]]", text))
    for name, (whole, part) in AMOUNTS.items():
        if line[name] and not re.fullmatch(rf"-?[0-9]{{1,{whole}}}(\.[0-9]{{1,{part}}})?", line[name]):
            yield f"{name} is no amount: {line[name]}"
    yield from _figures(line)
    for name, form in (("TASK", r"[A-Z]{1,2}\d{3}"), ("ACTIVITY", r"A\d{3}"), ("EXPENSE", r"E\d{3}")):
        code = line[f"LINE_ITEM_{name}_CODE"]
        if code and not re.fullmatch(form, code):
            yield f"{code} is no {name.lower()} code"
    if line["TIMEKEEPER_CLASSIFICATION"] not in {"", "PT", "AS", "OC", "LA", "OT"}:
        yield "no such classification"


def _figures(line: Line) -> Iterator[str]:
    kind = line["EXP/FEE/INV_ADJ_TYPE"]
    if kind not in {"E", "F", "IF", "IE"}:
        yield f"there is no type {kind}"
    if _number(line["LINE_ITEM_NUMBER_OF_UNITS"]) < 0:
        yield "negative units"
    if kind in {"E", "F", "IF", "IE"}:
        units, cost = _number(line["LINE_ITEM_NUMBER_OF_UNITS"]), _number(line["LINE_ITEM_UNIT_COST"])
        if units * cost + _number(line["LINE_ITEM_ADJUSTMENT_AMOUNT"]) != _number(line["LINE_ITEM_TOTAL"]):
            yield f"line {line['LINE_ITEM_NUMBER']} does not multiply"


def _of_invoice(number: str, lines: list[Line]) -> Iterator[str]:
    for name in OF_INVOICE:
        if len({line[name] for line in lines}) > 1:
            yield f"{number}: {name} differs between lines"
    if sum(_number(line["LINE_ITEM_TOTAL"]) for line in lines) != _number(lines[0]["INVOICE_TOTAL"]):
        yield f"{number}: the lines do not sum to the total"
    if len({line["LINE_ITEM_NUMBER"] for line in lines}) != len(lines):
        yield f"{number}: a line number stands twice"
    days = [line["LINE_ITEM_DATE"] for line in lines if line["EXP/FEE/INV_ADJ_TYPE"] in {"E", "F"}]
    if not (lines[0]["BILLING_START_DATE"] <= min(days) and max(days) <= lines[0]["BILLING_END_DATE"]):
        yield f"{number}: work outside of its days"


def _is_day(text: str) -> bool:
    try:
        return len(text) == 8 and bool(datetime.strptime(text, "%Y%m%d"))  # noqa: DTZ007  a day, no moment
    except ValueError:
        return False


def _number(text: str) -> Decimal:
    try:
        return Decimal(text or "0")
    except InvalidOperation:
        return Decimal("NaN")
