"""The Uniform Task-Based Management System's codes, as clients' e-billing systems sort work by them."""

from __future__ import annotations

import re

from portal_app.domain.errors import Refused

ACTIVITIES = {
    "A101": "Plan and prepare for", "A102": "Research", "A103": "Draft or revise", "A104": "Review or analyze",
    "A105": "Communicate in the firm", "A106": "Communicate with the client",
    "A107": "Communicate with other outside counsel", "A108": "Communicate with others", "A109": "Appear for or attend",
    "A110": "Manage data or files", "A111": "Other",
}  # fmt: skip
EXPENSES = {
    "E101": "Copying", "E102": "Outside printing", "E103": "Word processing", "E104": "Facsimile", "E105": "Telephone",
    "E106": "Online research", "E107": "Delivery services and messengers", "E108": "Postage", "E109": "Local travel",
    "E110": "Out-of-town travel", "E111": "Meals", "E112": "Court fees", "E113": "Subpoena fees",
    "E114": "Witness fees", "E115": "Deposition transcripts", "E116": "Trial transcripts", "E117": "Trial exhibits",
    "E118": "Litigation support vendors", "E119": "Experts", "E120": "Private investigators",
    "E121": "Arbitrators and mediators", "E122": "Local counsel", "E123": "Other professionals", "E124": "Other",
}  # fmt: skip


def clean_task(text: str) -> str:
    """A task code, or nothing. There are many sets of them (litigation's L100 to L530, and clients' own), so only its
    form is looked at.

    Raises:
        Refused: with the field's name.
    """
    code = text.strip().upper()
    if code and not re.fullmatch(r"[A-Z]{1,2}[0-9]{3}", code):
        raise Refused("Write a task code as a letter or two and three digits, for example L110.", "task_code")
    return code
