"""The account book: objects, events, keys, a clock that can be moved, and work that falls due."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterable
from copy import deepcopy
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

Object = dict[str, Any]
Params = dict[str, Any]
DAY = 86_400
API_VERSION = "2026-10-28.endive"

JOBS: dict[str, Callable[[Fake, str], None]] = {}


def job(run: Callable[[Fake, str], None]) -> Callable[[Fake, str], None]:
    """Work that falls due later, found again by its name after a restart."""
    JOBS[run.__name__] = run
    return run


class ApiError(Exception):
    """An error as Stripe words it: ``{"error": {...}}``. ``is_kept``: whether its idempotency key remembers it."""

    def __init__(self, status: int, message: str, *, is_kept: bool = True, **rest: Any) -> None:
        super().__init__(message)
        self.status, self.is_kept = status, is_kept
        self.body = {"error": {"type": "invalid_request_error", "message": message} | rest}


@dataclass(frozen=True)
class Scope:
    """Whose objects a key sees."""

    account: str
    livemode: bool
    is_public: bool = False

    @property
    def name(self) -> str:
        return f"{self.account}/{'live' if self.livemode else 'test'}"


@dataclass
class Fault:
    """What goes wrong with the next ``times`` requests whose method and path match.

    ``kind``: ``error_before`` (500, nothing done) · ``error_after`` (500, done) · ``lost`` (done, no answer) ·
    ``rate`` (429) · ``slow`` (done after ``seconds``) · ``garbage`` (done, the answer is no JSON).
    """

    kind: str
    method: str = "POST"
    path: str = "/v1/"
    times: int = 1
    seconds: int = 1


@dataclass
class Request:
    """One request that came in, for tests to look at."""

    method: str
    path: str
    params: Params
    headers: dict[str, str]


def _fresh() -> Object:
    return {
        "offset": 0,
        "sequence": 0,
        "objects": {},
        "events": [],
        "due": [],
        "keys": {},
        "endpoints": [],
        "outbox": [],
    }


@dataclass
class Fake:
    """Restartable: with a ``path``, another ``Fake`` on the same path goes on where this one stopped."""

    path: Path | None = None
    clock: Callable[[], int] = lambda: time.time_ns() // 10**9
    origin: str = "http://stripe.test"
    list_lag_seconds: int = 0
    hides_after: int | None = None  # lists show nothing that was made after this number
    least_minor: int = 50
    balance_delay: int = 2  # with asynchronous capture a new charge has no balance transaction yet
    faults: list[Fault] = field(default_factory=list)
    requests: list[Request] = field(default_factory=list)
    state: Object = field(default_factory=_fresh)
    lock: threading.RLock = field(default_factory=threading.RLock)
    in_flight: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        if self.path and self.path.exists():
            self.state = json.loads(self.path.read_text("utf-8"))

    def save(self) -> None:
        if self.path is None:
            return
        beside = self.path.with_suffix(".new")
        beside.write_text(json.dumps(self.state), "utf-8")
        beside.replace(self.path)

    # -- Time --------------------------------------------------------------------------------------

    @property
    def now(self) -> int:
        return self.clock() + int(self.state["offset"])

    def advance(self, seconds: int) -> None:
        """Move the clock; do what fell due meanwhile, in its order and at its time."""
        with self.lock:
            target = self.now + seconds
            while waiting := sorted(item for item in self.state["due"] if item[0] <= target):
                self.state["offset"] += max(0, waiting[0][0] - self.now)
                self.tick()
            self.state["offset"] += max(0, target - self.now)
            self.save()

    def later(self, seconds: int, run: Callable[[Fake, str], None], id: str) -> None:
        self.state["due"].append([self.now + seconds, self.next_number(), run.__name__, id])

    def tick(self) -> None:
        """Do what is due by now."""
        while waiting := sorted(item for item in self.state["due"] if item[0] <= self.now):
            self.state["due"].remove(waiting[0])
            JOBS[waiting[0][2]](self, waiting[0][3])

    # -- Objects -----------------------------------------------------------------------------------

    def next_number(self) -> int:
        self.state["sequence"] += 1
        return int(self.state["sequence"])

    def add(self, scope: Scope, kind: str, prefix: str, **fields: Any) -> Object:
        number = self.next_number()
        id = f"{prefix}_fake{number:08d}"
        made = {
            "id": id,
            "object": kind,
            "created": self.now,
            "livemode": scope.livemode,
            "_scope": scope.name,
            "_number": number,
            **fields,
        }
        self.state["objects"][id] = made
        return made

    def object(self, id: str) -> Object:
        found: Object = self.state["objects"][id]
        return found

    def find(self, scope: Scope, kind: str, id: str) -> Object:
        """One object of this account and mode. Raises ``ApiError`` 404."""
        found = self.state["objects"].get(id)
        if found is None or found["object"] != kind or found["_scope"] != scope.name:
            word = kind.rpartition(".")[2]
            raise ApiError(404, f"No such {word}: '{id}'", code="resource_missing", param="id", is_kept=False)
        return found

    def all(self, kind: str, scope: Scope | None = None) -> list[Object]:
        """Objects of one kind, oldest first."""
        return [
            each
            for each in self.state["objects"].values()
            if each["object"] == kind and (scope is None or each["_scope"] == scope.name)
        ]

    def scope_of(self, thing: Object) -> Scope:
        account, _, mode = thing["_scope"].partition("/")
        return Scope(account, mode == "live")

    # -- Events ------------------------------------------------------------------------------------

    def emit(self, thing: Object, *types: str) -> None:
        """Write events about ``thing`` as it is now, and queue them for the account's webhook endpoints."""
        for type in types:
            scope = self.scope_of(thing)
            event = self.add(
                scope,
                "event",
                "evt",
                api_version=API_VERSION,
                data={"object": deepcopy(shown(thing))},
                pending_webhooks=1,
                request={"id": None, "idempotency_key": None},
                type=type,
            )
            for number, endpoint in enumerate(self.state["endpoints"]):
                if endpoint["scope"] == scope.name:
                    self.state["outbox"].append([number, event["id"]])

    def listen(self, url: str, secrets: Iterable[str], account: str = "acct_firm", *, livemode: bool = False) -> None:
        """A webhook endpoint: each delivery is signed with every one of ``secrets``."""
        scope = Scope(account, livemode)
        self.state["endpoints"].append({"url": url, "secrets": list(secrets), "scope": scope.name})

    def lag(self, is_lagging: bool) -> None:
        """From now on, lists do not show what comes anew; off: they show everything again."""
        self.hides_after = int(self.state["sequence"]) if is_lagging else None

    def fault(self, kind: str, method: str = "POST", path: str = "/v1/", *, times: int = 1, seconds: int = 1) -> None:
        self.faults.append(Fault(kind, method, path, times, seconds))


def shown(thing: Any) -> Any:
    """A copy without what is only ours (names that begin with an underscore)."""
    if isinstance(thing, dict):
        return {name: shown(value) for name, value in thing.items() if not name.startswith("_")}
    return [shown(each) for each in thing] if isinstance(thing, list) else thing
