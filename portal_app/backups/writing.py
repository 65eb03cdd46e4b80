"""Making a backup."""

from __future__ import annotations

import io
import json
import os
import re
import secrets
import sqlite3
import tarfile
import tempfile
import tomllib
from collections.abc import Sequence
from contextlib import closing, suppress
from pathlib import Path
from typing import IO, Any

from portal_app import __version__, clock, config, db, schema
from portal_app.backups.archive import (
    DATABASES,
    DOCUMENTS,
    FORMAT,
    HEAD,
    PLUGINS,
    SUMS,
    Meter,
    Source,
    Told,
    postgresql,
    sync_folder,
    told_of,
)
from portal_app.config import Config
from portal_app.domain import firms, store
from portal_app.domain.errors import Refused

_KEYS = {"secret_key", "previous_secret_keys"}
_KEY_LINE = re.compile(rf"""\s*["']?({"|".join(sorted(_KEYS))})["']?\s*=""")
_SQLITE = b"SQLite format 3\0"


def write(settings: Config, target: Path, *, with_documents: bool = True, keys_to: Path | None = None) -> Told:
    """Copy everything into ``target``, a new file that its owner alone reads; whole or not at all. ``keys_to``: the
    secret keys go there first, unless they are there already.

    Raises:
        Refused: there is a file already, there is no room, the database is damaged, or ``pg_dump`` is needed and not
            there. NoFirm: there is nothing to be copied.
    """
    if target.exists():
        raise Refused(f"There is a file {target} already. It was left as it is.")
    if not target.parent.is_dir():
        raise Refused(f"There is no folder {target.parent}.")
    head = _head()
    if keys_to is not None:
        _put_keys(keys_to, config.secret_keys(settings))
    draft = target.with_name(f"{target.name}.{secrets.token_hex(4)}.part")
    try:
        with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            archive = _Archive(file)
            archive.add_text(HEAD, json.dumps(head, indent=1))
            with tempfile.TemporaryDirectory(prefix=".backup-", dir=target.parent) as room:
                _add_all(archive, settings, Path(room), with_documents=with_documents)
            archive.finish()
            file.flush()
            os.fsync(file.fileno())
        draft.rename(target)
        sync_folder(target.parent)
    except OSError as problem:
        raise Refused(f"The backup was not made: {problem.strerror or problem}.") from None
    finally:
        draft.unlink(missing_ok=True)
    return told_of(head, len(archive.sums) - 2, target.stat().st_size)


def _put_keys(path: Path, keys: Sequence[str]) -> None:
    try:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        if path.read_text("ascii", "replace").split() != list(keys):
            raise Refused(f"There is another file {path} already. It was left as it is.") from None
    else:
        with os.fdopen(handle, "w") as file:
            file.write("\n".join(keys))


def _head() -> dict[str, Any]:
    kind = "sqlite" if db.is_sqlite() else "postgresql"
    names = db.rows_of("SELECT name FROM firm") if "firm" in db.db.get_tables() else []  # also before it is migrated
    if not names:
        raise firms.NoFirm
    return {
        "format": FORMAT, "firm": names[0][0], "made_at": clock.now().isoformat(timespec="seconds"),
        "version": __version__, "database": kind, "migrations": schema.applied(),
    }  # fmt: skip


class _Archive:
    """The tar that is written, and what stands in it so far."""

    def __init__(self, file: IO[bytes]) -> None:
        self.tar = tarfile.open(fileobj=file, mode="w")  # noqa: SIM115 - finish() closes it; one that breaks off is thrown away
        self.sums = list[str]()

    def add(self, name: str, source: Source, size: int) -> None:
        info = tarfile.TarInfo(name)
        info.size, info.mode, info.mtime = size, 0o600, int(clock.aware().timestamp())
        meter = Meter(source)
        self.tar.addfile(info, meter)
        self.sums.append(f"{meter.digest.hexdigest()}  {name}\n")

    def add_text(self, name: str, text: str) -> None:
        data = text.encode()
        self.add(name, io.BytesIO(data), len(data))

    def add_file(self, name: str, path: Path) -> None:
        with path.open("rb") as file:
            self.add(name, file, os.fstat(file.fileno()).st_size)

    def finish(self) -> None:
        self.add_text(SUMS, "".join(self.sums))
        self.tar.close()


def _add_all(archive: _Archive, settings: Config, room: Path, *, with_documents: bool) -> None:
    """The database first: a document is there before a row names it, so those that are read later are all that the rows
    name."""
    kind = "sqlite" if db.is_sqlite() else "postgresql"
    copy = room / DATABASES[kind]
    if kind == "sqlite":
        _snapshot(db.db.connection(), copy)
    else:
        postgresql("pg_dump", settings.database_url, "--format=custom", "--no-owner", "--no-acl", f"--file={copy}")
    archive.add_file(copy.name, copy)
    copy.unlink()
    if with_documents:
        for key, size in store.every():
            with suppress(store.NotStored):  # thrown away meanwhile
                archive.add(f"{DOCUMENTS}/{key}", store.reader(key), size)
    home = settings.data_dir / PLUGINS
    for path in sorted(home.rglob("*")) if home.is_dir() else ():
        if path.is_file() and not path.is_symlink() and not path.name.endswith(("-wal", "-shm")):
            _add_plugin_file(archive, f"{PLUGINS}/{path.relative_to(home).as_posix()}", path, room)
    if (settings.data_dir / config.FILE_NAME).is_file():
        archive.add_text(config.FILE_NAME, _without_keys(settings.data_dir / config.FILE_NAME))


def _without_keys(path: Path) -> str:
    """The settings' file without the secret keys, where they stand in it."""
    text = path.read_text("utf-8")
    kept = "".join(line for line in text.splitlines(keepends=True) if not _KEY_LINE.match(line))
    try:
        left = tomllib.loads(kept).keys() & _KEYS
    except tomllib.TOMLDecodeError:
        left = _KEYS
    if left:
        raise Refused(f"{path} holds the secret key in a way that cannot be left out. Write it on one line of its own.")
    return kept


def _add_plugin_file(archive: _Archive, name: str, path: Path, room: Path) -> None:
    with path.open("rb") as file:
        is_database = file.read(len(_SQLITE)) == _SQLITE
    if not is_database:
        archive.add_file(name, path)
        return
    copy = room / "copy"
    with closing(sqlite3.connect(path)) as connection:
        _snapshot(connection, copy)
    archive.add_file(name, copy)
    copy.unlink()


def _snapshot(connection: sqlite3.Connection, copy: Path) -> None:
    """SQLite's own copy of one state, whoever writes meanwhile."""
    with closing(sqlite3.connect(copy)) as to:
        connection.backup(to)
        faults = [row[0] for row in to.execute("PRAGMA quick_check(1)")]
    if faults != ["ok"]:
        raise Refused(f"The database is damaged: {faults[0]}. Keep the backups that you have, and ask for help.")
