"""Paying, and what became of it: every press of Pay ends on the payment's own page, or says why nothing was charged."""

from __future__ import annotations

import datetime as dt

from flask import Response, make_response, request
from werkzeug.wrappers import Response as AnyResponse

from portal_app import clock, gateways, plugins
from portal_app.client import pay
from portal_app.client.blueprint import blueprint
from portal_app.client.pay_form import Desk, drawn_for, new_key, sent_key
from portal_app.client.payer import guests_too, payer
from portal_app.domain import payments, store, throttles
from portal_app.domain.errors import Refused
from portal_app.domain.payments import FREEING, Order, Payment
from portal_app.domain.store import NotStored
from portal_app.gateway_setup import gateway_for
from portal_app.plugin_api import Flow, Fund, Method
from portal_app.web import files
from portal_app.web.fragments import go, is_fragment_request, render
from portal_app.web.login import client_only
from portal_app.web.templates import current_firm, show_money

NO_CARD = "The card fields did not load. Reload the page and try again."
NOT_TAKEN = "The payment was not taken."
LOOK_AGAIN = "The amount is {} now. Look at it once more, then press Pay."
CHANGED = "The form was changed after it was sent. Look at the amount once more, then press Pay."
OTHER_SERVICE = "The firm has changed its payment service meanwhile. Reload this page, then pay."
SOON, LATER = dt.timedelta(minutes=2), dt.timedelta(minutes=30)
WATCHED = frozenset({"ready", "submitting", "unknown", "pending", "action_required"})


def url_of(payment: Payment) -> str:
    return f"{payer().payments}/{payment.public_id}"


# Paying


@blueprint.post("/payments")
@client_only
def take() -> AnyResponse:
    """Start the payment of the form's key, send it to the gateway once, and go to its page."""
    return take_payment()


def take_payment() -> AnyResponse:
    me = payer()
    throttles.count({f"pay:{me.throttle}": throttles.PAYMENTS})
    known = payments.with_key(me.who, sent_key())
    if known is None:
        return take_new()
    me.note(known)  # the key was made with this form alone
    if known.state in FREEING:
        return again(known.message or NOT_TAKEN, is_over=True)
    if known.state == "ready" and is_as_shown(known):
        return send(known)  # the connection broke before it was sent
    if known.state == "ready" and payments.give_up_unsent(known):
        return again(CHANGED, is_over=True)
    return go(url_of(known))


def is_as_shown(known: Payment) -> bool:
    """Whether the form still says what was written down, to the gateway that still takes them."""
    is_same = request.form.get("seen", "") in {"", str(known.amount_cents)}
    is_same = is_same and request.form.get("method") == known.method
    is_same = is_same and bool(request.form.get("deposit")) == known.is_deposit
    return is_same and gateway_for(Fund(known.fund), Method(known.method)) == known.gateway


def take_new() -> AnyResponse:
    desk = pay.opened()
    if desk is None:
        return pay.closed(422)
    if desk.form.token.data and drawn_for(desk.form.key.data or "") not in {0, desk.gateway.id}:
        return again(OTHER_SERVICE)
    order = order_of(desk)
    if order is None:
        desk.form.token.data = ""
        return pay.draw(desk, *pay.ALL, status=422)
    if (desk.form.seen.data or str(desk.cents)) != str(desk.cents):
        return again(LOOK_AGAIN.format(show_money(desk.cents)))
    try:
        me = payer()
        return send(me.note(payments.start(me.who, desk.gateway, order)))
    except Refused as problem:
        return again(str(problem))


def order_of(desk: Desk) -> Order | None:
    """What to pay; ``None`` when the form has to be corrected, with the reasons at its fields."""
    form, token = desk.form, desk.form.token.data
    is_whole = form.validate()
    if desk.problem is not None and not form[desk.problem.field].errors:
        form.refuse(desk.problem)
    if not token and Flow.REDIRECT not in desk.manifest.flows:
        form.refuse(Refused(NO_CARD))
    if not is_whole or form.errors:
        return None
    return Order(
        key=form.key.data or "", amount_cents=desk.cents, plan=desk.plan, method=Method(form["method"].data),
        flow=Flow.FIELDS if token else Flow.REDIRECT, billing=form.billing, fund=desk.fund,
    )  # fmt: skip


def send(payment: Payment) -> AnyResponse:
    """To the gateway, at most once: with the token of its fields, or by its own page when there is none."""
    token = request.form.get("token", "")
    payment = gateways.charge(payment, token) if token else gateways.begin_redirect(payment)
    return again(payment.message or NOT_TAKEN, is_over=True) if payment.state in FREEING else go(url_of(payment))


def again(said: str, *, is_over: bool = False) -> AnyResponse:
    """The form once more, with everything typed but the card, and what can be paid now. ``is_over``: the key's payment
    has ended, so that the next press is another one."""
    desk = pay.opened()
    if desk is None:
        return pay.closed(422)
    desk.form.token.data = ""
    if is_over:
        desk.form.key.data = new_key(desk.gateway)
    return pay.draw(desk, *pay.ALL, status=422, said=said)


# What became of it


@blueprint.get("/payments/<public_id>")
@client_only
def payment(public_id: str) -> Response:
    """How it stands. The page asks again by itself; ``?shown=`` says what it shows: 204 when that still holds."""
    return payment_page(public_id)


def payment_page(public_id: str) -> Response:
    me = payer()
    found = me.find_payment(public_id)
    shown = showing(found)
    if is_fragment_request() and request.args.get("shown") == shown:
        return make_response("", 204)
    return render(
        "client/payments/show.html", "payment", *(() if me.link else ("balance_due",)), payer=me, payment=found,
        shown=shown, pace=pace(found),
        allocations=payments.allocations_of(found), changes=payments.changes_of(found),
        attempt=gateways.attempt_of(found), service=title_of(found), given=me.offer(),
        asked=me.offer(Fund.TRUST) if found.is_deposit else None,
        today_here=clock.today(current_firm().time_zone), is_given_back=payments.is_given_back(found),
        refunds=[row for row in payments.refunds_of(found) if row.state in payments.REFUND_SHOWN],
        disputes=payments.disputes_of(found),
    )  # fmt: skip


def pace(payment: Payment) -> int:
    """After how many seconds the page asks again; 0: no more. A receipt that is still being made is waited for too."""
    is_waiting = payment.state in WATCHED or (payment.state == "succeeded" and not payment.receipt_key)
    age = clock.now() - payment.changed_at
    if not is_waiting or age > LATER:
        return 0
    return 2 if age < SOON else 15


def showing(payment: Payment) -> str:
    return f"{payment.state}.{pace(payment)}.{bool(payment.receipt_key):d}"


def title_of(payment: Payment) -> str:
    """The name of the gateway that took it, even when its plugin is gone."""
    manifest = plugins.registry().manifests.get(payment.gateway.plugin)
    return manifest.title if manifest else payment.gateway.plugin


def may_ask() -> bool:
    """Whether the payer may have the gateway asked once more: a page that is reloaded without end asks no further."""
    try:
        throttles.count({f"ask:{payer().throttle}": throttles.PAYMENTS})
    except throttles.TooSoon:
        return False
    return True


@blueprint.get("/payments/<public_id>/return")
@guests_too
@client_only
def payment_return(public_id: str) -> AnyResponse:
    """Back from the gateway's page, or the bank's. What the address says is not believed: the gateway is asked."""
    return come_back(public_id)


def come_back(public_id: str) -> AnyResponse:
    found = payer().find_payment(public_id)
    if request.method == "GET" and may_ask():
        gateways.returned(found, request.args.to_dict())
    return go(url_of(found))


@blueprint.post("/payments/<public_id>/cancel")
@client_only
def payment_cancel(public_id: str) -> AnyResponse:
    """Give up a payment that waits for the payer."""
    return give_up(public_id)


def give_up(public_id: str) -> AnyResponse:
    found = payer().find_payment(public_id)
    if found.state in {"ready", "action_required"} and may_ask():
        gateways.cancel(found)
    return go(url_of(found))


@blueprint.get("/payments/<public_id>/receipt")
@client_only
def payment_receipt(public_id: str) -> Response:
    return receipt(public_id)


def receipt(public_id: str) -> Response:
    me = payer()
    found = me.find_payment(public_id)
    if not found.receipt_key:
        raise NotStored(public_id)
    body, name = store.read(found.receipt_key), f"Receipt {found.receipt_number}"
    return files.send_pdf(body, name, about=found, by=me.acting)
