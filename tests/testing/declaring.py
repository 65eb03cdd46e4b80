"""Planted mistakes in the manifest and the settings."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import Any

from portal_app.plugin_api import (
    Context,
    Health,
    Manifest,
    Mode,
    Problem,
    SettingField,
    hookimpl,
)
from portal_app.testing.skeleton.portal_example.gateway import MANIFEST, Example
from tests.testing.planted import planted


class Declaring(Example):
    """The good gateway, whose manifest a mistake changes."""

    changes: Mapping[str, Any] = MappingProxyType({})

    @hookimpl
    def gateway_manifest(self) -> Manifest:
        return replace(MANIFEST, **self.changes)


@planted("test_the_manifest_names_this_kit")
class OldKit(Declaring):
    """It passed no kit, or another one."""

    changes = MappingProxyType({"kit_version": ""})


@planted("test_secrets_are_declared_as_secrets")
class SecretInTheClear(Declaring):
    """The secret key is a text: kept in the clear in the database, and shown on the page."""

    changes = MappingProxyType({"settings": (SettingField(name="secret_key", label="Secret key"),)})


@planted("test_webhook_events_are_named")
class EventsUnnamed(Declaring):
    """Webhooks without a word about which events to tick."""

    changes = MappingProxyType({"webhook_events": ()})


@planted("test_the_version_is_the_packages")
class NoVersion(Declaring):
    """A version that is none."""

    changes = MappingProxyType({"version": "newest"})


@planted("test_every_declared_ability_has_its_hook")
class DeclaresWhatItHasNot(Example):
    """Refunds are declared, and there is no hook for them."""

    gateway_refund: Any = None


@planted("test_live_mode_is_tls_only")
class PlainInLive(Example):
    """In live mode an address without TLS is good enough."""

    @hookimpl
    def gateway_validate_settings(self, ctx: Context) -> list[Problem]:
        found = super().gateway_validate_settings(ctx)
        return [problem for problem in found if problem.field != "base_url" or ctx.mode is not Mode.LIVE]


@planted("test_live_and_test_keys_are_told_apart")
class AnyKey(Example):
    """A test key in live mode, a live key in test mode: all the same."""

    @hookimpl
    def gateway_validate_settings(self, ctx: Context) -> list[Problem]:
        return [problem for problem in super().gateway_validate_settings(ctx) if not problem.field.endswith("key")]


@planted("test_a_missing_setting_is_said_in_words")
class MissingIsFine(Example):
    """A missing webhook secret is found by the first webhook."""

    @hookimpl
    def gateway_validate_settings(self, ctx: Context) -> list[Problem]:
        return [problem for problem in super().gateway_validate_settings(ctx) if problem.field != "webhook_secret"]


@planted("test_a_bad_connection_fails_the_connection_test")
class AlwaysHealthy(Example):
    """“Test connection” is always green."""

    @hookimpl
    def gateway_health(self, ctx: Context) -> Health:
        try:
            found = super().gateway_health(ctx)
        except Exception:
            found = Health(checks=())
        return Health(checks=tuple(replace(check, is_ok=True) for check in found.checks), accounts=found.accounts)


@planted("test_the_fields_module_is_in_the_package")
class NoModule(Example):
    """The script of the fields is named and not shipped."""

    @hookimpl
    def gateway_begin(self, ctx: Context, request: Any) -> Any:
        found: Any = super().gateway_begin(ctx, request)
        return replace(found, module="missing.js")


@planted("test_the_manifest_is_whole")
class Misspelt(Example):
    """A hook is misspelt: the host would never call it."""

    @hookimpl
    def gateway_chrage(self, ctx: Context) -> None: ...


@planted("test_the_manifest_is_whole")
class FailsToLoad(Example):
    """A plugin that fails to load: the host lists it as broken and goes on."""

    @hookimpl
    def gateway_manifest(self) -> Manifest:
        raise RuntimeError("a file is missing")
