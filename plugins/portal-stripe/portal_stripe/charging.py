"""Taking money: with a token of Stripe's fields, or on Stripe's own page."""

from __future__ import annotations

from typing import Any

from portal_app.plugin_api import (
    BeginRequest,
    ChargeRequest,
    Context,
    Fields,
    Method,
    NeverSent,
    Outcome,
    OutcomeKind,
    Redirect,
)
from portal_stripe import reading, words
from portal_stripe.account import account_of
from portal_stripe.asking import UNKNOWN, Doubt, Refused, no, once, refused
from portal_stripe.client import client
from portal_stripe.manifest import API, MANIFEST, fund_of, origin_of

TYPES = {Method.CARD: "card", Method.BANK: "us_bank_account"}
PAGE_SECONDS = 60 * 60  # how long a Checkout page stays open; the amount stays reserved as long
EXPAND = ["latest_charge"]


def fields(ctx: Context, request: BeginRequest) -> Fields:
    """Stripe's fields on the portal's page: its script, its frames, and what its script asks."""
    origin = origin_of(ctx.settings["script_url"])
    is_own = origin_of(ctx.settings["base_url"]) == API
    config = {
        "gateway": MANIFEST.id, "script": ctx.settings["script_url"], "key": ctx.settings["publishable_key"],
        "currency": request.currency.lower(), "amount": str(max(request.amount_minor, 100)),
        "bank": "yes" if ctx.settings.get("bank_debits") == "yes" else "",
    }  # fmt: skip
    own = ("https://*.js.stripe.com",) if is_own else ()
    return Fields(
        module="fields.js", config=config, script_origins=(origin, *own),
        frame_origins=(origin, *own, *(("https://hooks.stripe.com",) if is_own else ())),
        connect_origins=(origin_of(ctx.settings["base_url"]),),
    )  # fmt: skip


def page(ctx: Context, request: BeginRequest) -> Redirect | Outcome:
    """A Checkout page for one payment."""
    if refusal := _refusal(ctx, request):
        return refusal
    params = _session(ctx, request)
    options: Any = {"idempotency_key": f"{request.reference}:checkout"}
    stripe = client(ctx)
    try:
        made = once(lambda: stripe.v1.checkout.sessions.create(params, options))
    except Refused as problem:
        return no(problem, request.merchant_account)
    except Doubt:
        return UNKNOWN
    if not reading.text(made, "url"):
        return UNKNOWN
    return Redirect(url=made["url"], gateway_reference=made["id"])


def charge(ctx: Context, request: ChargeRequest) -> Outcome:
    """One payment intent, made and confirmed in one request."""
    if refusal := _refusal(ctx, request):
        return refusal
    params = _intent(request)
    options: Any = {"idempotency_key": f"{request.reference}:charge"}
    stripe = client(ctx)
    try:
        made = once(lambda: stripe.v1.payment_intents.create(params, options))
    except Refused as problem:
        return no(problem, request.merchant_account)
    except Doubt:
        return UNKNOWN
    return reading.intent(made, request.merchant_account)


def _refusal(ctx: Context, request: BeginRequest | ChargeRequest) -> Outcome | None:
    """Why this money must not go there. Nothing about the payment has been sent by then."""
    if request.fund is not fund_of(ctx):
        return _unsent("fund", words.OTHER_MONEY)
    if request.method is Method.BANK and ctx.settings.get("bank_debits") != "yes":
        return _unsent("bank_debits", words.NO_BANK)
    try:
        account = account_of(ctx)
    except NeverSent:
        raise
    except Exception as problem:
        refusal = refused(problem)
        is_known = refusal is not None and refusal.status in {401, 403}
        return _unsent(refusal.code if refusal else "no_answer", words.NOT_LET_IN if is_known else words.BUSY)
    return None if account == request.merchant_account else _unsent("account", words.OTHER_MONEY)


def _unsent(code: str, message: str) -> Outcome:
    return Outcome(kind=OutcomeKind.NOT_SUBMITTED, code=code, message=message)


def _intent(request: ChargeRequest) -> Any:
    # The one type is the payer's choice: it must be what the fields were made with.
    named = "confirmation_token" if request.token.startswith("ctoken_") else "payment_method"
    return {
        "amount": request.amount_minor, "currency": request.currency.lower(), "confirm": True, named: request.token,
        "allowed_payment_method_types": [TYPES[request.method]], "description": request.description,
        "metadata": _metadata(request.reference, "fields"), "return_url": request.return_url, "expand": EXPAND,
    }  # fmt: skip


def _session(ctx: Context, request: BeginRequest) -> Any:
    what = request.description or "Payment"
    price = {
        "currency": request.currency.lower(), "unit_amount": request.amount_minor, "product_data": {"name": what},
    }  # fmt: skip
    metadata = _metadata(request.reference, "checkout")
    return {
        "mode": "payment", "line_items": [{"price_data": price, "quantity": 1}], "metadata": metadata,
        "allowed_payment_method_types": [TYPES[request.method]], "client_reference_id": request.reference,
        "payment_intent_data": {"metadata": metadata, "description": what}, "success_url": request.return_url,
        "cancel_url": request.return_url, "expires_at": int(ctx.now.timestamp()) + PAGE_SECONDS,
    }  # fmt: skip


def _metadata(reference: str, flow: str) -> dict[str, str]:
    return {reading.REFERENCE: reference, reading.FLOW: flow}
