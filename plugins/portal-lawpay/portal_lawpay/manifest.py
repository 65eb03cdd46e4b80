"""What LawPay is and can do, and what it has to be told."""

from __future__ import annotations

from portal_app.plugin_api import Capability, Flow, Fund, Manifest, Method, SettingField

API = "https://api.8am.com/v1"
FIELDS_SCRIPT = "https://cdn.affinipay.com/hostedfields/1.5.3/fieldGen_1.5.3.js"
PAGES = "https://secure.lawpay.com"

_KEYS = (
    SettingField(
        name="secret_key",
        label="Secret key",
        help="From LawPay, Settings › API. A test key reaches test accounts only, a live key live ones only.",
        kind="secret",
    ),
    SettingField(
        name="public_key",
        label="Public key",
        help="The other half of the same pair. Browsers see it: never put the secret key here.",
    ),
)
_PAGE = (
    SettingField(
        name="page_merchant",
        label="Payment page: firm",
        help="For payers whose browser runs no scripts: the first word after /pages/ in your payment page’s address. "
        "Leave empty to go without.",
        is_required=False,
    ),
    SettingField(
        name="page_operating",
        label="Payment page: operating",
        help="The last word of the address of the page that pays into the operating account.",
        default="operating",
        is_required=False,
    ),
    SettingField(
        name="page_trust",
        label="Payment page: trust",
        help="The last word of the address of the page that pays into the trust account.",
        default="trust",
        is_required=False,
    ),
)
_ADDRESSES = (
    SettingField(
        name="base_url", label="Address of the interface", help="With its version.", kind="url", default=API,
        is_required=False,
    ),
    SettingField(
        name="fields_url",
        label="Address of the fields’ script",
        help="The vendor’s own, of one fixed version.",
        kind="url",
        default=FIELDS_SCRIPT,
        is_required=False,
    ),
    SettingField(
        name="fields_integrity",
        label="Digest of the fields’ script",
        help="As the vendor publishes it for this version (sha384-…). A script that differs is then not run.",
        is_required=False,
    ),
    SettingField(
        name="page_url", label="Address of the payment pages", kind="url", default=PAGES, is_required=False,
    ),
    SettingField(
        name="surcharge",
        label="Surcharge",
        help="Whether the fields say that a card may be surcharged. The portal itself never adds to an amount.",
        kind="choice",
        choices=(("off", "Not used"), ("on", "Say so when a card may be surcharged")),
        default="off",
        is_required=False,
    ),
)  # fmt: skip

MANIFEST = Manifest(
    id="lawpay",
    title="LawPay",
    summary="Cards and eChecks through LawPay (8am, AffiniPay), with separate operating and trust accounts.",
    version="0.1.0",
    kit_version="1",
    methods=(Method.CARD, Method.BANK),
    funds=(Fund.OPERATING, Fund.TRUST),
    flows=(Flow.FIELDS, Flow.REDIRECT),
    settings=(*_KEYS, *_PAGE, *_ADDRESSES),
    # Lists lag a second or so. A payment page that was opened may take the money as long as it stays open.
    absence_horizon_seconds=30 * 60,
    capabilities=frozenset(
        {Capability.REFUND, Capability.PARTIAL_REFUND, Capability.WEBHOOK, Capability.LIST}
    ),
    webhook_events=(
        "transaction.authorized",
        "transaction.completed",
        "transaction.voided",
        "transaction.failed",
    ),
)  # fmt: skip
