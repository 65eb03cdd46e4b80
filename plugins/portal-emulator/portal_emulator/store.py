"""Everything that the emulator remembers: plain documents by kind and id, in memory and, on request, in a file."""

from __future__ import annotations

import json
import sqlite3
from pathlib import Path
from typing import Any, Final

Thing = dict[str, Any]

SCHEMA: Final = """
create table if not exists thing (
  seq integer primary key autoincrement, kind text not null, id text not null, body text not null, unique (kind, id)
)
"""
PUT: Final = """
insert into thing (kind, id, body) values (?, ?, ?) on conflict (kind, id) do update set body = excluded.body
"""


class Store:
    """Not safe for threads by itself: the world's lock is held around it. ``commit`` makes a file keep it."""

    def __init__(self, path: Path | None = None) -> None:
        self._kinds: dict[str, dict[str, Thing]] = {}
        self.changed = False  # since the last commit
        self._file = None
        if path is not None:
            self._file = sqlite3.connect(path, check_same_thread=False)
            self._file.execute(SCHEMA)
            for kind, identity, body in self._file.execute("select kind, id, body from thing order by seq"):
                self._kinds.setdefault(kind, {})[identity] = json.loads(body)

    def put(self, kind: str, thing: Thing) -> Thing:
        self._kinds.setdefault(kind, {})[thing["id"]] = thing
        self.changed = True
        if self._file is not None:
            self._file.execute(PUT, (kind, thing["id"], json.dumps(thing)))
        return thing

    def get(self, kind: str, identity: str) -> Thing | None:
        return self._kinds.get(kind, {}).get(identity)

    def all(self, kind: str) -> list[Thing]:
        """Oldest first."""
        return list(self._kinds.get(kind, {}).values())

    def clear(self, kind: str) -> None:
        self._kinds.pop(kind, None)
        self.changed = True
        if self._file is not None:
            self._file.execute("delete from thing where kind = ?", (kind,))

    def commit(self) -> None:
        self.changed = False
        if self._file is not None:
            self._file.commit()

    def close(self) -> None:
        if self._file is not None:
            self._file.commit()
            self._file.close()
            self._file = None
