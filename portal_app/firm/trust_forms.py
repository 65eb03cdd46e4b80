"""The forms of trust money. A refusal shows the rule that is in the way, in its own words."""

from __future__ import annotations

from typing import Any

from wtforms.validators import ValidationError

from portal_app import clock
from portal_app.domain import trust
from portal_app.domain.banks import BankAccount, bank_accounts
from portal_app.domain.errors import Refused
from portal_app.domain.matters import Matter
from portal_app.domain.trust import METHODS, Rule, RuleRefused
from portal_app.firm.once import OnceForm
from portal_app.web.fields import Choice, Day, Line, Money, Radios
from portal_app.web.forms import Form
from portal_app.web.templates import current_firm

RECEIVED_BY = {name: METHODS[name] for name in ("check", "wire", "cash", "card", "bank")}
PAID_BY = {name: METHODS[name] for name in trust.PAID_BY}
WAYS = {
    "disbursement": "Paid to somebody else",
    "refund": "Given back to the client",
    "transfer": "Moved to another matter",
}


def today_here() -> Any:
    return clock.today(current_firm().time_zone)


class RuledForm(OnceForm):
    """``rule``: the rule that forbade what was asked, to be shown with the form."""

    rule: Rule | None = None

    def refuse(self, problem: Refused) -> None:
        if isinstance(problem, RuleRefused):
            self.rule = problem.rule
            problem = Refused(problem.problem, problem.field)
        super().refuse(problem)


def named(account: BankAccount) -> str:
    return f"{account.name} ••{account.last4}" if account.last4 else str(account.name)


class _InTrust(RuledForm):
    """About one of the firm's trust bank accounts; with only one there is nothing to choose."""

    account = Choice("Trust account", coerce=int)

    def __init__(self, accounts: list[BankAccount], **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.accounts = {row.id: row for row in accounts}
        self.account.choices = {row.id: named(row) for row in accounts}
        if self.account.data is None and accounts:
            self.account.data = accounts[0].id

    @property
    def chosen(self) -> BankAccount:
        return self.accounts[self.account.data]


class ReceiptForm(_InTrust):
    scope = "receipt"
    amount = Money("Amount")
    occurred_on = Day("Received on", default=today_here)
    method = Choice("How it came", choices=RECEIVED_BY, default="check")
    payer = Line("Who paid")
    purpose = Line("What it is for", most=200)
    reference = Line("Check number or reference", most=80, is_required=False)


class AuthoriseForm(_InTrust):
    scope = "withdrawal"
    kind = Radios("What happens", choices=WAYS, default="disbursement")
    amount = Money("Amount")
    payee = Line("Who is paid", is_required=False)
    to_matter = Line("Number of the other matter", most=40, is_required=False)
    purpose = Line("What it is for", most=200)

    def validate_payee(self, field: Line) -> None:
        if self.kind.data == "disbursement" and not field.data:
            raise ValidationError("Say who is paid.")

    def validate_to_matter(self, field: Line) -> None:
        if self.kind.data == "transfer" and not field.data:
            raise ValidationError("Enter the number of the other matter.")


class HoldForm(_InTrust):
    scope = "hold"
    amount = Money("Amount")
    reason = Line("What is disputed?", most=200)


class ReleaseForm(RuledForm):
    scope = "release"
    note = Line("How was it settled?", most=200)


class PayForm(RuledForm):
    """Carrying out what a lawyer has authorised."""

    scope = "payment"
    occurred_on = Day("Paid on", default=today_here)
    method = Choice("How it is paid", choices=PAID_BY, default="check")
    reference = Line("Check number or reference", most=80, is_required=False)


class ClearForm(RuledForm):
    scope = "clearing"
    cleared_on = Day("Settled on", default=today_here)
    note = Line("Where was it seen?", most=200)


class TellForm(Form):
    scope = "notice"
    how = Line("How was the client told?")


class ReturnForm(RuledForm):
    scope = "return"
    amount = Money("Amount")
    occurred_on = Day("Returned on", default=today_here)
    reason = Line("Why", most=200)


class CorrectForm(RuledForm):
    scope = "correction"
    reason = Line("What was wrong?", most=200)


class _WithOperating(RuledForm):
    """About the firm's own money, too: from which of its operating accounts."""

    operating = Choice("Operating account", coerce=int)

    def __init__(self, **kwargs: Any) -> None:
        rows = kwargs.pop("rows", None) or bank_accounts("operating")
        super().__init__(**kwargs)
        self.rows = {row.id: row for row in rows}
        self.operating.choices = {row.id: named(row) for row in rows}
        if self.operating.data is None and rows:
            self.operating.data = rows[0].id

    @property
    def chosen_operating(self) -> BankAccount:
        return self.rows[self.operating.data]


class FloatForm(_WithOperating):
    scope = "float"
    kind = Radios("What happens", choices={"float_in": "Put in", "float_out": "Taken out"}, default="float_in")
    amount = Money("Amount")
    occurred_on = Day("On", default=today_here)
    reference = Line("Reference", most=80, is_required=False)


class ChargeForm(RuledForm):
    scope = "charge"
    amount = Money("Amount")
    occurred_on = Day("Charged on", default=today_here)
    what = Line("What for", most=200)


class ReplenishForm(_WithOperating):
    scope = "replenish"
    occurred_on = Day("Put in on", default=today_here)
    reference = Line("Reference", most=80, is_required=False)


class ApplyForm(_WithOperating):
    """Paying an invoice from trust."""

    scope = "apply"
    account = Choice("From", coerce=int)
    amount = Money("Amount")

    def __init__(self, standings: list[trust.Standing], **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.accounts = {row.bank_account.id: row.bank_account for row in standings}
        self.account.choices = {row.bank_account.id: named(row.bank_account) for row in standings}
        if self.account.data is None and standings:
            self.account.data = standings[0].bank_account.id

    @property
    def chosen(self) -> BankAccount:
        return self.accounts[self.account.data]


class PolicyForm(Form):
    pack = Choice("Rule pack")
    float_cap = Money("Most of the firm's own money in a trust account", may_be_zero=True)

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.pack.choices = {code: pack.title for code, pack in trust.packs().items()}


def other_matter(form: AuthoriseForm, find: Any) -> Matter | None:
    """The matter that a transfer goes to, found through the person.

    Raises:
        Refused: there is none of this number that they may see.
    """
    if form.kind.data != "transfer":
        return None
    found: Matter | None = find(form.to_matter.data or "")
    if found is None:
        raise Refused("There is no such matter.", "to_matter")
    return found
