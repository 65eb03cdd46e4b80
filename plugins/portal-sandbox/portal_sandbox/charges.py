"""A charge and the only ways in which it changes. Pure values: no clock, no file, no web."""

from __future__ import annotations

import dataclasses
import secrets
from dataclasses import dataclass

from portal_sandbox.means import Means
from portal_sandbox.scenarios import BY_KEY, DECLINED, RETURNED, SUCCEEDED, UNKNOWN_CARD, Scenario

PATIENCE_SECONDS = 30 * 60
MERCHANT_ACCOUNTS = {
    "sandbox-operating": ("Rehearsal operating account", "operating"),
    "sandbox-trust": ("Rehearsal trust account", "trust"),
}
CURRENCY = "USD"


@dataclass(frozen=True, kw_only=True, slots=True)
class Order:
    """What the portal asks for: this money, once, under this ``reference``. ``amount_minor`` is in cents.

    Events about it are posted to ``webhook_url``, signed with ``webhook_key``; empty: nobody wants to hear of them.
    """

    reference: str
    amount_minor: int
    currency: str
    merchant_account: str
    description: str = ""
    return_url: str = ""
    webhook_url: str = ""
    webhook_key: str = ""

    def is_same_money(self, other: Order) -> bool:
        mine = (self.amount_minor, self.currency, self.merchant_account)
        return mine == (other.amount_minor, other.currency, other.merchant_account)


@dataclass(frozen=True, kw_only=True, slots=True)
class Charge(Order):
    """An order and what became of it.

    ``status``: succeeded, pending, action_required, declined, canceled or returned. While the payer has something to
    do, ``step`` says what: ``pay`` (on the sandbox's own page) or ``challenge``. ``due_at`` (seconds since 1970) is
    when time itself changes a charge: a pending one settles, an unfinished one expires; 0: never. ``settled_at`` is
    when the money came; 0: it has not.
    """

    id: str
    status: str
    created_at: int
    due_at: int
    settled_at: int = 0
    step: str = ""
    has_page: int = 0
    method: str = ""
    brand: str = ""
    last4: str = ""
    scenario: str = ""
    code: str = ""
    message: str = ""

    @property
    def rehearses(self) -> Scenario:
        return BY_KEY.get(self.scenario, UNKNOWN_CARD)

    def aged(self, settle_seconds: int) -> Charge:
        """The charge after what was due at ``due_at``."""
        if self.status == "action_required":
            message = "The payment page was left open for too long. Nothing was charged."
            return dataclasses.replace(self, status="canceled", step="", due_at=0, code="expired", message=message)
        if self.status == "pending":
            return self.decided(self.due_at, settle_seconds, is_done=self.rehearses.late_status == SUCCEEDED)
        if self.status == SUCCEEDED and self.rehearses.then == RETURNED:
            return self.returned()
        return dataclasses.replace(self, due_at=0)

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
        return tried._settled(now, settle_seconds) if scenario.status == SUCCEEDED else tried._retryable()

    def answered(self, now: int, *, is_approved: bool) -> Charge:
        """The charge after the 3-D Secure step."""
        if is_approved:
            return dataclasses.replace(self, status=SUCCEEDED, step="", due_at=0, settled_at=now, code="", message="")
        return dataclasses.replace(
            self,
            status=DECLINED,
            step="",
            code="challenge_refused",
            message="The payment was not confirmed with the bank. Nothing was charged.",
        )._retryable()

    def decided(self, at: int, settle_seconds: int, *, is_done: bool) -> Charge:
        """A pending charge after the payer's bank has answered."""
        if is_done:
            return dataclasses.replace(self, status=SUCCEEDED, code="", message="")._settled(at, settle_seconds)
        return dataclasses.replace(
            self,
            status=DECLINED,
            due_at=0,
            code="insufficient_funds",
            message="The bank sent the transfer back: there was not enough money in the account.",
        )

    def given_up(self) -> Charge:
        """The charge after the payer or the portal gave it up: too late for one that is settled."""
        if self.status not in {"action_required", "pending"}:
            return self
        message = "The payment was given up. Nothing was charged."
        return dataclasses.replace(self, status="canceled", step="", due_at=0, code="given_up", message=message)

    def returned(self, code: str = "returned") -> Charge:
        """The charge after money that had come went back: returned by the payer's bank, or voided."""
        message = "The payer's bank sent the money back." if code == RETURNED else "The charge was voided."
        return dataclasses.replace(self, status=RETURNED, due_at=0, code=code, message=message)

    def _settled(self, at: int, settle_seconds: int) -> Charge:
        due_at = at + settle_seconds if self.rehearses.then else 0
        return dataclasses.replace(self, settled_at=at, due_at=due_at)

    def _retryable(self) -> Charge:
        if not self.has_page:
            return dataclasses.replace(self, due_at=0)
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


def taken_elsewhere(merchant_account: str, amount_minor: int, currency: str, now: int) -> Charge:
    """A card payment at the firm's own terminal: the portal has no part in it, and no reference of its own."""
    id = f"ch_{secrets.token_hex(16)}"
    return Charge(
        reference=id,
        amount_minor=amount_minor,
        currency=currency,
        merchant_account=merchant_account,
        description="Paid at the terminal in the office",
        id=id,
        status=SUCCEEDED,
        created_at=now,
        due_at=0,
        settled_at=now,
        method="card",
        brand="Visa",
        last4="4242",
        scenario="approved",
    )
