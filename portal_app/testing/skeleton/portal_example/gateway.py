"""The gateway as the portal knows it: each hook asks Example Pay and has its answer translated.

Nothing is caught here but what must be said differently: any exception is read as "unknown" by the portal.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote, urlencode, urlsplit

from portal_app.plugin_api import (
    BeginRequest,
    Capability,
    ChargeRequest,
    Check,
    Context,
    Delivery,
    Event,
    Fields,
    Flow,
    Fund,
    Health,
    LedgerFact,
    LedgerLine,
    ListPage,
    ListQuery,
    LookupQuery,
    Manifest,
    Method,
    Mode,
    NeverSent,
    Outcome,
    OutcomeKind,
    Problem,
    Redirect,
    RefundRequest,
    Rejected,
    Response,
    Role,
    SettingField,
    Subject,
    TransactionKind,
    hookimpl,
)

from . import answers

TOLERANCE_SECONDS = 300
MANIFEST = Manifest(
    id="example",
    title="Example Pay",
    summary="Cards and bank debits through Example Pay.",
    version="0.1.0",
    methods=(Method.CARD, Method.BANK),
    funds=(Fund.OPERATING, Fund.TRUST),
    flows=(Flow.FIELDS, Flow.REDIRECT),
    settings=(
        SettingField(name="base_url", label="Address of the API", kind="url", default="https://api.example.test"),
        SettingField(name="public_key", label="Public key", help="Begins with pk_test_ or pk_live_."),
        SettingField(name="secret_key", label="Secret key", help="Begins with sk_test_ or sk_live_.", kind="secret"),
        SettingField(name="webhook_secret", label="Webhook secret", kind="secret"),
    ),
    absence_horizon_seconds=120,
    capabilities=frozenset(Capability),
    webhook_events=("charge.changed", "refund.changed", "dispute.changed"),
    kit_version="1",
)


class Example:
    """Stateless: everything comes in with the call."""

    @hookimpl
    def gateway_manifest(self) -> Manifest:
        return MANIFEST

    @hookimpl
    def gateway_validate_settings(self, ctx: Context) -> list[Problem]:
        problems = []
        schemes = {"https"} if ctx.mode is Mode.LIVE else {"http", "https"}
        if not _is_address(ctx.settings["base_url"], schemes):
            problems.append(Problem(field="base_url", message="Enter an address that begins with https://."))
        for name, prefix in (("public_key", "pk"), ("secret_key", "sk")):
            if not ctx.settings[name].startswith(f"{prefix}_{ctx.mode}_"):
                said = f"A key for {ctx.mode} mode begins with {prefix}_{ctx.mode}_."
                problems.append(Problem(field=name, message=said))
        if not ctx.settings["webhook_secret"]:
            problems.append(Problem(field="webhook_secret", message="Enter the secret of the webhook address."))
        return problems

    @hookimpl
    def gateway_health(self, ctx: Context) -> Health:
        try:
            return answers.health(_call(ctx, "GET", "/v1/account"))
        except NeverSent:
            return Health(checks=(Check(label="Reaches Example Pay", is_ok=False, detail="Nobody answers there."),))

    @hookimpl
    def gateway_begin(self, ctx: Context, request: BeginRequest) -> Fields | Redirect:
        if request.flow is Flow.FIELDS:
            origin = _origin(ctx.settings["base_url"])
            config = {"gateway": MANIFEST.id, "key": ctx.settings["public_key"], "url": f"{origin}/fields"}
            return Fields(module="fields.js", config=config, frame_origins=(origin,))
        opened = _call(ctx, "POST", "/v1/pages", json=_order(request), key=f"{request.reference}-page")
        return answers.page(opened)

    @hookimpl
    def gateway_charge(self, ctx: Context, request: ChargeRequest) -> Outcome:
        if not request.merchant_account:  # Example Pay would take its first account, which may be of trust money
            return Outcome(kind=OutcomeKind.NOT_SUBMITTED, message="The firm has no account for this payment.")
        sent = _order(request) | {"token": request.token}
        return answers.charge(_call(ctx, "POST", "/v1/charges", json=sent, key=request.reference))

    @hookimpl
    def gateway_return(self, ctx: Context, query: LookupQuery) -> Outcome:
        return _look_up(ctx, query)

    @hookimpl
    def gateway_lookup(self, ctx: Context, query: LookupQuery) -> Outcome:
        return _look_up(ctx, query)

    @hookimpl
    def gateway_cancel(self, ctx: Context, query: LookupQuery) -> Outcome:
        found = _look_up(ctx, query)
        if found.kind not in {OutcomeKind.PENDING, OutcomeKind.ACTION_REQUIRED}:
            # Not found is no proof that the order is not still on its way.
            return Outcome(kind=OutcomeKind.UNKNOWN) if found.kind is OutcomeKind.ABSENT else found
        return answers.charge(_call(ctx, "POST", f"/v1/charges/{_segment(found.gateway_reference)}/cancel", json={}))

    @hookimpl
    def gateway_refund(self, ctx: Context, request: RefundRequest) -> Outcome:
        sent = {
            "charge": request.charge_gateway_reference, "amount": request.amount_minor, "currency": request.currency,
            "reference": request.reference,
        }  # fmt: skip
        return answers.refund(_call(ctx, "POST", "/v1/refunds", json=sent, key=request.reference))

    @hookimpl
    def gateway_webhook(self, ctx: Context, delivery: Delivery) -> list[Event] | Rejected:
        if not _is_signed(ctx.settings["webhook_secret"], delivery):
            return Rejected(reason="the signature is not good, or too old")
        try:
            told = json.loads(delivery.body)
        except (ValueError, RecursionError):
            return Rejected(reason="no JSON")
        return answers.event(told)

    @hookimpl
    def gateway_list(self, ctx: Context, query: ListQuery) -> ListPage:
        asked = {
            "account": query.merchant_account, "since": query.since.isoformat(), "until": query.until.isoformat(),
            "cursor": query.cursor,
        }  # fmt: skip
        return answers.listed(_call(ctx, "GET", f"/v1/transactions?{urlencode(asked)}"))

    @hookimpl
    def gateway_ledger_lines(self, fact: LedgerFact) -> list[LedgerLine] | None:
        told = fact.transaction
        if fact.fund is Fund.TRUST:
            return None
        if told.kind is TransactionKind.PAYOUT:
            debit, amount = Role.BANK, told.amount_minor
        else:
            debit, amount = Role.MERCHANT_FEES, told.fee_minor
        if not amount:
            return None
        return [
            LedgerLine(role=debit, amount_minor=amount),
            LedgerLine(role=Role.CLEARING, amount_minor=-amount),
        ]

    @hookimpl
    def gateway_redact(self, payload: Mapping[str, Any]) -> Mapping[str, Any]:
        return answers.redacted(payload)


gateway = Example()


def _look_up(ctx: Context, query: LookupQuery) -> Outcome:
    """By the gateway's own id when it is known; otherwise by our reference."""
    noun, read, found = "charges", answers.charge, answers.found_charge
    if query.subject is Subject.REFUND:
        noun, read, found = "refunds", answers.refund, answers.found_refund
    if query.gateway_reference:
        return read(_call(ctx, "GET", f"/v1/{noun}/{_segment(query.gateway_reference)}"))
    return found(_call(ctx, "GET", f"/v1/{noun}?{urlencode({'reference': query.reference})}"))


def _call(
    ctx: Context, method: str, path: str, *, json: Mapping[str, Any] | None = None, key: str = ""
) -> Response:  # fmt: skip
    headers = {"Authorization": f"Bearer {ctx.settings['secret_key']}"}
    if key:
        headers["Idempotency-Key"] = quote(key, safe="")
    return ctx.http(method, f"{ctx.settings['base_url'].rstrip('/')}{path}", headers=headers, json=json)


def _order(request: BeginRequest | ChargeRequest) -> dict[str, Any]:
    return {
        "reference": request.reference, "amount": request.amount_minor, "currency": request.currency,
        "account": request.merchant_account, "description": request.description, "return_url": request.return_url,
    }  # fmt: skip


def _segment(id: str) -> str:
    return quote(id, safe="")


def _origin(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"


def _is_address(url: str, schemes: set[str]) -> bool:
    try:
        parts = urlsplit(url)
        return parts.scheme in schemes and bool(parts.hostname) and "@" not in parts.netloc
    except ValueError:
        return False


def _is_signed(secret: str, delivery: Delivery) -> bool:
    """``t=SECONDS,v1=HEX``: HMAC-SHA256 over ``SECONDS.BODY``, not older than five minutes."""
    found = re.fullmatch(r"t=(\d{1,12}),v1=([0-9a-f]{64})", delivery.headers.get("x-example-signature", ""))
    if found is None:
        return False
    made = hmac.new(secret.encode(), f"{found[1]}.".encode() + delivery.body, hashlib.sha256).hexdigest()
    age = int(delivery.received_at.timestamp()) - int(found[1])
    return hmac.compare_digest(made, found[2]) and abs(age) <= TOLERANCE_SECONDS
