"""The demo: a made-up firm with a year behind it, filled through the domain's own functions.

Dates are relative to today; everything else is the same each time, but for tokens and ids.
"""

from __future__ import annotations

PASSWORD = "paper-lantern-2026"  # noqa: S105  a made-up firm's, printed on purpose

# Who signs in: name, e-mail address, what they are, where they land.
SIGN_INS = (
    ("Alice Vasquez-Thornbury", "alice@example.com", "client with open invoices", "/portal"),
    ("Bob Placeholder", "bob@example.com", "another client; sees nothing of Alice's", "/portal"),
    ("Carol Quillfeather", "carol@example.com", "attorney and administrator", "/firm"),
    ("Dan Wrenfield", "dan@example.com", "associate attorney", "/firm"),
    ("Gwen Harrowgate", "gwen@example.com", "biller", "/firm"),
    ("Erin Moss", "erin@example.com", "bookkeeper", "/firm"),
)
