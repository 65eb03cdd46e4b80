"""A PostgreSQL server for one test run: started in a second, in a throw-away folder, gone at exit."""

from __future__ import annotations

import atexit
import os
import pwd
import shutil
import subprocess
import tempfile
from pathlib import Path
from urllib.parse import quote

import psycopg
from psycopg import sql

MISSING = "PostgreSQL's server programs are missing: run ./dev setup, which installs them (Debian: postgresql)"


class Cluster:
    """A private server, reached through a socket in its own folder; nothing listens on the network.

    Raises FileNotFoundError when the server programs are not installed, RuntimeError when it does not start.
    """

    def __init__(self) -> None:
        self._bin = _programs()
        # Socket paths end at 107 bytes: not below pytest's own long folders.
        self.folder = Path(tempfile.mkdtemp(prefix="pg"))
        self._run_as = _unprivileged()
        if self._run_as:
            os.chown(self.folder, self._run_as.pw_uid, self._run_as.pw_gid)
        atexit.register(self.stop)
        self._run("initdb", "-D", "data", "-U", "test", "-A", "trust", "-E", "UTF8", "--locale=C.UTF-8", "--no-sync")
        # A crash may lose a test's data; nothing else needs to be quick.
        options = (
            f"-k '{self.folder}' -h '' -F -c synchronous_commit=off -c full_page_writes=off -c max_connections=60"
            " -c wal_level=minimal -c max_wal_senders=0 -c autovacuum=off"
        )
        self._run("pg_ctl", "start", "-D", "data", "-w", "-t", "60", "-s", "-l", "log", "-o", options)

    def url(self, name: str) -> str:
        """The address of a database, as settings and psycopg understand it."""
        return f"postgresql://test@/{quote(name)}?host={quote(str(self.folder), safe='')}"

    def create(self, name: str, template: str | None = None) -> str:
        """Make a database, empty or as a copy of another one (which nobody may be connected to). Its URL."""
        # Files are copied as they are: through the log, the default from version 15 on, takes twice as long.
        how = " STRATEGY FILE_COPY" if int(self._bin.parent.name) >= 15 else ""
        statement = sql.SQL("CREATE DATABASE {} TEMPLATE {}" + how)
        self._execute(statement.format(sql.Identifier(name), sql.Identifier(template or "template0")))
        return self.url(name)

    def drop(self, name: str) -> None:
        """Remove a database, whoever is still connected."""
        self._execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))

    def stop(self) -> None:
        """Stop the server and remove its folder; a second call does nothing."""
        atexit.unregister(self.stop)
        if (self.folder / "data/postmaster.pid").exists():
            self._run("pg_ctl", "stop", "-D", "data", "-m", "immediate", "-w", "-s")
        shutil.rmtree(self.folder, ignore_errors=True)

    def _execute(self, statement: sql.Composed) -> None:
        with psycopg.connect(self.url("postgres"), autocommit=True) as connection:
            connection.execute(statement)

    def _run(self, program: str, *arguments: str) -> None:
        user = self._run_as
        # Into a file: the server inherits its output, and a pipe would stay open as long as it runs.
        with (self.folder / "out").open("ab") as out:
            result = subprocess.run(
                [self._bin / program, *arguments],
                cwd=self.folder,
                env={"PATH": os.defpath, "LC_ALL": "C.UTF-8", "TZ": "UTC"},
                user=user.pw_uid if user else None,
                group=user.pw_gid if user else None,
                extra_groups=[] if user else None,
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=subprocess.STDOUT,
                check=False,
            )
        if result.returncode:
            said = [path.read_text() for path in (self.folder / "out", self.folder / "log") if path.exists()]
            raise RuntimeError(f"{program} failed: {' '.join(said)}")


def _programs() -> Path:
    """The folder of the newest server's programs."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/pg_ctl"), key=lambda path: int(path.parts[-3]))
    on_path = shutil.which("pg_ctl")
    if not found and not on_path:
        raise FileNotFoundError(MISSING)
    return found[-1].parent if found else Path(str(on_path)).resolve().parent


def _unprivileged() -> pwd.struct_passwd | None:
    """Who runs the server: it refuses root. None: whoever we are."""
    if os.geteuid() != 0:
        return None
    for name in ("postgres", "nobody"):
        try:
            return pwd.getpwnam(name)
        except KeyError:
            continue
    raise RuntimeError("PostgreSQL does not run as root, and there is neither a user postgres nor nobody")
