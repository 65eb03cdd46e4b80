"""The demo: a made-up firm, filled through the domain's own functions."""

from __future__ import annotations

PASSWORD = "portal-demo-2026"  # noqa: S105  a made-up firm's, printed on purpose

FIRM = "Quillfeather & Larkspur LLP"

# Who signs in: name, e-mail address, what they are, where they land.
SIGN_INS = (
    ("Alice Vasquez-Thornbury", "alice@example.com", "client with open invoices", "/portal"),
    ("Bob Abernathy-Osei", "bob@example.com", "another client; sees nothing of Alice's", "/portal"),
    ("Carol Quillfeather", "carol@example.com", "attorney and administrator", "/firm"),
    ("Dan Larkspur", "dan@example.com", "associate attorney", "/firm"),
    ("Beatrix Nakamura-Bell", "beatrix@example.com", "biller", "/firm"),
    ("Erin Featherstone", "erin@example.com", "bookkeeper", "/firm"),
)
