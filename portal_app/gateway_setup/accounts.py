"""The firm's accounts at gateways: which there are, and their settings, with secrets sealed or kept elsewhere."""

from __future__ import annotations

import json
import logging
import os
from collections.abc import Mapping, Sequence
from functools import lru_cache
from itertools import chain, count
from typing import Any
from urllib.parse import urlsplit

from peewee import JOIN, IntegrityError

from portal_app import clock, config, plugins, vault
from portal_app.db import transaction
from portal_app.domain import ledger
from portal_app.domain.errors import Refused
from portal_app.domain.payments import Gateway
from portal_app.domain.people import FirmUser
from portal_app.gateway_setup.installation import bind_first
from portal_app.gateway_setup.references import is_reference, resolve
from portal_app.outbound import Outbound, hosts_of
from portal_app.plugin_api import Context, Manifest, Mode, Problem, SettingField

log = logging.getLogger(__name__)


def manifest_of(gateway: Gateway) -> Manifest:
    """Raises ``plugins.NoSuchGateway`` when its plugin is no longer installed."""
    found = plugins.registry().manifests.get(gateway.plugin)
    if found is None:
        raise plugins.NoSuchGateway(gateway.plugin)
    return found


def is_rehearsal(gateway: Gateway) -> bool:
    found = plugins.registry().manifests.get(gateway.plugin)
    return found is not None and found.is_rehearsal


def title_of(gateway: Gateway) -> str:
    """What staff call it: the plugin's title, with the firm's own name for this account or its number."""
    found = plugins.registry().manifests.get(gateway.plugin)
    title, number = found.title if found else gateway.plugin, gateway.code.removeprefix(f"{gateway.plugin}-")
    if gateway.name:
        return f"{title}: {gateway.name}"
    return title if gateway.code == gateway.plugin else f"{title} {number}"


def find(code: str) -> Gateway | None:
    """The account of this code, with who changed it last."""
    return _accounts().where(Gateway.code == code).first()


def all_gateways() -> list[Gateway]:
    """Every gateway that was ever set up, also one whose plugin is gone; with who changed it last."""
    return list(_accounts().order_by(Gateway.plugin, Gateway.id))


def _accounts() -> Any:
    return Gateway.select(Gateway, FirmUser).join(FirmUser, JOIN.LEFT_OUTER, on=(Gateway.changed_by == FirmUser.id))


def plugin_of(code: str) -> str | None:
    """The plugin of which ``code`` is an account, or would be the next; ``None``: there can be no such account."""
    found = find(code)
    if found is not None:
        return str(found.plugin)
    return next((plugin for plugin, following in next_codes().items() if following == code), None)


def next_codes() -> dict[str, str]:
    """What one more account of each plugin is called: the plugin's id for the first, then "stripe-2" and so on."""
    taken, known = {row.code for row in Gateway.select(Gateway.code)}, plugins.registry().manifests.keys()

    def following(plugin: str) -> str:
        names = chain([plugin], (f"{plugin}-{number}" for number in count(2)))
        return next(name for name in names if name not in taken | (known - {plugin}))

    return {plugin: following(plugin) for plugin in known}


# Settings


def settings_of(gateway: Gateway) -> dict[str, str]:
    """Settings in the clear, references followed, defaults filled in: for calls to the plugin only."""
    kept = json.loads(gateway.settings)
    return {item.name: _open(item, kept.get(item.name, "")) for item in manifest_of(gateway).settings}


def _open(item: SettingField, value: str) -> str:
    if is_reference(value):
        return vault.remember(resolve(value)) if item.kind == "secret" else resolve(value)
    if not value:
        return item.default
    return vault.unseal(value) if item.kind == "secret" else value


def shown_settings(gateway: Gateway | None, manifest: Manifest) -> dict[str, str]:
    """Settings as a page may show them: secrets are write-only and stay empty."""
    kept = json.loads(gateway.settings) if gateway else {}
    return {item.name: "" if item.kind == "secret" else kept.get(item.name, item.default) for item in manifest.settings}


def has_secret(gateway: Gateway | None, name: str) -> bool:
    return gateway is not None and bool(json.loads(gateway.settings).get(name))


def references_of(gateway: Gateway | None) -> dict[str, str]:
    """The settings that lie elsewhere, by name: where, which is no secret."""
    kept = json.loads(gateway.settings) if gateway else {}
    return {name: value for name, value in kept.items() if is_reference(value)}


def webhook_url(gateway: Gateway) -> str:
    """Where the gateway is to send its events; the last part keeps strangers from trying."""
    return f"{config.active().own_url}/webhooks/{gateway.code}/{gateway.webhook_secret}"


def context(gateway: Gateway) -> Context:
    """What the plugin's hooks are called with."""
    settings = settings_of(gateway)
    current = config.active()
    urls = [settings[item.name] for item in manifest_of(gateway).settings if item.kind == "url"]
    return Context(
        settings=settings, mode=Mode(gateway.mode), http=Outbound(hosts_of(*urls, current.own_companion_url)),
        now=clock.aware(), gateway=gateway.code, webhook_url=webhook_url(gateway),
        companion_url=current.own_companion_url, data_dir=_home(current.data, gateway.plugin),
    )  # fmt: skip


@lru_cache(maxsize=64)
def _home(data: str, plugin: str) -> str:
    """Where a plugin may keep files."""
    return os.path.join(os.path.abspath(data), "plugins", plugin)  # noqa: PTH100, PTH118 - ten times as quick as Path


def companion_context(plugin: str) -> Context:
    """The context for a plugin's companion application, which needs no settings."""
    current = config.active()
    return Context(
        settings={}, mode=Mode.TEST, http=Outbound(frozenset()), now=clock.aware(),
        companion_url=current.own_companion_url, data_dir=_home(current.data, plugin),
    )  # fmt: skip


def save(code: str, values: Mapping[str, str], *, mode: Mode, by: FirmUser, name: str | None = None) -> Gateway:
    """Keep the settings of the account ``code``, which is made when there is none; an empty secret keeps the one that
    is there, and so does no ``name``. Settings that are as before keep the date since which they hold.

    Raises:
        Refused: what the plugin finds wrong, or what a reference lacks, with the field's name.
    """
    row = find(code) or _new(code)
    before = (row.settings, row.mode)
    row.settings, row.mode = json.dumps(_kept(row, values)), mode.value
    for problem in _problems(row):
        raise Refused(vault.hush(problem.message), problem.field)
    row.name = row.name if name is None else name
    if row.id is None or before != (row.settings, row.mode):
        row.settings_saved_at = clock.now()
    row.changed_by, row.tested_at, row.is_healthy, row.health = by, None, None, "[]"
    with transaction():
        _write(row)
    if mode is Mode.LIVE and not is_rehearsal(row):
        bind_first(by)
    return row


def _new(code: str) -> Gateway:
    plugin = plugin_of(code)
    if plugin is None:
        raise plugins.NoSuchGateway(code)
    return Gateway(plugin=plugin, code=code)


def _write(row: Gateway) -> None:
    try:
        row.save()
    except IntegrityError:
        raise Refused("Somebody has set up this account just now. Reload the page to see it.") from None
    title = f"{title_of(row)}, not yet at the bank"
    ledger.open_account(ledger.clearing(row.code), name=title, kind="asset", fund="operating")


def _kept(row: Gateway, values: Mapping[str, str]) -> dict[str, str]:
    kept = json.loads(row.settings)
    return {item.name: _keep(item, values.get(item.name, "").strip(), kept) for item in manifest_of(row).settings}


def _keep(item: SettingField, value: str, kept: Mapping[str, str]) -> str:
    if is_reference(value):
        _check(item, value)
        return value
    if item.kind != "secret":
        return value or item.default
    return vault.seal(value) if value else kept.get(item.name, "")


def _check(item: SettingField, reference: str) -> None:
    """A reference can be followed, and leads to what its field may be."""
    try:
        found = resolve(reference)
    except Refused as problem:
        raise Refused(str(problem), item.name) from None
    if item.kind == "url" and urlsplit(found).scheme not in {"http", "https"}:
        raise Refused(f"What {reference} says is not a web address.", item.name)
    if item.kind == "choice" and found not in dict(item.choices):
        raise Refused(f"What {reference} says is none of the choices.", item.name)


def _problems(trial: Gateway) -> Sequence[Problem]:
    try:
        return plugins.registry().call(trial.plugin, "gateway_validate_settings", ctx=context(trial)) or ()
    except Exception as problem:
        log.exception("gateway %s cannot check its settings", trial.code)
        said = vault.hush(f"The plugin failed while it checked these settings: {problem}")
        raise Refused(said) from problem
