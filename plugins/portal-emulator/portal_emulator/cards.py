"""Card and bank account numbers: their kinds, checksums, masks, and what each test number does."""

from __future__ import annotations

import hashlib
from base64 import urlsafe_b64encode
from typing import Final

CARD_TYPES: Final = ("VISA", "MASTERCARD", "AMERICAN_EXPRESS", "DISCOVER", "DINERS_CLUB", "JCB")

APPROVED: Final = (
    "4242424242424242",
    "4012888888881881",
    "4012000010000",
    "5499740000000057",
    "5105105105105100",
    "378282246310005",
    "371449635398431",
    "6011111111111117",
    "6011000990139424",
    "30569309025904",
    "38520000023237",
    "3530111333300000",
    "3566002020360505",
)
FAILING: Final = {
    "4000000000000002": "card_declined",
    "4000000000000044": "card_declined_insufficient_funds",
    "4000000000000051": "card_declined_limit_exceeded",
    "4000000000000069": "card_expired",
    "4000000000000119": "card_declined_processing_error",
    "4000000000000127": "card_declined_hold",
    "4000000000000135": "card_type_not_accepted",
    "4242424242424241": "card_number_invalid",
}
CVV_RESULTS: Final = {"4000000000000077": "UNAVAILABLE", "4000000000000101": "NOT_MATCHED"}
AVS_RESULTS: Final = {
    "4000000000000010": "NO_MATCH",
    "4000000000000085": "UNAVAILABLE",
    "4000000000000093": "AVS_ERROR_INELIGIBLE",
}
AVS_POSTAL_ONLY: Final = "4000000000000028"
AVS_ADDRESS_ONLY: Final = "4000000000000036"
CHARGEBACK: Final = "4000000000000259"  # the emulator's own: approved, charged back on day 60

BANKS: Final = {
    "000000000": "FIRST BANK OF TESTING",
    "000000013": "FIRST BANK OF TESTING",
    "111000025": "BANK OF AMERICA, N.A.",
}
BANK_FAILING: Final = {
    "1000000001": "ach_declined",
    "1000000002": "ach_declined_hold",
    "1000000003": "ach_declined_duplicate",
    "1000000004": "ach_invalid_account_number",
    "1000000005": "ach_insufficient_funds",
    "1000000006": "ach_account_not_found",
    "1000000007": "ach_account_closed",
    "1000000008": "ach_account_frozen",
    "1000000009": "ach_limit_exceeded",
    "1000000010": "ach_processing_error",
}
RETURNED: Final = {  # the emulator's own: accepted, returned by the bank on day 5
    "1000000011": "ach_insufficient_funds",
    "1000000012": "ach_account_closed",
}

DINERS: Final = frozenset({"36", "38", "39"} | {str(n) for n in range(300, 306)})
DISCOVER: Final = frozenset({"6011", "65"} | {str(n) for n in range(644, 650)})


def luhn(number: str) -> bool:
    doubled = [int(d) * (1 + i % 2) for i, d in enumerate(reversed(number))]
    return sum(d // 10 + d % 10 for d in doubled) % 10 == 0


def card_type(number: str) -> str:
    """One of ``CARD_TYPES``, or UNKNOWN."""
    if number.startswith("4"):
        return "VISA"
    if number[:2] in {"34", "37"}:
        return "AMERICAN_EXPRESS"
    if any(number.startswith(p) for p in DINERS):
        return "DINERS_CLUB"
    if any(number.startswith(p) for p in DISCOVER):
        return "DISCOVER"
    if "3528" <= number[:4] <= "3589":
        return "JCB"
    if "51" <= number[:2] <= "55" or "2221" <= number[:4] <= "2720":
        return "MASTERCARD"
    return "UNKNOWN"


def routing_ok(routing: str) -> bool:
    """The checksum of bank routing numbers; 000000001 fails it, 000000000 and 000000013 pass."""
    return sum(int(d) * w for d, w in zip(routing, (3, 7, 1) * 3, strict=True)) % 10 == 0


def masked(number: str, shown: int = 4) -> str:
    return "*" * (len(number) - shown) + number[-shown:] if len(number) > shown else "*" * len(number)


def fingerprint(*parts: str) -> str:
    """The same for the same card or account, and says nothing about its number."""
    digest = hashlib.sha256("|".join(("emulator", *parts)).encode()).digest()
    return urlsafe_b64encode(digest).decode()[:20]
