"""The facts of a matter, as its page shows them."""

from __future__ import annotations

from typing import NamedTuple

from portal_app.domain import matters
from portal_app.domain.matters import Matter
from portal_app.firm.matter_forms import ACCESS, FACTS
from portal_app.web.templates import writing


class Fact(NamedTuple):
    """One row: what the fact is ``called`` and what is ``said`` of it, empty where nothing is set. ``days_left`` of a
    statute of limitations that is near."""

    name: str
    called: str
    said: str
    days_left: int | None = None


def facts_of(matter: Matter) -> list[Fact]:
    return [fact_of(matter, name) for name in FACTS]


def fact_of(matter: Matter, name: str) -> Fact:
    """
    Raises:
        KeyError: a matter has no such fact.
    """
    called = FACTS[name]
    match name:
        case "client":
            return Fact(name, called, matter.client.name)
        case "responsible_attorney":
            return Fact(name, called, matter.responsible_attorney.name if matter.responsible_attorney_id else "")
        case "billing_method":
            return Fact(name, called, matter.billing_method_name)
        case "opened_on":
            return Fact(name, called, writing().day(matter.opened_on))
        case "limitations_on":
            day = matter.limitations_on
            return Fact(name, called, writing().day(day) if day else "", matter.days_to_file(writing().today))
        case "access":
            return Fact(name, called, _who_sees(matter))
    return Fact(name, called, getattr(matter, name))


def _who_sees(matter: Matter) -> str:
    if not matter.is_restricted:
        return ACCESS["everyone"]
    return "Only " + (", ".join(who.name for who in matters.staff_of(matter)) or "administrators")
