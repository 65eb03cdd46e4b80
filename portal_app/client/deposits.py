"""Deposit requests: one that the firm shared, what came of it, and its paper."""

from __future__ import annotations

from flask import Response

from portal_app import clock
from portal_app.client.blueprint import blueprint
from portal_app.domain import payments, sharing, store
from portal_app.domain.store import NotStored
from portal_app.gateway_setup import open_roads
from portal_app.plugin_api import Fund
from portal_app.web import auditing, files
from portal_app.web.fragments import render
from portal_app.web.login import client_only, portal_user
from portal_app.web.templates import current_firm


@blueprint.get("/deposits/<public_id>")
@client_only
def deposit(public_id: str) -> Response:
    """What is asked for, where it is held, what came so far; or only its paper, while that is being made. Opening it is
    noted."""
    me = portal_user()
    found = payments.find_deposit_for(me, public_id)
    rows = payments.on_deposits([found.id])
    answer = render(
        "client/deposits/show.html", "paper", deposit=found,
        account=payments.BankAccount.get_by_id(found.bank_account_id),
        came=[row for row in rows if row.payment.paid_at], under_way=[row for row in rows if row.payment.is_open],
        payable=payments.offer(me, Fund.TRUST).only(public_id), today_here=clock.today(current_firm().time_zone),
        can_pay=bool(open_roads(Fund.TRUST)), shared=found.depositshare,
    )  # fmt: skip
    auditing.opened("open", found, me)
    sharing.mark_seen([found.depositshare])
    return answer


@blueprint.get("/deposits/<public_id>/pdf")
@client_only
def deposit_pdf(public_id: str) -> Response:
    found = payments.find_deposit_for(portal_user(), public_id)
    if not found.paper_key:
        raise NotStored(public_id)
    return files.send_pdf(store.read(found.paper_key), f"Deposit request {found.number}", about=found)
