"""What a reader of a report asks for, as it stands in the address: filters stay there from page to page, and in the
links to paper and CSV."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import urlencode

from flask import request

from portal_app.domain import clients, people
from portal_app.domain.reports import Link, Report, Wanted
from portal_app.firm.csv import day_of

NAMES = {
    "since": "from", "until": "to", "by": "by", "attorney_id": "attorney", "client_id": "client",
    "matter_id": "matter", "timekeeper_id": "timekeeper", "age": "age",
}  # fmt: skip
THINGS = {
    "matter": "/firm/matters/{}/ledger", "work": "/firm/matters/{}/time", "invoice": "/firm/invoices/{}",
    "entry": "/firm/ledger/{}", "trust": "/firm/matters/{}/trust",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Asked:
    """A report with what was asked for."""

    report: Report
    wanted: Wanted

    @classmethod
    def read(cls, report: Report, today: dt.date) -> Asked:
        """From the address. What cannot be understood is left out."""
        since = day_of("from") if report.has_period else None
        if report.months and "from" not in request.args and "to" not in request.args:
            since = _months_back(today, report.months - 1)
        by, age = request.args.get("by", ""), _number("age")
        found = Wanted(
            today=today, since=since, until=day_of("to"), by=by if by in report.groups else next(iter(report.groups)),
            attorney_id=_number("attorney") or 0, client_id=_number("client") or 0, matter_id=_number("matter") or 0,
            timekeeper_id=(_number("timekeeper") or 0) if report.has_timekeepers else 0, age=age,
        )  # fmt: skip
        return cls(report, found)

    def query(self, **changes: Any) -> str:
        """The address's question with some of :class:`Wanted`'s values changed. A period that begins with the books is
        said, where the report would begin later by itself."""
        wanted = replace(self.wanted, **changes)
        values = {name: getattr(wanted, key) for key, name in NAMES.items()}
        said = {name: value for name, value in values.items() if value or (name == "age" and value is not None)}
        if self.report.months and "from" not in said and "to" not in said:
            said["from"] = ""
        return urlencode(said)

    def href(self, link: Link | None) -> str:
        """Where a figure leads to; empty: nowhere."""
        if link is None:
            return ""
        if link.thing:
            return THINGS[link.thing].format(link.id)
        changes = {key: _typed(key, value) for key, value in link.changes}
        return f"/firm/reports/{self.report.name}?{self.query(**changes)}"

    @property
    def choices(self) -> dict[str, dict[int, str]]:
        """Whom one may ask for, by the name in the address."""
        staff = people.firm_users()
        found = {
            "attorney": {who.id: who.name for who in staff if who.has_role("attorney", "administrator")},
            "client": dict(clients.names()),
        }
        if self.report.has_timekeepers:
            found["timekeeper"] = {who.id: who.name for who in staff}
        return found

    @property
    def chosen(self) -> dict[str, int]:
        """Who is asked for, by the name in the address; 0: everybody."""
        wanted = self.wanted
        return {"attorney": wanted.attorney_id, "client": wanted.client_id, "timekeeper": wanted.timekeeper_id}


def _typed(key: str, value: str | int) -> Any:
    return dt.date.fromisoformat(str(value)) if key in {"since", "until"} else value


def _months_back(today: dt.date, months: int) -> dt.date:
    """The first of the month so many months ago."""
    month = today.year * 12 + today.month - 1 - months
    return dt.date(month // 12, month % 12 + 1, 1)


def _number(name: str) -> int | None:
    typed = request.args.get(name, "")
    return int(typed) if typed.isascii() and typed.isdigit() and len(typed) < 16 else None
