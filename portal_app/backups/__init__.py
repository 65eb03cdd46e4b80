"""A copy of everything that a portal holds, in one file, made while it is served; and the way back.

The file is a tar that any program reads: ``backup.json`` (what it is), the database as it was at one moment, every
stored document, the plugins' files, ``portal.toml`` where it lies in the data folder, and at the end ``SHA256SUMS`` of
them all: an archive that lacks it was never finished. The secret key is not in it, nor in its ``portal.toml``. It opens
the gateways' credentials that lie in the database sealed, and who holds both holds those.
"""

from __future__ import annotations

from portal_app.backups.archive import HEAD, SUMS, Told
from portal_app.backups.reading import check, restore
from portal_app.backups.writing import write

__all__ = ["HEAD", "SUMS", "Told", "check", "restore", "write"]
