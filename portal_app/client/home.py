"""The first page: what is owed, what is open, what was shared, what is next."""

from __future__ import annotations

from flask import Response

from portal_app import clock
from portal_app.client import matters
from portal_app.client.blueprint import blueprint
from portal_app.domain import calendar, documents, invoices, payments, shared_files, trust_papers
from portal_app.web.fragments import is_fragment_request, render
from portal_app.web.login import client_only, portal_user
from portal_app.web.templates import current_firm, zone

DOCUMENTS, PAYMENTS, EVENTS = 3, 3, 4


@blueprint.get("")
@client_only
def home() -> Response:
    me = portal_user()
    today_here = clock.today(current_firm().time_zone)
    is_piece = is_fragment_request()  # what the filter changes has no figures and no payments
    mine, held = (documents.matters_of(me), []) if is_piece else trust_papers.matters_of(me, today_here)
    number = matters.chosen(mine)
    given = None if is_piece else payments.offer(me)
    open_invoices = [each.item for each in given.payables] if given else invoices.open_for(me, matter=number)
    return render(
        "client/home.html", "shared", "events", greeting=greeting, given=given, mine=mine, chosen=number, held=held,
        today_here=today_here, everything=open_invoices, late=sum(row.due_on < today_here for row in open_invoices),
        invoices=[row for row in open_invoices if number in {"", row.matter_number}],
        documents=shared_files.of(me, matter=number, limit=DOCUMENTS),
        payments=[] if is_piece else payments.recent(me, PAYMENTS),
        deposits=[] if is_piece else payments.open_deposits_for(me),
        events=calendar.upcoming(me, EVENTS, matter=number),
    )  # fmt: skip


def greeting() -> str:
    """By the viewer's clock."""
    hour = clock.local(clock.now(), zone()).hour
    if 4 <= hour < 12:
        return "Good morning"
    return "Good afternoon" if 12 <= hour < 18 else "Good evening"
