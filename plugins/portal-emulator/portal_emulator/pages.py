"""The payment page that a link leads to: it works without scripts and takes a card or an eCheck."""

from __future__ import annotations

import re
from typing import Any, Final
from urllib.parse import urlencode, urlsplit

from flask import Blueprint, abort, make_response, redirect, render_template, request, url_for
from werkzeug.datastructures import MultiDict
from werkzeug.wrappers import Response

from portal_emulator import charges, nights
from portal_emulator import details as fields
from portal_emulator.door import world
from portal_emulator.money import cents, dollars
from portal_emulator.refusal import Refusal
from portal_emulator.store import Thing
from portal_emulator.webhooks import valid
from portal_emulator.world import World

routes = Blueprint("pages", __name__)

POLICY: Final = (
    "default-src 'none'; style-src 'self'; img-src data:; base-uri 'none'; frame-ancestors 'none'; form-action 'self'"
)
SHOWN_AGAIN: Final = ("amount", "reference", "email", "name", "address1", "postal_code", "exp_month", "exp_year")
Form = MultiDict[str, str]


def slug(name: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")


def account_at(here: World, place: str, *, bank: bool) -> Thing:
    """The account that the link names, by its id or its name; for an eCheck its twin on the same side of the bar."""
    cards = here.merchant["merchant_accounts"]
    found: Thing | None = next((a for a in cards if place in {a["id"], slug(a["name"])}), None)
    if found is None:
        abort(404)
    if not bank:
        return found
    twins = here.merchant["ach_accounts"]
    return next((a for a in twins if a["trust_account"] == found["trust_account"]), twins[0])


@routes.get("/pages/<_merchant>/<place>")
def pay(_merchant: str, place: str) -> Response:
    amount = request.args.get("amount", "")
    typed = {"amount": dollars(int(amount)) if amount.isdecimal() and len(amount) < 15 else ""}
    typed |= {name: request.args.get(name, "") for name in ("reference", "email")}
    return _page(place, typed, {})


def _page(place: str, typed: Thing, errors: Thing, status: int = 200) -> Response:
    bank = request.args.get("method") == "bank"
    with world() as here:
        account = account_at(here, place, bank=bank)
        firm = here.merchant["name"]
    other = {key: value for key, value in request.args.items() if key != "method"}
    if not bank:
        other["method"] = "bank"
    page = render_template(
        "pay.html",
        firm=firm,
        account=account,
        bank=bank,
        typed=typed,
        errors=errors,
        fixed=_fixed(),
        other_way=f"{request.path}?{urlencode(other)}",
        here=request.full_path,
    )
    return _answer(page, status)


def _answer(page: str, status: int = 200) -> Response:
    answer = make_response(page, status)
    back = request.args.get("return_url", "")
    parts = urlsplit(back) if valid(back) else None  # the policy covers where a sent form is led on to
    answer.headers["Content-Security-Policy"] = POLICY + (f" {parts.scheme}://{parts.netloc}" if parts else "")
    answer.headers["Cache-Control"] = "no-store"
    return answer


def _fixed() -> set[str]:
    asked = request.args.get("readOnlyFields", "").split(",")
    return {name for name in ("amount", "reference", "email") if name in asked and request.args.get(name)}


@routes.post("/pages/<merchant>/<place>")
def paid(merchant: str, place: str) -> Response:
    bank = request.args.get("method") == "bank"
    form = request.form
    typed = {name: form.get(name, "").strip() for name in SHOWN_AGAIN}
    for name in _fixed():  # whatever the form says of them
        typed[name] = dollars(int(request.args[name])) if name == "amount" else request.args[name]
    asked, errors = _asked(form, typed, bank=bank)
    nights.catch_up(world())
    with world() as here:
        asked["account_id"] = account_at(here, place, bank=bank)["id"]
        try:
            charge = None if errors else charges.charge(here, asked)
        except Refusal as error:
            charge, errors = None, _said(error)
    if charge is None:
        return _page(place, typed, errors, 422)
    back = request.args.get("return_url", "")
    if valid(back):
        return redirect(back, 303)
    return redirect(url_for("pages.receipt", _merchant=merchant, _place=place, identity=charge["id"]), 303)


def _asked(form: Form, typed: Thing, *, bank: bool) -> tuple[Thing, Thing]:
    amount = cents(typed["amount"])
    errors = {} if amount else {"amount": "Type the amount to pay, such as 125.00."}
    if not typed["name"]:
        errors["name"] = "Type the name on the card." if not bank else "Type the name on the account."
    method: Thing = {key: typed[key] for key in ("name", "email", "address1", "postal_code")}
    if bank:
        method |= {"type": "bank", "account_type": form.get("account_type", "CHECKING")}
        method |= {key: form.get(key, "") for key in ("routing_number", "account_number")}
    else:
        method |= {"type": "card", "number": form.get("number", ""), "cvv": form.get("cvv", "")}
        method |= {key: typed[key] for key in ("exp_month", "exp_year")}
    if errors:  # the charge is not tried: say what else it would refuse
        try:
            fields.check(fields.read(method))
        except Refusal as error:
            errors = _said(error) | errors
    return {"amount": amount, "reference": typed["reference"], "method": method}, errors


def _said(error: Refusal) -> dict[str, str]:
    """By field; what concerns none is under the empty name."""
    return {m.get("context", "").removeprefix("method."): f"{m['message']}." for m in reversed(error.messages)}


@routes.get("/pages/<_merchant>/<_place>/receipt/<identity>")
def receipt(_merchant: str, _place: str, identity: str) -> Response:
    with world() as here:
        charge: Any = here.store.get("transaction", identity)
        firm = here.merchant["name"]
    if charge is None:
        abort(404)
    return _answer(render_template("receipt.html", firm=firm, charge=charge))
