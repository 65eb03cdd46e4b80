"""Setting up gateways: their settings (secrets sealed), test of the connection, switching on and off."""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping, Sequence
from dataclasses import asdict

from peewee import JOIN, ModelSelect

from portal_app import clock, config, plugins, vault
from portal_app.db import locked, transaction
from portal_app.domain import firms, ledger
from portal_app.domain.errors import Refused
from portal_app.domain.payments import BankAccount, Gateway, GatewayRoute
from portal_app.domain.people import FirmUser
from portal_app.outbound import Outbound, hosts_of
from portal_app.plugin_api import (
    Check,
    Context,
    Fund,
    Health,
    Manifest,
    MerchantAccount,
    Mode,
    Problem,
    SettingField,
)
from portal_app.prepared import prepared

log = logging.getLogger(__name__)


def manifest_of(gateway: Gateway) -> Manifest:
    """Raises ``plugins.NoSuchGateway`` when its plugin is no longer installed."""
    found = plugins.registry().manifests.get(gateway.plugin)
    if found is None:
        raise plugins.NoSuchGateway(gateway.plugin)
    return found


def gateway_for(plugin: str) -> Gateway | None:
    return Gateway.get_or_none(Gateway.plugin == plugin)


def all_gateways() -> list[Gateway]:
    """Every gateway that was ever set up, also one whose plugin is gone; with who changed it last."""
    query = Gateway.select(Gateway, FirmUser).join(FirmUser, JOIN.LEFT_OUTER, on=(Gateway.changed_by == FirmUser.id))
    return list(query.order_by(Gateway.plugin))


def enabled_gateway() -> Gateway | None:
    """The gateway that takes the portal's payments now; ``None`` when there is none, or its plugin is gone."""
    known = plugins.registry().manifests
    return next((gateway for gateway in _enabled() if gateway.plugin in known), None)


@prepared
def _enabled() -> ModelSelect:
    return Gateway.select().where(Gateway.enabled_at.is_null(False)).order_by(Gateway.enabled_at)


def settings_of(gateway: Gateway) -> dict[str, str]:
    """Settings in the clear, defaults filled in: for calls to the plugin only."""
    kept = json.loads(gateway.settings)
    return {item.name: _open(item, kept.get(item.name, "")) for item in manifest_of(gateway).settings}


def _open(item: SettingField, value: str) -> str:
    if not value:
        return item.default
    return vault.unseal(value) if item.kind == "secret" else value


def shown_settings(gateway: Gateway | None, manifest: Manifest) -> dict[str, str]:
    """Settings as a page may show them: secrets are write-only and stay empty."""
    kept = json.loads(gateway.settings) if gateway else {}
    return {item.name: "" if item.kind == "secret" else kept.get(item.name, item.default) for item in manifest.settings}


def has_secret(gateway: Gateway | None, name: str) -> bool:
    return gateway is not None and bool(json.loads(gateway.settings).get(name))


def context(gateway: Gateway) -> Context:
    """What the plugin's hooks are called with."""
    settings = settings_of(gateway)
    current = config.active()
    urls = [settings[item.name] for item in manifest_of(gateway).settings if item.kind == "url"]
    return Context(
        settings=settings, mode=Mode(gateway.mode), http=Outbound(hosts_of(*urls, current.own_companion_url)),
        now=clock.aware(), gateway=gateway.plugin, companion_url=current.own_companion_url,
        data_dir=str(current.data_dir / "plugins" / gateway.plugin),
    )  # fmt: skip


def companion_context(plugin: str) -> Context:
    """The context for a plugin's companion application, which needs no settings."""
    current = config.active()
    return Context(
        settings={}, mode=Mode.TEST, http=Outbound(frozenset()), now=clock.aware(),
        companion_url=current.own_companion_url, data_dir=str(current.data_dir / "plugins" / plugin),
    )  # fmt: skip


def save(plugin: str, values: Mapping[str, str], *, mode: Mode, by: FirmUser) -> Gateway:
    """Keep settings; an empty secret keeps the one that is there.

    Raises:
        Refused: what the plugin finds wrong, with the field's name.
    """
    manifest = plugins.registry().manifests[plugin]
    before = gateway_for(plugin)
    kept = json.loads(before.settings) if before else {}
    sealed = {item.name: _keep(item, values.get(item.name, "").strip(), kept) for item in manifest.settings}
    trial = Gateway(plugin=plugin, settings=json.dumps(sealed), mode=mode.value)
    for problem in _problems(trial):
        raise Refused(problem.message, problem.field)
    with transaction():
        row = before or Gateway(plugin=plugin)
        row.settings, row.mode = trial.settings, trial.mode
        row.changed_at, row.changed_by = clock.now(), by
        row.tested_at, row.is_healthy, row.health = None, None, "[]"
        row.save()
        ledger.open_account(
            ledger.clearing(plugin), name=f"{manifest.title}, not yet at the bank", kind="asset", fund="operating"
        )
    return row


def _problems(trial: Gateway) -> Sequence[Problem]:
    try:
        return plugins.registry().call(trial.plugin, "gateway_validate_settings", ctx=context(trial)) or ()
    except Exception as problem:
        log.exception("gateway %s cannot check its settings", trial.plugin)
        raise Refused(f"The plugin failed while it checked these settings: {problem}") from problem


def _keep(item: SettingField, value: str, kept: Mapping[str, str]) -> str:
    if item.kind != "secret":
        return value or item.default
    return vault.seal(value) if value else kept.get(item.name, "")


def set_route(gateway: Gateway, fund: Fund, merchant_account: str, bank_account: BankAccount) -> None:
    """Say which merchant account takes money of ``fund``, and into which bank account it pays."""
    if bank_account.fund != fund.value:
        raise Refused(f"{bank_account.name} is not a {fund.value} account.", f"bank_{fund.value}")
    with transaction():
        GatewayRoute.delete().where((GatewayRoute.gateway == gateway.id) & (GatewayRoute.fund == fund.value)).execute()
        GatewayRoute.create(
            gateway=gateway, fund=fund.value, merchant_account=merchant_account, bank_account=bank_account,
            force_insert=True,
        )  # fmt: skip


def connect(gateway: Gateway, wanted: Mapping[Fund, tuple[str, BankAccount | None]]) -> Health:
    """Route each fund to its merchant account and bank account, then test the connection.

    An empty merchant account takes the only one that the gateway has for the fund; without a bank account, or when
    none can be told, the fund is not taken. A gateway that is on keeps its route for operating money.
    """
    health = _ask_health(gateway)
    for fund, (typed, bank_account) in wanted.items():
        known = [account.id for account in health.accounts if account.fund is fund]
        merchant_account = typed or (known[0] if len(known) == 1 else "")
        if merchant_account and bank_account is not None:
            set_route(gateway, fund, merchant_account, bank_account)
        elif fund is not Fund.OPERATING or gateway.enabled_at is None:
            _drop_route(gateway, fund)
    return _remember(gateway, health)


def _drop_route(gateway: Gateway, fund: Fund) -> None:
    with transaction():
        GatewayRoute.delete().where((GatewayRoute.gateway == gateway.id) & (GatewayRoute.fund == fund.value)).execute()


def routes_of(gateway: Gateway) -> dict[str, GatewayRoute]:
    """Routes by fund, with their bank accounts."""
    query = GatewayRoute.select(GatewayRoute, BankAccount).join(BankAccount)
    return {row.fund: row for row in query.where(GatewayRoute.gateway == gateway.id)}


def test_connection(gateway: Gateway) -> Health:
    """Ask the gateway who we are; check the mapped merchant accounts against what it says; keep the answer."""
    return _remember(gateway, _ask_health(gateway))


def payers() -> dict[int, list[str]]:
    """The titles of the gateways that pay into each bank account, by its id."""
    found: dict[int, list[str]] = {}
    for route in GatewayRoute.select(GatewayRoute, Gateway).join(Gateway).order_by(Gateway.plugin):
        manifest = plugins.registry().manifests.get(route.gateway.plugin)
        found.setdefault(route.bank_account_id, []).append(manifest.title if manifest else route.gateway.plugin)
    return found


def _ask_health(gateway: Gateway) -> Health:
    try:
        health = plugins.registry().call(gateway.plugin, "gateway_health", ctx=context(gateway))
        if not isinstance(health, Health):
            raise TypeError("gateway_health() did not return Health")
    except Exception as problem:
        log.exception("gateway %s, test of the connection", gateway.plugin)
        detail = f"The gateway gave no answer: {problem}"
        return Health(checks=(Check(label="Connection", is_ok=False, detail=detail),))
    return health


def _remember(gateway: Gateway, health: Health) -> Health:
    # Without a connection the accounts are not known to be wrong: one failure is enough to read.
    checks = _route_checks(gateway, health) if health.is_ok else []
    health = Health(checks=(*health.checks, *checks), accounts=health.accounts)
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


def enable(gateway: Gateway, *, by: FirmUser) -> None:
    """Switch on a tested gateway for the portal's payments, in place of the one before.

    Raises:
        Refused: not tested, no account for operating money, or a rehearsal beside a live gateway.
    """
    with transaction():
        _refuse_unready(gateway)
        Gateway.update(enabled_at=None).where(Gateway.id != gateway.id).execute()
        gateway.enabled_at, gateway.changed_by = clock.now(), by
        gateway.save(only=["enabled_at", "changed_by"])


def _refuse_unready(gateway: Gateway) -> None:
    everyone = {row.id: row for row in locked(Gateway.select().order_by(Gateway.id))}
    if not everyone[gateway.id].is_healthy:
        raise Refused("Test the connection first. It must work before clients can pay.")
    if Fund.OPERATING.value not in routes_of(gateway):
        raise Refused("Say first which merchant account takes operating money.")
    others = [row for row in everyone.values() if row.enabled_at and row.id != gateway.id]
    if any(manifest_of(gateway).is_rehearsal != _is_rehearsal(other) for other in others):
        raise Refused("A rehearsal gateway and a live one cannot be on at the same time. Switch the other one off.")


def _is_rehearsal(gateway: Gateway) -> bool:
    found = plugins.registry().manifests.get(gateway.plugin)
    return found is not None and found.is_rehearsal


def disable(gateway: Gateway, *, by: FirmUser) -> None:
    """Take no new payments through it; what is under way is still followed up."""
    with transaction():
        gateway.enabled_at, gateway.changed_by = None, by
        gateway.save(only=["enabled_at", "changed_by"])


def is_rehearsing() -> bool:
    """Whether payments now go through a rehearsal gateway."""
    gateway = enabled_gateway()
    return gateway is not None and _is_rehearsal(gateway)
