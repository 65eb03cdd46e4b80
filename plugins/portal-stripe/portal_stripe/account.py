"""Which Stripe account a key opens, and how it stands."""

from __future__ import annotations

import hashlib
from typing import Any

from portal_app.plugin_api import Check, Context, Fund, Health, MerchantAccount, NeverSent
from portal_stripe import reading
from portal_stripe.asking import refused
from portal_stripe.client import client
from portal_stripe.manifest import fund_of

_SEEN: dict[str, str] = {}  # a key opens the same account for ever; kept by the key's digest, not by the key
_SEEN_MOST = 100


class NotUnderstood(Exception):
    """What came back is not what was asked for."""


def account_of(ctx: Context) -> str:
    """The id of the account that this gateway's key opens. Raises what the client raises."""
    known = _SEEN.get(_digest(ctx))
    return known or reading.text(_retrieved(ctx), "id")


def _retrieved(ctx: Context) -> dict[str, Any]:
    told: dict[str, Any] = client(ctx).v1.accounts.retrieve_current().to_dict()
    if not reading.text(told, "id"):
        raise NotUnderstood("this is no account")
    if len(_SEEN) >= _SEEN_MOST:
        _SEEN.clear()
    _SEEN[_digest(ctx)] = told["id"]
    return told


def _digest(ctx: Context) -> str:
    return hashlib.sha256(f"{ctx.settings['base_url']} {ctx.settings['secret_key']}".encode()).hexdigest()


def health(ctx: Context) -> Health:
    """Reached, let in, able to take money and to pay it out; for a trust account, that it keeps no fees."""
    try:
        told = _retrieved(ctx)
    except NeverSent:
        return _failed("Reaches Stripe", f"Nobody answers at {ctx.settings['base_url']}.")
    except Exception as problem:
        refusal = refused(problem)
        if refusal is None:
            return _failed("Reaches Stripe", "Stripe gave no clear answer. Try again in a minute.")
        detail = "It may not read the account." if refusal.status == 403 else "Stripe does not know it, or revoked it."
        return _failed("Secret key is accepted", detail)
    fund = fund_of(ctx)
    checks = [Check(label="Reaches Stripe", is_ok=True), Check(label="Secret key is accepted", is_ok=True)]
    checks += _abilities(ctx, told)
    if fund is Fund.TRUST:
        checks.append(_keeps_no_fees(ctx))
    name = reading.text(reading.inner(reading.inner(told, "settings"), "dashboard"), "display_name")
    account = MerchantAccount(
        id=told["id"], name=name or told["id"], fund=fund, currency=reading.text(told, "default_currency").upper()
    )
    return Health(checks=tuple(checks), accounts=(account,))


def _failed(label: str, detail: str) -> Health:
    return Health(checks=(Check(label=label, is_ok=False, detail=detail),))


def _abilities(ctx: Context, told: dict[str, Any]) -> list[Check]:
    able = reading.inner(told, "capabilities")
    found = [
        Check(label="May take charges", is_ok=told.get("charges_enabled") is True),
        Check(label="May pay out to the bank", is_ok=told.get("payouts_enabled") is True),
        Check(label="Cards are switched on", is_ok=able.get("card_payments") == "active"),
    ]
    if ctx.settings.get("bank_debits") == "yes":
        is_on = able.get("us_bank_account_ach_payments") == "active"
        found.append(Check(label="Bank account payments are switched on", is_ok=is_on))
    has_secret = bool(ctx.settings.get("webhook_secret"))
    detail = "" if has_secret else "No signing secret: the portal learns of changes only when it asks."
    return [*found, Check(label="Webhook", is_ok=True, detail=detail)]


def _keeps_no_fees(ctx: Context) -> Check:
    label = "Trust: fees are billed elsewhere"
    params: Any = {"limit": 100}
    try:
        entries = client(ctx).v1.balance_transactions.list(params).to_dict()["data"]
    except Exception as problem:
        return Check(label=label, is_ok=False, detail=f"The balance cannot be read: {type(problem).__name__}.")
    if any(each.get("fee") or each.get("type") == "stripe_fee" for each in entries):
        detail = "Stripe kept fees from this account's money. Have it bill them elsewhere before it takes deposits."
        return Check(label=label, is_ok=False, detail=detail)
    return Check(label=label, is_ok=True, detail="No fee was kept from the latest deposits.")
