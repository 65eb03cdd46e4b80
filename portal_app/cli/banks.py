"""``portal import-statement`` and ``portal reconcile-trust``: the bank's side of the books."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from portal_app.cli.shared import Sentence, data_option, load

DAY = click.DateTime(["%Y-%m-%d"])


def _account(word: str, fund: str = "") -> Any:
    """The bank account of this id or name."""
    from portal_app.domain import banks

    found = banks.bank_accounts(fund)
    chosen = [row for row in found if word in {str(row.id), row.name}]
    if not chosen:
        names = ", ".join(f"{row.id} ({row.name})" for row in found) or "none"
        raise Sentence(f"There is no such bank account: {word}. There are: {names}.")
    return chosen[0]


@click.command()
@data_option
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--account", required=True, metavar="ID|NAME", help="The bank account.")
@click.option("--from", "starts_on", type=DAY, help="First day of the statement.  [default: the first entry's]")
@click.option("--to", "ends_on", type=DAY, help="Last day of the statement.  [default: the last entry's]")
@click.option("--opening", metavar="AMOUNT", help="Opening balance.  [default: what leads to the closing one]")
@click.option("--closing", metavar="AMOUNT", help="Closing balance, where the file does not name it.")
@click.option("--dry-run", is_flag=True, help="Only say what would be imported.")
def import_statement(
    data: str | None, file: Path, account: str, starts_on: Any, ends_on: Any, opening: str | None, closing: str | None,
    dry_run: bool,
) -> None:  # fmt: skip
    """Import a bank's statement: CSV, OFX, QFX or MT940. All of it, or nothing.

    A table is read as the account's last one was, or by a guess: bring the first one in the portal's own pages, where
    the columns can be chosen. Entries that are imported already are left out.
    """
    settings = load(data=data)
    from portal_app import founding

    founding.firm_of(settings)
    from portal_app.domain import statements

    if file.stat().st_size > statements.MOST_BYTES:
        raise Sentence(f"A statement of more than {statements.MOST_BYTES // (1024 * 1024)} MB is not read.")
    given = {
        "starts_on": starts_on.date() if starts_on else None, "ends_on": ends_on.date() if ends_on else None,
        "opening_cents": _cents(opening), "closing_cents": _cents(closing),
    }  # fmt: skip
    row = statements.upload(_account(account), name=file.name, chunks=[file.read_bytes()], by=None)
    try:
        _import(row, given, dry_run)
    finally:
        if not statements.find(row.id).is_imported:
            statements.remove(row)


def _cents(text: str | None) -> int | None:
    from portal_app import money

    if text is None:
        return None
    typed = text.strip()
    try:
        cents = money.parse(typed.lstrip("-−"))
    except money.BadAmount as problem:
        raise Sentence(f"{text}: {problem}") from None
    return -cents if typed.startswith(("-", "−")) else cents


def _import(row: Any, given: dict[str, Any], dry_run: bool) -> None:
    from portal_app import money
    from portal_app.domain import audit, statements
    from portal_app.domain.audit import Pending

    mapping = statements.mapping_for(row) if row.format == "table" else None
    shown = statements.preview(row, mapping, **given)
    for problem in shown.parsed.problems:
        click.echo(problem, err=True)
    for note in shown.parsed.notes:
        click.echo(note)
    click.echo(
        f"{len(shown.fresh)} new entries, {shown.known} known already, from {shown.starts_on} to {shown.ends_on}"
    )
    click.echo(f"Opening {money.bare(shown.opening_cents)}, closing {money.bare(shown.closing_cents)}")
    if dry_run:
        for refusal in statements.check(row, shown):
            raise refusal
        click.echo("Nothing was imported.")
        return
    told = Pending("import_statement", None, row.bank_account.name, f"bankstatement:{row.id}")
    with audit.expect(told), click.progressbar(length=max(len(shown.fresh), 1), label="Importing") as bar:
        statements.import_statement(row, mapping, **given, told=lambda done: bar.update(done - bar.pos))
    click.echo("Imported.")


@click.command()
@data_option
@click.option("--account", metavar="ID|NAME", help="One trust account.  [default: all]")
@click.option("--to", "ends_on", type=DAY, help="The statement's last day.  [default: each account's newest]")
@click.option("--close", "is_closing", is_flag=True, help="Close the period when all figures are one.")
def reconcile_trust(data: str | None, account: str | None, ends_on: Any, is_closing: bool) -> None:
    """Compare the bank, the books and the clients' ledgers of the trust accounts, to the cent.

    Prints the three figures and what lies between them, for each account. Exit code 1 when they are not equal anywhere.
    """
    settings = load(data=data)
    from portal_app import founding

    founding.firm_of(settings)
    from portal_app.domain import banks

    rows = [_account(account, "trust")] if account else banks.bank_accounts("trust")
    if not rows:
        click.echo("There is no trust account.")
    day = ends_on.date() if ends_on else None
    results = [_reconcile(row, day, is_closing) for row in rows]
    if not all(results):
        raise click.exceptions.Exit(1)


def _reconcile(account: Any, day: Any, is_closing: bool) -> bool:
    """Whether the account's figures are one, or were when they were closed."""
    from portal_app.domain import audit, reconciliations, statements
    from portal_app.domain.audit import Pending

    click.echo(f"{account.name}:")
    found = [row for row in statements.of_account(account) if row.is_imported and day in {None, row.ends_on}]
    if not found:
        click.echo("  No statement is imported" + (f" that ends on {day}." if day else "."))
        return False
    statement = statements.find(found[0].id)
    until = reconciliations.locked_until(account)
    if until is not None and statement.ends_on <= until:
        click.echo(f"  Closed to the end of {until}.")
        return True
    figures = reconciliations.current(statement)
    _print(figures)
    if is_closing:
        with audit.expect(Pending("close_reconciliation", None, account.name, f"bankstatement:{statement.id}")):
            closed = reconciliations.close(statement, by=None)
        click.echo(f"  Closed. SHA-256 of the report's facts: {closed.snapshot_sha256}")
    return figures.is_equal


def _print(figures: Any) -> None:
    from portal_app import money
    from portal_app.domain import reconciliations

    def line(text: str, cents: int, inset: str = "  ") -> None:
        click.echo(f"{inset + text:<90}{money.bare(cents):>18}")

    click.echo(f"  {figures.starts_on} to {figures.ends_on}")
    line("Balance on the bank's statement", figures.statement_cents)
    for items in (figures.in_transit, figures.outstanding, figures.gateways, figures.other):
        for item in items:
            entry = f", entry {item.entry_id}" if item.entry_id else ""
            line(f"{item.day} {item.text[:60]}{entry}", item.cents, "    ")
    line("Adjusted bank balance", figures.adjusted_cents)
    line("Book balance", figures.book_cents)
    line("Clients' ledgers and the firm's float", figures.owed_cents)
    for row in figures.flagged:
        line(f"{row.number} {row.matter[:36]}: {', '.join(row.flags)}", row.cents, "    ")
    for problem in reconciliations.why_not(figures):
        click.echo(f"  {problem}")
    for item in figures.loose:
        line(f"{item.day} {item.text[:72]}", item.cents, "    ")
