"""The firm's own settings: who it is, how it bills, what its clients read under Help."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from flask import Response, flash
from werkzeug.wrappers import Response as AnyResponse
from wtforms.validators import ValidationError

from portal_app import clock
from portal_app.domain import firms
from portal_app.domain.errors import Refused
from portal_app.firm.blueprint import blueprint
from portal_app.web.fields import Choice, EmailLine, Line, Radios, Text
from portal_app.web.forms import Form
from portal_app.web.fragments import go, render
from portal_app.web.login import firm_only
from portal_app.web.templates import current_firm

DETAILS = ("name", "address", "phone", "email", "time_zone", "locale", "payment_terms_days", "invoice_note", "letters")
MOST_TERMS_DAYS = 365
LETTERS = {"full": "Say them", "brief": "Only that there is something new"}
_OLD_NAMES = ("Etc/", "SystemV/", "US/", "Canada/", "Brazil/", "Chile/", "Mexico/")


@lru_cache(maxsize=1)
def zone_choices() -> dict[str, str]:
    """Every time zone by its place, without the old names for the same places."""
    names = sorted(name for name in clock.zones() if "/" in name and not name.startswith(_OLD_NAMES))
    return {name: name.replace("_", " ") for name in ("UTC", *names)}


class FirmForm(Form):
    """What stands on letters and invoices, and how invoices begin."""

    name = Line("Name of the firm")
    address = Text("Address", most=500)
    phone = Line("Telephone", most=40, is_required=False)
    email = EmailLine("E-mail", is_required=False)
    time_zone = Choice("Time zone", choices=zone_choices())
    locale = Choice("Dates and amounts as in", choices=firms.LOCALES)
    payment_terms_days = Line("Days until an invoice is due", most=3)
    invoice_note = Text("Note on invoices", most=1000)
    letters = Radios("Amounts and names in e-mails", choices=LETTERS, default="full")

    def validate_payment_terms_days(self, field: Any) -> None:
        typed = field.data or ""
        if not (typed.isascii() and typed.isdigit() and int(typed) <= MOST_TERMS_DAYS):
            raise ValidationError(f"Enter a whole number of days, from 0 to {MOST_TERMS_DAYS}.")


class HelpForm(Form):
    help_text = Text("Your own words", most=10_000)


def _firm_page(form: FirmForm, status: int = 200) -> Response:
    return render("firm/settings/index.html", status=status, form=form, sample_cents=123_456)


def _help_page(form: HelpForm, status: int = 200) -> Response:
    return render("firm/settings/help.html", status=status, form=form)


@blueprint.get("/settings")
@firm_only("firm.manage")
def firm_settings() -> Response:
    firm = current_firm()
    return _firm_page(FirmForm(data={name: str(getattr(firm, name)) for name in DETAILS}))


@blueprint.post("/settings")
@firm_only("firm.manage")
def save_firm_settings() -> AnyResponse:
    form = FirmForm()
    if not form.validate():
        return _firm_page(form, 422)
    values = {name: form[name].data or "" for name in DETAILS}
    try:
        firms.change(**values | {"payment_terms_days": int(values["payment_terms_days"])})
    except Refused as problem:
        form.refuse(problem)
        return _firm_page(form, 422)
    flash("Saved. Letters and new invoices say it from now on.", "good")
    return go("/firm/settings")


@blueprint.get("/settings/help")
@firm_only("firm.manage")
def help_settings() -> Response:
    return _help_page(HelpForm(obj=current_firm()))


@blueprint.post("/settings/help")
@firm_only("firm.manage")
def save_help() -> AnyResponse:
    form = HelpForm()
    if not form.validate():
        return _help_page(form, 422)
    firms.change(help_text=form.help_text.data)
    flash("Saved. Clients read it under Help.", "good")
    return go("/firm/settings/help")
