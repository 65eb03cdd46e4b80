"""Setting up gateways: their settings (secrets sealed), test of the connection, switching on and off."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict

from portal_app import clock, config, plugins, vault
from portal_app.db import transaction
from portal_app.domain import ledger
from portal_app.domain.errors import Refused
from portal_app.domain.payments import BankAccount, Gateway, GatewayRoute
from portal_app.domain.people import FirmUser
from portal_app.outbound import Outbound, hosts_of
from portal_app.plugin_api import Check, Context, Fund, Health, Manifest, Mode, SettingField


def manifest_of(gateway: Gateway) -> Manifest:
    """Raises ``plugins.NoSuchGateway`` when its plugin is no longer installed."""
    found = plugins.registry().manifests.get(gateway.plugin)
    if found is None:
        raise plugins.NoSuchGateway(gateway.plugin)
    return found


def gateway_for(plugin: str) -> Gateway | None:
    return Gateway.get_or_none(Gateway.plugin == plugin)


def enabled_gateway() -> Gateway | None:
    """The gateway that takes the portal's payments now; ``None`` when there is none, or its plugin is gone."""
    for gateway in Gateway.select().where(Gateway.enabled_at.is_null(False)).order_by(Gateway.enabled_at):
        if gateway.plugin in plugins.registry().manifests:
            return gateway
    return None


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
        companion_url=current.own_companion_url, data_dir=str(current.data_dir / "plugins" / gateway.plugin),
    )  # fmt: skip


def companion_context(plugin: str) -> Context:
    """The context for a plugin's companion application, which needs no settings."""
    current = config.active()
    return Context(
        settings={}, mode=Mode.TEST, http=Outbound(frozenset()), companion_url=current.own_companion_url,
        data_dir=str(current.data_dir / "plugins" / plugin),
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
    for problem in plugins.registry().call(plugin, "gateway_validate_settings", ctx=context(trial)) or []:
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


def routes_of(gateway: Gateway) -> dict[str, GatewayRoute]:
    """Routes by fund, with their bank accounts."""
    query = GatewayRoute.select(GatewayRoute, BankAccount).join(BankAccount)
    return {row.fund: row for row in query.where(GatewayRoute.gateway == gateway.id)}


def test_connection(gateway: Gateway) -> Health:
    """Ask the gateway who we are; check the mapped merchant accounts against what it says; keep the answer."""
    try:
        health = plugins.registry().call(gateway.plugin, "gateway_health", ctx=context(gateway))
        if not isinstance(health, Health):
            raise TypeError("gateway_health() did not return Health")
        health = Health(checks=(*health.checks, *_route_checks(gateway, health)), accounts=health.accounts)
    except Exception as problem:
        health = Health(
            checks=(Check(label="Connection", is_ok=False, detail=f"The gateway gave no answer: {problem}"),)
        )
    with transaction():
        gateway.tested_at, gateway.is_healthy = clock.now(), health.is_ok
        gateway.health = json.dumps([asdict(check) for check in health.checks])
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
        else:
            checks.append(Check(label=label, is_ok=True, detail=account.name))
    return checks


def _a(word: str) -> str:
    return f"an {word}" if word[0] in "aeiou" else f"a {word}"


def health_of(gateway: Gateway) -> list[Check]:
    """The checks of the last "Test connection"."""
    return [Check(**item) for item in json.loads(gateway.health)]


def enable(gateway: Gateway, *, by: FirmUser) -> None:
    """Switch on a tested gateway for the portal's payments, in place of the one before.

    Raises:
        Refused: not tested, no account for operating money, or a rehearsal beside a live gateway.
    """
    if not gateway.is_healthy:
        raise Refused("Test the connection first. It must work before clients can pay.")
    if Fund.OPERATING.value not in routes_of(gateway):
        raise Refused("Say first which merchant account takes operating money.")
    for other in Gateway.select().where(Gateway.enabled_at.is_null(False) & (Gateway.id != gateway.id)):
        if manifest_of(gateway).is_rehearsal != _is_rehearsal(other):
            raise Refused("A rehearsal gateway and a live one cannot be on at the same time. Switch the other one off.")
    with transaction():
        Gateway.update(enabled_at=None).where(Gateway.id != gateway.id).execute()
        gateway.enabled_at, gateway.changed_by = clock.now(), by
        gateway.save(only=["enabled_at", "changed_by"])


def _is_rehearsal(gateway: Gateway) -> bool:
    found = plugins.registry().manifests.get(gateway.plugin)
    return found is not None and found.is_rehearsal


def disable(gateway: Gateway, *, by: FirmUser) -> None:
    """Take no new payments through it; what is under way is still followed up."""
    with transaction():
        gateway.enabled_at, gateway.changed_by, gateway.changed_at = None, by, clock.now()
        gateway.save(only=["enabled_at", "changed_by", "changed_at"])


def is_rehearsing() -> bool:
    """Whether payments now go through a rehearsal gateway."""
    gateway = enabled_gateway()
    return gateway is not None and _is_rehearsal(gateway)
