"""Comparing a fragment with its page."""

from __future__ import annotations

import re


def without_token(text: str) -> str:
    """The CSRF token carries the second in which it was made."""
    return re.sub(r'name="csrf_token" value="[^"]*"', "", text)
