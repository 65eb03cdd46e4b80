"""The forms of an invoice: what it bills, when it is due, why it is void."""

from __future__ import annotations

import datetime as dt
from typing import Any

from flask import request
from wtforms import SelectMultipleField
from wtforms.validators import Optional, Regexp, ValidationError

from portal_app import clock
from portal_app.domain import payments
from portal_app.domain.invoices import Invoice
from portal_app.domain.people import new_public_id
from portal_app.domain.timekeeping import WorkItem
from portal_app.firm.once import OnceForm
from portal_app.web.fields import Day, Hidden, Line, Money, Radios, Text
from portal_app.web.forms import Form
from portal_app.web.templates import current_firm

LONGEST_TERMS_DAYS = 365


def _id(typed: object) -> int:
    """A line's id; what is no id is no line, and the domain says so."""
    text = str(typed)
    return int(text) if text.isascii() and text.isdigit() and len(text) < 16 else 0


class DatesForm(Form):
    """When an invoice is issued and due; ``seen`` are the cents that the page showed as its total."""

    issued_on = Day("Invoice date")
    due_on = Day("Due date")
    seen = Hidden("", validators=[Optional(), Regexp(r"[0-9]{1,15}\Z", message="Open this page again.")])

    def validate_due_on(self, field: Day) -> None:
        start = self.issued_on.data
        if start is None or field.data is None:
            return
        if field.data < start:
            raise ValidationError("The due date is before the invoice date.")
        if (field.data - start).days > LONGEST_TERMS_DAYS:
            raise ValidationError("Choose a due date within a year of the invoice date.")

    @property
    def seen_cents(self) -> int | None:
        return int(self.seen.data) if self.seen.data else None

    @property
    def terms_days(self) -> int:
        return int((self.due_on.data - self.issued_on.data).days)

    @classmethod
    def from_terms(cls, terms_days: int, **kwargs: Any) -> Any:
        """Issued today, due after the terms."""
        today = clock.today(current_firm().time_zone)
        return cls(data={"issued_on": today, "due_on": today + dt.timedelta(days=terms_days)} | kwargs)


class InvoiceForm(DatesForm):
    """A choice of lines. ``key`` becomes the invoice's public id, so that pressing twice makes one invoice."""

    lines = SelectMultipleField("Lines", coerce=_id, validate_choice=False)
    note = Text("Note on the invoice")
    key = Hidden("", validators=[Regexp(r"[\w-]{20,32}\Z", message="Open this page again, then choose the lines.")])

    @property
    def chosen(self) -> list[int]:
        return self.lines.data or []

    @property
    def text(self) -> str:
        return self.note.data or ""

    @classmethod
    def new(cls, work: list[WorkItem], until: dt.date | None) -> InvoiceForm:
        """Everything unbilled is ticked, or what was done until a day; or what the address says, on the way back."""
        if "lines" in request.args:
            return cls(formdata=request.args)
        firm = current_firm()
        ticked = [item.id for item in work if until is None or item.worked_on <= until]
        start = {"note": firm.invoice_note, "key": new_public_id(), "lines": ticked}
        return cls.from_terms(firm.payment_terms_days, **start)

    @classmethod
    def of(cls, draft: Invoice, ticked: list[int]) -> InvoiceForm:
        start = {"note": draft.note, "key": draft.public_id, "lines": ticked}
        return cls.from_terms(draft.terms_days, **start)


class AdjustForm(OnceForm):
    """Less is owed: because less is asked for, or because it is not expected any more."""

    scope = "less"
    kind = Radios("What it is", choices=payments.ADJUSTMENTS, default="credit_note")
    amount = Money("Amount")
    reason = Line("Why?", most=200)


class UnappliedForm(Form):
    """``unapplied``: the cents that the page showed."""

    unapplied = Hidden("", validators=[Regexp(r"[0-9]{1,15}\Z", message="Open this page again.")])


class VoidForm(Form):
    reason = Line("Why is it void?", most=200)
