"""A new secret key: everything that is sealed in the database is sealed again under it."""

from __future__ import annotations

import json

from portal_app import plugins, vault
from portal_app.db import locked, transaction
from portal_app.domain import factors
from portal_app.domain.payments import Gateway
from portal_app.gateway_setup.references import is_reference


def reseal() -> int:
    """Seal every secret again under the newest key, in one transaction. Returns how many there are.

    Raises:
        vault.Unreadable: none of the keys opens one of them; nothing is changed then.
    """
    count = 0
    with transaction():
        for row in locked(Gateway.select().order_by(Gateway.id)):
            kept = json.loads(row.settings)
            names = [name for name, value in kept.items() if value and _is_sealed(row, name, value)]
            kept |= {name: vault.seal(vault.unseal(kept[name])) for name in names}
            Gateway.update(settings=json.dumps(kept)).where(Gateway.id == row.id).execute()
            count += len(names)
    return count + factors.reseal()


def _is_sealed(row: Gateway, name: str, value: str) -> bool:
    """What the plugin calls a secret; when the plugin is gone, what looks sealed."""
    manifest = plugins.registry().manifests.get(row.plugin)
    if is_reference(value):
        return False
    if manifest is None:
        return vault.is_sealed(value)
    return name in {item.name for item in manifest.settings if item.kind == "secret"}
