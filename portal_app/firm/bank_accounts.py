"""The firm's bank accounts, into which gateways pay."""

from __future__ import annotations

from flask import Response, flash, request
from werkzeug.wrappers import Response as AnyResponse

from portal_app import gateway_setup as setup
from portal_app.domain import payments
from portal_app.domain.errors import Refused
from portal_app.domain.payments import FUNDS, BankAccount
from portal_app.firm.blueprint import blueprint
from portal_app.web.fields import Line, Radios
from portal_app.web.forms import Form
from portal_app.web.fragments import go, render
from portal_app.web.login import firm_only, safe_next

LIST = "/firm/settings/bank-accounts"


class BankAccountForm(Form):
    name = Line("Name", most=80)
    last4 = Line("Last four digits of its number", most=4, is_required=False)
    fund = Radios("Whose money", choices=FUNDS, default="operating")


def _page(form: BankAccountForm, account: BankAccount | None, status: int = 200) -> Response:
    """``back`` is where somebody came from to add what was missing there."""
    back = safe_next(request.args.get("next")) or LIST
    return render("firm/settings/bank_account.html", status=status, form=form, account=account, back=back)


@blueprint.get("/settings/bank-accounts")
@firm_only("firm.manage")
def bank_accounts() -> Response:
    return render("firm/settings/bank_accounts.html", accounts=payments.bank_accounts(), payers=setup.payers())


@blueprint.get("/settings/bank-accounts/new")
@firm_only("firm.manage")
def new_bank_account() -> Response:
    fund = request.args.get("fund", "operating")
    return _page(BankAccountForm(data={"fund": fund if fund in FUNDS else "operating"}), None)


@blueprint.post("/settings/bank-accounts/new")
@firm_only("firm.manage")
def add_bank_account() -> AnyResponse:
    return _save(None)


@blueprint.get("/settings/bank-accounts/<int:bank_account_id>")
@firm_only("firm.manage")
def bank_account(bank_account_id: int) -> Response:
    account = BankAccount.get_by_id(bank_account_id)
    return _page(BankAccountForm(obj=account), account)


@blueprint.post("/settings/bank-accounts/<int:bank_account_id>")
@firm_only("firm.manage")
def change_bank_account(bank_account_id: int) -> AnyResponse:
    return _save(BankAccount.get_by_id(bank_account_id))


def _save(account: BankAccount | None) -> AnyResponse:
    form = BankAccountForm()
    if not form.validate():
        return _page(form, account, 422)
    values = {"name": form.name.data or "", "fund": form.fund.data, "last4": form.last4.data or ""}
    try:
        if account is None:
            payments.add_bank_account(**values)
        else:
            payments.change_bank_account(account, **values)
    except Refused as problem:
        form.refuse(problem)
        return _page(form, account, 422)
    flash(f"{values['name']} is saved.", "good")
    return go(safe_next(request.args.get("next")) or LIST)
