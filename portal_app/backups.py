"""A copy of everything that a portal holds, in one file, made while it is served; and the way back.

The file is a tar that any program reads: ``backup.json`` (what it is), the database as it was at one moment, every
stored document, the plugins' files, ``portal.toml`` where it lies in the data folder, and at the end ``SHA256SUMS`` of
them all: an archive that lacks it was never finished. The secret key is not in it. It opens the gateways' credentials
that lie in the database sealed, and who holds both holds those.
"""

from __future__ import annotations

import hashlib
import json
import os
import secrets
import shutil
import sqlite3
import subprocess
import tarfile
import tempfile
from contextlib import closing, suppress
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath
from typing import IO, Any, Protocol, cast
from urllib.parse import unquote, urlsplit

from portal_app import __version__, clock, config, db, schema
from portal_app.config import Config
from portal_app.domain import firms, store
from portal_app.domain.errors import Refused

FORMAT = 1
HEAD, SUMS = "backup.json", "SHA256SUMS"
DATABASES = {"sqlite": "portal.sqlite3", "postgresql": "portal.dump"}
DOCUMENTS, PLUGINS = "documents", "plugins"
_CHUNK = 1024 * 1024
_MOST_OF_TEXT = 64 * 1024 * 1024  # of what is read into memory: the head, the sums
_SQLITE = b"SQLite format 3\0"
UNFINISHED = "This is no whole backup: its end is missing. Copy it again from where it was made."


@dataclass(frozen=True, slots=True)
class Told:
    """What is in an archive: whose it is, when (UTC) and by which version it was made, of which kind of database with
    which migrations; how many files of the portal's, and how many bytes in all."""

    firm: str
    made_at: str
    version: str
    database: str
    migrations: list[str]
    files: int = 0
    size_bytes: int = 0


class _Source(Protocol):
    def read(self, size: int = -1, /) -> Any: ...


# Making one


def write(settings: Config, target: Path, *, with_documents: bool = True) -> Told:
    """Copy everything into ``target``, a new file that its owner alone reads; whole or not at all.

    Raises:
        Refused: there is a file already, there is no room, the database is damaged, or ``pg_dump`` is needed and not
            there. NoFirm: there is nothing to be copied.
    """
    if target.exists():
        raise Refused(f"There is a file {target} already. It was left as it is.")
    if not target.parent.is_dir():
        raise Refused(f"There is no folder {target.parent}.")
    head = _head()
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
        _sync_folder(target.parent)
    except OSError as problem:
        raise Refused(f"The backup was not made: {problem.strerror or problem}.") from None
    finally:
        draft.unlink(missing_ok=True)
    return _told(head, len(archive.sums) - 2, target.stat().st_size)


def _head() -> dict[str, Any]:
    kind = "sqlite" if db.is_sqlite() else "postgresql"
    names = db.rows_of("SELECT name FROM firm") if "firm" in db.db.get_tables() else []  # also before it is migrated
    if not names:
        raise firms.NoFirm
    return {
        "format": FORMAT, "firm": names[0][0], "made_at": clock.now().isoformat(timespec="seconds"),
        "version": __version__, "database": kind, "migrations": schema.applied(),
    }  # fmt: skip


def _told(head: dict[str, Any], files: int, size_bytes: int) -> Told:
    def said(name: str) -> str:
        return "".join(filter(str.isprintable, str(head[name])))

    made = said("firm"), said("made_at"), said("version"), said("database")
    return Told(*made, [str(name) for name in head["migrations"]], files, size_bytes)


class _Archive:
    """The tar that is written, and what stands in it so far."""

    def __init__(self, file: IO[bytes]) -> None:
        self.tar = tarfile.open(fileobj=file, mode="w")  # noqa: SIM115 - finish() closes it; one that breaks off is thrown away
        self.sums = list[str]()

    def add(self, name: str, source: _Source, size: int) -> None:
        info = tarfile.TarInfo(name)
        info.size, info.mode, info.mtime = size, 0o600, int(clock.aware().timestamp())
        meter = _Meter(source)
        self.tar.addfile(info, meter)
        self.sums.append(f"{meter.digest.hexdigest()}  {name}\n")

    def add_text(self, name: str, text: str) -> None:
        with tempfile.SpooledTemporaryFile(_CHUNK) as file:
            file.write(text.encode())
            size = file.tell()
            file.seek(0)
            self.add(name, file, size)

    def add_file(self, name: str, path: Path) -> None:
        with path.open("rb") as file:
            self.add(name, file, os.fstat(file.fileno()).st_size)

    def finish(self) -> None:
        self.add_text(SUMS, "".join(self.sums))
        self.tar.close()


class _Meter:
    """Hashes what is read through it."""

    def __init__(self, source: _Source) -> None:
        self.source, self.digest = source, hashlib.sha256()

    def read(self, size: int = -1) -> bytes:
        data = bytes(self.source.read(size))
        self.digest.update(data)
        return data


def _add_all(archive: _Archive, settings: Config, room: Path, *, with_documents: bool) -> None:
    """The database first: a document is there before a row names it, so those that are read later are all that the rows
    name."""
    kind = "sqlite" if db.is_sqlite() else "postgresql"
    copy = room / DATABASES[kind]
    if kind == "sqlite":
        _snapshot(db.db.connection(), copy)
    else:
        _postgresql("pg_dump", settings.database_url, "--format=custom", "--no-owner", "--no-acl", f"--file={copy}")
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
        archive.add_file(config.FILE_NAME, settings.data_dir / config.FILE_NAME)


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


def _postgresql(tool: str, url: str, *options: str) -> None:
    """Run one of PostgreSQL's own programs; the password is not in the list of processes."""
    program = shutil.which(tool)
    if program is None:
        raise Refused(f"{tool} is not on this machine. On Debian and Ubuntu: apt-get install postgresql-client.")
    parts = urlsplit(url)
    place = parts._replace(
        netloc=parts.netloc.replace(f":{parts.password}@", "@", 1) if parts.password else parts.netloc
    )
    environment = os.environ | ({"PGPASSWORD": unquote(parts.password)} if parts.password else {})
    done = subprocess.run(
        [program, f"--dbname={place.geturl()}", *options], env=environment, capture_output=True, text=True, check=False
    )
    if done.returncode:
        said = done.stderr.strip().splitlines() or [f"it ended with {done.returncode}"]
        raise Refused(f"{tool} did not finish: {said[-1]}")


def _sync_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


# Reading one


def check(source: Path) -> Told:
    """Read all of an archive and compare each file with its sum; nothing is written.

    Raises:
        Refused: it is no backup, not whole, changed, or from a newer version.
    """
    return _read(source, None)


def restore(settings: Config, source: Path, keys: str = "") -> Told:
    """Put everything back: into an empty data folder, and an empty database where that is elsewhere, with the secret
    ``keys`` if they are given. All sums are proved before anything is in its place.

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
            _sync_folder(home)
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
                file = _Meter(cast(IO[bytes], tar.extractfile(member)))
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
    return _told(head, len(found) - 1, source.stat().st_size)


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
        known = _told(head, 0, 0)
        DATABASES[known.database]
    except (ValueError, KeyError, TypeError):
        raise Refused("This is no backup of a portal: its head cannot be read.") from None
    if head.get("format") != FORMAT or not set(known.migrations) <= schema.known():
        raise Refused(
            f"This backup was made by version {known.version}, which knows more than this one ({__version__}). "
            "Install that version, or a newer one."
        )
    return dict(head)


def _unpack(file: _Meter, path: Path | None) -> None:
    if path is None:
        while file.read(_CHUNK):
            pass
        return
    path.parent.mkdir(parents=True, exist_ok=True)  # below a folder that is its owner's alone
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as to:
        shutil.copyfileobj(file, to, _CHUNK)


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
    """The settings must name a database of the same kind, in which there is nothing."""
    if settings.database_url.startswith("sqlite") is not (told.database == "sqlite"):
        wanted = {
            "sqlite": "an SQLite database: leave the setting “database” out",
            "postgresql": "a PostgreSQL database: name an empty one with the setting “database”",
        }
        raise Refused(f"This is a backup of {wanted[told.database]}.")
    if told.database == "sqlite":
        if _place(settings).exists():
            raise Refused(f"There is a database {_place(settings)} already. It was left as it is.")
        return
    db.open_database(settings.database_url)
    if db.rows_of("SELECT 1 FROM pg_tables WHERE schemaname = 'public' LIMIT 1"):
        raise Refused("There is something in this PostgreSQL database already. A backup is put back into an empty one.")


def _place(settings: Config) -> Path:
    return Path(settings.database_url.removeprefix("sqlite:///"))


def _put_database(settings: Config, told: Told, room: Path) -> None:
    copy = room / DATABASES[told.database]
    if told.database == "postgresql":
        options = ("--no-owner", "--no-acl", "--exit-on-error", "--single-transaction")
        _postgresql("pg_restore", settings.database_url, *options, str(copy))
        copy.unlink()
    elif _place(settings) != settings.data_dir / copy.name:
        _place(settings).parent.mkdir(parents=True, exist_ok=True)
        shutil.move(copy, _place(settings))
