"""Templates draw the same with our compiler and context as with Jinja's own; a new Jinja that differs is seen here."""

from __future__ import annotations

from types import MethodType
from typing import Any

import jinja2
import pytest
from flask import Flask
from jinja2.compiler import CodeGenerator
from jinja2.runtime import Context
from markupsafe import Markup

from portal_app.web.compiling import Calling, Compiler, Pages
from portal_app.web.macros import Around, Kept, plainly

PAGE = """
{%- macro row(name, cents=5) -%}
<b title="{{ name }}">{{ cents }} {{ varargs|join }} {{ kwargs }}</b>
{%- endmacro -%}
{%- macro short(name, kind="plain") -%}<i class="{{ kind }}">{{ name }}</i>{%- endmacro -%}
{%- macro box(title) -%}<p>{{ title }}: {{ caller() }}</p>{%- endmacro -%}
{%- for name in names -%}
{{ row(name) }}{{ row(name, 7, "<", ">", of="&") }}
{{ short(name) }}{{ short(kind="<k>", name=name) }}{{ short(name, "x") }}
{%- call box(name) %}{{ loop.index }} {{ number }}{% endcall -%}
{%- endfor -%}
{{ html }} {{ none }} {{ number }} {{ truth }} {{ names }} {{ thing.upper() }} {{ thing.shout("<") }}
{{ " on" if truth }}{{ " off" if not truth }}{{ "<b>" if truth else "&" }}{{ names if truth else "" }}
{{ shout("<a>") }}{{ shout(text="b", end=html) }}{{ shout(*["c"]) }}{{ shout(**{"text": "d"}) }}{% set shout = given %}
{{ shout("e") }}{% for number in [1] %}{{ number }}{% set number = 2 %}{{ number }}{% endfor %}{{ number }}
{{ thing("called") }}{{ asking("called") }}
{{ given("<&>") }} {{ told() }} {{ method() }} {{ "%s"|format(html) }} {{ names|length }} {{ names.index("Bo & Co") }}
{{ "<" ~ number ~ names[0] }}{{ "<" ~ html ~ names[0] }}{{ html ~ "<" }}{{ "a" ~ truth ~ none ~ 0.5 }}{{ "<" ~ "b" }}
{{ thing.text }}{{ thing.count }}{{ thing.html }}{{ thing.none }}{{ given.__name__ }}{{ table.text }}
{{ ("<" ~ html)|upper }}{{ ("<" ~ number)|upper }}
{% autoescape false %}{{ "<" ~ html ~ names[0] }}{{ names }}{{ short("<") }}{% endautoescape %}
"""


class Thing:
    text, count, html, none = "<text>", 3, Markup("<i>"), None

    def upper(self) -> str:
        return "<UP>"

    def shout(self, what: str) -> str:
        return what * 2

    def __call__(self, text: str) -> str:
        return f"<{text}>"

    @jinja2.pass_context
    def asks(self, context: Context) -> str:
        return f"<{context['number']}>"


class Asking:
    @jinja2.pass_context
    def __call__(self, context: Context, text: str) -> str:
        return f"<{text} {context['number']}>"


@jinja2.pass_context
def told(context: Context) -> Any:
    return context["html"]


def drawn(compiler: type[CodeGenerator], context: type[Context], text: str, **values: Any) -> str:
    loader = jinja2.DictLoader({"layout": LAYOUT, "macros": "{% macro one(x) %}{{ x }}{% endmacro %}"})
    environment = jinja2.Environment(autoescape=True, undefined=jinja2.StrictUndefined, loader=loader)
    environment.code_generator_class, environment.context_class = compiler, context
    vars(environment).update(plainly=plainly, escaped=Pages.escaped, linked=Pages.linked, markup=Pages.markup)
    vars(environment)["shown"] = MethodType(Pages.shown, environment)
    environment.globals["shout"] = lambda text, end="!": text + end
    thing = Thing()
    return environment.from_string(text).render(
        names=["<Ann>", "Bo & Co", "“Cy”"], html=Markup("<hr>"), none=None, number=12, truth=True, thing=thing,
        given=lambda text: text, told=told, asking=Asking(), method=thing.asks, table={"text": "<t>"},
        **values,
    )  # fmt: skip


def test_a_template_draws_the_same_as_with_jinjas_own() -> None:
    ours = drawn(Compiler, Calling, PAGE)
    assert ours == drawn(CodeGenerator, Context, PAGE)
    assert "&lt;Ann&gt;" in ours
    assert "&lt;12&gt;" in ours  # a method that asks for the context is given it


@pytest.mark.parametrize(
    "wrong",
    [
        "{{ short('a', 'b', 'c') }}",
        "{{ short() }}",
        "{{ short(size=1) }}",
        "{{ nobody() }}",
        "{{ 'a' ~ nobody }}",
        "{{ thing.nothing }}",
        "{{ nobody.name }}",
    ],
)
def test_what_jinja_refuses_is_refused_in_the_same_words(wrong: str) -> None:
    text = "{% macro short(name, kind='x') %}{{ name }}{{ kind }}{% endmacro %}" + wrong
    said = []
    for compiler, context in ((Compiler, Calling), (CodeGenerator, Context)):
        with pytest.raises((TypeError, jinja2.UndefinedError)) as problem:
            drawn(compiler, context, text)
        said.append(str(problem.value))
    assert said[0] == said[1]


def test_a_name_that_a_template_gives_to_something_else_is_no_macro() -> None:
    pieces = (
        "{% macro a(x, y='<') %}{{ x }}{{ y }}{% endmacro %}{{ a(y=1, x='<') }}{% for a in names %}{{ a }}{% endfor %}",
        "{% macro b(x) %}{{ x }}{% endmacro %}{{ b('<') }}{% set b = given %}{{ b('<') }}",
        "{% if truth %}{% macro c(x) %}{{ x }}{% endmacro %}{% else %}{% set c = given %}{% endif %}{{ c('<') }}",
        "{% macro d(x) %}1{{ x }}{% endmacro %}{{ d('<') }}{% macro d(x, y=2) %}{{ y }}{% endmacro %}{{ d('<') }}",
        "{% from 'macros' import one as e %}{{ e('<') }}{% import 'macros' as f %}{{ f.one('<') }}",
        "{% macro g(x) %}{{ x }}{% endmacro %}{% macro h(g) %}{{ g('<') }}{% endmacro %}{{ h(given) }}{{ h(g) }}",
        "{% macro i(x) %}{{ x }}{% endmacro %}{{ i('<')|upper }}{{ i('<') ~ '<' }}{{ i(i('<')) }}{{ [i('<')] }}",
        "{% macro j(x) %}{{ x }}{{ j(x - 1) if x }}{% endmacro %}{{ j(3) }}",
        "{% macro shout(x) %}{{ x }}{% endmacro %}{{ shout('<') }}",
    )
    for piece in pieces:
        assert drawn(Compiler, Calling, piece) == drawn(CodeGenerator, Context, piece), piece


def test_a_thing_with_a_macro_s_name_is_never_taken_for_markup() -> None:
    """What a macro draws is put on the page as it is: only a macro may be asked for it."""
    environment = Pages(Flask(__name__), autoescape=True)
    module: Any = environment.from_string("{% macro piece(text) %}<i>{{ text }}</i>{% endmacro %}").module
    for macro in (module.piece, Kept(module.piece), Around(module.piece)):
        environment.globals["piece"] = macro
        page = environment.from_string("{{ piece(a) }}")
        if not isinstance(macro, Around):  # which draws fields
            assert page.render(a="<b>") == "<i>&lt;b&gt;</i>"
        with pytest.raises(AttributeError):
            page.render(a="<b>", piece=lambda text: text)


LAYOUT = """<{% block head %}{{ number }}{% endblock %}|{% block body %}{{ names }}
{%- block part %}-{% endblock %}{% endblock %}>"""
CHILD = """{% extends "layout" %}{% block head %}child {{ super() }}{{ self.part() }}{% endblock %}
{% block part %}{{ super() }}{% for name in names %}{% block each scoped %}{{ name }}{% endblock %}{% endfor %}
{%- endblock %}"""


def test_blocks_stand_where_jinja_puts_them() -> None:
    pages = [drawn(Compiler, Calling, CHILD), drawn(CodeGenerator, Context, CHILD)]
    assert pages[0] == pages[1]
    assert pages[0].startswith("<child 12-&lt;Ann&gt;")


def test_the_portal_uses_them(app: Flask) -> None:
    """And what they lean on is there: without it Jinja's own way would be gone unnoticed."""
    environment = app.jinja_env
    assert type(environment) is Pages
    assert (environment.code_generator_class, environment.context_class) == (Compiler, Calling)
    written = environment.compile("{{ a }}", raw=True)
    assert "environment.plainly(" in written
    assert "environment.shown((" in environment.compile("{{ a.b }}", raw=True)
    assert "environment.linked((" in environment.compile("{{ a ~ b }}", raw=True)
    assert "l_0_asset)('a')" in environment.compile("{{ asset('a') }}", raw=True)
    assert "environment.escaped(" in environment.compile("{{ a|money }}", raw=True)
    assert "l_0_icon).piece('a')" in environment.compile("{{ icon('a') }}", raw=True)
    assert "l_0_empty)._func('a', 'b', missing, missing, 3, missing)" in environment.compile(
        "{{ empty('a', 'b', level=3) }}", raw=True
    )
    layered = environment.compile('{% extends "layout/base.html" %}', raw=True)
    assert "yield concat(parent_template.root_render_func(context))" in layered
    kept = environment.globals["icon"]
    assert isinstance(kept, Kept)
    macro = kept.macro
    assert callable(macro._func)
    assert tuple(macro.arguments) == ("name",)
    assert not any((macro.catch_kwargs, macro.catch_varargs, macro.caller))


def test_a_kept_piece_tells_words_from_markup_and_keeps_no_call_block() -> None:
    """Otherwise markup that somebody typed would be drawn as ours, or a page be shown to the next reader."""
    environment = Pages(Flask(__name__), autoescape=True)
    source = "{% macro piece(text, caller=None) %}<i>{{ text }}{{ caller() if caller }}</i>{% endmacro %}"
    module: Any = environment.from_string(source).module
    environment.globals["piece"] = kept = Kept(module.piece)

    def draw(text: str, **values: Any) -> str:
        return environment.from_string(text).render(**values)

    for _ in range(2):
        assert draw("{{ piece(a) }}", a=Markup("<b>")) == "<i><b></i>"
        assert draw("{{ piece(a) }}", a="<b>") == "<i>&lt;b&gt;</i>"
        assert draw("{% call piece('x') %}{{ who }}{% endcall %}", who="Ann") == "<i>xAnn</i>"
        assert draw("{% call piece('x') %}{{ who }}{% endcall %}", who="Bea") == "<i>xBea</i>"
    assert kept.piece.cache_info().currsize == 2
    assert draw("{{ piece('x') }}") == "<i>x</i>"
