"""``portal verify``, ``portal export journal`` and ``portal reconcile``: the books."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from portal_app.cli.shared import data_option, load

if TYPE_CHECKING:
    from portal_app.verify import Report


@click.command()
@data_option
@click.option("--json", "as_json", is_flag=True, help="Print the report as JSON.")
@click.option("--documents", is_flag=True, help="Also read every stored document and compare its hash. Takes longer.")
@click.option(
    "--file",
    "file",
    metavar="EXPORT",
    type=click.Path(exists=True, dir_okay=False),
    help="Prove a journal export from its bytes alone, without a database.",
)
@click.option("--head", metavar="HASH", help="Look for the hash that a receipt or statement bears, or a checkpoint's.")
def verify(data: str | None, as_json: bool, documents: bool, file: str | None, head: str | None) -> None:
    """Prove the books again from the postings alone, without network. Exit code 1 when anything does not hold.

    Chains, checkpoints, seals, running totals, what is owed on each invoice, and payments against the journal. A byte
    that has changed in an entry is named, with what was written there.
    """
    from portal_app import founding
    from portal_app import verify as proof

    if file:
        report = proof.verify_file(Path(file))
    else:
        founding.firm_of(load(data=data))
        report = proof.verify(with_documents=documents)
    faults = report.faults + (_no_such(head) if head and not file else [])
    _say(report, faults, as_json)
    if faults:
        raise click.exceptions.Exit(1)


def _no_such(head: str) -> list[str]:
    """Say where the hash of a paper stands in the books; as a fault when it does not."""
    from portal_app.domain import ledger

    for link in ledger.with_hash(head):
        place = f"number {link.sequence} in the chain of matter {link.matter_id}"
        click.echo(f"{link.hash} is {place}: journal entry {link.entry_id}.", err=True)
        return []
    for row in ledger.Checkpoint.select().where(ledger.Checkpoint.hash.startswith(head.strip().lower())):
        click.echo(f"{row.hash} is checkpoint {row.number}.", err=True)
        return []
    return [f"There is no entry and no checkpoint with the hash {head}: the paper tells of other books than these."]


def _say(report: Report, faults: list[str], as_json: bool) -> None:
    from dataclasses import replace

    from portal_app import money

    report = replace(report, faults=faults)
    if as_json:
        import json

        click.echo(json.dumps(report.as_dict(), indent=2))
        return
    for fault in faults:
        click.echo(fault)
    for code, cents in report.balances.items():
        click.echo(f"{code:<24}{money.bare(cents):>20}")
    click.echo(report.summary())


@click.command("journal")
@data_option
@click.argument("target", type=click.Path(dir_okay=False, writable=True))
def export_journal(data: str | None, target: str) -> None:
    """Write the whole journal with its hash chains to TARGET: one file that proves itself.

    `portal verify --file TARGET` proves it anywhere, without a database. The same books give the same bytes.
    """
    from portal_app import founding
    from portal_app.verify import files

    founding.firm_of(load(data=data))
    with Path(target).open("wb") as out:
        count = files.export(out)
    click.echo(f"{count} journal entries are in {target}.")


@click.command()
@data_option
def reconcile(data: str | None) -> None:
    """Ask the gateways what became of unfinished payments, and say what they answered.

    `portal serve` does this by itself; here it is done now, for every payment whose next look is due.
    """
    settings = load(data=data)
    from portal_app import founding

    founding.firm_of(settings)
    from portal_app import gateways, money
    from portal_app.domain.payments import Payment, unfinished

    before = {payment.id: payment.state for payment in unfinished()}
    while gateways.recover() + gateways.recover_refunds():
        pass
    for payment in Payment.select().where(Payment.id.in_(list(before))).order_by(Payment.id):
        change = "still " if payment.state == before[payment.id] else f"{before[payment.id]} → "
        click.echo(f"Payment {payment.id}, {money.show(payment.amount_cents)}: {change}{payment.state}")
    if not before:
        click.echo("No payment is unfinished.")


@click.command()
@data_option
def sweep(data: str | None) -> None:
    """Compare every gateway's own list with the books, both ways, and book its fees and payouts.

    `portal serve` does this by itself once a day; here it is done now. What only a person can decide is listed, and
    shown under Payments › Questions.
    """
    settings = load(data=data)
    from portal_app import founding

    founding.firm_of(settings)
    from portal_app import gateways
    from portal_app.domain import payments
    from portal_app.gateway_setup import all_gateways

    for gateway in all_gateways():
        if not gateways.can_list(gateway):
            click.echo(f"{gateway.code}: gives no list of its transactions")
            continue
        found = gateways.sweep(gateway)
        last = payments.last_sweep(gateway)
        click.echo(f"{gateway.code}: {found} lines" + (f"; stopped: {last.error}" if last and last.error else ""))
    for question in payments.open_questions():
        click.echo(f"Question {question.id}: {payments.KINDS[question.kind][0]}. {question.detail}")
