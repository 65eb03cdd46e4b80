"""Jinja as both faces use it: one environment, the shared macros as globals, and how things are written."""

from __future__ import annotations

import datetime as dt
from functools import lru_cache
from typing import Any

import jinja2
from babel.dates import format_date, format_time
from flask import Flask, g
from flask_wtf.csrf import generate_csrf
from peewee import JOIN

from portal_app import clock, money, plugins
from portal_app.domain import firms
from portal_app.domain.access import may
from portal_app.domain.firms import Firm
from portal_app.domain.payments import Gateway
from portal_app.domain.people import FirmUser
from portal_app.schema import folder
from portal_app.web import assets
from portal_app.web.login import person

NEAR_DAYS = 180


def current_firm() -> Firm:
    """The firm, once a request, together with the gateway that is switched on."""
    if "firm" not in g:
        row = Firm.select(Firm, Gateway.plugin.alias("gateway")).join(
            Gateway, JOIN.LEFT_OUTER, on=Gateway.enabled_at.is_null(False)
        )
        found = row.where(Firm.id == 1).objects().first()
        if found is None:
            raise firms.NoFirm
        g.firm = found
    return g.firm


def is_rehearsing() -> bool:
    manifest = plugins.registry().manifests.get(current_firm().gateway or "")
    return manifest is not None and manifest.is_rehearsal


def zone() -> str:
    """The time zone to write times in: the person's, or the firm's before anybody signed in."""
    who = person()
    return who.time_zone if who is not None and who.time_zone else current_firm().time_zone


# Filters: how things are written


def show_money(cents: int) -> str:
    return money.show(cents, current_firm().money)


def bare_money(cents: int) -> str:
    return money.bare(cents, current_firm().money)


def hundredths(value: int) -> str:
    """Hours or units: 150 → 1.50."""
    return money.bare(value, money.currency("USD", current_firm().locale))


@lru_cache(maxsize=4096)
def _date(day: dt.date, pattern: str, locale: str) -> str:
    return format_date(day, pattern, locale)


def full_day(day: dt.date) -> str:
    """Jul 9, 2026: where the year matters."""
    return _date(day, "MMM d, y", current_firm().locale)


def near_day(day: dt.date) -> str:
    """Jul 9, or with its year when that is far from today."""
    today = clock.today(zone())
    return _date(day, "MMM d" if abs((day - today).days) < NEAR_DAYS else "MMM d, y", current_firm().locale)


def long_day(day: dt.date) -> str:
    """Thursday, July 16."""
    return _date(day, "EEEE, MMMM d", current_firm().locale)


def month(day: dt.date) -> str:
    return _date(day, "MMM", current_firm().locale)


def local_day(moment: dt.datetime) -> dt.date:
    """The viewer's calendar day of a stored (UTC) moment."""
    return clock.local(moment, zone()).date()


@lru_cache(maxsize=4096)
def _time(moment: dt.time, locale: str) -> str:
    return format_time(moment, "short", locale=locale).replace("\N{NARROW NO-BREAK SPACE}", "\N{NO-BREAK SPACE}")


def time_of(moment: dt.datetime) -> str:
    """9:41 AM, in the viewer's zone."""
    return _time(clock.local(moment, zone()).time().replace(second=0, microsecond=0), current_firm().locale)


def moment_of(moment: dt.datetime) -> str:
    """Jul 9, 9:41 AM, in the viewer's zone."""
    return f"{near_day(local_day(moment))}, {time_of(moment)}"


def size(count: int) -> str:
    """Bytes as people say them: 212 kB."""
    for unit in ("B", "kB", "MB"):
        if count < 1000:
            return f"{count} {unit}"
        count = (count + 500) // 1000
    return f"{count} GB"


def media_name(media_type: str) -> str:
    """What a file is, in a word."""
    known = {
        "application/pdf": "PDF", "text/plain": "Text", "application/zip": "ZIP", "text/csv": "CSV",
        "application/msword": "Word", "image/jpeg": "JPEG", "image/png": "PNG",
        "application/vnd.openxmlformats-officedocument.wordprocessingml.document": "Word",
        "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet": "Excel",
    }  # fmt: skip
    return known.get(media_type, "File")


def plural(count: int, one: str, many: str = "") -> str:
    """1 invoice, 2 invoices."""
    return f"{count:,} {one if count == 1 else many or one + 's'}"


FILTERS = {
    "money": show_money,
    "bare": bare_money,
    "hundredths": hundredths,
    "day": full_day,
    "near_day": near_day,
    "long_day": long_day,
    "month": month,
    "local_day": local_day,
    "time_of": time_of,
    "moment": moment_of,
    "size": size,
    "media_name": media_name,
    "plural": plural,
}


def _may(action: str) -> bool:
    who = person()
    return isinstance(who, FirmUser) and may(who, action)


def _context() -> dict[str, Any]:
    return {"firm": current_firm(), "person": person(), "rehearsal": is_rehearsing()}


def init_app(app: Flask) -> None:
    app.jinja_env.undefined = jinja2.StrictUndefined
    app.jinja_env.trim_blocks = app.jinja_env.lstrip_blocks = True
    app.jinja_env.filters.update(FILTERS)
    app.jinja_env.globals.update(
        asset=lambda name: assets.url(name, current_firm()),
        may=_may,
        csrf_token=generate_csrf,
        today=lambda: clock.today(zone()),
        now=clock.now,
    )
    app.context_processor(_context)
    module = app.jinja_env.get_template("layout/macros.html").module
    names = [name for name in dir(module) if not name.startswith("_")]
    app.jinja_env.globals.update({name: getattr(module, name) for name in names if callable(getattr(module, name))})


def template_folder() -> str:
    return str(folder("templates"))
