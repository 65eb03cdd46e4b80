"""How things are written: money, days, times, sizes. For pages through Flask's Jinja; for letters and paper, which are
made outside any request, through an environment of their own. Both have the same filters."""

from __future__ import annotations

import datetime as dt
import textwrap
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

import jinja2
from babel.dates import format_date, format_skeleton, format_time, get_timezone_name

from portal_app import clock, config, money
from portal_app.domain.firms import Firm
from portal_app.money import Currency
from portal_app.schema import folder

NEAR_DAYS = 180
Filter = Callable[..., Any]
_MEDIA = {
    "application/pdf": "PDF", "text/plain": "Text", "application/zip": "ZIP", "text/csv": "CSV",
    "application/msword": "Word", "image/jpeg": "JPEG", "image/png": "PNG",
    "application/vnd.openxmlformats-officedocument.wordprocessingml.document": "Word",
    "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet": "Excel",
}  # fmt: skip


@lru_cache(maxsize=4096)
def _date(day: dt.date, parts: str, locale: str) -> str:
    """``parts`` of a day, in the order and with the points of the locale."""
    return format_skeleton(parts, day, locale=locale)


@lru_cache(maxsize=4096)
def _date_as(day: dt.date, form: str, locale: str) -> str:
    return format_date(day, form, locale)


@lru_cache(maxsize=4096)
def _near(day: dt.date, today: dt.date, locale: str) -> str:
    """Jul 9, or with its year when that is far from today."""
    return _date(day, "MMMd" if abs((day - today).days) < NEAR_DAYS else "yMMMd", locale)


@lru_cache(maxsize=4096)
def _day_in(zone: str, moment: dt.datetime) -> dt.date:
    return clock.local(moment, zone).date()


@lru_cache(maxsize=4096)
def _time_in(zone: str, moment: dt.datetime, locale: str) -> str:
    return _time(clock.local(moment, zone).time().replace(second=0, microsecond=0), locale)


@lru_cache(maxsize=4096)
def _time(moment: dt.time, locale: str) -> str:
    """Canada's “p.m.” without its points: a sentence may end with the time, and has one of its own."""
    text = format_time(moment, "short", locale=locale).replace("\N{NARROW NO-BREAK SPACE}", "\N{NO-BREAK SPACE}")
    return text.replace("a.m.", "am").replace("p.m.", "pm")


@lru_cache(maxsize=4096)
def size(count: int) -> str:
    """Bytes as people say them: 212 kB."""
    for unit in ("B", "kB", "MB"):
        if count < 1000:
            return f"{count} {unit}"
        count = (count + 500) // 1000
    return f"{count} GB"


def media_name(media_type: str) -> str:
    """What a file is, in a word."""
    return _MEDIA.get(media_type, "File")


def plural(count: int, one: str, many: str = "") -> str:
    """1 invoice, 2 invoices."""
    return f"{count:,} {one if count == 1 else many or one + 's'}"


@dataclass(slots=True)
class Writing:
    """The hand of one firm for one reader, for one page or letter: its currency and locale, the reader's time zone and
    what day it is there."""

    firm: Firm
    zone: str
    locale: str = field(init=False)
    currency: Currency = field(init=False)
    today: dt.date = field(init=False)

    def __post_init__(self) -> None:
        self.locale, self.currency, self.today = self.firm.locale, self.firm.money, clock.today(self.zone)

    def money(self, cents: int) -> str:
        """$1,234.50"""
        return money.show(cents, self.currency)

    def bare(self, cents: int) -> str:
        """1,234.50: inside a column."""
        return money.bare(cents, self.currency)

    def hundredths(self, value: int) -> str:
        """Hours or units: 150 → 1.50."""
        return money.bare(value, money.currency("USD", self.locale))

    def day(self, day: dt.date) -> str:
        """Jul 9, 2026: where the year matters."""
        return _date(day, "yMMMd", self.locale)

    def month_day(self, day: dt.date) -> str:
        """Jul 9."""
        return _date(day, "MMMd", self.locale)

    def near_day(self, day: dt.date) -> str:
        """Jul 9, or with its year when that is far from today."""
        return _near(day, self.today, self.locale)

    def long_day(self, day: dt.date) -> str:
        """Thursday, July 16."""
        return f"{_date_as(day, 'EEEE', self.locale)}, {_date(day, 'MMMMd', self.locale)}"

    def full_day(self, day: dt.date) -> str:
        """July 16, 2026: in a letter."""
        return _date_as(day, "long", self.locale)

    def month(self, day: dt.date) -> str:
        return _date_as(day, "MMM", self.locale)

    def local_day(self, moment: dt.datetime) -> dt.date:
        """The reader's calendar day of a stored (UTC) moment."""
        return _day_in(self.zone, moment)

    def time_of(self, moment: dt.datetime) -> str:
        """9:41 AM, in the reader's zone."""
        return _time_in(self.zone, moment, self.locale)

    def zoned_time(self, moment: dt.datetime) -> str:
        """9:41 AM CST: where the zone cannot be guessed."""
        zone = get_timezone_name(clock.local(moment, self.zone), width="short", locale=self.locale)
        return f"{self.time_of(moment)} {zone}"

    def moment(self, moment: dt.datetime) -> str:
        """Jul 9, 9:41 AM, in the reader's zone."""
        return f"{self.near_day(self.local_day(moment))}, {self.time_of(moment)}"


HANDS = (
    "money", "bare", "hundredths", "day", "month_day", "near_day", "long_day", "full_day", "month", "local_day",
    "time_of", "zoned_time", "moment",
)  # fmt: skip


def filters(of: Callable[[str], Filter]) -> dict[str, Filter]:
    """Jinja's filters. ``of`` gives, for a method of :class:`Writing`, a filter that finds whose hand to use."""
    found: dict[str, Filter] = {
        "size": size,
        "media_name": media_name,
        "plural": plural,
        **{name: of(name) for name in HANDS},
    }
    for name in found.keys() - {"local_day"}:  # gives a day
        found[name].writes_text = True  # type: ignore[attr-defined]  # the compiler of templates asks for it
    return found


# Outside a request


@lru_cache(maxsize=1)
def _environment() -> jinja2.Environment:
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(folder("templates")), undefined=jinja2.StrictUndefined, trim_blocks=True,
        lstrip_blocks=True, autoescape=jinja2.select_autoescape(["html"]),
    )  # fmt: skip
    environment.filters.update(filters(_from_context))
    return environment


def _from_context(name: str) -> Filter:
    @jinja2.pass_context
    def write(context: jinja2.runtime.Context, value: Any) -> Any:
        return getattr(context["writing"], name)(value)

    return write


def compose(template: str, writing: Writing, **context: Any) -> str:
    """A letter's or a paper's template, filled in; it finds the firm as ``firm``."""
    return _environment().get_template(template).render(context, writing=writing, firm=writing.firm)


# The paragraphs of a letter

WIDTH = 72


@dataclass(frozen=True, slots=True)
class Paragraph:
    """Of a letter: some lines; or with ``link``, the one line that names it."""

    lines: list[str]
    link: str = ""

    @property
    def text(self) -> str:
        filled = [textwrap.fill(line, WIDTH, break_long_words=False, break_on_hyphens=False) for line in self.lines]
        return "\n".join([*filled, *([self.link] if self.link else [])])


def paragraph(text: str) -> Paragraph:
    lines = [line.strip() for line in text.splitlines()]
    is_link = len(lines) == 2 and lines[1].startswith(config.active().own_url + "/")
    return Paragraph(lines[:1], lines[1]) if is_link else Paragraph(lines)
