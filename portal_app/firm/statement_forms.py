"""The forms of a bank's file: choosing it, and saying how it is read."""

from __future__ import annotations

import datetime as dt
from typing import Any

from flask_wtf.file import FileField
from werkzeug.datastructures import FileStorage, MultiDict
from wtforms.validators import ValidationError

from portal_app.domain.statements import DECIMALS, DELIMITERS, NONE, ORDERS, Mapping, Preview
from portal_app.firm.once import OnceForm
from portal_app.web.fields import Choice, Day, Money
from portal_app.web.forms import Form

SIGNS = {"plain": "What goes out has a minus", "reversed": "What comes in has a minus"}
TABLE = "delimiter skip date order text text2 reference amount debit credit decimal".split()
MOST_SKIPPED = 40


class StatementFileForm(OnceForm):
    file = FileField("The bank’s file")

    def validate_file(self, field: FileField) -> None:
        if not isinstance(field.data, FileStorage) or not field.data.filename:
            raise ValidationError("Choose a file.")


class Balance(Money):
    """What is on an account, as whole cents; an overdrawn one has a minus."""

    def __init__(self, label: str, **kwargs: Any) -> None:
        super().__init__(label, may_be_zero=True, **kwargs)

    def understand(self, typed: str) -> int:
        text = typed.strip()
        is_minus = text.startswith(("-", "−"))
        cents = super().understand(text.lstrip("-−") if is_minus else text)
        return -cents if is_minus else cents


class StatementForm(Form):
    """The statement's days and balances, as the bank's own paper has them. Empty: as the file says."""

    starts_on = Day("First day", is_required=False)
    ends_on = Day("Last day", is_required=False)
    opening = Balance("Opening balance", is_required=False)
    closing = Balance("Closing balance", is_required=False)

    def given(self) -> dict[str, Any]:
        """What was typed, as :func:`statements.preview` takes it."""
        return {
            "starts_on": self.starts_on.data, "ends_on": self.ends_on.data, "opening_cents": self.opening.data,
            "closing_cents": self.closing.data,
        }  # fmt: skip

    @property
    def mapping(self) -> Mapping | None:
        return None


class TableForm(StatementForm):
    """And for a table, which column says what."""

    delimiter = Choice("Between the columns", choices=DELIMITERS)
    skip = Choice("Lines above the first entry", coerce=int)
    date = Choice("Date", coerce=int)
    order = Choice("Dates are written", choices=ORDERS)
    text = Choice("Description", coerce=int)
    text2 = Choice("More of it", coerce=int)
    reference = Choice("Check or reference number", coerce=int)
    amount = Choice("Amount", coerce=int)
    debit = Choice("Going out", coerce=int)
    credit = Choice("Coming in", coerce=int)
    sign = Choice("Signs", choices=SIGNS)
    decimal = Choice("Amounts are written", choices=DECIMALS)

    def offer(self, kept: Mapping, columns: list[str]) -> None:
        """The columns that can be chosen; ``kept`` is how the file is read when what was chosen cannot be."""
        self.kept = kept
        named = {str(number): name for number, name in enumerate(columns)}
        self.skip.choices = {str(count): str(count) if count else "None" for count in range(MOST_SKIPPED + 1)}
        for field in (self.date, self.text):
            field.choices = named
        for field in (self.text2, self.reference, self.amount, self.debit, self.credit):
            field.choices = {str(NONE): "None", **named}

    @property
    def mapping(self) -> Mapping:
        if any(self[name].errors for name in (*TABLE, "sign")):
            return self.kept
        return Mapping(
            delimiter=self.delimiter.data or ",", skip=self.skip.data or 0, date=self.date.data or 0,
            order=self.order.data or "mdy", text=self.text.data or 0, text2=_column(self.text2.data),
            reference=_column(self.reference.data), amount=_column(self.amount.data), debit=_column(self.debit.data),
            credit=_column(self.credit.data), is_reversed=self.sign.data == "reversed",
            decimal=self.decimal.data or ".",
        )  # fmt: skip


def _column(value: int | None) -> int:
    return NONE if value is None else value


def values_of(mapping: Mapping) -> dict[str, Any]:
    """A mapping as the form's own values."""
    values = {name: getattr(mapping, name) for name in TABLE}
    return values | {"sign": "reversed" if mapping.is_reversed else "plain"}


def drawn(mapping: Mapping | None, columns: list[str], said: Any) -> StatementForm:
    """The form for a file. ``said``: what a preview asks for (perhaps nothing yet), or ``None``: the form was sent."""
    kind = StatementForm if mapping is None else TableForm
    values = {} if mapping is None else values_of(mapping)
    form = kind() if said is None else kind(formdata=said or None, data=values)
    if isinstance(form, TableForm) and mapping is not None:
        form.offer(mapping, columns)
    return form


def delimiter_of(said: MultiDict[str, str], kept: Mapping) -> tuple[str, int]:
    """The separator and the lines above that are asked for, if they are any: the columns depend on them."""
    mark, skip = said.get("delimiter", kept.delimiter), said.get("skip", str(kept.skip))
    is_count = skip.isascii() and skip.isdigit() and len(skip) <= 2 and int(skip) <= MOST_SKIPPED
    return mark if mark in DELIMITERS else kept.delimiter, int(skip) if is_count else kept.skip


def fill(form: StatementForm, found: Preview) -> None:
    """Write what the file says into the fields that were left empty."""
    for field, value in ((form.starts_on, found.starts_on), (form.ends_on, found.ends_on)):
        if field.typed is None and isinstance(value, dt.date):
            field.data = value
    if form.opening.typed is None and (found.is_opening_told or not found.is_first):
        form.opening.data = found.opening_cents
    if form.closing.typed is None and found.is_closing_told:
        form.closing.data = found.closing_cents
