"""Forms: Flask-WTF with our own strict fields for money, hours and days, and limits on every text."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Any, Self, TypeVar

from flask_wtf import FlaskForm
from markupsafe import Markup
from wtforms import Field, HiddenField, RadioField, SelectField, StringField, TextAreaField
from wtforms.validators import DataRequired, InputRequired, Length, ValidationError
from wtforms.widgets import HiddenInput, RadioInput, Select, TextInput

from portal_app import money
from portal_app.domain import people
from portal_app.domain.errors import Refused
from portal_app.web.compiling import plainly
from portal_app.web.templates import current_firm

T = TypeVar("T")

# Also those that turn the direction of writing: a name or a line must not read other than it is stored.
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]")


def _attributes(**given: Any) -> str:
    """As WTForms writes a control's attributes, at a tenth of the cost."""
    written = []
    for key, value in sorted(given.items()):
        if value is True:
            written.append(_name(key))
        elif value is not False:
            written.append(f'{_name(key)}="{plainly(value)}"')
    return " ".join(written)


@lru_cache(maxsize=256)
def _name(key: str) -> str:
    key = key.rstrip("_")
    return key.replace("_", "-") if key.startswith(("data_", "aria_")) else key


class _Box(TextInput):
    def __call__(self, field: Any, **kwargs: Any) -> Markup:
        return _input(self, field, kwargs)


class _Unseen(HiddenInput):
    def __call__(self, field: Any, **kwargs: Any) -> Markup:
        return _input(self, field, kwargs)


class _Dot(RadioInput):
    html_params = staticmethod(_attributes)


def _input(widget: Any, field: Any, given: dict[str, Any]) -> Markup:
    """As WTForms draws an input, but for data lists, which no form here has."""
    flags = {name: value for name, value in vars(field.flags).items() if name in widget.validation_attrs}
    value = field._value()
    told = {"id": field.id, "type": widget.input_type, "name": field.name, "value": value, **flags, **given}
    return Markup(f"<input {_attributes(**told)}>")  # noqa: S704 - _attributes escapes


class _Words:
    """What WTForms itself says of a choice that does not exist, in words for people."""

    def gettext(self, text: str) -> str:
        return "Choose from the list." if "hoice" in text else text

    def ngettext(self, one: str, many: str, count: int) -> str:
        return self.gettext(one if count == 1 else many)


_WORDS = _Words()


class Form(FlaskForm):
    """A form of ours. ``refuse`` marks the field that the domain refused. ``scope`` tells the fields of several forms
    on one page apart: it begins their ids, not their names; ``at`` the same form for several things."""

    scope = ""

    class Meta(FlaskForm.Meta):
        csrf = False  # CSRFProtect has refused whatever came without the token before any form is made

        def get_translations(self, form: object) -> _Words:  # noqa: ARG002 - WTForms' signature
            return _WORDS

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if self.scope:
            self._put(self.scope)

    def at(self, number: int) -> Self:
        """This form, for one of several things of a page."""
        self._put(f"{self.scope}-{number}")
        return self

    def _put(self, scope: str) -> None:
        for field in self:
            field.id = f"{scope}-{field.name}"

    def refuse(self, problem: Refused) -> None:
        """Write the domain's sentence at its field, or at the top when it has none here."""
        field = self._fields.get(problem.field)
        if field is None:
            self.form_errors.append(str(problem))
        else:
            field.errors = [*field.errors, str(problem)]

    def done(self, act: Callable[[], T]) -> T | None:
        """What ``act`` gives, once what was typed can be taken; ``None`` when it cannot, or ``act`` was refused."""
        if not self.validate():
            return None
        try:
            return act()
        except Refused as problem:
            self.refuse(problem)
            return None

    @property
    def is_sent(self) -> bool:
        return self.is_submitted()


def _clean(text: str | None) -> str:
    return _CONTROL.sub("", (text or "").replace("\r\n", "\n")).strip()


class Line(StringField):
    """One line of text, at most ``most`` characters; control characters are dropped, length is checked, never cut."""

    widget = _Box()

    def __init__(self, label: str, *, most: int = 120, is_required: bool = True, **kwargs: Any) -> None:
        checks: list[Any] = [Length(max=most, message=f"Use at most {most} characters.")]
        if is_required:
            checks.insert(0, DataRequired("Fill in this field."))
        super().__init__(label, [*checks, *kwargs.pop("validators", [])], filters=[_line], **kwargs)


def _line(text: str | None) -> str:
    return " ".join(_clean(text).split())


class Text(TextAreaField):
    """Several lines of text."""

    def __init__(self, label: str, *, most: int = 2000, is_required: bool = False, **kwargs: Any) -> None:
        checks: list[Any] = [Length(max=most, message=f"Use at most {most:,} characters.")]
        if is_required:
            checks.insert(0, DataRequired("Fill in this field."))
        super().__init__(label, [*checks, *kwargs.pop("validators", [])], filters=[_clean], **kwargs)


class Hidden(HiddenField):
    """What a form carries along unseen."""

    widget = _Unseen()


class Radios(RadioField):
    """One of a dictionary's keys, all to be seen at once."""

    option_widget = _Dot()


class EmailLine(Line):
    """An e-mail address, in its comparable form."""

    def __init__(self, label: str = "E-mail", *, is_required: bool = True, **kwargs: Any) -> None:
        super().__init__(label, most=254, is_required=is_required, **kwargs)

    def post_validate(self, form: Any, validation_stopped: bool) -> None:  # noqa: ARG002 - WTForms' signature
        if validation_stopped or not self.data:
            return
        try:
            self.data = people.clean_email(self.data)
        except Refused as problem:
            raise ValidationError(str(problem)) from None


class _Typed(Field):
    """A field that keeps what was typed when it cannot be understood."""

    widget = _Box()
    is_optional: bool

    def __init__(self, label: str, *, is_required: bool = True, **kwargs: Any) -> None:
        checks = [InputRequired("Fill in this field.")] if is_required else []
        super().__init__(label, [*checks, *kwargs.pop("validators", [])], **kwargs)
        self.is_optional = not is_required
        self.typed: str | None = None

    def process_formdata(self, valuelist: Sequence[str]) -> None:
        if not valuelist:
            return
        self.typed = valuelist[0][:200]
        if self.is_optional and not self.typed.strip():
            self.data = None
            return
        self.data = None
        self.data = self.understand(self.typed)

    def understand(self, typed: str) -> Any:
        raise NotImplementedError(typed)

    def written(self) -> str:
        raise NotImplementedError(self.name)

    def _value(self) -> str:
        if self.typed is not None:
            return self.typed
        return "" if self.data is None else self.written()


class Money(_Typed):
    """An amount in the firm's currency, as whole cents."""

    def __init__(self, label: str, *, may_be_zero: bool = False, **kwargs: Any) -> None:
        super().__init__(label, **kwargs)
        self.may_be_zero = may_be_zero

    @property
    def symbol(self) -> str:
        return current_firm().money.symbol

    def understand(self, typed: str) -> int:
        read = money.parse if self.may_be_zero else money.parse_positive
        try:
            return read(typed, current_firm().money)
        except money.BadAmount as problem:
            raise ValueError(str(problem)) from None

    def written(self) -> str:
        return money.bare(self.data, current_firm().money)


class Hundredths(_Typed):
    """Hours or units with up to two decimals, as the firm writes numbers, in whole hundredths: 1.5 → 150. Hours may be
    typed as 1:30."""

    MOST = 100_000_00

    def understand(self, typed: str) -> int:
        text, hand = typed.strip(), current_firm().money
        clock_time = re.fullmatch(r"([0-9]{1,4}):([0-5][0-9])", text)
        if clock_time:
            value = int(clock_time[1]) * 100 + (int(clock_time[2]) * 100 + 30) // 60
        else:
            found = money.figures(f"0{text}" if text.startswith(hand.decimal) else text, hand)
            if found is None or len(found[1]) > 2:
                raise ValueError(f"Enter a number with at most two decimals, for example 1{hand.decimal}5.")
            value = int(found[0] + found[1].ljust(2, "0"))
        if not 0 < value <= self.MOST:
            raise ValueError("Enter a number above zero.")
        return value

    def written(self) -> str:
        return money.bare(self.data, current_firm().money)


class Day(_Typed):
    """A calendar day as browsers' date fields send it: 2026-07-16."""

    def understand(self, typed: str) -> dt.date:
        text = typed.strip()
        if not re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", text):
            raise ValueError("Enter a date as year-month-day, for example 2026-07-16.")
        try:
            day = dt.date.fromisoformat(text)
        except ValueError:
            raise ValueError("There is no such day.") from None
        if not 1900 <= day.year <= 2200:
            raise ValueError("Enter a year between 1900 and 2200.")
        return day

    def written(self) -> str:
        return str(self.data.isoformat())


class TimeOfDay(_Typed):
    """A time as browsers' time fields send it: 14:30."""

    def understand(self, typed: str) -> dt.time:
        found = re.fullmatch(r"([01]?[0-9]|2[0-3]):([0-5][0-9])(?::[0-5][0-9])?", typed.strip())
        if found is None:
            raise ValueError("Enter a time, for example 14:30.")
        return dt.time(int(found[1]), int(found[2]))

    def written(self) -> str:
        return str(self.data.strftime("%H:%M"))


class _Options(Select):
    """A select whose options are written once: a list of countries costs more than the page around it."""

    def __call__(self, field: Any, **kwargs: Any) -> Markup:
        kwargs.setdefault("id", field.id)
        if getattr(field.flags, "required", False):
            kwargs.setdefault("required", True)
        chosen = "" if field.data is None else str(field.data)
        options = _options(tuple(field.choices.items()), chosen)
        return Markup(f"<select {_attributes(name=field.name, **kwargs)}>{options}</select>")  # noqa: S704


@lru_cache(maxsize=64)
def _options(choices: tuple[tuple[Any, str], ...], chosen: str) -> Markup:
    row, mark = Markup('<option {}value="{}">{}</option>'), Markup("selected ")
    rows = [row.format(mark if str(value) == chosen else "", value, label) for value, label in choices]
    return Markup("").join(rows)


class Choice(SelectField):
    """One of a dictionary's keys, shown by its label."""

    widget = _Options()

    def __init__(self, label: str, validators: Any = None, *, choices: Any = None, **kwargs: Any) -> None:
        super().__init__(label, validators, **kwargs)
        self.choices = choices  # as it is: WTForms would look at each country, and copy them all
