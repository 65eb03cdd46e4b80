"""Forms: Flask-WTF with the domain's refusals at their fields, made and filled in at a fraction of the cost."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Self, TypeVar

from flask_wtf import FlaskForm
from flask_wtf.form import SUBMIT_METHODS, _Auto
from wtforms import Field
from wtforms.utils import unset_value

from portal_app.domain.errors import Refused
from portal_app.web import once

T = TypeVar("T")


class _Words:
    """What WTForms itself says of a choice that does not exist, in words for people."""

    def gettext(self, text: str) -> str:
        return "Choose from the list." if "hoice" in text else text

    def ngettext(self, one: str, many: str, count: int) -> str:
        return self.gettext(one if count == 1 else many)


_WORDS = _Words()


@dataclass(frozen=True, slots=True)
class _First:
    """What the first form of a class was made: its own attributes, and each field's name, class and attributes."""

    meta: Any
    own: dict[str, Any]
    fields: list[tuple[str, type[Field], dict[str, Any]]]

    @classmethod
    def of(cls, form: Form) -> _First:
        for field in form:  # what Around keeps of it
            vars(field)["drawn"] = {} if getattr(field.widget, "is_filled", False) else None
        of_one = {*form._fields, "_fields", "form_errors", "meta"}
        own = {name: value for name, value in vars(form).items() if name not in of_one}
        made = [(name, type(field), {**vars(field)}) for name, field in form._fields.items()]
        for _, _, attributes in made:
            attributes["_form"] = None  # ours do not ask for it, and forms in circles are left for the collector
        return cls(form.meta, own, made)


def _fill(field: Field, value: Any) -> None:
    """As WTForms' ``process`` of a field of which nothing was sent; a kind that has its own way of it goes that way."""
    if type(field).process is not Field.process:
        field.process(None, value)
        return
    field.process_errors, field.object_data = [], value
    try:
        field.process_data(value)
        for clean in field.filters:
            field.data = clean(field.data)
    except ValueError as problem:
        field.process_errors.append(problem.args[0])


class Form(FlaskForm):
    """A form of ours. ``refuse`` marks the field that the domain refused. ``scope`` tells the fields of several forms
    on one page apart: it begins their ids, not their names; ``at`` the same form for several things."""

    scope = ""
    _first: _First

    class Meta(FlaskForm.Meta):
        csrf = False  # CSRFProtect has refused whatever came without the token before any form is made

        def get_translations(self, form: object) -> _Words:  # noqa: ARG002 - WTForms' signature
            return _WORDS

        def wrap_formdata(self, form: Any, formdata: Any) -> Any:
            is_drawn = formdata is _Auto and once.asked().method == "GET"
            return None if is_drawn else super().wrap_formdata(form, formdata)

    def __init__(
        self, formdata: Any = _Auto, obj: Any = None, prefix: str = "", data: Any = None, **given: Any
    ) -> None:  # fmt: skip
        """As WTForms does; but a form's fields are made once, and from then on what the first of its class was made is
        copied: labels, checks and choices are the same for all of them, and nothing changes them in place."""
        first: _First | None = vars(type(self)).get("_first")
        if first is None or prefix:
            super().__init__(formdata=formdata, obj=obj, prefix=prefix, data=data, **given)
        else:
            self._begin(first)
            self.process(formdata, obj, data, **given)
        if self.scope:
            self._put(self.scope)

    def _begin(self, first: _First) -> None:
        fields: OrderedDict[str, Field] = OrderedDict()
        self.__dict__.update(first.own, meta=first.meta, form_errors=[], _fields=fields)
        for name, kind, made in first.fields:
            fields[name] = field = object.__new__(kind)
            field.__dict__.update(made)
        self.__dict__.update(fields)

    def process(self, formdata: Any = None, obj: Any = None, data: Any = None, **given: Any) -> None:
        """As WTForms does; but what nobody has sent is only put into the fields, without the filters, names and signals
        that it looks for on the way: none of our forms has them."""
        if "_first" not in vars(type(self)) and not self._prefix:
            type(self)._first = _First.of(self)
        sent = self.meta.wrap_formdata(self, formdata)
        if sent is not None or obj is not None:
            super().process(sent, obj, data, **given)
            return
        known = {**(data or {}), **given}
        for name, field in self._fields.items():
            value = known.get(name, unset_value)
            if value is unset_value:
                value = field.default() if callable(field.default) else field.default
            _fill(field, value)

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
        return once.asked().method in SUBMIT_METHODS
