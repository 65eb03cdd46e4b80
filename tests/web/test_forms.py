"""Fields are drawn as WTForms draws them, and around what was typed nothing of somebody else's is kept."""

from __future__ import annotations

import html
from typing import Any

import pytest
from flask import Flask
from markupsafe import Markup, escape
from wtforms import HiddenField, RadioField, SelectField, StringField
from wtforms.validators import InputRequired, Length

from portal_app.web.fields import Choice, Hidden, Line, Money, Radios, Text
from portal_app.web.forms import Form
from portal_app.web.macros import Around

WAYS = {"card": "Card", "bank": "Bank & <more>"}
VALUES = ("", "plain", "100 % of %(value)s", '"><b>&amp;', "\ufdd0")


class Ours(Form):
    line = Line("A <line>")
    text = Text("Text")
    way = Choice("Way", choices=WAYS)
    seen = Radios("Seen", choices=WAYS)
    unseen = Hidden("", validators=[Length(max=5)])
    amount = Money("Amount")


class Theirs(Form):
    line = StringField("A <line>", validators=[InputRequired(), Length(max=120)])
    way = SelectField("Way", choices=WAYS)
    seen = RadioField("Seen", choices=WAYS)
    unseen = HiddenField("", validators=[Length(max=5)])


@pytest.fixture(autouse=True)
def _request(app: Flask) -> Any:
    with app.test_request_context("/"):
        yield


@pytest.fixture
def macros(app: Flask) -> dict[str, Around]:
    return {name: kept for name, kept in app.jinja_env.globals.items() if isinstance(kept, Around)}


@pytest.mark.parametrize("value", [*VALUES, None])
def test_controls_are_drawn_as_wtforms_draws_them(value: Any) -> None:
    data = {"line": value, "unseen": value}
    ours, theirs = Ours(formdata=None, data=data), Theirs(formdata=None, data=data)
    for name in ("line", "unseen"):
        said = {"autocomplete": "off", "data_part": "a&b"}
        assert str(ours[name](**said)) == str(theirs[name](**said)), name


@pytest.mark.parametrize("value", [*WAYS, None, "nobody"])
def test_choices_are_drawn_as_wtforms_draws_them(value: Any) -> None:
    data = {"way": value, "seen": value}
    ours, theirs = Ours(formdata=None, data=data), Theirs(formdata=None, data=data)
    assert str(ours.way(class_="short")) == str(theirs.way(class_="short"))
    for mine, other in zip(ours.seen, theirs.seen, strict=True):
        assert str(mine(autofocus=True)) == str(other(autofocus=True))
        assert (mine.id, mine.data, mine.checked, mine.label.text) == (
            other.id, other.data, other.checked, other.label.text,
        )  # fmt: skip


@pytest.mark.parametrize("name", ["field", "textarea"])
@pytest.mark.parametrize("hint", [None, "In % & <b>", Markup("<em>%s</em>")])
def test_what_stands_around_a_value_is_what_the_macro_draws(macros: dict[str, Around], name: str, hint: Any) -> None:
    around = macros[name]
    field = {"field": "line", "textarea": "text"}[name]
    for value in VALUES:
        form = Ours(formdata=None, data={field: value})
        expected = around.macro(form[field], hint, autocomplete="a%b")
        assert around(form[field], hint, autocomplete="a%b") == expected
        assert type(around(form[field], hint=hint, autocomplete="a%b")) is Markup


def test_what_one_person_typed_is_not_in_the_next_form(macros: dict[str, Around]) -> None:
    for value in ("Alice", "Bob"):
        drawn = macros["field"](Ours(formdata=None, data={"line": value}).line)
        assert f'value="{value}"' in drawn
    assert "Alice" not in repr(vars(Ours(formdata=None).line)["drawn"])
    chosen = [macros["select"](Ours(formdata=None, data={"way": way}).way) for way in WAYS]
    assert [text.count("selected") for text in chosen] == [1, 1]
    assert chosen[0] != chosen[1]


def test_an_error_is_drawn_and_not_kept(macros: dict[str, Around]) -> None:
    wrong, right = Ours(formdata=None), Ours(formdata=None)
    assert 'class="f"' in macros["field"](wrong.line)
    wrong.line.errors = ["Fill in <this> field."]
    assert "Fill in &lt;this&gt; field." in macros["field"](wrong.line)
    assert "Fill in" not in macros["field"](right.line)


def test_forms_of_several_things_keep_their_ids_apart(macros: dict[str, Around]) -> None:
    drawn = [macros["field"](Ours(formdata=None).at(number).line) for number in range(Around.MOST * 3)]
    assert len(set(drawn)) == len(drawn)
    assert len(vars(Ours(formdata=None).line)["drawn"]) <= Around.MOST


def test_what_nobody_sent_is_put_in_as_wtforms_puts_it_in() -> None:
    class Both(Form):
        fixed = StringField(default="a")
        made = StringField(default=lambda: "b")
        bare = StringField()
        cleaned = Line("Line")
        money = Money("Amount")

    form = Both(formdata=None, data={"cleaned": "  two\n words "}, money=1234)
    assert form.data == {"fixed": "a", "made": "b", "bare": None, "cleaned": "two words", "money": 1234}
    assert [field.errors for field in form] == [()] * 5


def test_each_form_has_fields_of_its_own() -> None:
    first, second = Ours(formdata=None, data={"line": "a"}), Ours(formdata=None, data={"line": "b"})
    first.line.errors = ["wrong"]
    first.form_errors.append("wrong")
    del first["text"]
    assert (second.line.data, second.line.errors, second.form_errors) == ("b", (), [])
    assert second.text is second["text"]
    assert [field.name for field in second] == [field.name for field in Ours(formdata=None)]


@pytest.mark.parametrize("prefix", ["", "row"])
def test_what_was_sent_is_read_and_checked(app: Flask, prefix: str) -> None:
    start = f"{prefix}-" if prefix else ""
    for line in ("a", "b", ""):
        sent = {f"{start}line": line, f"{start}way": "card", f"{start}seen": "bank", f"{start}amount": "12.50"}
        with app.test_request_context("/", method="POST", data=sent):
            form = Ours(prefix=prefix)
            assert form.is_sent
            assert form.validate() == bool(line)
            assert (form.line.data, form.way.data, form.seen.data, form.amount.data) == (line, "card", "bank", 1250)
            assert list(form.errors) == ([] if line else ["line"])


def test_names_of_other_alphabets_are_read_as_they_are() -> None:
    """They are written as references: the page's text stays small while it is handed on."""
    names = {"CI": "Côte d’Ivoire", "TR": "Türkiye & <more>"} | {f"X{number}": f"№ {number}" for number in range(150)}

    class Named(Form):
        where = Choice("Where", choices=names)

    for chosen in ("CI", "TR", "X149"):
        drawn = str(Named(formdata=None, data={"where": chosen}).where())
        assert drawn.isascii()
        assert drawn.count("selected") == 1
        expected = "".join(
            f'<option{" selected" if code == chosen else ""} value="{code}">{escape(name)}</option>'
            for code, name in names.items()
        )
        assert html.unescape(drawn) == html.unescape(f'<select id="where" name="where">{expected}</select>')
