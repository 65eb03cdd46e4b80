"""The companion's pages: the card fields in their frame, the payment page, the bank's question."""

from __future__ import annotations

import re
from collections.abc import Mapping
from urllib.parse import urlsplit

from flask import Blueprint, abort, g, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from portal_sandbox import means
from portal_sandbox.charges import Charge
from portal_sandbox.till import NoSuchCharge
from portal_sandbox.works import works

pages = Blueprint("pages", __name__)

_ORIGIN = re.compile(r"https?://(?:[a-z0-9.-]+|\[[0-9a-f:.]+\])(?::[0-9]{1,5})?", re.ASCII | re.IGNORECASE)


def origin_of(url: str) -> str:
    """Scheme, host and port of a web address, safe to stand in a header; empty when it has none."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return ""
    origin = f"{parts.scheme}://{parts.netloc}"
    return origin if _ORIGIN.fullmatch(origin) else ""


@pages.get("/fields")
def fields() -> ResponseReturnValue:
    """The card and bank fields, to be framed by the one page whose ``origin`` the address names."""
    origin = request.args.get("origin", "")
    if not _ORIGIN.fullmatch(origin):
        abort(400, "The address of these fields must name the origin of the page that shows them.")
    g.policy = {"frame-ancestors": origin, "script-src": "'self'", "connect-src": "'self'"}
    return render_template("fields.html", origin=origin, method=method_of(request.args))


@pages.get("/pay/<id>")
def pay(id: str) -> ResponseReturnValue:
    charge = works().till.find(id)
    return pay_page(charge, method_of(request.args), {}) if charge.step == "pay" else onward(charge)


@pages.post("/pay/<id>")
def take_pay(id: str) -> ResponseReturnValue:
    method = method_of(request.form)
    try:
        read = means.read(method, request.form, works().today())
    except means.Mistyped as mistyped:
        charge = works().till.find(id)
        return (pay_page(charge, method, mistyped.errors), 422) if charge.step == "pay" else onward(charge)
    charge, is_changed = works().till.pay(id, read)
    if is_changed and works().is_lost(charge.rehearses):
        return render_template("lost.html", charge=charge), 504
    return onward(charge)


@pages.post("/pay/<id>/cancel")
def cancel(id: str) -> ResponseReturnValue:
    return onward(works().till.give_up(id))


@pages.get("/challenge/<id>")
def challenge(id: str) -> ResponseReturnValue:
    charge = works().till.find(id)
    if charge.step != "challenge":
        return onward(charge)
    allow_return(charge)
    return render_template("challenge.html", charge=charge)


@pages.post("/challenge/<id>")
def answer_challenge(id: str) -> ResponseReturnValue:
    decision = request.form.get("decision")
    if decision not in {"approve", "refuse"}:
        abort(422, "Choose Approve or Refuse.")
    return onward(works().till.answer(id, is_approved=decision == "approve"))


@pages.errorhandler(NoSuchCharge)
def on_no_such_charge(_error: NoSuchCharge) -> ResponseReturnValue:
    return render_template("error.html", detail=""), 404


def pay_page(charge: Charge, method: str, errors: dict[str, str]) -> str:
    allow_return(charge)
    return render_template("pay.html", charge=charge, method=method, errors=errors)


def onward(charge: Charge) -> ResponseReturnValue:
    """Where the payer's browser goes next: the charge's own step, or back to the portal."""
    if charge.step:
        return redirect(url_for(f"pages.{charge.step}", id=charge.id), 303)
    if charge.code == "expired":
        return render_template("expired.html", charge=charge), 410
    return redirect(charge.return_url, 303)


def allow_return(charge: Charge) -> None:
    """Browsers follow a form's redirect back to the portal only when the page's policy names it."""
    g.policy = {"form-action": f"'self' {origin_of(charge.return_url)}".strip()}


def method_of(given: Mapping[str, str]) -> str:
    return "bank" if given.get("method") == "bank" else "card"
