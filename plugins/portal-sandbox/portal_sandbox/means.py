"""What a payer types, read once and forgotten: only the brand, the last four digits and the scenario remain."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

from portal_sandbox import scenarios

CARD_FIELDS = ("number", "expires", "code")
BANK_FIELDS = ("routing", "account")
_BRANDS = (
    ("Visa", r"4"),
    ("Mastercard", r"5[1-5]|2(22[1-9]|2[3-9]|[3-6]|7[01]|720)"),
    ("American Express", r"3[47]"),
    ("Discover", r"6(011|4[4-9]|5)"),
)


@dataclass(frozen=True, slots=True)
class Means:
    """Something to pay with, as the sandbox remembers it. ``scenario`` is a key of ``scenarios.BY_KEY``."""

    method: str
    brand: str
    last4: str
    scenario: str


class Mistyped(ValueError):
    """What was typed cannot be right. ``errors`` has a sentence for each bad field, in the order of the fields."""

    def __init__(self, errors: dict[str, str]) -> None:
        super().__init__("mistyped")
        self.errors = errors


def read(method: str, typed: Mapping[str, object], today: date) -> Means:
    """Read card or bank fields as typed. Raises ``Mistyped``."""
    words = {name: value if isinstance(value, str) else "" for name, value in typed.items()}
    return _bank(words) if method == "bank" else _card(words, today)


def _card(typed: Mapping[str, str], today: date) -> Means:
    number = _digits(typed.get("number", ""))
    code = typed.get("code", "").strip()
    brand = next((name for name, starts in _BRANDS if re.match(starts, number)), "Card")
    checks = {
        "number": _number_error(number),
        "expires": _expiry_error(typed.get("expires", ""), today),
        "code": _code_error(code, 4 if brand == "American Express" else 3),
    }
    _refuse(checks)
    return Means("card", brand, number[-4:], scenarios.for_card(number).key)


def _bank(typed: Mapping[str, str]) -> Means:
    routing = _digits(typed.get("routing", ""))
    account = _digits(typed.get("account", ""))
    checks = {"routing": _routing_error(routing), "account": _account_error(account)}
    _refuse(checks)
    return Means("bank", "Bank account", account[-4:], scenarios.for_account(routing, account).key)


def _refuse(checks: dict[str, str]) -> None:
    errors = {name: sentence for name, sentence in checks.items() if sentence}
    if errors:
        raise Mistyped(errors)


def _digits(typed: str) -> str:
    """People copy numbers with spaces and dashes; anything else stays and is refused as it stands."""
    return re.sub(r"[ \-\u00a0]", "", typed)[:40]


def _is_digits(text: str) -> bool:
    return text.isascii() and text.isdigit()


def _number_error(number: str) -> str:
    if not number:
        return "Enter the card number"
    if not _is_digits(number):
        return "A card number has digits only"
    if not 12 <= len(number) <= 19 or not _passes_luhn(number):
        return "This is not a card number; check its digits"
    return ""


def _passes_luhn(number: str) -> bool:
    doubled = (divmod(int(digit) * 2, 10) for digit in number[-2::-2])
    return (sum(int(digit) for digit in number[::-2]) + sum(map(sum, doubled))) % 10 == 0


def _expiry_error(typed: str, today: date) -> str:
    found = re.fullmatch(r"\s*(0?[1-9]|1[0-2])\s*[/\-. ]?\s*(?:20)?([0-9]{2})\s*", typed, re.ASCII)
    if not typed.strip():
        return "Enter the expiry date"
    if not found:
        return "Enter month and year, for example 04 / 30"
    month, year = int(found[1]), 2000 + int(found[2])
    if (year, month) < (today.year, today.month):
        return "This date has passed"
    return "" if year <= today.year + 30 else "This year is too far away"


def _code_error(code: str, length: int) -> str:
    if not code:
        return "Enter the security code"
    return "" if _is_digits(code) and len(code) == length else f"The security code has {length} digits"


def _routing_error(routing: str) -> str:
    if not routing:
        return "Enter the routing number"
    if not _is_digits(routing) or len(routing) != 9:
        return "A routing number has nine digits"
    weighed = sum(int(digit) * weight for digit, weight in zip(routing, (3, 7, 1) * 3, strict=True))
    return "" if weighed % 10 == 0 else "This is not a routing number; check its digits"


def _account_error(account: str) -> str:
    if not account:
        return "Enter the account number"
    return "" if _is_digits(account) and 4 <= len(account) <= 17 else "An account number has 4 to 17 digits"
