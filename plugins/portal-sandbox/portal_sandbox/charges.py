"""A charge and the only ways in which it changes. Pure values: no clock, no file, no web."""

from __future__ import annotations

import dataclasses
import secrets
from dataclasses import dataclass

from portal_sandbox.means import Means
from portal_sandbox.scenarios import BY_KEY, DECLINED

PATIENCE_SECONDS = 30 * 60
MERCHANT_ACCOUNTS = {
    "sandbox-operating": ("Rehearsal operating account", "operating"),
    "sandbox-trust": ("Rehearsal trust account", "trust"),
}
CURRENCY = "USD"


@dataclass(frozen=True, kw_only=True, slots=True)
class Order:
    """What the portal asks for: this money, once, under this ``reference``. ``amount_minor`` is in cents."""

    reference: str
    amount_minor: int
    currency: str
    merchant_account: str
    description: str = ""
    return_url: str = ""

    def is_same_money(self, other: Order) -> bool:
        mine = (self.amount_minor, self.currency, self.merchant_account)
        return mine == (other.amount_minor, other.currency, other.merchant_account)


@dataclass(frozen=True, kw_only=True, slots=True)
class Charge(Order):
    """An order and what became of it.

    ``status``: succeeded, pending, action_required, declined or canceled. While the payer has something to do,
    ``step`` says what: ``pay`` (on the sandbox's own page) or ``challenge``. ``due_at`` (seconds since 1970) is when
    time itself changes a charge: a pending one is settled, an unfinished one expires.
    """

    id: str
    status: str
    created_at: int
    due_at: int
    step: str = ""
    has_page: int = 0
    method: str = ""
    brand: str = ""
    last4: str = ""
    scenario: str = ""
    code: str = ""
    message: str = ""

    def at(self, now: int) -> Charge:
        """The charge as time has made it by ``now``; computed at each look, so that no look has to write."""
        if now < self.due_at:
            return self
        if self.status == "action_required":
            return dataclasses.replace(
                self,
                status="canceled",
                step="",
                code="expired",
                message="The payment page was left open for too long. Nothing was charged.",
            )
        if self.status == "pending":
            late = BY_KEY[self.scenario]
            return dataclasses.replace(self, status=late.late_status, code=late.late_code, message=late.late_message)
        return self

    def taken_with(self, means: Means, now: int, settle_seconds: int) -> Charge:
        """The charge after the payer gave ``means``. On the sandbox's own page a decline can be tried again."""
        scenario = BY_KEY[means.scenario]
        tried = dataclasses.replace(
            self,
            status=scenario.status,
            step="",
            code=scenario.code,
            message=scenario.message,
            **dataclasses.asdict(means),
        )
        if scenario.status == "action_required":
            return dataclasses.replace(tried, step="challenge")
        if scenario.status == "pending":
            return dataclasses.replace(tried, due_at=now + settle_seconds)
        return tried._retryable() if scenario.status == DECLINED else tried

    def answered(self, is_approved: bool) -> Charge:
        """The charge after the 3-D Secure step."""
        if is_approved:
            return dataclasses.replace(self, status="succeeded", step="", code="", message="")
        return dataclasses.replace(
            self,
            status=DECLINED,
            step="",
            code="challenge_refused",
            message="The payment was not confirmed with the bank. Nothing was charged.",
        )._retryable()

    def given_up(self) -> Charge:
        """The charge after the payer or the portal gave it up: too late for one that is settled."""
        if self.status not in {"action_required", "pending"}:
            return self
        message = "The payment was given up. Nothing was charged."
        return dataclasses.replace(self, status="canceled", step="", code="given_up", message=message)

    def _retryable(self) -> Charge:
        if not self.has_page:
            return self
        return dataclasses.replace(self, status="action_required", step="pay")


def ordered(order: Order, now: int, *, has_page: bool) -> Charge:
    """A new charge that nobody has paid yet; it expires half an hour after ``now``."""
    return Charge(
        **dataclasses.asdict(order),
        id=f"ch_{secrets.token_hex(16)}",
        status="action_required",
        step="pay",
        has_page=int(has_page),
        created_at=now,
        due_at=now + PATIENCE_SECONDS,
    )
