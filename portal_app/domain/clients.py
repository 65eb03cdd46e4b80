"""Clients, read and changed: who the firm acts for. The model stands in :mod:`portal_app.domain.people`."""

from __future__ import annotations

from typing import Any

from peewee import ModelSelect

from portal_app.db import has, pattern, transaction
from portal_app.domain.people import CLIENT_KINDS, Client
from portal_app.prepared import prepared

KINDS = dict(zip(CLIENT_KINDS, ("Person", "Company"), strict=True))


def find(client_id: int) -> Client:
    """One client; raises ``Client.DoesNotExist``."""
    return Client.get_by_id(client_id)


def search(text: str, *, limit: int = 50) -> list[Client]:
    """Clients whose name or address contains ``text``, by name."""
    return _found(pattern(text.strip()[:80]), limit)


@prepared
def _found(words: Any, limit: Any) -> ModelSelect:
    is_found = has(Client.name, words) | has(Client.email, words)
    return Client.select().where(is_found).order_by(Client.name, Client.id).limit(limit)


def names() -> list[tuple[int, str]]:
    """Every client's id and name, by name: for a choice."""
    return list(Client.select(Client.id, Client.name).order_by(Client.name, Client.id).tuples())


def change(client: Client, **values: str) -> None:
    """Set fields of the client."""
    with transaction():
        for name, value in values.items():
            setattr(client, name, value)
        client.save(only=list(values))
