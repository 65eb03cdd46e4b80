"""The pages that a payer sees: Checkout without scripts, the bank's question, the card fields in their frame."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

from flask import Blueprint, Response, current_app, redirect, render_template_string, request
from flask.typing import ResponseReturnValue

from portal_stripe.fake import checkout, intents, means
from portal_stripe.fake.core import ApiError, Fake, Object

pages = Blueprint("pages", __name__)
STATIC = Path(__file__).parent / "static"

PAY = """<!DOCTYPE html><html lang="en"><title>Checkout</title><link rel="icon" href="data:,">
<h1>Pay {{ amount }} {{ currency }}</h1>{% if error %}<p role="alert">{{ error }}</p>{% endif %}
<form method="post"><label>Card number <input name="number"></label>
{% if has_bank %}<label>Bank account number <input name="account"></label>{% endif %}<button>Pay</button></form>
{% if back %}<a href="{{ back }}">Back</a>{% endif %}</html>"""
ASK = """<!DOCTYPE html><html lang="en"><title>3-D Secure</title><link rel="icon" href="data:,">
<h1>Your bank asks: is this you?</h1>
<form method="post"><button name="decision" value="approve">Approve</button>
<button name="decision" value="refuse">Refuse</button></form></html>"""
GONE = """<!DOCTYPE html><html lang="en"><title>Gone</title><h1>This page is no longer open</h1></html>"""


def book() -> Fake:
    found: Fake = current_app.extensions["stripe"]
    return found


def pay_page(fake: Fake, session_id: str, *, number: str = "", account: str = "") -> Object:
    """Pay an open session with a card or a bank account. Returns the intent. Raises ``ApiError``."""
    with fake.lock:
        fake.tick()
        session = fake.object(session_id)
        scope = fake.scope_of(session)
        method = means.bank(fake, scope, account) if account else means.card(fake, scope, number)
        try:
            return checkout.pay(fake, session, method)
        finally:
            fake.save()


def approve(fake: Fake, intent_id: str, *, is_approved: bool = True) -> Object:
    """Answer the bank's question; nothing happens when none is open."""
    with fake.lock:
        fake.tick()
        intent = fake.object(intent_id)
        if intent["status"] == "requires_action":
            method = fake.object(intent["payment_method"])
            if is_approved:
                intents.take(fake, intent, method)
            else:
                message = "We are unable to authenticate your payment method."
                intents.fail(fake, intent, method, "payment_intent_authentication_failure", message)
            if intent["_session"]:
                checkout.finish(fake, fake.object(intent["_session"]))
        fake.save()
        return intent


@pages.get("/pay/<id>")
def show_pay(id: str) -> ResponseReturnValue:
    return drawn(id)


def drawn(id: str, error: str = "") -> ResponseReturnValue:
    session = book().state["objects"].get(id)
    book().tick()
    if session is None or session["status"] != "open":
        return GONE, 410
    return render_template_string(
        PAY,
        amount=session["amount_total"],
        currency=session["currency"],
        error=error,
        back=session["cancel_url"],
        has_bank="us_bank_account" in session["payment_method_types"],
    )


@pages.post("/pay/<id>")
def take_pay(id: str) -> ResponseReturnValue:
    try:
        intent = pay_page(book(), id, number=request.form["number"], account=request.form.get("account", ""))
    except ApiError as problem:
        return drawn(id, str(problem))
    if intent["next_action"]:
        return redirect(intent["next_action"]["redirect_to_url"]["url"], 303)
    return redirect(book().object(id)["success_url"].replace("{CHECKOUT_SESSION_ID}", id), 303)


@pages.get("/3ds/<id>")
def ask(id: str) -> str:
    return ASK


@pages.post("/3ds/<id>")
def answer(id: str) -> ResponseReturnValue:
    intent = approve(book(), id, is_approved=request.form.get("decision") == "approve")
    if intent["_session"]:
        session = book().object(intent["_session"])
        if session["status"] == "open":
            return redirect(session["url"], 303)
        return redirect(session["success_url"].replace("{CHECKOUT_SESSION_ID}", session["id"]), 303)
    return redirect(_back(intent), 303)


def _back(intent: Object) -> str:
    parts = urlsplit(intent["_return_url"])
    added = {
        "payment_intent": intent["id"],
        "payment_intent_client_secret": intent["client_secret"],
        "redirect_status": "succeeded" if intent["status"] == "succeeded" else "failed",
    }
    return urlunsplit(parts._replace(query=urlencode([*parse_qsl(parts.query), *added.items()])))


@pages.get("/v3/")
@pages.get("/v3")
def script() -> Response:
    return Response((STATIC / "elements.js").read_text("utf-8"), mimetype="text/javascript")


@pages.get("/v3/frame")
def frame() -> str:
    return (STATIC / "frame.html").read_text("utf-8")
