"""Whole cents and how people write them."""

from __future__ import annotations

import re


def dollars(cents: int) -> str:
    whole, part = divmod(abs(cents), 100)
    return f"{'−' if cents < 0 else ''}${whole:,}.{part:02d}"


def cents(typed: str) -> int | None:
    """1,234.5 and $1234.50 are 123450; None for what is no amount above zero."""
    match = re.fullmatch(r"\$?\s*([0-9]{1,12})(?:\.([0-9]{1,2}))?", typed.strip().replace(",", ""))
    if match is None:
        return None
    amount = int(match[1]) * 100 + int((match[2] or "0").ljust(2, "0"))
    return amount or None
