"""What the plugin says of itself, and what its settings must be."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

from portal_app.plugin_api import (
    Capability,
    Context,
    Flow,
    Fund,
    Manifest,
    Method,
    Mode,
    Problem,
    SettingField,
)

API = "https://api.stripe.com"
SCRIPT = "https://js.stripe.com/endive/stripe.js"  # of the same release as the API that `stripe` 16 speaks
EVENTS = (
    "payment_intent.succeeded", "payment_intent.payment_failed", "payment_intent.processing", "payment_intent.canceled",
    "payment_intent.requires_action", "charge.refunded", "charge.refund.updated", "refund.updated",
    "refund.failed", "charge.dispute.created", "charge.dispute.updated", "charge.dispute.closed",
    "charge.dispute.funds_withdrawn", "charge.dispute.funds_reinstated", "checkout.session.completed",
    "checkout.session.expired", "checkout.session.async_payment_succeeded", "checkout.session.async_payment_failed",
    "payout.paid", "payout.failed",
)  # fmt: skip

SETTINGS = (
    SettingField(
        name="secret_key", label="Secret key", kind="secret",
        help="From Stripe's dashboard, Developers, API keys: sk_… or, better, a restricted key rk_….",
    ),
    SettingField(
        name="publishable_key", label="Publishable key", help="pk_… of the same account. It stands in the payment page."
    ),
    SettingField(
        name="webhook_secret", label="Webhook signing secret", kind="secret", is_required=False,
        help="whsec_… of the endpoint that you made at Stripe for this portal. Without it no event is believed.",
    ),
    SettingField(
        name="webhook_secret_before", label="Webhook signing secret before that", kind="secret", is_required=False,
        help="Only while you change it: events signed with either secret are then believed.",
    ),
    SettingField(
        name="pays_into", label="This Stripe account pays into", kind="choice", default="operating",
        choices=(
            ("operating", "the firm's operating bank account"),
            ("trust", "a trust bank account, and its fees are billed elsewhere"),
        ),
        help="Stripe knows nothing of trust money. Deposits need a Stripe account of their own, whose fees never come "
        "out of them.",
    ),
    SettingField(
        name="bank_debits", label="Bank account payments (ACH)", kind="choice", default="no", is_required=False,
        choices=(("no", "not offered"), ("yes", "offered; switched on at Stripe too")),
    ),
    SettingField(name="base_url", label="Address of the API", kind="url", default=API, is_required=False),
    SettingField(
        name="script_url", label="Address of Stripe's script", kind="url", default=SCRIPT, is_required=False,
        help="Both addresses are Stripe's own, unless you rehearse.",
    ),
)  # fmt: skip

MANIFEST = Manifest(
    id="stripe",
    title="Stripe",
    summary="Cards and US bank accounts through Stripe, typed into Stripe's own fields or on its own page.",
    version="0.1.0",
    methods=(Method.CARD, Method.BANK),
    funds=(Fund.OPERATING, Fund.TRUST),
    flows=(Flow.FIELDS, Flow.REDIRECT),
    settings=SETTINGS,
    # A request that was cut off may still be at work there; lists themselves do not lag.
    absence_horizon_seconds=300,
    capabilities=frozenset(Capability),
    webhook_events=EVENTS,
    kit_version="1",
)

_KEYS = {"secret_key": "(?:sk|rk)", "publishable_key": "pk"}
_LABELS = {"secret_key": "secret key (sk_… or rk_…)", "publishable_key": "publishable key (pk_…)"}


def problems(ctx: Context) -> list[Problem]:
    """What cannot be right, found without asking anybody."""
    return [*_keys(ctx), *_secrets(ctx), *_addresses(ctx)]


def fund_of(ctx: Context) -> Fund:
    """Whose money this Stripe account takes: trust money only where the firm says so."""
    return Fund.TRUST if ctx.settings.get("pays_into") == "trust" else Fund.OPERATING


def _keys(ctx: Context) -> list[Problem]:
    found = []
    for name, prefix in _KEYS.items():
        match = re.fullmatch(prefix + r"_(test|live)_\w+", ctx.settings.get(name, ""))
        if match is None:
            said = f"This is not a {_LABELS[name]}. Copy it from Stripe's dashboard."
            found.append(Problem(field=name, message=said))
        elif match[1] != ctx.mode:
            said = f"This is a {match[1]} key, and the gateway is in {ctx.mode} mode."
            found.append(Problem(field=name, message=said))
    return found


def _secrets(ctx: Context) -> list[Problem]:
    names = ("webhook_secret", "webhook_secret_before")
    wrong = (name for name in names if ctx.settings.get(name) and not ctx.settings[name].startswith("whsec_"))
    return [Problem(field=name, message="A signing secret begins with whsec_.") for name in wrong]


def _addresses(ctx: Context) -> list[Problem]:
    found = []
    for name, own in (("base_url", API), ("script_url", SCRIPT)):
        origin = origin_of(ctx.settings.get(name, ""))
        if not origin:
            found.append(Problem(field=name, message=f"Enter a web address. Stripe's own is {own}."))
        elif ctx.mode is Mode.LIVE and origin != origin_of(own):
            found.append(Problem(field=name, message=f"In live mode this can only be Stripe's own address, {own}."))
    return found


def origin_of(url: str) -> str:
    """Scheme, host and port of a web address; empty when it is none."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return ""
    is_web = parts.scheme in {"http", "https"} and parts.hostname and "@" not in parts.netloc
    return f"{parts.scheme}://{parts.netloc}" if is_web else ""
