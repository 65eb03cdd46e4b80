"""Proving a backup, and putting it back."""

from __future__ import annotations

import json
import os
import shutil
import tarfile
import tempfile
from dataclasses import replace
from pathlib import Path, PurePosixPath
from typing import IO, Any, cast

from peewee import PeeweeException

from portal_app import __version__, config, db, schema
from portal_app.backups.archive import (
    CHUNK,
    DATABASES,
    DOCUMENTS,
    FORMAT,
    HEAD,
    PLUGINS,
    SUMS,
    Meter,
    Told,
    postgresql,
    said_by,
    sync_folder,
    told_of,
)
from portal_app.config import Config
from portal_app.domain import store
from portal_app.domain.errors import Refused

_MOST_OF_TEXT = 64 * 1024 * 1024  # of what is read into memory: the head, the sums
UNFINISHED = "This is no whole backup: its end is missing. Copy it again from where it was made."


def check(source: Path) -> Told:
    """Read all of an archive and compare each file with its sum; nothing is written.

    Raises:
        Refused: it is no backup, not whole, changed, or from a newer version.
    """
    return _read(source, None)


def restore(settings: Config, source: Path, keys: str = "") -> Told:
    """Put everything back: into an empty data folder, and an empty database where that is elsewhere, with the secret
    ``keys`` if they are given. All sums are proved before anything is in its place. What was SQLite becomes PostgreSQL
    where the settings name one.

    Raises:
        Refused: as :func:`check`; or there is something already.
    """
    home = settings.data_dir
    if home.exists() and any(home.iterdir()):
        raise Refused(f"There is something in {home} already. A backup is put back into an empty folder: --data DIR.")
    is_new = not home.exists()
    home.mkdir(mode=0o700, parents=True, exist_ok=True)
    try:
        # Inside, because the folder may be a disk of its own, which nothing can be moved onto at once.
        with tempfile.TemporaryDirectory(prefix=".restoring-", dir=home) as name:
            room = Path(name)
            told = _read(source, room)
            _refuse_taken(settings, told)
            if keys:
                config.keep_secret_keys(replace(settings, data=str(room)), keys.split())
            _put_documents(settings, room)
            _put_database(settings, told, room)
            os.sync()
            # The database is the last: without it nobody takes the folder for a portal's.
            for path in sorted(room.iterdir(), key=lambda path: (path.name in DATABASES.values(), path.name)):
                path.rename(home / path.name)
            sync_folder(home)
    except BaseException:
        if is_new and not any(home.iterdir()):
            home.rmdir()
        raise
    return told


def _read(source: Path, room: Path | None) -> Told:
    """All of an archive, into ``room`` if it is given."""
    head: dict[str, Any] = {}
    found: dict[str, str] = {}
    sums = ""
    try:
        with tarfile.open(source, mode="r:") as tar:
            for member in tar:
                name = member.name
                if sums or name in found or not _is_ours(member) or (name == HEAD) is bool(head):
                    raise Refused(f"{source} is no backup of a portal: {name!r} does not belong there.")
                file = Meter(cast(IO[bytes], tar.extractfile(member)))
                if name in {HEAD, SUMS}:
                    text = file.read(min(member.size, _MOST_OF_TEXT)).decode()
                    head, sums = (_read_head(text), "") if name == HEAD else (head, text)
                else:
                    _unpack(file, None if room is None else room / name)
                found[name] = file.digest.hexdigest()
    except (tarfile.TarError, EOFError, UnicodeDecodeError) as problem:
        raise Refused(UNFINISHED if head else f"{source} is no backup of a portal: {problem}.") from None
    except OSError as problem:
        raise Refused(f"{source} was not read to its end: {problem.strerror or problem}.") from None
    if not sums:
        raise Refused(UNFINISHED)
    _compare(found, sums)
    return told_of(head, len(found) - 1, source.stat().st_size)


def _is_ours(member: tarfile.TarInfo) -> bool:
    """Whether it is a file that :func:`write` could have put there: nothing is written beside the folder."""
    path = PurePosixPath(member.name)
    is_named = member.name in {HEAD, SUMS, config.FILE_NAME, *DATABASES.values()}
    is_below = len(path.parts) > 1 and path.parts[0] in {DOCUMENTS, PLUGINS}
    is_plain = str(path) == member.name and member.name.isprintable()
    is_inside = not path.is_absolute() and ".." not in path.parts
    return member.isreg() and is_plain and is_inside and (is_named or is_below)


def _read_head(text: str) -> dict[str, Any]:
    try:
        head = json.loads(text)
        known = told_of(head, 0, 0)
        DATABASES[known.database]
    except (ValueError, KeyError, TypeError):
        raise Refused("This is no backup of a portal: its head cannot be read.") from None
    if head.get("format") != FORMAT or not set(known.migrations) <= schema.known():
        raise Refused(
            f"This backup was made by version {known.version}, which knows more than this one ({__version__}). "
            "Install that version, or a newer one."
        )
    return dict(head)


def _unpack(file: Meter, path: Path | None) -> None:
    if path is None:
        while file.read(CHUNK):
            pass
        return
    path.parent.mkdir(parents=True, exist_ok=True)  # below a folder that is its owner's alone
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as to:
        shutil.copyfileobj(file, to, CHUNK)


def _compare(found: dict[str, str], sums: str) -> None:
    del found[SUMS]
    told = {name: digest for digest, _, name in (line.partition("  ") for line in sums.splitlines())}
    for name in sorted(told.keys() | found.keys()):
        if name not in found or name not in told:
            raise Refused(f"The backup is not what was made: {name!r} was {'added' if name in found else 'taken out'}.")
        if told[name] != found[name]:
            raise Refused(f"The backup is damaged: {name!r} is not what was copied. Take another one.")


def _put_documents(settings: Config, room: Path) -> None:
    """Into the object store, where the settings name one."""
    (room / HEAD).unlink(missing_ok=True)
    home = room / DOCUMENTS
    if not settings.documents or not home.is_dir():
        return
    store.open_store(settings.documents)
    for path in sorted(home.rglob("*")):
        if path.is_file():
            store.put_back(path.relative_to(home).as_posix(), path)
    shutil.rmtree(home)


def _refuse_taken(settings: Config, told: Told) -> None:
    """The settings must name a database in which there is nothing; where PostgreSQL was left, nothing leads back."""
    if settings.database_url.startswith("sqlite"):
        if told.database != "sqlite":
            raise Refused("This is a backup of a PostgreSQL database: name an empty one with the setting “database”.")
        if _place(settings).exists():
            raise Refused(f"There is a database {_place(settings)} already. It was left as it is.")
        return
    db.open_database(settings.database_url)
    try:
        db.connect()
        tables = db.db.get_tables()
    except PeeweeException as problem:
        raise Refused(f"The PostgreSQL database cannot be opened: {said_by(problem)}.") from None
    if tables:
        raise Refused("There is something in this PostgreSQL database already. A backup is put back into an empty one.")


def _place(settings: Config) -> Path:
    return Path(settings.database_url.removeprefix("sqlite:///"))


def _put_database(settings: Config, told: Told, room: Path) -> None:
    copy = room / DATABASES[told.database]
    if told.database == "postgresql":
        options = ("--no-owner", "--no-acl", "--exit-on-error", "--single-transaction")
        postgresql("pg_restore", settings.database_url, *options, str(copy))
        copy.unlink()
    elif not settings.database_url.startswith("sqlite"):
        from portal_app.backups.moving import fill_postgresql  # psycopg is there where PostgreSQL is used

        fill_postgresql(copy, settings.database_url)
        for path in room.glob(f"{copy.name}*"):
            path.unlink()
    elif _place(settings) != settings.data_dir / copy.name:
        _place(settings).parent.mkdir(parents=True, exist_ok=True)
        shutil.move(copy, _place(settings))
