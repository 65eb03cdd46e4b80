"""Where an account's money goes, and "Test connection": what the gateway says of us, against what was chosen."""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping, Sequence
from dataclasses import asdict

from portal_app import clock, plugins, vault
from portal_app.db import transaction
from portal_app.domain import firms, trust
from portal_app.domain.errors import Refused
from portal_app.domain.payments import BankAccount, Gateway, GatewayRoute
from portal_app.gateway_setup.accounts import context, title_of
from portal_app.gateway_setup.installation import PAUSED, is_paused
from portal_app.gateway_setup.roads import close_roads, holds
from portal_app.plugin_api import Check, Fund, Health, MerchantAccount

log = logging.getLogger(__name__)


def set_route(gateway: Gateway, fund: Fund, merchant_account: str, bank_account: BankAccount) -> None:
    """Say which merchant account takes money of ``fund``, and into which bank account it pays.

    Raises:
        Refused: the bank account holds money of another fund, or the gateway's deposits belong to another trust one.
    """
    if bank_account.fund != fund.value:
        raise Refused(f"{bank_account.name} is not a {fund.value} account.", f"bank_{fund.value}")
    values = {"merchant_account": merchant_account, "bank_account": bank_account}
    with transaction():
        if fund is Fund.TRUST:  # what it takes belongs to the clients of this account, for good (T01)
            trust.open_clearing(gateway.code, bank_account, f"{bank_account.name}: deposits at {gateway.code}")
        if not GatewayRoute.update(values).where(_is_route(gateway, fund)).execute():
            GatewayRoute.create(gateway=gateway, fund=fund.value, force_insert=True, **values)


def _is_route(gateway: Gateway, fund: Fund) -> object:
    return (GatewayRoute.gateway == gateway.id) & (GatewayRoute.fund == fund.value)


def connect(gateway: Gateway, wanted: Mapping[Fund, tuple[str, BankAccount | None]]) -> Health:
    """Route each fund to its merchant account and bank account, then test the connection.

    An empty merchant account takes the only one that the gateway has for the fund; without a bank account, or when
    none can be told, the fund is not taken. A gateway that takes operating money keeps its route for it.
    """
    health = _ask_health(gateway)
    for fund, (typed, bank_account) in wanted.items():
        known = [account.id for account in health.accounts if account.fund is fund]
        merchant_account = typed or (known[0] if len(known) == 1 else "")
        if merchant_account and bank_account is not None:
            set_route(gateway, fund, merchant_account, bank_account)
        elif fund is not Fund.OPERATING or not holds(gateway, fund):
            _drop_route(gateway, fund)
    return _remember(gateway, health)


def _drop_route(gateway: Gateway, fund: Fund) -> None:
    with transaction():
        close_roads(gateway, fund)
        GatewayRoute.delete().where(_is_route(gateway, fund)).execute()


def routes_of(gateway: Gateway) -> dict[str, GatewayRoute]:
    """Routes by fund, with their bank accounts."""
    return all_routes([gateway])[gateway.id]


def all_routes(gateways: Sequence[Gateway]) -> dict[int, dict[str, GatewayRoute]]:
    """The same of several gateways, by their id; one query."""
    found: dict[int, dict[str, GatewayRoute]] = {row.id: {} for row in gateways}
    query = GatewayRoute.select(GatewayRoute, BankAccount).join(BankAccount)
    for row in query.where(GatewayRoute.gateway.in_(list(found))):
        found[row.gateway_id][row.fund] = row
    return found


def test_connection(gateway: Gateway) -> Health:
    """Ask the gateway who we are; check the mapped merchant accounts against what it says; keep the answer.

    Raises:
        Refused: the gateway is paused; what was known of it stays.
    """
    if is_paused(gateway):
        raise Refused(PAUSED)
    return _remember(gateway, _ask_health(gateway))


def payers() -> dict[int, list[str]]:
    """The titles of the gateways that pay into each bank account, by its id."""
    found: dict[int, list[str]] = {}
    for route in GatewayRoute.select(GatewayRoute, Gateway).join(Gateway).order_by(Gateway.plugin, Gateway.id):
        found.setdefault(route.bank_account_id, []).append(title_of(route.gateway))
    return found


def _ask_health(gateway: Gateway) -> Health:
    if is_paused(gateway):
        return Health(checks=(Check(label="Connection", is_ok=False, detail=PAUSED),))
    try:
        health = plugins.registry().call(gateway.plugin, "gateway_health", ctx=context(gateway))
        if not isinstance(health, Health):
            raise TypeError("gateway_health() did not return Health")
    except Exception as problem:
        log.exception("gateway %s, test of the connection", gateway.code)
        detail = f"The gateway gave no answer: {problem}"
        health = Health(checks=(Check(label="Connection", is_ok=False, detail=detail),))
    return health


def _remember(gateway: Gateway, health: Health) -> Health:
    # Without a connection the accounts are not known to be wrong: one failure is enough to read.
    checks = _route_checks(gateway, health) if health.is_ok else []
    said = [
        Check(label=vault.hush(item.label), is_ok=item.is_ok, detail=vault.hush(item.detail)) for item in health.checks
    ]
    health = Health(checks=(*said, *checks), accounts=health.accounts)
    with transaction():
        gateway.tested_at, gateway.is_healthy = clock.now(), health.is_ok
        gateway.health = json.dumps(asdict(health))
        gateway.save(only=["tested_at", "is_healthy", "health"])
    return health


def _route_checks(gateway: Gateway, health: Health) -> list[Check]:
    known = {account.id: account for account in health.accounts}
    checks = []
    for fund, route in routes_of(gateway).items():
        account = known.get(route.merchant_account)
        label = f"{fund.capitalize()} money goes to {route.merchant_account}"
        if account is None:
            checks.append(Check(label=label, is_ok=False, detail="The gateway does not know this merchant account."))
        elif account.fund.value != fund:
            detail = f"The gateway says that this is {_a(account.fund.value)} account."
            checks.append(Check(label=label, is_ok=False, detail=detail))
        elif account.currency.upper() != firms.current().currency:
            detail = f"It takes {account.currency}, and the firm bills in {firms.current().currency}."
            checks.append(Check(label=label, is_ok=False, detail=detail))
        else:
            checks.append(Check(label=label, is_ok=True, detail=account.name))
    return checks


def _a(word: str) -> str:
    return f"an {word}" if word[0] in "aeiou" else f"a {word}"


def health_of(gateway: Gateway) -> Health:
    """The answer to the last "Test connection"; empty before the first."""
    kept = json.loads(gateway.health) or {"checks": [], "accounts": []}
    accounts = [MerchantAccount(**item | {"fund": Fund(item["fund"])}) for item in kept["accounts"]]
    return Health(checks=tuple(Check(**item) for item in kept["checks"]), accounts=tuple(accounts))
