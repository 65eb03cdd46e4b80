"""``portal bench``: what pages and the books cost."""

from __future__ import annotations

import json
import secrets
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import click

from portal_app.cli.shared import Sentence, load

if TYPE_CHECKING:
    from portal_app.bench import Result, Target
    from portal_app.config import Config
    from portal_app.domain.matters import Matter

WHO = {"client": "alice@example.com", "firm": "carol@example.com", "other": "bob@example.com"}
HEAD = ("page", "CPU µs", "× bare", "steps", "a second", "queries", "bytes", "first visit", "requests")


@click.group()
def bench() -> None:
    """Measure the portal on this machine."""


@bench.command()
@click.option("--json", "as_json", is_flag=True, help="Print the results as JSON.")
@click.option(
    "--callers", type=click.IntRange(1, 4), default=1, show_default=True, help="How many ask at the same time."
)
def pages(as_json: bool, callers: int) -> None:
    """CPU, steps, queries and bytes of the main pages, on a demo firm made for it.

    CPU is a ratio to a bare Flask page (6 kB, two queries) under the same server in the same run, so it can be compared
    between machines. Steps are the Python instructions of one request, the same on every machine.
    """
    from portal_app import bench as measuring

    with (
        tempfile.TemporaryDirectory() as name,
        click.progressbar(length=0, label="Filling a demo firm", file=sys.stderr) as bar,
    ):
        folder = Path(name)
        settings = load(data=str(folder / "data"))
        targets = _fill(settings)
        bar.label, bar.length = "Measuring", len(targets) * measuring.ROUNDS
        results = measuring.measure(settings, targets, folder, lambda: bar.update(1), callers)
    if as_json:
        click.echo(json.dumps(measuring.as_json(results), indent=2))
    else:
        _table(results)


@bench.command("sign-in")
@click.option("--tries", type=click.IntRange(1, 45), default=15, show_default=True, help="How often each is tried.")
def sign_in(tries: int) -> None:
    """Response times of the sign-in page for known and unknown names: they must not differ.

    Each name is tried from addresses of its own, so that no throttle is in the way, with the password hash of the
    settings. Milliseconds of whole requests, on a demo firm made for it.
    """
    from portal_app.bench import sign_in as measuring

    with tempfile.TemporaryDirectory() as name:
        settings = load(data=str(Path(name) / "data"))
        _fill(settings)
        rows = measuring.measure(settings, tries)
    click.echo(f"{'who':<22}{'least':>9}{'25 %':>9}{'median':>9}{'75 %':>9}{'most':>9}")
    for row in rows:
        times = (row.least, row.lower, row.median, row.upper, row.most)
        cells = "".join(f"{micro // 1000:>7}.{micro % 1000 // 100}" for micro in times)
        click.echo(f"{row.who:<22}{cells}")


@bench.command("beside")
@click.option("--requests", default=1000, show_default=True, help="How often the page is asked for, each time.")
def beside(requests: int) -> None:
    """A client's home while others keep the portal busy: what 95 of 100 answers stay below, alone, beside somebody who
    fetches one accounting of a trust ledger after another, and while five people a second sign in.

    Milliseconds of whole requests on a demo firm made for it; the ratios can be compared between machines.
    """
    from portal_app.bench import beside as measuring
    from portal_app.demo import PASSWORD

    with (
        tempfile.TemporaryDirectory() as name,
        click.progressbar(length=3 * requests, label="Measuring", file=sys.stderr) as bar,
    ):
        settings = load(data=str(Path(name) / "data"))
        matter = next(target.path for target in _fill(settings) if target.name == "matter")
        who = measuring.Who(WHO["client"], WHO["firm"], f"{matter}/trust.pdf", WHO["other"], PASSWORD)
        rows = measuring.measure(settings, who, requests, lambda: bar.update(1))
    alone = rows[0].p95
    cells = [
        (
            row.beside,
            *(f"{micro // 1000}.{micro % 1000 // 100}" for micro in (row.median, row.p95)),
            f"{row.p95 * 100 // alone // 100}.{row.p95 * 100 // alone % 100:02d}",
            "" if row is rows[0] else str(row.meanwhile),
        )
        for row in rows
    ]
    _columns([("client home", "median ms", "95 of 100 ms", "× alone", "meanwhile"), *cells])


@bench.command("start")
@click.option("--json", "as_json", is_flag=True, help="Print the results as JSON.")
def start(as_json: bool) -> None:
    """From `portal serve` to the first answered page, and the memory of the process then and twenty pages later.

    Beside a bare Flask page that is started in the same way; the ratio can be compared between machines. On Linux.
    """
    from portal_app.bench import start as measuring

    if not measuring.is_possible():
        raise Sentence("This system does not tell what a process costs; Linux does.")
    with (
        tempfile.TemporaryDirectory() as name,
        click.progressbar(length=measuring.ROUNDS + 1, label="Measuring", file=sys.stderr) as bar,
    ):
        settings = load(data=str(Path(name) / "data"))
        _fill(settings)
        floor, portal = measuring.measure(settings, WHO["client"], Path(name), lambda: bar.update(1))
    found = measuring.as_json(floor, portal)
    if as_json:
        click.echo(json.dumps(found, indent=2))
        return
    head = ("", "CPU ms", "until answered ms", "memory KiB", "after 20 pages")
    rows = [(name, *(f"{value:,}" for value in found[name].values())) for name in ("floor", "portal")]
    times = (f"{value // 100}.{value % 100:02d}" for value in found["ratio_hundredths"].values())
    _columns([head, *rows, ("times", *times)])


@bench.command("ledger")
@click.option("--json", "as_json", is_flag=True, help="Print the results as JSON.")
@click.option("--most", default=1_000_000, show_default=True, help="Postings in the largest of the books.")
@click.option(
    "--database", metavar="ADDRESS", help="An empty PostgreSQL database; SQLite in a folder of its own otherwise."
)
def bench_ledger(as_json: bool, most: int, database: str | None) -> None:
    """Posting through the domain against plain SQL of the same rows, and a matter's ledger at a thousand, a hundred
    thousand and a million postings; at the end the books are verified.

    CPU for an entry can be compared between machines; entries a second depend on the disk, since each is durable when
    it is counted.
    """
    from portal_app.bench import books

    with tempfile.TemporaryDirectory() as name:
        settings = load(data=str(Path(name) / "data"), **({"database": database} if database else {}))
        matter = _long_matter(settings)
        results = []
        with click.progressbar(length=most, label="Posting", file=sys.stderr) as bar:
            for size in [size for size in books.SIZES if size <= most]:
                books.fill(matter, size, bar.update)
                results.append(books.measure(matter))
        seconds, faults = _verified()
    if as_json:
        rows = books.as_json(results)
        click.echo(json.dumps({"sizes": rows, "verify_seconds": seconds, "faults": faults}, indent=2))
        return
    head = ("postings", "CPU µs", "plain SQL", "× plain", "a second", "plain SQL", "first page µs", "middle page µs")
    cells = [
        (f"{row.postings:,}", f"{row.domain_microseconds:,}", f"{row.plain_microseconds:,}",
         f"{row.ratio_hundredths // 100}.{row.ratio_hundredths % 100:02d}", f"{row.domain_per_second:,}",
         f"{row.plain_per_second:,}", f"{row.first_page_microseconds:,}", f"{row.middle_page_microseconds:,}")
        for row in results
    ]  # fmt: skip
    _columns([head, *cells])
    click.echo(f"Verified in {seconds} s; {faults} faults.")


def _long_matter(settings: Config) -> Matter:
    from portal_app import clock, founding
    from portal_app.domain import matters, people

    founding.open_data(settings)
    who = founding.found(
        "Bench & Bar LLP", admin_name="Carol Quillfeather", admin_email=WHO["firm"], password=secrets.token_hex(),
        time_zone="UTC", roles=["administrator", "attorney"],
    )  # fmt: skip
    client = people.add_client(kind="person", name="Alice Vasquez-Thornbury", created_by=who)
    return matters.open_matter(number="", name="A long ledger", client=client, opened_on=clock.today("UTC"), by=who)


def _verified() -> tuple[int, int]:
    """Whole seconds that it took, and the faults that were found."""
    import time

    from portal_app.verify import verify

    began = time.perf_counter_ns()
    report = verify()
    return (time.perf_counter_ns() - began) // 10**9, len(report.faults)


def _fill(settings: Config) -> list[Target]:
    from portal_app import db, founding
    from portal_app.bench import Target
    from portal_app.demo.filling import fill
    from portal_app.domain import invoices, people
    from portal_app.domain.matters import Matter

    founding.open_data(settings)
    fill(settings)
    alice = people.PortalUser.get(people.PortalUser.email == WHO["client"])
    first = invoices.open_for(alice)[0]
    found = Matter.get(Matter.number == first.matter_number)
    matter, words = f"/firm/matters/{found.id}", found.name.split()[0].lower()
    db.db.close()
    return [
        Target("client home", "/portal", WHO["client"]),
        Target("client invoice", f"/portal/invoices/{first.public_id}", WHO["client"]),
        Target("pay now", "/portal/pay", WHO["client"]),
        Target("home, one matter", f"/portal?matter={first.matter_number}", WHO["client"], is_fragment=True),
        Target("matter, one fact", f"{matter}/facts/name/edit", WHO["firm"], is_fragment=True),
        Target("matters found", f"/firm/matters?q={words}", WHO["firm"], is_fragment=True),
        Target("matter", matter, WHO["firm"]),
        Target("matter ledger", f"{matter}/ledger", WHO["firm"]),
    ]


def _table(results: list[Result]) -> None:
    rows = [
        (
            row.name, f"{row.cpu_microseconds:,}", f"{row.ratio_hundredths // 100}.{row.ratio_hundredths % 100:02d}",
            f"{row.steps:,}", f"{row.requests_per_second:,}", str(row.queries), f"{row.page_bytes:,}",
            f"{row.first_visit_bytes:,}", str(row.requests),
        )
        for row in results
    ]  # fmt: skip
    _columns([HEAD, *rows])


def _columns(rows: list[tuple[str, ...]]) -> None:
    widths = [max(len(row[at]) for row in rows) for at in range(len(rows[0]))]
    for row in rows:
        click.echo(
            "  ".join(
                [row[0].ljust(widths[0]), *(text.rjust(wide) for text, wide in zip(row[1:], widths[1:], strict=True))]
            )
        )
