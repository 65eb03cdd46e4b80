"""What can be made to go wrong, and for how long. Kept in memory only: a restart heals everything."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from typing import Final


class Dropped(ConnectionError):
    """The connection ends without an answer. In a test without a socket this is what the caller gets."""


@dataclass(frozen=True)
class Kind:
    """``scope``: which calls it strikes unless told otherwise: money (those that move it), all, lists, webhooks."""

    name: str
    words: str
    scope: str
    seconds: int | None = None  # how long, where that means something: its default


KINDS: Final = {
    kind.name: kind
    for kind in (
        Kind("lost_answer", "The call is taken, the connection drops", "money"),
        Kind("no_answer", "The call is taken, the answer never comes", "money", 30),
        Kind("error_after", "The call is taken, the answer is 500", "money"),
        Kind("error_before", "The call is not taken, the answer is 500", "money"),
        Kind("garbage", "The call is taken, the answer is unreadable", "all"),
        Kind("slow", "Answers take their time", "all", 3),
        Kind("down", "Connections drop at once", "all"),
        Kind("unavailable", "503 from the machine in front", "all"),
        Kind("unauthorized", "401 with the right key", "all"),
        Kind("rate_limited", "429, too many calls", "all"),
        Kind("lag", "Lists and searches do not show new things yet", "lists", 3600),
        Kind("webhook_drop", "Webhooks get lost", "webhooks"),
        Kind("webhook_duplicate", "Webhooks come twice", "webhooks"),
        Kind("webhook_reorder", "Webhooks come in the wrong order", "webhooks"),
        Kind("webhook_late", "Webhooks come late", "webhooks", 3600),
    )
}


@dataclass
class Fault:
    """A fault that is on. ``calls`` is how many it still strikes, None until it is switched off; ``only`` narrows it
    to calls whose ``METHOD /path`` contains that text."""

    kind: Kind
    calls: int | None = None
    seconds: int = 0
    only: str = ""


class Faults:
    def __init__(self) -> None:
        self._on: dict[str, Fault] = {}
        self._lock = threading.Lock()

    def switch_on(self, name: str, *, calls: int | None = None, seconds: int | None = None, only: str = "") -> Fault:
        """Raises ``KeyError`` for a fault that there is not, ``ValueError`` for a count below one."""
        kind = KINDS[name]
        if (calls is not None and calls < 1) or (seconds is not None and seconds < 0):
            raise ValueError("calls must be 1 or more, seconds 0 or more")
        fault = Fault(kind, calls, (kind.seconds or 0) if seconds is None else seconds, only)
        with self._lock:
            self._on[name] = fault
        return fault

    def switch_off(self, name: str) -> None:
        with self._lock:
            self._on.pop(name, None)

    def clear(self) -> None:
        with self._lock:
            self._on.clear()

    def on(self) -> list[Fault]:
        with self._lock:
            return list(self._on.values())

    def strike(self, name: str, call: str) -> Fault | None:
        """The fault if it strikes this call (``METHOD /path``, or a webhook's event type): one of its calls is used."""
        with self._lock:
            fault = self._on.get(name)
            if fault is None or not _struck(fault, call):
                return None
            if fault.calls is not None:
                fault.calls -= 1
                if fault.calls == 0:
                    del self._on[name]
            return fault


MONEY: Final = ("/charges", "/credits", "/void", "/pay", "/capture", "/refund")
LISTS: Final = ("/transactions", "/events", "/charges/holds", "/cards", "/banks", "/recurring/charges", "/occurrences")


def _struck(fault: Fault, call: str) -> bool:
    if fault.only:
        return fault.only in call
    method, _, path = call.partition(" ")
    if fault.kind.scope == "money":
        return method == "POST" and path.endswith(MONEY)
    if fault.kind.scope == "lists":
        return method == "GET" and path.endswith(LISTS)
    return True
