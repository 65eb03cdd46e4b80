"""Paying without an account: one invoice, for whoever holds its link. Everything more asks to sign in."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps

from flask import Blueprint, Response, flash, request, session
from werkzeug.wrappers import Response as AnyResponse

from portal_app import clock
from portal_app.client import pay, payments
from portal_app.client.blueprint import refuse_nul
from portal_app.client.payer import CARRIED, Payer, greet
from portal_app.domain import outbox, pay_links, throttles
from portal_app.domain import payments as paid
from portal_app.domain.errors import LinkUnusable
from portal_app.web import auditing, callers
from portal_app.web.fragments import go, render
from portal_app.web.links import SENT_AGAIN
from portal_app.web.login import public
from portal_app.web.templates import current_firm

blueprint = Blueprint("guest", __name__, url_prefix="/pay")
blueprint.before_request(refuse_nul)


def by_link(view: Callable[..., AnyResponse]) -> Callable[..., AnyResponse]:
    """The route is for whoever holds a link that works; others read that it does not, and can have a fresh one."""

    @wraps(view)
    def checked(token: str, **rest: str) -> AnyResponse:
        try:
            found = greet(token)
        except LinkUnusable:
            return _dead(token)
        with auditing.expecting(view, found.acting, found.held.invoice.document):
            return view(found, **rest)

    return checked


def _dead(token: str) -> Response:
    return render("client/guest/dead.html", status=410, token=token)


@blueprint.get("/<token>")
@public
@by_link
def guest_invoice(me: Payer) -> AnyResponse:
    """The invoice: what it is over, what is left, Pay Now. Not its lines: they are between the firm and its client."""
    invoice = me.held.invoice
    rows = paid.on_invoices([invoice.id])
    applied = paid.applied_on(invoice)
    answer = render(
        "client/guest/invoice.html", payer=me, invoice=invoice, given=me.offer(), applied_cents=applied,
        given_back_cents=paid.given_back_on(invoice, applied), today_here=clock.today(current_firm().time_zone),
        held_cents=sum(row.amount_cents for row in rows if row.payment.is_open),
    )  # fmt: skip
    auditing.opened("open", invoice.document, me.acting)
    if request.method == "GET":
        pay_links.mark_opened(me.held)
    return answer


@blueprint.get("/<token>/now")
@public
@by_link
def guest_pay(_me: Payer) -> AnyResponse:
    return pay.pay_page()


@blueprint.post("/<token>/now")
@public
@by_link
def guest_redraw(_me: Payer) -> AnyResponse:
    return pay.redraw_page()


@blueprint.post("/<token>/payments")
@public
@by_link
def guest_take(me: Payer) -> AnyResponse:
    session[CARRIED] = me.token  # the gateway's page leads back to an address that knows no link
    return payments.take_payment()


def of_payment(rule: str, view: Callable[[str], AnyResponse], method: str = "GET") -> None:
    """What a portal user does with a payment, for the holder of the link that it was made through."""

    def guest_view(_me: Payer, public_id: str) -> AnyResponse:
        return view(public_id)

    guest_view.__name__ = f"guest_{view.__name__}"
    address = f"/<token>/payments/<public_id>{rule}"
    blueprint.add_url_rule(address, view_func=public(by_link(guest_view)), methods=[method])


of_payment("", payments.payment_page)
of_payment("/return", payments.come_back)
of_payment("/cancel", payments.give_up, "POST")
of_payment("/receipt", payments.receipt)


@blueprint.post("/<token>/again")
@public
def guest_again(token: str) -> AnyResponse:
    """A fresh link to the address that the first one was made for, whoever asks; the same words for a link that was
    revoked, or that never was."""
    link = pay_links.find_dead(token)
    about = f"pay-link:{link.portal_user_id}:{link.invoice_id}" if link else f"pay-link:{token[:200]}"
    throttles.count({about: throttles.LINKS, f"link-from:{callers.address()}": throttles.LINKS_FROM})
    if link is not None:
        outbox.put("pay_link_again", link.id)
    flash(SENT_AGAIN)
    return go("/sign-in")
