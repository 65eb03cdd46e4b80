"""Every stored document against the hash that it was stored under."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator

from portal_app.domain import store
from portal_app.domain.documents import DocumentVersion
from portal_app.domain.store import NotStored


def documents() -> Iterator[str]:
    for version in DocumentVersion.select().order_by(DocumentVersion.id).iterator():
        where = f"Version {version.number} of document {version.document_id}"
        try:
            digest = hashlib.sha256()
            for chunk in store.stream(version.storage_key):
                digest.update(chunk)
        except NotStored:
            yield f"{where} is not in the store ({version.storage_key})."
            continue
        if digest.hexdigest() != version.sha256:
            yield f"{where} has changed: its bytes are not those that were stored ({version.storage_key})."
