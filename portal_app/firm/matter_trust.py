"""A matter's money in trust: where it stands, every line, and what may be done with it."""

from __future__ import annotations

from typing import Any

from flask import Response, flash, request
from werkzeug.wrappers import Response as AnyResponse

from portal_app import clock
from portal_app.domain import matters, trust
from portal_app.domain.banks import BankAccount, bank_accounts
from portal_app.domain.matters import Matter
from portal_app.domain.people import FirmUser
from portal_app.domain.trust import Accounting, TrustAuthorisation
from portal_app.firm.blueprint import blueprint
from portal_app.firm.csv import day_of, table
from portal_app.firm.trust_forms import AuthoriseForm, HoldForm, PayForm, ReceiptForm, ReleaseForm, other_matter
from portal_app.tables import inert
from portal_app.web import paper
from portal_app.web.forms import Form
from portal_app.web.fragments import go, render
from portal_app.web.login import firm_only, firm_user, fresh
from portal_app.web.templates import current_firm, show_money


def _chosen(accounts: list[BankAccount]) -> BankAccount | None:
    """The trust account that the page is about: the one asked for, or the first."""
    wanted = request.args.get("account", type=int)
    return next((row for row in accounts if row.id == wanted), accounts[0] if accounts else None)


def _accounting(matter: Matter, account: BankAccount) -> Accounting:
    today = clock.today(current_firm().time_zone)
    since = day_of("from") or min(matter.opened_on, today)
    return trust.accounting(matter, account, since, max(day_of("to") or today, since))


def page(matter: Matter, status: int = 200, **forms: Any) -> Response:
    """The matter's trust page; ``forms`` are those that were sent and refused, by their names."""
    standings = trust.standings(matter, clock.today(current_firm().time_zone))
    accounts = [row.bank_account for row in standings]
    account = _chosen(accounts)
    blank: dict[str, Any] = {
        "receipt_form": ReceiptForm(accounts, formdata=None, data={"payer": matter.client.name}),
        "authorise_form": AuthoriseForm(accounts, formdata=None, data={"payee": ""}),
        "hold_form": HoldForm(accounts, formdata=None),
    }  # fmt: skip
    sent = next((form for form in forms.values() if hasattr(form, "errors")), None)
    words, holds = trust.to_carry_out(matter), trust.holds_on(matter)
    return render(
        "firm/trust/matter.html", "lines", status=status, matter=matter, accounts=accounts, account=account,
        standings=standings, form=sent, rule=getattr(sent, "rule", None),
        accounting=_accounting(matter, account) if account else None, words=words, holds=holds,
        pay_forms=_each(PayForm, [row.id for row in words], forms.pop("pay_form", None), forms.get("wrong", 0)),
        release_forms=_each(
            ReleaseForm, [row.id for row in holds], forms.pop("release_form", None), forms.pop("wrong", 0)
        ), **blank | forms,
    )  # fmt: skip


def _each(kind: type[Form], ids: list[int], sent: Form | None, wrong: int) -> dict[int, Form]:
    """A form for each thing, by its id; the one that was sent and refused for its own."""
    found = {number: kind(formdata=None).at(number) for number in ids}
    return found | ({wrong: sent.at(wrong)} if sent is not None else {})


@blueprint.get("/matters/<int:matter_id>/trust")
@firm_only("trust.read")
def matter_trust(matter_id: int) -> Response:
    return page(matters.find(firm_user(), matter_id))


@blueprint.post("/matters/<int:matter_id>/trust/receipts")
@firm_only("trust.receive")
def add_trust_receipt(matter_id: int) -> AnyResponse:
    who, form = firm_user(), ReceiptForm(bank_accounts("trust"))
    matter = matters.find(who, matter_id)
    row = form.done(lambda: trust.receive(
        matter, form.chosen, amount_cents=form.amount.data or 0, received_on=form.occurred_on.data,
        payer=form.payer.data or "", purpose=form.purpose.data or "", method=form.method.data,
        reference=form.reference.data or "", by=who, key=form.key.data,
    ))  # fmt: skip
    if row is None:
        return page(matter, 422, receipt_form=form)
    flash(f"{show_money(row.amount_cents)} from {row.party} is in trust.", "good")
    return go(_of(matter, row.bank_account_id))


@blueprint.post("/matters/<int:matter_id>/trust/authorisations")
@firm_only("trust.authorise")
@fresh
def authorise_withdrawal(matter_id: int) -> AnyResponse:
    who, form = firm_user(), AuthoriseForm(bank_accounts("trust"))
    matter = matters.find(who, matter_id)
    word = form.done(lambda: _authorise(matter, form, who))
    if word is None:
        return page(matter, 422, authorise_form=form)
    flash(f"{show_money(word.amount_cents)} to {word.payee} is authorized. It waits to be carried out.", "good")
    return go(_of(matter, word.bank_account_id))


def _authorise(matter: Matter, form: AuthoriseForm, who: FirmUser) -> TrustAuthorisation:
    target = other_matter(form, lambda number: matters.with_number(who, number))
    payee = form.payee.data or (target.client.name if target else matter.client.name)
    return trust.authorise(
        matter, form.chosen, kind=form.kind.data, amount_cents=form.amount.data or 0, payee=payee,
        purpose=form.purpose.data or "", by=who, to_matter=target, key=form.key.data,
    )  # fmt: skip


@blueprint.post("/matters/<int:matter_id>/trust/holds")
@firm_only("trust.hold")
def hold_trust_money(matter_id: int) -> AnyResponse:
    who, form = firm_user(), HoldForm(bank_accounts("trust"))
    matter = matters.find(who, matter_id)
    row = form.done(lambda: trust.hold(
        matter, form.chosen, amount_cents=form.amount.data or 0, reason=form.reason.data or "", by=who,
        key=form.key.data,
    ))  # fmt: skip
    if row is None:
        return page(matter, 422, hold_form=form)
    flash(f"{show_money(row.amount_cents)} is held. Somebody else has to release it.", "good")
    return go(_of(matter, row.bank_account_id))


def _of(matter: Matter, bank_account_id: int) -> str:
    return f"/firm/matters/{matter.id}/trust?account={bank_account_id}"


# A full accounting to take away


@blueprint.get("/matters/<int:matter_id>/trust.csv")
@firm_only("trust.read")
def trust_csv(matter_id: int) -> Response:
    """Every line of a period, with opening and closing, for other programs (T17)."""
    matter = matters.find(firm_user(), matter_id)
    account = _chosen(bank_accounts("trust"))
    rows: list[list[str | int]] = []
    if account is not None:
        found = _accounting(matter, account)
        rows.append([found.since.isoformat(), "", "Opening balance", *[""] * 6, found.opening_cents])
        rows += [_cells(line) for line in found.lines]
        rows.append([found.until.isoformat(), "", "Closing balance", *[""] * 6, found.closing_cents])
    head = "Date,Entry,What,Payer or payee,Purpose,Method,Reference,In,Out,Balance"
    return table(f"trust-{matter.number}.csv", head, rows)


def _cells(line: trust.Line) -> list[str | int]:
    row = line.movement
    texts = (line.entry.description, row.party, row.purpose, row.method_name, row.reference)
    cents = (line.in_cents, line.out_cents, line.balance_cents)
    return [line.entry.occurred_on.isoformat(), str(line.entry.id), *map(inert, texts), *cents]


@blueprint.get("/matters/<int:matter_id>/trust.pdf")
@firm_only("trust.read")
def trust_pdf(matter_id: int) -> AnyResponse:
    """The same on paper, for the client."""
    matter = matters.find(firm_user(), matter_id)
    account = _chosen(bank_accounts("trust"))
    if account is None:
        return go(f"/firm/matters/{matter.id}/trust")
    body = paper.trust_pdf(matter, _accounting(matter, account))
    name = f"trust-{matter.number}.pdf".replace('"', "").replace("/", "-").encode("ascii", "replace").decode()
    return Response(body, mimetype="application/pdf", headers={"Content-Disposition": f'attachment; filename="{name}"'})
