"""How long the sign-in page takes to say no, to whom: known and unknown names must not differ."""

from __future__ import annotations

import time
from dataclasses import dataclass

from portal_app import create_app, db
from portal_app.config import Config

WHO = {
    "a client": "alice@example.com", "an administrator": "carol@example.com",
    "invited, not yet in": "frank@example.com", "nobody": "nobody@example.com",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Times:
    """Of one kind of name, in microseconds; half of all lie from ``lower`` to ``upper``."""

    who: str
    least: int
    lower: int
    median: int
    upper: int
    most: int


def measure(settings: Config, tries: int) -> list[Times]:
    """A wrong password for each kind of name, ``tries`` times, in turn; the first turn does not count."""
    app = create_app(settings, WTF_CSRF_ENABLED=False)
    taken: dict[str, list[int]] = {who: [] for who in WHO}
    for turn in range(tries + 1):
        for at, (who, email) in enumerate(WHO.items()):
            browser = app.test_client()
            place = {"REMOTE_ADDR": f"10.{at}.{turn // 250}.{turn % 250 + 1}"}
            begun = time.perf_counter_ns()
            browser.post("/sign-in", data={"email": email, "password": f"wrong {turn}"}, environ_base=place)
            taken[who].append((time.perf_counter_ns() - begun) // 1000)
    db.db.close()
    found = {who: sorted(times[1:]) for who, times in taken.items()}
    return [
        Times(who, times[0], times[len(times) // 4], times[len(times) // 2], times[len(times) * 3 // 4], times[-1])
        for who, times in found.items()
    ]
