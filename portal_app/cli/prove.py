"""``portal prove-payments``: faults played between the real portal and fakes of its gateways."""

from __future__ import annotations

import tempfile
from importlib.metadata import entry_points
from itertools import groupby
from pathlib import Path
from typing import Any

import click

from portal_app.cli.shared import Sentence

WIRES = "portal_app.wires"


@click.command("prove-payments")
@click.option("--gateway", "names", multiple=True, help="Only this gateway; may be said again. Default: all installed.")
@click.option(
    "--database", default="", help="Address of an empty PostgreSQL database, for one gateway. Default: SQLite."
)
@click.option("--every", default=1, type=click.IntRange(1), show_default=True, help="Take only every n-th cell.")
@click.option(
    "--months", default=0, type=click.IntRange(0), help="Simulate this many firm-months instead, seed by seed."
)
@click.option("--seed", default=1, show_default=True, help="The first seed.")
def prove_payments(names: tuple[str, ...], database: str, every: int, months: int, seed: int) -> None:
    """Count a fake gateway's own charges against the ledger, over a matrix of faults or over simulated months.

    Nothing real is touched: everything happens in a folder that is thrown away, without network. Exit code 1 when
    anything was charged twice, lost, stuck or booked wrongly.
    """
    import logging

    logging.disable(logging.CRITICAL)  # the faults are meant
    wires = _wires(names)
    if database and len(wires) > 1:
        raise Sentence("An empty database serves one gateway: name it with --gateway.")
    if database and months > 1:
        raise Sentence("An empty database serves one month: say --months 1, with another --seed for each.")
    is_clean = True
    for name, (gateway, make) in wires.items():
        found = (
            _months(name, gateway, make, database, months, seed)
            if months
            else _matrix(name, gateway, make, database, every)
        )
        is_clean = is_clean and found
    if not is_clean:
        raise click.exceptions.Exit(1)


def _wires(names: tuple[str, ...]) -> dict[str, tuple[object, Any]]:
    """By name: the gateway of each installed plugin that brings a fake of its wire, and how to make one."""
    points = {point.name: point for point in entry_points(group=WIRES)}
    unknown = set(names) - points.keys()
    if unknown or not points:
        raise Sentence(
            f"There is no fake of {', '.join(sorted(unknown)) or 'any gateway'} here. There are: {', '.join(points)}."
        )
    gateways = {point.name: point for point in entry_points(group="portal_app.plugins")}
    return {name: (gateways[name].load(), points[name].load()) for name in sorted(names or points)}


def _matrix(name: str, gateway: object, make: Any, database: str, every: int) -> bool:
    """One line for each fault, as it is done, then the sum."""
    from portal_app.testing.proof import matrix
    from portal_app.testing.proof.rig import Rig

    total = matrix.Tally()
    with tempfile.TemporaryDirectory() as folder, Rig(gateway, make(), Path(folder), database) as rig:
        for fault, cells in groupby(matrix.cells()[::every], lambda cell: cell.fault):
            tally = matrix.prove(rig, cells)
            click.echo(f"{name}, {fault}: {tally.line()}")
            total.add(tally)
    click.echo(f"{name}, all: {total.line()}")
    for wrong, where in total.wrong.items():
        for cell in where:
            click.echo(f"  {wrong}: {cell}")
    return total.is_clean


def _months(name: str, gateway: object, make: Any, database: str, months: int, seed: int) -> bool:
    """One line for each seed, as it is done, then what was done and what went wrong meanwhile."""
    import time
    from collections import Counter

    from portal_app.testing.proof.months import Firm
    from portal_app.testing.proof.rig import Rig

    is_clean, began = True, time.monotonic_ns()
    did: Counter[str] = Counter()
    had: Counter[str] = Counter()
    for number in range(seed, seed + months):
        with tempfile.TemporaryDirectory() as folder, Rig(gateway, make(), Path(folder), database) as rig:
            run = Firm(rig, number, 30).live()
        click.echo(f"{name}: {run.line()}")
        is_clean = is_clean and not run.wrong
        did, had = did + run.did, had + run.had
    nanoseconds = max(time.monotonic_ns() - began, 1)
    for title, counted in (("done", did), ("troubles", had)):
        said = ", ".join(f"{each.replace('_', ' ')} {count}" for each, count in sorted(counted.items()))
        click.echo(f"{name}, {title}: {said}")
    click.echo(f"{name}: {months * 30 * 60 * 10**9 // nanoseconds} firm-days a minute")
    return is_clean
