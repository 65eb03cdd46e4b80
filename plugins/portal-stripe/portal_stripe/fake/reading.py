"""What is only read: the account, its balance, its events."""

from __future__ import annotations

from portal_stripe.fake.core import Fake, Object, Params, Scope
from portal_stripe.fake.wire import LISTING, listed, route


@route("GET", "/account")
def account(fake: Fake, scope: Scope, params: Params) -> Object:
    name = scope.account.removeprefix("acct_").replace("_", " ").title()
    return {
        "id": scope.account,
        "object": "account",
        "business_profile": {"name": name},
        "country": "US",
        "capabilities": {"card_payments": "active", "us_bank_account_ach_payments": "active", "transfers": "active"},
        "charges_enabled": True,
        "default_currency": "usd",
        "details_submitted": True,
        "email": None,
        "payouts_enabled": True,
        "settings": {"dashboard": {"display_name": name}},
        "type": "standard",
    }


@route("GET", "/balance")
def balance(fake: Fake, scope: Scope, params: Params) -> Object:
    def held(status: str) -> int:
        return sum(each["net"] for each in fake.all("balance_transaction", scope) if each["status"] == status)

    return {"object": "balance", "livemode": scope.livemode} | {
        name: [{"amount": held(name), "currency": "usd"}] for name in ("available", "pending")
    }


@route("GET", "/events/<id>")
def event(fake: Fake, scope: Scope, params: Params, id: str) -> Object:
    return fake.find(scope, "event", id)


@route("GET", "/events", f"{LISTING} type types delivery_success")
def events(fake: Fake, scope: Scope, params: Params) -> Object:
    wanted = set(params.get("types") or ([params["type"]] if "type" in params else []))
    found = [each for each in fake.all("event", scope) if not wanted or each["type"] in wanted]
    return listed(fake, params, "/v1/events", found)
