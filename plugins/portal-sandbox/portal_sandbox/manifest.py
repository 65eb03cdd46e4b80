"""What the sandbox says of itself."""

from __future__ import annotations

from portal_app.plugin_api import Capability, Flow, Fund, Manifest, Method, SettingField, TestMethod
from portal_sandbox.charges import CURRENCY
from portal_sandbox.events import KINDS
from portal_sandbox.scenarios import ACCOUNTS, CARDS, ROUTING

DEFAULT_KEY = "sk_sandbox_rehearsal"

MANIFEST = Manifest(
    id="sandbox",
    title="Sandbox",
    summary="Rehearse every payment, good and bad, with test cards. No real card, no real money, no internet.",
    version="0.1.0",
    methods=(Method.CARD, Method.BANK),
    funds=(Fund.OPERATING, Fund.TRUST),
    flows=(Flow.FIELDS, Flow.REDIRECT),
    settings=(
        SettingField(
            name="base_url",
            label="Address",
            help="Leave empty: the portal serves the sandbox itself. Otherwise where another one is served.",
            kind="url",
            is_required=False,
        ),
        SettingField(
            name="secret_key",
            label="Secret key",
            help=f"Any key that begins with sk_sandbox_ is accepted. Leave empty for {DEFAULT_KEY}.",
            kind="secret",
            default=DEFAULT_KEY,
            is_required=False,
        ),
        SettingField(
            name="currency",
            label="Currency",
            help="What its accounts take: the currency of the firm’s books, for example EUR.",
            default=CURRENCY,
            is_required=False,
        ),
    ),
    absence_horizon_seconds=20,
    capabilities=frozenset(Capability),
    webhook_events=KINDS,
    kit_version="1",
    is_rehearsal=True,
    test_methods=(
        *(TestMethod(number=each.number, says=each.says) for each in CARDS),
        *(TestMethod(number=f"{ROUTING} {a.number}", says=a.says, method=Method.BANK) for a in ACCOUNTS),
    ),
)
