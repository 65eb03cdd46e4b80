"""Kinds of fields: strict ones for money, hours and days, limits on every text; and how their controls are drawn."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import Any, NamedTuple, cast

from markupsafe import Markup
from wtforms import Field, HiddenField, RadioField, SelectField, StringField, TextAreaField
from wtforms.fields import Label
from wtforms.validators import DataRequired, InputRequired, Length, ValidationError
from wtforms.widgets import RadioInput, Select, TextArea, TextInput

from portal_app import money
from portal_app.domain import people
from portal_app.domain.errors import Refused
from portal_app.web.macros import plainly
from portal_app.web.templates import current_firm

# Also those that turn the direction of writing: a name or a line must not read other than it is stored.
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]")


def _attributes(**given: Any) -> str:
    """As WTForms writes a control's attributes, at a tenth of the cost. What a form says of a control is written once;
    what somebody typed into it is kept by nobody."""
    value = given.pop("value", False)
    words = _written(tuple(given.items()))
    return words if value is False else f'{words} value="{plainly(value)}"'


@lru_cache(maxsize=1024, typed=True)
def _written(given: tuple[tuple[str, Any], ...]) -> str:
    named = [(_name(key), value) for key, value in sorted(given) if value is not False]
    return " ".join(name if value is True else f'{name}="{plainly(value)}"' for name, value in named)


def _name(key: str) -> str:
    key = key.rstrip("_")
    return key.replace("_", "-") if key.startswith(("data_", "aria_")) else key


class _Box(TextInput):
    is_filled = True  # of what it draws, only the value changes from form to form

    def __call__(self, field: Any, **kwargs: Any) -> Markup:
        return _input(self, field, {"value": field._value(), **kwargs})


def _input(widget: Any, field: Any, given: dict[str, Any]) -> Markup:
    """As WTForms draws an input, but for data lists, which no form here has."""
    flags = {name: value for name, value in vars(field.flags).items() if name in widget.validation_attrs}
    told = {"id": field.id, "type": widget.input_type, "name": field.name, **flags, **given}
    return Markup(f"<input {_attributes(**told)}>")  # noqa: S704 - _attributes escapes


def _clean(text: str | None) -> str:
    return _CONTROL.sub("", (text or "").replace("\r\n", "\n")).strip()


def _checks(most: int, is_required: bool) -> list[Any]:
    there = [DataRequired("Fill in this field.")] if is_required else []
    return [*there, Length(max=most, message=f"Use at most {most:,} characters.")]


class Line(StringField):
    """One line of text, at most ``most`` characters; control characters are dropped, length is checked, never cut."""

    widget = _Box()

    def __init__(self, label: str, *, most: int = 120, is_required: bool = True, **kwargs: Any) -> None:
        checks = [*_checks(most, is_required), *kwargs.pop("validators", [])]
        super().__init__(label, checks, filters=[_line], **kwargs)


def _line(text: str | None) -> str:
    return " ".join(_clean(text).split())


class _Area(TextArea):
    is_filled = True


class Text(TextAreaField):
    """Several lines of text."""

    widget = _Area()

    def __init__(self, label: str, *, most: int = 2000, is_required: bool = False, **kwargs: Any) -> None:
        checks = [*_checks(most, is_required), *kwargs.pop("validators", [])]
        super().__init__(label, checks, filters=[_clean], **kwargs)


def _choices(field: SelectField) -> dict[Any, str]:
    return cast(dict[Any, str], field.choices or {})


class Hidden(HiddenField):
    """What a form carries along unseen."""

    def __call__(self, **given: Any) -> Markup:
        words = _written((("id", self.id), ("name", self.name), ("type", "hidden"), *given.items()))
        value = plainly("" if self.data is None else str(self.data))
        return Markup(f'<input {words} value="{value}">')  # noqa: S704 - escaped


class RadioChoice(NamedTuple):
    """One of the choices of ``Radios``, as a template asks for it."""

    of: Radios
    id: str
    label: Label
    data: Any
    checked: bool

    def __call__(self, **given: Any) -> Markup:
        return _input(RadioInput, self.of, {"id": self.id, "value": self.data, "checked": self.checked} | given)


class Radios(RadioField):
    """One of a dictionary's keys, all to be seen at once."""

    def __iter__(self) -> Iterator[RadioChoice]:  # type: ignore[override]  # in place of WTForms' fields for each choice
        for number, (data, text) in enumerate(_choices(self).items()):
            name = f"{self.id}-{number}"
            yield RadioChoice(self, name, Label(name, text), data, self.coerce(data) == self.data)


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


class Options(Select):
    """A select whose options are written once: a list of countries, or of a firm's clients, costs more than the page
    around it. Its choices have no groups."""

    is_filled = True

    def __call__(self, field: Any, **kwargs: Any) -> Markup:
        kwargs.setdefault("id", field.id)
        if getattr(field.flags, "required", False):
            kwargs.setdefault("required", True)
        words = _attributes(name=field.name, **kwargs)
        return Markup(f"<select {words}>{field._value()}</select>")  # noqa: S704 - both are escaped


_MOST_LISTS, _LONG = 8, 100
_lists: dict[int, tuple[dict[Any, str], str]] = {}  # by identity: comparing 250 countries costs more than drawing them


def _options(choices: dict[Any, str]) -> str:
    """The options of ``choices``, which nobody changes in place."""
    known = _lists.get(id(choices))
    if known is None or known[0] is not choices:
        if len(_lists) >= _MOST_LISTS:
            _lists.clear()
        known = _lists[id(choices)] = (choices, _written_options(tuple(choices.items())))
    return known[1]


@lru_cache(maxsize=_MOST_LISTS)
def _written_options(choices: tuple[tuple[Any, str], ...]) -> str:
    named = _referred if len(choices) > _LONG else plainly
    return "".join([f'<option value="{plainly(value)}">{named(label)}</option>' for value, label in choices])


def _referred(text: str) -> str:
    """``text`` in ASCII, so that a long list takes half the memory, each time that it is handed on."""
    return plainly(text).encode("ascii", "xmlcharrefreplace").decode()


class Choice(SelectField):
    """One of a dictionary's keys, shown by its label."""

    widget = Options()

    def __init__(self, label: str, validators: Any = None, *, choices: Any = None, **kwargs: Any) -> None:
        super().__init__(label, validators, **kwargs)
        self.choices = choices  # as it is: WTForms would look at each country, and copy them all

    def _value(self) -> Markup:
        """Its options, with that which is chosen marked."""
        options = _options(_choices(self))
        if self.data is not None:
            chosen = f'value="{plainly(self.data)}"'
            options = options.replace(f"<option {chosen}", f"<option selected {chosen}", 1)
        return Markup(options)  # noqa: S704 - _options escapes
