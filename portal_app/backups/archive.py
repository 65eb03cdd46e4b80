"""What writing and reading a backup share: its names, sums, and PostgreSQL's own programs."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import unquote, urlsplit

from portal_app.domain.errors import Refused

FORMAT = 1
HEAD, SUMS = "backup.json", "SHA256SUMS"
DATABASES = {"sqlite": "portal.sqlite3", "postgresql": "portal.dump"}
DOCUMENTS, PLUGINS = "documents", "plugins"
CHUNK = 1024 * 1024


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


class Source(Protocol):
    def read(self, size: int = -1, /) -> Any: ...


def told_of(head: dict[str, Any], files: int, size_bytes: int) -> Told:
    def said(name: str) -> str:
        return "".join(filter(str.isprintable, str(head[name])))

    made = said("firm"), said("made_at"), said("version"), said("database")
    return Told(*made, [str(name) for name in head["migrations"]], files, size_bytes)


class Meter:
    """Hashes what is read through it."""

    def __init__(self, source: Source) -> None:
        self.source, self.digest = source, hashlib.sha256()

    def read(self, size: int = -1) -> bytes:
        data = bytes(self.source.read(size))
        self.digest.update(data)
        return data


def postgresql(tool: str, url: str, *options: str) -> None:
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


def said_by(problem: BaseException) -> str:
    """The first line of what a database says."""
    return str(problem).strip().partition("\n")[0]


def sync_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
