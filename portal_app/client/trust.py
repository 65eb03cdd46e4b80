"""What the firm holds in trust for the reader: every line of their matters' ledgers, and what covers them."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial

from flask import Response, abort, request
from werkzeug.datastructures import MultiDict

from portal_app import clock, money, tables
from portal_app.client.blueprint import blueprint
from portal_app.domain import matters, payments, reconciliations, store, throttles, trust_papers
from portal_app.domain.errors import Refused
from portal_app.domain.reconciliations import Covered
from portal_app.domain.store import NotStored
from portal_app.domain.trust_papers import Statement
from portal_app.web import auditing, files, paper
from portal_app.web.fields import Day
from portal_app.web.forms import Form
from portal_app.web.fragments import render
from portal_app.web.login import client_only, portal_user
from portal_app.web.templates import current_firm

LONGEST = dt.timedelta(days=10 * 366)


class PeriodForm(Form):
    """From the address, not posted: nothing is changed by looking."""

    since = Day("From")
    until = Day("To")


@dataclass(frozen=True, slots=True)
class Period:
    """The days that are read; the last twelve months when the form is wrong."""

    since: dt.date
    until: dt.date
    form: PeriodForm


def asked() -> Period:
    """The period of the address; the last twelve months when it names none."""
    today = clock.today(current_firm().time_zone)
    usual = {"since": today - dt.timedelta(days=365), "until": today}
    texts = {name: day.isoformat() for name, day in usual.items()}
    texts |= {name: request.args[name] for name in usual if name in request.args}
    form = PeriodForm(formdata=MultiDict(texts))
    if form.validate() and not today - LONGEST <= form.since.data <= form.until.data:
        form.refuse(Refused("Choose a period that begins before it ends, within the last ten years.", "since"))
    if form.errors:
        return Period(usual["since"], usual["until"], form)
    return Period(form.since.data, form.until.data, form)


def read(period: Period) -> list[Statement]:
    return trust_papers.statements(matters.read_in_trust_by(portal_user()), period.since, period.until)


@blueprint.get("/trust")
@client_only
def trust() -> Response:
    period = asked()
    found = read(period)
    return render(
        "client/trust/index.html", "statement", status=422 if period.form.errors else 200, period=period, found=found,
        asked=payments.deposits_shared_with(portal_user()), today_here=clock.today(current_firm().time_zone),
        links=links(found), proved=proved(found),
    )  # fmt: skip


def proved(found: list[Statement]) -> dict[int, Covered | None]:
    """Up to which day each trust account was last proved against the bank's own statement, by its id."""
    return {one.account.id: reconciliations.last_covered(one.account) for one in found}


def links(found: list[Statement]) -> dict[int, tuple[str, str]]:
    """Each receipt's number and address, by the movement's id: their own payments', and those staff have entered."""
    sources = {line.movement.source: line.movement.id for one in found for line in one.accounting.lines}
    own = {
        sources[source]: (row.receipt_number, f"/portal/payments/{row.public_id}")
        for source, row in payments.of_entries(list(sources)).items()
        if source.endswith(":paid") and row.portal_user_id == portal_user().id
    }
    entered = {
        movement_id: (row.number, f"/portal/trust/receipts/{row.public_id}/pdf")
        for one in found
        for movement_id, row in one.receipts.items()
        if row.paper_key
    }
    return own | entered


@blueprint.get("/trust/statement.pdf")
@client_only
def trust_pdf() -> Response:
    period = asked()
    found = read(period)
    if not found:
        abort(404)
    throttles.count({f"paper:portal:{portal_user().id}": throttles.PAPERS})
    body = paper.trust_statement_pdf(found, proved(found), period.since, period.until, portal_user())
    _note()
    return files.send_pdf(body, f"Trust statement {period.since} to {period.until}", about=None)


def _note() -> None:
    """Of the reader, whatever matters it is over."""
    auditing.opened("download", portal_user(), portal_user(), called="Trust statement")


@blueprint.get("/trust/statement.csv")
@client_only
def trust_csv() -> Response:
    """The same lines for a spreadsheet: amounts as plain numbers, texts that cannot be taken for formulas."""
    period = asked()
    found = read(period)
    if not found:
        abort(404)
    _note()
    head = ("matter", "trust account", "date", "description", "in", "out", "balance")
    rows = [row for one in found for row in _cells(one, period)]
    response = Response("".join(tables.lines(head, rows)), content_type="text/csv; charset=utf-8")
    response.headers["Content-Disposition"] = files.disposition("Trust statement.csv", "text/csv", "attachment")
    return response


def _cells(one: Statement, period: Period) -> Iterator[list[str]]:
    plain = partial(money.plain, money=current_firm().money)
    place = [tables.inert(one.matter.number), tables.inert(one.account.name)]
    yield [*place, period.since.isoformat(), "Opening balance", "", "", plain(one.accounting.opening_cents)]
    for line in one.accounting.lines:
        said = tables.inert(f"{line.entry.description}: {line.movement.purpose}")
        sums = [plain(cents) if cents else "" for cents in (line.in_cents, line.out_cents)]
        yield [*place, line.entry.occurred_on.isoformat(), said, *sums, plain(line.balance_cents)]
    yield [*place, period.until.isoformat(), "Closing balance", "", "", plain(one.accounting.closing_cents)]


@blueprint.get("/trust/receipts/<public_id>/pdf")
@client_only
def trust_receipt(public_id: str) -> Response:
    found = trust_papers.find_receipt_for(portal_user(), public_id)
    if not found.paper_key:
        raise NotStored(public_id)
    return files.send_pdf(store.read(found.paper_key), f"Receipt {found.number}", about=found)
