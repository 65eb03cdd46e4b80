"""A refund and the only ways in which it changes. Pure values, as charges are."""

from __future__ import annotations

import dataclasses
import secrets
from dataclasses import dataclass

from portal_sandbox.charges import Charge
from portal_sandbox.scenarios import DECLINED, SUCCEEDED

VOID_SECONDS = 10 * 60
_FAILED = "The payer's bank did not take the money back; it stays with the firm."


@dataclass(frozen=True, kw_only=True, slots=True)
class RefundOrder:
    """What the portal asks for: this much of that charge back, once, under this ``reference``."""

    reference: str
    charge_id: str
    amount_minor: int
    reason: str = ""

    def is_same_money(self, other: RefundOrder) -> bool:
        return (self.charge_id, self.amount_minor) == (other.charge_id, other.amount_minor)


@dataclass(frozen=True, kw_only=True, slots=True)
class Refund(RefundOrder):
    """``status``: succeeded, pending or declined. A void takes the whole charge back before it is collected, and goes
    by the charge's id. ``due_at`` is when time changes it, 0: never."""

    id: str
    status: str
    created_at: int
    due_at: int = 0
    is_void: int = 0
    code: str = ""
    message: str = ""

    @property
    def told_id(self) -> str:
        return self.charge_id if self.is_void else self.id

    def aged(self, charge: Charge) -> Refund:
        """The refund after what was due at ``due_at``."""
        return self.decided(is_done=self.status == "pending" or charge.rehearses.refund_late != DECLINED)

    def decided(self, *, is_done: bool) -> Refund:
        if is_done:
            return dataclasses.replace(self, status=SUCCEEDED, due_at=0, code="", message="")
        return dataclasses.replace(self, status=DECLINED, due_at=0, code="refund_failed", message=_FAILED)


def refunded(order: RefundOrder, charge: Charge, now: int, settle_seconds: int, *, is_void: bool) -> Refund:
    """A new refund: at once to a card, a while later to a bank account."""
    is_late = charge.method == "bank"
    return Refund(
        **dataclasses.asdict(order),
        id=f"re_{secrets.token_hex(16)}",
        status="pending" if is_late else SUCCEEDED,
        created_at=now,
        due_at=now + settle_seconds if is_late or charge.rehearses.refund_late else 0,
        is_void=int(is_void),
        message="The refund is on its way to the bank account." if is_late else "",
    )


def is_voidable(charge: Charge, order: RefundOrder, now: int) -> bool:
    """Whether the whole charge can be taken back as if it had never been. Bank transfers are collected at once."""
    is_whole = order.amount_minor == charge.amount_minor
    is_early = now < charge.settled_at + VOID_SECONDS
    return is_whole and is_early and charge.method == "card" and not charge.rehearses.refund_late
