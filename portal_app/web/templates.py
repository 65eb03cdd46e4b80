"""Jinja as both faces use it: one environment, the shared macros as globals, and how things are written."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import jinja2
from flask import Flask
from jinja2.runtime import Macro
from markupsafe import Markup, escape
from peewee import JOIN, ModelSelect

from portal_app import clock, gateway_setup, plugins
from portal_app.domain import firms
from portal_app.domain.access import ACTIONS, actions_of
from portal_app.domain.firms import Firm
from portal_app.domain.payments import Gateway, PaymentRoad
from portal_app.domain.people import FirmUser
from portal_app.plugin_api import Fund
from portal_app.prepared import prepared_and_kept
from portal_app.schema import folder
from portal_app.web import assets
from portal_app.web.cookie import csrf_token
from portal_app.web.login import person
from portal_app.web.macros import Around, Kept
from portal_app.web.once import once, with_first
from portal_app.web.writing import Filter, Writing, filters, plural


@prepared_and_kept
def _firm() -> ModelSelect:
    """The firm, once for each road of operating money, with the gateway that takes it."""
    query = Firm.select(Firm, Gateway.plugin.alias("gateway"), Gateway.mode.alias("gateway_mode"))
    is_road = PaymentRoad.fund == Fund.OPERATING.value
    roads = query.join(PaymentRoad, JOIN.LEFT_OUTER, on=is_road)
    return roads.join(Gateway, JOIN.LEFT_OUTER, on=(PaymentRoad.gateway == Gateway.id)).where(Firm.id == 1).objects()


@once
def current_firm() -> Firm:
    """The firm, and what it takes payments through now: ``gateway``, the plugin (``None``: nothing can be paid);
    ``is_paused``: a live gateway is on that takes nothing here."""
    rows = _firm()
    if not rows:
        raise firms.NoFirm
    found: Firm = rows[0]
    known = plugins.registry().manifests
    takers = [row for row in rows if row.gateway in known]
    is_paused = [gateway_setup.pauses(row.gateway, row.gateway_mode) for row in takers]
    found.is_paused = any(is_paused)
    found.gateway = next((row.gateway for row, is_off in zip(takers, is_paused, strict=True) if not is_off), None)
    return found


def is_rehearsing() -> bool:
    manifest = plugins.registry().manifests.get(current_firm().gateway or "")
    return manifest is not None and manifest.is_rehearsal


def zone() -> str:
    """The time zone to write times in: the person's, or the firm's before anybody signed in."""
    who = person()
    return who.time_zone if who is not None and who.time_zone else current_firm().time_zone


@once
def writing() -> Writing:
    """How this page's reader has things written."""
    return Writing(current_firm(), zone())


def show_money(cents: int) -> str:
    return writing().money(cents)


def _in_request(name: str) -> Filter:
    return with_first(writing, getattr(Writing, name))


@once
def csrf() -> Markup:
    """The hidden field that every POST form begins with."""
    return Markup(f'<input type="hidden" name="csrf_token" value="{escape(csrf_token())}">')  # noqa: S704 - escaped


@once
def _allowed() -> frozenset[str]:
    """All that the person may do in the firm's face."""
    who = person()
    return actions_of(who.role_set) if isinstance(who, FirmUser) else frozenset()


def _may(action: str) -> bool:
    """Whether the person may do ``action``. An unknown action is a mistake in the template."""
    if action in _allowed():
        return True
    ACTIONS[action]
    return False


def described(field: Any, hint: str | None) -> str:
    """What the hint and the error of a field are called, for aria-describedby."""
    return " ".join([f"{field.id}-h"] * bool(hint) + [f"{field.id}-e"] * bool(field.errors))


def control(field: Any, hint: str | None, attributes: dict[str, Any]) -> Any:
    """The bare control with what assistive technology must know. Attributes without a value are left out."""
    told = {"aria-invalid": "true" if field.errors else None, "aria-describedby": described(field, hint) or None}
    told |= {name.replace("_", "-"): value for name, value in attributes.items()}
    return field.widget(field, **{name: value for name, value in told.items() if value is not None})


def _context() -> dict[str, Any]:
    return {"firm": current_firm(), "person": person(), "rehearsal": is_rehearsing()}


# They read nothing but the words that they are given.
_WORDS = "icon", "head", "state", "stamp", "mark", "foot", "client_nav", "firm_nav", "matter_tabs", "time_left"
_FIELDS = "field", "select", "textarea", "money_field"
_KEPT: dict[str, Callable[[Macro], Any]] = {
    **dict.fromkeys(_WORDS, Kept),
    **dict.fromkeys(_FIELDS, Around),
    "matter_filter": partial(Kept, most=64),  # it is as long as a client has matters
}


def init_app(app: Flask) -> None:
    app.jinja_env.undefined = jinja2.StrictUndefined
    app.jinja_env.trim_blocks = app.jinja_env.lstrip_blocks = True
    app.jinja_env.filters.update(filters(_in_request))
    app.jinja_env.globals.update(
        asset=lambda name: assets.url(name, current_firm()),
        integrity=assets.integrity,
        favicon=assets.favicon,
        may=_may,
        allowed=_allowed,
        csrf=csrf,
        csrf_token=csrf_token,
        control=control,
        described=described,
        today=lambda: clock.today(zone()),
        now=clock.now,
    )
    app.context_processor(_context)
    for template in ("layout/macros.html", "client/macros.html", "firm/macros.html"):  # these call those of the first
        module = vars(app.jinja_env.get_template(template).module)
        macros = [(name, value) for name, value in module.items() if isinstance(value, Macro)]
        app.jinja_env.globals.update({name: _KEPT[name](macro) if name in _KEPT else macro for name, macro in macros})


def template_folder() -> str:
    return str(folder("templates"))


__all__ = ["current_firm", "init_app", "is_rehearsing", "plural", "show_money", "template_folder", "writing", "zone"]
