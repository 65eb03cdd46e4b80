"""The postman: delivers events to the portal, again and again until one is taken. Works only while there is work."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Mapping

from portal_sandbox.books import Books
from portal_sandbox.events import HEADER, Event, signature

log = logging.getLogger(__name__)

_NEXT = "SELECT min(next_at) AS at FROM event WHERE next_at > 0"
_LONGEST_NAP_SECONDS = 30
_TIMEOUT_SECONDS = 10

Post = Callable[[str, bytes, Mapping[str, str]], int]


def post(url: str, body: bytes, headers: Mapping[str, str]) -> int:
    """Post ``body`` and return the status of the answer. Raises ``OSError`` when there is none."""
    import httpx  # a third of a start; only an event that is delivered needs it

    try:
        answer = httpx.post(url, content=body, headers=headers, timeout=_TIMEOUT_SECONDS, trust_env=False)
    except (httpx.HTTPError, httpx.InvalidURL) as problem:
        raise OSError(type(problem).__name__) from None
    return answer.status_code


class Postman:
    """One thread at most, and only between ``start`` and ``stop``; a test walks the rounds itself."""

    def __init__(self, books: Books, post: Post) -> None:
        self._books, self._post = books, post
        self._lock, self._bell = threading.Lock(), threading.Event()
        self._thread: threading.Thread | None = None
        self._is_on = False

    def start(self) -> None:
        self._is_on = True
        self.wake()

    def stop(self) -> None:
        self._is_on = False
        self._bell.set()
        if self._thread:
            self._thread.join(timeout=_TIMEOUT_SECONDS)

    def wake(self) -> None:
        """Something may have happened: go round."""
        if not self._is_on:
            return
        with self._lock:
            self._bell.set()
            if self._thread is None:
                self._thread = threading.Thread(target=self._work, name="sandbox-postman", daemon=True)
                self._thread.start()

    def round(self) -> int:
        """Deliver what is due; returns when there is something to do again, in seconds since 1970, 0: never."""
        while event := self._take():
            self._deliver(event)
        with self._books.reading() as rows:
            next_at = int(rows.rows(_NEXT)[0]["at"] or 0)
        return min(filter(None, (next_at, self._books.due_at())), default=0)

    def _work(self) -> None:
        while self._is_on:
            self._bell.clear()
            try:
                due_at = self.round()
            except Exception:
                log.exception("the sandbox's events are not delivered; the next change here tries again")
                due_at = 0
            with self._lock:
                if not due_at and not self._bell.is_set():
                    self._thread = None
                    return
            if due_at:
                self._bell.wait(min(max(due_at - self._books.clock(), 1), _LONGEST_NAP_SECONDS))

    def _take(self) -> Event | None:
        with self._books.writing() as (rows, now):
            due = rows.where(Event, "next_at > 0 AND next_at <= :now ORDER BY next_at, rowid LIMIT 1", now=now)
            return rows.put(due[0].tried(now)) if due else None

    def _deliver(self, event: Event) -> None:
        body = event.body()
        headers = {"Content-Type": "application/json", HEADER: signature(body, event.key, self._books.clock())}
        try:
            status = self._post(event.url, body, headers)
            said, is_ok = f"answered {status}", 200 <= status < 300
        except OSError:
            said, is_ok = "not reached", False
        with self._books.writing() as (rows, now):
            rows.put(event.answered(said, now, is_ok=is_ok))
