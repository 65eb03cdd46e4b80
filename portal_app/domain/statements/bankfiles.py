"""Statements as the banks' own formats: OFX, QFX and MT940, read by a library that uses no XML parser, so that an
entity in a file can neither grow nor fetch anything."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from portal_app import money
from portal_app.domain.statements.parsed import (
    DESCRIPTION_MOST,
    MOST_LINES,
    REFERENCE_MOST,
    Parsed,
    Problem,
    Row,
    clean,
)

# What the library could not read of these would leave a movement out or change its amount: nothing is imported then.
GRAVE = frozenset({"DTPOSTED", "TRNAMT", "BALAMT", "STMTTRN", "STMTRS"})
HARMLESS = frozenset({"DTAVAIL", "CURDEF"})


def is_bankfile(body: bytes) -> bool:
    """Whether the library knows the format. Everything else is read as a table."""
    from bankfile.detect import UnknownFormatError, detect

    try:
        detect(body)
    except UnknownFormatError:
        return False
    return True


def read(body: bytes, currency: money.Currency) -> Parsed:
    """The rows of the first statement of a file, and the balances that it names."""
    import bankfile

    found = Parsed()
    try:
        told = bankfile.parse_bytes(body)
    except (bankfile.UnknownFormatError, ValueError) as problem:
        found.problems.append(Problem(0, f"The file cannot be read: {clean(str(problem), 200)}"))
        return found
    _warnings(found, told.warnings)
    if told.currency not in {None, currency.code}:
        found.problems.append(Problem(0, f"The file is in {told.currency}, the firm’s books are in {currency.code}."))
    if len(told.transactions) > MOST_LINES:
        found.problems.append(Problem(0, f"The file has more than {MOST_LINES:,} entries. Import it in parts."))
        return found
    for number, item in enumerate(told.transactions, 1):
        _take(found, number, item, currency)
    found.opening_cents = _cents(told.opening_balance, currency)
    found.closing_cents = _cents(told.closing_balance, currency)
    return found


def _warnings(found: Parsed, warnings: list[Any]) -> None:
    for warning in warnings:
        is_grave = warning.field in GRAVE or (warning.rule in {"amount", "date"} and warning.field not in HARMLESS)
        says = clean(f"{warning.field or warning.rule}: {warning.message}", DESCRIPTION_MOST)
        if is_grave or "no STMTRS" in warning.message:
            found.problems.append(Problem(0, says))
        else:
            found.notes.append(says)


def _take(found: Parsed, number: int, item: Any, currency: money.Currency) -> None:
    value = _cents(item.amount, currency)
    if value is None:
        found.problems.append(Problem(number, f"{item.amount} is no amount in whole cents."))
        return
    if not value:
        found.notes.append(f"Entry {number} moves no money and is left out.")
        return
    texts = [text for text in (item.counterparty_name, item.purpose) if text]
    text, reference = clean(" ".join(dict.fromkeys(texts)), DESCRIPTION_MOST), item.check_number or item.reference or ""
    bank_id = clean(item.bank_reference or "", 255)
    found.rows.append(Row(number, item.date, text, clean(reference, REFERENCE_MOST), value, bank_id))


def _cents(amount: Decimal | None, currency: money.Currency) -> int | None:
    """Exact whole cents, or ``None``: there is no amount, it has a part of a cent, or it is past all reason."""
    if amount is None:
        return None
    value = amount.scaleb(currency.precision)
    if value != value.to_integral_value() or abs(value) > money.MAX_CENTS:
        return None
    return int(value)
