"""``portal export``: the books for other programs."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import click

from portal_app.cli.books import export_journal
from portal_app.cli.shared import data_option, load

if TYPE_CHECKING:
    import datetime as dt

    from portal_app.domain.exports import Export, Wanted

LONG = 5000  # entries from which on a bar is shown
TABLES = ("journal", "receivables", "trust", "payments")


def _options(command: Callable[..., Any]) -> Callable[..., Any]:
    """What every export takes."""
    day = click.DateTime(["%Y-%m-%d"])
    for option in (
        click.option("--output", "-o", metavar="FILE", type=click.Path(dir_okay=False), help="Write to this file."),
        click.option("--to", "until", metavar="YYYY-MM-DD", type=day, help="Up to this day, included."),
        click.option("--from", "since", metavar="YYYY-MM-DD", type=day, help="From this day on."),
        data_option,
    ):
        command = option(command)
    return command


@click.group()
def export() -> None:
    """Write the books for other programs: to the terminal, or to a file with --output.

    Days are the firm's, both included. Long work shows its progress on standard error.
    """


export.add_command(export_journal)


@export.command()
@_options
def beancount(**options: Any) -> None:
    """The journal for Beancount 3, with balances that `bean-check` compares."""
    _export("beancount", **options)


@export.command()
@_options
def hledger(**options: Any) -> None:
    """The journal for hledger, with balances that `hledger check` compares."""
    _export("hledger", **options)


@export.command("general-ledger")
@_options
def general_ledger(**options: Any) -> None:
    """The general ledger as CSV, as most accounting programs import it."""
    _export("general-ledger", **options)


@export.command()
@click.argument("table", type=click.Choice(TABLES))
@_options
def csv(table: str, **options: Any) -> None:
    """One of the tables, as CSV: the journal, receivables by age, trust balances, payments.

    Receivables and trust balances show a state: as of --to, or now; --from means nothing for them.
    """
    _export(table, **options)


@export.command()
@click.argument("numbers", nargs=-1, metavar="[INVOICE]...")
@_options
def ledes(numbers: tuple[str, ...], **options: Any) -> None:
    """Invoices as LEDES 1998B: those of these numbers, or all that were issued on these days and are not void."""
    _export("ledes", numbers=numbers, **options)


def _export(
    name: str, *, data: str | None, since: dt.datetime | None, until: dt.datetime | None, output: str | None,
    numbers: tuple[str, ...] = (),
) -> None:  # fmt: skip
    settings = load(data=data)
    from portal_app import clock, founding
    from portal_app.domain import exports, firms

    founding.firm_of(settings)
    found = exports.EXPORTS[name]
    today = clock.today(firms.current().time_zone)
    days = (since.date() if since else None, until.date() if until else None)
    if numbers:
        _write(output, exports.steady(_named(numbers)))
        return
    with _progress(found, exports.Wanted(*days)) as moved:
        _write(output, exports.steady(found.write(exports.Wanted(*days, moved=moved), today)))


def _named(numbers: tuple[str, ...]) -> Iterator[str]:
    """The invoices of these numbers, in one file."""
    from portal_app.domain import exports, invoices
    from portal_app.domain.errors import Refused
    from portal_app.domain.invoices import Invoice

    rows = {row.number: row for row in invoices.with_balances().where(Invoice.number.in_(list(numbers)))}
    missing = [number for number in numbers if number not in rows]
    if missing:
        raise Refused(f"There is no issued invoice {', '.join(missing)}.")
    yield exports.ledes.invoices_of([rows[number] for number in dict.fromkeys(numbers)])


@contextmanager
def _progress(found: Export, wanted: Wanted) -> Iterator[Callable[[int], None]]:
    """A bar on standard error, when there is much to do."""
    steps = found.count(wanted)
    if steps < LONG:
        yield lambda _count: None
        return
    with click.progressbar(length=steps, label=found.title, file=sys.stderr) as bar:
        yield bar.update


def _write(output: str | None, pieces: Iterator[str]) -> None:
    """To the file, which is whole or is not there; or to standard output."""
    if output is None:
        for piece in pieces:
            click.echo(piece, nl=False)
        return
    with click.open_file(output, "w", encoding="utf-8", atomic=True) as target:
        target.writelines(pieces)
