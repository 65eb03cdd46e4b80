"""Pay Now: drawing the form, and drawing it again while it is filled in. Paying is client/payments.py's part."""

from __future__ import annotations

import logging

from flask import Response, flash, request
from werkzeug.wrappers import Response as AnyResponse

from portal_app import gateways, money
from portal_app.client.blueprint import blueprint
from portal_app.client.pay_form import MOST_ROWS, Desk, open_desk
from portal_app.client.payer import payer
from portal_app.domain import invoices, payments
from portal_app.gateway_setup import open_roads
from portal_app.plugin_api import Fields, Flow, Fund
from portal_app.web import assets, headers
from portal_app.web.fragments import go, is_fragment_request, render
from portal_app.web.login import client_only
from portal_app.web.once import part
from portal_app.web.templates import current_firm

log = logging.getLogger(__name__)
ALL = ("pay_errors", "how_much", "allocation", "billing", "confirm", "keys")


@blueprint.get("/pay")
@client_only
def pay() -> AnyResponse:
    """``?invoice=`` pays one invoice alone, ``?deposit=`` a deposit into trust, ``?amount=`` fills in another amount,
    ``?choose=1`` asks one for each."""
    return pay_page()


def pay_page() -> AnyResponse:
    desk = opened()
    return draw(desk) if desk else closed()


@blueprint.post("/pay")
@client_only
def redraw() -> AnyResponse:
    """The same form with what was typed so far, and what that would pay. Charges nothing, writes nothing."""
    return redraw_page()


def redraw_page() -> AnyResponse:
    desk = opened()
    if desk is None:
        return closed()
    desk.renew()
    if request.args.get("part") == "address":
        return draw(desk, "address")
    if "choose" in request.args:
        # htmx looks for targets from the pressed link, so the block that holds it is swapped last.
        return draw(desk, "how_much", "confirm", "allocation")
    if desk.problem and not is_fragment_request():
        desk.form.refuse(desk.problem)
        return draw(desk, status=422)
    return draw(desk, "allocation", "confirm")


def opened() -> Desk | None:
    """The payer's desk; ``None`` while nothing can be taken: no gateway takes anything, or nothing is left to pay."""
    me = payer()
    fund = Fund.TRUST if me.asked_deposit else Fund.OPERATING
    takers = open_roads(fund)
    if not takers:
        return None
    desk = open_desk(me, takers, fund)
    return desk if desk.given.available_cents else None


def closed(status: int = 200) -> AnyResponse:
    """Why nothing can be paid: what was asked for is settled meanwhile, or Pay Now as a whole has nothing to do."""
    me = payer()
    if deposit := me.asked_deposit:
        here = f"/portal/deposits/{payments.find_deposit_for(me.who, deposit).public_id}"
        flash("Nothing can be paid on this deposit online right now. Nothing has been charged.")
        return go(here)
    only = me.invoice or part("invoice")
    if only and current_firm().gateway:
        here = me.root if me.link else f"/portal/invoices/{invoices.find_for(me.who, only).public_id}"
        flash("Nothing can be paid on this invoice right now. Nothing has been charged.")
        return go(here)
    return go(me.pay) if is_fragment_request() else render("client/payments/closed.html", status=status, payer=me)


def draw(desk: Desk, *blocks: str, status: int = 200, said: str = "") -> Response:
    """The page, or its blocks. ``said``: why nothing was charged, when no field is to blame."""
    fields, script = (None, "") if is_fragment_request() else _fields(desk)
    words = money.in_words(desk.cents) if current_firm().currency == "USD" else ""
    return render(
        "client/payments/new.html", *blocks, status=status, desk=desk, form=desk.form, said=said, words=words,
        payer=payer(), most_rows=MOST_ROWS,
        config=dict(fields.config) if fields else None, script=script, has_page=Flow.REDIRECT in desk.manifest.flows,
    )  # fmt: skip


def _fields(desk: Desk) -> tuple[Fields | None, str]:
    """The gateway's own fields and their script's name; their origins are allowed on this page alone."""
    fields = gateways.fields_for(desk.gateway, desk.method, current_firm().currency, desk.fund)
    if fields is None:
        return None, ""
    script = f"plugins/{desk.manifest.id}/{fields.module}"
    try:
        assets.integrity(script)
    except FileNotFoundError:
        log.exception("gateway %s has no script for its fields", desk.manifest.id)
        return None, ""
    headers.allow("frame-src", *fields.frame_origins)
    headers.allow("script-src", *fields.script_origins)
    headers.allow("connect-src", *fields.connect_origins)
    return fields, script
