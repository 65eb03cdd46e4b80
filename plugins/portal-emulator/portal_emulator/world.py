"""The emulator's world: what it remembers, its clock, its keys, its faults. One call at a time enters it."""

from __future__ import annotations

import datetime as dt
import secrets
import threading
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from types import TracebackType
from typing import Final, Self

from portal_emulator.accounts import first_merchant
from portal_emulator.clock import Clock, moment_of, night_after, stamp
from portal_emulator.faults import Faults
from portal_emulator.store import Store, Thing

SECRET_KEY: Final = "emulator_secret_key"  # noqa: S105  (opens nothing but this emulator)
PUBLIC_KEY: Final = "m_emulator_public_key"
META: Final = "world"
CALLS_KEPT: Final = 1000


@dataclass(frozen=True)
class Call:
    """One call to the interface, as the control page lists it: no bodies."""

    at: str
    method: str
    path: str
    status: int
    note: str


@dataclass
class World:
    """Enter it (``with world:``) to read or change anything in it; leaving writes the state file."""

    store: Store
    clock: Clock
    post: Callable[[str, bytes], int]  # sends a webhook: address, body; the status of the answer
    secret_key: str = SECRET_KEY
    public_key: str = PUBLIC_KEY
    new_id: Callable[[], str] = lambda: secrets.token_urlsafe(16)
    faults: Faults = field(default_factory=Faults)
    calls: deque[Call] = field(default_factory=lambda: deque(maxlen=CALLS_KEPT))
    sending: threading.RLock = field(default_factory=threading.RLock)
    _lock: threading.RLock = field(default_factory=threading.RLock)

    def __post_init__(self) -> None:
        with self:
            meta = self.store.get("meta", META)
            if meta is None:
                self.store.put("meta", {"id": META, "night": stamp(self.now()), "webhooks": []})
                self.store.put("merchant", first_merchant(self))
            else:
                self.clock.move_to(moment_of(meta["now"]))

    def __enter__(self) -> Self:
        self._lock.acquire()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            if self.store.changed:
                self.note_time()
                self.store.commit()
        finally:
            self._lock.release()

    # -- Time ----------------------------------------------------------------------------------

    def now(self) -> dt.datetime:
        return self.clock.now()

    def stamp(self) -> str:
        return stamp(self.now())

    def today(self) -> dt.date:
        return self.clock.today()

    def note_time(self) -> None:
        """So that a restart goes on from here, not from before."""
        self.store.put("meta", {**self.meta, "now": stamp(self.now())})

    def next_night(self) -> dt.datetime:
        return night_after(moment_of(self.meta["night"]))

    # -- What it remembers ---------------------------------------------------------------------

    @property
    def meta(self) -> Thing:
        meta = self.store.get("meta", META)
        return {"id": META} if meta is None else meta

    @property
    def merchant(self) -> Thing:
        return self.store.all("merchant")[0]

    @property
    def webhooks(self) -> list[str]:
        return list(self.meta["webhooks"])

    def set_webhooks(self, addresses: Sequence[str]) -> None:
        self.store.put("meta", {**self.meta, "webhooks": list(addresses)})

    @property
    def live(self) -> bool:
        return self.secret_key.startswith("live")
