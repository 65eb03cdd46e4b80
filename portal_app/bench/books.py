"""What the books cost: posting through the domain against plain SQL of the same rows, and a matter's ledger that grows.

Everything happens in one matter of a firm made for it, so that its ledger is as long as the books.
"""

from __future__ import annotations

import datetime as dt
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from itertools import islice
from typing import Any

from portal_app import chain, clock
from portal_app.db import db, is_sqlite, rows_of, run, transaction
from portal_app.domain import ledger
from portal_app.domain.ledger import FEES, RECEIVABLE, UNAPPLIED, Leg
from portal_app.domain.matters import Matter

SIZES = (1_000, 100_000, 1_000_000)  # postings in the matter's ledger
POSTS = 40  # entries by each road in a round
ROUNDS = 8
READS = 200
CHUNK = 5_000  # entries in a transaction while the books are filled
_DAY = dt.date(2020, 1, 1)

_INSERTS = {
    "entry": """INSERT INTO journal_entry (id, posted_at, occurred_on, code, description, source, legs)
        VALUES (?, ?, ?, ?, ?, ?, 2)""",
    "leg": """INSERT INTO posting (entry_id, account_code, matter_id, currency, amount_cents)
        VALUES (?, ?, ?, ?, ?)""",
    "link": """INSERT INTO chain_link (matter_id, sequence, entry_id, previous, hash, debit_cents, credit_cents,
        balance_cents) VALUES (?, ?, ?, ?, ?, ?, ?, ?)""",
    "seal": "INSERT INTO journal_seal (entry_id, sealed_at) VALUES (?, ?)",
}


@dataclass(frozen=True, slots=True)
class Result:
    """At one size of the books: microseconds of CPU for the cheapest entry by each road and their ratio (times 100),
    durable entries a second in the best round, and microseconds of CPU for the cheapest reading of the first page of
    the matter's ledger and of one in its middle."""

    postings: int
    domain_microseconds: int
    plain_microseconds: int
    ratio_hundredths: int
    domain_per_second: int
    plain_per_second: int
    first_page_microseconds: int
    middle_page_microseconds: int


@dataclass(frozen=True, slots=True)
class Row:
    """All that is written for one entry of two legs."""

    entry: tuple[Any, ...]
    legs: tuple[tuple[Any, ...], ...]
    link: tuple[Any, ...]
    seal: tuple[Any, ...]


def rows(matter: Matter) -> Iterator[Row]:
    """Entries that follow what is in the matter's chain, without end: fees, and money that pays them."""
    head = ledger.head_of(matter)
    sequence, before, balance = head.sequence, head.hash, head.balance_cents
    number = int(rows_of("SELECT COALESCE(MAX(id), 0) FROM journal_entry")[0][0])
    moment = str(clock.now())
    while True:
        number, sequence = number + 1, sequence + 1
        cents = 10_000 + number % 977
        code, other, owed = ("invoice_issued", FEES, cents) if number % 2 else ("unapplied_applied", UNAPPLIED, -cents)
        day = str(_DAY + dt.timedelta(days=number % 2_400))
        values = (number, moment, day, code, f"Entry {number} of a long ledger", f"bench:{number}")
        legs = ((RECEIVABLE, matter.id, None, "USD", owed), (other, matter.id, None, "USD", -owed))
        made = chain.link(matter.id, sequence, before, chain.digest(chain.line_of((*values, None, None, None), legs)))
        balance += owed
        yield Row(
            values, tuple((number, leg[0], leg[1], leg[3], leg[4]) for leg in legs),
            (matter.id, sequence, number, before, made, max(owed, 0), max(-owed, 0), balance), (number, moment),
        )  # fmt: skip
        before = made


def fill(matter: Matter, postings: int, tick: Callable[[int], None]) -> None:
    """Make the matter's ledger ``postings`` long, by plain SQL; every trigger stays on."""
    have = int(rows_of("SELECT COUNT(*) FROM posting WHERE matter_id = ?", matter.id)[0][0])
    made, left = rows(matter), (postings - have) // 2
    while left > 0:
        batch = list(islice(made, min(left, CHUNK)))
        with transaction():
            cursor = db.connection().cursor()
            _many(cursor, "entry", [row.entry for row in batch])
            _many(cursor, "leg", [leg for row in batch for leg in row.legs])
            _many(cursor, "link", [row.link for row in batch])
            _many(cursor, "seal", [row.seal for row in batch])
        left -= len(batch)
        tick(2 * len(batch))
    _keep_numbers()


def _many(cursor: Any, name: str, values: list[tuple[Any, ...]]) -> None:
    cursor.executemany(_INSERTS[name] if is_sqlite() else _INSERTS[name].replace("?", "%s"), values)


def _keep_numbers() -> None:
    """PostgreSQL counts only the numbers that it gave itself."""
    if not is_sqlite():
        run("SELECT setval(pg_get_serial_sequence('journal_entry', 'id'), (SELECT MAX(id) FROM journal_entry))")


def measure(matter: Matter) -> Result:
    """The pages, then both roads of posting in turn, round by round. The least counts: whatever else the machine does
    can only add to it, and sizes are measured minutes apart."""
    count = int(rows_of("SELECT COUNT(*) FROM posting WHERE matter_id = ?", matter.id)[0][0])
    pages = _page(matter, None), _page(matter, ledger.head_of(matter).sequence // 2)
    domain, plain = [], []
    for number in range(ROUNDS):
        domain.append(_cost(_by_domain(matter, number)))
        batch = list(islice(rows(matter), POSTS))
        plain.append(_cost(_by_plain_sql(batch)))
        _keep_numbers()
    (cpu, spent), (bare, took) = _least(domain), _least(plain)
    return Result(
        postings=count, domain_microseconds=cpu // 1000, plain_microseconds=bare // 1000,
        ratio_hundredths=cpu * 100 // bare, domain_per_second=10**9 // spent, plain_per_second=10**9 // took,
        first_page_microseconds=pages[0], middle_page_microseconds=pages[1],
    )  # fmt: skip


def _cost(work: Iterator[None]) -> tuple[int, int]:
    """Nanoseconds of CPU for the cheapest entry, and of time for an entry of all that ``work`` writes."""
    spent, began = [], time.perf_counter_ns()
    cpu = time.process_time_ns()
    for _ in work:
        spent.append(time.process_time_ns() - cpu)
        cpu = time.process_time_ns()
    return min(spent), (time.perf_counter_ns() - began) // len(spent)


def _least(costs: list[tuple[int, int]]) -> tuple[int, int]:
    return min(cost[0] for cost in costs), min(cost[1] for cost in costs)


def _by_domain(matter: Matter, number: int) -> Iterator[None]:
    at = time.time_ns()
    for step in range(POSTS):
        legs = [Leg(RECEIVABLE, 10_000, matter.id), Leg(FEES, -10_000, matter.id)]
        ledger.post(
            "invoice_issued", legs, occurred_on=_DAY, description="Entry of a long ledger",
            source=f"bench:{at}:{number}:{step}", currency="USD",
        )  # fmt: skip
        yield


def _by_plain_sql(batch: list[Row]) -> Iterator[None]:
    for row in batch:
        with transaction():
            cursor = db.connection().cursor()
            for name, values in (("entry", [row.entry]), ("leg", row.legs), ("link", [row.link]), ("seal", [row.seal])):
                _many(cursor, name, list(values))
        yield


def _page(matter: Matter, before: int | None) -> int:
    """Microseconds of CPU for the lines of a page, at the least."""
    spent = []
    for _ in range(READS):
        began = time.process_time_ns()
        ledger.for_matter(matter, limit=101, before=before)
        spent.append(time.process_time_ns() - began)
    return min(spent) // 1000


def as_json(results: list[Result]) -> list[dict[str, Any]]:
    return [asdict(result) for result in results]
