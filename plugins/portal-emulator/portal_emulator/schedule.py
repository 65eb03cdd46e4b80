"""When recurring payments fall due."""

from __future__ import annotations

import calendar
import datetime as dt
from collections.abc import Iterator
from typing import Any, Final

from portal_emulator.refusal import Message, Refusal, flaw
from portal_emulator.store import Thing

DAY: Final = "DAY"
WEEK: Final = "WEEK"
MONTH: Final = "MONTH"
LAST: Final = "LAST"
FARTHEST: Final = dt.timedelta(days=366 * 100)


def read(asked: Any, *, prefix: str, start: dt.date | None = None) -> Thing:
    """The schedule in a call, ``start`` where it names none. Raises ``Refusal``."""
    if not isinstance(asked, dict):
        raise Refusal(422, [flaw(prefix.rstrip("."), "not_null")])
    flaws: list[Message] = []
    unit, delay = asked.get("interval_unit"), asked.get("interval_delay")
    if unit not in (DAY, WEEK, MONTH):
        flaws.append(flaw("interval_unit", "not_null" if unit is None else "invalid", prefix))
    delay = int(delay) if isinstance(delay, str) and delay.isdecimal() and len(delay) < 6 else delay
    if not isinstance(delay, int) or isinstance(delay, bool):
        flaws.append(flaw("interval_delay", "not_null" if delay is None else "invalid", prefix))
    elif delay < 1:
        flaws.append(flaw("interval_delay", "below_minimum_value", prefix))
    days = _days(asked.get("days"))
    if days and not (_fit(days, unit) and delay == 1):
        flaws.append(flaw("days", "invalid", prefix))
    first, last = _date(asked.get("start")), _date(asked.get("end"))
    flaws += [flaw(name, "invalid", prefix) for name, value in (("start", first), ("end", last)) if value == "?"]
    first = first or (start.isoformat() if start else None)
    if first is None:
        flaws.append(flaw("start", "not_null", prefix))
    if flaws:
        raise Refusal(422, flaws)
    made = {"interval_unit": unit, "interval_delay": delay, "start": first, "end": last, "days": days}
    return {key: value for key, value in made.items() if value}


def _date(value: Any) -> str | None:
    """ISO, the day alone; "?" for what is none."""
    if value is None or value == "":
        return None
    try:
        day = dt.date.fromisoformat(str(value)[:10])
    except ValueError:
        return "?"
    return day.isoformat() if 1900 <= day.year < 3000 else "?"


def _days(value: Any) -> list[str]:
    """Some clients send a list as an object with numbers for keys."""
    if isinstance(value, dict):
        value = list(value.values())
    return [str(day).upper() for day in value] if isinstance(value, list) else []


def _fit(days: list[str], unit: Any) -> bool:
    if unit == WEEK:
        return all(day in {"1", "2", "3", "4", "5", "6", "7"} for day in days)
    numbers = {str(n) for n in range(1, 32)} | {LAST}
    return unit == MONTH and all(day in numbers for day in days)


def next_after(schedule: Thing, day: dt.date) -> dt.date | None:
    """The first date later than ``day`` on which the schedule falls due, None where it has ended."""
    end = dt.date.fromisoformat(schedule["end"]) if "end" in schedule else None
    for due in _dates(schedule):
        if (end and due > end) or due - day > FARTHEST:
            return None
        if due > day:
            return due
    return None


def _dates(schedule: Thing) -> Iterator[dt.date]:
    start = dt.date.fromisoformat(schedule["start"])
    unit, delay, days = schedule["interval_unit"], schedule["interval_delay"], schedule.get("days", [])
    step = 0
    while True:
        if unit == MONTH:
            month = start.year * 12 + start.month - 1 + step * delay
            found = _in_month(month // 12, month % 12 + 1, days or [str(start.day)], clamp=not days)
        elif unit == WEEK and days:
            monday = start - dt.timedelta(days=start.weekday()) + dt.timedelta(weeks=step)
            found = sorted(monday + dt.timedelta(days=int(day) - 1) for day in set(days))
        else:
            found = [start + dt.timedelta(days=step * delay * (7 if unit == WEEK else 1))]
        yield from (day for day in found if day >= start)
        step += 1


def _in_month(year: int, month: int, days: list[str], *, clamp: bool) -> list[dt.date]:
    length = calendar.monthrange(year, month)[1]
    numbers = {length if day == LAST else min(int(day), length) if clamp else int(day) for day in days}
    return [dt.date(year, month, number) for number in sorted(numbers) if number <= length]
