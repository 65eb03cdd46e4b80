"""A dispute and the only ways in which it changes; and a payout, which the bank can send back."""

from __future__ import annotations

import dataclasses
import secrets
from dataclasses import dataclass

RESPOND_SECONDS = 7 * 24 * 60 * 60
DECISIONS = ("won", "lost")


@dataclass(frozen=True, kw_only=True, slots=True)
class Dispute:
    """``status``: open, won or lost, seen from the firm. The money is gone while it is open, and when it is lost."""

    id: str
    charge_id: str
    amount_minor: int
    status: str
    reason: str
    created_at: int
    respond_by: int

    def decided(self, decision: str) -> Dispute:
        return dataclasses.replace(self, status=decision) if self.status == "open" else self


@dataclass(frozen=True, kw_only=True, slots=True)
class Payout:
    """Money that left for the bank account behind ``merchant_account``.

    ``returned_at``: when that bank sent it back, or 0.
    """

    id: str
    merchant_account: str
    amount_minor: int
    currency: str
    created_at: int
    returned_at: int = 0


def opened(charge_id: str, amount_minor: int, now: int) -> Dispute:
    return Dispute(
        id=f"dp_{secrets.token_hex(16)}",
        charge_id=charge_id,
        amount_minor=amount_minor,
        status="open",
        reason="The payer does not recognize this payment.",
        created_at=now,
        respond_by=now + RESPOND_SECONDS,
    )


def paid_out(merchant_account: str, amount_minor: int, currency: str, now: int) -> Payout:
    return Payout(
        id=f"po_{secrets.token_hex(16)}",
        merchant_account=merchant_account,
        amount_minor=amount_minor,
        currency=currency,
        created_at=now,
    )
