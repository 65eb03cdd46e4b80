"""What a report is: data, of which the page, the paper and the CSV are three ways of writing."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

from portal_app.domain.people import FirmUser

Kind = Literal["text", "code", "money", "hours", "count", "day", "month"]
Value = str | int | dt.date | None


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a reader asks for. Days are the firm's, both included; a report that shows a state shows it as of
    ``until``. ``by`` is what its rows are; ids of 0 stand for everybody. ``age`` is one of a receivable's ages."""

    today: dt.date
    since: dt.date | None = None
    until: dt.date | None = None
    by: str = ""
    attorney_id: int = 0
    client_id: int = 0
    matter_id: int = 0
    timekeeper_id: int = 0
    age: int | None = None

    @property
    def day(self) -> dt.date:
        """The day whose state is shown."""
        return self.until or self.today


@dataclass(frozen=True, slots=True)
class Column:
    """``key`` names it for other programs, ``title`` for people. ``money`` is cents, ``hours`` are hundredths;
    ``month`` is its first day, a ``code`` a text that is never broken."""

    key: str
    title: str
    kind: Kind = "text"

    @property
    def is_figure(self) -> bool:
        return self.kind in {"money", "hours", "count"}


@dataclass(frozen=True, slots=True)
class Link:
    """Where a figure comes from: a ``thing`` by its id ("invoice", 17), or, without one, this report as it is when
    these of :class:`Wanted`'s values are changed."""

    thing: str = ""
    id: int = 0
    changes: tuple[tuple[str, str | int], ...] = ()


def narrowed(**changes: str | int) -> Link:
    return Link(changes=tuple(changes.items()))


@dataclass(frozen=True, slots=True)
class Row:
    """Values for the columns; ``link`` leads on from the first of them, ``links`` from others by the column's key."""

    values: tuple[Value, ...]
    link: Link | None = None
    links: dict[str, Link] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Chart:
    """A drawing of some of the table's figures, all in cents. ``series`` are one or two names; each point has a label
    and a figure for each series. ``kind``: "bars" lie one below the other, "columns" stand side by side in time."""

    kind: Literal["bars", "columns"]
    title: str
    series: tuple[str, ...]
    points: tuple[tuple[str | dt.date, tuple[int, ...]], ...]

    @property
    def most(self) -> int:
        """The largest figure, for the scale; at least 1."""
        return max([1, *(abs(cents) for _, figures in self.points for cents in figures)])

    @property
    def top(self) -> int:
        """A round figure that is at least the largest: 1, 2 or 5 with zeros behind."""
        size = 10 ** len(str(self.most))
        return min(top for top in (size // 10, size // 5, size // 2, size) if top >= self.most)


@dataclass(frozen=True, slots=True)
class Table:
    """A report with its figures. ``totals`` are for the columns; ``notes`` are sentences below; ``main`` is the key of
    the figure that matters most, the last one if none is named."""

    columns: tuple[Column, ...]
    rows: list[Row]
    totals: tuple[Value, ...]
    chart: Chart
    notes: tuple[str, ...] = ()
    main: str = ""

    @property
    def key(self) -> str:
        return self.main or [column.key for column in self.columns if column.kind == "money"][-1]

    @property
    def is_wide(self) -> bool:
        """Whether it needs the whole page."""
        return len(self.columns) > 7


@dataclass(frozen=True, slots=True)
class Report:
    """A kind of report. ``groups`` are what its rows can be, by :attr:`Wanted.by`, the usual one first. ``build`` sees
    what its reader may see; without a reader, everything. ``months``: as many are shown until a period is asked for,
    the present one included; 0: all."""

    name: str
    title: str
    about: str
    groups: dict[str, str]
    build: Callable[[FirmUser | None, Wanted], Table]
    has_period: bool = True
    months: int = 0
    has_timekeepers: bool = False

    def table(self, who: FirmUser | None, wanted: Wanted) -> Table:
        """The figures; rows that the report does not know are its usual ones."""
        by = wanted.by if wanted.by in self.groups else next(iter(self.groups))
        return self.build(who, replace(wanted, by=by))


def totals_of(columns: Sequence[Column], rows: Sequence[Row]) -> tuple[Value, ...]:
    """Sums of the columns with figures; nothing below texts and days."""
    figures = zip(*(row.values for row in rows), strict=True) if rows else [() for _ in columns]
    return tuple(
        sum(value for value in values if isinstance(value, int)) if column.is_figure else None
        for column, values in zip(columns, figures, strict=True)
    )


MOST_BARS = 10


def bars(title: str, series: str, figures: Sequence[tuple[str, int]]) -> Chart:
    """The largest ones, and the rest in one."""
    ordered = sorted(figures, key=lambda figure: -figure[1])
    shown, rest = ordered[:MOST_BARS], ordered[MOST_BARS:]
    if rest:
        shown.append((f"{len(rest)} others", sum(cents for _, cents in rest)))
    return Chart("bars", title, (series,), tuple((name, (cents,)) for name, cents in shown))
