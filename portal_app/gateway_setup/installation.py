"""Whether this is the installation that takes live payments, or a copy of it: a restored backup, a staging clone.

A file in the data folder holds a random word; the database keeps that word, the file's inode and the portal's address.
A copy differs in at least one of them, and its live gateways are paused until an administrator says which one counts.
"""

from __future__ import annotations

import datetime as dt
import os
import secrets

from portal_app import clock, config, plugins
from portal_app.db import transaction
from portal_app.domain import audit
from portal_app.domain.payments import Gateway, Installation
from portal_app.domain.people import FirmUser
from portal_app.plugin_api import Mode

FILE = "installation"
PAUSED = "This looks like a copy of the portal, so its live gateways are paused."

_Seen = tuple[str, int, int, str]
_verdict: dict[_Seen, bool] = {}  # of this process; whoever binds makes a new file


def is_paused(gateway: Gateway) -> bool:
    """Whether nothing may go through ``gateway`` because this installation is not known to be the one that pays."""
    return pauses(gateway.plugin, gateway.mode)


def pauses(plugin: str, mode: str) -> bool:
    """The same of a gateway of ``plugin`` in ``mode``: only where real money can move."""
    if mode != Mode.LIVE.value:
        return False
    manifest = plugins.registry().manifests.get(plugin)
    return not (manifest and manifest.is_rehearsal) and _is_copied()


def paused_gateways() -> list[Gateway]:
    """Live gateways that are paused here, whether they are on or off."""
    live = Gateway.select().where(Gateway.mode == Mode.LIVE.value)
    return [row for row in live.order_by(Gateway.id) if is_paused(row)]


def tell_paused() -> None:
    """Record of each paused gateway, once since an installation was last bound, that this one is taken for a copy."""
    last = Installation.select().order_by(Installation.id.desc()).first()
    within = clock.now() - last.bound_at if last is not None else dt.timedelta(days=3650)
    for gateway in paused_gateways():
        audit.record_seldom(
            "pause_gateway", within=within, subject=gateway.code, subject_ref=f"gateway:{gateway.id}",
            after={"why": PAUSED},
        )  # fmt: skip


def bind(by: FirmUser | None) -> None:
    """Say that this installation is the one that takes live payments; the one before is a copy from now on."""
    folder, token = config.active().data_dir, secrets.token_hex(16)
    folder.mkdir(parents=True, exist_ok=True)
    draft = folder / f"{FILE}.{token[:8]}"
    values = {"token": token, "public_url": config.active().public_url, "bound_at": clock.now(), "bound_by": by}
    try:
        with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            file.write(token)
            file.flush()
            os.fsync(file.fileno())
            inode = str(os.fstat(file.fileno()).st_ino)
        with transaction():
            Installation.create(inode=inode, **values)
        # Last, and after the commit: the new file makes every process read the database again.
        draft.replace(folder / FILE)
    finally:
        draft.unlink(missing_ok=True)


def bind_first(by: FirmUser) -> None:
    """Where nobody has said it yet, the installation that is given live credentials takes the payments."""
    if not Installation.select().exists():
        bind(by)


def _is_copied() -> bool:
    path, public_url = config.active().data_dir / FILE, config.active().public_url
    try:
        found = path.stat()
        seen = (str(path), found.st_ino, found.st_mtime_ns, public_url)
        verdict = _verdict.get(seen)
        if verdict is None:
            verdict = (path.read_text("ascii").strip(), str(found.st_ino), public_url) != _bound()
            _verdict.clear()
            _verdict[seen] = verdict
    except (OSError, UnicodeDecodeError):
        return True
    return verdict


def _bound() -> tuple[str, str, str] | None:
    last: Installation | None = Installation.select().order_by(Installation.id.desc()).first()
    return (last.token, last.inode, last.public_url) if last else None
