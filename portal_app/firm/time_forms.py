"""The forms of work: time, an expense, a flat fee."""

from __future__ import annotations

from typing import Any

from wtforms import BooleanField
from wtforms.validators import ValidationError

from portal_app import clock
from portal_app.domain import people, utbms
from portal_app.domain.errors import Refused
from portal_app.domain.people import FirmUser
from portal_app.domain.timekeeping import WorkItem
from portal_app.firm.once import OnceForm
from portal_app.web.fields import Choice, Day, Hidden, Hundredths, Line, Money, Text
from portal_app.web.templates import show_money, zone

CODES = ("task_code", "activity_code", "expense_code")


def _coded(names: dict[str, str]) -> dict[str, str]:
    """A choice of codes, none of them first."""
    return {"": "None", **{code: f"{code} {name}" for code, name in names.items()}}


class WorkForm(OnceForm):
    """What time, expenses and flat fees have in common."""

    kind = Hidden("")
    worked_on = Day("Date")
    timekeeper = Choice("Timekeeper", coerce=int)
    description = Text("Description", is_required=True)
    is_billable = BooleanField("Bill this to the client", default=True)

    def __init__(self, *, item: WorkItem | None = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        if item is not None:
            del self.key
        self.staff = people.active_firm_users()
        if item is not None and item.timekeeper not in self.staff:
            self.staff.append(item.timekeeper)  # an old entry may name somebody who has left
        self.timekeeper.choices = {who.id: self.name_of(who) for who in self.staff}

    def name_of(self, who: FirmUser) -> str:
        return str(who.name)

    def values(self) -> dict[str, Any]:
        """What was typed, as :func:`timekeeping.record` and :func:`timekeeping.change` take it."""
        return {
            "worked_on": self.worked_on.data,
            "timekeeper": next(who for who in self.staff if who.id == self.timekeeper.data),
            "description": self.description.data,
            "is_billable": self.is_billable.data,
            "quantity_hundredths": self["quantity"].data if "quantity" in self else 100,
            "rate_cents": self["rate"].data,
            **{name: self[name].data or "" for name in CODES if name in self},
        }


class FeeForm(WorkForm):
    """Time and flat fees: with the codes of fees."""

    task_code = Line("Task code", most=5, is_required=False)
    activity_code = Choice("Activity", choices=_coded(utbms.ACTIVITIES), default="")

    def validate_task_code(self, field: Line) -> None:
        try:
            field.data = utbms.clean_task(field.data or "")
        except Refused as problem:
            raise ValidationError(str(problem)) from None


class TimeForm(FeeForm):
    quantity = Hundredths("Hours")
    rate = Money("Hourly rate", is_required=False)

    def name_of(self, who: FirmUser) -> str:
        return f"{who.name}, {show_money(who.rate_cents)}" if who.rate_cents else str(who.name)

    def validate_rate(self, field: Money) -> None:
        """An empty rate is the timekeeper's usual one."""
        if field.data is None and not field.errors:
            rates = {who.id: who.rate_cents for who in self.staff}
            field.data = rates.get(self.timekeeper.data) or None
            if field.data is None:
                raise ValidationError("Enter a rate: this timekeeper has no usual one.")


class ExpenseForm(WorkForm):
    quantity = Hundredths("Quantity")
    rate = Money("Price of one")
    expense_code = Choice("Kind of expense", choices=_coded(utbms.EXPENSES), default="")


class FlatFeeForm(FeeForm):
    rate = Money("Fee")


FORMS: dict[str, type[WorkForm]] = {"time": TimeForm, "expense": ExpenseForm, "flat_fee": FlatFeeForm}


def empty_form(kind: str, who: FirmUser) -> WorkForm:
    """A new entry: today, by ``who``, at the usual rate."""
    start: dict[str, Any] = {"kind": kind, "worked_on": clock.today(zone()), "timekeeper": who.id}
    if kind == "time":
        start["rate"] = who.rate_cents or None
    if kind == "expense":
        start["quantity"] = 100
    return FORMS[kind](formdata=None, data=start)


def form_of(item: WorkItem) -> WorkForm:
    """The entry as it stands, or as it was just typed; several may be open on one page."""
    start = {
        "kind": item.kind, "worked_on": item.worked_on, "timekeeper": item.timekeeper_id, "rate": item.rate_cents,
        "description": item.description, "is_billable": item.is_billable, "quantity": item.quantity_hundredths,
        **{name: getattr(item, name) for name in CODES},
    }  # fmt: skip
    form = FORMS[item.kind](item=item, data=start)
    form.scope = "work"
    return form.at(item.id)
