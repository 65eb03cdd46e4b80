"""What the portal has told of its own books, as the sandbox keeps it: the last word on each thing."""

from __future__ import annotations

from dataclasses import dataclass

# What the portal may say of something that stands so here, besides the same word: refunds and disputes have words of
# their own, and the portal has a refund where the sandbox has voided a charge.
_ALSO = {
    "succeeded": {"refunded", "disputed"},
    "voided": {"succeeded", "refunded", "returned"},
    "open": {"opened"},
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Word:
    """``what`` is the observer's name, ``id`` the portal's own number; ``at`` is in microseconds since 1970."""

    what: str
    id: int
    status: str
    reference: str
    gateway: str
    amount_minor: int
    currency: str
    at: int

    def agrees(self, status: str) -> bool:
        """Whether the portal says what the sandbox's ``status`` says."""
        return self.status == status or self.status in _ALSO.get(status, ())
