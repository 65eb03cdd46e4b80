"""Finding plugins, and calling exactly one of them.

A plugin that fails to load is listed with its error and never stops the site. A hook of a gateway is never broadcast:
a plain pluggy call would reach every gateway.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from importlib.metadata import EntryPoint, entry_points
from typing import Any

import pluggy

from portal_app import hookspecs
from portal_app.plugin_api import ENTRY_POINT_GROUP, PROJECT, Manifest

log = logging.getLogger(__name__)

ID = re.compile(r"[a-z][a-z0-9-]{0,23}\Z")  # it stands in addresses and in the codes of ledger accounts


class NoSuchGateway(LookupError):
    """No plugin of this id is installed and whole."""


@dataclass(slots=True)
class Registry:
    """The gateways that loaded, by id, and those that did not, with why."""

    manager: pluggy.PluginManager
    gateways: dict[str, object] = field(default_factory=dict)
    manifests: dict[str, Manifest] = field(default_factory=dict)
    broken: dict[str, str] = field(default_factory=dict)

    def add(self, gateway: object, name: str) -> None:
        """Register one gateway under its manifest's id; a failure lists it as broken."""
        try:
            self.manager.register(gateway, name)
            self.manager.check_pending()
            if not self._is_gateway(gateway):
                return  # it only listens
            manifest = self._call(gateway, "gateway_manifest")
            if not isinstance(manifest, Manifest):
                raise TypeError("gateway_manifest() did not return a Manifest")
            if not ID.match(manifest.id) or manifest.id in self.manifests:
                raise ValueError(f"“{manifest.id}” cannot be a gateway's id, or is taken: a-z, 0-9 and -, at most 24")
        except Exception as problem:
            log.exception("plugin %s cannot be used", name)
            self.broken[name] = f"{type(problem).__name__}: {problem}"
            if self.manager.is_registered(gateway):
                self.manager.unregister(gateway)
            return
        self.gateways[manifest.id], self.manifests[manifest.id] = gateway, manifest

    def _is_gateway(self, plugin: object) -> bool:
        return any(caller.name.startswith("gateway_") for caller in self.manager.get_hookcallers(plugin) or ())

    def observers(self, topic: str) -> list[tuple[str, Callable[..., object]]]:
        """Every plugin that listens to ``topic``, by name, with what it does."""
        found = getattr(self.manager.hook, topic).get_hookimpls()
        return [(each.plugin_name, each.function) for each in found]

    def call(self, plugin: str, hook: str, **arguments: Any) -> Any:
        """Call ``hook`` of the gateway ``plugin`` alone.

        Raises:
            NoSuchGateway: it is not installed. And whatever the plugin raises.
        """
        if plugin not in self.gateways:
            raise NoSuchGateway(plugin)
        return self._call(self.gateways[plugin], hook, **arguments)

    def _call(self, gateway: object, hook: str, **arguments: Any) -> Any:
        others = [other for other in self.manager.get_plugins() if other is not gateway]
        return self.manager.subset_hook_caller(hook, others)(**arguments)


def load() -> Registry:
    """Every installed plugin of the entry point group."""
    manager = pluggy.PluginManager(PROJECT)
    manager.add_hookspecs(hookspecs)
    registry = Registry(manager)
    for point in sorted(entry_points(group=ENTRY_POINT_GROUP), key=lambda item: item.name):
        _load(registry, point)
    return registry


def _load(registry: Registry, point: EntryPoint) -> None:
    try:
        gateway = point.load()
    except Exception as problem:
        log.exception("plugin %s cannot be loaded", point.name)
        registry.broken[point.name] = f"{type(problem).__name__}: {problem}"
        return
    registry.add(gateway, point.name)


_registry: list[Registry] = []


def registry() -> Registry:
    """This process's plugins, found at first need."""
    if not _registry:
        _registry.append(load())
    return _registry[0]


def use(found: Registry) -> None:
    """Work with ``found``: for tests with gateways of their own."""
    _registry[:] = [found]
